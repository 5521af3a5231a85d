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
 * @property {{ step: number, topK: number }} state
 */

/**
 * What language models and classifiers in a worker have in common. Calls are made in the order in which they are
 * asked for, without one having to wait for another. Every array that comes back is the caller's own.
 * @template {Required<SharedConfig>} [Config=Required<SharedConfig>]
 * @template [Input=any] a segment of a text, or a batch of vectors
 */
export class Model {
  /** @type {Owner} */
  #owner;
  /** @type {number} */
  #id;
  #state;
  /** Changes of topK that the worker has not answered yet. */
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
     * The configuration that the model was created with, every key filled in.
     * @type {Readonly<Config>}
     */
    this.config = Object.freeze(fixed.config);
    /** Numbers in all tensors. */
    this.parameterCount = fixed.parameterCount;
    /** Numbers in the tensors that are trained. */
    this.trainableParameterCount = fixed.trainableParameterCount;
    /** Bytes that the model holds in the worker, by kind. */
    this.memory = Object.freeze(fixed.memory);
    /** Strings that a checkpoint holds besides the model, for its users: the vocabulary, for instance. */
    this.metadata = metadata;
  }

  #check() {
    this.#owner.connection.check();
    if (this.#disposed) throw new DisposedError('the model was disposed');
  }

  /** Training steps that had been taken when the model last answered. */
  get step() {
    this.#check();
    return this.#state.step;
  }

  /** Experts that take each token, as set here or as the model last answered. Holds for every call after it was set. */
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
    const answered = () => {
      this.#changes--;
    };
    // What could go wrong with it, the next call says.
    this.call('setTopK', [value]).then(answered, answered);
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
   * A call whose last argument has the options of the call among its own.
   * @protected
   * @template T
   * @param {string} method
   * @param {unknown[]} args
   * @param {unknown} options
   * @returns {Promise<T>}
   */
  async callWith(method, args, options) {
    const [rest, callOptions] = divide(options);
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
      onState: (/** @type {Record<string, any>} */ { step, topK }) => {
        this.#state.step = step;
        if (this.#changes === 0) this.#state.topK = topK;
      },
    };
  }

  /**
   * Mean cross-entropy, without dropout and gradient. The memory of a language model moves on.
   * @param {Input & CallOptions} input a segment of a text, or a batch of vectors, and options of the call
   * @returns {Promise<{ loss: number }>} nats per token or vector
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(input) {
    return this.callWith('evaluate', [], input);
  }

  /**
   * Fills the gradients (`(await parameters())[i].grad`) and takes no step. With dropout, where it is configured. The
   * memory of a language model moves on.
   * @param {Input & CallOptions} input a segment of a text, or a batch of vectors, and options of the call
   * @returns {Promise<StepResult>}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite
   */
  gradients(input) {
    return this.callWith('gradients', [], input);
  }

  /**
   * One step of Adam. The memory of a language model moves on.
   * @param {Input & StepOptions & CallOptions} options the same, and the options of the step and the call
   * @returns {Promise<StepResult>}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite; parameters and memory are unchanged
   */
  trainStep(options) {
    return this.callWith('trainStep', [], options);
  }

  /**
   * All tensors, as copies.
   * @returns {Promise<Parameter[]>}
   */
  parameters() {
    return this.call('parameters', []);
  }

  /**
   * Overwrites a tensor.
   * @param {string} name as `parameters()` gives it
   * @param {Float32Array} data as many numbers as the tensor has
   * @param {CallOptions} [options] of the call
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
   * Routing of the last call, one entry a layer. Layers without a router (dense) have no entry.
   * @returns {Promise<LayerRouting[]>}
   */
  routing() {
    return this.call('routing', []);
  }

  /**
   * How alike the experts of each layer are on the tokens of the last call: mean over tokens and pairs of experts of the
   * cosine between the two experts' outputs.
   * @returns {Promise<(number | null)[]>}
   */
  expertSimilarity() {
    return this.call('expertSimilarity', []);
  }

  /**
   * The model as a safetensors file that PyTorch code can open too.
   * @param {Parameters<SynchronousModel['saveCheckpoint']>[0] & { signal?: AbortSignal }} [options] as outside of a worker
   * @returns {Promise<Uint8Array>} the file
   */
  async saveCheckpoint(options = {}) {
    const given = checkObject('options', options);
    return this.callWith('saveCheckpoint', [], { metadata: this.metadata, ...given });
  }

  /** Gives the memory back. May be called twice; any other use is refused with `DisposedError` from now on. */
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
 * @returns {[unknown, CallOptions]} the options of the engine, and those of the call
 */
export function divide(options) {
  if (options === null || typeof options !== 'object' || ArrayBuffer.isView(options)) return [options, {}];
  const { signal, transfer, ...rest } = /** @type {CallOptions} */ (options);
  return [rest, { signal, transfer }];
}

/**
 * The options of `train` as they can cross: functions of the step become tables of the steps that are to be taken.
 * @param {Record<string, any>} options
 * @param {number} first the step that the model is at
 */
function tabulate(options, first) {
  const [rest] = divide(options);
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
