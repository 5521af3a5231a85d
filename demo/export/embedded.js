import { number } from './svg.js';
import { vectorOf } from './vector.js';

/** SVG and canvas elements of the page, embedded in a larger image. */

/** Properties that a style sheet may set on a shape, and that the image must contain. */
const shapeProperties = [
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
 * @returns {string} empty if the element is neither SVG nor canvas, or is invisible
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
    for (const property of shapeProperties) {
      const value = style.getPropertyValue(property);
      if (value) element.setAttribute(property, value);
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
