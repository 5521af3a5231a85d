import { escaped, number } from '../export/svg.js';
import { styleColour } from './canvas.js';
import {
  bandOpacity,
  font,
  labelPlace,
  markedStep,
  markRadius,
  marksOf,
  outlineOf,
  rowHeight,
} from './plot-lines.js';

/**
 * A line chart as SVG, from the upper left corner of its canvas.
 *
 * @typedef {import('./plot-lines.js').PlotData} PlotData
 * @typedef {import('./plot-lines.js').Line} Line
 * @typedef {import('./plot-draw.js').PlotFrame} PlotFrame
 * @typedef {import('./plot-draw.js').Ticks} Ticks
 *
 * @param {PlotData} drawn
 * @param {object} placed
 * @param {PlotFrame} placed.frame
 * @param {{ x: Ticks, y: Ticks }} placed.ticks
 * @param {readonly import('./plot-draw.js').Label[]} placed.labels
 */
export function plotSvg(drawn, { frame, ticks, labels }) {
  const { lines, log } = drawn;
  const parts = [
    ...axesOf(frame, ticks),
    ...lines.map((line) => bandOf(line, log, frame)),
    ...lines.map((line) => curveOf(line, log, frame)),
    ...lines.map((line) => marksSvg(line, log, frame)),
    markedStepOf(drawn, frame),
    ...labels.map((label) => labelOf(label, frame)),
  ];
  return `<g font-family="${font.family}" font-size="${font.size}">${parts.join('')}</g>`;
}

/**
 * @param {PlotFrame} frame
 * @param {{ x: Ticks, y: Ticks }} ticks
 */
function axesOf({ left, top, width, height, x, y }, ticks) {
  const muted = `fill="${styleColour('--muted')}"`;
  const grid = ticks.y.map(({ at, text }) => {
    const level = number(y(at));
    const ends = `x1="${number(left)}" x2="${number(left + width)}" y1="${level}" y2="${level}"`;
    const place = `x="${number(left - 6)}" y="${level}" dy="0.35em" text-anchor="end"`;
    return `<line ${ends} stroke="${styleColour('--line')}"/><text ${place} ${muted}>${escaped(text)}</text>`;
  });
  const steps = ticks.x.map(({ at, text }) => {
    const place = `x="${number(x(at))}" y="${number(top + height + 18)}" text-anchor="middle"`;
    return `<text ${place} ${muted}>${escaped(text)}</text>`;
  });
  return [...grid, ...steps];
}

/** @param {PlotData} drawn @param {PlotFrame} frame */
function markedStepOf(drawn, { top, height, x }) {
  const at = markedStep(drawn);
  if (at === undefined) return '';
  const place = `x1="${number(x(at))}" x2="${number(x(at))}" y1="${number(top)}" y2="${number(top + height)}"`;
  return `<line ${place} stroke="${styleColour('--ink')}" stroke-width="1.5"/>`;
}

/** @param {Line['look']} look */
function strokeOf({ colour, width, dash }) {
  const dashes = dash?.length ? ` stroke-dasharray="${dash.join(' ')}"` : '';
  return `fill="none" stroke="${styleColour(colour)}" stroke-width="${width}"${dashes}`;
}

/** @param {Line} line @param {boolean | undefined} log @param {PlotFrame} frame */
function bandOf(line, log, { x, y }) {
  const points = outlineOf(line, log).map(([step, value]) => `${number(x(step))},${number(y(value))}`);
  const fill = `fill="${styleColour(line.look.colour)}" fill-opacity="${bandOpacity}"`;
  return points.length ? `<polygon points="${points.join(' ')}" ${fill}/>` : '';
}

/** @param {Line} line @param {boolean | undefined} log @param {PlotFrame} frame */
function curveOf({ look, steps, values }, log, { x, y }) {
  const points = steps.flatMap((step, i) =>
    log && step < 1 ? [] : [`${number(x(step))},${number(y(values[i]))}`],
  );
  return `<polyline points="${points.join(' ')}" ${strokeOf(look)}/>`;
}

/** @param {Line} line @param {boolean | undefined} log @param {PlotFrame} frame */
function marksSvg(line, log, { x, y }) {
  const { colour, mark, filled } = line.look;
  const ink = styleColour(colour);
  const paint = `fill="${filled ? ink : styleColour('--ground')}" stroke="${ink}" stroke-width="1.25"`;
  const half = markRadius * 0.9;
  return marksOf(line, log)
    .map(({ step, value }) => {
      const [cx, cy] = [x(step), y(value)];
      if (mark !== 'square')
        return `<circle cx="${number(cx)}" cy="${number(cy)}" r="${markRadius}" ${paint}/>`;
      const corner = `x="${number(cx - half)}" y="${number(cy - half)}"`;
      return `<rect ${corner} width="${number(2 * half)}" height="${number(2 * half)}" ${paint}/>`;
    })
    .join('');
}

/** @param {import('./plot-draw.js').Label} label @param {PlotFrame} frame */
function labelOf({ line: { look }, rows, y, height }, frame) {
  const right = frame.left + frame.width;
  const top = frame.top + y - height / 2 + rowHeight / 2;
  const from = right + labelPlace.piece;
  const ends = `x1="${number(from)}" x2="${number(from + labelPlace.pieceWidth)}"`;
  const piece = `<line ${ends} y1="${number(top)}" y2="${number(top)}" ${strokeOf(look)}/>`;
  const texts = rows.map((row, i) => {
    const place = `x="${number(right + labelPlace.text)}" y="${number(top + i * rowHeight)}" dy="0.35em"`;
    return `<text ${place} fill="${styleColour(look.text ?? '--ink')}">${escaped(row)}</text>`;
  });
  return piece + texts.join('');
}
