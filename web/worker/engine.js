import { warnForgotten } from '../development.js';
import { DisposedError } from '../errors.js';
import { Classifier } from './classifier.js';
import { LanguageModel } from './language-model.js';

/** @import { Engine as SynchronousEngine } from '../engine.js' */
/** @import { ClassifierConfig, ConfigField, LanguageConfig, ModelKind, Router } from '../types.js' */
/** @import { Connection } from './connection.js' */
/** @import { Description } from './model.js' */

/**
 * @typedef {object} CallOptions
 * What every call takes besides its own options.
 *
 * @property {AbortSignal} [signal] aborted already: nothing is done. A stream ends; another call that is under way goes on.
 * @property {boolean} [transfer] gives the arrays away: they move to the worker and are empty here from then on. What
 *   is only a part of its buffer is copied all the same.
 */

/**
 * Models that were forgotten without `dispose()` give their memory back when they are collected.
 * @type {FinalizationRegistry<{ connection: Connection, id: number }>}
 */
const forgotten = new FinalizationRegistry(({ connection, id }) => {
  // The models of an engine go with it.
  if (!connection.usable) return;
  warnForgotten('a model');
  connection.call(0, 'forget', [id]).catch(() => {});
});

/**
 * An engine in a worker. Made by `load()`. What is a call of the engine outside of a worker is a promise here.
 */
export class Engine {
  /** @type {Connection} */
  #connection;
  #memoryBytes;

  /**
   * @param {Connection} connection
   * @param {{ info: SynchronousEngine['info'], routers: Router[], memoryBytes: number }} about
   * @ignore
   */
  constructor(connection, { info, routers, memoryBytes }) {
    this.#connection = connection;
    this.#memoryBytes = memoryBytes;
    /** What runs in the worker: the variant of the module, its threads, its version. */
    this.info = Object.freeze(info);
    /**
     * The routers there are.
     * @type {readonly Router[]}
     */
    this.routers = Object.freeze(routers);
  }

  /** Bytes of memory that the engine held when it last answered. */
  get memoryBytes() {
    this.#connection.check();
    return this.#memoryBytes;
  }

  /**
   * Every configuration key of a kind of model, with its meaning, default and limits.
   * @param {ModelKind} kind of model
   * @returns {Promise<ConfigField[]>}
   */
  configFields(kind) {
    return this.#call('configFields', [kind]);
  }

  /**
   * Creates a Transformer-XL language model with mixtures of experts. All its memory is taken now.
   * @param {LanguageConfig} config see `configFields('language')` for defaults and limits
   * @param {CallOptions} [options] of the call
   * @returns {Promise<LanguageModel>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes asked for; nothing was created
   */
  async createLanguageModel(config, options) {
    const model = this.#adopt(await this.#call('createLanguageModel', [config], options));
    return /** @type {LanguageModel} */ (model);
  }

  /**
   * Creates a classifier of vectors. All its memory is taken now.
   * @param {ClassifierConfig} config see `configFields('classifier')` for defaults and limits
   * @param {CallOptions} [options] of the call
   * @returns {Promise<Classifier>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes asked for; nothing was created
   */
  async createClassifier(config, options) {
    return /** @type {Classifier} */ (this.#adopt(await this.#call('createClassifier', [config], options)));
  }

  /**
   * Opens a safetensors file: of this package, or of the published PyTorch code.
   * @param {Uint8Array} bytes of the file
   * @param {Partial<LanguageConfig> | Partial<ClassifierConfig>} [config] what the file does not say, or what it should
   *   be opened with instead; keys that set shapes of tensors must agree with the file
   * @param {CallOptions} [options] of the call
   * @returns {Promise<LanguageModel | Classifier>}
   * @throws {CheckpointError} what is wrong with the file; nothing was created
   * @throws {TypeError | RangeError} what is wrong with the arguments
   */
  async loadCheckpoint(bytes, config, options) {
    return this.#adopt(await this.#call('loadCheckpoint', [bytes, config], options));
  }

  /**
   * @template T
   * @param {string} method
   * @param {unknown[]} args
   * @param {CallOptions} [options]
   * @returns {Promise<T>}
   */
  #call(method, args, options) {
    return this.#connection.call(0, method, args, {
      ...options,
      onState: ({ memoryBytes }) => {
        this.#memoryBytes = memoryBytes;
      },
    });
  }

  /** @param {Description} description */
  #adopt(description) {
    const { id, kind } = description;
    const connection = this.#connection;
    // It must not refer to the model, which would never be collected then.
    const owner = {
      connection,
      release: (/** @type {object} */ model) => {
        forgotten.unregister(model);
        return connection.call(0, 'forget', [id]).then(undefined, ignoreDisposed);
      },
    };
    const model =
      kind === 'language' ? new LanguageModel(owner, description) : new Classifier(owner, description);
    forgotten.register(model, { connection, id }, model);
    return model;
  }

  /** Ends the worker, and with it every model. What is under way is refused with `DisposedError`. May be called twice. */
  async dispose() {
    await this.#connection.close();
  }

  /** `await using engine = await load()` */
  async [Symbol.asyncDispose]() {
    await this.dispose();
  }
}

/** @param {unknown} error */
function ignoreDisposed(error) {
  if (!(error instanceof DisposedError)) throw error;
}
