/**
 * Vocabularies of models that the demo page saved: bytes or characters in any order, and named tokens.
 *
 * @module
 */
import { checkToken, describe, toText } from '../reading.js';
import { vocabularyFromJSON } from '../vocabulary.js';

/** @typedef {import('../vocabulary.js').Vocabulary} Vocabulary */

const unknownName = '<unk>';

/** @param {string} symbol @returns {boolean} whether it is a single character rather than a name */
const isCharacter = (symbol) => [...symbol].length === 1;

/**
 * Bytes (numbers) or characters, and named tokens such as `<eos>`, which have no text. As on the page, a symbol outside
 * the vocabulary is replaced by its lowercase letter, or else by `<unk>` if there is one.
 *
 * @implements {Vocabulary}
 */
export class SymbolVocabulary {
  kind = 'symbols';
  #symbols;
  /** @type {Map<number | string, number>} */
  #ids;
  #ofBytes;

  /**
   * @param {readonly unknown[]} symbols in the order of their ids
   * @throws {RangeError} if one is not a symbol, or occurs twice
   */
  constructor(symbols) {
    this.#symbols = symbols.map((symbol, id) => {
      const isByte = Number.isInteger(symbol) && Number(symbol) >= 0 && Number(symbol) < 256;
      if (isByte || (typeof symbol === 'string' && symbol)) return /** @type {number | string} */ (symbol);
      throw new RangeError(`symbol ${id} of the vocabulary must be a byte or a string, got ${symbol}`);
    });
    this.#ids = new Map(this.#symbols.map((symbol, id) => [symbol, id]));
    this.size = this.#symbols.length;
    if (this.#ids.size !== this.size) throw new RangeError('the vocabulary has a symbol twice');
    this.#ofBytes = this.#symbols.some((symbol) => typeof symbol === 'number');
  }

  /**
   * @param {string | Uint8Array} text
   * @returns {Int32Array}
   * @throws {RangeError} for a symbol outside the vocabulary, if there is no `<unk>`
   */
  encode(text) {
    /** @type {Iterable<number | string>} */
    let units = text;
    if (!this.#ofBytes) units = toText(text);
    else if (typeof text === 'string') units = new TextEncoder().encode(text);
    return Int32Array.from(Array.from(units, (unit) => this.#idOf(unit)));
  }

  /** @param {number | string} unit a byte or a character */
  #idOf(unit) {
    const id = this.#ids.get(unit) ?? this.#ids.get(lowercase(unit)) ?? this.#ids.get(unknownName);
    if (id !== undefined) return id;
    const what = typeof unit === 'number' ? `the byte ${unit}` : describe(unit);
    throw new RangeError(`text has ${what}; the vocabulary's ${this.size} symbols do not include it`);
  }

  /** @param {Iterable<number>} tokens */
  decode(tokens) {
    const decoder = this.decoder();
    return Array.from(tokens, decoder.push).join('') + decoder.end();
  }

  /** @returns {import('../vocabulary.js').TokenDecoder} */
  decoder() {
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    return {
      push: (token) => {
        const symbol = this.#symbols[checkToken(token, this.size)];
        if (typeof symbol === 'number') return utf8.decode(Uint8Array.of(symbol), { stream: true });
        return isCharacter(symbol) ? symbol : '';
      },
      end: () => utf8.decode(),
    };
  }

  /** @param {Iterable<number>} tokens @returns {number} bytes of their text as UTF-8 */
  byteLength(tokens) {
    let bytes = 0;
    for (const token of tokens) {
      const symbol = this.#symbols[checkToken(token, this.size)];
      if (typeof symbol === 'number') bytes++;
      else if (isCharacter(symbol)) bytes += Buffer.byteLength(symbol);
    }
    return bytes;
  }

  /** @returns {any} in the format of the page */
  toJSON() {
    return { kind: this.kind, symbols: [...this.#symbols] };
  }
}

/** @param {number | string} unit */
function lowercase(unit) {
  if (typeof unit === 'string') return unit.toLowerCase();
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}

/**
 * @param {string} json of a checkpoint's metadata
 * @returns {Vocabulary}
 * @throws {TypeError | RangeError} if it is not a vocabulary
 */
export function readVocabularyJSON(json) {
  /** @type {{ kind?: unknown, symbols?: unknown } | null} */
  let value = null;
  try {
    value = JSON.parse(json);
  } catch {
    // vocabularyFromJSON reports the error.
  }
  return value?.kind === 'symbols' && Array.isArray(value.symbols)
    ? new SymbolVocabulary(value.symbols)
    : vocabularyFromJSON(json);
}
