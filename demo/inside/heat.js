import { mix, paper } from '../colours.js';

/** Below zero, and above. Hue belongs to experts; these two are as grey as can be told apart. */
const below = '#6b4a2b';
const above = '#26414f';
const levels = 64;

/** @param {string} hex @returns {[number, number, number]} */
function rgb(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** @type {[number, number, number][]} from the lowest to the highest */
const table = Array.from({ length: 2 * levels + 1 }, (_, i) => {
  const share = (i - levels) / levels;
  return rgb(mix(paper, share < 0 ? below : above, Math.abs(share)));
});

/**
 * @param {number} value
 * @param {number} reach the value of the darkest colour
 */
function levelOf(value, reach) {
  const share = Math.max(-1, Math.min(1, value / reach));
  return Math.round(share * levels) + levels;
}

/**
 * The colour of a number, as CSS has it, and that of text on it.
 *
 * @param {number} value
 * @param {number} reach
 */
export function heatOf(value, reach) {
  const [r, g, b] = table[levelOf(value, reach)];
  return { fill: `rgb(${r} ${g} ${b})`, text: Math.abs(value) > 0.45 * reach ? '#ffffff' : '#1c1b19' };
}

/**
 * Draws a matrix, one pixel a number; the canvas is scaled by its style.
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
  data.forEach((value, i) => {
    const [r, g, b] = table[levelOf(value, reach)];
    image.data.set([r, g, b, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}
