import { escaped, number } from '../export/svg.js';
import { styleColour } from '../views/canvas.js';
import { chartSvg, frameOf } from '../views/chart.js';
import { labelsOf, outlineOf } from './line-plot.js';
import { bandInk, markRadius } from './marks.js';

/**
 * @typedef {import('./line-plot.js').Drawn} Drawn
 * @typedef {import('./line-plot.js').Line} Line
 * @typedef {{ x: (step: number) => string, y: (value: number) => string }} Places
 */

/**
 * The chart as SVG, from the upper left corner of its canvas.
 *
 * @param {import('./line-plot.js').Plot} plotted
 * @param {Drawn} drawn
 */
export function plotSvg({ plot, ticks }, { lines, log }) {
  const frame = frameOf(plot);
  const names = labelsOf(plot, lines).map(({ router, look, y }) => {
    const [from, at] = [frame.left + frame.width + 5, number(frame.top + y)];
    return (
      `<line x1="${number(from)}" x2="${number(from + 15)}" y1="${at}" y2="${at}" ${strokeOf(look)}/>` +
      `<text x="${number(from + 19)}" y="${at}" dy="0.35em" fill="${styleColour('--ink')}">${escaped(router)}</text>`
    );
  });
  const parts = [
    ...lines.map((line) => bandOf(line, log, frame)),
    ...lines.map((line) => curveOf(line, log, frame)),
    ...lines.map((line) => marksOf(line, log, frame)),
    ...names,
  ];
  return chartSvg({ plot, ticks }, parts);
}

/** @param {Line['look']} look */
function strokeOf({ colour, width, dash }) {
  const dashes = dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : '';
  return `fill="none" stroke="${styleColour(colour)}" stroke-width="${width}"${dashes}`;
}

/** @param {Line} line @param {boolean} log @param {Places} to */
function bandOf(line, log, { x, y }) {
  const points = outlineOf(line, log).map(([step, value]) => `${x(step)},${y(value)}`);
  const fill = `fill="${styleColour(line.look.colour)}" fill-opacity="${bandInk}"`;
  return points.length ? `<polygon points="${points.join(' ')}" ${fill}/>` : '';
}

/** @param {Line} line @param {boolean} log @param {Places} to */
function curveOf({ look, steps, values }, log, { x, y }) {
  const points = steps.flatMap((step, i) => (log && step < 1 ? [] : [`${x(step)},${y(values[i])}`]));
  return `<polyline points="${points.join(' ')}" ${strokeOf(look)}/>`;
}

/** @param {Line} line @param {boolean} log @param {Places} to */
function marksOf({ look, marks = [] }, log, { x, y }) {
  const { colour, mark, filled } = look;
  const ink = styleColour(colour);
  const paint = `fill="${filled ? ink : styleColour('--ground')}" stroke="${ink}" stroke-width="1.25"`;
  const half = markRadius * 0.9;
  return marks
    .filter(({ step }) => !log || step >= 1)
    .map(({ step, value }) => {
      if (mark === 'circle') return `<circle cx="${x(step)}" cy="${y(value)}" r="${markRadius}" ${paint}/>`;
      const corner = `x="${number(Number(x(step)) - half)}" y="${number(Number(y(value)) - half)}"`;
      return `<rect ${corner} width="${2 * half}" height="${2 * half}" ${paint}/>`;
    })
    .join('');
}
