import { backgroundOf } from './background.js';
import { number } from './svg.js';

/**
 * Background, borders, outline and ring-shaped shadow of an element, as SVG.
 *
 * @typedef {import('./svg.js').Pen} Pen
 * @typedef {import('./svg.js').Rect} Rect
 */

/** @param {string} length */
const pixels = (length) => Number.parseFloat(length) || 0;

/**
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {CSSStyleDeclaration} style
 * @returns {string}
 */
export function boxOf(pen, rect, style) {
  if (!rect.width || !rect.height) return '';
  const smaller = Math.min(rect.width, rect.height) / 2;
  const corner = style.borderTopLeftRadius;
  const radius = corner.endsWith('%') ? (pixels(corner) / 50) * smaller : Math.min(pixels(corner), smaller);
  const fill = pen.paint('fill', style.backgroundColor);
  return (
    ringOf(pen, rect, style, radius) +
    (fill && rectangle(rect, radius, fill)) +
    backgroundOf(pen, rect, style, (area, paint) => rectangle(area, radius, paint)) +
    bordersOf(pen, rect, style, radius) +
    outlineOf(pen, rect, style, radius)
  );
}

/**
 * @param {Rect} rect
 * @param {number} radius
 * @param {string} paint
 */
function rectangle({ left, top, width, height }, radius, paint) {
  const corners = radius > 0 ? ` rx="${number(radius)}"` : '';
  const place = `x="${number(left)}" y="${number(top)}" width="${number(width)}" height="${number(height)}"`;
  return `<rect ${place}${corners} ${paint}/>`;
}

/**
 * @param {Rect} rect
 * @param {number} by
 * @returns {Rect}
 */
function grown({ left, top, width, height }, by) {
  return {
    left: left - by,
    top: top - by,
    width: Math.max(0, width + 2 * by),
    height: Math.max(0, height + 2 * by),
  };
}

/**
 * @param {Pen} pen
 * @param {string} colour
 * @param {number} width
 */
function strokeOf(pen, colour, width) {
  const paint = width > 0 ? pen.paint('stroke', colour) : '';
  return paint && `fill="none" ${paint} stroke-width="${number(width)}"`;
}

/**
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {CSSStyleDeclaration} style
 * @param {number} radius
 */
function bordersOf(pen, rect, style, radius) {
  const borders = /** @type {const} */ (['Top', 'Right', 'Bottom', 'Left']).flatMap((side) => {
    const kind = style[`border${side}Style`];
    const width = kind === 'none' ? 0 : pixels(style[`border${side}Width`]);
    const dash = kind === 'dashed' ? ` stroke-dasharray="${3 * width} ${2 * width}"` : '';
    const stroke = strokeOf(pen, style[`border${side}Color`], width);
    return stroke ? [{ side, width, stroke: stroke + dash }] : [];
  });
  if (!borders.length) return '';
  const [{ width, stroke }] = borders;
  if (borders.length === 4 && borders.every((border) => border.stroke === stroke)) {
    return rectangle(grown(rect, -width / 2), Math.max(0, radius - width / 2), stroke);
  }
  return borders.map((border) => lineOf(rect, border)).join('');
}

/**
 * @param {Rect} rect
 * @param {{ side: 'Top' | 'Right' | 'Bottom' | 'Left', width: number, stroke: string }} border
 */
function lineOf({ left, top, width: w, height: h }, { side, width, stroke }) {
  const half = width / 2;
  const [x1, y1, x2, y2] = {
    Top: [left, top + half, left + w, top + half],
    Right: [left + w - half, top, left + w - half, top + h],
    Bottom: [left, top + h - half, left + w, top + h - half],
    Left: [left + half, top, left + half, top + h],
  }[side].map(number);
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${stroke}/>`;
}

/**
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {CSSStyleDeclaration} style
 * @param {number} radius
 */
function outlineOf(pen, rect, style, radius) {
  // `auto` is the browser's own focus ring.
  if (style.outlineStyle === 'none' || style.outlineStyle === 'auto') return '';
  const width = pixels(style.outlineWidth);
  const by = pixels(style.outlineOffset) + width / 2;
  const stroke = strokeOf(pen, style.outlineColor, width);
  return stroke && rectangle(grown(rect, by), radius + by, stroke);
}

/**
 * A shadow without offset or blur, which is a ring.
 *
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {CSSStyleDeclaration} style
 * @param {number} radius
 */
function ringOf(pen, rect, style, radius) {
  const ring = style.boxShadow.match(/^(\w+\([^)]*\)|#\w+) 0px 0px 0px ([\d.]+)px$/);
  if (!ring) return '';
  const width = Number(ring[2]);
  const stroke = strokeOf(pen, ring[1], width);
  return stroke && rectangle(grown(rect, width / 2), radius + width / 2, stroke);
}
