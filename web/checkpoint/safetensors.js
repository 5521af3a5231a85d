/** The safetensors format: 8 bytes of header length, a JSON header that describes the tensors, and their data. */
import { isObject } from '../check.js';
import { CheckpointError } from '../errors.js';
import { fileKind } from '../file-kinds.js';
import { list, quote, show } from '../message.js';
import { isHalf, narrow, widen } from './half.js';
import { momentName } from './names.js';

/** @import { Bytes, Floats } from '../types.js' */

/** As in the reference implementation: a longer header is corrupt or an attack. */
const MAX_HEADER_BYTES = 100_000_000;

/** The dtypes of safetensors. All but BOOL contain their number of bits. */
const DTYPE = /^(BOOL|[IU](8|16|32|64)|F(16|32|64)|BF16|F8_E4M3|F8_E5M2)$/;

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {string} dtype
 * @property {number[]} shape
 * @property {Uint8Array} bytes
 */

/**
 * What becomes a tensor of a file.
 * @typedef {{ name: string, shape: number[], data: Float32Array }} SavedTensor
 */

/**
 * Writes a safetensors file.
 * @param {SavedTensor[]} tensors
 * @param {Record<string, string>} metadata
 * @param {string} dtype F32, F16 or BF16
 * @returns {Bytes}
 */
export function encodeSafetensors(tensors, metadata, dtype) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt', ...metadata } };
  const size = isHalf(dtype) ? 2 : 4;
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const begin = end;
    end += data.length * size;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The header is padded with spaces so that the data begins at a multiple of 8.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors) {
    const { buffer, byteOffset, byteLength } = isHalf(dtype) ? narrow(data, dtype) : data;
    file.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file. The tensors are views of it.
 * @param {Uint8Array} file
 * @returns {{ tensors: Map<string, Tensor>, metadata: Record<string, string> }}
 * @throws {CheckpointError}
 */
export function decodeSafetensors(file) {
  if (file.length < 8) {
    throw new CheckpointError(`the file has ${file.length} bytes: too short for a safetensors file`);
  }
  const headerBytes = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > file.length - 8) {
    refuseOther(file);
    throw new CheckpointError(
      `the header should have ${headerBytes} bytes, but only ${file.length - 8} follow its length ` +
        `(and a header may have ${MAX_HEADER_BYTES}): it is truncated or not a safetensors file`,
    );
  }
  const dataAt = 8 + Number(headerBytes);
  const header = parseHeader(file, file.subarray(8, dataAt));
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new CheckpointError('the header is invalid: __metadata__ must be an object of strings');
  }
  const data = file.subarray(dataAt);
  const tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, readEntry(name, entry, data));
  checkCoverage([...tensors.values()], data);
  return { tensors, metadata: /** @type {Record<string, string>} */ (metadata) };
}

/** @param {Uint8Array} file */
function refuseOther(file) {
  // A brace where the header begins: a safetensors file with a wrong length.
  const kind = file[8] === 0x7b ? undefined : fileKind(file);
  if (kind) throw new CheckpointError(`the file is not a safetensors file; it is ${kind}`);
}

/**
 * @param {Uint8Array} file
 * @param {Uint8Array} bytes of its header
 */
function parseHeader(file, bytes) {
  let header;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    refuseOther(file);
    throw new CheckpointError('the header is not JSON: it is damaged, or this is not a safetensors file', {
      cause,
    });
  }
  if (!isObject(header)) throw new CheckpointError(`the header must be a JSON object, got ${show(header)}`);
  return header;
}

/** @param {unknown} value @returns {value is number[]} */
function isCounts(value) {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * @param {string} name
 * @param {unknown} entry
 * @param {Uint8Array} data
 * @returns {Tensor}
 */
function readEntry(name, entry, data) {
  const tensor = `tensor ${quote(name)}`;
  if (!isObject(entry))
    throw new CheckpointError(`${tensor} must be described by an object, got ${show(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !DTYPE.test(dtype)) {
    throw new CheckpointError(`${tensor} has the unknown dtype ${show(dtype)}`);
  }
  if (!isCounts(shape)) throw new CheckpointError(`${tensor} must have a shape of non-negative integers`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new CheckpointError(`${tensor} must have two non-negative data_offsets`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > data.length) {
    throw new CheckpointError(
      `${tensor} should lie at bytes ${begin} to ${end}, but the file holds ${data.length} bytes of data`,
    );
  }
  const size = Number(/\d+/.exec(dtype) ?? 8) / 8;
  const bytes = shape.reduce((product, length) => product * length, size);
  if (bytes !== end - begin) {
    throw new CheckpointError(
      `${tensor} of shape ${list(shape)} and dtype ${dtype} needs ${bytes} bytes, its offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, bytes: data.subarray(begin, end) };
}

/**
 * Each byte of the data must belong to exactly one tensor.
 * @param {Tensor[]} tensors
 * @param {Uint8Array} data
 */
function checkCoverage(tensors, data) {
  let end = 0;
  const sorted = tensors.sort(
    (a, b) => a.bytes.byteOffset - b.bytes.byteOffset || a.bytes.length - b.bytes.length,
  );
  for (const { name, bytes } of sorted) {
    const begin = bytes.byteOffset - data.byteOffset;
    if (begin !== end) {
      const what = begin < end ? 'overlaps another tensor' : `leaves a gap of ${begin - end} bytes before it`;
      throw new CheckpointError(`tensor ${quote(name)} ${what}`);
    }
    end = begin + bytes.length;
  }
  if (end !== data.length) {
    throw new CheckpointError(`the file holds ${data.length} bytes of data, its tensors need ${end}`);
  }
}

/** Whether the elements are numbers that `floatsOf` can read. @param {string} dtype */
export const isFloat = (dtype) => dtype === 'F32' || isHalf(dtype);

/**
 * A copy of the elements of a tensor: in a file a tensor may begin at any byte, a typed array must be aligned.
 * @param {Tensor} tensor
 * @returns {Floats}
 */
export function floatsOf({ bytes, dtype }) {
  return isHalf(dtype) ? widen(bytes, dtype) : new Float32Array(new Uint8Array(bytes).buffer);
}

/**
 * What is no number in a file would only be noticed later, as a loss that is none.
 * @param {Tensor} tensor
 * @returns {Floats}
 * @throws {CheckpointError}
 */
export function readNumbers(tensor) {
  const { name } = tensor;
  const numbers = floatsOf(tensor);
  // Adam takes the root of the second moments.
  const least = name.startsWith(momentName('v', '')) ? 0 : Number.NEGATIVE_INFINITY;
  const bad = numbers.findIndex((value) => !(Number.isFinite(value) && value >= least));
  if (bad < 0) return numbers;
  const what = least === 0 ? 'finite numbers of at least 0' : 'finite numbers';
  throw new CheckpointError(`tensor ${quote(name)} must have ${what}, got ${numbers[bad]} at index ${bad}`);
}
