/**
 * Reads files of any size.
 *
 * @module
 */
import { constants } from 'node:buffer';
import * as nodeFiles from 'node:fs/promises';
import { fileError } from '../errors.js';

/** What the command line uses of `node:fs/promises`. @typedef {typeof import('node:fs/promises')} FileSystem */

/** Bytes of one read: Linux reads less than 2 GiB at a time, and Node's `readFile` refuses more. */
const PIECE_BYTES = 2 ** 26;

/** Of a file that people write. */
export const MAX_JSON_BYTES = 2 ** 26;

/** Bytes that a typed array can have in every supported version of Node: 4 GiB less one. */
const MAX_BYTES = Math.min(constants.MAX_LENGTH, 2 ** 32 - 1);

/**
 * @param {string} path
 * @param {FileSystem} [fs]
 * @param {number} [limit]  bytes: a device may have no end
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readBytes(path, fs = nodeFiles, limit = MAX_BYTES) {
  try {
    const file = await fs.open(path, 'r');
    try {
      return await readOpen(file, limit);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError('cannot read', path, error);
  }
}

/**
 * @param {import('node:fs/promises').FileHandle} file
 * @param {number} limit
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readOpen(file, limit) {
  const { size } = await file.stat();
  if (size > limit) throw new Error(`it has ${size} bytes, and at most ${limit} can be read`);
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, Math.min(PIECE_BYTES, size - length), null);
    // It became shorter.
    if (bytesRead === 0) return bytes.slice(0, length);
    length += bytesRead;
  }
  // A pipe has no size, and a file that is being written has another one by now.
  const rest = await joinPieces(piecesOf(file), limit - size);
  return rest.length === 0 ? bytes : concatenate([bytes, rest]);
}

/** @param {import('node:fs/promises').FileHandle} file */
async function* piecesOf(file) {
  for (;;) {
    const piece = new Uint8Array(2 ** 16);
    const { bytesRead } = await file.read(piece, 0, piece.length, null);
    if (bytesRead === 0) return;
    yield piece.subarray(0, bytesRead);
  }
}

/**
 * @param {AsyncIterable<Uint8Array>} stream
 * @param {number} limit
 */
async function joinPieces(stream, limit) {
  const pieces = [];
  let length = 0;
  for await (const piece of stream) {
    length += piece.length;
    if (length > limit) throw new Error(`it has more than ${limit} bytes`);
    pieces.push(piece);
  }
  return concatenate(pieces);
}

/**
 * @param {readonly Uint8Array[]} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function concatenate(pieces) {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * @param {AsyncIterable<Uint8Array>} stream  standard input
 * @param {number} [limit]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readStream(stream, limit = MAX_BYTES) {
  try {
    return await joinPieces(stream, limit);
  } catch (error) {
    throw fileError('cannot read', 'standard input', error);
  }
}
