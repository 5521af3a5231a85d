import { fillOf, letterOf, paper, strengthOf, tie } from '../colours.js';
import { isTied, isWithoutExpert, outcomeOf } from '../routing.js';
import { letterLayer } from '../views/letters.js';

/**
 * Colours the characters of a routed text. The elements are not rendered again for that.
 *
 * @typedef {import('./run.js').RoutedText} RoutedText
 *
 * @typedef {object} TextLook how a text is drawn
 * @property {number} layer from 1; 0: all layers as stripes
 * @property {boolean} strength paler with less weight on the first expert
 * @property {boolean} letters whether they are shown
 * @property {Uint8Array | null} lit [N] 1 for highlighted characters; null: all
 *
 * @typedef {object} Look of one character
 * @property {string} background empty: none
 * @property {string} text colour of the character itself
 * @property {string} letter of its first expert, one line per stripe
 * @property {string[]} inks the colours of these lines
 */

/** Height of the second expert's stripe in pixels, at a weight of 0.5. */
const secondHeight = 7;

/** Top and height of the stripes of the layers, below the character: pixels, as in the style sheet. */
const stripesTop = 25;
const stripeHeight = { letters: 14, plain: 8 };

/** The letters below the characters: pixels. */
const letterSize = 9;
const letterMiddle = 25.5;

/** Hatching: no expert computes the token. It must not look like the colour of an expert, nor like a tie. */
const hatching = `repeating-linear-gradient(135deg, #8a857b 0 1px, ${paper} 1px 5px)`;
/** The letters of tokens that no expert computes: no expert was chosen for them, or all assignments were dropped. */
export const unrouted = /** @type {const} */ ({ unchosen: '–', dropped: '×' });
/** A corner: an assignment was dropped, but not all of them. */
const corner = `linear-gradient(to bottom left, #1c1b19 0 5px, ${paper} 5px 6px, transparent 6px)`;

/** @typedef {{ from: number, to: number }} Part characters of a text, to the one before `to` */
/** @type {Part} */
export const whole = { from: 0, to: Number.POSITIVE_INFINITY };

/** @type {Look} */
const plainLook = { background: '', text: '', letter: '', inks: [] };
/** @type {Look} */
const dimmedLook = { background: 'none', text: '#6b665c', letter: '', inks: [] };

/**
 * @param {RoutedText | null} routed
 * @param {number} index of the character
 * @param {TextLook} look
 * @returns {Look}
 */
export function lookOf(routed, index, look) {
  const row = routed ? index - routed.from : -1;
  if (!routed?.shape.layers || row < 0 || row >= routed.shape.tokens) return plainLook;
  if (look.lit && !look.lit[index]) return dimmedLook;
  if (look.layer === 0) return stripes(routed, row, look.letters);
  const layer = routed.views.layers[look.layer - 1];
  if (!layer) return plainLook;
  const { topK, experts } = routed.shape;
  const outcome = outcomeOf(layer, row, topK);
  if (isWithoutExpert(outcome)) {
    const letter = unrouted[/** @type {keyof typeof unrouted} */ (outcome)];
    return { background: hatching, text: '#000000', letter, inks: ['#000000'] };
  }
  const cut = outcome === 'partly' ? `${corner}, ` : '';
  if (isTied(layer, row, topK)) {
    return { background: `${cut}${tie}`, text: '#000000', letter: '', inks: [] };
  }
  const [first, second] = [firstOf(layer, row, topK), topK > 1 ? layer.experts[row * topK + 1] : -1];
  const weight = layer.weights[row * topK];
  const { fill, text } = fillOf(first, experts, look.strength ? strengthOf(weight, topK) : 1);
  const letter = letterOf(first);
  const height = second < 0 ? 0 : Math.round(2 * layer.weights[row * topK + 1] * secondHeight);
  if (height < 1) return { background: `${cut}${fill}`, text, letter, inks: [text] };
  const stripe = fillOf(second, experts, 1).fill;
  const edges = `${stripe} ${height}px, ${paper} ${height}px ${height + 1}px, ${fill} ${height + 1}px`;
  return { background: `${cut}linear-gradient(to top, ${edges})`, text, letter, inks: [text] };
}

/**
 * The first expert of every layer, one stripe per layer, the first layer on top.
 *
 * @param {RoutedText} routed
 * @param {number} row
 * @param {boolean} letters
 * @returns {Look}
 */
function stripes(routed, row, letters) {
  const { layers, topK, experts } = routed.shape;
  const height = letters ? stripeHeight.letters : stripeHeight.plain;
  const bands = Array.from({ length: layers }, (_, layer) => {
    const routing = routed.views.layers[layer];
    const expert = firstOf(routing, row, topK);
    const outcome = outcomeOf(routing, row, topK);
    if (isWithoutExpert(outcome)) {
      const letter = unrouted[/** @type {keyof typeof unrouted} */ (outcome)];
      return { fill: paper, text: '#000000', letter };
    }
    if (isTied(routing, row, topK)) return { fill: tie, text: '#000000', letter: '\u00a0' };
    return { ...fillOf(expert, experts, 1), letter: letterOf(expert) };
  });
  const fills = bands.map(({ fill }, i) => {
    const top = stripesTop + i * height;
    return `${fill} ${top}px ${top + height - 1}px, ${paper} ${top + height - 1}px ${top + height}px`;
  });
  return {
    background: `linear-gradient(to bottom, ${paper} ${stripesTop}px, ${fills.join(', ')})`,
    text: '#000000',
    letter: bands.map(({ letter }) => letter).join('\n'),
    inks: bands.map(({ text }) => text),
  };
}

/**
 * @param {import('../routing.js').LayerRouting} routing
 * @param {number} row
 * @param {number} topK
 * @returns {number} the expert with the largest weight; below 0: none was chosen
 */
const firstOf = ({ experts }, row, topK) => (topK ? experts[row * topK] : -1);

/**
 * The background of a character, with the letters on it.
 *
 * @param {Look} of
 * @param {TextLook} look
 */
function backgroundOf({ background, letter, inks }, look) {
  if (!look.letters) return background;
  const lines = letter.split('\n').map((line, i) => {
    const middle = look.layer ? letterMiddle : stripesTop + (i + 0.5) * stripeHeight.letters - 0.5;
    return line.trim() && letterLayer({ letter: line, ink: inks[i], size: letterSize }, middle);
  });
  return [...lines, background].filter(Boolean).join(', ');
}

/**
 * Colours the characters.
 *
 * @param {HTMLElement} list
 * @param {RoutedText | null} routed
 * @param {TextLook} look
 * @param {WeakMap<Element, string>} painted how each character is painted now
 * @param {Part} [part] which ones; all by default
 */
export function paint(list, routed, look, painted, { from, to } = whole) {
  list.style.setProperty('--layers', String(routed?.shape.layers ?? 0));
  list.querySelectorAll('.cell').forEach((option, i) => {
    if (i < from || i >= to) return;
    const one = lookOf(routed, i, look);
    const { text, letter } = one;
    // The further bytes of a character have no room for one.
    const background = option.classList.contains('cell-more') ? one.background : backgroundOf(one, look);
    const key = `${background} ${letter} ${text}`;
    if (painted.get(option) === key) return;
    painted.set(option, key);
    const { style, dataset } = /** @type {HTMLElement} */ (option);
    style.background = background;
    style.color = text;
    dataset.expert = letter;
  });
}
