import { mix, paper, textOn } from '../colours.js';

/**
 * Heat maps of a router's values: their colours, their text, and how keys move the cursor.
 *
 * Zero is the colour of paper, negative values are warm, positive ones cool. Hue stands for experts, so these two have
 * just enough of it to be told apart.
 */

const below = '#744a1f';
const above = '#1d3d52';
const levels = 64;

/** @type {string[]} from the lowest to the highest */
const table = Array.from({ length: 2 * levels + 1 }, (_, i) => {
  const share = (i - levels) / levels;
  return mix(paper, share < 0 ? below : above, Math.abs(share));
});

const pixels = table.map((hex) => {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255, 255];
});

/**
 * How dark a value is: the square root of its magnitude relative to a fixed maximum. Small initial values are visible,
 * and growing ones get darker; a scale fitted to each picture would hide that.
 *
 * @param {number} value
 * @param {number} reach magnitude of the darkest colour
 * @returns {number} -1 … 1; clipped beyond the reach
 */
export function depthOf(value, reach) {
  return Math.sign(value) * Math.sqrt(Math.min(1, Math.abs(value) / reach));
}

/**
 * @param {number} value
 * @param {number} reach
 */
const levelOf = (value, reach) => Math.round(depthOf(value, reach) * levels) + levels;

/**
 * The colour of a value, and of text on it.
 *
 * @param {number} value
 * @param {number} reach
 */
export function heatOf(value, reach) {
  const fill = table[levelOf(value, reach)];
  return { fill, text: textOn(fill) };
}

/**
 * Draws a matrix, one pixel per value; CSS scales it up. NaN stays empty.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {import('./router.js').Matrix} matrix
 * @param {number} reach
 */
export function drawHeat(canvas, { rows, columns, data }, reach) {
  const context = canvas.getContext('2d');
  if (!context) return;
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < data.length; i++) {
    if (!Number.isNaN(data[i])) image.data.set(pixels[levelOf(data[i], reach)], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/** Magnitudes of the darkest colours: the same for all runs and routers, so that these can be compared. */
export const reaches = { embedding: 4, hidden: 1, frozen: 0.25, weights: 1, effect: 0.05, cosine: 1 };

/** @param {number} value @returns {string} three significant digits */
export function number(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size < 1e-4 ? value.toExponential(1) : value.toPrecision(3);
  return text.replaceAll('-', '−');
}

/** @param {{ data: Float32Array }} of */
export function range({ data }) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of data) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return `from ${number(low)} to ${number(high)}`;
}

/** @typedef {{ row: number, column: number }} Cell of a matrix */

/**
 * The cell that a key moves to, skipping empty ones; undefined for keys that do not move.
 *
 * @param {string} key
 * @param {Cell | null} from
 * @param {import('./router.js').Matrix} matrix
 * @returns {Cell | undefined}
 */
export function destination(key, from, { rows, columns, data }) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (key === 'Home' || key === 'End' || (!from && key in steps)) {
    const told = (/** @type {number} */ x) => !Number.isNaN(x);
    const index = key === 'End' ? data.findLastIndex(told) : data.findIndex(told);
    return { row: Math.floor(index / columns), column: index % columns };
  }
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  if (!step || !from) return undefined;
  const within = (/** @type {number} */ value, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, value));
  const to = { row: within(from.row + step[0], rows), column: within(from.column + step[1], columns) };
  return Number.isNaN(data[to.row * columns + to.column]) ? from : to;
}
