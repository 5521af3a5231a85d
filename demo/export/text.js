import { isSlanted } from './formula.js';
import { escaped, number } from './svg.js';

/**
 * The text of the page, as SVG.
 *
 * @typedef {import('./svg.js').Pen} Pen
 * @typedef {import('./svg.js').Rect} Rect
 */

/** @typedef {Record<'fontFamily' | 'fontSize' | 'fontStyle' | 'fontWeight' | 'textTransform' | 'color', string>} Font */

/** @param {Font} style */
const fontOf = ({ fontStyle, fontWeight, fontSize, fontFamily }) =>
  `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;

/**
 * @param {Pen} pen
 * @param {string} text
 * @param {Rect} rect of the text
 * @param {Font} style
 * @param {string} [fontStyle]
 */
function lineOf(pen, text, rect, style, fontStyle = style.fontStyle) {
  const shown = style.textTransform === 'uppercase' ? text.toUpperCase() : text;
  // Fixes the width, because another machine may use another font.
  const width = shown.length > 1 ? ` textLength="${number(rect.width)}" lengthAdjust="spacingAndGlyphs"` : '';
  const slant = fontStyle === 'normal' ? '' : ` font-style="${fontStyle}"`;
  const font =
    `font-family="${escaped(style.fontFamily)}" font-size="${style.fontSize}" ` +
    `font-weight="${style.fontWeight}"${slant}`;
  const place = `x="${number(rect.left)}" y="${number(rect.top + pen.ascentOf(fontOf(style)))}"`;
  const fill = pen.paint('fill', style.color);
  return fill && `<text ${place} ${font} ${fill}${width} xml:space="preserve">${escaped(shown)}</text>`;
}

/**
 * A text node, line by line as the page breaks it.
 *
 * @param {Pen} pen
 * @param {Text} node
 * @param {CSSStyleDeclaration} style of its element
 */
export function textOf(pen, node, style) {
  if (!node.data.trim()) return '';
  return linesOf(node)
    .map(({ text, rect }) => lineOf(pen, text, rect, style, isSlanted(node) ? 'italic' : style.fontStyle))
    .join('');
}

/**
 * @param {Text} node
 * @returns {{ text: string, rect: DOMRect }[]}
 */
function linesOf(node) {
  const range = document.createRange();
  /** @type {{ from: number, to: number, top: number }[]} */
  const lines = [];
  for (let i = 0; i < node.data.length; i++) {
    range.setStart(node, i);
    range.setEnd(node, i + 1);
    const rect = range.getClientRects()[0];
    // Collapsed spaces have no width, and spaces at the end of a line need not be drawn.
    if (!rect?.width || !node.data[i].trim()) continue;
    const line = lines.at(-1);
    if (line && Math.abs(line.top - rect.top) < 2) line.to = i + 1;
    else lines.push({ from: i, to: i + 1, top: rect.top });
  }
  return lines.map(({ from, to }) => {
    range.setStart(node, from);
    range.setEnd(node, to);
    return { text: node.data.slice(from, to).replace(/\s+/g, ' '), rect: range.getBoundingClientRect() };
  });
}

/**
 * A word around a place.
 *
 * @param {Pen} pen
 * @param {string} text
 * @param {{ x: number, y: number }} middle
 * @param {Font} style
 */
export function wordAt(pen, text, { x, y }, style) {
  const font = fontOf(style);
  const [width, height] = [pen.widthOf(font, text), pen.heightOf(font)];
  return lineOf(pen, text, { left: x - width / 2, top: y - height / 2, width, height }, style);
}
