import UPlot from 'uplot';
import { styleColour } from '../views/canvas.js';
import { createAxes, fontFamily } from '../views/chart.js';
import { spread } from './labels.js';
import { bandInk, markRadius } from './marks.js';

/**
 * A chart of lines on a canvas.
 *
 * @typedef {{ plot: UPlot, ticks: import('../views/chart.js').AllTicks }} Plot
 *
 * @typedef {object} Line
 * @property {string} router whose name stands at its end
 * @property {import('./marks.js').Look} look
 * @property {readonly number[]} steps
 * @property {readonly number[]} values
 * @property {readonly number[]} [low] with `high`, what is shaded about the line
 * @property {readonly number[]} [high]
 * @property {readonly { step: number, value: number }[]} [marks] single values beside the line
 *
 * @typedef {object} Drawn
 * @property {readonly Line[]} lines
 * @property {boolean} log whether early steps get more room
 * @property {[number, number]} [range] of the values; as they come where it is left out
 * @property {(value: number) => string} [format] of the numbers at the axis
 * @property {number} [lastStep] the end of the axis
 */

const labelSpace = 112;

/** @param {Drawn} drawn @returns {UPlot.AlignedData} */
export function dataOf({ lines, log }) {
  // Nothing is built yet, or nothing routes.
  if (!lines.length) return [[]];
  const tables = lines.map(({ steps, values }) => {
    // A logarithmic axis has no place for step 0.
    const from = log ? steps.findIndex((step) => step > 0) : 0;
    return from < 0 ? [[], []] : [steps.slice(from), values.slice(from)];
  });
  const [[steps]] = tables;
  // Joining sorts all steps; runs that are together have the same.
  const same = tables.every(
    ([others]) => others.length === steps.length && others.every((step, i) => step === steps[i]),
  );
  const joined = same
    ? [steps, ...tables.map(([, values]) => values)]
    : UPlot.join(/** @type {any} */ (tables));
  return /** @type {UPlot.AlignedData} */ (joined);
}

/**
 * @param {HTMLElement} box
 * @param {{ current: Drawn }} latest
 * @param {number} height
 * @returns {Plot}
 */
export function createPlot(box, latest, height) {
  const { lines, log, range, format } = latest.current;
  const { axes, ticks } = createAxes({ x: { size: 26, space: 56 }, y: { size: 40, space: 26 }, format });
  const plot = new UPlot(
    {
      width: box.clientWidth || 320,
      height,
      padding: [10, labelSpace, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: log ? 3 : 1, range: (_, __, max) => xRange(latest.current, max) },
        y: { range: (_, min, max) => range ?? yRange(latest.current, min, max) },
      },
      axes,
      series: [
        {},
        ...lines.map(({ router, look: { colour, width, dash } }) => {
          return {
            label: router,
            stroke: () => styleColour(colour),
            width,
            dash,
            spanGaps: true,
            points: { show: false },
          };
        }),
      ],
      hooks: {
        // Below the lines.
        drawAxes: [(plot) => drawBands(plot, latest.current)],
        draw: [
          (plot) => {
            drawMarks(plot, latest.current);
            drawLabels(plot, latest.current.lines);
          },
        ],
      },
    },
    dataOf(latest.current),
    box,
  );
  return { plot, ticks };
}

/**
 * @param {Drawn} drawn
 * @param {number | null} max
 * @returns {[number, number]}
 */
function xRange({ log, lastStep }, max) {
  return [log ? 1 : 0, Math.max(10, lastStep ?? max ?? 0)];
}

/**
 * @param {Drawn} drawn
 * @param {number | null} min
 * @param {number | null} max
 * @returns {[number, number]} with some air, single values and bands included
 */
function yRange({ lines }, min, max) {
  let [least, most] = [min ?? Number.POSITIVE_INFINITY, max ?? Number.NEGATIVE_INFINITY];
  const include = (/** @type {number} */ value) => {
    if (value < least) least = value;
    if (value > most) most = value;
  };
  for (const { low, high, marks } of lines) {
    low?.forEach(include);
    high?.forEach(include);
    for (const { value } of marks ?? []) include(value);
  }
  if (least > most) return [0, 1];
  const air = Math.max((most - least) * 0.06, 1e-3);
  return [least - air, most + air];
}

/**
 * The outline of what is shaded about a line.
 *
 * @param {Line} line
 * @param {boolean} log
 * @returns {[step: number, value: number][]} empty where there is nothing
 */
export function outlineOf({ steps, low, high }, log) {
  if (!low || !high) return [];
  const at = steps.flatMap((step, i) => (log && step < 1 ? [] : [i]));
  const along = (/** @type {readonly number[]} */ values) =>
    at.map((i) => /** @type {[number, number]} */ ([steps[i], values[i]]));
  return [...along(high), ...along(low).reverse()];
}

/**
 * @param {UPlot} plot
 * @param {Drawn} drawn
 */
function drawBands(plot, { lines, log }) {
  const { ctx } = plot;
  ctx.save();
  ctx.globalAlpha = bandInk;
  for (const line of lines) {
    ctx.fillStyle = styleColour(line.look.colour);
    ctx.beginPath();
    for (const [step, value] of outlineOf(line, log)) {
      ctx.lineTo(plot.valToPos(step, 'x', true), plot.valToPos(value, 'y', true));
    }
    ctx.fill();
  }
  ctx.restore();
}

/**
 * @param {UPlot} plot
 * @param {Drawn} drawn
 */
function drawMarks(plot, { lines, log }) {
  const { ctx } = plot;
  const ratio = UPlot.pxRatio;
  const radius = markRadius * ratio;
  ctx.save();
  // The lines may have left theirs behind.
  ctx.setLineDash([]);
  for (const { look, marks = [] } of lines) {
    const { colour, mark, filled } = look;
    ctx.strokeStyle = styleColour(colour);
    ctx.fillStyle = styleColour(filled ? colour : '--ground');
    ctx.lineWidth = 1.25 * ratio;
    for (const { step, value } of marks) {
      if (log && step < 1) continue;
      const [x, y] = [plot.valToPos(step, 'x', true), plot.valToPos(value, 'y', true)];
      ctx.beginPath();
      if (mark === 'circle') ctx.arc(x, y, radius, 0, 2 * Math.PI);
      else ctx.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
      ctx.fill();
      ctx.stroke();
    }
  }
  ctx.restore();
}

/**
 * The names of the lines, beside their last values and moved apart where these meet.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 * @returns {(Pick<Line, 'router' | 'look'> & { y: number })[]} y: pixels from the top of the plotting area
 */
export function labelsOf(plot, lines) {
  const labels = lines.flatMap(({ router, look, values }) => {
    const last = values.at(-1);
    return last === undefined ? [] : [{ router, look, y: plot.valToPos(last, 'y') }];
  });
  labels.sort((a, b) => a.y - b.y);
  spread(labels, 14, [0, plot.bbox.height / UPlot.pxRatio]);
  return labels;
}

/**
 * Each name with a piece of its line.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 */
function drawLabels(plot, lines) {
  const ratio = UPlot.pxRatio;
  const { ctx } = plot;
  const x = plot.bbox.left + plot.bbox.width + 5 * ratio;
  ctx.save();
  ctx.font = `${12 * ratio}px ${fontFamily}`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { router, look, y: below } of labelsOf(plot, lines)) {
    const y = plot.bbox.top + below * ratio;
    const { colour, width, dash } = look;
    ctx.strokeStyle = styleColour(colour);
    ctx.lineWidth = width * ratio;
    ctx.setLineDash(dash.map((piece) => piece * ratio));
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x + 15 * ratio, y);
    ctx.stroke();
    ctx.fillStyle = styleColour('--ink');
    ctx.fillText(router, x + 19 * ratio, y);
  }
  ctx.restore();
}
