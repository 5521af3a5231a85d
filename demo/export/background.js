import { letterAt } from '../views/letters.js';
import { number } from './svg.js';
import { wordAt } from './text.js';

/**
 * What the page draws in backgrounds: linear gradients, which are stripes and hatching, and letters.
 *
 * @typedef {import('./svg.js').Pen} Pen
 * @typedef {import('./svg.js').Rect} Rect
 * @typedef {{ image: string, size: string, position: string }} Layer as computed
 */

/** @param {string} length */
const pixels = (length) => Number.parseFloat(length) || 0;

/**
 * All layers of a background.
 *
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {CSSStyleDeclaration} style
 * @param {(area: Rect, paint: string) => string} draw
 * @returns {string} empty: there is none
 */
export function backgroundOf(pen, rect, style, draw) {
  const [images, sizes, positions] = [
    style.backgroundImage,
    style.backgroundSize,
    style.backgroundPosition,
  ].map(listOf);
  const layers = images.map((image, i) => ({
    image,
    size: sizes[i % sizes.length],
    position: positions[i % positions.length],
  }));
  // The first is on top.
  return layers
    .reverse()
    .map((layer) => letterOf(pen, rect, layer) || gradientOf(pen, rect, layer, draw))
    .join('');
}

/**
 * The parts of a list in CSS: commas in parentheses separate nothing.
 *
 * @param {string} words
 * @returns {string[]}
 */
function listOf(words) {
  const parts = [''];
  let depth = 0;
  for (const char of words) {
    if (char === '(') depth++;
    else if (char === ')') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}

/**
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {Layer} layer
 * @returns {string} empty: no letter
 */
function letterOf(pen, rect, { image, size, position }) {
  const address = image.match(/^url\("(blob:[^"]+)"\)$/)?.[1];
  const known = address && letterAt(address);
  if (!known) return '';
  const height = pixels(size.split(' ')[1]);
  const middle = { x: rect.left + rect.width / 2, y: rect.top + pixels(position.split(' ')[1]) + height / 2 };
  return wordAt(pen, known.letter, middle, {
    fontFamily: known.family,
    fontSize: `${known.size}px`,
    fontStyle: 'normal',
    fontWeight: known.weight,
    textTransform: 'none',
    color: known.ink,
  });
}

/**
 * @param {Pen} pen
 * @param {Rect} rect
 * @param {Layer} layer
 * @param {(area: Rect, paint: string) => string} draw
 * @returns {string} empty: no gradient
 */
function gradientOf(pen, rect, layer, draw) {
  const parsed = layer.image.match(/^(repeating-)?linear-gradient\((.*)\)$/s);
  if (!parsed) return '';
  const area = areaOf(rect, layer);
  const { stops, places, line, repeats } = geometryOf(parsed[2], area, Boolean(parsed[1]));
  const [first, last] = [places[0], places[places.length - 1]];
  const [from, to] = repeats ? [first, last] : [0, line.length];
  const [[x1, y1], [x2, y2]] = [line.at(from).map(number), line.at(to).map(number)];
  const list = stops.map(({ colour }, i) => {
    const offset = to > from ? (places[i] - from) / (to - from) : 0;
    const at = number(100 * Math.min(1, Math.max(0, offset)));
    return `<stop offset="${at}%" ${pen.paint('stop-color', colour) || 'stop-opacity="0"'}/>`;
  });
  const id = pen.name();
  const spread = repeats ? ' spreadMethod="repeat"' : '';
  const ends = `gradientUnits="userSpaceOnUse" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"${spread}`;
  const gradient = `<linearGradient id="${id}" ${ends}>${list.join('')}</linearGradient>`;
  return gradient + draw(area, `fill="url(#${id})"`);
}

/**
 * @param {string} words the arguments of the CSS function
 * @param {Rect} area
 * @param {boolean} repeats
 */
function geometryOf(words, area, repeats) {
  const parts = listOf(words);
  const angle = angleOf(parts[0]);
  const stops = (angle === undefined ? parts : parts.slice(1)).flatMap(stopsOf);
  const turn = ((angle ?? 180) * Math.PI) / 180;
  const [dx, dy] = [Math.sin(turn), -Math.cos(turn)];
  const length = Math.abs(area.width * dx) + Math.abs(area.height * dy);
  const [x, y] = [area.left + area.width / 2, area.top + area.height / 2];
  const at = (/** @type {number} */ place) => [x + dx * (place - length / 2), y + dy * (place - length / 2)];
  return { stops, places: placesOf(stops, length), line: { length, at }, repeats };
}

/** @type {Record<string, number>} */
const sides = { 'to top': 0, 'to right': 90, 'to bottom': 180, 'to left': 270 };

/**
 * @param {string} words
 * @returns {number | undefined} degrees; undefined: the gradient begins with a colour
 */
function angleOf(words) {
  if (words in sides) return sides[words];
  return words.endsWith('deg') ? Number.parseFloat(words) : undefined;
}

/**
 * @param {string} words a colour and up to two positions
 * @returns {{ colour: string, place: string }[]} one for each position
 */
function stopsOf(words) {
  const [, colour, rest] = words.match(/^(\w+\([^)]*\)|#\w+|\w+)\s*(.*)$/s) ?? ['', 'transparent', ''];
  const places = rest.split(/\s+/).filter(Boolean);
  return places.length ? places.map((place) => ({ colour, place })) : [{ colour, place: '' }];
}

/**
 * The positions of the stops along the gradient, in pixels. Stops without a position are spaced evenly.
 *
 * @param {{ place: string }[]} stops
 * @param {number} length
 */
function placesOf(stops, length) {
  const known = stops.map(({ place }, i) => {
    if (place.endsWith('%')) return (pixels(place) / 100) * length;
    if (place) return pixels(place);
    if (i === 0) return 0;
    return i === stops.length - 1 ? length : Number.NaN;
  });
  return known.map((place, i) => {
    if (!Number.isNaN(place)) return place;
    const before = known.findLastIndex((value, j) => j < i && !Number.isNaN(value));
    const after = known.findIndex((value, j) => j > i && !Number.isNaN(value));
    return known[before] + ((known[after] - known[before]) * (i - before)) / (after - before);
  });
}

/**
 * The part of a box that its background covers.
 *
 * @param {Rect} rect
 * @param {Layer} layer
 * @returns {Rect}
 */
function areaOf(rect, layer) {
  const [w, h = 'auto'] = layer.size.split(' ');
  const sized = (/** @type {string} */ length, /** @type {number} */ whole) =>
    length.endsWith('%') ? (pixels(length) / 100) * whole : pixels(length) || whole;
  const [width, height] = [sized(w, rect.width), sized(h, rect.height)];
  const [x = '0%', y = '0%'] = layer.position.split(' ');
  const placed = (/** @type {string} */ place, /** @type {number} */ free) =>
    place.endsWith('%') ? (pixels(place) / 100) * free : pixels(place);
  return {
    left: rect.left + placed(x, rect.width - width),
    top: rect.top + placed(y, rect.height - height),
    width,
    height,
  };
}
