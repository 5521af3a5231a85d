import {
  checkArray,
  checkBoolean,
  checkInteger,
  checkNumber,
  checkObject,
  refuse,
  refuseLength,
} from './check.js';
import { encodeCheckpoint, floatsOf, RESERVED_METADATA } from './checkpoint.js';
import { Status } from './core.js';
import { DisposedError, DivergedError } from './errors.js';

/** @import { PlainConfig } from './config.js' */
/** @import { Core } from './core.js' */
/** @import { Checkpoint } from './checkpoint.js' */
/** @import { LayerRouting, MemoryUse, Parameter, SharedConfig, StepOptions, StepResult } from './types.js' */

/**
 * What a model computes with: counts that agree with what was put into its buffers.
 * @typedef {{ batch: number, length: number, carryMemory: boolean }} Pass
 */

/**
 * What a model gets from its engine.
 * @typedef {object} Owner
 * @property {Core} core
 * @property {() => void} release gives the model's memory back
 */

/** A step of this rate still leaves numbers; a larger one might not, and there would be no way back. */
const LARGEST_RATE = 1e30;

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
 * What language models and classifiers have in common. Everything that is read out is a copy: it stays as it is when
 * the model goes on or the engine's memory grows.
 * @template {Required<SharedConfig>} [Config=Required<SharedConfig>]
 * @template [Input=any] a segment of a text, or a batch of vectors
 */
export class Model {
  /** @type {Owner} */
  #owner;
  /** @type {number} */
  #address;
  #disposed = false;

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
     * The configuration that the model was created with, every key filled in.
     * @type {Readonly<Config>}
     */
    this.config = Object.freeze(/** @type {any} */ (config));
    /**
     * Strings that a checkpoint holds besides the model, for its users: the vocabulary, for instance.
     * @type {Record<string, string>}
     */
    this.metadata = {};
    const { size, trainable } = countParameters(owner.core.parameters(address));
    /** Numbers in all tensors. */
    this.parameterCount = size;
    /** Numbers in the tensors that are trained. */
    this.trainableParameterCount = trainable;
  }

  /** @protected */
  get core() {
    return this.#owner.core;
  }

  /** Address of the model; throws once it was disposed. @protected */
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
   * Experts that take each token, 1 to `config.experts`; may be changed at any time, in training too. Training with
   * more than `config.topK` computes the hidden layers twice, since memory was planned for that many.
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
   * Bytes that the model holds, by kind. They are taken at creation and given back by `dispose()`.
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
   * All tensors, as copies.
   * @returns {Parameter[]}
   */
  parameters() {
    return this.core.parameters(this.address).map(({ name, shape, size, role, data, grad }) => ({
      name,
      shape,
      trainable: role === 'trained',
      data: this.core.floats(data, size).slice(),
      grad: grad ? this.core.floats(grad, size).slice() : null,
    }));
  }

  /**
   * Overwrites a tensor.
   * @param {string} name as `parameters()` gives it
   * @param {Float32Array} data as many numbers as the tensor has
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  setParameter(name, data) {
    const all = this.core.parameters(this.address);
    const entry = all.find((parameter) => parameter.name === name);
    if (!entry) return refuse('name', `one of ${all.map((p) => p.name).join(', ')}`, name);
    checkArray('data', data, Float32Array);
    if (data.length !== entry.size) {
      refuseLength('data', `${entry.size} numbers (${entry.shape.join(' x ')})`, data);
    }
    this.core.floats(entry.data, entry.size).set(data);
    this.core.call('model_invalidate', this.address);
  }

  /**
   * Logits of the last call, as a copy: [batch, length, vocabSize], or [n, classes] of a classifier.
   */
  logits() {
    const address = this.core.address('model_logits', this.address);
    const count = this.core.call('model_rows', this.address) * this.core.call('model_columns', this.address);
    return this.core.floats(address, count).slice();
  }

  /**
   * Routing of the last call, one entry a layer, as copies. Layers without a router (dense) have no entry.
   * @returns {LayerRouting[]}
   */
  routing() {
    const { core, address } = this;
    const layers = [];
    for (let layer = 0; layer < this.config.layers; layer++) {
      if (core.call('model_routing', address, layer, core.exchange) !== Status.OK) continue;
      const view = core.view(core.exchange, 40);
      const [tokens, k, experts] = [0, 4, 8].map((at) => view.getInt32(at, true));
      const [expertsAt, weightsAt, logitsAt, countsAt] = [12, 16, 20, 24].map((at) =>
        view.getUint32(at, true),
      );
      layers.push({
        experts: core.integers(expertsAt, tokens * k).slice(),
        weights: core.floats(weightsAt, tokens * k).slice(),
        logits: core.floats(logitsAt, tokens * experts).slice(),
        load: Float32Array.from(core.integers(countsAt, experts), (count) => count / Math.max(1, tokens * k)),
        entropy: view.getFloat64(32, true),
      });
    }
    return layers;
  }

  /**
   * How alike the experts of each layer are on the tokens of the last call: mean over tokens and pairs of experts of the
   * cosine between the two experts' outputs, whether they take the token or not; 1 is collapsed. Null where there is only
   * one expert; layers without a router (dense) have no entry. Costs what a forward pass through all experts does.
   * @returns {(number | null)[]}
   */
  expertSimilarity() {
    const { core, address } = this;
    const layers = [];
    for (let layer = 0; layer < this.config.layers; layer++) {
      if (core.call('model_expert_similarity', address, layer, core.exchange) !== Status.OK) continue;
      layers.push(this.config.experts === 1 ? null : core.doubles(core.exchange, 1)[0]);
    }
    return layers;
  }

  /**
   * Mean cross-entropy, without dropout and gradient. The memory of a language model moves on.
   * @param {Input} input a segment of a text, or a batch of vectors
   * @returns {{ loss: number }} nats per token or vector
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(input) {
    const { loss } = this.#run('evaluate', this.put(input));
    return { loss };
  }

  /**
   * Fills the gradients (`parameters()[i].grad`) and takes no step. With dropout, where it is configured. The memory of
   * a language model moves on.
   * @param {Input} input a segment of a text, or a batch of vectors
   * @returns {StepResult}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite
   */
  gradients(input) {
    return this.#run('gradients', this.put(input));
  }

  /**
   * One step of Adam. The memory of a language model moves on.
   * @param {Input & StepOptions} options the same, and the options of the step
   * @returns {StepResult}
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   * @throws {DivergedError} the loss or the gradient is not finite; parameters and memory are unchanged
   */
  trainStep(options) {
    const { learningRate, clip = 0 } = checkObject('options', options) && options;
    checkNumber('learningRate', learningRate, 0, LARGEST_RATE);
    checkNumber('clip', clip, 0);
    return this.#run('train_step', this.put(options), learningRate, clip);
  }

  /**
   * Checks what is to be computed on, and copies it into the engine.
   * @protected
   * @abstract
   * @param {Input} _input
   * @returns {Pass}
   */
  put(_input) {
    throw new Error('abstract');
  }

  /**
   * Runs a pass over what was put into the buffers.
   * @param {'evaluate' | 'gradients' | 'train_step'} name
   * @param {Pass} pass
   * @param {...number} more
   */
  #run(name, { batch, length, carryMemory }, ...more) {
    const { core, address } = this;
    const carry = Number(carryMemory);
    const status = core.call(`model_${name}`, address, batch, length, carry, ...more, core.exchange);
    const [loss, auxiliaryLoss, gradNorm] = core.doubles(core.exchange, 3);
    if (status === Status.DIVERGED) {
      const step = this.step + 1;
      const what = Number.isFinite(loss) ? `the gradient is ${gradNorm}` : `the loss is ${loss}`;
      throw new DivergedError(
        `${what} at step ${step}; the parameters are those after step ${step - 1}. A lower learningRate, warm-up or ` +
          'clipping may help',
        step,
      );
    }
    // Arguments were checked before; a refusal here is a fault of this package.
    if (status !== Status.OK) throw new Error(`the engine refused a ${name} with status ${status}`);
    return { loss, gradNorm, auxiliaryLoss };
  }

  /**
   * The model as a safetensors file that PyTorch code can open too.
   * @param {object} [options] what else to put in
   * @param {boolean} [options.optimizer] also the moments of Adam, the number of steps and the memory: what a run needs
   *   to go on as if it had not been interrupted
   * @param {Record<string, string>} [options.metadata] more strings for the file; default: `model.metadata`
   * @returns {Uint8Array} the file
   * @throws {TypeError | RangeError} naming the option
   */
  saveCheckpoint(options = {}) {
    const { optimizer = false, metadata = this.metadata } = checkObject('options', options) && options;
    checkBoolean('optimizer', optimizer);
    for (const [key, value] of Object.entries(checkObject('metadata', metadata))) {
      if (typeof value !== 'string') refuse(`metadata["${key}"]`, 'a string', value, TypeError);
      if (RESERVED_METADATA.includes(key))
        throw new RangeError(`metadata["${key}"] must have another key: the file itself uses this one`);
    }
    const { core } = this;
    const tensors = [];
    const entries = core.parameters(this.address);
    for (const { name, shape, size, data } of entries)
      tensors.push({ name, shape, data: core.floats(data, size) });
    if (optimizer) {
      for (const moment of /** @type {const} */ (['m', 'v'])) {
        for (const entry of entries.filter(({ role }) => role === 'trained')) {
          const data = core.floats(entry[moment], entry.size);
          tensors.push({ name: `optimizer.${moment}.${entry.name}`, shape: entry.shape, data });
        }
      }
      tensors.push(...this.contextTensors());
    }
    return encodeCheckpoint(tensors, {
      ...metadata,
      'hyperrouter.config': JSON.stringify(this.config),
      ...(this.topK === this.config.topK ? {} : { 'hyperrouter.topK': String(this.topK) }),
      ...(optimizer ? { 'hyperrouter.step': String(this.step) } : {}),
    });
  }

  /**
   * What else a run needs to go on: the memory of a language model.
   * @protected
   * @returns {{ name: string, shape: number[], data: Float32Array }[]}
   */
  contextTensors() {
    return [];
  }

  /**
   * Takes over what a checkpoint holds; everything in it was checked but for the names and shapes of tensors.
   * @param {Checkpoint} checkpoint
   * @ignore
   */
  restore(checkpoint) {
    const { core, address } = this;
    const entries = core.parameters(address);
    const writes = checkpoint.match(entries);
    for (const { to, tensor } of writes) {
      const data = floatsOf(tensor);
      core.floats(to, data.length).set(data);
    }
    core.call('model_invalidate', address);
    core.call('model_set_step', address, checkpoint.step);
    if (checkpoint.topK !== undefined) this.topK = checkpoint.topK;
    this.metadata = { ...checkpoint.metadata };
  }

  /** Gives the memory back. May be called twice; any other use throws `DisposedError` from now on. */
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

/** @param {import('./core.js').RawParameter[]} parameters */
function countParameters(parameters) {
  let [size, trainable] = [0, 0];
  for (const parameter of parameters) {
    size += parameter.size;
    if (parameter.role === 'trained') trainable += parameter.size;
  }
  return { size, trainable };
}
