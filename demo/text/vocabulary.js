import { CharacterVocabulary, PieceVocabulary } from 'hyperrouter-wasm';
import { count } from '../format.js';

/**
 * What the tokens of a model stand for: bytes or characters in any order, and possibly special tokens with names, such
 * as `<eos>` in published models; or pieces of words. The page and the worker create the same vocabulary from the same JSON.
 *
 * @typedef {{ kind: 'byte' } | { kind: 'character', characters: string } | { kind: 'symbols', symbols: (number | string)[] } | { kind: 'pieces', pieces: string[] }} VocabularyJSON
 *   a kind of the package if one fits; otherwise a list: bytes as numbers, characters and names as strings; or pieces of
 *   words, characters first
 *
 * @typedef {object} Unknown what a vocabulary lacks of a text
 * @property {number} total characters or bytes of the text
 * @property {number} lowered capitals replaced by lower-case letters
 * @property {number} missing other characters that the vocabulary lacks
 * @property {boolean} replaced whether these became `<unk>`; otherwise they were skipped
 * @property {string[]} examples of missing ones
 */

/** The key of the vocabulary in a checkpoint's metadata, as the command line writes it. */
export const vocabularyKey = 'hyperrouter.vocabulary';

/** Larger vocabularies, of words, would need too large an embedding. */
export const maxSymbols = 4096;

/** Word pieces of a new vocabulary, the characters among them. */
const pieceCount = 512;

const unknownName = '<unk>';
const maxExamples = 5;
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** @param {string} symbol @returns {boolean} whether it is a single character, not a name */
const isCharacter = (symbol) => [...symbol].length === 1;

/** The vocabulary of a model. Immutable. */
export class SymbolVocabulary {
  #symbols;
  /** @type {Map<number | string, number>} */
  #ids;
  /** The same for bytes, faster; -1: none. */
  #byteIds = new Int32Array(256).fill(-1);
  /** Whether a symbol is a part of the text, not the name of a special token. */
  #isText;
  /** @type {PieceVocabulary | null} */
  #pieces = null;

  /**
   * @param {readonly (number | string)[]} symbols in the order of their tokens; bytes as numbers, characters and names
   *   as strings, but not both bytes and characters
   * @param {object} [options]
   * @param {boolean} [options.pieces] whether strings of several characters are pieces of words, not names
   * @throws {RangeError} if one is invalid or occurs twice
   */
  constructor(symbols, { pieces = false } = {}) {
    this.#isText = (/** @type {string} */ symbol) => pieces || isCharacter(symbol);
    this.#symbols = [...symbols];
    this.#ids = new Map(this.#symbols.map((symbol, id) => [symbol, id]));
    /** Whether tokens are bytes; otherwise they are characters or pieces. */
    this.ofBytes = this.#symbols.some((symbol) => typeof symbol === 'number');
    /** What a token is, in general; with an s, the choice of the setting `tokens`. */
    this.unit = /** @type {'byte' | 'character' | 'piece'} */ (
      this.ofBytes ? 'byte' : pieces ? 'piece' : 'character'
    );
    this.size = this.#symbols.length;
    checkSize(this.size);
    this.#symbols.forEach((symbol, id) => {
      if (typeof symbol === 'number') this.#byteIds[symbol] = id;
      if (this.#ids.get(symbol) !== id) throw new RangeError(`the vocabulary has ${say(symbol)} twice`);
      const right =
        typeof symbol === 'number' ? Number.isInteger(symbol) && symbol >= 0 && symbol < 256 : symbol;
      if (!right)
        throw new RangeError(`symbol ${id} of the vocabulary must be a byte, a character or a name`);
      if (this.ofBytes && typeof symbol === 'string' && isCharacter(symbol)) {
        throw new RangeError(`the vocabulary has bytes and also the character ${say(symbol)}`);
      }
    });
    if (pieces) this.#pieces = new PieceVocabulary(this.#symbols.map(String));
  }

  static bytes() {
    return new SymbolVocabulary(Array.from({ length: 256 }, (_, byte) => byte));
  }

  /**
   * All characters of a text.
   *
   * @param {Uint8Array} text UTF-8
   */
  static ofText(text) {
    const vocabulary = CharacterVocabulary.fromText(text);
    if (vocabulary.size < 2) throw new RangeError('the text needs at least two different characters');
    return SymbolVocabulary.fromJSON(vocabulary.toJSON());
  }

  /**
   * Pieces of the words of a text.
   *
   * @param {Uint8Array} text UTF-8
   */
  static ofPieces(text) {
    const learned = PieceVocabulary.fromText(utf8.decode(text), { size: pieceCount });
    if (learned.size < 2) throw new RangeError('the text needs at least two different characters');
    return SymbolVocabulary.fromJSON(learned.toJSON());
  }

  /**
   * @param {unknown} json from `toJSON`, of this class or of the package
   * @throws {RangeError} if the page does not support it
   */
  static fromJSON(json) {
    const { kind, characters, symbols, pieces } = /** @type {Record<string, unknown>} */ (json ?? {});
    if (kind === 'byte') return SymbolVocabulary.bytes();
    if (kind === 'character' && typeof characters === 'string') return new SymbolVocabulary([...characters]);
    if (kind === 'symbols' && Array.isArray(symbols)) return new SymbolVocabulary(symbols);
    if (kind === 'pieces' && Array.isArray(pieces) && pieces.every((piece) => typeof piece === 'string'))
      return new SymbolVocabulary(pieces, { pieces: true });
    if (kind === 'bpe') {
      throw new RangeError(
        'the vocabulary is that of a tokenizer with byte-pair encoding (“bpe”); the page supports bytes, characters and pieces that it learned',
      );
    }
    throw new RangeError('the vocabulary must be JSON from the package, of kind “byte” or “character”');
  }

  /** @returns {VocabularyJSON} */
  toJSON() {
    if (this.size === 256 && this.#symbols.every((symbol, id) => symbol === id)) return { kind: 'byte' };
    if (this.unit === 'piece') return { kind: 'pieces', pieces: this.#symbols.map(String) };
    const plain = this.#symbols.every((symbol) => typeof symbol === 'string' && isCharacter(symbol));
    return plain
      ? { kind: 'character', characters: this.#symbols.join('') }
      : { kind: 'symbols', symbols: [...this.#symbols] };
  }

  /** @param {number} token @returns {number | string} */
  symbol = (token) => this.#symbols[token] ?? `no. ${token}`;

  /** @param {string} character in ASCII @returns {number} its token, or -1 */
  tokenOf(character) {
    return this.#ids.get(this.ofBytes ? character.charCodeAt(0) : character) ?? -1;
  }

  /** @param {number | string} unit a byte or a character @returns {number} its token, or -1 */
  #idOf(unit) {
    return typeof unit === 'number' ? this.#byteIds[unit] : (this.#ids.get(unit) ?? -1);
  }

  /**
   * The text of tokens; special tokens are skipped.
   *
   * @param {Iterable<number>} tokens
   * @returns {string}
   */
  decode(tokens) {
    const symbols = Array.from(tokens, this.symbol);
    if (this.ofBytes) {
      const bytes = symbols.filter((symbol) => typeof symbol === 'number');
      return utf8.decode(Uint8Array.from(bytes));
    }
    return symbols.filter((symbol) => typeof symbol === 'string' && this.#isText(symbol)).join('');
  }

  /** @param {Int32Array} tokens @returns {number} length of their text in UTF-8 */
  byteLength(tokens) {
    const lengths = this.#symbols.map((symbol) => {
      if (typeof symbol === 'number') return 1;
      return this.#isText(symbol) ? new TextEncoder().encode(symbol).length : 0;
    });
    let bytes = 0;
    for (const token of tokens) bytes += lengths[token];
    return bytes;
  }

  /**
   * Encodes a text. A character that the vocabulary lacks is replaced by its lower-case letter, else by `<unk>`, else
   * skipped.
   *
   * @param {Uint8Array} text UTF-8
   * @returns {{ tokens: Int32Array, unknown: Unknown | null }}
   */
  encode(text) {
    const units = this.ofBytes ? text : utf8.decode(text);
    const tokens = new Int32Array(units.length);
    const replacement = this.#ids.get(unknownName) ?? -1;
    /** @type {Set<string>} */
    const examples = new Set();
    let [count, total, lowered, missing] = [0, 0, 0, 0];
    for (const unit of units) {
      total++;
      let id = this.#idOf(unit);
      if (id < 0) {
        id = this.#idOf(lowerCase(unit));
        if (id < 0) {
          missing++;
          if (examples.size < maxExamples) examples.add(nameOf(unit));
          id = replacement;
        } else lowered++;
      }
      if (id >= 0) tokens[count++] = id;
    }
    const unknown = { total, lowered, missing, replaced: replacement >= 0, examples: [...examples] };
    const known = tokens.slice(0, count);
    return {
      // Known characters, as the pieces of their words.
      tokens: this.#pieces?.encode(this.decode(known)) ?? known,
      unknown: lowered + missing ? unknown : null,
    };
  }
}

/** @param {number | string} unit */
function lowerCase(unit) {
  if (typeof unit === 'string') return unit.toLowerCase();
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

/** @param {number | string} symbol */
function nameOf(symbol) {
  if (typeof symbol === 'number' && (symbol < 0x09 || symbol > 0x7e)) return `byte ${symbol}`;
  const text = typeof symbol === 'number' ? String.fromCharCode(symbol) : symbol;
  return { '\n': 'line break', '\r': 'carriage return', '\t': 'tab', ' ': 'space' }[text] ?? text;
}

/** @param {number | string} symbol */
const say = (symbol) => (typeof symbol === 'string' ? `“${symbol}”` : nameOf(symbol));

/** @param {number} size */
export function checkSize(size) {
  if (size <= maxSymbols) return;
  throw new RangeError(
    `the vocabulary has ${count(size)} symbols; the limit is ${count(maxSymbols)}: ` +
      `the page supports bytes and characters, not words`,
  );
}

/**
 * Says what happened to characters that the vocabulary lacks.
 *
 * @param {string} what the text, as the start of a sentence
 * @param {Unknown} unknown
 */
export function describeUnknown(what, { total, lowered, missing, replaced, examples }) {
  const share = (/** @type {number} */ n) => {
    const percent = (100 * n) / total;
    return percent < 0.1 ? 'under 0.1 %' : `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  };
  const parts = [];
  if (lowered) parts.push(`${share(lowered)} are capitals, replaced by lower-case letters`);
  if (missing) {
    const action = replaced ? `were replaced by ${unknownName}` : 'were skipped';
    const list = examples.map((example) => (example.length > 1 ? example : `“${example}”`)).join(' ');
    parts.push(`${share(missing)} (${list}${examples.length === maxExamples ? ' …' : ''}) ${action}`);
  }
  return `${what} has characters that are not in the model’s vocabulary: ${parts.join('; ')}.`;
}
