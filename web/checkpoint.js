/**
 * Opening a checkpoint: a safetensors file with the names and shapes of the published PyTorch implementation, which is
 * checked as a whole before a model is created.
 */
import { checkObject, fail, toBytes } from './check.js';
import { checkProportion } from './checkpoint/memory-limit.js';
import { CONFIG_KEY, ownMetadata, readConfig, readState } from './checkpoint/metadata.js';
import { bestName, isBest, isMemory, isMoment, memoryName, momentName } from './checkpoint/names.js';
import { decodeSafetensors, isFloat, readNumbers } from './checkpoint/safetensors.js';
import { withoutUndefined } from './config.js';
import { isCustom, routerName } from './custom-router.js';
import { CheckpointError } from './errors.js';
import { list, quote, show } from './message.js';
import { hasBest } from './run.js';

/** @import { StoredState } from './checkpoint/metadata.js' */
/** @import { Tensor } from './checkpoint/safetensors.js' */
/** @import { ConfigSchema, PlainConfig } from './config.js' */
/** @import { RawParameter } from './core.js' */
/** @import { SavedMemory } from './language-model.js' */
/** @import { Floats, ModelKind } from './types.js' */

/** Redundant tensors in files of the published code. */
const IGNORED = [/^crit\.out_layers\.0\.weight$/, /^pos_emb\.inv_freq$/];
/** Placeholder that the published HyperRouterGate overwrites at each step, beside its hypernetwork. */
const PLACEHOLDER = /^(layers\.\d+\.pos_ff\.gate)\.gate\.(weight|bias)$/;
/** Of no effect in a model that is opened without `balanceRate`. */
const BIAS = /^layers\.\d+\.pos_ff\.gate\.e_score_correction_bias$/;

/**
 * Opens a file and checks everything that can be checked without the model.
 * @param {unknown} file
 * @param {Record<string, unknown>} given configuration of the caller
 * @param {ConfigSchema} schema
 * @returns {Checkpoint}
 */
export function openCheckpoint(file, given, schema) {
  const bytes = toBytes('bytes', file);
  checkObject('config', given);
  const { tensors, metadata } = decodeSafetensors(bytes);
  const kind = kindOf(tensors, metadata[CONFIG_KEY], given);
  schema.checkKeys(kind, given);
  const stored = readConfig(metadata, kind, schema, given.router);
  if (!stored && Object.keys(given).length === 0) {
    throw new CheckpointError(`the file has no ${CONFIG_KEY} in its metadata: pass the config of the model`);
  }
  if (stored) {
    for (const key of schema.shapeKeys(kind)) {
      if (given[key] !== undefined && given[key] !== stored[key]) {
        fail(
          `config.${key} is ${labelOf(stored[key])} in the file and sets the shape of its tensors; got ${labelOf(given[key])}`,
        );
      }
    }
  }
  const overrides = withoutUndefined(given);
  const config = schema.resolve(kind, { ...stored, ...overrides });
  const state = readState(metadata, config, overrides);
  const checkpoint = new Checkpoint(tensors, kind, config, state, ownMetadata(metadata));
  // Before memory is allocated for tensors that the file may not contain.
  const parameters = schema.parameters(kind, config);
  for (const { tensor } of checkpoint.match(parameters)) readNumbers(tensor);
  checkProportion(bytes, config, schema.memory(kind, config), stored ?? {}, overrides);
  checkpoint.best(parameters.filter(({ role }) => role !== 'frozen'));
  if (kind === 'language') checkpoint.memory(Number(config.layers), Number(config.dModel));
  return checkpoint;
}

/**
 * @param {Map<string, Tensor>} tensors
 * @param {string | undefined} json configuration of the file
 * @param {Record<string, unknown>} given configuration of the caller
 * @returns {ModelKind}
 */
function kindOf(tensors, json, given) {
  if (tensors.has('project_head.0.weight')) return 'text-classifier';
  if (!tensors.has('input.weight')) return 'language';
  // Both have the same tensors; what is no JSON is refused later.
  const regresses = json === undefined ? given.outputs !== undefined : /"outputs"\s*:/.test(json);
  return regresses ? 'regressor' : 'classifier';
}

/** A value of a configuration in messages. @param {unknown} value */
const labelOf = (value) =>
  isCustom(value) ? `a router of its own, ${show(routerName(value))}` : show(value);

/** An opened file. */
export class Checkpoint {
  #tensors;

  /**
   * @param {Map<string, Tensor>} tensors
   * @param {ModelKind} kind
   * @param {PlainConfig} config
   * @param {StoredState} state
   * @param {Record<string, string>} metadata without the keys of the format
   */
  constructor(tensors, kind, config, state, metadata) {
    this.#tensors = tensors;
    this.kind = kind;
    this.config = config;
    this.state = state;
    this.metadata = metadata;
  }

  /**
   * Finds the tensor of each parameter, and its moments if the file has any. State that the file does not have stays as
   * it begins.
   * @param {RawParameter[]} parameters of the model, or of one that would be created
   * @returns {{ to: number, tensor: Tensor }[]} addresses and what to write there
   * @throws {CheckpointError} if a tensor is missing, unknown, or of another shape or dtype
   */
  match(parameters) {
    const writes = [];
    const known = new Set();
    const withMoments = [...this.#tensors.keys()].some(isMoment);
    for (const { name, shape, data, m, v, role } of parameters) {
      /** @type {[string, number][]} */
      const wanted = role === 'state' && !this.#tensors.has(name) ? [] : [[name, data]];
      if (withMoments && role === 'trained')
        wanted.push([momentName('m', name), m], [momentName('v', name), v]);
      for (const [tensor, to] of wanted) {
        writes.push({ to, tensor: this.#find(tensor, shape, tensor === name) });
        known.add(tensor);
      }
    }
    for (const name of this.#tensors.keys()) {
      const ignored =
        isMemory(name) ||
        (hasBest(this.state.run) && isBest(name)) ||
        IGNORED.some((pattern) => pattern.test(name)) ||
        BIAS.test(name) ||
        known.has(name.replace(PLACEHOLDER, '$1.hypernet.0.weight'));
      if (!known.has(name) && !ignored) {
        throw new CheckpointError(`tensor ${quote(name)} is not a parameter of this model`);
      }
    }
    return writes;
  }

  /**
   * The kept state of a run with patience.
   * @param {RawParameter[]} parameters that training changes
   * @returns {Floats[] | undefined} their elements
   */
  best(parameters) {
    if (!hasBest(this.state.run)) return undefined;
    const names = new Set(parameters.map(({ name }) => bestName(name)));
    const unknown = [...this.#tensors.keys()].find((name) => isBest(name) && !names.has(name));
    if (unknown !== undefined)
      throw new CheckpointError(
        `tensor ${quote(unknown)} is not the best state of a parameter of this model`,
      );
    return parameters.map(({ name, shape }) => readNumbers(this.#find(bestName(name), shape)));
  }

  /**
   * The saved Transformer-XL memory.
   * @param {number} layers
   * @param {number} dModel
   * @returns {SavedMemory | undefined}
   */
  memory(layers, dModel) {
    const first = this.#tensors.get(memoryName(0));
    if (!first) return undefined;
    const [batch, length] = first.shape;
    if (first.shape.length !== 3 || batch === 0 || length === 0) {
      throw new CheckpointError(
        `tensor "${memoryName(0)}" must have the shape [streams, tokens, ${dModel}], got ${list(first.shape)}`,
      );
    }
    const shape = [batch, length, dModel];
    const rows = Array.from({ length: layers }, (_, layer) =>
      readNumbers(this.#find(memoryName(layer), shape)),
    );
    return { batch, length, layers: rows };
  }

  /**
   * @param {string} name
   * @param {number[]} shape
   * @param {boolean} [half] whether its numbers may have 16 bits
   */
  #find(name, shape, half = false) {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new CheckpointError(`tensor ${quote(name)} is missing`);
    if (half ? !isFloat(tensor.dtype) : tensor.dtype !== 'F32') {
      const may = half ? 'F32, F16 or BF16' : 'F32';
      throw new CheckpointError(`tensor ${quote(name)} must have dtype ${may}, got ${tensor.dtype}`);
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((length, i) => length !== shape[i])) {
      throw new CheckpointError(
        `tensor ${quote(name)} must have the shape ${list(shape)}, got ${list(tensor.shape)}`,
      );
    }
    return tensor;
  }
}
