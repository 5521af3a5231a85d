import { checkName, checkOptions } from './check.js';
import { planTransfer } from './checkpoint/transfer.js';
import { openCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { ConfigSchema } from './config.js';
import { KINDS, Status } from './core.js';
import { warnCollected } from './development.js';
import { OutOfMemoryError } from './errors.js';
import { LanguageModel } from './language-model.js';
import { Regressor } from './regressor.js';
import { TextClassifier } from './text-classifier.js';

/** @import { PlainConfig } from './config.js' */
/** @import { Core } from './core.js' */
/** @import { ClassifierConfig, ConfigField, EngineInfo, LanguageConfig, ModelKind, RegressorConfig, Router, TextClassifierConfig } from './types.js' */

/** @typedef {LanguageModel | Classifier | TextClassifier | Regressor} AnyModel a model of any kind */

const CLASSES = {
  language: LanguageModel,
  classifier: Classifier,
  'text-classifier': TextClassifier,
  regressor: Regressor,
};

/**
 * Frees the memory of models that are garbage-collected without `dispose()`.
 * @type {FinalizationRegistry<{ core: Core, address: number }>}
 */
const collected = new FinalizationRegistry(({ core, address }) => {
  if (!core.usable) return;
  core.call('model_destroy', address);
  warnCollected('a model');
});

/**
 * Ends the threads of engines that are garbage-collected, with their models, without `dispose()`: the platform keeps a
 * worker, and the memory that it shares, as long as it runs.
 * @type {FinalizationRegistry<Core>}
 */
const abandoned = new FinalizationRegistry((core) => {
  if (core.usable) warnCollected('an engine with threads');
  core.dispose();
});

/**
 * One instance of the WebAssembly module and its models. Created by `load()`.
 */
export class Engine {
  /** @type {Core} */
  #core;
  /** @type {ConfigSchema} */
  #schema;
  /** @type {Set<WeakRef<AnyModel>>} */
  #models = new Set();

  /**
   * @param {Core} core
   * @param {Omit<EngineInfo, 'version'>} info
   * @ignore
   */
  constructor(core, info) {
    this.#core = core;
    this.#schema = new ConfigSchema(core);
    /**
     * The variant of the module, the number of threads and the reason for it, and the version.
     * @type {Readonly<EngineInfo>}
     */
    this.info = Object.freeze({ ...info, version: core.string(core.address('version')) });
    /**
     * The available routers.
     * @type {readonly Router[]}
     */
    this.routers = Object.freeze(this.#schema.routers);
    if (core.team) abandoned.register(this, core);
  }

  /** Memory of the engine in bytes. It grows with its models and never shrinks. */
  get memoryBytes() {
    this.#core.check();
    return this.#core.memoryBytes;
  }

  /**
   * All configuration keys of a kind of model, with meaning, default and limits.
   * @param {ModelKind} kind of model
   * @returns {ConfigField[]} in the order of their declaration
   * @throws {RangeError} if there is no such kind
   */
  configFields(kind) {
    this.#core.check();
    checkName('kind', kind, KINDS);
    return this.#schema.describe(kind);
  }

  /**
   * Creates a Transformer-XL language model with mixtures of experts. All its memory is allocated now.
   * @param {LanguageConfig} [config] see `configFields('language')` for defaults and limits
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  createLanguageModel(config = {}) {
    return /** @type {LanguageModel} */ (this.#create('language', this.#schema.resolve('language', config)));
  }

  /**
   * Creates a classifier of vectors. All its memory is allocated now.
   * @param {ClassifierConfig} [config] see `configFields('classifier')` for defaults and limits
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  createClassifier(config = {}) {
    return /** @type {Classifier} */ (this.#create('classifier', this.#schema.resolve('classifier', config)));
  }

  /**
   * Creates a classifier of token sequences. All its memory is allocated now.
   * @param {TextClassifierConfig} [config] see `configFields('text-classifier')` for defaults and limits; with `from`, keys
   *   that are left out are those of the file
   * @param {object} [options] what it begins with
   * @param {Uint8Array | ArrayBuffer | undefined} [options.from] a safetensors file, such as that of a language model: the
   *   tensors of the same name and shape are taken over, and its metadata (such as the vocabulary). The property
   *   `transfer` says which were not
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {CheckpointError} if the file is invalid, or no tensor of it fits; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  createTextClassifier(config = {}, options = {}) {
    const kind = 'text-classifier';
    const { from } = checkOptions('createTextClassifier', options, ['from']);
    if (from === undefined) {
      return /** @type {TextClassifier} */ (this.#create(kind, this.#schema.resolve(kind, config)));
    }
    this.#core.check();
    const plan = planTransfer(kind, from, config, this.#schema);
    const model = /** @type {TextClassifier} */ (this.#create(kind, plan.config));
    for (const [name, numbers] of plan.writes) model.setParameter(name, numbers);
    model.transfer = Object.freeze(plan.transfer);
    model.metadata = plan.metadata;
    return model;
  }

  /**
   * Creates a regressor of vectors. All its memory is allocated now.
   * @param {RegressorConfig} [config] see `configFields('regressor')` for defaults and limits
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  createRegressor(config = {}) {
    return /** @type {Regressor} */ (this.#create('regressor', this.#schema.resolve('regressor', config)));
  }

  /**
   * Opens a safetensors file of this package or of the published PyTorch code.
   * @param {Uint8Array | ArrayBuffer} bytes of the file, such as `await (await fetch(url)).arrayBuffer()`
   * @param {LanguageConfig | ClassifierConfig | TextClassifierConfig | RegressorConfig} [config] keys that the file does not have, or that
   *   override those of the file; keys that set the shape of a tensor must agree with the file
   * @returns {AnyModel}
   * @throws {CheckpointError} if the file is invalid, or small but asks for a large memory by `batchSize`, `contextLength`
   *   or `memoryLength` that are not given here; nothing was created
   * @throws {TypeError | RangeError} naming the argument
   */
  loadCheckpoint(bytes, config = {}) {
    this.#core.check();
    const checkpoint = openCheckpoint(bytes, config, this.#schema);
    const model = this.#create(checkpoint.kind, checkpoint.config);
    try {
      model.restore(checkpoint);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /**
   * @param {ModelKind} kind
   * @param {PlainConfig} config checked
   */
  #create(kind, config) {
    const core = this.#core;
    this.#schema.write(kind, config);
    const { status, model: address, bytes } = core.createModel();
    if (status !== Status.OK) {
      throw new OutOfMemoryError(
        `the model needs ${bytes.toLocaleString('en')} bytes, which are not available; ` +
          'smaller layers, vocabSize, batchSize or contextLength need less',
        bytes,
      );
    }
    const routerTensors = this.#schema.routerTensors(config);
    const owner = { core, routerTensors, release: () => this.#release(address, model, reference) };
    /** @type {AnyModel} */
    const model = new CLASSES[kind](owner, address, config);
    const reference = new WeakRef(model);
    this.#models.add(reference);
    collected.register(model, { core, address }, model);
    return model;
  }

  /**
   * @param {number} address
   * @param {AnyModel} model
   * @param {WeakRef<AnyModel>} reference
   */
  #release(address, model, reference) {
    collected.unregister(model);
    this.#models.delete(reference);
    if (this.#core.usable) this.#core.call('model_destroy', address);
  }

  /** Disposes the models of the engine, and the engine. May be called twice. */
  dispose() {
    for (const reference of this.#models) reference.deref()?.dispose();
    this.#core.dispose();
  }

  /** `using engine = await load()` */
  [Symbol.dispose]() {
    this.dispose();
  }
}
