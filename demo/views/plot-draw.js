import UPlot from 'uplot';
import { count } from '../format.js';
import { styleColour } from './canvas.js';
import {
  bandOpacity,
  font,
  labelPlace,
  labelsOf,
  markedStep,
  markRadius,
  marksOf,
  outlineOf,
  rowHeight,
  spread,
  stepRange,
  tablesOf,
  valueRange,
  wrapped,
} from './plot-lines.js';
import { plotSvg } from './plot-svg.js';

/**
 * A line chart on a canvas.
 *
 * @typedef {import('./plot-lines.js').PlotData} PlotData
 * @typedef {import('./plot-lines.js').Line} Line
 *
 * @typedef {{ at: number, text: string }[]} Ticks labels of an axis
 *
 * @typedef {object} Label at the end of a line
 * @property {Line} line
 * @property {string[]} rows
 * @property {number} y vertical centre, pixels from the top of the plotting area
 * @property {number} height pixels
 */

const maxRows = 3;
/** Largest share of the chart's width for labels. */
const labelShare = 0.42;

/**
 * @param {HTMLElement} box
 * @param {PlotData} first
 * @param {number} height pixels
 */
export function createPlot(box, first, height) {
  let drawn = first;
  /** Tick labels of the last drawing. @type {{ x: Ticks, y: Ticks }} */
  const ticks = { x: [], y: [] };
  const plot = new UPlot(
    {
      width: box.clientWidth || 320,
      height,
      padding: [12, (self) => labelSpace(self, drawn.lines), 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: first.log ? 3 : 1, range: () => stepRange(drawn) },
        y: { range: () => valueRange(drawn) },
      },
      axes: axesOf(ticks, (value) => (drawn.format ?? String)(value), first.ticks),
      series: [
        {},
        ...first.lines.map(({ label, look: { colour, width, dash } }) => ({
          label,
          stroke: () => styleColour(colour),
          width,
          dash: dash && [...dash],
          spanGaps: true,
          points: { show: false },
        })),
      ],
      hooks: {
        // Drawn before the lines, so below them.
        drawAxes: [(self) => drawBands(self, drawn)],
        draw: [
          (self) => {
            drawMarks(self, drawn);
            drawMarkedStep(self, drawn);
            drawLabels(self, drawn.lines);
          },
        ],
      },
    },
    dataOf(drawn),
    box,
  );
  return {
    plot,

    /** @param {PlotData} next the same lines with new values */
    show(next) {
      drawn = next;
      plot.setData(dataOf(next));
    },

    /** As SVG, from the upper left corner of the canvas. */
    svg: () => plotSvg(drawn, { frame: frameOf(plot), ticks, labels: placedLabels(plot, drawn.lines) }),
  };
}

/** @param {PlotData} drawn @returns {UPlot.AlignedData} */
function dataOf(drawn) {
  const tables = /** @type {UPlot.AlignedData[]} */ (tablesOf(drawn));
  // Joining sorts all steps, so it is avoided for runs with the same steps.
  return tables.length > 1 ? UPlot.join(tables) : (tables[0] ?? [[]]);
}

/**
 * @param {{ x: Ticks, y: Ticks }} ticks updated by each drawing
 * @param {(value: number) => string} format
 * @param {readonly number[]} [places] all that are named on the axis along the chart
 * @returns {UPlot.Axis[]}
 */
function axesOf(ticks, format, places) {
  const axis = {
    font: `${font.size}px ${font.family}`,
    stroke: () => styleColour('--muted'),
    grid: { stroke: () => styleColour('--line'), width: 1 },
    ticks: { show: false },
  };
  /** @param {'x' | 'y'} key @param {(number | null)[]} splits @param {(at: number) => string} name */
  const named = (key, splits, name) => {
    const texts = splits.map((at) => (at === null ? '' : name(at)));
    ticks[key] = splits.flatMap((at, i) => (at === null ? [] : [{ at, text: texts[i] }]));
    return texts;
  };
  const stepName = (/** @type {number} */ step) => (Number.isInteger(step) ? count(step) : '');
  return [
    {
      ...axis,
      size: 28,
      space: 56,
      // A logarithmic axis names only powers of ten by itself.
      ...(places && { splits: () => [...places], filter: (_, splits) => splits }),
      values: (_, splits) => named('x', splits, stepName),
      grid: { show: false },
    },
    {
      ...axis,
      size: (plot, texts) => 12 + Math.max(20, ...(texts ?? []).map((text) => textWidth(plot, text))),
      space: 30,
      values: (_, splits) => named('y', splits, format),
    },
  ];
}

/**
 * The plotting area and its scales, in pixels from the upper left corner of the canvas.
 *
 * @param {UPlot} plot
 */
function frameOf(plot) {
  const { bbox } = plot;
  const ratio = UPlot.pxRatio;
  const [left, top] = [bbox.left / ratio, bbox.top / ratio];
  return {
    left,
    top,
    width: bbox.width / ratio,
    height: bbox.height / ratio,
    x: (/** @type {number} */ step) => left + plot.valToPos(step, 'x'),
    y: (/** @type {number} */ value) => top + plot.valToPos(value, 'y'),
  };
}

/** @typedef {ReturnType<typeof frameOf>} PlotFrame */

/**
 * @param {UPlot} plot
 * @param {string} text
 * @returns {number} CSS pixels
 */
function textWidth({ ctx }, text) {
  ctx.save();
  ctx.font = `${font.size}px ${font.family}`;
  const { width } = ctx.measureText(text);
  ctx.restore();
  return width;
}

/**
 * The labels broken into rows that fit the width and height of the chart.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 */
function rowsOfLabels(plot, lines) {
  const labels = labelsOf(lines);
  const named = labels.filter(Boolean).length;
  const width = plot.width * labelShare - labelPlace.text;
  const rows = Math.min(maxRows, Math.max(1, Math.floor((plot.height - 40) / rowHeight / named)));
  return labels.map((label) =>
    label ? wrapped(label, { width, rows }, (text) => textWidth(plot, text)) : [],
  );
}

/**
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 * @returns {number} pixels to the right of the plotting area
 */
function labelSpace(plot, lines) {
  const rows = rowsOfLabels(plot, lines).flat();
  if (!rows.length) return 10;
  return Math.ceil(2 + labelPlace.text + Math.max(...rows.map((row) => textWidth(plot, row))));
}

/**
 * The labels beside the last values of their lines, moved apart where they would overlap.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 * @returns {Label[]}
 */
function placedLabels(plot, lines) {
  const rows = rowsOfLabels(plot, lines);
  const labels = lines.flatMap((line, i) => {
    const last = line.values.at(-1);
    if (!rows[i].length || last === undefined) return [];
    return [{ line, rows: rows[i], y: plot.valToPos(last, 'y'), height: rows[i].length * rowHeight }];
  });
  return spread(labels, [0, plot.bbox.height / UPlot.pxRatio]);
}

/**
 * @param {UPlot} plot
 * @param {PlotData} drawn
 */
function drawBands(plot, { lines, log }) {
  const { ctx } = plot;
  ctx.save();
  ctx.globalAlpha = bandOpacity;
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
 * @param {PlotData} drawn
 */
function drawMarks(plot, { lines, log }) {
  const { ctx } = plot;
  const ratio = UPlot.pxRatio;
  const radius = markRadius * ratio;
  ctx.save();
  // Resets the dashes of the lines.
  ctx.setLineDash([]);
  for (const line of lines) {
    const { colour, mark, filled } = line.look;
    ctx.strokeStyle = styleColour(colour);
    ctx.fillStyle = styleColour(filled ? colour : '--ground');
    ctx.lineWidth = 1.25 * ratio;
    for (const { step, value } of marksOf(line, log)) {
      const [x, y] = [plot.valToPos(step, 'x', true), plot.valToPos(value, 'y', true)];
      ctx.beginPath();
      if (mark === 'square') ctx.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
      else ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    }
  }
  ctx.restore();
}

/**
 * @param {UPlot} plot
 * @param {PlotData} drawn
 */
function drawMarkedStep(plot, drawn) {
  const at = markedStep(drawn);
  if (at === undefined) return;
  const { ctx, bbox } = plot;
  const x = plot.valToPos(at, 'x', true);
  ctx.save();
  ctx.setLineDash([]);
  ctx.strokeStyle = styleColour('--ink');
  ctx.lineWidth = 1.5 * UPlot.pxRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/**
 * Each label with a piece of its line.
 *
 * @param {UPlot} plot
 * @param {readonly Line[]} lines
 */
function drawLabels(plot, lines) {
  const ratio = UPlot.pxRatio;
  const { ctx } = plot;
  const right = plot.bbox.left + plot.bbox.width;
  const x = right + labelPlace.piece * ratio;
  ctx.save();
  ctx.font = `${font.size * ratio}px ${font.family}`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { line, rows, y, height } of placedLabels(plot, lines)) {
    const { colour, width, dash = [], text = '--ink' } = line.look;
    const top = plot.bbox.top + (y - height / 2 + rowHeight / 2) * ratio;
    ctx.strokeStyle = styleColour(colour);
    ctx.lineWidth = width * ratio;
    ctx.setLineDash(dash.map((piece) => piece * ratio));
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x + labelPlace.pieceWidth * ratio, top);
    ctx.stroke();
    ctx.fillStyle = styleColour(text);
    rows.forEach((row, i) => {
      ctx.fillText(row, right + labelPlace.text * ratio, top + i * rowHeight * ratio);
    });
  }
  ctx.restore();
}
