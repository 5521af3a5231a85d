import { checkName } from './check.js';
import { openCheckpoint } from './checkpoint.js';
import { Classifier } from './classifier.js';
import { ConfigSchema } from './config.js';
import { Status } from './core.js';
import { warnForgotten } from './development.js';
import { OutOfMemoryError } from './errors.js';
import { LanguageModel } from './language-model.js';

/** @import { PlainConfig } from './config.js' */
/** @import { Core } from './core.js' */
/** @import { ClassifierConfig, ConfigField, EngineInfo, LanguageConfig, ModelKind, Router } from './types.js' */

/**
 * Models that were forgotten without `dispose()` give their memory back when they are collected.
 * @type {FinalizationRegistry<{ core: Core, address: number }>}
 */
const forgotten = new FinalizationRegistry(({ core, address }) => {
  if (!core.usable) return;
  core.call('model_destroy', address);
  warnForgotten('a model');
});

/**
 * One instance of the WebAssembly module and the models in it. Made by `load()`.
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
     * What runs: the variant of the module, its threads and why so many, its version.
     * @type {Readonly<EngineInfo>}
     */
    this.info = Object.freeze({ ...info, version: core.string(core.address('version')) });
    /**
     * The routers there are.
     * @type {readonly Router[]}
     */
    this.routers = Object.freeze(this.#schema.routers);
  }

  /** Bytes of memory that the engine holds now; it grows with its models and is never given back to the system. */
  get memoryBytes() {
    this.#core.check();
    return this.#core.memoryBytes;
  }

  /**
   * Every configuration key of a kind of model, with its meaning, default and limits.
   * @param {ModelKind} kind of model
   * @returns {ConfigField[]} in the order in which they are declared
   * @throws {RangeError} there is no such kind
   */
  configFields(kind) {
    this.#core.check();
    checkName('kind', kind, ['language', 'classifier']);
    return this.#schema.describe(kind);
  }

  /**
   * Creates a Transformer-XL language model with mixtures of experts. All its memory is taken now.
   * @param {LanguageConfig} config see `configFields('language')` for defaults and limits
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes asked for; nothing was created
   */
  createLanguageModel(config) {
    return /** @type {LanguageModel} */ (this.#create('language', this.#schema.resolve('language', config)));
  }

  /**
   * Creates a classifier of vectors. All its memory is taken now.
   * @param {ClassifierConfig} config see `configFields('classifier')` for defaults and limits
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes asked for; nothing was created
   */
  createClassifier(config) {
    return /** @type {Classifier} */ (this.#create('classifier', this.#schema.resolve('classifier', config)));
  }

  /**
   * Opens a safetensors file: of this package, or of the published PyTorch code.
   * @param {Uint8Array} bytes of the file
   * @param {Partial<LanguageConfig> | Partial<ClassifierConfig>} [config] what the file does not say, or what it should
   *   be opened with instead; keys that set shapes of tensors must agree with the file
   * @returns {LanguageModel | Classifier}
   * @throws {CheckpointError} what is wrong with the file; nothing was created
   * @throws {TypeError | RangeError} what is wrong with the arguments
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
        `the model needs ${bytes.toLocaleString('en')} bytes, which cannot be had; ` +
          'smaller layers, vocabSize, batchSize or contextLength need less',
        bytes,
      );
    }
    const owner = { core, release: () => this.#release(address, model, reference) };
    /** @type {LanguageModel | Classifier} */
    const model =
      kind === 'language'
        ? new LanguageModel(owner, address, config)
        : new Classifier(owner, address, config);
    const reference = new WeakRef(model);
    this.#models.add(reference);
    forgotten.register(model, { core, address }, model);
    return model;
  }

  /**
   * @param {number} address
   * @param {LanguageModel | Classifier} model
   * @param {WeakRef<LanguageModel | Classifier>} reference
   */
  #release(address, model, reference) {
    forgotten.unregister(model);
    this.#models.delete(reference);
    if (this.#core.usable) this.#core.call('model_destroy', address);
  }

  /** Disposes the models of the engine and then itself. May be called twice. */
  dispose() {
    for (const reference of this.#models) reference.deref()?.dispose();
    this.#core.dispose();
  }

  /** `using engine = await load()` */
  [Symbol.dispose]() {
    this.dispose();
  }
}
