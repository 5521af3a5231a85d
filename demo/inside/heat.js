import { mix, paper, textOn } from '../colours.js';

/**
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
