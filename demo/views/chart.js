import UPlot from 'uplot';
import { escaped, number } from '../export/svg.js';
import { count } from '../format.js';
import { styleColour } from './canvas.js';

/**
 * What all charts over the steps have in common: the look of their axes, on the canvas and as SVG.
 *
 * @typedef {{ at: number, text: string }[]} Ticks what is written at an axis
 * @typedef {{ x: Ticks, y: Ticks }} AllTicks
 */

export const fontFamily = 'system-ui, sans-serif';

/**
 * @param {object} look
 * @param {{ size: number, space: number }} look.x pixels: room for the numbers, and least distance of two
 * @param {{ size: number, space: number }} look.y
 * @param {(value: number) => string} [look.format] of the numbers at the y axis
 * @returns {{ axes: UPlot.Axis[], ticks: AllTicks }} ticks: as they are when the chart was drawn
 */
export function createAxes({ x, y, format = String }) {
  /** @type {AllTicks} */
  const ticks = { x: [], y: [] };
  const axis = {
    font: `12px ${fontFamily}`,
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
  const ofSteps = (/** @type {number} */ step) => (Number.isInteger(step) ? count(step) : '');
  return {
    axes: [
      { ...axis, ...x, values: (_, splits) => named('x', splits, ofSteps), grid: { show: false } },
      { ...axis, ...y, values: (_, splits) => named('y', splits, format) },
    ],
    ticks,
  };
}

/**
 * Where things are, in pixels from the upper left corner of the canvas.
 *
 * @param {UPlot} plot
 */
export function frameOf({ bbox, valToPos }) {
  const ratio = UPlot.pxRatio;
  const [left, top] = [bbox.left / ratio, bbox.top / ratio];
  return {
    left,
    top,
    width: bbox.width / ratio,
    height: bbox.height / ratio,
    x: (/** @type {number} */ step) => number(left + valToPos(step, 'x')),
    y: (/** @type {number} */ value) => number(top + valToPos(value, 'y')),
  };
}

/**
 * A chart with its axes as SVG.
 *
 * @param {{ plot: UPlot, ticks: AllTicks }} drawn
 * @param {string[]} parts what is in the frame
 */
export function chartSvg({ plot, ticks }, parts) {
  const { left, top, width, height, x, y } = frameOf(plot);
  const muted = `fill="${styleColour('--muted')}"`;
  const grid = ticks.y.map(({ at, text }) => {
    const ends = `x1="${number(left)}" x2="${number(left + width)}" y1="${y(at)}" y2="${y(at)}"`;
    const place = `x="${number(left - 6)}" y="${y(at)}" dy="0.35em" text-anchor="end"`;
    return `<line ${ends} stroke="${styleColour('--line')}"/><text ${place} ${muted}>${escaped(text)}</text>`;
  });
  const steps = ticks.x.map(({ at, text }) => {
    const place = `x="${x(at)}" y="${number(top + height + 18)}" text-anchor="middle"`;
    return `<text ${place} ${muted}>${text}</text>`;
  });
  return `<g font-family="${fontFamily}" font-size="12">${[...grid, ...steps, ...parts].join('')}</g>`;
}
