import { useMemo } from 'preact/hooks';
import { fillOf, letterOf, paper } from '../colours.js';
import { drawnAs } from '../export/vector.js';
import { count, percent } from '../format.js';
import { timeOf } from '../moments.js';
import { widthOf } from './canvas.js';
import { useCanvas } from './drawing.js';
import { Figure } from './figure.jsx';
import { drawLetter } from './letters.js';

/**
 * @typedef {import('../history.js').LoadEntry} LoadEntry
 */

const height = 132;

/** The layer that is shown; the first one where a room shows all layers. @param {unknown} value of the setting */
const layerOf = (value) => Math.max(1, Number(value));

/**
 * Expert load since the start of the run: a stacked area chart up to 100 %, with the experts in a fixed order.
 *
 * @param {object} props
 * @param {Pick<import('../run.js').Run, 'loads' | 'moments' | 'moment' | 'step'>} props.run
 * @param {import('../state.js').State} props.state
 * @param {string} [props.of] name of the run, if the room shows several
 * @param {string} [props.title] its label
 */
export function LoadHistoryView({ run, state, of, title }) {
  const layer = layerOf(state.get('layer'));
  const { entries } = run.loads.value;
  const last = entries.at(-1);
  const first = Math.max(entries[0]?.step ?? 0, state.get('logSteps') ? 1 : 0);
  const routed = (last?.layers.length ?? 0) >= layer;

  const { canvas, hold } = useCanvas((element) => {
    const { step, past } = timeOf(run);
    const view = {
      layer: layerOf(state.get('layer')) - 1,
      log: Boolean(state.get('logSteps')),
      at: past ? step : undefined,
    };
    draw(element, run.loads.value.entries, view);
  });
  // A stable function: with a new one in each rendering, the element would be registered anew each time.
  const vector = useMemo(() => {
    const view = () => ({ layer: layerOf(state.peek('layer')) - 1, log: Boolean(state.peek('logSteps')) });
    return drawnAs(() => drawSvg(run.loads.peek().entries, view(), canvas.current?.clientWidth ?? 0));
  }, [run, state]);

  return (
    <Figure
      title={title ?? `Expert load over time (layer ${layer})`}
      name={of ? `load-history-${of}` : 'load-history'}
      caption={
        routed && !of
          ? 'Steps from left to right. The height of a band is the load of its expert.'
          : undefined
      }
      table={routed ? () => <LoadTable entries={entries} layer={layer - 1} /> : undefined}
      rows={routed ? () => rowsOf(run.loads.peek().entries, layer - 1) : undefined}
    >
      <div class={routed ? 'load-history' : 'load-history is-empty'} ref={vector}>
        <canvas ref={hold} style={{ height: `${height}px` }} role="img" aria-label={summaryOf(last, layer)} />
        <p class="axis">
          <span>{entries.length > 1 ? count(first) : ''}</span>
          <span>step {count(last?.step ?? 0)}</span>
        </p>
      </div>
      {!routed && <p class="nothing">A dense model has no experts.</p>}
    </Figure>
  );
}

/**
 * @param {LoadEntry | undefined} last
 * @param {number} layer counted from 1
 */
function summaryOf(last, layer) {
  const load = last?.layers[layer - 1];
  if (!last || !load) return 'No expert load yet.';
  const words = load.map((share, expert) => `${letterOf(expert)} ${percent(share)}`).join(', ');
  return `Expert load in layer ${layer} over the steps. At step ${last.step}: ${words}.`;
}

/**
 * @typedef {object} Band the load of one expert
 * @property {number} expert
 * @property {string} fill
 * @property {string} text colour of its letter
 * @property {[number, number][]} outline in pixels
 * @property {number} middle vertical position of its letter
 * @property {number} space height that is free for the letter
 */

/**
 * @param {LoadEntry[]} all
 * @param {{ layer: number, log: boolean }} view
 * @param {number} width
 * @returns {Band[]}
 */
function bandsOf(all, { layer, log }, width) {
  const entries = all.filter(({ layers }) => layers.length > layer);
  if (!entries.length) return [];
  const x = placesOf(entries, log, width);
  const points = entries.map(({ step, layers }) => ({ x: x(step), load: layers[layer] }));
  // A single entry is a column: nobody has measured the steps before.
  if (points.length === 1 || points[0].x >= points[points.length - 1].x) {
    points.unshift({ ...points[points.length - 1], x: Math.max(0, width - 2 * letterInset) });
  }

  const experts = points[0].load.length;
  let below = points.map(() => 0);
  return Array.from({ length: experts }, (_, expert) => {
    const above = points.map(({ load }, i) => below[i] + load[expert]);
    const xs = points.map((point) => point.x);
    const low = Math.max(...letterEdges.map((edge) => height * valueAt(xs, below, width - edge)));
    const high = Math.min(...letterEdges.map((edge) => height * valueAt(xs, above, width - edge)));
    const edge = (/** @type {number[]} */ values) =>
      points.map((point, i) => /** @type {[number, number]} */ ([point.x, values[i] * height]));
    const outline = [...edge(above), ...edge(below).reverse()];
    below = above;
    const { fill, text } = fillOf(expert, experts, 1);
    return { expert, fill, text, outline, middle: (low + high) / 2, space: high - low };
  });
}

/**
 * Where the steps are, in pixels.
 *
 * @param {LoadEntry[]} entries at least one
 * @param {boolean} log
 * @param {number} width
 */
function placesOf(entries, log, width) {
  const place = (/** @type {number} */ step) => (log ? Math.log(Math.max(1, step)) : step);
  const from = place(entries[0].step);
  const to = place(entries[entries.length - 1].step);
  return (/** @type {number} */ step) => (to > from ? ((place(step) - from) / (to - from)) * width : width);
}

/** A letter is drawn only if its band is high enough at both edges of the letter. */
const letterHeight = 11;
const letterInset = 10;
const letterEdges = [letterInset + 4, letterInset - 4];

/**
 * The height of an outline at any x, by linear interpolation.
 *
 * @param {number[]} xs rising
 * @param {number[]} values
 * @param {number} x
 */
function valueAt(xs, values, x) {
  let i = xs.length - 1;
  while (i > 1 && xs[i - 1] > x) i--;
  const part = (x - xs[i - 1]) / (xs[i] - xs[i - 1]);
  return values[i - 1] + part * (values[i] - values[i - 1]);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {LoadEntry[]} entries
 * @param {{ layer: number, log: boolean, at: number | undefined }} view at: the past step that is shown
 */
function draw(canvas, entries, view) {
  const context = canvas.getContext('2d');
  const width = widthOf(canvas);
  if (!context || !width) return;
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  context.lineWidth = 1;
  context.strokeStyle = paper;
  for (const { expert, fill, text, outline, middle, space } of bandsOf(entries, view, width)) {
    context.beginPath();
    for (const [x, y] of outline) context.lineTo(x, y);
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    context.stroke();
    if (space < letterHeight) continue;
    const at = { x: width - letterInset, y: middle + 0.5 };
    drawLetter(context, { letter: letterOf(expert), ink: text, size: letterHeight }, at);
  }
  markStep(context, entries, view, width);
}

/**
 * The step that the page shows: a line of ink between two of paper, to be seen on every colour.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {LoadEntry[]} entries
 * @param {{ log: boolean, at: number | undefined }} view
 * @param {number} width
 */
function markStep(context, entries, { log, at }, width) {
  if (at === undefined || entries.length < 2) return;
  const place = placesOf(entries, log, width);
  const x = Math.min(width - 1.5, Math.max(1.5, place(at)));
  for (const [colour, wide] of /** @type {const} */ ([
    [paper, 5],
    ['#000000', 1.5],
  ])) {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
  }
}

/**
 * The chart as SVG.
 *
 * @param {LoadEntry[]} entries
 * @param {{ layer: number, log: boolean }} view
 * @param {number} width
 */
function drawSvg(entries, view, width) {
  const bands = bandsOf(entries, view, width).map(({ expert, fill, text, outline, middle, space }) => {
    const points = outline.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
    const place = `x="${width - letterInset}" y="${(middle + 4).toFixed(1)}" fill="${text}"`;
    const letter = space < letterHeight ? '' : `<text ${place}>${letterOf(expert)}</text>`;
    return `<polygon points="${points}" fill="${fill}" stroke="${paper}"/>${letter}`;
  });
  const font = 'font-family="system-ui, sans-serif" font-size="11" font-weight="600" text-anchor="middle"';
  return `<rect width="100%" height="100%" fill="${paper}"/><g ${font}>${bands.join('')}</g>`;
}

/**
 * @param {LoadEntry[]} entries
 * @param {number} layer
 */
function rowsOf(entries, layer) {
  const routed = entries.filter(({ layers }) => layers.length > layer);
  const names = routed[0]?.layers[layer].map((_, expert) => letterOf(expert)) ?? [];
  return [['step', ...names], ...routed.map(({ step, layers }) => [step, ...layers[layer]])];
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
