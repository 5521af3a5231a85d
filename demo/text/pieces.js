/**
 * Word pieces: byte-pair encoding on characters (Sennrich et al., 2016), learned from the text itself. A piece never
 * crosses two words; a word begins with the space before it, as in GPT-2.
 */

/** Of longer texts, only the beginning is counted. */
const maxLearned = 1e6;
/** A rarer pair of pieces would be learned by heart. */
const minPairs = 4;

const parts = / ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** @param {string} text @returns {string[]} its words, which together are the text */
export const wordsOf = (text) => text.match(parts) ?? [];

/** A pair of tokens as one number. @param {number} first @param {number} second */
const keyOf = (first, second) => first * 65536 + second;

/**
 * @param {string} text
 * @param {number} size number of pieces, at most
 * @returns {string[]} all characters of the text by code point, then longer pieces, those of frequent pairs first
 */
export function learnPieces(text, size) {
  const pieces = [...new Set(text)].sort((a, b) => Number(a.codePointAt(0)) - Number(b.codePointAt(0)));
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const word of wordsOf(text.slice(0, maxLearned))) times.set(word, (times.get(word) ?? 0) + 1);
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
    if (!best || best.count < minPairs) break;
    const [first, second] = [Math.floor(key / 65536), key % 65536];
    for (const word of best.words) {
      add(word, -1);
      word.tokens = merged(word.tokens, first, second, pieces.length);
      add(word, 1);
    }
    pairs.delete(key);
    pieces.push(pieces[first] + pieces[second]);
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

/**
 * The pieces of a word: the pair that was learned first is merged first, as often as there is one.
 *
 * @param {number[]} characters of the word, as tokens
 * @param {(token: number) => string} pieceOf
 * @param {ReadonlyMap<number | string, number>} ids token of each piece
 * @returns {number[]}
 */
export function mergePieces(characters, pieceOf, ids) {
  let tokens = characters;
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 1; i < tokens.length; i++) {
      const id = ids.get(pieceOf(tokens[i - 1]) + pieceOf(tokens[i])) ?? best;
      if (id < best) [best, at] = [id, i];
    }
    if (at < 0) return tokens;
    tokens = merged(tokens, tokens[at - 1], tokens[at], best);
  }
}
