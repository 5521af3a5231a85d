import { vocabularyKey } from './vocabulary.js';

/**
 * Reads the header of a checkpoint before the engine opens it, to find out what the file does not contain.
 *
 * @typedef {Record<string, string | number | boolean>} Config
 *
 * @typedef {object} Described
 * @property {string} name of the file
 * @property {number} vocabSize
 * @property {boolean} hasConfig
 * @property {boolean} hasVocabulary in the file; models with 256 symbols need none: their tokens are bytes
 * @property {Config} shapes the part of the configuration that follows from the shapes of the tensors
 * @property {Choice[]} routers with such tensors; if there are several, the tensors do not tell which one it is
 *
 * @typedef {import('../schema.js').Choice} Choice
 *
 * @typedef {{ shape: number[], data_offsets?: number[] }} Entry
 */

/** The file is not a checkpoint of a language model. The message starts with the file name and says why. */
export class CheckpointFileError extends Error {
  name = 'CheckpointFileError';
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes of a safetensors file
 * @param {readonly Choice[]} routers of the engine
 * @returns {Described}
 * @throws {CheckpointFileError}
 */
export function describeCheckpoint(name, bytes, routers) {
  const { tensors, metadata } = readHeader(name, bytes);
  if (tensors['input.weight']) {
    throw new CheckpointFileError(`${name} holds a classifier; this room opens language models.`);
  }
  const embedding = tensors['word_emb.emb_layers.0.weight'];
  if (embedding?.shape?.length !== 2) {
    throw new CheckpointFileError(
      `${name} holds no language model of this kind: the tensor word_emb.emb_layers.0.weight is missing.`,
    );
  }
  return {
    name,
    vocabSize: embedding.shape[0],
    hasConfig: metadata['hyperrouter.config'] !== undefined,
    hasVocabulary: metadata[vocabularyKey] !== undefined,
    ...shapesOf(tensors, embedding.shape, routers),
  };
}

/**
 * Whether a file starts like a safetensors file. Its contents may still be invalid.
 *
 * @param {Uint8Array} bytes
 */
export function looksLikeCheckpoint(bytes) {
  return bytes.length > 9 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

/**
 * @param {string} name of the file
 * @param {Uint8Array} bytes
 * @returns {{ tensors: Record<string, Entry>, metadata: Record<string, string> }}
 * @throws {CheckpointFileError} if it is no whole safetensors file
 */
export function readHeader(name, bytes) {
  if (!looksLikeCheckpoint(bytes)) throw new CheckpointFileError(`${name} ${otherFormat(bytes)}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const truncated = (/** @type {number} */ whole) =>
    new CheckpointFileError(`${name} is truncated: it should have ${whole} bytes but has ${bytes.length}.`);
  if (8 + length > bytes.length) throw truncated(8 + length);
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new CheckpointFileError(`${name} is not a safetensors file: its header is not JSON.`);
  }
  const { __metadata__: metadata = {}, ...tensors } = isRecord(header) ? header : { header };
  if (!isRecord(metadata) || !Object.values(tensors).every(isEntry))
    throw new CheckpointFileError(`${name} is not a safetensors file: its header does not describe tensors.`);
  const end = Object.values(tensors).reduce((most, entry) => Math.max(most, entry.data_offsets?.[1] ?? 0), 0);
  const whole = 8 + length + end;
  if (whole > bytes.length) throw truncated(whole);
  return { tensors, metadata };
}

/** @param {unknown} value @returns {value is Record<string, any>} */
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {value is number[]} */
const isCounts = (value) =>
  Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);

/** @param {unknown} value @returns {value is Entry} */
const isEntry = (value) =>
  isRecord(value) &&
  isCounts(value.shape) &&
  (value.data_offsets === undefined || isCounts(value.data_offsets));

/** @param {Uint8Array} bytes */
function otherFormat(bytes) {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (start === 'PK\x03\x04' || bytes[0] === 0x80) {
    return 'is a PyTorch file. Save the model with safetensors.torch.save_model and open that file.';
  }
  return 'is not a safetensors file. The page opens models saved here and published models in this format.';
}

/**
 * @param {Record<string, Entry>} tensors
 * @param {number[]} embedding [V, d]
 * @param {readonly Choice[]} all routers
 * @returns {{ shapes: Config, routers: Choice[] }}
 */
function shapesOf(tensors, [vocabSize, dModel], all) {
  const of = (/** @type {string} */ name) => tensors[name]?.shape ?? [];
  const first = 'layers.0.pos_ff.';
  let layers = 0;
  while (tensors[`layers.${layers}.dec_attn.qkv_net.weight`]) layers++;
  const [heads, dHead] = of('r_w_bias');
  /** @type {Config} */
  const shapes = { vocabSize, dModel, layers, heads, dHead };
  const dense = tensors[`${first}CoreNet.0.weight`];
  const hypernet = tensors[`${first}gate.hypernet.0.weight`];
  const [experts, dInner] = dense ? [1, dense.shape[0]] : of(`${first}experts.htoh4.weight`);
  Object.assign(shapes, { experts, dInner });
  if (hypernet) shapes.hyperSize = hypernet.shape[0];
  const routers = all.filter(
    ({ traits = [] }) =>
      traits.includes('routes') === !dense && traits.includes('hypernetwork') === Boolean(hypernet),
  );
  if (routers.length === 1) shapes.router = routers[0].value;
  return { shapes, routers };
}

/**
 * Describes the model of a file.
 *
 * @param {Described} described
 */
export function inWords({ shapes, vocabSize, routers }) {
  const { layers, dModel, heads, dHead, experts, dInner } = shapes;
  const what = routers.length === 1 ? `, router ${routers[0].label}` : '';
  return (
    `${layers} layers, model width ${dModel}, ${heads} heads of width ${dHead}, ` +
    `${experts} ${experts === 1 ? 'expert' : 'experts'} of width ${dInner}, ${vocabSize} symbols${what}`
  );
}
