import { fixed, percent } from '../format.js';
import { cellAt } from '../plane/geometry.js';
import { placeInWords } from '../plane/map.jsx';
import { isAlone, loadNow, TerritoryMap, toggleAlone } from '../plane/territories.jsx';
import { Drawing, NoRouter } from './drawing.jsx';
import { Facts } from './known.jsx';
import { columns } from './layout.js';
import { Node } from './parts.jsx';
import { goesTo, tokenAt } from './token.js';
import { placesLegend } from './words.js';

/**
 * @typedef {import('../plane/run.js').PlaneRun} PlaneRun
 * @typedef {import('../plane/views.js').PlaneViews} PlaneViews
 * @typedef {import('../plane/map.jsx').Place} Place
 * @typedef {import('../state.js').State} State
 */

/**
 * The machine of the Playground: the place that is pointed at goes through it. Each expert is a small map of the places
 * that it gets.
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
  const drawn = views.layer.value;
  const place = hovered.value ?? cursor.value;
  const line = map?.views.line;
  const words = line ? `x ${fixed(place.x)}` : placeInWords(place);
  if (!map || !drawn) {
    return (
      <NoRouter
        reason={
          map
            ? 'No router: one network computes every point. Choose another router to see experts.'
            : 'The model is being built.'
        }
        words={words}
      />
    );
  }
  const { shape } = drawn;
  const layer = Number(state.get('layer')) - 1;
  const row = cellAt(place, shape.size);
  const tokens = map.views.places.map((routing) => tokenAt(routing, shape, row));
  return (
    <Drawing
      {...{ state, columns, layer, tokens }}
      load={loadNow(run, state, shape.experts)}
      biases={shape.biases?.[layer]}
      words={goesTo(words, tokens[layer].weights)}
      input={
        <>
          <Node round>x</Node>
          <small>{line ? fixed(place.x) : `${fixed(place.x)}, ${fixed(place.y)}`}</small>
        </>
      }
      about={(expert) => <TerritoryMap views={views} expert={expert} />}
      knownOf={(expert) => <TerritoryKnown views={views} expert={expert} />}
      isPressed={(expert) => isAlone(state, expert)}
      press={(expert) => toggleAlone(state, expert)}
      legend={placesLegend}
      pressWords="Press to see what is known of it, and it alone on the map below."
    />
  );
}

/**
 * Where an expert is chosen.
 *
 * @param {{ views: PlaneViews, expert: number }} props
 */
function TerritoryKnown({ views, expert }) {
  const [layer, all] = [views.layer.value, views.expertWeights.value];
  if (!layer || !all) return null;
  const places = layer.shape.size ** 2;
  let [chosen, sum] = [0, 0];
  for (const weight of all.subarray(expert * places, (expert + 1) * places)) {
    chosen += Number(weight > 0);
    sum += weight;
  }
  return (
    <Facts
      facts={[
        ['Chosen on', `${percent(chosen / places)} of the map`],
        ['Mean weight there', chosen ? percent(sum / chosen) : '–'],
      ]}
    />
  );
}
