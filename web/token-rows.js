/** Token sequences as the engine reads them: one after the other, without padding. */
import { checkIds, checkInteger, refuse, refuseLength, rowWidth, toIntegers } from './check.js';

/** @import { Integers } from './types.js' */

/**
 * @typedef {object} PackedSequences
 * Sequences as the engine reads them.
 *
 * @property {Int32Array} tokens one sequence after the other, without padding
 * @property {Int32Array} lengths of each
 */

/**
 * @param {string} prefix of the names
 * @param {{ inputs?: unknown, lengths?: unknown }} data read once: a getter may give something else the next time
 * @param {{ vocabSize: number, contextLength: number, most?: number }} limits most: sequences
 * @returns {PackedSequences}
 * @throws {TypeError | RangeError} naming the argument
 */
export function readSequences(prefix, { inputs, lengths }, { vocabSize, contextLength, most = Infinity }) {
  const name = `${prefix}inputs`;
  const given = lengths === undefined ? undefined : toIntegers(`${prefix}lengths`, lengths);
  const rows = rowWidth(inputs) === undefined ? flatRows(prefix, inputs, given) : readRows(name, inputs);
  const count = rows.length;
  if (count === 0 || count > most) {
    const range = most === Infinity ? '1 sequence or more' : `1 to ${most} sequences (batchSize)`;
    refuseLength(name, range, rows);
  }
  if (given && given.length !== count)
    refuseLength(`${prefix}lengths`, `one number for each of the ${count} sequences`, given);
  const sizes = given ?? Int32Array.from(rows, (row) => row.length);
  let total = 0;
  sizes.forEach((size, i) => {
    const where = given ? `${prefix}lengths[${i}]` : `the length of ${name}[${i}]`;
    const [end, why] =
      rows[i].length < contextLength ? [rows[i].length, ''] : [contextLength, ' (contextLength)'];
    total += checkInteger(where, size, 1, Math.max(end, 1), why);
  });
  const tokens = new Int32Array(total);
  let at = 0;
  rows.forEach((row, i) => {
    const sequence = row.subarray(0, sizes[i]);
    const bad = sequence.findIndex((id) => id < 0 || id >= vocabSize);
    if (bad >= 0) refuse(`${name}[${i}][${bad}]`, `from 0 to ${vocabSize - 1}`, sequence[bad]);
    tokens.set(sequence, at);
    at += sequence.length;
  });
  return { tokens, lengths: sizes };
}

/** @param {string} name @param {any} inputs an array of rows */
function readRows(name, inputs) {
  /** @type {Int32Array[]} */
  const rows = [];
  for (let i = 0; i < inputs.length; i++) rows.push(toIntegers(`${name}[${i}]`, inputs[i]));
  return rows;
}

/**
 * @param {string} prefix
 * @param {unknown} inputs [n, T]
 * @param {Int32Array | undefined} lengths
 */
function flatRows(prefix, inputs, lengths) {
  const ids = toIntegers(`${prefix}inputs`, inputs);
  if (!lengths) {
    return refuse(`${prefix}lengths`, 'an Int32Array: inputs are no rows with lengths of their own', lengths);
  }
  const width = ids.length / lengths.length;
  if (lengths.length === 0 || width < 1 || !Number.isInteger(width)) {
    refuseLength(`${prefix}inputs`, `the same number of ids for each of the ${lengths.length} lengths`, ids);
  }
  return Array.from(lengths, (_, i) => ids.subarray(i * width, (i + 1) * width));
}

/**
 * @param {string} prefix of the names
 * @param {{ inputs?: unknown, lengths?: unknown, targets?: unknown }} data
 * @param {{ vocabSize: number, contextLength: number, classes: number, most?: number }} limits
 */
export function readLabelled(prefix, { inputs, lengths, targets }, limits) {
  const sequences = readSequences(prefix, { inputs, lengths }, limits);
  const ids = toIntegers(`${prefix}targets`, targets);
  const count = sequences.lengths.length;
  if (ids.length !== count)
    refuseLength(`${prefix}targets`, `one number for each of the ${count} sequences`, ids);
  checkIds(`${prefix}targets`, ids, limits.classes);
  return { ...sequences, targets: ids };
}

/**
 * Views of the sequences, in parts of at most `size`.
 * @template {PackedSequences & { targets?: Int32Array }} Packed
 * @param {Packed} packed
 * @param {number} size
 * @returns {{ inputs: Integers[], lengths: Int32Array, targets: Packed['targets'], start: number }[]}
 */
export function partsOf(packed, size) {
  const rows = rowsOf(packed);
  const parts = [];
  for (let start = 0; start < rows.length; start += size) {
    parts.push({
      inputs: rows.slice(start, start + size),
      lengths: packed.lengths.subarray(start, start + size),
      targets: packed.targets?.subarray(start, start + size),
      start,
    });
  }
  return parts;
}

/**
 * @param {PackedSequences} packed
 * @returns {Integers[]} views
 */
export function rowsOf({ tokens, lengths }) {
  let end = 0;
  return Array.from(lengths, (length) => {
    end += length;
    return /** @type {Integers} */ (tokens.subarray(end - length, end));
  });
}
