/** Taking over the tensors of another model's file, such as the body of a pretrained language model. */
import { checkFinite, toBytes } from './check.js';
import { decodeCheckpoint, floatsOf, RESERVED_METADATA } from './checkpoint.js';
import { CheckpointError } from './errors.js';
import { quote } from './message.js';

/** @import { ConfigSchema } from './config.js' */
/** @import { ModelKind, Transfer } from './types.js' */

const FLOATS = ['F32', 'F16', 'BF16'];

/** Of a training that is not gone on with. */
const STATE = /^(optimizer\.[mv]|best|state\.memory)\./;

/**
 * @param {unknown} from the file
 * @returns {{ bytes: Uint8Array, tensors: ReturnType<typeof decodeCheckpoint>['tensors'], metadata: Record<string, string>, config: Record<string, unknown> }}
 *   config: as written in the file; empty if it has none
 * @throws {CheckpointError}
 */
export function openPretrained(from) {
  const bytes = toBytes('from', from);
  const { tensors, metadata } = decodeCheckpoint(bytes);
  const rest = Object.fromEntries(
    Object.entries(metadata).filter(([key]) => !RESERVED_METADATA.includes(key)),
  );
  let config;
  try {
    config = JSON.parse(metadata['hyperrouter.config'] ?? '{}');
  } catch (cause) {
    throw new CheckpointError('hyperrouter.config in the file is invalid: it is not JSON', { cause });
  }
  return {
    bytes,
    tensors,
    metadata: rest,
    config: typeof config === 'object' && config !== null ? config : {},
  };
}

/**
 * The keys of a file's configuration that a kind of model has too.
 * @param {ModelKind} kind
 * @param {Record<string, unknown>} config
 * @param {ConfigSchema} schema
 */
export function sharedConfig(kind, config, schema) {
  const names = schema.describe(kind).map(({ name }) => name);
  const shared = Object.entries(config).filter(([key]) => names.includes(key));
  // A router of its author's own cannot be had from the file.
  return Object.fromEntries(shared.filter(([key, value]) => key !== 'router' || value !== 'custom'));
}

/**
 * Which tensors of a file a model takes over.
 * @param {{ name: string, shape: number[] }[]} parameters of the model
 * @param {ReturnType<typeof decodeCheckpoint>['tensors']} tensors of the file
 * @returns {{ transfer: Transfer, writes: Map<string, Float32Array> }}
 * @throws {CheckpointError} if there is none, or one has numbers that are not finite
 */
export function matchTensors(parameters, tensors) {
  /** @type {Map<string, Float32Array>} */
  const writes = new Map();
  for (const { name, shape } of parameters) {
    const tensor = tensors.get(name);
    if (!tensor || !FLOATS.includes(tensor.dtype) || String(tensor.shape) !== String(shape)) continue;
    const numbers = floatsOf(tensor);
    try {
      checkFinite(`tensor ${quote(name)}`, numbers);
    } catch (error) {
      throw new CheckpointError(/** @type {Error} */ (error).message);
    }
    writes.set(name, numbers);
  }
  if (writes.size === 0) {
    throw new CheckpointError(
      'no tensor of the file has the name and shape of one of the model; is it the file of a language model with these sizes?',
    );
  }
  const names = parameters.map(({ name }) => name);
  return {
    writes,
    transfer: {
      taken: names.filter((name) => writes.has(name)),
      notTaken: names.filter((name) => !writes.has(name)),
      unused: [...tensors.keys()].filter((name) => !writes.has(name) && !STATE.test(name)),
    },
  };
}
