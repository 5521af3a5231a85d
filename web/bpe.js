/**
 * Byte-pair tokenizers of other packages as vocabularies.
 *
 * @module
 */
import { checkToken, describe, readJSON, toText } from './reading.js';

/** @import { TokenDecoder, Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} Tokenizer
 * What is used of a byte-pair tokenizer: `gpt-tokenizer`, `js-tiktoken` and others have these two.
 *
 * @property {(text: string) => ArrayLike<number>} encode ids of a text
 * @property {(tokens: number[]) => string} decode the text of ids
 */

/**
 * A character that no tokenizer has as one token. Behind what is decoded, it brings out what a tokenizer keeps of a
 * character that is not whole: some say U+FFFD at once, some hold it back, for whichever text is decoded next.
 */
const MARK = '\u{10fffd}';

/**
 * A byte-pair vocabulary out of a tokenizer package, cut down to the tokens that a text really uses: of the 50,000 to
 * 200,000 of a published encoding, a text of a megabyte uses a tenth, and each costs a row of the embedding.
 *
 *     import * as tokenizer from 'gpt-tokenizer';
 *     const vocabulary = BpeVocabulary.fromText(tokenizer, text);
 *
 * @implements {Vocabulary}
 */
export class BpeVocabulary {
  /** What `BpeVocabulary.fromJSON` knows it by. */
  kind = /** @type {const} */ ('bpe');
  /** @type {Tokenizer} */
  #tokenizer;
  /** @type {number[]} */
  #mark;
  /** @type {Int32Array} the tokenizer's ids, ascending */
  #known;
  /** @type {Map<number, number>} */
  #ids = new Map();
  /** @type {Map<number, string>} what each id says by itself */
  #texts = new Map();

  /**
   * @param {Tokenizer} tokenizer of any package
   * @param {ArrayLike<number>} known ids of the tokenizer that are in the vocabulary
   * @throws {TypeError | RangeError} if this is no tokenizer, or there is no token
   */
  constructor(tokenizer, known) {
    this.#tokenizer = checkTokenizer(tokenizer);
    this.#mark = Array.from(tokenizer.encode(MARK));
    this.#known = Int32Array.from(new Set(Array.from(known))).sort();
    if (this.#known.length === 0) throw new RangeError('known must have 1 token or more, got 0');
    this.#known.forEach((id, index) => {
      this.#ids.set(id, index);
    });
    /** Number of tokens. */
    this.size = this.#known.length;
  }

  /**
   * The tokens of a text, and those of each of its characters and of ASCII, so that other text can be encoded too.
   *
   * @param {Tokenizer} tokenizer of any package
   * @param {string | Uint8Array} text bytes are taken as UTF-8
   * @returns {BpeVocabulary}
   * @throws {TypeError} if this is no tokenizer or no text
   */
  static fromText(tokenizer, text) {
    checkTokenizer(tokenizer);
    const whole = toText(text);
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
    const parts = new Set([whole, ...ascii, ...whole]);
    return new BpeVocabulary(
      tokenizer,
      Array.from(parts, (part) => Array.from(tokenizer.encode(part))).flat(),
    );
  }

  /**
   * The vocabulary that `toJSON` described.
   * @param {unknown} json what `toJSON` gave, or its text
   * @param {Tokenizer} tokenizer the same as it was made with
   * @returns {BpeVocabulary}
   * @throws {TypeError} if this describes no vocabulary of this kind
   */
  static fromJSON(json, tokenizer) {
    const { kind, known } = readJSON(json);
    if (kind !== 'bpe' || !Array.isArray(known)) {
      throw new TypeError('json must describe a vocabulary of kind "bpe"');
    }
    return new BpeVocabulary(tokenizer, known);
  }

  /**
   * The tokens of a text.
   * @param {string | Uint8Array} text bytes are taken as UTF-8
   * @returns {Int32Array} a word outside the vocabulary is written in the tokens of its characters
   * @throws {RangeError} if one of these characters is outside too
   * @throws {TypeError} if bytes are no UTF-8
   */
  encode(text) {
    const ids = Array.from(this.#tokenizer.encode(toText(text)));
    const tokens = ids.map((id) => this.#ids.get(id));
    return Int32Array.from(
      tokens.includes(undefined) ? this.#spellUnknown(ids) : /** @type {number[]} */ (tokens),
    );
  }

  /**
   * @param {number[]} ids of the tokenizer
   * @returns {number[]} tokens
   */
  #spellUnknown(ids) {
    /** @type {number[]} */
    const tokens = [];
    /** @type {number[]} ids up to the end of a character */
    let whole = [];
    ids.forEach((id, index) => {
      whole.push(id);
      const part = this.#decode(whole);
      if (part.endsWith('\ufffd') && index < ids.length - 1) return;
      const known = whole.every((each) => this.#ids.has(each));
      tokens.push(...(known ? whole.map((each) => Number(this.#ids.get(each))) : this.#spell(part)));
      whole = [];
    });
    return tokens;
  }

  /** @param {string} word */
  #spell(word) {
    return [...word].flatMap((character) => {
      const tokens = Array.from(this.#tokenizer.encode(character), (id) => this.#ids.get(id) ?? -1);
      if (!tokens.includes(-1)) return tokens;
      throw new RangeError(
        `text has ${describe(character)}; the vocabulary's ${this.size} tokens cannot write it`,
      );
    });
  }

  /**
   * Whole characters come from the token alone, the others from the tokens that they are spread over: between the two,
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
    return ids.length > 0 ? this.#tokenizer.decode([...ids, ...this.#mark]).slice(0, -MARK.length) : '';
  }

  /**
   * The text of tokens.
   * @param {Iterable<number>} tokens ids
   * @throws {RangeError} if there is no such token
   * @returns {string} a character that is not whole becomes U+FFFD
   */
  decode(tokens) {
    return this.#decode([...tokens].map((token) => this.#known[checkToken(token, this.size)]));
  }

  /**
   * For tokens that come one at a time.
   * @returns {TokenDecoder} characters that are spread over tokens come when they are whole
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
   * How long the text of tokens is.
   * @param {Iterable<number>} tokens ids
   * @returns {number} bytes of their text as UTF-8; a character that is not whole counts as the 3 of U+FFFD
   */
  byteLength(tokens) {
    return new TextEncoder().encode(this.decode(tokens)).length;
  }

  /**
   * What `BpeVocabulary.fromJSON` makes the same vocabulary from, with its tokenizer.
   * @returns {{ kind: 'bpe', known: number[] }}
   */
  toJSON() {
    return { kind: this.kind, known: Array.from(this.#known) };
  }
}

/** @param {Tokenizer} tokenizer */
function checkTokenizer(tokenizer) {
  if (typeof tokenizer?.encode === 'function' && typeof tokenizer.decode === 'function') return tokenizer;
  throw new TypeError('tokenizer must have encode(text) and decode(tokens)');
}
