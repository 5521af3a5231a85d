import { expertLoad } from 'hyperrouter-wasm';
import { useMemo, useRef } from 'preact/hooks';
import { fillOf, letterOf } from '../colours.js';
import { percent } from '../format.js';
import { useDrawing } from '../views/drawing.js';
import { Chip, Figure } from '../views/figure.jsx';
import { createTile } from './draw.js';
import { paintShare } from './pixels.js';

/**
 * @typedef {import('./run.js').PlaneRun} PlaneRun
 * @typedef {import('./views.js').PlaneViews} PlaneViews
 * @typedef {import('../state.js').State} State
 */

/** Pixels a side. */
const side = 96;

/**
 * What each expert has of the plane, one small map each. One of them can be shown alone on the large map.
 *
 * @param {{ run: PlaneRun, state: State, views: PlaneViews }} props
 */
export function SharesFigure({ run, state, views }) {
  const layer = views.layer.value;
  if (!layer) return null;
  const { experts } = layer.shape;
  const alone = state.get('show') === 'alone' ? Number(state.get('alone')) - 1 : -1;
  const load = loadNow(run, state, experts);
  /** @param {number} expert */
  const toggle = (expert) =>
    state.setTogether(
      'show',
      alone === expert
        ? [['show', 'expert']]
        : [
            ['show', 'alone'],
            ['alone', expert + 1],
          ],
    );
  return (
    <Figure
      title={`What each expert has, layer ${state.get('layer')}`}
      name="shares"
      caption="The stronger the colour, the larger the expert’s weight there; no colour where it is not chosen. The number: its share of the held-out points. Choose one to see it alone on the large map."
      table={() => <SharesTable views={views} load={load} />}
    >
      <ul class="shares">
        {Array.from({ length: experts }, (_, expert) => (
          <li key={expert}>
            <button type="button" data-picture aria-pressed={alone === expert} onClick={() => toggle(expert)}>
              <ShareMap views={views} expert={expert} />
              <span class="share-line">
                <Chip letter={letterOf(expert)} {...fillOf(expert, experts, 1)} />{' '}
                {percent(load[expert] ?? 0)}
                <span class="unseen"> of the points: show expert {letterOf(expert)} alone</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Figure>
  );
}

/**
 * @param {PlaneRun} run
 * @param {State} state
 * @param {number} experts
 */
function loadNow(run, state, experts) {
  const routing = run.map.value?.views.layers[Number(state.get('layer')) - 1];
  return routing ? [...expertLoad(routing.experts, experts)] : [];
}

/** @param {{ views: PlaneViews, expert: number }} props */
function ShareMap({ views, expert }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const tile = useMemo(createTile, []);
  useDrawing(() => {
    const [layer, shares] = [views.layer.value, views.shares.value];
    const context = canvas.current?.getContext('2d');
    if (!context || !layer || !shares) return;
    const { size, experts } = layer.shape;
    if (expert >= experts) return;
    const share = shares.subarray(expert * size * size, (expert + 1) * size * size);
    tile(context, { side, size, smooth: true }, (pixels) => paintShare(pixels, share, { expert, experts }));
  }, [() => views.shares.peek()]);
  return <canvas class="share-map" ref={canvas} width={side} height={side} />;
}

/** @param {{ views: PlaneViews, load: number[] }} props */
function SharesTable({ views, load }) {
  const [layer, shares, owned] = [views.layer.value, views.shares.value, views.owned.value];
  if (!layer || !shares || !owned) return null;
  const places = owned.first.length;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Expert</th>
          <th scope="col">Of the held-out points</th>
          <th scope="col">Of the map, first</th>
          <th scope="col">Of the map, chosen</th>
          <th scope="col">Mean weight there</th>
        </tr>
      </thead>
      <tbody>
        {load.map((share, expert) => {
          const own = shares.subarray(expert * places, (expert + 1) * places);
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
