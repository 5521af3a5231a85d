/**
 * Text to tokens and back. Takes and returns plain typed arrays; nothing here touches the engine's memory.
 *
 * @module
 */
import { fail, refuse } from './check.js';
import { PieceVocabulary } from './pieces.js';
import { checkToken, describe, readJSON, readReplacement, readText, readTokens, toText } from './reading.js';

/** @import { EncodeOptions } from './option-types.js' */
/** @import { Integers } from './types.js' */

/**
 * @typedef {object} Vocabulary
 * Turns text into token ids and back. A vocabulary is immutable.
 *
 * @property {string} kind of vocabulary, for `vocabularyFromJSON`
 * @property {number} size token ids are integers from 0 to size - 1
 * @property {(text: string | Uint8Array, options?: EncodeOptions) => Int32Array} encode
 *   a new array of token ids; bytes are read as UTF-8
 * @property {(tokens: Iterable<number>) => string} decode text of the tokens
 * @property {() => TokenDecoder} decoder decodes tokens one at a time
 * @property {(tokens: Iterable<number>) => number} byteLength length of the tokens' text in bytes of UTF-8
 * @property {() => VocabularyJSON} toJSON the vocabulary as JSON
 */

/**
 * @typedef {object} TokenDecoder
 * Decodes tokens one at a time.
 *
 * @property {(token: number) => string} push returns the text that the token completes; '' while a character is
 *   incomplete
 * @property {() => string} end returns the rest: '', or U+FFFD for an incomplete character
 */

/**
 * @typedef {{ kind: 'byte' } | { kind: 'character', characters: string } | { kind: 'pieces', pieces: string[] } | { kind: 'bpe', known: number[] }}
 *   VocabularyJSON
 * A vocabulary as JSON.
 */

/**
 * Every byte is a token: 256 tokens, which can encode any text or file.
 *
 * @implements {Vocabulary}
 */
export class ByteVocabulary {
  /** The kind of vocabulary, for `vocabularyFromJSON`. */
  kind = /** @type {const} */ ('byte');
  /** Number of tokens. */
  size = 256;

  /**
   * Encodes a text, or any bytes.
   * @param {string | Uint8Array | ArrayBuffer} text  a string is encoded as UTF-8; a lone surrogate becomes U+FFFD
   * @param {EncodeOptions} [options] as of other vocabularies; nothing needs to be replaced here
   * @returns {Integers} one token per byte
   * @throws {TypeError} if it is neither a string nor bytes
   */
  encode(text, options) {
    readReplacement(options);
    const known = readText(text);
    return new Int32Array(typeof known === 'string' ? new TextEncoder().encode(known) : known);
  }

  /**
   * Decodes tokens to text.
   * @param {Iterable<number>} tokens ids
   * @returns {string} bytes that are not UTF-8 become U+FFFD
   * @throws {RangeError} if an id is not in the vocabulary
   */
  decode(tokens) {
    const bytes = Uint8Array.from(readTokens(tokens, 256));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /**
   * Decodes tokens one at a time.
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
   * Length of the text of tokens.
   * @param {Iterable<number>} tokens ids
   * @returns {number} in bytes of UTF-8
   */
  byteLength(tokens) {
    return readTokens(tokens, 256).length;
  }

  /**
   * The vocabulary as JSON, for `vocabularyFromJSON`.
   * @returns {VocabularyJSON}
   */
  toJSON() {
    return { kind: this.kind };
  }
}

/**
 * Every Unicode code point of a text is a token. Ids are in the order of the code points.
 *
 * @implements {Vocabulary}
 */
export class CharacterVocabulary {
  /** The kind of vocabulary, for `vocabularyFromJSON`. */
  kind = /** @type {const} */ ('character');
  /** @type {string[]} */
  #characters;
  /** @type {Map<string, number>} */
  #ids = new Map();

  /**
   * @param {string} characters  each code point once, in order of their ids
   * @throws {RangeError} if there are none, or one occurs twice
   */
  constructor(characters) {
    if (typeof characters !== 'string') refuse('characters', 'a string', characters, TypeError);
    this.#characters = [...characters];
    if (this.#characters.length === 0) {
      fail('characters must have at least one character, got ""');
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
   * Makes a vocabulary of all code points of a text.
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @returns {CharacterVocabulary}
   * @throws {TypeError} if the bytes are not UTF-8
   */
  static fromText(text) {
    const codes = Array.from(new Set(toText(text)), (character) => Number(character.codePointAt(0)));
    codes.sort((a, b) => a - b);
    return new CharacterVocabulary(codes.map((code) => String.fromCodePoint(code)).join(''));
  }

  /**
   * Encodes a text.
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @param {EncodeOptions} [options] of characters outside the vocabulary
   * @returns {Integers} one token per code point
   * @throws {RangeError} if a character is not in the vocabulary and there is no replacement
   * @throws {TypeError} if the bytes are not UTF-8
   */
  encode(text, options) {
    const replacement = readReplacement(options);
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
   * Decodes tokens to text.
   * @param {Iterable<number>} tokens ids
   * @returns {string}
   * @throws {RangeError} if an id is not in the vocabulary
   */
  decode(tokens) {
    let text = '';
    for (const token of readTokens(tokens, this.size)) text += this.#characters[token];
    return text;
  }

  /**
   * Decodes tokens one at a time.
   * @returns {TokenDecoder}
   */
  decoder() {
    return { push: (token) => this.decode([token]), end: () => '' };
  }

  /**
   * Length of the text of tokens.
   * @param {Iterable<number>} tokens ids
   * @returns {number} in bytes of UTF-8
   */
  byteLength(tokens) {
    return new TextEncoder().encode(this.decode(tokens)).length;
  }

  /**
   * The vocabulary as JSON, for `vocabularyFromJSON`.
   * @returns {VocabularyJSON}
   */
  toJSON() {
    return { kind: this.kind, characters: this.#characters.join('') };
  }
}

/**
 * Restores a vocabulary from the result of `toJSON`.
 *
 * @param {unknown} json the result of `toJSON`, as an object or as JSON text
 * @returns {Vocabulary}
 * @throws {TypeError | RangeError} if it is not a vocabulary, or one of kind 'bpe', which needs its tokenizer
 */
export function vocabularyFromJSON(json) {
  const { kind, characters, pieces } = readJSON(json);
  if (kind === 'byte') return new ByteVocabulary();
  if (kind === 'character') return new CharacterVocabulary(/** @type {string} */ (characters));
  if (kind === 'pieces') return new PieceVocabulary(/** @type {string[]} */ (pieces));
  if (kind === 'bpe')
    throw new RangeError('json of kind "bpe" needs its tokenizer: use BpeVocabulary.fromJSON');
  return refuse('json.kind', '"byte", "character" or "pieces"', kind);
}
