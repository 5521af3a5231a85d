import {
  checkBoolean,
  checkFinite,
  checkInteger,
  checkKeys,
  checkName,
  checkNumber,
  checkObject,
  checkOptions,
  fail,
  refuse,
  refuseLength,
  toFloats,
} from './check.js';
import { configMetadata, encodeCheckpoint, floatsOf, RESERVED_METADATA } from './checkpoint.js';
import { Status } from './core.js';
import { isCustom, isOwn, RouterProgram } from './custom-router.js';
import { DisposedError, DivergedError, OutOfMemoryError } from './errors.js';
import { isHalf, tooLarge } from './half.js';
import { quote } from './message.js';
import { nearest } from './nearest.js';
import { INPUT, OPTIONS, optionsOf } from './options.js';
import { LARGEST_RATE, SHARES } from './parts.js';
import { hasBest } from './run.js';

/** @import { SaveOptions } from './option-types.js' */
/** @import { PlainConfig } from './config.js' */
/** @import { Core, RawParameter } from './core.js' */
/** @import { Checkpoint } from './checkpoint.js' */
/** @import { Complete, Bytes, Floats, LayerRouting, MemoryUse, ModelKind, Numbers, Parameter, SharedConfig, StepOptions, StepResult, TrainingRun } from './types.js' */

/**
 * Sizes of a pass, which agree with the contents of the model's buffers.
 * @typedef {{ batch: number, length: number, carryMemory: boolean }} Pass
 */

/**
 * What a model gets from its engine.
 * @typedef {object} Owner
 * @property {Core} core
 * @property {readonly string[]} routerTensors names of those that a custom router declares in each layer
 * @property {() => void} release frees the model's memory
 */

/** Of the rate by epsilon, by which moments are multiplied: far above what trains, and far below what overflows. */
const HARMLESS_RATE = 1e20;

const MEMORY_KINDS = /** @type {const} */ ([
  'tables',
  'parameters',
  'gradients',
  'moments',
  'activations',
  'context',
  'scratch',
]);

/**
 * What all kinds of model have in common. Everything that is returned is a copy: it stays valid when the
 * model is trained further or the engine's memory grows.
 * @template {Complete<SharedConfig>} [Config=Complete<SharedConfig>]
 * @template [Input=any] a segment of a text, or a batch of vectors or sequences
 * @template {StepOptions} [Step=StepOptions] options of a step of training
 */
export class Model {
  /** @type {Owner} */
  #owner;
  /** @type {number} */
  #address;
  #disposed = false;
  /** @type {RouterProgram | undefined} */
  #router;
  /** The kept state of a run with patience: the elements of all tensors that training changes. @type {Floats | undefined} */
  #best;

  /**
   * @param {Owner} owner
   * @param {number} address
   * @param {PlainConfig} config
   * @ignore
   */
  constructor(owner, address, config) {
    this.#owner = owner;
    this.#address = address;
    /**
     * The configuration of the model, with all defaults filled in.
     * @type {Readonly<Config>}
     */
    this.config = Object.freeze(/** @type {any} */ (config));
    /**
     * Strings to be saved with the model in a checkpoint, such as a vocabulary.
     * @type {Record<string, string>}
     */
    this.metadata = {};
    /**
     * The last run of `train`, which `train(data, { resume: true })` goes on with if it has not ended; null if there is
     * none. It changes with each step.
     * @type {Readonly<TrainingRun> | null}
     */
    this.run = null;
    const parameters = owner.core.parameters(address);
    if (isCustom(this.config.router)) {
      const sizes = /** @type {{ layers: number, experts: number, dModel: number }} */ (this.config);
      this.#router = new RouterProgram(this.config.router, sizes, {
        ...{ core: owner.core, parameters, names: owner.routerTensors },
        alive: () => this.address,
      });
    }
    const { size, trainable } = countParameters(parameters.filter(isOwn));
    /** Number of parameters, trained and frozen. */
    this.parameterCount = size;
    /** Number of trained parameters. */
    this.trainableParameterCount = trainable;
  }

  /** @protected */
  get core() {
    return this.#owner.core;
  }

  /**
   * Weight of the sparsity loss now (gate `relu`): it starts from `config.sparsityWeight`, and each training step raises
   * or lowers it until the number of experts per token is `topK`. 0 if there is no such loss.
   */
  get sparsityWeight() {
    return this.core.call('model_sparsity_weight', this.address);
  }

  /** Address of the model; throws after `dispose()`. @protected */
  get address() {
    this.#owner.core.check();
    if (this.#disposed) throw new DisposedError('the model was disposed');
    return this.#address;
  }

  /** Training steps taken. */
  get step() {
    return this.core.call('model_step', this.address);
  }

  /**
   * Experts per token, 1 to `config.experts`. It may be changed at any time, also during training. Training with more
   * than `config.topK` experts computes their hidden layers twice, because memory was planned for `config.topK`.
   */
  get topK() {
    return this.core.call('model_top_k', this.address);
  }

  /** @param {number} value 1 to `config.experts` */
  set topK(value) {
    checkInteger('topK', value, 1, this.config.experts, ' (experts)');
    this.core.call('model_set_top_k', this.address, value);
  }

  /**
   * Memory of the model in bytes, by kind. It is allocated at creation and freed by `dispose()`.
   * @returns {MemoryUse}
   */
  get memory() {
    const use = /** @type {MemoryUse} */ ({ total: 0 });
    MEMORY_KINDS.forEach((kind, index) => {
      use[kind] = this.core.call('model_bytes', this.address, index);
      use.total += use[kind];
    });
    return use;
  }

  /**
   * All tensors of the model, as copies.
   * @returns {Parameter[]}
   */
  parameters() {
    return this.#tensors().map(({ name, shape, size, role, data, grad }) => ({
      name,
      shape,
      trainable: role === 'trained',
      data: this.core.floats(data, size).slice(),
      grad: grad ? this.core.floats(grad, size).slice() : null,
    }));
  }

  /** The tensors that belong to the model. */
  #tensors() {
    return this.core.parameters(this.address).filter(isOwn);
  }

  /** Tells those who keep what they made of the parameters that these have changed. */
  #invalidate() {
    this.core.call('model_invalidate', this.address);
    this.#router?.invalidate();
  }

  /**
   * Makes what a pass needs before it: R and b of a custom router.
   * @protected
   * @throws {RouterError} the router failed; nothing was changed
   */
  prepare() {
    this.#router?.refresh();
  }

  /**
   * Overwrites a tensor.
   * @param {string} name as in `parameters()`
   * @param {Numbers} data one finite number for each element of the tensor
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  setParameter(name, data) {
    const all = this.#tensors();
    const entry = all.find((parameter) => parameter.name === name);
    if (!entry) return refuseTensor(name, all);
    const floats = toFloats('data', data);
    if (floats.length !== entry.size) {
      refuseLength('data', `${entry.size} numbers (${entry.shape.join(' x ')})`, floats);
    }
    this.core.floats(entry.data, entry.size).set(checkFinite('data', floats));
    this.#invalidate();
  }

  /**
   * Logits of the last call, as a copy: [batch, length, vocabSize], or [n, classes] of a classifier. Of a regressor, its
   * numbers [n, outputs], standardised if its targets are.
   * @returns {Floats}
   */
  logits() {
    return this.core.logits(this.address);
  }

  /**
   * Hidden states of the last call, as a copy: what each token (or vector) has become before a layer. After training they
   * include dropout.
   * @param {number} layer 0: the input of the first layer (embedding or linear map of the input), to `config.layers`: the
   *   output of the last layer, which the output layer reads
   * @returns {Floats} [tokens, dModel], tokens in the order of `routing()`; empty before the first call
   * @throws {TypeError | RangeError} naming the argument
   */
  hiddenStates(layer) {
    const { address, config } = this;
    checkInteger('layer', layer, 0, config.layers, ' (layers)');
    return this.core.hiddenStates(address, layer, Number(config.dModel));
  }

  /**
   * Routing of the last call, one entry per layer, as copies. Layers without a router (dense) have no entry.
   * @returns {LayerRouting[]}
   */
  routing() {
    const { core, address } = this;
    const layers = [];
    for (let layer = 0; layer < this.config.layers; layer++) {
      const routing = core.routing(address, layer);
      if (!routing) continue;
      const { experts, weights, logits, counts, entropy, dropped } = routing;
      layers.push({ experts, weights, logits, load: loadOfCounts(counts), entropy, dropped });
    }
    return layers;
  }

  /**
   * Expert similarity of each layer on the tokens of the last call: mean cosine between the outputs of two experts,
   * over all tokens and pairs of experts, whether or not they were chosen; 1 means that the experts have collapsed into
   * one. Null if there is only one expert; layers without a router (dense) have no entry. It costs as much as a forward
   * pass through all experts.
   * @returns {(number | null)[]}
   */
  expertSimilarity() {
    const { core, address } = this;
    const layers = [];
    for (let layer = 0; layer < this.config.layers; layer++) {
      const similarity = core.expertSimilarity(address, layer);
      if (similarity !== undefined) layers.push(this.config.experts === 1 ? null : similarity);
    }
    return layers;
  }

  /**
   * The loss, without dropout and gradient: mean cross-entropy, or the mean squared error of a regressor. Advances the
   * memory of a language model.
   * @param {Input} input a segment of a text, or a batch of vectors or sequences
   * @returns {{ loss: number }} nats per token, vector or sequence; of a regressor, the mean squared
   *   error
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(input) {
    const { loss } = this.#run('evaluate', this.#put('evaluate', input));
    return { loss };
  }

  /**
   * Computes the gradients (`parameters()[i].grad`) without taking a step. Uses dropout if configured. Advances the
   * memory of a language model.
   * @param {Input} input a segment of a text, or a batch of vectors or sequences
   * @returns {StepResult}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite
   */
  gradients(input) {
    return this.#run('gradients', this.#put('gradients', input));
  }

  /**
   * One step of Adam. Advances the memory of a language model.
   * @param {Input & Step} options the input and the options of the step
   * @returns {StepResult}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite; parameters and memory are unchanged
   */
  trainStep(options) {
    const given = this.#checkInput('trainStep', 'options', options);
    const { learningRate: rate, clip = 0, [SHARES]: shares } = given;
    checkNumber('learningRate', rate, 0, LARGEST_RATE);
    checkNumber('clip', clip, 0);
    const head = shares ? rate * shares.head : given.headLearningRate;
    if (head !== undefined) checkNumber('headLearningRate', head, 0, LARGEST_RATE);
    const pass = this.put(options);
    const restore = this.#mayOverflow(Math.max(rate, head ?? 0)) ? this.#snapshot() : undefined;
    const result =
      head === undefined
        ? this.#run('train_step', pass, rate, clip)
        : this.#trainParts(pass, shares ? rate * shares.body : rate, head, clip);
    if (restore && !this.#isFinite()) {
      restore();
      this.#diverged('the parameters are not finite', this.step + 1);
    }
    return result;
  }

  /**
   * A step whose head has a learning rate of its own; a body whose rate is 0 stays as it is, and takes no gradient.
   * @param {Pass} pass
   * @param {number} body learning rate
   * @param {number} head learning rate
   * @param {number} clip
   */
  #trainParts(pass, body, head, clip) {
    const { core, address } = this;
    core.call('model_set_head_rate', address, head);
    core.call('model_set_head_only', address, Number(body === 0));
    try {
      return this.#run('train_step', pass, body, clip);
    } finally {
      if (core.usable && !this.#disposed) {
        core.call('model_set_head_rate', address, -1);
        core.call('model_set_head_only', address, 0);
      }
    }
  }

  /**
   * Whether a step of this rate could leave parameters that are not finite: Adam divides it by a correction, which is
   * near 0 in the first steps if beta1 is near 1, and by at least epsilon; a weight decay above 2 makes parameters grow
   * that it should shrink, also those that no loss depends on.
   * @param {number} learningRate
   */
  #mayOverflow(learningRate) {
    const { beta1, epsilon, weightDecay } = this.config;
    const rate = learningRate / (1 - beta1 ** (this.step + 1)) / epsilon;
    return rate > HARMLESS_RATE || learningRate * weightDecay > 2;
  }

  /**
   * Copies all that a step changes.
   * @returns {() => void} puts it back
   */
  #snapshot() {
    const { core, address, step, sparsityWeight } = this;
    const copies = this.#changing().flatMap(({ data, m, v, size, role }) =>
      (role === 'trained' ? [data, m, v] : [data]).map((at) => ({
        at,
        values: core.floats(at, size).slice(),
      })),
    );
    const restoreContext = this.keepContext();
    return () => {
      for (const { at, values } of copies) core.floats(at, values.length).set(values);
      this.#invalidate();
      core.call('model_set_step', address, step);
      if (this.config.sparsityWeight > 0) core.call('model_set_sparsity_weight', address, sparsityWeight);
      restoreContext();
    };
  }

  /**
   * @param {'evaluate' | 'gradients' | 'trainStep'} method
   * @param {string} name
   * @param {unknown} input
   */
  #checkInput(method, name, input) {
    return checkKeys(name, method, input, [...INPUT[this.kind], ...optionsOf(this.kind, method)]);
  }

  /**
   * @param {'evaluate' | 'gradients'} method
   * @param {Input} input
   */
  #put(method, input) {
    this.#checkInput(method, this.kind === 'language' ? 'segment' : 'batch', input);
    return this.put(input);
  }

  /**
   * The kind of model.
   * @abstract
   * @returns {ModelKind}
   */
  get kind() {
    throw new Error('abstract');
  }

  /**
   * Checks the input and copies it into the model's buffers.
   * @protected
   * @abstract
   * @param {Input} _input
   * @returns {Pass}
   */
  put(_input) {
    throw new Error('abstract');
  }

  /**
   * A pass of the engine; with a custom router, gradients are taken in two halves.
   * @param {'evaluate' | 'gradients' | 'train_step'} name
   * @param {Pass} pass
   * @param {...number} more
   */
  #pass(name, pass, ...more) {
    const router = this.#router;
    const { core, address } = this;
    this.prepare();
    if (!router || name === 'evaluate') return core.run(name, address, pass, ...more);
    const begun = core.run('backward', address, pass);
    if (begun.status !== Status.OK) return begun;
    router.backward();
    const half = name === 'gradients' ? 'finish_gradients' : 'finish_step';
    const result = core.finish(half, this.address, ...more);
    if (name === 'train_step') router.invalidate();
    return result;
  }

  /** Whether a step has left numbers everywhere: in the parameters, and in the moments. */
  #isFinite() {
    return this.#changing().every(({ data, m, v, size, role }) =>
      (role === 'trained' ? [data, m, v] : [data]).every((at) =>
        this.core.floats(at, size).every(Number.isFinite),
      ),
    );
  }

  /**
   * @param {string} what
   * @param {number} step
   * @returns {never}
   */
  #diverged(what, step) {
    throw new DivergedError(
      `${what} at step ${step}; the parameters are those after step ${step - 1}. A lower learningRate, warm-up or ` +
        'clipping may help',
      step,
    );
  }

  /**
   * Runs a pass over the contents of the buffers.
   * @param {'evaluate' | 'gradients' | 'train_step'} name
   * @param {Pass} pass
   * @param {...number} more
   */
  #run(name, pass, ...more) {
    const { status, loss, auxiliaryLoss, gradNorm } = this.#pass(name, pass, ...more);
    if (status === Status.DIVERGED) {
      const what = Number.isFinite(loss) ? `the gradient is ${gradNorm}` : `the loss is ${loss}`;
      this.#diverged(what, this.step + 1);
    }
    // Arguments were checked before: this would be a bug of the package.
    if (status !== Status.OK) throw new Error(`the engine refused ${name} with status ${status}`);
    return { loss, gradNorm, auxiliaryLoss };
  }

  /**
   * The model as a safetensors file that PyTorch code can open too.
   * @param {SaveOptions} [options] what else to save
   * @returns {Bytes} the file
   * @throws {TypeError | RangeError} naming the option
   */
  saveCheckpoint(options = {}) {
    const {
      optimizer = false,
      metadata = this.metadata,
      dtype = 'f32',
    } = checkOptions('saveCheckpoint', options, OPTIONS.saveCheckpoint);
    checkBoolean('optimizer', optimizer);
    const type = checkName('dtype', dtype, ['f32', 'f16', 'bf16']).toUpperCase();
    if (optimizer && dtype !== 'f32') refuse('dtype', '"f32" together with optimizer: true', dtype);
    for (const [key, value] of Object.entries(checkObject('metadata', metadata))) {
      if (typeof value !== 'string') refuse(`metadata[${quote(key)}]`, 'a string', value, TypeError);
      if (RESERVED_METADATA.includes(key))
        fail(`metadata["${key}"] needs another key: the file format uses this one`);
    }
    const { core } = this;
    const tensors = [];
    const entries = this.#tensors();
    for (const { name, shape, size, data } of entries) {
      const numbers = core.floats(data, size);
      const large = isHalf(type) ? tooLarge(numbers, type) : undefined;
      if (large)
        refuse('dtype', `"f32": ${dtype} holds up to ${large.largest}, ${name} has ${large.value}`, dtype);
      tensors.push({ name, shape, data: numbers });
    }
    if (optimizer) {
      for (const moment of /** @type {const} */ (['m', 'v'])) {
        for (const entry of entries.filter(({ role }) => role === 'trained')) {
          const data = core.floats(entry[moment], entry.size);
          tensors.push({ name: `optimizer.${moment}.${entry.name}`, shape: entry.shape, data });
        }
      }
      tensors.push(...this.contextTensors());
      if (hasBest(this.run)) tensors.push(...this.#bestTensors());
    }
    const state = {
      ...(this.topK === this.config.topK ? {} : { 'hyperrouter.topK': String(this.topK) }),
      ...(optimizer ? { 'hyperrouter.step': String(this.step) } : {}),
      ...(optimizer && this.run ? { 'hyperrouter.run': JSON.stringify(this.run) } : {}),
      ...this.stateMetadata(),
      ...(this.config.sparsityWeight > 0
        ? { 'hyperrouter.sparsityWeight': String(this.sparsityWeight) }
        : {}),
    };
    return encodeCheckpoint(tensors, { ...metadata, ...configMetadata(this.config), ...state }, type);
  }

  /** What training changes, besides the optimizer's state. */
  #changing() {
    return this.#tensors().filter(({ role }) => role !== 'frozen');
  }

  /**
   * Keeps a copy of the parameters, in memory that is taken by the first call.
   * @throws {OutOfMemoryError} there is no memory for the copy
   * @ignore
   */
  keepBest() {
    const entries = this.#changing();
    this.#best ??= allocate(entries.reduce((sum, { size }) => sum + size, 0));
    let at = 0;
    for (const { data, size } of entries) {
      this.#best.set(this.core.floats(data, size), at);
      at += size;
    }
  }

  /**
   * Puts the kept copy back.
   * @ignore
   */
  restoreBest() {
    const tensors = this.#bestTensors();
    this.#changing().forEach(({ data, size }, index) => {
      this.core.floats(data, size).set(tensors[index].data);
    });
    this.#invalidate();
  }

  /** @ignore */
  forgetBest() {
    this.#best = undefined;
  }

  /** The kept copy as tensors of a file. */
  #bestTensors() {
    const kept = /** @type {Floats} */ (this.#best);
    let end = 0;
    return this.#changing().map(({ name, shape, size }) => {
      end += size;
      return { name: `best.${name}`, shape, data: kept.subarray(end - size, end) };
    });
  }

  /**
   * What else belongs to the model: the scale of a regressor's targets.
   * @protected
   * @returns {Record<string, string>}
   */
  stateMetadata() {
    return {};
  }

  /**
   * What else is needed to resume training: the memory of a language model.
   * @protected
   * @returns {{ name: string, shape: number[], data: Float32Array }[]}
   */
  contextTensors() {
    return [];
  }

  /**
   * Copies the memory of a language model.
   * @protected
   * @returns {() => void} puts it back
   */
  keepContext() {
    return () => {};
  }

  /**
   * Restores a checkpoint, of which everything was checked except the names and shapes of tensors.
   * @param {Checkpoint} checkpoint
   * @ignore
   */
  restore(checkpoint) {
    const { core, address } = this;
    const writes = checkpoint.match(this.#tensors());
    for (const { to, tensor } of writes) {
      const data = floatsOf(tensor);
      core.floats(to, data.length).set(data);
    }
    this.#invalidate();
    core.call('model_set_step', address, checkpoint.step);
    if (checkpoint.topK !== undefined) this.topK = checkpoint.topK;
    if (checkpoint.sparsityWeight !== undefined && this.config.sparsityWeight > 0)
      core.call('model_set_sparsity_weight', address, checkpoint.sparsityWeight);
    this.metadata = { ...checkpoint.metadata };
    this.run = checkpoint.run;
    const best = checkpoint.best(this.#changing());
    if (!best) return;
    this.keepBest();
    let at = 0;
    for (const data of best) {
      /** @type {Floats} */ (this.#best).set(data, at);
      at += data.length;
    }
  }

  /** Frees the memory. May be called twice; any other use throws `DisposedError` afterwards. */
  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#owner.release();
  }

  /** `using model = engine.createLanguageModel(...)` */
  [Symbol.dispose]() {
    this.dispose();
  }
}

/**
 * @param {number} size
 * @returns {Floats}
 */
function allocate(size) {
  try {
    return new Float32Array(size);
  } catch (cause) {
    const bytes = 4 * size;
    throw new OutOfMemoryError(`the best state needs ${bytes} bytes, which are not available`, bytes, {
      cause,
    });
  }
}

/**
 * @param {string} name
 * @param {RawParameter[]} tensors
 * @returns {never}
 */
function refuseTensor(name, tensors) {
  const names = tensors.map((tensor) => tensor.name);
  const list = names.length > 8 ? `${names.slice(0, 8).join(', ')}, … (see parameters())` : names.join(', ');
  const hint = typeof name === 'string' ? `; the nearest is ${nearest(name, names)}` : '';
  return refuse('name', `one of ${list}${hint}`, name);
}

/** @param {Int32Array} counts [E] assignments of each expert */
function loadOfCounts(counts) {
  const assignments = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => count / Math.max(1, assignments));
}

/** @param {RawParameter[]} parameters */
function countParameters(parameters) {
  let [size, trainable] = [0, 0];
  for (const parameter of parameters) {
    size += parameter.size;
    if (parameter.role === 'trained') trainable += parameter.size;
  }
  return { size, trainable };
}
