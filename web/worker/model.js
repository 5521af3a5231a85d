import { checkInteger, checkObject, checkSignal } from '../check.js';
import { DisposedError } from '../errors.js';

/** @import { Model as SynchronousModel } from '../model.js' */
/** @import { LayerRouting, MemoryUse, Parameter, SharedConfig, StepOptions, StepResult } from '../types.js' */
/** @import { Connection } from './connection.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * What a model gets from its engine.
 * @typedef {object} Owner
 * @property {Connection} connection
 * @property {(model: object) => Promise<void>} release
 */

/**
 * A model as the worker describes it.
 * @typedef {object} Description
 * @property {number} id
 * @property {'language' | 'classifier'} kind
 * @property {{ config: any, parameterCount: number, trainableParameterCount: number, memory: MemoryUse }} fixed
 * @property {Record<string, string>} metadata
 * @property {{ step: number, topK: number, sparsityWeight: number }} state
 */

/**
 * What language models and classifiers in a worker have in common. Calls are executed in the order in which they are
 * made; you need not wait for one before making the next. Returned arrays belong to the caller.
 * @template {Required<SharedConfig>} [Config=Required<SharedConfig>]
 * @template [Input=any] a segment of a text, or a batch of vectors
 */
export class Model {
  /** @type {Owner} */
  #owner;
  /** @type {number} */
  #id;
  #state;
  /** Changes of topK that the worker has not confirmed yet. */
  #changes = 0;
  #disposed = false;

  /**
   * @param {Owner} owner
   * @param {Description} description
   * @ignore
   */
  constructor(owner, { id, fixed, metadata, state }) {
    this.#owner = owner;
    this.#id = id;
    this.#state = state;
    /**
     * The configuration of the model, with all defaults filled in.
     * @type {Readonly<Config>}
     */
    this.config = Object.freeze(fixed.config);
    /** Number of parameters, trained and frozen. */
    this.parameterCount = fixed.parameterCount;
    /** Number of trained parameters. */
    this.trainableParameterCount = fixed.trainableParameterCount;
    /** Memory of the model in bytes, by kind. */
    this.memory = Object.freeze(fixed.memory);
    /** Strings to be saved with the model in a checkpoint, such as a vocabulary. */
    this.metadata = metadata;
  }

  #check() {
    this.#owner.connection.check();
    if (this.#disposed) throw new DisposedError('the model was disposed');
  }

  /** Training steps taken, as of the last reply. */
  get step() {
    this.#check();
    return this.#state.step;
  }

  /** Weight of the sparsity loss (gate `relu`), as of the last reply; 0 if there is no such loss. */
  get sparsityWeight() {
    this.#check();
    return this.#state.sparsityWeight;
  }

  /** Experts per token, as set here or as of the last reply. Applies to all calls after it was set. */
  get topK() {
    this.#check();
    return this.#state.topK;
  }

  /** @param {number} value 1 to `config.experts` */
  set topK(value) {
    this.#check();
    checkInteger('topK', value, 1, this.config.experts, ' (experts)');
    this.#changes++;
    this.#state.topK = value;
    const confirmed = () => {
      this.#changes--;
    };
    // The next call reports the error, if any.
    this.call('setTopK', [value]).then(confirmed, confirmed);
  }

  /**
   * @protected
   * @template T
   * @param {string} method
   * @param {unknown[]} args
   * @param {CallOptions} [options]
   * @returns {Promise<T>}
   */
  async call(method, args, options) {
    this.#check();
    return this.#owner.connection.call(this.#id, method, args, this.#listening(options));
  }

  /**
   * A call whose last argument also contains the options of the call.
   * @protected
   * @template T
   * @param {string} method
   * @param {unknown[]} args
   * @param {unknown} options
   * @returns {Promise<T>}
   */
  async callWith(method, args, options) {
    const [rest, callOptions] = splitOptions(options);
    return this.call(method, [...args, rest], callOptions);
  }

  /**
   * @protected
   * @template T
   * @param {string} method
   * @param {() => Promise<unknown[]>} prepare the arguments
   * @param {CallOptions} options
   * @returns {AsyncGenerator<T, void, void>}
   */
  async *stream(method, prepare, options) {
    checkObject('options', options);
    checkSignal(options.signal);
    options.signal?.throwIfAborted();
    this.#check();
    yield* this.#owner.connection.stream(this.#id, method, await prepare(), this.#listening(options));
  }

  /**
   * @protected
   * @template T
   * @param {unknown} data
   * @param {Record<string, any>} options
   * @returns {AsyncGenerator<T, void, void>}
   */
  training(data, options) {
    const prepare = async () => {
      await this.call('state', []);
      return [data, tabulate(options, this.step)];
    };
    return this.stream('train', prepare, options);
  }

  /** @param {CallOptions} [options] */
  #listening(options) {
    return {
      ...options,
      onState: (/** @type {Record<string, any>} */ { step, topK, sparsityWeight }) => {
        this.#state.step = step;
        this.#state.sparsityWeight = sparsityWeight;
        if (this.#changes === 0) this.#state.topK = topK;
      },
    };
  }

  /**
   * Mean cross-entropy, without dropout and gradient. Advances the memory of a language model.
   * @param {Input & CallOptions} input a segment of a text, or a batch of vectors, and options of the call
   * @returns {Promise<{ loss: number }>} nats per token or vector
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(input) {
    return this.callWith('evaluate', [], input);
  }

  /**
   * Computes the gradients (`(await parameters())[i].grad`) without taking a step. Uses dropout if configured. Advances
   * the memory of a language model.
   * @param {Input & CallOptions} input a segment of a text, or a batch of vectors, and options of the call
   * @returns {Promise<StepResult>}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite
   */
  gradients(input) {
    return this.callWith('gradients', [], input);
  }

  /**
   * One step of Adam. Advances the memory of a language model.
   * @param {Input & StepOptions & CallOptions} options the input, and the options of the step and the call
   * @returns {Promise<StepResult>}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite; parameters and memory are unchanged
   */
  trainStep(options) {
    return this.callWith('trainStep', [], options);
  }

  /**
   * All tensors of the model, as copies.
   * @returns {Promise<Parameter[]>}
   */
  parameters() {
    return this.call('parameters', []);
  }

  /**
   * Overwrites a tensor.
   * @param {string} name as in `parameters()`
   * @param {Float32Array} data one number for each element of the tensor
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<void>}
   */
  setParameter(name, data, options) {
    return this.call('setParameter', [name, data], options);
  }

  /**
   * Logits of the last call: [batch, length, vocabSize], or [n, classes] of a classifier.
   * @returns {Promise<Float32Array>}
   */
  logits() {
    return this.call('logits', []);
  }

  /**
   * Routing of the last call, one entry per layer. Layers without a router (dense) have no entry.
   * @returns {Promise<LayerRouting[]>}
   */
  routing() {
    return this.call('routing', []);
  }

  /**
   * Expert similarity of each layer on the tokens of the last call: mean cosine between the outputs of two experts,
   * over all tokens and pairs of experts.
   * @returns {Promise<(number | null)[]>}
   */
  expertSimilarity() {
    return this.call('expertSimilarity', []);
  }

  /**
   * The model as a safetensors file that PyTorch code can open too.
   * @param {Parameters<SynchronousModel['saveCheckpoint']>[0] & { signal?: AbortSignal }} [options] as on the main
   *   thread
   * @returns {Promise<Uint8Array>} the file
   */
  async saveCheckpoint(options = {}) {
    const given = checkObject('options', options);
    return this.callWith('saveCheckpoint', [], { metadata: this.metadata, ...given });
  }

  /** Frees the memory. May be called twice; any other use rejects with `DisposedError` afterwards. */
  async dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#owner.release(this);
  }

  /** `await using model = await engine.createLanguageModel(...)` */
  async [Symbol.asyncDispose]() {
    await this.dispose();
  }
}

/**
 * @param {unknown} options
 * @returns {[unknown, CallOptions]} the options of the method, and those of the call
 */
export function splitOptions(options) {
  if (options === null || typeof options !== 'object' || ArrayBuffer.isView(options)) return [options, {}];
  const { signal, transfer, ...rest } = /** @type {CallOptions} */ (options);
  return [rest, { signal, transfer }];
}

/**
 * The options of `train` in a form that can be posted: functions of the step become tables.
 * @param {Record<string, any>} options
 * @param {number} first step of the table: that of the model
 */
function tabulate(options, first) {
  const [rest] = splitOptions(options);
  const sent = /** @type {Record<string, any>} */ (rest);
  /** @type {Record<string, Float64Array>} */
  const tables = {};
  for (const name of ['schedule', 'topKSchedule']) {
    const schedule = sent[name];
    if (typeof schedule !== 'function') continue;
    checkInteger('steps', sent.steps, 1);
    delete sent[name];
    tables[name] = Float64Array.from({ length: sent.steps }, (_, step) => schedule(first + step));
  }
  return { ...sent, first, tables };
}
