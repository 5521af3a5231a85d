/** Taking over the tensors of another model's file, such as the body of a pretrained language model. */
import { checkObject, toBytes } from '../check.js';
import { withoutUndefined } from '../config.js';
import { CheckpointError } from '../errors.js';
import { checkProportion } from './memory-limit.js';
import { CONFIG_KEY, CUSTOM, ownMetadata, readStored } from './metadata.js';
import { isState } from './names.js';
import { decodeSafetensors, isFloat, readNumbers } from './safetensors.js';

/** @import { ConfigSchema, PlainConfig } from '../config.js' */
/** @import { ModelKind, Transfer } from '../types.js' */
/** @import { Tensor } from './safetensors.js' */

/**
 * What a new model takes over of a file.
 * @param {ModelKind} kind of the new model
 * @param {unknown} from the file
 * @param {unknown} config of the caller
 * @param {ConfigSchema} schema
 * @returns {{ config: PlainConfig, transfer: Transfer, writes: Map<string, Float32Array>, metadata: Record<string, string> }}
 * @throws {CheckpointError | TypeError | RangeError}
 */
export function planTransfer(kind, from, config, schema) {
  const bytes = toBytes('from', from);
  const { tensors, metadata } = decodeSafetensors(bytes);
  const stored = readStored(CONFIG_KEY, () => JSON.parse(metadata[CONFIG_KEY] ?? '{}'));
  const given = withoutUndefined(checkObject('config', config));
  const shared = sharedConfig(kind, stored, schema);
  const resolved = resolveShared(kind, shared, given, schema);
  // One tensor that fits is enough: the sizes of all others are only said.
  const sizes = schema.shapeKeys(kind);
  checkProportion(bytes, resolved, schema.memory(kind, resolved), shared, given, sizes);
  const matched = matchTensors(schema.parameters(kind, resolved), tensors);
  return { config: resolved, ...matched, metadata: ownMetadata(metadata) };
}

/**
 * The keys of a file's configuration that a kind of model has too.
 * @param {ModelKind} kind
 * @param {unknown} config as written in the file
 * @param {ConfigSchema} schema
 */
function sharedConfig(kind, config, schema) {
  const names = schema.describe(kind).map(({ name }) => name);
  const shared = Object.entries(Object(config)).filter(([key]) => names.includes(key));
  // A router of its author's own cannot be had from the file.
  return Object.fromEntries(shared.filter(([key, value]) => key !== 'router' || value !== CUSTOM));
}

/**
 * A configuration of keys of a file, and of the caller's own.
 * @param {ModelKind} kind
 * @param {Record<string, unknown>} shared keys of the file
 * @param {Record<string, unknown>} given
 * @param {ConfigSchema} schema
 */
function resolveShared(kind, shared, given, schema) {
  try {
    return schema.resolve(kind, { ...shared, ...given });
  } catch (error) {
    // Without the caller's keys, it is the file's fault.
    readStored(CONFIG_KEY, () => schema.resolve(kind, shared));
    throw error;
  }
}

/**
 * Which tensors of a file a model takes over.
 * @param {{ name: string, shape: number[] }[]} parameters of the model
 * @param {Map<string, Tensor>} tensors of the file
 * @returns {{ transfer: Transfer, writes: Map<string, Float32Array> }}
 * @throws {CheckpointError} if there is none, or one has numbers that are not finite
 */
function matchTensors(parameters, tensors) {
  /** @type {Map<string, Float32Array>} */
  const writes = new Map();
  for (const { name, shape } of parameters) {
    const tensor = tensors.get(name);
    if (!tensor || !isFloat(tensor.dtype) || String(tensor.shape) !== String(shape)) continue;
    writes.set(name, readNumbers(tensor));
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
      unused: [...tensors.keys()].filter((name) => !writes.has(name) && !isState(name)),
    },
  };
}
