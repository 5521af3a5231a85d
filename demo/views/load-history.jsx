import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { fillOf, letterOf, paper, textOn } from '../colours.js';
import { count, percent } from '../format.js';
import { onResize } from './canvas.js';
import { Figure } from './figure.jsx';

/**
 * @typedef {import('../history.js').LoadEntry} LoadEntry
 */

const height = 132;

/** One layer is shown; the first, where a room shows all. @param {unknown} value of the setting */
const layerOf = (value) => Math.max(1, Number(value));

/**
 * How the load has moved since the run began: a stacked area to 100 %, the experts always in the same order.
 *
 * @param {object} props
 * @param {Pick<import('../run.js').Run, 'loads'>} props.run
 * @param {import('../state.js').State} props.state
 * @param {string} [props.of] the name of the run, where several are shown
 */
export function LoadHistoryView({ run, state, of }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const layer = layerOf(state.get('layer'));
  const { entries } = run.loads.value;
  const last = entries.at(-1);
  const routed = (last?.layers.length ?? 0) >= layer;

  useSignalEffect(() => {
    const history = run.loads.value;
    const view = { layer: layerOf(state.get('layer')) - 1, log: Boolean(state.get('logSteps')) };
    if (canvas.current) draw(canvas.current, history.entries, view);
  });
  const watch = onResize((element) => {
    const view = { layer: layerOf(state.peek('layer')) - 1, log: Boolean(state.peek('logSteps')) };
    draw(/** @type {HTMLCanvasElement} */ (element), run.loads.peek().entries, view);
  });

  return (
    <Figure
      title={of ?? `Load over time, layer ${layer}`}
      name={of ? `load-history-${of}` : 'load-history'}
      caption={
        routed && !of
          ? 'From left to right: the steps. The height of a band: the load of that expert.'
          : undefined
      }
      table={routed ? () => <LoadTable entries={entries} layer={layer - 1} /> : undefined}
    >
      <div class={routed ? 'load-history' : 'load-history is-empty'}>
        <canvas
          ref={(element) => {
            canvas.current = element;
            return watch(element);
          }}
          style={{ height: `${height}px` }}
          role="img"
          aria-label={summaryOf(last, layer)}
        />
        <p class="axis">
          <span>{state.get('logSteps') ? 1 : 0}</span>
          <span>step {count(last?.step ?? 0)}</span>
        </p>
      </div>
      {!routed && <p class="nothing">A dense model has no experts to share the work.</p>}
    </Figure>
  );
}

/**
 * @param {LoadEntry | undefined} last
 * @param {number} layer counted from 1
 */
function summaryOf(last, layer) {
  const load = last?.layers[layer - 1];
  if (!last || !load) return 'No load yet.';
  const words = load.map((share, expert) => `${letterOf(expert)} ${percent(share)}`).join(', ');
  return `Load of each expert in layer ${layer} over the steps. At step ${last.step}: ${words}.`;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {LoadEntry[]} all
 * @param {{ layer: number, log: boolean }} view
 */
function draw(canvas, all, { layer, log }) {
  const context = canvas.getContext('2d');
  const width = canvas.clientWidth;
  if (!context || !width) return;
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  const entries = all.filter(({ layers }) => layers.length > layer);
  if (!entries.length) return;

  const place = (/** @type {number} */ step) => (log ? Math.log(Math.max(1, step)) : step);
  const from = place(entries[0].step);
  const to = place(entries[entries.length - 1].step);
  const x = (/** @type {number} */ step) =>
    to > from ? ((place(step) - from) / (to - from)) * width : width;
  // One entry alone is drawn over the full width.
  const points = entries.map(({ step, layers }) => ({ x: x(step), load: layers[layer] }));
  if (points.length === 1 || to <= from) points.unshift({ ...points[points.length - 1], x: 0 });

  const experts = points[0].load.length;
  const below = points.map(() => 0);
  context.lineWidth = 1;
  context.strokeStyle = paper;
  for (let expert = 0; expert < experts; expert++) {
    const above = points.map(({ load }, i) => below[i] + load[expert]);
    const { fill } = fillOf(expert, experts, 1);
    context.beginPath();
    for (let i = 0; i < points.length; i++) context.lineTo(points[i].x, above[i] * height);
    for (let i = points.length - 1; i >= 0; i--) context.lineTo(points[i].x, below[i] * height);
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.stroke();
    label(
      context,
      letterOf(expert),
      width - 10,
      ((below[below.length - 1] + above[above.length - 1]) / 2) * height,
      {
        space: (above[above.length - 1] - below[below.length - 1]) * height,
        colour: textOn(fill),
      },
    );
    above.forEach((value, i) => {
      below[i] = value;
    });
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {{ space: number, colour: string }} options no label where the space is too low for it
 */
function label(context, text, x, y, { space, colour }) {
  if (space < 11) return;
  context.font = '600 11px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = colour;
  context.fillText(text, x, y + 0.5);
}

/** @param {{ entries: LoadEntry[], layer: number }} props */
function LoadTable({ entries, layer }) {
  const rows = entries.filter((_, i) => i % Math.ceil(entries.length / 16) === 0 || i === entries.length - 1);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Step</th>
          {rows[0]?.layers[layer]?.map((_, expert) => (
            <th scope="col" key={expert}>
              {letterOf(expert)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ step, layers }) => (
          <tr key={step}>
            <th scope="row">{count(step)}</th>
            {layers[layer]?.map((share, expert) => (
              <td key={expert}>{percent(share)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
