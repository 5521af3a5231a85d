import { number } from './svg.js';
import { vectorOf } from './vector.js';

/** What is a picture on the page already, as a part of a larger one. */

/** What a style sheet may say of a shape, which a picture must say by itself. */
const looks = [
  'fill',
  'fill-opacity',
  'fill-rule',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'stroke-dasharray',
  'stroke-linecap',
  'stroke-linejoin',
  'opacity',
  'visibility',
  'font-family',
  'font-size',
  'font-weight',
  'font-style',
  'text-anchor',
  'dominant-baseline',
  'paint-order',
  'vector-effect',
];

/** @param {Element} element */
export const isPicture = (element) =>
  element instanceof SVGSVGElement || element instanceof HTMLCanvasElement;

/**
 * @param {Element} element
 * @param {DOMRect} rect
 * @param {CSSStyleDeclaration} style
 * @returns {string} empty where it is no picture, or none that can be seen
 */
export function embedded(element, rect, style) {
  if (!rect.width || !rect.height) return '';
  if (element instanceof SVGSVGElement) return drawing(element, rect);
  if (!(element instanceof HTMLCanvasElement) || !element.width) return '';
  const vector = vectorOf(element);
  if (vector !== undefined) return `<svg ${placeOf(rect)}>${vector}</svg>`;
  const sharp = style.imageRendering === 'pixelated' ? ' style="image-rendering: pixelated"' : '';
  return `<image ${placeOf(rect)} preserveAspectRatio="none"${sharp} href="${element.toDataURL('image/png')}"/>`;
}

/** @param {DOMRect} rect */
const placeOf = ({ left, top, width, height }) =>
  `x="${number(left)}" y="${number(top)}" width="${number(width)}" height="${number(height)}"`;

/**
 * @param {SVGSVGElement} drawn
 * @param {DOMRect} rect
 */
function drawing(drawn, rect) {
  const copy = /** @type {SVGSVGElement} */ (drawn.cloneNode(true));
  const originals = [drawn, ...drawn.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const look of looks) {
      const value = style.getPropertyValue(look);
      if (value) element.setAttribute(look, value);
    }
    for (const name of ['class', 'style', 'tabindex']) element.removeAttribute(name);
  });
  if (!copy.hasAttribute('viewBox')) {
    copy.setAttribute('viewBox', `0 0 ${number(rect.width)} ${number(rect.height)}`);
  }
  const place = { x: rect.left, y: rect.top, width: rect.width, height: rect.height };
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, number(value));
  return new XMLSerializer().serializeToString(copy);
}
