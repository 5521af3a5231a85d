import UPlot from 'uplot';
import { escaped, number } from '../export/svg.js';
import { inUnit } from '../format.js';
import { styleColour } from './canvas.js';
import { chartSvg, createAxes, fontFamily, frameOf } from './chart.js';

/**
 * The chart of losses: on a canvas while it moves, with lines and letters where it is to be kept.
 *
 * @typedef {import('../format.js').Unit} Unit
 * @typedef {import('../history.js').LossHistory} LossHistory
 * @typedef {import('../run.js').EarlierRun} EarlierRun
 *
 * @typedef {object} Line what is drawn and labelled
 * @property {string} label
 * @property {string} colour custom property
 * @property {number} width
 * @property {number[]} [dash]
 * @property {boolean} [points]
 * @property {boolean} [labelled]
 *
 * @typedef {{ plot: UPlot, lines: Line[], ticks: import('./chart.js').AllTicks }} Plot
 */

const height = 260;
const labelSpace = 84;

/**
 * @param {EarlierRun[]} earlier
 * @returns {Line[]}
 */
export function linesOf(earlier) {
  return [
    ...earlier.map(({ label }) => ({
      label,
      colour: '--line-strong',
      width: 1.5,
      labelled: true,
    })),
    { label: 'each step', colour: '--line-strong', width: 0.75 },
    { label: 'training', colour: '--ink', width: 2, labelled: true },
    { label: 'held-out', colour: '--ink', width: 1.5, dash: [2, 4], points: true, labelled: true },
  ];
}

/**
 * @param {{ history: LossHistory, earlier: EarlierRun[], unit: Unit, log: boolean }} drawn
 * @returns {UPlot.AlignedData}
 */
export function dataOf({ history, earlier, unit, log }) {
  const inUnits = (/** @type {number[]} */ values) => values.map((nats) => inUnit(nats, unit));
  /** @type {[number[], ...number[][]][]} */
  const tables = earlier.map(({ steps, losses }) => [steps, inUnits(losses)]);
  tables.push([history.steps, inUnits(history.train), inUnits(history.smooth)]);
  // A logarithmic axis has no place for step 0.
  const heldOut = history.heldOut.filter(({ step }) => !log || step > 0);
  tables.push([heldOut.map(({ step }) => step), inUnits(heldOut.map(({ loss }) => loss))]);
  return /** @type {UPlot.AlignedData} */ (UPlot.join(tables));
}

/**
 * @param {HTMLElement} box
 * @param {Line[]} lines
 * @param {{ log: boolean }} options
 * @param {UPlot.AlignedData} data
 * @returns {Plot}
 */
export function createPlot(box, lines, { log }, data) {
  const { axes, ticks } = createAxes({ x: { size: 30, space: 56 }, y: { size: 32, space: 36 } });
  const plot = new UPlot(
    {
      width: box.clientWidth || 320,
      height,
      padding: [12, labelSpace, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: (_, min, max) => xRange(min, max, log) },
        y: { range: (_, min, max) => yRange(min, max) },
      },
      axes,
      series: [
        {},
        ...lines.map(({ label, colour, width, dash, points }) => ({
          label,
          stroke: () => styleColour(colour),
          width,
          dash,
          spanGaps: true,
          points: { show: Boolean(points), size: 5, fill: () => styleColour(colour) },
        })),
      ],
      hooks: { draw: [(plot) => drawLabels(plot, lines)] },
    },
    data,
    box,
  );
  return { plot, lines, ticks };
}

/**
 * @param {number | null} min
 * @param {number | null} max
 * @param {boolean} log
 * @returns {[number, number]}
 */
function xRange(min, max, log) {
  return log ? [1, Math.max(10, max ?? 0)] : [0, Math.max(10, max ?? min ?? 0)];
}

/**
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]}
 */
function yRange(min, max) {
  if (min === null || max === null) return [0, 8];
  return [Math.max(0, Math.floor(min * 2 - 0.4) / 2), Math.ceil(max * 2 + 0.1) / 2];
}

/**
 * Each line's name beside its last value, moved apart where values meet.
 *
 * @param {UPlot} plot
 * @param {Line[]} lines
 * @returns {{ text: string, colour: string, y: number }[]} y in pixels from the top of the plotting area
 */
function labelsOf(plot, lines) {
  const gap = 14;
  const labels = lines.flatMap(({ label, colour, labelled }, i) => {
    const values = plot.data[i + 1];
    let at = values.length - 1;
    while (at >= 0 && (values[at] === null || values[at] === undefined)) at--;
    if (!labelled || at < 0) return [];
    const y = plot.valToPos(Number(values[at]), 'y');
    return [{ text: label, colour: colour === '--ink' ? '--ink' : '--muted', y }];
  });
  labels.sort((a, b) => a.y - b.y);
  for (let i = 1; i < labels.length; i++) {
    if (labels[i].y - labels[i - 1].y < gap) labels[i].y = labels[i - 1].y + gap;
  }
  return labels;
}

/**
 * @param {UPlot} plot
 * @param {Line[]} lines
 */
function drawLabels(plot, lines) {
  const ratio = UPlot.pxRatio;
  const { ctx } = plot;
  const x = plot.bbox.left + plot.bbox.width + 6 * ratio;
  ctx.save();
  ctx.font = `${12 * ratio}px ${fontFamily}`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { text, colour, y } of labelsOf(plot, lines)) {
    ctx.fillStyle = styleColour(colour);
    ctx.fillText(fitted(ctx, text, (labelSpace - 6) * ratio), x, plot.bbox.top + y * ratio);
  }
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} width
 */
function fitted(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let end = text.length - 1;
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > width) end--;
  return `${text.slice(0, end)}…`;
}

/**
 * The chart as SVG, from the upper left corner of its canvas.
 *
 * @param {Plot} drawn
 */
export function plotSvg({ plot, lines, ticks }) {
  const frame = frameOf(plot);
  const curves = lines.map((line, i) => curveOf(line, plot.data[0], plot.data[i + 1], frame));
  const names = labelsOf(plot, lines).map(({ text, colour, y: at }) => {
    const place = `x="${number(frame.left + frame.width + 6)}" y="${number(frame.top + at)}" dy="0.35em"`;
    return `<text ${place} fill="${styleColour(colour)}">${escaped(text)}</text>`;
  });
  return chartSvg({ plot, ticks }, [...curves, ...names]);
}

/**
 * @param {Line} line
 * @param {ArrayLike<number>} steps
 * @param {ArrayLike<number | null | undefined>} losses
 * @param {{ x: (step: number) => string, y: (loss: number) => string }} to
 */
function curveOf({ colour, width, dash, points }, steps, losses, { x, y }) {
  const places = Array.from(losses, (loss, i) =>
    loss === null || loss === undefined ? '' : `${x(steps[i])},${y(loss)}`,
  ).filter(Boolean);
  const ink = styleColour(colour);
  const dashes = dash ? ` stroke-dasharray="${dash.join(' ')}"` : '';
  const marks = points
    ? places.map((place) => `<circle cx="${place.replace(',', '" cy="')}" r="2.5" fill="${ink}"/>`)
    : [];
  return `<polyline points="${places.join(' ')}" fill="none" stroke="${ink}" stroke-width="${width}"${dashes}/>${marks.join('')}`;
}
