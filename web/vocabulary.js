/**
 * From text to tokens and back. Plain typed arrays in and out; nothing here touches the engine's memory.
 *
 * @module
 */
import { refuse } from './check.js';
import { checkText, checkToken, describe, readJSON, toText } from './reading.js';

/**
 * @typedef {object} Vocabulary
 * Turns text into token ids and back. A vocabulary is immutable.
 *
 * @property {string} kind what `vocabularyFromJSON` tells vocabularies apart by
 * @property {number} size token ids are integers from 0 to size - 1
 * @property {(text: string | Uint8Array, options?: { replacement?: string }) => Int32Array} encode
 *   a new array of token ids; bytes are taken as UTF-8
 * @property {(tokens: Iterable<number>) => string} decode the text of the tokens
 * @property {() => TokenDecoder} decoder for tokens that come one at a time
 * @property {(tokens: Iterable<number>) => number} byteLength bytes of the tokens' text as UTF-8
 * @property {() => VocabularyJSON} toJSON what the same vocabulary can be made from
 */

/**
 * @typedef {object} TokenDecoder
 * Text of tokens that come one at a time.
 *
 * @property {(token: number) => string} push the text that the token completes; '' while a character is incomplete
 * @property {() => string} end what is left over: '', or U+FFFD for a character that never ended
 */

/**
 * @typedef {{ kind: 'byte' } | { kind: 'character', characters: string } | { kind: 'bpe', known: number[] }} VocabularyJSON
 * A vocabulary as JSON.
 */

/**
 * Every byte is a token: 256 of them, and any text or file whatever can be encoded.
 *
 * @implements {Vocabulary}
 */
export class ByteVocabulary {
  /** What `vocabularyFromJSON` knows it by. */
  kind = /** @type {const} */ ('byte');
  /** Number of tokens. */
  size = 256;

  /**
   * The tokens of a text, or of any bytes.
   * @param {string | Uint8Array} text  a string is encoded as UTF-8; half a surrogate pair becomes U+FFFD
   * @returns {Int32Array} one token a byte
   * @throws {TypeError} if it is neither
   */
  encode(text) {
    checkText(text);
    return new Int32Array(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  }

  /**
   * The text of tokens.
   * @param {Iterable<number>} tokens ids
   * @returns {string} bytes that are no UTF-8 become U+FFFD
   * @throws {RangeError} if there is no such token
   */
  decode(tokens) {
    const bytes = Uint8Array.from([...tokens], (token) => checkToken(token, 256));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /**
   * For tokens that come one at a time.
   * @returns {TokenDecoder}
   */
  decoder() {
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    const byte = new Uint8Array(1);
    return {
      push(token) {
        byte[0] = checkToken(token, 256);
        return utf8.decode(byte, { stream: true });
      },
      end: () => utf8.decode(),
    };
  }

  /**
   * How long the text of tokens is.
   * @param {Iterable<number>} tokens ids
   * @returns {number} bytes of UTF-8
   */
  byteLength(tokens) {
    return [...tokens].map((token) => checkToken(token, 256)).length;
  }

  /**
   * What `vocabularyFromJSON` makes the same vocabulary from.
   * @returns {VocabularyJSON}
   */
  toJSON() {
    return { kind: this.kind };
  }
}

/**
 * Every Unicode code point of a text is a token; ids follow the order of the code points.
 *
 * @implements {Vocabulary}
 */
export class CharacterVocabulary {
  /** What `vocabularyFromJSON` knows it by. */
  kind = /** @type {const} */ ('character');
  /** @type {string[]} */
  #characters;
  /** @type {Map<string, number>} */
  #ids = new Map();

  /**
   * @param {string} characters  each code point once, in the order of their ids
   * @throws {RangeError} if there is none, or one occurs twice
   */
  constructor(characters) {
    if (typeof characters !== 'string') refuse('characters', 'a string', characters, TypeError);
    this.#characters = [...characters];
    if (this.#characters.length === 0) {
      throw new RangeError('characters must have at least one character, got ""');
    }
    this.#characters.forEach((character, id) => {
      if (this.#ids.has(character)) {
        throw new RangeError(`characters must have each character once, got ${describe(character)} twice`);
      }
      this.#ids.set(character, id);
    });
    /** Number of characters. */
    this.size = this.#characters.length;
  }

  /**
   * The characters of a text.
   * @param {string | Uint8Array} text bytes are taken as UTF-8
   * @returns {CharacterVocabulary} of all the code points that the text has
   * @throws {TypeError} if bytes are no UTF-8
   */
  static fromText(text) {
    const codes = Array.from(new Set(toText(text)), (character) => Number(character.codePointAt(0)));
    codes.sort((a, b) => a - b);
    return new CharacterVocabulary(codes.map((code) => String.fromCodePoint(code)).join(''));
  }

  /**
   * The tokens of a text.
   * @param {string | Uint8Array} text bytes are taken as UTF-8
   * @param {{ replacement?: string }} [options]  replacement: what stands in for a character that the vocabulary
   *   does not have; it must be in the vocabulary itself
   * @returns {Int32Array} one token a code point
   * @throws {RangeError} if a character is unknown and there is no replacement
   * @throws {TypeError} if bytes are no UTF-8
   */
  encode(text, { replacement } = {}) {
    const string = toText(text);
    const substitute = replacement === undefined ? undefined : this.#ids.get(replacement);
    if (replacement !== undefined && substitute === undefined) {
      refuse('replacement', 'a character of the vocabulary', replacement);
    }
    const tokens = new Int32Array(string.length);
    let count = 0;
    let index = 0;
    for (const character of string) {
      const id = this.#ids.get(character) ?? substitute;
      if (id === undefined) {
        throw new RangeError(
          `text has ${describe(character)} at index ${index}; ` +
            `the vocabulary's ${this.size} characters do not include it`,
        );
      }
      tokens[count++] = id;
      index += character.length;
    }
    return tokens.slice(0, count);
  }

  /**
   * The text of tokens.
   * @param {Iterable<number>} tokens ids
   * @returns {string}
   * @throws {RangeError} if there is no such token
   */
  decode(tokens) {
    let text = '';
    for (const token of tokens) text += this.#characters[checkToken(token, this.size)];
    return text;
  }

  /**
   * For tokens that come one at a time.
   * @returns {TokenDecoder}
   */
  decoder() {
    return { push: (token) => this.decode([token]), end: () => '' };
  }

  /**
   * How long the text of tokens is.
   * @param {Iterable<number>} tokens ids
   * @returns {number} bytes of UTF-8
   */
  byteLength(tokens) {
    return new TextEncoder().encode(this.decode(tokens)).length;
  }

  /**
   * What `vocabularyFromJSON` makes the same vocabulary from.
   * @returns {VocabularyJSON}
   */
  toJSON() {
    return { kind: this.kind, characters: this.#characters.join('') };
  }
}

/**
 * The vocabulary that `toJSON` described.
 *
 * @param {unknown} json the object, or its JSON text
 * @returns {Vocabulary}
 * @throws {TypeError | RangeError} if it describes no vocabulary, or one of kind 'bpe', which needs its tokenizer
 */
export function vocabularyFromJSON(json) {
  const { kind, characters } = readJSON(json);
  if (kind === 'byte') return new ByteVocabulary();
  if (kind === 'character') return new CharacterVocabulary(/** @type {string} */ (characters));
  if (kind === 'bpe') throw new RangeError('json of kind "bpe" needs its tokenizer: BpeVocabulary.fromJSON');
  return refuse('json.kind', '"byte" or "character"', kind);
}
