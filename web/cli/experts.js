/**
 * Shows experts on a terminal: letters, colours, loads.
 *
 * @module
 */
import { maxLoad } from '../measures.js';
import { printable } from './output.js';

/** Distinguishable with any colour vision deficiency, up to 8; letters are always shown too. [background, dark ink] */
const EIGHT = /** @type {const} */ ([
  ['c3e41d', true],
  ['2f2087', false],
  ['5f7106', false],
  ['f49191', true],
  ['68130b', false],
  ['5978fd', true],
  ['c33ca0', false],
  ['5ecafa', true],
]);
const SIXTEEN = /** @type {const} */ ([
  ['1b179c', false],
  ['ebd441', true],
  ['c0180a', false],
  ['9b87f6', true],
  ['614775', false],
  ['1c69e3', false],
  ['58bd8c', true],
  ['badccf', true],
  ['f99532', true],
  ['741f15', false],
  ['b47825', true],
  ['3a6a45', false],
  ['ccaee3', true],
  ['590369', false],
  ['994caa', false],
  ['957e92', true],
]);

/**
 * @param {number} expert
 * @returns {string} A to Z, then a to z, then #; – for no expert
 */
export function letterOf(expert) {
  if (expert < 0) return '–';
  if (expert < 26) return String.fromCharCode(65 + expert);
  return expert < 52 ? String.fromCharCode(97 + expert - 26) : '#';
}

/**
 * @param {string} text
 * @param {number} expert
 * @param {number} experts  number of experts; those beyond 16 have no colour
 * @param {number} colorDepth  bits, as returned by `WriteStream.getColorDepth`; 1: no colour
 * @returns {string}
 */
export function paint(text, expert, experts, colorDepth) {
  const palette = experts <= EIGHT.length ? EIGHT : SIXTEEN;
  if (colorDepth < 8 || expert < 0 || expert >= palette.length) return text;
  const [hex, dark] = palette[expert];
  const [r, g, b] = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const cube = (/** @type {number} */ level) => Math.round((level / 255) * 5);
  const background = colorDepth >= 24 ? `2;${r};${g};${b}` : `5;${16 + 36 * cube(r) + 6 * cube(g) + cube(b)}`;
  return `\x1b[48;${background}m\x1b[38;5;${dark ? 16 : 231}m${text}\x1b[0m`;
}

/**
 * @param {readonly ArrayLike<number>[]} loads  one per layer, [experts], shares that sum to 1
 * @returns {string[]} lines
 */
export function loadTable(loads) {
  return loads.map((load, layer) => {
    const shares = Array.from(
      load,
      (share, expert) => `${letterOf(expert)} ${(100 * share).toFixed(1).padStart(5)}`,
    );
    return `  layer ${layer}  ${shares.join('   ')}   max load ${maxLoad(load).toFixed(2)}`;
  });
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/**
 * @param {string} character
 * @returns {number} columns that it usually takes on a terminal
 */
function columnsOf(character) {
  if (/[\p{M}\p{Cf}]/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/**
 * Prints text with the expert of every character: as its colour, if the terminal has colours, and as a letter under the
 * line.
 */
export class ExpertPrinter {
  #write;
  #width;
  #experts;
  #colorDepth;
  #letters = '';
  #column = 0;

  /**
   * @param {(text: string) => unknown} write
   * @param {{ experts: number, colorDepth: number, width: number }} options  width: columns per line
   */
  constructor(write, { experts, colorDepth, width }) {
    this.#write = write;
    this.#experts = experts;
    this.#colorDepth = colorDepth;
    this.#width = width;
  }

  /**
   * @param {string} text
   * @param {number | null} expert  null: not shown, as for a prompt; negative: the token has no expert
   */
  print(text, expert) {
    for (const character of printable(text)) {
      const shown = character === '\n' ? '⏎' : character === '\t' ? '→' : character;
      const columns = columnsOf(shown);
      this.#write(expert === null ? shown : paint(shown, expert, this.#experts, this.#colorDepth));
      this.#letters += (expert === null ? ' ' : letterOf(expert)).padEnd(columns).slice(0, columns);
      this.#column += columns;
      if (character === '\n' || this.#column >= this.#width) this.#endLine();
    }
  }

  end() {
    if (this.#column > 0) this.#endLine();
  }

  #endLine() {
    const letters = this.#letters.trimEnd();
    this.#write(letters ? `\n${this.#colorDepth > 1 ? `\x1b[2m${letters}\x1b[0m` : letters}\n` : '\n');
    this.#letters = '';
    this.#column = 0;
  }
}
