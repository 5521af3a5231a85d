/**
 * Vocabularies of word pieces, learned from a text: byte-pair encoding on characters (Sennrich et al., 2016). A piece never
 * crosses two words; a word begins with the space before it, as in GPT-2.
 *
 * @module
 */
import { checkInteger, checkOptions, fail, refuse } from './check.js';
import { describe, readReplacement, readTokens, toText } from './reading.js';

/** @import { EncodeOptions } from './option-types.js' */
/** @import { Integers } from './types.js' */
/** @import { TokenDecoder, Vocabulary } from './vocabulary.js' */

/** A pair of pieces is counted under one number. */
const MOST_PIECES = 65536;

/** Of longer texts, only the beginning is counted. */
const MOST_COUNTED = 1e6;
/** A rarer pair of pieces would be learned by heart. */
const LEAST_PAIRS = 4;

/** Words whose pieces are remembered. */
const MOST_KNOWN = 1e5;

const WORDS = / ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** @param {string} text @returns {string[]} its words, which together are the text */
const wordsOf = (text) => text.match(WORDS) ?? [];

/** A pair of tokens as one number. @param {number} first @param {number} second */
const keyOf = (first, second) => first * MOST_PIECES + second;

/**
 * Pieces of words are tokens: the characters of a text, and what occurs often in its words. A token is about three
 * characters of English with 512 pieces, and four with 4,096.
 *
 * @implements {Vocabulary}
 */
export class PieceVocabulary {
  /** The kind of vocabulary, for `vocabularyFromJSON`. */
  kind = /** @type {const} */ ('pieces');
  /** @type {string[]} */
  #pieces;
  /** @type {Map<string, number>} */
  #ids = new Map();
  /** @type {number[]} of each piece, in bytes */
  #lengths;
  /** The tokens of words that were encoded before. @type {Map<string, number[]>} */
  #known = new Map();

  /**
   * @param {readonly string[]} pieces each once, in the order of their ids: characters first, then longer pieces, each made
   *   of two that stand before it
   * @throws {TypeError | RangeError} if there are none, or one occurs twice
   */
  constructor(pieces) {
    if (!Array.isArray(pieces)) refuse('pieces', 'an array of strings', pieces, TypeError);
    checkInteger('pieces.length', pieces.length, 1, MOST_PIECES);
    this.#pieces = Array.from(pieces, (piece, id) => {
      if (typeof piece !== 'string' || piece === '')
        refuse(`pieces[${id}]`, 'a string that is not empty', piece);
      if (this.#ids.has(piece)) fail(`pieces must have each piece once, got ${JSON.stringify(piece)} twice`);
      this.#ids.set(piece, id);
      return piece;
    });
    const utf8 = new TextEncoder();
    this.#lengths = this.#pieces.map((piece) => utf8.encode(piece).length);
    /** Number of pieces. */
    this.size = this.#pieces.length;
  }

  /**
   * Learns the pieces of a text: all its characters, by code point, and then of the pairs of pieces in its words the most
   * frequent one, again and again. Of a long text, the pairs of the first million characters are counted.
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @param {{ size?: number | undefined }} [options] size: number of pieces, at most, but for characters; default 512, 1 to 65536
   * @returns {PieceVocabulary}
   * @throws {TypeError | RangeError} if the bytes are not UTF-8, or there is no text
   */
  static fromText(text, options = {}) {
    const { size = 512 } = checkOptions('PieceVocabulary.fromText', options, ['size']);
    checkInteger('size', size, 1, MOST_PIECES);
    const string = toText(text);
    if (string === '') fail('text must have at least one character, got ""');
    return new PieceVocabulary(learnPieces(string, size));
  }

  /**
   * Encodes a text.
   * @param {string | Uint8Array | ArrayBuffer} text bytes are read as UTF-8
   * @param {EncodeOptions} [options] of characters outside the vocabulary
   * @returns {Integers} one token per piece
   * @throws {RangeError} if a character is not in the vocabulary and there is no replacement
   * @throws {TypeError} if the bytes are not UTF-8
   */
  encode(text, options) {
    const replacement = readReplacement(options);
    if (replacement !== undefined && !(this.#ids.has(replacement) && [...replacement].length === 1))
      refuse('replacement', 'a character of the vocabulary', replacement);
    const words = wordsOf(this.#withKnown(toText(text), replacement));
    return Int32Array.from(words.flatMap((word) => this.#piecesOf(word)));
  }

  /**
   * @param {string} text
   * @param {string | undefined} replacement
   */
  #withKnown(text, replacement) {
    let index = 0;
    let known = '';
    for (const character of text) {
      if (!this.#ids.has(character) && replacement === undefined) {
        const what = `text has ${describe(character)} at index ${index}`;
        fail(`${what}; the vocabulary's ${this.size} pieces do not include it`);
      }
      known += this.#ids.has(character) ? character : replacement;
      index += character.length;
    }
    return known;
  }

  /** @param {string} word of known characters */
  #piecesOf(word) {
    let pieces = this.#known.get(word);
    if (!pieces) {
      pieces = this.#merge(Array.from(word, (character) => Number(this.#ids.get(character))));
      if (this.#known.size === MOST_KNOWN) this.#known.clear();
      this.#known.set(word, pieces);
    }
    return pieces;
  }

  /**
   * The pair that was learned first is merged first, as often as there is one.
   * @param {number[]} characters of a word, as tokens
   */
  #merge(characters) {
    let tokens = characters;
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let i = 1; i < tokens.length; i++) {
        const id = this.#ids.get(this.#pieces[tokens[i - 1]] + this.#pieces[tokens[i]]) ?? best;
        if (id < best) [best, at] = [id, i];
      }
      if (at < 0) return tokens;
      tokens = merged(tokens, tokens[at - 1], tokens[at], best);
    }
  }

  /**
   * Decodes tokens to text.
   * @param {Iterable<number>} tokens ids
   * @returns {string}
   * @throws {RangeError} if an id is not in the vocabulary
   */
  decode(tokens) {
    let text = '';
    for (const token of readTokens(tokens, this.size)) text += this.#pieces[token];
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
    return readTokens(tokens, this.size).reduce((bytes, token) => bytes + this.#lengths[token], 0);
  }

  /**
   * The vocabulary as JSON, for `vocabularyFromJSON`.
   * @returns {{ kind: 'pieces', pieces: string[] }}
   */
  toJSON() {
    return { kind: this.kind, pieces: [...this.#pieces] };
  }
}

/**
 * @param {string} text
 * @param {number} size number of pieces, at most
 * @returns {string[]} all characters of the text by code point, then longer pieces, those of frequent pairs first
 */
function learnPieces(text, size) {
  const pieces = [...new Set(text)].sort((a, b) => Number(a.codePointAt(0)) - Number(b.codePointAt(0)));
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const word of wordsOf(text.slice(0, MOST_COUNTED))) times.set(word, (times.get(word) ?? 0) + 1);
  const words = [...times].map(([word, count]) => ({
    count,
    tokens: [...word].map((character) => ids.get(character) ?? 0),
  }));
  /** @type {Map<number, { count: number, words: Set<(typeof words)[number]> }>} */
  const pairs = new Map();
  const add = (/** @type {(typeof words)[number]} */ word, /** @type {number} */ sign) => {
    for (let i = 1; i < word.tokens.length; i++) {
      const key = keyOf(word.tokens[i - 1], word.tokens[i]);
      const pair = pairs.get(key) ?? { count: 0, words: new Set() };
      pair.count += sign * word.count;
      pair.words.add(word);
      pairs.set(key, pair);
    }
  };
  for (const word of words) add(word, 1);
  while (pieces.length < size) {
    const [key, best] = mostFrequent(pairs);
    if (!best || best.count < LEAST_PAIRS) break;
    const [first, second] = [Math.floor(key / MOST_PIECES), key % MOST_PIECES];
    const piece = pieces[first] + pieces[second];
    // In runs such as "-----", two different pairs may make the same piece.
    const id = ids.get(piece) ?? pieces.length;
    for (const word of best.words) {
      add(word, -1);
      word.tokens = merged(word.tokens, first, second, id);
      add(word, 1);
    }
    pairs.delete(key);
    if (id < pieces.length) continue;
    ids.set(piece, id);
    pieces.push(piece);
  }
  return pieces;
}

/**
 * @template {{ count: number }} P
 * @param {Map<number, P>} pairs
 * @returns {[number, P | undefined]} of equally frequent ones, the one with the lowest key
 */
function mostFrequent(pairs) {
  let best = -1;
  /** @type {P | undefined} */
  let most;
  for (const [key, pair] of pairs) {
    if (most && (pair.count < most.count || (pair.count === most.count && key > best))) continue;
    [best, most] = [key, pair];
  }
  return [best, most];
}

/**
 * @param {number[]} tokens
 * @param {number} first
 * @param {number} second
 * @param {number} into
 */
function merged(tokens, first, second, into) {
  const result = [];
  for (let i = 0; i < tokens.length; i++) {
    const both = tokens[i] === first && tokens[i + 1] === second;
    result.push(both ? into : tokens[i]);
    if (both) i++;
  }
  return result;
}
