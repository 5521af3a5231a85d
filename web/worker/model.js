import { checkInteger, checkKeys, checkOptions, checkSignal } from '../check.js';
import { isStream } from '../data-stream.js';
import { DisposedError } from '../errors.js';
import { CALL, INPUT, OPTIONS, optionsOf } from '../options.js';
import { RUN_DEFAULTS } from '../run.js';
import { unlessAborted } from '../task.js';
import { isSource, sourceOf, Training } from '../training.js';

/** @import { Model as SynchronousModel } from '../model.js' */
/** @import { Bytes, Complete, Floats, LayerRouting, MemoryUse, ModelKind, Numbers, Parameter, SharedConfig, StepOptions, StepResult, TrainingRun, Transfer } from '../types.js' */
/** @import { Answer, Connection, Need } from './connection.js' */
/** @import { SaveOptions } from '../option-types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * What a model gets from its engine.
 * @typedef {object} Owner
 * @property {object} engine whose worker ends when neither it nor one of its models is referenced any more
 * @property {Connection} connection
 * @property {(model: object) => Promise<void>} release
 */

/**
 * A model as the worker describes it.
 * @typedef {object} Description
 * @property {number} id
 * @property {ModelKind} kind
 * @property {{ config: any, parameterCount: number, trainableParameterCount: number, memory: MemoryUse }} fixed
 * @property {Record<string, string>} metadata
 * @property {Transfer | null} [transfer] of a text classifier
 * @property {{ step: number, topK: number, sparsityWeight: number, run: TrainingRun | null }} state
 */

/** Methods whose options include the input of a pass. */
const INPUTS = ['evaluate', 'gradients', 'trainStep'];

/** Steps for which the values of a schedule are sent at once. */
const STEPS_AHEAD = 256;

/**
 * What all kinds of model in a worker have in common. Calls are executed in the order in which they are
 * made; you need not wait for one before making the next. Returned arrays belong to the caller.
 * @template {Complete<SharedConfig>} [Config=Complete<SharedConfig>]
 * @template [Input=any] a segment of a text, or a batch of vectors or sequences
 * @template {StepOptions} [Step=StepOptions] options of a step of training
 */
export class Model {
  /** @type {Owner} */
  #owner;
  /** @type {number} */
  #id;
  #kind;
  #state;
  /** Changes of topK that the worker has not confirmed yet. */
  #changes = 0;
  #disposed = false;
  /** Ends what waits for data of the page. */
  #end = new AbortController();

  /**
   * @param {Owner} owner
   * @param {Description} description
   * @ignore
   */
  constructor(owner, { id, kind, fixed, metadata, state }) {
    this.#owner = owner;
    this.#id = id;
    this.#kind = kind;
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

  /** The kind of model. */
  get kind() {
    return this.#kind;
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

  /**
   * The last run of `train`, as of the last reply, which `train(data, { resume: true })` goes on with if it has not ended;
   * null if there is none.
   * @returns {Readonly<TrainingRun> | null}
   */
  get run() {
    this.#check();
    return this.#state.run;
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
  async call(method, args, options = {}) {
    checkOptions(method, options, CALL);
    this.#check();
    return this.#owner.connection.call(this.#id, method, args, this.#listening(options));
  }

  /**
   * A call whose last argument also contains the options of the call.
   * @protected
   * @template T
   * @param {keyof typeof OPTIONS} method
   * @param {unknown[]} args
   * @param {unknown} options
   * @param {string} [name] of the argument
   * @returns {Promise<T>}
   */
  async callWith(method, args, options, name = 'options') {
    const input = INPUTS.includes(method) ? INPUT[this.#kind] : [];
    checkKeys(name, method, options, [...input, ...optionsOf(this.#kind, method), ...CALL]);
    const [rest, callOptions] = splitOptions(options);
    return this.call(method, [...args, rest], callOptions);
  }

  /** What the input of a pass is called. */
  get #inputName() {
    return this.#kind === 'language' ? 'segment' : 'batch';
  }

  /**
   * @protected
   * @template T
   * @param {'train' | 'generate'} method
   * @param {CallOptions} options
   * @param {() => { args: unknown[], answer?: Answer, close?: () => void }} prepare
   * @returns {AsyncGenerator<T, void, void>}
   */
  async *stream(method, options, prepare) {
    checkOptions(method, options, [...optionsOf(this.#kind, method), ...CALL]);
    checkSignal(options.signal);
    options.signal?.throwIfAborted();
    this.#check();
    const { args, answer, close } = prepare();
    const listening = {
      ...this.#listening(options),
      answer: answer && ((/** @type {Need} */ need) => unlessAborted(answer(need), this.#end.signal)),
    };
    try {
      yield* this.#owner.connection.stream(this.#id, method, args, listening);
    } finally {
      close?.();
    }
  }

  /**
   * @protected
   * @template T
   * @param {unknown} data
   * @param {Record<string, any>} options
   * @returns {Training<T>}
   */
  training(data, options) {
    return new Training(this.stream('train', options, () => remoteTraining(data, options, this)));
  }

  /** @param {CallOptions} [options] */
  #listening(options) {
    return {
      ...options,
      onState: (/** @type {Record<string, any>} */ { step, topK, sparsityWeight, run }) => {
        this.#state.step = step;
        this.#state.sparsityWeight = sparsityWeight;
        this.#state.run = run;
        if (this.#changes === 0) this.#state.topK = topK;
      },
    };
  }

  /**
   * The loss, without dropout and gradient: mean cross-entropy, or the mean squared error of a regressor. Advances the
   * memory of a language model.
   * @param {Input & CallOptions} input a segment of a text, or a batch of vectors or sequences, and options of the call
   * @returns {Promise<{ loss: number }>} nats per token, vector or sequence; of a regressor, the mean squared
   *   error
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(input) {
    return this.callWith('evaluate', [], input, this.#inputName);
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
    return this.callWith('gradients', [], input, this.#inputName);
  }

  /**
   * One step of Adam. Advances the memory of a language model.
   * @param {Input & Step & CallOptions} options the input, and the options of the step and the call
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
   * @param {Numbers} data one finite number for each element of the tensor
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<void>}
   */
  setParameter(name, data, options) {
    return this.call('setParameter', [name, data], options);
  }

  /**
   * Logits of the last call: [batch, length, vocabSize], [n, classes] of a classifier, or [n, outputs] of a regressor.
   * @returns {Promise<Floats>}
   */
  logits() {
    return this.call('logits', []);
  }

  /**
   * Hidden states of the last call.
   * @param {number} layer 0: the input of the first layer, to `config.layers`: the output of the last layer
   * @returns {Promise<Floats>} [tokens, dModel]
   */
  hiddenStates(layer) {
    return this.call('hiddenStates', [layer]);
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
   * @param {SaveOptions & CallOptions} [options] as on the main
   *   thread
   * @returns {Promise<Bytes>} the file
   */
  async saveCheckpoint(options = {}) {
    checkOptions('saveCheckpoint', options, [...OPTIONS.saveCheckpoint, ...CALL]);
    const { metadata = this.metadata } = options;
    return this.callWith('saveCheckpoint', [], { ...options, metadata });
  }

  /** Frees the memory. May be called twice; any other use rejects with `DisposedError` afterwards. */
  async dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#end.abort(new DisposedError('the model was disposed'));
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
 * A training in a form that can be posted. Functions of the step, sources and streams stay here; the worker asks for their
 * values.
 * @param {any} data
 * @param {Record<string, any>} options
 * @param {Model} model
 * @returns {{ args: unknown[], answer: Answer, close: () => void }}
 */
function remoteTraining(data, options, model) {
  const { schedule, topKSchedule, signal: _, transfer: __, ...rest } = options;
  /** @type {Record<string, (step: number) => unknown>} */
  const functions = {};
  /** @type {Record<string, unknown>} */
  const sent = rest;
  for (const [name, value] of Object.entries({ schedule, topKSchedule })) {
    if (typeof value === 'function') functions[name] = value;
    else if (value !== undefined) sent[name] = value;
  }
  const source =
    isSource(data) || isStream(data) ? sourceOf(data, /** @type {any} */ (model.config)) : undefined;
  // The run that is resumed; a new one begins at the first step that is asked for.
  const before = options.resume === true ? model.run : null;
  const steps = options.steps ?? before?.steps ?? RUN_DEFAULTS.steps;
  let start = before?.start;
  if (source) functions.data = (step) => source.at(step, Number(start));
  const answer = async (/** @type {Need} */ { name, step }) => {
    start ??= step;
    if (name === 'data') return { name, first: step, values: [await functions.data(step)] };
    // Not beyond the last step of the run, for which a function need not have a value.
    const length = Math.max(1, Math.min(STEPS_AHEAD, start + steps - step));
    const values = [];
    for (let i = 0; i < length; i++) values.push(functions[name](step + i));
    return { name, first: step, values };
  };
  return {
    args: [source ? null : data, sent, Object.keys(functions)],
    answer,
    close: () => source?.close?.(),
  };
}
