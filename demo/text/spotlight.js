import { computed, signal } from '@preact/signals';
import { characterClassNames } from 'hyperrouter-wasm';
import { letterOf } from '../colours.js';
import { cellOf } from './cells.js';

/**
 * Which characters of a text are highlighted; the rest is dimmed. All given conditions must hold.
 *
 * @typedef {object} Spot
 * @property {number} [layer] counted from 1, of the expert
 * @property {number} [expert] one of the chosen experts of the character
 * @property {number} [class] index into the package's `characterClassNames`
 * @property {number[]} [tokens] the character, or the pair that ends in it
 *
 * @typedef {import('./run.js').RoutedText} RoutedText
 */

/**
 * @param {Spot} spot
 * @param {RoutedText} routed
 * @param {ArrayLike<number>} classes [tokens] of all tokens
 * @returns {Uint8Array} [tokens] 1 for highlighted ones
 */
export function litBy(spot, routed, classes) {
  const { tokens, from, shape, views } = routed;
  const lit = new Uint8Array(tokens.length);
  const chosen = spot.expert === undefined ? undefined : views.layers[(spot.layer ?? 1) - 1]?.experts;
  for (let i = from; i < tokens.length; i++) {
    if (spot.class !== undefined && classes[i] !== spot.class) continue;
    if (spot.tokens && !endsIn(tokens, i, spot.tokens)) continue;
    if (spot.expert !== undefined) {
      const row = (i - from) * shape.topK;
      if (!chosen?.subarray(row, row + shape.topK).includes(spot.expert)) continue;
    }
    for (let back = 0; back < (spot.tokens?.length ?? 1); back++) lit[i - back] = 1;
  }
  return lit;
}

/**
 * @param {ArrayLike<number>} tokens
 * @param {number} last
 * @param {readonly number[]} wanted
 */
function endsIn(tokens, last, wanted) {
  const start = last - wanted.length + 1;
  return start >= 0 && wanted.every((token, j) => tokens[start + j] === token);
}

/**
 * @param {Spot} spot
 * @param {import('./cells.js').Symbols} symbols
 * @returns {string} as in “Showing …”
 */
export function nameOfSpot(spot, symbols) {
  const what = spot.tokens
    ? `“${spot.tokens.map((token) => cellOf(token, symbols).glyph).join('')}”`
    : spot.class === undefined
      ? ''
      : `${characterClassNames[spot.class]}s`;
  if (spot.expert === undefined) return what;
  const expert = `expert ${letterOf(spot.expert)} of layer ${spot.layer}`;
  return what ? `${what} of ${expert}` : `tokens of ${expert}`;
}

/**
 * What is highlighted: the selected part until it is selected again, or the part under the pointer.
 */
export function createSpotlight() {
  const pressed = signal(/** @type {Spot | null} */ (null));
  const pointed = signal(/** @type {Spot | null} */ (null));
  const same = (/** @type {Spot | null} */ a, /** @type {Spot | null} */ b) =>
    JSON.stringify(a) === JSON.stringify(b);
  return {
    pressed,
    /** What is highlighted; null: everything. */
    spot: computed(() => pointed.value ?? pressed.value),

    /** @param {Spot} spot */
    press: (spot) => {
      pressed.value = same(pressed.peek(), spot) ? null : spot;
      pointed.value = null;
    },

    /** @param {Spot | null} spot */
    point: (spot) => {
      if (!same(pointed.peek(), spot)) pointed.value = spot;
    },

    /** @param {Spot} spot */
    isPressed: (spot) => same(pressed.value, spot),

    clear: () => {
      pressed.value = null;
      pointed.value = null;
    },
  };
}

/** @typedef {ReturnType<typeof createSpotlight>} Spotlight */
