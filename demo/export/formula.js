import { number } from './svg.js';

/** The parts of a formula that browsers draw besides its letters. */

/**
 * The bar of a fraction, midway between numerator and denominator.
 *
 * @param {import('./svg.js').Pen} pen
 * @param {Element} element
 * @param {import('./svg.js').Rect} rect
 * @param {CSSStyleDeclaration} style
 * @returns {string} empty if the element is not a fraction
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
 * Whether a letter is italic. Browsers draw a variable of a single letter in italics, but its computed style does not
 * say so.
 *
 * @param {Text} node
 */
export const isSlanted = ({ parentElement, data }) =>
  parentElement?.localName === 'mi' &&
  parentElement.getAttribute('mathvariant') !== 'normal' &&
  /^[A-Za-z\u03b1-\u03c9\u2202]$/.test(data.trim());
