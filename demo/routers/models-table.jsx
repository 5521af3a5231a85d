import { compact, count, loss as lossText, unitName } from '../format.js';
import { Figure } from '../views/figure.jsx';
import { looks } from './marks.js';
import { measured } from './measured.js';
import { parametersOf } from './parameters.js';

/**
 * The models, their sizes, and how they do now.
 *
 * @param {import('./room.jsx').Shown} props
 */
export function ModelsTable({ comparison, state }) {
  const unit = /** @type {import('../format.js').Unit} */ (state.get('unit'));
  const per = comparison.kind.value?.per ?? 'byte';
  const layer = Number(state.get('layer'));
  const lanes = comparison.lanes.value;
  const one = per === 'byte' ? 'character' : 'point';
  return (
    <Figure
      title="The models now"
      name="routers-now"
      caption={
        `Active: the numbers that a single ${one} meets, without the experts that do not take it. Of the dense model ` +
        'that is all of them: as many numbers, and several times the work. The frozen hypernetwork of “hyperrouter” ' +
        `makes the router once for all, and does not count. Losses are in ${unitName(unit, per)}; the rest is as of the ` +
        `last look at what is held out, in layer ${layer}.`
      }
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section class="table-scroll" tabIndex={0} aria-label="The models now, a table">
        <table class="models">
          <thead>
            <tr>
              <th scope="col">Router</th>
              <th scope="col">Parameters</th>
              <th scope="col">Learned</th>
              <th scope="col">Active per {one}</th>
              <th scope="col">Training loss</th>
              <th scope="col">Held-out loss</th>
              {measured.map(({ id, title }) => (
                <th key={id} scope="col">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lanes.map((lane) => (
              <ModelRow key={lane.router} lane={lane} unit={unit} layer={layer} />
            ))}
          </tbody>
        </table>
      </section>
    </Figure>
  );
}

/** @param {{ lane: import('./lane.js').Lane, unit: import('../format.js').Unit, layer: number }} props */
function ModelRow({ lane, unit, layer }) {
  const summary = lane.summary.value;
  const sizes = summary ? parametersOf(summary) : undefined;
  const history = lane.losses.value;
  const now = lane.measures.value.entries.at(-1)?.layers[layer - 1];
  const status = lane.status.value;
  return (
    <tr>
      <th scope="row">
        <Swatch router={lane.router} /> {lane.router}
        {status !== 'ready' && (
          <small>{status === 'diverged' ? `broke down at step ${count(lane.step.value)}` : 'failed'}</small>
        )}
      </th>
      <td>{sizes && compact(sizes.all)}</td>
      <td>{sizes && compact(sizes.learned)}</td>
      <td>{sizes && (sizes.active === sizes.all ? `all ${compact(sizes.all)}` : compact(sizes.active))}</td>
      <td>{lossText(history.smooth.at(-1), unit)}</td>
      <td>{lossText(history.heldOut.at(-1)?.loss, unit)}</td>
      {measured.map(({ id, value }) => (
        <td key={id}>{(now && value(now))?.toFixed(2) ?? '–'}</td>
      ))}
    </tr>
  );
}

/**
 * How a router is drawn: its line and its mark.
 *
 * @param {{ router: import('./settings.js').RouterName }} props
 */
export function Swatch({ router }) {
  const { colour, width, dash, mark, filled } = looks[router];
  const ink = { stroke: `var(${colour})`, fill: filled ? `var(${colour})` : 'var(--ground)' };
  return (
    <svg class="swatch" viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">
      <line
        x1="0"
        x2="34"
        y1="6"
        y2="6"
        stroke={ink.stroke}
        stroke-width={width}
        stroke-dasharray={dash.join(' ')}
      />
      {mark === 'circle' ? (
        <circle cx="17" cy="6" r="3.5" {...ink} stroke-width="1.25" />
      ) : (
        <rect x="13.8" y="2.8" width="6.4" height="6.4" {...ink} stroke-width="1.25" />
      )}
    </svg>
  );
}
