import { number } from './svg.js';

/** What browsers draw of a formula by themselves, beside its letters. */

/**
 * The bar of a fraction, midway between what is above and below.
 *
 * @param {import('./svg.js').Pen} pen
 * @param {Element} element
 * @param {import('./svg.js').Rect} rect
 * @param {CSSStyleDeclaration} style
 * @returns {string} empty where it is no fraction
 */
export function barOf(pen, element, { left, width }, style) {
  if (element.localName !== 'mfrac') return '';
  const [above, below] = [...element.children].map((part) => part.getBoundingClientRect());
  const y = number((above.bottom + below.top) / 2);
  const thick = Math.max(1, Number.parseFloat(style.fontSize) / 16);
  const ends = `x1="${number(left)}" x2="${number(left + width)}" y1="${y}" y2="${y}"`;
  return `<line ${ends} ${pen.paint('stroke', style.color)} stroke-width="${number(thick)}"/>`;
}

/**
 * A single letter that stands for a number is slanted, without a style that says so.
 *
 * @param {Text} node
 */
export const isSlanted = ({ parentElement, data }) =>
  parentElement?.localName === 'mi' &&
  parentElement.getAttribute('mathvariant') !== 'normal' &&
  /^[A-Za-z\u03b1-\u03c9\u2202]$/.test(data.trim());
