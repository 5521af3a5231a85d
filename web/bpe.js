/**
 * Vocabularies from the byte-pair tokenizers of other packages.
 *
 * @module
 */
import { checkAttached, checkInteger, fail, refuse, toIds } from './check.js';
import { describe, readJSON, readReplacement, readTokens, toText } from './reading.js';

/** @import { EncodeOptions } from './option-types.js' */
/** @import { Integers } from './types.js' */
/** @import { TokenDecoder, Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} Tokenizer
 * The two functions that are needed of a byte-pair tokenizer; `gpt-tokenizer`, `js-tiktoken` and others have them.
 *
 * @property {(text: string) => ArrayLike<number>} encode ids of a text
 * @property {(tokens: number[]) => string} decode the text of ids
 */

/**
 * A character that is not a single token in any tokenizer. It is decoded behind the rest to flush an incomplete
 * character: some tokenizers return U+FFFD at once, others hold the bytes back for the next call.
 */
const MARK = '\u{10fffd}';

/**
 * A byte-pair vocabulary from a tokenizer package, reduced to the tokens that a text uses: of the 50,000 to 200,000
 * tokens of a published encoding, a text of one megabyte uses a tenth, and each token costs a row of the embedding.
 *
 *     import * as tokenizer from 'gpt-tokenizer';
 *     const vocabulary = BpeVocabulary.fromText(tokenizer, text);
 *
 * @implements {Vocabulary}
 */
export class BpeVocabulary {
  /** The kind of vocabulary, for `BpeVocabulary.fromJSON`. */
  kind = /** @type {const} */ ('bpe');
  #tokenizer;
  /** @type {number[]} */
  #mark;
  /** @type {Int32Array} the tokenizer's ids, ascending */
  #known;
  /** @type {Map<number, number>} */
  #ids = new Map();
  /** @type {Map<number, string>} text of each id alone */
  #texts = new Map();

  /**
   * @param {Tokenizer} tokenizer of any package
   * @param {ArrayLike<number>} known ids of the tokenizer that are in the vocabulary
   * @throws {TypeError | RangeError} if this is not a tokenizer, or there are no tokens
   */
  constructor(tokenizer, known) {
    this.#tokenizer = checkTokenizer(tokenizer);
    this.#mark = this.#tokenizer.encode(MARK);
    if (!Array.isArray(known) && !ArrayBuffer.isView(known)) {
      refuse('known', 'an array of token ids', known, TypeError);
    }
    checkAttached('known', known);
    const ids = Array.from(known, (id, i) => checkInteger(`known[${i}]`, id, 0, 2 ** 31 - 1));
    this.#known = Int32Array.from(new Set(ids)).sort();
    if (this.#known.length === 0) fail('known must have 1 token or more, got 0');
    this.#known.forEach((id, index) => {
      this.#ids.set(id, index);
    });
    /** Number of tokens. */
    this.size = this.#known.length;
  }

  /**
   * Takes the tokens of a text, and those of each of its characters and of ASCII, so that other text can be encoded
   * too.
   *
   * @param {Tokenizer} tokenizer of any package
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @returns {BpeVocabulary}
   * @throws {TypeError} if this is not a tokenizer, or not a text
   */
  static fromText(tokenizer, text) {
    const { encode } = checkTokenizer(tokenizer);
    const whole = toText(text);
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
    const parts = new Set([whole, ...ascii, ...whole]);
    return new BpeVocabulary(tokenizer, Array.from(parts, encode).flat());
  }

  /**
   * Restores a vocabulary from the result of `toJSON`.
   * @param {unknown} json the result of `toJSON`, as an object or as JSON text
   * @param {Tokenizer} tokenizer the one it was made with
   * @returns {BpeVocabulary}
   * @throws {TypeError} if this is not a vocabulary of this kind
   */
  static fromJSON(json, tokenizer) {
    const { kind, known } = readJSON(json);
    if (kind !== 'bpe' || !Array.isArray(known)) {
      fail('json must describe a vocabulary of kind "bpe"', TypeError);
    }
    return new BpeVocabulary(tokenizer, /** @type {number[]} */ (known));
  }

  /**
   * Encodes a text.
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @param {EncodeOptions} [options] of characters outside the vocabulary
   * @returns {Integers} token ids; a word outside the vocabulary is spelled with the tokens of its characters
   * @throws {RangeError} if one of these characters is not in the vocabulary either, and there is no replacement
   * @throws {TypeError} if the bytes are not UTF-8
   */
  encode(text, options) {
    const replacement = readReplacement(options);
    const substitute = replacement === undefined ? undefined : this.#tokensOf(replacement);
    if (replacement !== undefined && !substitute?.length) {
      refuse('replacement', 'a text of the vocabulary', replacement);
    }
    const ids = this.#tokenizer.encode(toText(text));
    const tokens = ids.map((id) => this.#ids.get(id));
    return Int32Array.from(
      tokens.includes(undefined) ? this.#spellUnknown(ids, substitute) : /** @type {number[]} */ (tokens),
    );
  }

  /**
   * @param {number[]} ids of the tokenizer
   * @param {number[] | undefined} substitute
   * @returns {number[]} tokens
   */
  #spellUnknown(ids, substitute) {
    /** @type {number[]} */
    const tokens = [];
    /** @type {number[]} ids up to the end of a character */
    let whole = [];
    ids.forEach((id, index) => {
      whole.push(id);
      const part = this.#decode(whole);
      if (part.endsWith('\ufffd') && index < ids.length - 1) return;
      const known = whole.every((each) => this.#ids.has(each));
      const spelled = known
        ? whole.map((each) => Number(this.#ids.get(each)))
        : this.#spell(part, substitute);
      for (const token of spelled) tokens.push(token);
      whole = [];
    });
    return tokens;
  }

  /**
   * @param {string} text
   * @returns {number[] | undefined} undefined if the vocabulary cannot write it
   */
  #tokensOf(text) {
    const tokens = this.#tokenizer.encode(text).map((id) => this.#ids.get(id) ?? -1);
    return tokens.includes(-1) ? undefined : tokens;
  }

  /** @param {string} word @param {number[] | undefined} substitute */
  #spell(word, substitute) {
    return [...word].flatMap((character) => {
      const tokens = this.#tokensOf(character) ?? substitute;
      if (tokens) return tokens;
      return fail(`text has ${describe(character)}; the vocabulary's ${this.size} tokens cannot write it`);
    });
  }

  /**
   * A token of whole characters is decoded alone, a character that spans tokens from these together: in other cases
   * tokenizers disagree about the order.
   * @param {number[]} ids of the tokenizer
   */
  #decode(ids) {
    let text = '';
    /** @type {number[]} */
    let parts = [];
    for (const id of ids) {
      const alone = this.#textOf(id);
      if (alone.includes('\ufffd')) {
        parts.push(id);
      } else {
        text += this.#join(parts) + alone;
        parts = [];
      }
    }
    return text + this.#join(parts);
  }

  /** @param {number} id */
  #textOf(id) {
    const known = this.#texts.get(id) ?? this.#join([id]);
    this.#texts.set(id, known);
    return known;
  }

  /** @param {number[]} ids of the tokenizer */
  #join(ids) {
    if (ids.length === 0) return '';
    const text = this.#tokenizer.decode([...ids, ...this.#mark]);
    if (!text.endsWith(MARK))
      fail('tokenizer.decode(tokens) must end with the text of the last tokens', TypeError);
    return text.slice(0, -MARK.length);
  }

  /**
   * Decodes tokens to text.
   * @param {Iterable<number>} tokens ids
   * @throws {RangeError} if an id is not in the vocabulary
   * @returns {string} an incomplete character becomes U+FFFD
   */
  decode(tokens) {
    return this.#decode(readTokens(tokens, this.size).map((token) => this.#known[token]));
  }

  /**
   * Decodes tokens one at a time.
   * @returns {TokenDecoder} a character that spans several tokens is returned when it is complete
   */
  decoder() {
    /** @type {number[]} */
    let waiting = [];
    return {
      push: (token) => {
        waiting.push(token);
        const text = this.decode(waiting);
        if (text.endsWith('\ufffd')) return '';
        waiting = [];
        return text;
      },
      end: () => this.decode(waiting),
    };
  }

  /**
   * Length of the text of tokens.
   * @param {Iterable<number>} tokens ids
   * @returns {number} in bytes of UTF-8; an incomplete character counts as the 3 bytes of U+FFFD
   */
  byteLength(tokens) {
    return new TextEncoder().encode(this.decode(tokens)).length;
  }

  /**
   * The vocabulary as JSON, for `BpeVocabulary.fromJSON`.
   * @returns {{ kind: 'bpe', known: number[] }}
   */
  toJSON() {
    return { kind: this.kind, known: Array.from(this.#known) };
  }
}

/**
 * The tokenizer, whose results are checked: those of another package may be promises, or something else.
 * @param {Tokenizer} tokenizer
 */
function checkTokenizer(tokenizer) {
  if (typeof tokenizer?.encode !== 'function' || typeof tokenizer.decode !== 'function')
    fail('tokenizer must have encode(text) and decode(tokens)', TypeError);
  return {
    encode: (/** @type {string} */ text) =>
      toIds('tokenizer.encode(text)', tokenizer.encode(text), { least: 0 }),
    /** @param {number[]} tokens */
    decode(tokens) {
      const text = tokenizer.decode(tokens);
      return typeof text === 'string'
        ? text
        : refuse('tokenizer.decode(tokens)', 'a string', text, TypeError);
    },
  };
}
