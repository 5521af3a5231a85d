import { percent } from '../format.js';
import { Experts } from '../text/readout.jsx';
import { likeliestAt, routingAt } from './fields.js';
import { cellAt } from './geometry.js';
import { ClassMark, classNames, placeInWords } from './map.jsx';

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
      {map && <ClassesAt map={map} row={row} />}
    </div>
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
