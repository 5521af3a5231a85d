import { checkInteger, checkKeys, checkNumber } from './check.js';
import { modelMetadata } from './checkpoint/metadata.js';
import { encodeSafetensors, floatsOf } from './checkpoint/safetensors.js';
import { readSaveOptions, savedMoments, savedParameters } from './checkpoint/save.js';
import { keepState, restoreState, savedState } from './model/best-state.js';
import { ModelHandle } from './model/handle.js';
import { resumeFrom, runPass, takeStep } from './model/passes.js';
import { changingTensors, copyTensors, setTensor, tensorsOf } from './model/tensors.js';
import { INPUT, optionsOf } from './options.js';
import { LARGEST_RATE, SHARES } from './parts.js';
import { hasBest } from './run.js';

/** @import { Checkpoint } from './checkpoint.js' */
/** @import { SavedTensor } from './checkpoint/safetensors.js' */
/** @import { PlainConfig } from './config.js' */
/** @import { Owner } from './model/handle.js' */
/** @import { Pass } from './model/passes.js' */
/** @import { SaveOptions } from './option-types.js' */
/** @import { Complete, Bytes, Floats, LayerRouting, MemoryUse, ModelKind, Numbers, Parameter, SharedConfig, StepOptions, StepResult, TrainingRun } from './types.js' */

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
  #handle;
  /** The best state of a run with patience. @type {Floats | undefined} */
  #best;

  /**
   * @param {Owner} owner
   * @param {number} address
   * @param {PlainConfig} config
   * @ignore
   */
  constructor(owner, address, config) {
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
    this.#handle = new ModelHandle(owner, address, this.config);
    /** Number of parameters, trained and frozen. */
    this.parameterCount = 0;
    /** Number of trained parameters. */
    this.trainableParameterCount = 0;
    for (const { size, role } of tensorsOf(this.#handle)) {
      this.parameterCount += size;
      if (role === 'trained') this.trainableParameterCount += size;
    }
  }

  /** @protected */
  get core() {
    return this.#handle.core;
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
    return this.#handle.address;
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
    return copyTensors(this.#handle);
  }

  /**
   * Makes what a pass needs before it: R and b of a custom router.
   * @protected
   * @throws {RouterError} the router failed; nothing was changed
   */
  prepare() {
    this.#handle.router?.refresh();
  }

  /**
   * Overwrites a tensor.
   * @param {string} name as in `parameters()`
   * @param {Numbers} data one finite number for each element of the tensor
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  setParameter(name, data) {
    return setTensor(this.#handle, name, data);
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
      const { counts, ...rest } = routing;
      layers.push({ ...rest, load: loadOfCounts(counts) });
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
    const { loss } = runPass(this.#handle, 'evaluate', this.#put('evaluate', input));
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
    return runPass(this.#handle, 'gradients', this.#put('gradients', input));
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
    const rates = { rate: shares ? rate * shares.body : rate, head, clip };
    return takeStep(this.#handle, this.put(options), rates, () => this.keepContext());
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
   * The model as a safetensors file that PyTorch code can open too.
   * @param {SaveOptions} [options] what else to save
   * @returns {Bytes} the file
   * @throws {TypeError | RangeError} naming the option
   */
  saveCheckpoint(options = {}) {
    const { optimizer, metadata, dtype } = readSaveOptions(options, this.metadata);
    const entries = tensorsOf(this.#handle);
    const tensors = savedParameters(this.core, entries, dtype);
    if (optimizer) {
      tensors.push(...savedMoments(this.core, entries), ...this.contextTensors());
      if (hasBest(this.run)) tensors.push(...savedState(this.#handle, /** @type {Floats} */ (this.#best)));
    }
    const all = { ...metadata, ...modelMetadata(this, optimizer, this.stateMetadata()) };
    return encodeSafetensors(tensors, all, dtype);
  }

  /**
   * Keeps a copy of the parameters, in memory that is taken by the first call.
   * @throws {OutOfMemoryError} there is no memory for the copy
   * @ignore
   */
  keepBest() {
    this.#best = keepState(this.#handle, this.#best);
  }

  /**
   * Puts the kept copy back.
   * @ignore
   */
  restoreBest() {
    restoreState(this.#handle, /** @type {Floats} */ (this.#best));
  }

  /** @ignore */
  forgetBest() {
    this.#best = undefined;
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
   * @returns {SavedTensor[]}
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
    const { state } = checkpoint;
    for (const { to, tensor } of checkpoint.match(tensorsOf(this.#handle))) {
      const data = floatsOf(tensor);
      this.core.floats(to, data.length).set(data);
    }
    resumeFrom(this.#handle, state);
    if (state.topK !== undefined) this.topK = state.topK;
    this.metadata = { ...checkpoint.metadata };
    this.run = state.run;
    const best = checkpoint.best(changingTensors(this.#handle));
    if (best) this.#best = keepState(this.#handle, this.#best, best);
  }

  /** Frees the memory. May be called twice; any other use throws `DisposedError` afterwards. */
  dispose() {
    this.#handle.dispose();
  }

  /** `using model = engine.createLanguageModel(...)` */
  [Symbol.dispose]() {
    this.dispose();
  }
}

/** @param {Int32Array} counts [E] assignments of each expert */
function loadOfCounts(counts) {
  const assignments = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => count / Math.max(1, assignments));
}
