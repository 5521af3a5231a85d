/**
 * The instance of the WebAssembly module: its exports and its memory. No other file of the package calls exports with
 * addresses of structures or reads structures: they get plain objects and copies.
 */
import { MOST_TENSORS } from './custom-router.js';
import { DisposedError, EngineError } from './errors.js';
import {
  readConfigError,
  readField,
  readOption,
  readParameter,
  readResult,
  readRouting,
  writeConfigField,
  writeRouterTensor,
} from './layout.js';

/** Status codes of src/hyperrouter.h. */
export const Status = /** @type {const} */ ({ OK: 0, ARGUMENT: 1, MEMORY: 2, DIVERGED: 3 });

/** Kinds of model, as in src/hyperrouter.h. */
export const Kind = /** @type {const} */ ({ language: 0, classifier: 1, 'text-classifier': 2, regressor: 3 });

export const KINDS = /** @type {(keyof typeof Kind)[]} */ (Object.keys(Kind));

/** Rules that a configuration can break, as in src/hyperrouter.h. */
export const Rule = /** @type {const} */ ({ RANGE: 1, EVEN: 2, NEEDS: 3, KIND: 4, TENSORS: 5 });

/** Room for what is passed by address: a configuration and results behind it, and the tensors of a custom router. */
const EXCHANGE_BYTES = 1024;
const ROUTER_TENSOR_BYTES = 80;

/** @import { Sampling } from './generation.js' */
/** @import { WasmInstance, WasmMemory } from './platform.js' */
/** @import { Floats, Integers } from './types.js' */

/** @typedef {import('./custom-router.js').DeclaredTensor} DeclaredTensor */
/** @typedef {import('./layout.js').RawField} RawField */
/** @typedef {import('./layout.js').RawConfigError} RawConfigError */
/** @typedef {import('./layout.js').RawParameter} RawParameter */
/** @typedef {import('./layout.js').RawRouting} RawRouting */

/**
 * A memory of `batch` streams with `length` of at most `memoryLength` tokens each.
 * @typedef {{ batch: number, length: number, memoryLength: number, dModel: number }} MemorySize
 */

/** @typedef {Record<string, (...args: number[]) => number>} RawExports */

/** The exports that only read a number. */
const READS =
  /^(model_(memory_(batch|length)|top_k|step|sparsity_weight|rows|columns|parameter_count)|generation_(stale|session))$/;

/** Of JavaScript, of 64 bytes or more each: some times the stack that the deepest call of the module takes. */
const STACK_FRAMES = 300;

/**
 * Throws, as any recursion does, if the stack has no room for so many frames.
 * @param {number} frames
 * @returns {number}
 */
function reserveStack(frames) {
  return frames === 0 ? 0 : 1 + reserveStack(frames - 1);
}

/**
 * RangeError, but in Firefox InternalError; a trap is a WebAssembly.RuntimeError.
 * @param {unknown} error
 */
const isStackOverflow = (error) =>
  error instanceof RangeError || /** @type {Error} */ (error)?.name === 'InternalError';

export class Core {
  /** @type {RawExports} */
  #exports;
  /** @type {WebAssembly.Memory} */
  #memory;
  #disposed = false;
  #session = 0;
  /** Address of the arguments and results of one call. */
  #exchange = 0;
  /** @type {unknown} */
  #trap = undefined;

  /** Address of the thread team, 0 for one thread. */
  team = 0;
  /** @type {() => void} */
  #endThreads = () => {};

  /**
   * @param {WasmInstance} instance
   * @param {WasmMemory} [shared] the memory, if it is not the instance's own
   */
  constructor(instance, shared) {
    const { memory, ...functions } = instance.exports;
    this.#memory = shared ?? /** @type {WebAssembly.Memory} */ (memory);
    this.#exports = /** @type {RawExports} */ (/** @type {unknown} */ (functions));
    this.#exports._initialize?.();
    this.#exchange = this.address('allocate', EXCHANGE_BYTES + MOST_TENSORS * ROUTER_TENSOR_BYTES);
    if (this.#exchange === 0) throw new EngineError('not enough memory to start the engine');
  }

  /**
   * Calls an export. A trap leaves the memory in an unknown state, so the engine is unusable afterwards. What is called
   * where the JavaScript stack ends is not begun, and throws what the JavaScript engine throws there.
   * @param {string} name
   * @param {...number} args
   * @returns {number}
   */
  call(name, ...args) {
    this.check();
    const reads = READS.test(name);
    if (!reads) reserveStack(STACK_FRAMES);
    try {
      return this.#exports[name](...args);
    } catch (error) {
      // A function that calls none, and only reads, has done nothing.
      if (reads && isStackOverflow(error)) throw error;
      this.#trap = error;
      return this.check();
    }
  }

  /**
   * Calls an export that returns an address: as an i32, it is negative above 2 GiB.
   * @param {string} name
   * @param {...number} args
   */
  address(name, ...args) {
    return this.call(name, ...args) >>> 0;
  }

  /**
   * Throws unless the engine can be used.
   * @returns {never | 0}
   */
  check() {
    if (this.#trap !== undefined) {
      throw new EngineError('the engine crashed; load a new one', { cause: this.#trap });
    }
    if (this.#disposed) throw new DisposedError('the engine was disposed');
    return 0;
  }

  /** A new session id: it tells apart the generators that share the cache of one model. */
  nextSession() {
    this.#session = (this.#session + 1) & 0x7fffffff;
    return this.#session;
  }

  get usable() {
    return !this.#disposed && this.#trap === undefined;
  }

  /**
   * Sets the thread team, which ends with the engine.
   * @param {number} team address
   * @param {() => void} end stops the threads
   */
  setTeam(team, end) {
    this.team = team;
    this.#endThreads = end;
  }

  dispose() {
    if (this.#disposed) return;
    if (this.usable && this.team) this.call('team_dissolve', this.team);
    this.#endThreads();
    this.#disposed = true;
    // So that the instance and its memory can be garbage-collected.
    this.#exports = {};
    this.#memory = new WebAssembly.Memory({ initial: 0 });
  }

  /** Size of the module's memory in bytes. */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  // A new view for each use: when the memory grows, older views are detached.

  // What leaves the package is a copy, of a buffer of its own also where this memory is shared.

  /** @param {number} address @param {number} length @returns {Floats} */
  floats(address, length) {
    return /** @type {Floats} */ (new Float32Array(this.#memory.buffer, address, length));
  }

  /** @param {number} address @param {number} length @returns {Integers} */
  integers(address, length) {
    return /** @type {Integers} */ (new Int32Array(this.#memory.buffer, address, length));
  }

  /** @param {number} address @param {number} length @returns {Float64Array} */
  doubles(address, length) {
    return new Float64Array(this.#memory.buffer, address, length);
  }

  /** @param {number} address @param {number} length @returns {DataView} */
  view(address, length) {
    return new DataView(this.#memory.buffer, address, length);
  }

  /** @param {number} address of a C string */
  string(address) {
    const bytes = new Uint8Array(this.#memory.buffer, address);
    // A copy: TextDecoder does not accept shared memory.
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  /** Names of the traits in a bit set. @param {number} bits */
  #traitNames = (bits) => {
    const names = [];
    for (let index = 0; bits >> index; index++) {
      if (bits & (1 << index)) names.push(this.string(this.address('trait_name', index)));
    }
    return names;
  };

  /** @param {number} field its index */
  #options(field) {
    const options = [];
    for (;;) {
      const at = this.address('config_option', field, options.length);
      if (at === 0) return options;
      options.push(readOption(this, at, options.length, this.#traitNames));
    }
  }

  /**
   * The fields of a configuration.
   * @returns {RawField[]}
   */
  fields() {
    const count = this.call('config_field_count');
    return Array.from({ length: count }, (_, index) => {
      const field = readField(this, this.address('config_field', index), this.#traitNames);
      return { ...field, options: this.#options(index) };
    });
  }

  /**
   * Writes a configuration for the next call that needs one: defaults, but for the given values.
   * @param {number} kind of model
   * @param {[field: RawField, number: number][]} values
   * @param {readonly DeclaredTensor[]} tensors of a custom router
   */
  writeConfig(kind, values, tensors) {
    this.call('config_default', this.#exchange, kind);
    for (const [field, number] of values) writeConfigField(this, this.#exchange, field, number);
    const at = this.#exchange + EXCHANGE_BYTES;
    tensors.forEach((tensor, index) => {
      writeRouterTensor(this, at + index * ROUTER_TENSOR_BYTES, tensor);
    });
    this.call('config_set_router_tensors', this.#exchange, at, tensors.length);
  }

  /**
   * What is wrong with the configuration that was written.
   * @param {RawField[]} fields as returned by `fields()`
   * @returns {RawConfigError | undefined}
   */
  configError(fields) {
    const status = this.call('config_check', this.#exchange, this.#result);
    return status === Status.OK ? undefined : readConfigError(this, this.#result, fields, this.#traitNames);
  }

  /** Address of a result, behind the configuration, which is an argument of the same calls. */
  get #result() {
    return this.#exchange + Math.ceil(this.call('config_bytes') / 8) * 8;
  }

  /** The memory in bytes that a model of the configuration that was written would take. */
  plannedMemory() {
    return this.call('config_memory', this.#exchange, this.team);
  }

  /**
   * Creates a model of the configuration that was written.
   * @returns {{ status: number, model: number, bytes: number }} model: address; bytes: its size, also if there is
   *   not enough memory
   */
  createModel() {
    const [bytesAt, modelAt] = [this.#result, this.#result + 8];
    const status = this.call('model_create', modelAt, this.#exchange, this.team, bytesAt);
    return { status, model: this.integers(modelAt, 1)[0] >>> 0, bytes: this.doubles(bytesAt, 1)[0] };
  }

  /**
   * Copies numbers into the buffer of a model that the next pass reads.
   * @param {number} model address
   * @param {'token' | 'length' | 'target'} buffer
   * @param {ArrayLike<number>} ids
   */
  putIds(model, buffer, ids) {
    this.integers(this.address(`model_${buffer}_buffer`, model), ids.length).set(ids);
  }

  /**
   * @param {number} model address
   * @param {Float32Array} features
   */
  putFeatures(model, features) {
    this.floats(this.address('model_feature_buffer', model), features.length).set(features);
  }

  /**
   * @param {number} model address
   * @param {Float32Array} values what a regressor should give
   */
  putValues(model, values) {
    this.floats(this.address('model_value_buffer', model), values.length).set(values);
  }

  /**
   * Weighs the classes in the losses of later passes.
   * @param {number} model address
   * @param {Float32Array | undefined} weights undefined: each weighs 1
   */
  setClassWeights(model, weights) {
    const at = weights ? this.address('allocate', weights.byteLength) : 0;
    if (weights && at === 0) throw new EngineError('not enough memory for the class weights');
    if (weights) this.floats(at, weights.length).set(weights);
    this.call('model_set_class_weights', model, at);
    if (at !== 0) this.call('release', at);
  }

  /**
   * Runs a pass over the contents of a model's buffers.
   * @param {'evaluate' | 'gradients' | 'train_step' | 'backward'} name `backward`: the first half of the two before it
   * @param {number} model address
   * @param {{ batch: number, length: number, carryMemory: boolean }} pass
   * @param {...number} more of a training step: learning rate and clip
   */
  run(name, model, { batch, length, carryMemory }, ...more) {
    const at = this.#exchange;
    const status = this.call(`model_${name}`, model, batch, length, Number(carryMemory), ...more, at);
    return { status, ...readResult(this, at) };
  }

  /**
   * The second half of a pass that began as `backward`.
   * @param {'finish_gradients' | 'finish_step'} name
   * @param {number} model address
   * @param {...number} more of a training step: learning rate and clip
   */
  finish(name, model, ...more) {
    const at = this.#exchange;
    const status = this.call(`model_${name}`, model, ...more, at);
    return { status, ...readResult(this, at) };
  }

  /**
   * What a model makes of the inputs in its buffers.
   * @param {number} model address
   * @param {{ batch: number, length: number }} pass
   * @param {'probabilities' | 'logits'} rows
   * @returns {Floats} [batch, classes] or [batch, outputs]
   */
  predict(model, { batch, length }, rows = 'probabilities') {
    this.call('model_predict', model, batch, length, 0);
    return this.#rows(rows, model);
  }

  /**
   * Logits of the last pass, as a copy.
   * @param {number} model address
   * @returns {Floats}
   */
  logits(model) {
    return this.#rows('logits', model);
  }

  /** @param {'logits' | 'probabilities'} name @param {number} model address @returns {Floats} */
  #rows(name, model) {
    const count = this.call('model_rows', model) * this.call('model_columns', model);
    return this.floats(this.address(`model_${name}`, model), count).slice();
  }

  /**
   * Hidden states of one layer in the last pass, as a copy.
   * @param {number} model address
   * @param {number} layer
   * @param {number} dModel
   * @returns {Floats} [tokens, dModel]
   */
  hiddenStates(model, layer, dModel) {
    const tokens = this.call('model_tokens', model);
    return this.floats(this.address('model_hidden', model, layer), tokens * dModel).slice();
  }

  /**
   * Routing of one layer in the last pass, as copies.
   * @param {number} model address
   * @param {number} layer
   * @returns {RawRouting | undefined} undefined for a layer without a router
   */
  routing(model, layer) {
    const status = this.call('model_routing', model, layer, this.#exchange);
    return status === Status.OK ? readRouting(this, this.#exchange) : undefined;
  }

  /**
   * @param {number} model address
   * @param {number} layer
   * @returns {number | undefined} undefined for a layer without a router
   */
  expertSimilarity(model, layer) {
    const status = this.call('model_expert_similarity', model, layer, this.#exchange);
    return status === Status.OK ? this.doubles(this.#exchange, 1)[0] : undefined;
  }

  /**
   * Rows of the Transformer-XL memory of one layer, as a copy.
   * @param {number} model address
   * @param {number} layer
   * @param {MemorySize} size
   * @returns {Floats} [batch, length, dModel]
   */
  memoryRows(model, layer, { batch, length, memoryLength, dModel }) {
    const from = this.floats(this.address('model_memory', model, layer), batch * memoryLength * dModel);
    const rows = new Float32Array(batch * length * dModel);
    for (let b = 0; b < batch; b++) {
      const start = b * memoryLength * dModel;
      rows.set(from.subarray(start, start + length * dModel), b * length * dModel);
    }
    return rows;
  }

  /**
   * Overwrites the Transformer-XL memory of one layer; `model_set_memory` must follow.
   * @param {number} model address
   * @param {number} layer
   * @param {Float32Array} rows [batch, length, dModel]
   * @param {MemorySize} size
   */
  setMemoryRows(model, layer, rows, { batch, length, memoryLength, dModel }) {
    const to = this.floats(this.address('model_memory', model, layer), batch * memoryLength * dModel);
    for (let b = 0; b < batch; b++) {
      to.set(rows.subarray(b * length * dModel, (b + 1) * length * dModel), b * memoryLength * dModel);
    }
  }

  /**
   * Samples the next token from the logits of the last one of a generation.
   * @param {number} model address
   * @param {Sampling} sampling
   * @param {ArrayLike<number>} repeated tokens that are penalised
   * @param {bigint} state of the random number generator
   * @returns {{ token: number, state: bigint }} state: for the next token
   */
  sample(model, { temperature, topP, topTokens, repetitionPenalty }, repeated, state) {
    const at = this.#exchange;
    if (repeated.length > 0)
      this.integers(this.address('generation_repeated_buffer', model), repeated.length).set(repeated);
    this.view(at, 8).setBigUint64(0, state, true);
    const options = [temperature, topP, topTokens, repetitionPenalty, repeated.length];
    this.call('generation_sample', model, ...options, at, at + 8);
    const result = this.view(at, 12);
    return { token: result.getInt32(8, true), state: result.getBigUint64(0, true) };
  }

  /**
   * Probabilities of the token after the last one of a generation.
   * @param {number} model address
   * @returns {Floats} [vocabSize]
   */
  nextProbabilities(model) {
    const at = this.address('generation_probabilities', model);
    return /** @type {Floats} */ (this.floats(at, this.call('model_columns', model)).slice());
  }

  /**
   * The tensors of a model.
   * @param {number} model address
   * @returns {RawParameter[]}
   */
  parameters(model) {
    const count = this.call('model_parameter_count', model);
    return Array.from({ length: count }, (_, index) =>
      readParameter(this, this.address('model_parameter', model, index)),
    );
  }

  /**
   * The tensors that a model of the configuration that was written would have; their addresses are 0.
   * @returns {RawParameter[]}
   */
  plannedParameters() {
    const at = this.#result;
    const parameters = [];
    while (this.call('config_parameter', this.#exchange, parameters.length, at) === Status.OK) {
      parameters.push(readParameter(this, at));
    }
    return parameters;
  }
}
