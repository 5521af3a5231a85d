import { expertLoad } from 'hyperrouter-wasm';
import { useMemo, useRef } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { percent } from '../format.js';
import { useDrawing } from '../views/drawing.js';
import { Chip, Figure } from '../views/figure.jsx';
import { createTile } from './draw.js';
import { paintWeights } from './pixels.js';

/**
 * @typedef {import('./run.js').PlaneRun} PlaneRun
 * @typedef {import('./views.js').PlaneViews} PlaneViews
 * @typedef {import('../state.js').State} State
 */

/** Pixels per side. */
const side = 96;

/**
 * A small map of each expert's territory. Selecting one shows that expert alone on the large map.
 *
 * @param {{ run: PlaneRun, state: State, views: PlaneViews }} props
 */
export function TerritoriesFigure({ run, state, views }) {
  const layer = views.layer.value;
  if (!layer) return null;
  const { experts } = layer.shape;
  const load = loadNow(run, state, experts);
  return (
    <Figure
      title={`Each expert’s territory (layer ${state.get('layer')})`}
      name="territories"
      caption="Stronger colour: larger weight. No colour: not chosen. Number: load on the held-out points. Select an expert to see it alone on the large map."
      table={() => <TerritoriesTable views={views} load={load} />}
    >
      <ul class="territories">
        {Array.from({ length: experts }, (_, expert) => (
          <li key={expert}>
            <button
              type="button"
              data-picture
              aria-pressed={isAlone(state, expert)}
              onClick={() => toggleAlone(state, expert)}
            >
              <TerritoryMap views={views} expert={expert} />
              <span class="territory-line">
                <Chip letter={letterOf(expert)} {...fillOf(expert, experts, 1)} />{' '}
                {percent(load[expert] ?? 0)}
                <span class="unseen"> of the load: show expert {letterOf(expert)} alone</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Figure>
  );
}

/** Whether the map shows one expert alone. @param {State} state @param {number} expert */
export const isAlone = (state, expert) =>
  state.get('show') === 'alone' && Number(state.get('alone')) - 1 === expert;

/** Shows one expert alone on the map, or all again. @param {State} state @param {number} expert */
export function toggleAlone(state, expert) {
  state.setTogether(
    'show',
    isAlone(state, expert)
      ? [['show', 'expert']]
      : [
          ['show', 'alone'],
          ['alone', expert + 1],
        ],
  );
}

/**
 * @param {PlaneRun} run
 * @param {State} state
 * @param {number} experts
 */
export function loadNow(run, state, experts) {
  const routing = run.map.value?.views.layers[Number(state.get('layer')) - 1];
  return routing ? [...expertLoad(routing.experts, experts)] : [];
}

/** @param {{ views: PlaneViews, expert: number }} props */
export function TerritoryMap({ views, expert }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const tile = useMemo(createTile, []);
  useDrawing(() => {
    const [layer, all] = [views.layer.value, views.expertWeights.value];
    const context = canvas.current?.getContext('2d');
    if (!context || !layer || !all) return;
    const { size, experts } = layer.shape;
    if (expert >= experts) return;
    const weights = all.subarray(expert * size * size, (expert + 1) * size * size);
    tile(context, { side, size, smooth: true }, (pixels) =>
      paintWeights(pixels, weights, { expert, experts }),
    );
  }, [() => views.expertWeights.peek()]);
  return <canvas class="territory-map" ref={canvas} width={side} height={side} />;
}

/** @param {{ views: PlaneViews, load: number[] }} props */
function TerritoriesTable({ views, load }) {
  const [layer, weights, owned] = [views.layer.value, views.expertWeights.value, views.owned.value];
  if (!layer || !weights || !owned) return null;
  const places = owned.first.length;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Expert</th>
          <th scope="col">Load, held-out points</th>
          <th scope="col">Map, largest weight</th>
          <th scope="col">Map, chosen</th>
          <th scope="col">Mean weight where chosen</th>
        </tr>
      </thead>
      <tbody>
        {load.map((share, expert) => {
          const own = weights.subarray(expert * places, (expert + 1) * places);
          let [chosen, weight, first] = [0, 0, 0];
          for (let i = 0; i < places; i++) {
            chosen += Number(own[i] > 0);
            weight += own[i];
            first += Number(owned.first[i] === expert);
          }
          return (
            <tr key={expert}>
              <th scope="row">{letterOf(expert)}</th>
              <td>{percent(share)}</td>
              <td>{percent(first / places)}</td>
              <td>{percent(chosen / places)}</td>
              <td>{chosen ? percent(weight / chosen) : '–'}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
