import { checkName } from './check.js';
import { openCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { ConfigSchema } from './config.js';
import { Status } from './core.js';
import { warnCollected } from './development.js';
import { OutOfMemoryError } from './errors.js';
import { LanguageModel } from './language-model.js';

/** @import { PlainConfig } from './config.js' */
/** @import { Core } from './core.js' */
/** @import { ClassifierConfig, ConfigField, EngineInfo, LanguageConfig, ModelKind, Router } from './types.js' */

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
 * One instance of the WebAssembly module and its models. Created by `load()`.
 */
export class Engine {
  /** @type {Core} */
  #core;
  /** @type {ConfigSchema} */
  #schema;
  /** @type {Set<WeakRef<LanguageModel | Classifier>>} */
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
    checkName('kind', kind, ['language', 'classifier']);
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
   * Opens a safetensors file of this package or of the published PyTorch code.
   * @param {Uint8Array | ArrayBuffer} bytes of the file, such as `await (await fetch(url)).arrayBuffer()`
   * @param {LanguageConfig | ClassifierConfig} [config] keys that the file does not have, or that
   *   override those of the file; keys that set the shape of a tensor must agree with the file
   * @returns {LanguageModel | Classifier}
   * @throws {CheckpointError} if the file is invalid; nothing was created
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
    /** @type {LanguageModel | Classifier} */
    const model =
      kind === 'language'
        ? new LanguageModel(owner, address, config)
        : new Classifier(owner, address, config);
    const reference = new WeakRef(model);
    this.#models.add(reference);
    collected.register(model, { core, address }, model);
    return model;
  }

  /**
   * @param {number} address
   * @param {LanguageModel | Classifier} model
   * @param {WeakRef<LanguageModel | Classifier>} reference
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
