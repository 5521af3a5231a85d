import { letterOf } from '../colours.js';
import { OutputAt } from '../curve/figure.jsx';
import { percent } from '../format.js';
import { gatingOf } from '../gates.js';
import { isDropped, outcomeOf } from '../routing.js';
import { Experts } from '../text/readout.jsx';
import { likeliestAt, routingAt } from './fields.js';
import { cellAt } from './geometry.js';
import { ClassMark, classNames, placeInWords } from './map.jsx';
import { pointAt } from './outcomes.js';

/**
 * The routing of one place (router probabilities, chosen experts and their weights), and the class probabilities.
 *
 * @param {object} props
 * @param {import('./run.js').PlaneRun} props.run
 * @param {import('../state.js').State} props.state
 * @param {import('./views.js').PlaneViews} props.views
 * @param {import('@preact/signals').Signal<import('./map.jsx').Place>} props.cursor
 * @param {import('@preact/signals').Signal<import('./map.jsx').Place | null>} props.hovered
 */
export function PlaneReadout({ run, state, views, cursor, hovered }) {
  const place = hovered.value ?? cursor.value;
  const map = run.map.value;
  const layer = views.layer.value;
  const many = (layer?.shape.experts ?? 0) > 8;
  const row = map ? cellAt(place, map.shape.size) : 0;
  return (
    <div class={many ? 'readout has-many plane-readout' : 'readout plane-readout'} id="plane-readout">
      <p class="readout-what">
        <span>
          <strong>{placeInWords(place)}</strong>
          <br />
          <span>The cross on the maps. Move it with the pointer or the arrow keys.</span>
          <PointAt state={state} views={views} place={place} />
        </span>
      </p>
      {layer ? (
        <Experts
          routing={routingAt(layer.routing, layer.shape, row)}
          row={0}
          shape={layer.shape}
          layer={Number(state.get('layer'))}
          what="point"
        />
      ) : (
        <p class="readout-none">
          {map ? 'No router: one network processes every point.' : 'Shown once the model is built.'}
        </p>
      )}
      {map?.views.line ? (
        <OutputAt output={map.views.line.output} place={place} />
      ) : (
        map && <ClassesAt map={map} row={row} />
      )}
    </div>
  );
}

/**
 * The data point at a place, where its experts depend on the other points.
 *
 * @param {object} props
 * @param {import('../state.js').State} props.state
 * @param {import('./views.js').PlaneViews} props.views
 * @param {import('./map.jsx').Place} props.place
 */
function PointAt({ state, views, place }) {
  const { drops, amongTokens } = gatingOf(state.schema, state.values.value);
  const points = views.points.value;
  if ((!drops && !amongTokens) || !points) return null;
  const { shape, routing, data } = points;
  const at = pointAt(data, place);
  if (at < 0) return <span class="readout-point">No data point here.</span>;
  const experts = Array.from({ length: shape.topK }, (_, k) => at * shape.topK + k)
    .filter((i) => routing.experts[i] >= 0)
    .map((i) => {
      const share = isDropped(routing, i) ? 'dropped' : percent(routing.weights[i]);
      return `${letterOf(routing.experts[i])} ${share}`;
    });
  const outcome = outcomeOf(routing, at, shape.topK);
  const set = at < data.train.targets.length ? 'Training' : 'Held-out';
  const words = outcome === 'unchosen' ? 'routed to no expert' : experts.join(', ');
  return (
    <span class="readout-point">
      {set} point here{data.curve ? '' : ` (${classNames[data.all.targets[at]]})`}: {words}
      {outcome === 'dropped' ? '; no expert computes it' : ''}.
    </span>
  );
}

/** @param {{ map: import('./run.js').PlaneMap, row: number }} props */
function ClassesAt({ map, row }) {
  const { classes } = map.shape;
  const { probabilities } = map.views;
  const likeliest = likeliestAt(probabilities, row, classes);
  return (
    <div class="readout-next">
      <p>Class probabilities. Framed: predicted class.</p>
      <ol>
        {Array.from({ length: classes }, (_, id) => (
          <li key={id} class={id === likeliest ? 'is-actual' : ''}>
            <b>
              <ClassMark id={id} />
              <span class="unseen">{classNames[id]}</span>
            </b>
            <span class="meter">
              <span style={{ width: `${probabilities[row * classes + id] * 100}%` }} />
            </span>
            <span>{percent(probabilities[row * classes + id])}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
