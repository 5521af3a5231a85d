import { boxOf } from './box.js';
import { embedded, isPicture } from './embedded.js';
import { barOf } from './formula.js';
import { createPen, escaped, number } from './svg.js';
import { textOf } from './text.js';
import { drawWhole } from './vector.js';

/**
 * A part of the page as an SVG image. Boxes and text stay boxes and text, so that the image can be enlarged and edited;
 * only a map on a canvas becomes a bitmap.
 *
 * (dom-to-svg does this too, but it blurs gradients with sharp edges, which draw the stripes of this page.)
 *
 * @typedef {{ svg: string, width: number, height: number }} Picture sizes in pixels
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Frame
 */

/** Controls, which are left out of the image. Figures that are buttons too have the attribute `data-picture`. */
const controls = [
  'button:not([data-picture])',
  'select',
  'input',
  'textarea',
  'label.button',
  'label:has(input)',
  'fieldset',
  'form',
  'details',
  'dialog',
  '.unseen',
  '.tools',
  '.figure-tools',
  '[hidden]',
].join(',');

const margin = 16;

/**
 * @param {Element} root on the page
 * @param {{ title: string, description: string }} words
 * @returns {Picture}
 */
export function pictureOf(root, { title, description }) {
  const frame = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  const pen = createPen();
  const parts = withoutControls(root, () => paint(pen, root, frame));
  if (!parts) throw new RangeError('this figure is empty');
  const [left, top] = [Math.floor(frame.left) - margin, Math.floor(frame.top) - margin];
  const width = Math.ceil(frame.right) + margin - left;
  const height = Math.ceil(frame.bottom) + margin - top;
  const size = `viewBox="${left} ${top} ${width} ${height}" width="${width}" height="${height}"`;
  const ground = pen.paint('fill', getComputedStyle(document.body).backgroundColor) || 'fill="#ffffff"';
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>` +
    `<title>${escaped(title)}</title><desc>${escaped(description)}</desc>` +
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" ${ground}/>${parts}</svg>`;
  return { svg, width, height };
}

/**
 * Calls a function while the controls are removed from the layout. This is never visible, because the page is not painted
 * meanwhile.
 *
 * @template T
 * @param {Element} root
 * @param {() => T} act
 * @returns {T}
 */
function withoutControls(root, act) {
  const all = /** @type {HTMLElement[]} */ ([...root.querySelectorAll(controls)]);
  const before = all.map(({ style }) => style.display);
  for (const { style } of all) style.display = 'none';
  try {
    // What scrolls is shown whole.
    drawWhole();
    root.classList.add('is-picture');
    return act();
  } finally {
    root.classList.remove('is-picture');
    all.forEach(({ style }, i) => {
      style.display = before[i];
    });
  }
}

/**
 * @param {import('./svg.js').Pen} pen
 * @param {Element} element
 * @param {Frame} frame enlarged to what is drawn
 * @returns {string}
 */
function paint(pen, element, frame) {
  const style = getComputedStyle(element);
  if (style.display === 'none' || style.visibility === 'hidden' || style.opacity === '0') return '';
  // Text for screen readers only.
  if (style.clip !== 'auto') return '';
  const rect = element.getBoundingClientRect();
  const own = [boxOf(pen, rect, style), embedded(element, rect, style), barOf(pen, element, rect, style)];
  const parts = [...own];
  if (!isPicture(element)) {
    for (const child of element.childNodes) {
      const words = child instanceof Text ? textOf(pen, child, style) : '';
      own.push(words);
      parts.push(child instanceof Element ? paint(pen, child, frame) : words);
    }
  }
  const whole = parts.join('');
  if (own.some(Boolean) && rect.width && rect.height) widen(frame, rect);
  if (!whole || style.opacity === '1') return whole;
  return `<g opacity="${number(Number(style.opacity))}">${whole}</g>`;
}

/**
 * @param {Frame} frame changed
 * @param {DOMRect} rect
 */
function widen(frame, rect) {
  frame.left = Math.min(frame.left, rect.left);
  frame.top = Math.min(frame.top, rect.top);
  frame.right = Math.max(frame.right, rect.right);
  frame.bottom = Math.max(frame.bottom, rect.bottom);
}

/**
 * An image as PNG, with 2 × 2 dots per CSS pixel.
 *
 * @param {Picture} picture
 * @returns {Promise<Blob>}
 */
export async function pngOf({ svg, width, height }) {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      const done = (/** @type {Blob | null} */ blob) =>
        blob ? resolve(blob) : reject(new Error('this image is too large for a PNG'));
      canvas.toBlob(done, 'image/png');
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
