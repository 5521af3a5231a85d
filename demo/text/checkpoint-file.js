import { vocabularyKey } from './vocabulary.js';

/**
 * What a checkpoint says of itself before the engine opens it: enough to ask the reader for what it does not say.
 *
 * @typedef {Record<string, string | number | boolean>} Config
 *
 * @typedef {object} Described
 * @property {string} name of the file
 * @property {number} vocabSize
 * @property {boolean} hasConfig
 * @property {boolean} hasVocabulary in the file; models of 256 symbols need none, theirs are bytes
 * @property {Config} shapes what the shapes of the tensors give of the configuration
 * @property {Choice[]} routers that have such tensors: where there are several, the tensors do not tell which it is
 *
 * @typedef {import('../schema.js').Choice} Choice
 *
 * @typedef {{ shape: number[] }} Entry
 */

/** A file that is no checkpoint of a language model. The message says why, and begins with its name. */
export class CheckpointFileError extends Error {
  name = 'CheckpointFileError';
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes of a safetensors file
 * @param {readonly Choice[]} routers that there are
 * @returns {Described}
 * @throws {CheckpointFileError}
 */
export function describeCheckpoint(name, bytes, routers) {
  const { tensors, metadata } = readHeader(name, bytes);
  if (tensors['input.weight']) {
    throw new CheckpointFileError(`${name} holds a classifier; this room takes language models.`);
  }
  const embedding = tensors['word_emb.emb_layers.0.weight'];
  if (embedding?.shape?.length !== 2) {
    throw new CheckpointFileError(
      `${name} holds no language model of this kind: the tensor word_emb.emb_layers.0.weight is not in it.`,
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
 * Whether a file begins as a safetensors file does. Its contents may still be wrong.
 *
 * @param {Uint8Array} bytes
 */
export function looksLikeCheckpoint(bytes) {
  return bytes.length > 9 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @returns {{ tensors: Record<string, Entry>, metadata: Record<string, string> }}
 */
function readHeader(name, bytes) {
  if (!looksLikeCheckpoint(bytes)) throw new CheckpointFileError(`${name} ${whatElse(bytes)}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const cutOff = (/** @type {number} */ whole) =>
    new CheckpointFileError(`${name} was cut off: it should have ${whole} bytes, and has ${bytes.length}.`);
  if (8 + length > bytes.length) throw cutOff(8 + length);
  let header;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new CheckpointFileError(`${name} is no safetensors file: its header is no JSON.`);
  }
  const { __metadata__: metadata = {}, ...tensors } = header;
  const ends = Object.values(tensors).map((entry) => Number(entry?.data_offsets?.[1] ?? 0));
  const whole = 8 + length + Math.max(0, ...ends);
  if (whole > bytes.length) throw cutOff(whole);
  return { tensors, metadata };
}

/** @param {Uint8Array} bytes */
function whatElse(bytes) {
  const start = String.fromCharCode(...bytes.subarray(0, 4));
  if (start === 'PK\x03\x04' || bytes[0] === 0x80) {
    return 'is a file of PyTorch; save its state_dict with safetensors.torch.save_model, and open that.';
  }
  return 'is no safetensors file. The page opens models that it saved, and published ones in that format.';
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
 * The model of a file in words.
 *
 * @param {Described} described
 */
export function inWords({ shapes, vocabSize, routers }) {
  const { layers, dModel, heads, dHead, experts, dInner } = shapes;
  const what = routers.length === 1 ? `, router ${routers[0].label}` : '';
  return (
    `${layers} layers of width ${dModel}, ${heads} heads of width ${dHead}, ` +
    `${experts} ${experts === 1 ? 'expert' : 'experts'} of width ${dInner}, ${vocabSize} symbols${what}`
  );
}
