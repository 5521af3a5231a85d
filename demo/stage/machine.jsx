import { colourOf, fillOf, letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';
import { routingAt } from '../plane/fields.js';
import { cellAt } from '../plane/geometry.js';
import { placeInWords } from '../plane/map.jsx';
import { isAlone, loadNow, TerritoryMap, toggleAlone } from '../plane/territories.jsx';
import { Chip } from '../views/figure.jsx';
import { columns, curve, edgeWidth, rowMiddle, weightsAt } from './layout.js';

/**
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 * @typedef {import('../plane/views.js').PlaneViews} PlaneViews
 * @typedef {import('../plane/map.jsx').Place} Place
 * @typedef {import('../state.js').State} State
 */

/**
 * The model as a machine, live: the place that is pointed at goes through the router to its experts, whose outputs are
 * added up. Each expert is a small map of the places that it gets.
 *
 * @param {object} props
 * @param {PlaneRun} props.run
 * @param {State} props.state
 * @param {PlaneViews} props.views
 * @param {import('@preact/signals').Signal<Place>} props.cursor
 * @param {import('@preact/signals').Signal<Place | null>} props.hovered
 */
export function Machine({ run, state, views, cursor, hovered }) {
  const map = run.map.value;
  const layer = views.layer.value;
  const place = hovered.value ?? cursor.value;
  const current = Number(state.get('layer')) - 1;
  const layers = Number(state.get('layers'));
  if (!layer) return <Dense built={map !== null} place={place} />;
  const { shape, routing } = layer;
  const at = routingAt(routing, shape, cellAt(place, shape.size));
  const weights = weightsAt(at, shape.experts);
  const load = loadNow(run, state, shape.experts);
  const shared = Number(state.get('sharedExperts'));
  const rows = shape.experts + (shared > 0 ? 1 : 0);
  const words = inWords(weights, place);
  return (
    <section class="machine" aria-label={`The model, layer ${current + 1}`}>
      <div class="machine-plate">
        <Edges weights={weights} rows={rows} shared={shared > 0} />
        <div class="machine-column machine-input">
          <Node big>x</Node>
          <small>
            {fixed(place.x)}, {fixed(place.y)}
          </small>
        </div>
        <div class="machine-column machine-router">
          <Layers state={state} from={0} to={current} />
          <Node>
            R<small>{labelOf(state, 'router')}</small>
          </Node>
          <small class="machine-gate">{labelOf(state, 'gate')}</small>
        </div>
        <ol
          class="machine-column machine-experts"
          style={{ gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))` }}
        >
          {weights.map((weight, expert) => (
            <Expert
              key={expert}
              {...{
                state,
                views,
                expert,
                weight,
                load: load[expert] ?? 0,
                bias: shape.biases?.[current]?.[expert],
              }}
              experts={shape.experts}
            />
          ))}
          {shared > 0 && (
            <li class="machine-expert is-shared">
              <span class="machine-shared">always</span>
              <span class="machine-weight">shared</span>
            </li>
          )}
        </ol>
        <div class="machine-column machine-sum">
          <Node big>Σ</Node>
          <Layers state={state} from={current + 1} to={layers} />
        </div>
      </div>
      <p class="machine-words">{words}</p>
    </section>
  );
}

/**
 * @param {object} props
 * @param {import('preact').ComponentChildren} props.children
 * @param {boolean} [props.big]
 */
const Node = ({ children, big = false }) => (
  <b class={big ? 'machine-node is-round' : 'machine-node'}>{children}</b>
);

/**
 * The other layers, before or behind the one that is drawn; choosing one draws it instead.
 *
 * @param {{ state: State, from: number, to: number }} props
 */
function Layers({ state, from, to }) {
  return (
    <>
      {Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i + 1).map((layer) => (
        <button
          key={layer}
          type="button"
          class="machine-layer"
          onClick={() => state.set('layer', layer)}
          title={`Show layer ${layer}`}
        >
          <span class="unseen">Show </span>layer {layer}
        </button>
      ))}
    </>
  );
}

/**
 * Thin lines from the router to every expert; what the place sends is drawn in the experts' colours, as wide as the weight.
 *
 * @param {{ weights: (number | undefined)[], rows: number, shared: boolean }} props
 */
function Edges({ weights, rows, shared }) {
  const { input, router, experts, sum } = columns;
  const middle = 0.5;
  const edges = weights.map((weight, expert) => {
    const y = rowMiddle(expert, rows);
    return {
      expert,
      weight,
      into: curve({ x: router[1], y: middle }, { x: experts[0], y }),
      // Behind the expert's map, level, and on.
      out: `H${experts[1] * 1000}${curve({ x: experts[1], y }, { x: sum[0], y: middle }).replace('M', 'L')}`,
    };
  });
  const y = rowMiddle(rows - 1, rows);
  return (
    <svg class="machine-edges" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">
      <path class="edge-always" d={curve({ x: input[1], y: middle }, { x: router[0], y: middle })} />
      <path class="edge-always edge-to-map" d={curve({ x: sum[1], y: middle }, { x: 1.1, y: middle })} />
      {edges.map(({ expert, into }) => (
        <path key={expert} class="edge-idle" d={into} />
      ))}
      {shared && (
        <path
          class="edge-always"
          d={`${curve({ x: router[1], y: middle }, { x: experts[0], y })}${curve({ x: experts[1], y }, { x: sum[0], y: middle })}`}
        />
      )}
      {edges
        .filter(({ weight }) => weight !== undefined)
        .map(({ expert, weight, into, out }) => (
          <path
            key={expert}
            class={weight === 0 ? 'edge-dropped' : 'edge-chosen'}
            d={into + out}
            stroke={colourOf(expert)}
            stroke-width={edgeWidth(weight)}
          />
        ))}
    </svg>
  );
}

/**
 * One expert: where it is chosen, its load, and what the place gives it.
 *
 * @param {object} props
 * @param {State} props.state
 * @param {PlaneViews} props.views
 * @param {number} props.expert
 * @param {number} props.experts
 * @param {number | undefined} props.weight
 * @param {number} props.load
 * @param {number} [props.bias]
 */
function Expert({ state, views, expert, experts, weight, load, bias }) {
  const letter = letterOf(expert);
  // A full bar is twice an even load; the line in its middle is an even one.
  const filled = Math.min(1, (load * experts) / 2);
  const chosen = weight !== undefined;
  const said = [
    `expert ${letter}`,
    chosen ? `weight ${percent(weight)} here` : 'not chosen here',
    `${percent(load)} of the load`,
    ...(bias === undefined ? [] : [`β ${signed(bias)}`]),
  ].join(', ');
  return (
    <li class={chosen ? 'machine-expert is-chosen' : 'machine-expert'}>
      <button
        type="button"
        aria-pressed={isAlone(state, expert)}
        title={`${said}. Press to see it alone on the map below.`}
        onClick={() => toggleAlone(state, expert)}
      >
        <Chip letter={letter} {...fillOf(expert, experts, 1)} />
        <TerritoryMap views={views} expert={expert} />
        <span class="unseen">{said}</span>
      </button>
      <span class="machine-load" aria-hidden="true">
        <i style={{ height: `${(100 * filled).toFixed(1)}%`, background: colourOf(expert) }} />
      </span>
      <span class="machine-weight" aria-hidden="true">
        {chosen && (weight === 0 ? 'dropped' : percent(weight))}
        {bias !== undefined && <small>β {signed(bias)}</small>}
      </span>
    </li>
  );
}

/** @param {{ built: boolean, place: Place }} props */
function Dense({ built, place }) {
  return (
    <section class="machine is-dense" aria-label="The model">
      <div class="machine-plate">
        <p class="nothing">
          {built
            ? 'No router: one network computes every point. Choose another router to see experts.'
            : 'The model is being built.'}
        </p>
      </div>
      <p class="machine-words">{placeInWords(place)}</p>
    </section>
  );
}

/** @param {number} number */
const signed = (number) => `${number < 0 ? '−' : '+'}${Math.abs(number).toFixed(2)}`;

/** The label of what is chosen. @param {State} state @param {'router' | 'gate'} key */
function labelOf(state, key) {
  const { choices = [] } = state.settingOf(key);
  return choices.find(({ value }) => value === state.get(key))?.label ?? '';
}

/**
 * @param {(number | undefined)[]} weights
 * @param {Place} place
 */
function inWords(weights, place) {
  const chosen = weights
    .flatMap((weight, expert) => (weight === undefined ? [] : [{ weight, letter: letterOf(expert) }]))
    .sort((a, b) => b.weight - a.weight)
    .map(({ weight, letter }) => `${letter} ${weight === 0 ? 'dropped' : percent(weight)}`);
  const where = placeInWords(place);
  return chosen.length ? `${where} goes to ${chosen.join(' and ')}` : `${where} gets no expert`;
}
