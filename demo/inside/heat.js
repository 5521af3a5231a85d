import { mix, paper, textOn } from '../colours.js';

/**
 * How the numbers of a router are shown: in colours, in words, and which keys lead from one to the next.
 *
 * The colours of numbers: paper for 0, warm below, cool above. Hue belongs to experts; these two have as little of it
 * as can be told apart.
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
 * How dark a number is: the square root of its size, as a part of a reach that never changes. So what is small at
 * first can be seen, and what grows gets darker; colours that are fitted anew to each picture would hide that.
 *
 * @param {number} value
 * @param {number} reach what has the darkest colour
 * @returns {number} -1 … 1; beyond the reach it stays there
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
 * The colour of a number, and that of text on it.
 *
 * @param {number} value
 * @param {number} reach
 */
export function heatOf(value, reach) {
  const fill = table[levelOf(value, reach)];
  return { fill, text: textOn(fill) };
}

/**
 * Draws a matrix, one pixel a number; style makes it larger. What is no number stays empty.
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

/** The values of the darkest colours: the same for every run and router, so that they can be compared. */
export const reaches = { embedding: 4, hidden: 1, frozen: 0.25, weights: 1, effect: 0.05, cosine: 1 };

/** @param {number} value as people read it */
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
 * Where a key leads to, past what is empty; undefined for keys that do not move.
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
