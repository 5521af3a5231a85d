/** Reading, writing and bending safetensors files: not with the code of the package. */
import assert from 'node:assert/strict';

/** Where a file keeps the config of its model. */
export const CONFIG = 'hyperrouter.config';

/**
 * @typedef {object} FileTensor
 * @property {string} dtype
 * @property {number[]} shape
 * @property {[number, number]} data_offsets
 */

/** @typedef {Record<string, string>} FileMetadata */

/**
 * A safetensors file taken apart as its description says, and nothing more: not the reader of the package.
 * @param {Uint8Array} file
 */
export function readSafetensors(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const headerBytes = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  const text = new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, 8 + headerBytes));
  const { __metadata__, ...rest } = JSON.parse(text);
  const entries = /** @type {Record<string, FileTensor>} */ (rest);
  const data = file.subarray(8 + headerBytes);
  const tensors = new Map(
    Object.entries(entries).map(([name, { shape, data_offsets: range }]) => {
      return [name, { shape, data: new Float32Array(Uint8Array.from(data.subarray(...range)).buffer) }];
    }),
  );
  return {
    headerBytes,
    metadata: /** @type {FileMetadata} */ (__metadata__ ?? {}),
    entries,
    tensors,
    data,
  };
}

/**
 * Puts a safetensors file together from a header, which may be any text or bytes, and data.
 * @param {unknown} header
 * @param {Uint8Array} data
 * @param {bigint} [headerBytes] what the file says of the length of its header
 */
export function writeSafetensors(header, data, headerBytes) {
  const json =
    header instanceof Uint8Array
      ? header
      : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + data.length);
  new DataView(file.buffer).setBigUint64(0, headerBytes ?? BigInt(json.length), true);
  file.set(json, 8);
  file.set(data, 8 + json.length);
  return file;
}

/** @typedef {Record<string, any>} Header */

/**
 * A tensor to be written.
 * @typedef {object} Piece
 * @property {string} name
 * @property {string} dtype
 * @property {number[]} shape
 * @property {Uint8Array} bytes
 */

/**
 * The same file with another header, however wrong.
 * @param {Uint8Array} file
 * @param {(header: Header) => unknown} change in place, or returns what takes its place
 */
export function withHeader(file, change) {
  const { entries, metadata, data } = readSafetensors(file);
  const header = structuredClone({ __metadata__: metadata, ...entries });
  return writeSafetensors(change(header) ?? header, data);
}

/**
 * The same file with other metadata.
 * @param {Uint8Array} file
 * @param {Record<string, unknown>} metadata
 */
export function withMetadata(file, metadata) {
  return withHeader(file, (header) => {
    Object.assign(header.__metadata__, metadata);
  });
}

/**
 * The same file with other values in its config.
 * @param {Uint8Array} file
 * @param {Record<string, unknown>} changes
 */
export function withConfig(file, changes) {
  const config = JSON.parse(readSafetensors(file).metadata[CONFIG]);
  return withMetadata(file, { [CONFIG]: JSON.stringify({ ...config, ...changes }) });
}

/**
 * A file with other tensors, well formed as a file.
 * @param {Uint8Array} file
 * @param {(pieces: Piece[], metadata: FileMetadata) => Piece[] | void} change
 */
export function withTensors(file, change) {
  const { entries, metadata, data } = readSafetensors(file);
  const pieces = Object.entries(entries).map(([name, { dtype, shape, data_offsets: range }]) => {
    return { name, dtype, shape, bytes: data.slice(...range) };
  });
  const strings = { ...metadata };
  const changed = change(pieces, strings) ?? pieces;
  let end = 0;
  // Without a prototype: a tensor may be called __proto__.
  /** @type {Header} */
  const header = Object.assign(Object.create(null), { __metadata__: strings });
  for (const { name, dtype, shape, bytes } of changed) {
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  return writeSafetensors(header, new Uint8Array(Buffer.concat(changed.map(({ bytes }) => bytes))));
}

/**
 * @param {Piece[]} pieces
 * @param {string} name
 */
export function pieceOf(pieces, name) {
  const piece = pieces.find((each) => each.name === name);
  assert.ok(piece, `the file has no ${name}`);
  return piece;
}

/**
 * @param {string} name
 * @param {number[]} shape
 * @param {string} [dtype]
 * @param {number} [itemBytes]
 * @returns {Piece} of zeros
 */
export function zeros(name, shape, dtype = 'F32', itemBytes = 4) {
  return { name, dtype, shape, bytes: new Uint8Array(shape.reduce((a, b) => a * b, itemBytes)) };
}

/** @param {number[]} shape */
export function sizeOf(shape) {
  return shape.reduce((a, b) => a * b, 1);
}
