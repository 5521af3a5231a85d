import { checkOptions, isUrl, refuse } from '../check.js';
import { warnCollected } from '../development.js';
import { DisposedError } from '../errors.js';
import { CALL } from '../options.js';
import { Classifier } from './classifier.js';
import { LanguageModel } from './language-model.js';
import { Regressor } from './regressor.js';
import { TextClassifier } from './text-classifier.js';

/** @import { Engine as SynchronousEngine } from '../engine.js' */
/** @import { ClassifierConfig, ConfigField, LanguageConfig, ModelKind, RegressorConfig, Router, RouterName, Signal, TextClassifierConfig } from '../types.js' */
/** @import { PlatformURL } from '../platform.js' */
/** @import { Connection } from './connection.js' */
/** @import { Description } from './model.js' */

/**
 * @typedef {object} RouterInWorker
 * The key `router` of a configuration in a worker.
 *
 * @property {RouterName | PlatformURL | undefined} [router] where the router logits come from: a name, or the URL of a module
 *   whose default export is a router of your own; default 'hyperrouter'
 */

/**
 * @template Config
 * @typedef {Omit<Config, 'router'> & RouterInWorker} InWorker
 * A configuration of a model in a worker.
 */

/** @typedef {LanguageModel | Classifier | TextClassifier | Regressor} AnyModel a model of any kind in a worker */

const CLASSES = {
  language: LanguageModel,
  classifier: Classifier,
  'text-classifier': TextClassifier,
  regressor: Regressor,
};

/** @typedef {{ module: string }} RouterModule a custom router on its way to the worker */

/**
 * @typedef {object} CallOptions
 * Options of every call, besides its own.
 *
 * @property {Signal | undefined} [signal] a call that is already aborted does nothing; a stream ends; other pending calls
 *   continue; default: none
 * @property {boolean | undefined} [transfer] transfers the arrays to the worker instead of copying them; they are empty here
 *   afterwards; default false. An array that is only a part of its buffer is still copied.
 */

/**
 * Frees the memory of models that are garbage-collected without `dispose()`.
 * @type {FinalizationRegistry<{ connection: Connection, id: number }>}
 */
const collected = new FinalizationRegistry(({ connection, id }) => {
  // With the engine, its models are gone too.
  if (!connection.usable) return;
  warnCollected('a model');
  connection.call(0, 'forget', [id]).catch(() => {});
});

/**
 * Ends the workers of engines that are garbage-collected, with their models, without `dispose()`: the platform keeps a
 * worker, and its memory, as long as it runs.
 * @type {FinalizationRegistry<Connection>}
 */
const abandoned = new FinalizationRegistry((connection) => {
  if (!connection.usable) return;
  warnCollected('an engine in a worker');
  void connection.close();
});

/**
 * An engine in a worker. Created by `load()`. Methods of the engine on this thread return promises here.
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
    /** The variant of the module, the number of threads and the reason for it, and the version. */
    this.info = Object.freeze(info);
    /**
     * The available routers.
     * @type {readonly Router[]}
     */
    this.routers = Object.freeze(routers);
    abandoned.register(this, connection);
  }

  /** Memory of the engine in bytes, as of the last reply. */
  get memoryBytes() {
    this.#connection.check();
    return this.#memoryBytes;
  }

  /**
   * All configuration keys of a kind of model, with meaning, default and limits.
   * @param {ModelKind} kind of model
   * @returns {Promise<ConfigField[]>}
   */
  configFields(kind) {
    return this.#call('configFields', [kind]);
  }

  /**
   * Creates a Transformer-XL language model with mixtures of experts. All its memory is allocated now.
   * @param {InWorker<LanguageConfig>} [config] see `configFields('language')` for defaults and limits
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<LanguageModel>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  async createLanguageModel(config, options) {
    return /** @type {LanguageModel} */ (await this.#create('createLanguageModel', [], config, options));
  }

  /**
   * Creates a classifier of vectors. All its memory is allocated now.
   * @param {InWorker<ClassifierConfig>} [config] see `configFields('classifier')` for defaults and limits
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Classifier>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  async createClassifier(config, options) {
    return /** @type {Classifier} */ (await this.#create('createClassifier', [], config, options));
  }

  /**
   * Creates a classifier of token sequences. All its memory is allocated now.
   * @param {InWorker<TextClassifierConfig>} [config] see `configFields('text-classifier')` for defaults and limits; with
   *   `from`, keys that are left out are those of the file
   * @param {{ from?: Uint8Array | ArrayBuffer | undefined } & CallOptions} [options] from: a safetensors file whose tensors
   *   are taken over, as on the main thread; and options of the call
   * @returns {Promise<TextClassifier>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {CheckpointError} if the file is invalid, or no tensor of it fits; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  async createTextClassifier(config, options = {}) {
    const method = 'createTextClassifier';
    const { from, ...call } = checkOptions(method, options, ['from', ...CALL]);
    const more = from === undefined ? [] : [{ from }];
    return /** @type {TextClassifier} */ (await this.#create(method, [], config, call, more));
  }

  /**
   * Creates a regressor of vectors. All its memory is allocated now.
   * @param {InWorker<RegressorConfig>} [config] see `configFields('regressor')` for defaults and limits
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Regressor>}
   * @throws {TypeError | RangeError} naming the key; nothing was created
   * @throws {OutOfMemoryError} with the bytes that it needs; nothing was created
   */
  async createRegressor(config, options) {
    return /** @type {Regressor} */ (await this.#create('createRegressor', [], config, options));
  }

  /**
   * Opens a safetensors file of this package or of the published PyTorch code.
   * @param {Uint8Array | ArrayBuffer} bytes of the file
   * @param {InWorker<LanguageConfig> | InWorker<ClassifierConfig> | InWorker<TextClassifierConfig> | InWorker<RegressorConfig>} [config] keys that the file does not have, or that
   *   override those of the file; keys that set the shape of a tensor must agree with the file
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<AnyModel>}
   * @throws {CheckpointError} if the file is invalid, or small but asks for a large memory by `batchSize`, `contextLength`
   *   or `memoryLength` that are not given here; nothing was created
   * @throws {TypeError | RangeError} naming the argument
   */
  async loadCheckpoint(bytes, config, options) {
    return this.#create('loadCheckpoint', [bytes], config, options);
  }

  /**
   * @param {string} method
   * @param {unknown[]} args before the configuration
   * @param {unknown} config
   * @param {CallOptions} [options]
   * @param {unknown[]} [more] arguments after the configuration
   */
  async #create(method, args, config = {}, options = {}, more = []) {
    checkOptions(method, options, CALL);
    const router = isObject(config) ? config.router : undefined;
    const sent = isObject(router)
      ? { .../** @type {object} */ (config), router: wireRouter(router) }
      : config;
    const description = await this.#call(method, [...args, sent, ...more], options);
    // The functions of a router stay in the worker.
    if (isObject(router)) description.fixed.config.router = router;
    return this.#adopt(description);
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
    // It must not refer to the model, which could then never be garbage-collected. The engine lives as long as its models.
    const owner = {
      ...{ engine: this, connection },
      release: (/** @type {object} */ model) => {
        collected.unregister(model);
        return connection.call(0, 'forget', [id]).then(undefined, ignoreDisposed);
      },
    };
    const model = new CLASSES[kind](owner, description);
    if (model instanceof TextClassifier) model.transfer = description.transfer ?? null;
    collected.register(model, { connection, id }, model);
    return model;
  }

  /** Terminates the worker and disposes all models. Pending calls reject with `DisposedError`. May be called twice. */
  async dispose() {
    await this.#connection.close();
  }

  /** `await using engine = await load()` */
  async [Symbol.asyncDispose]() {
    await this.dispose();
  }
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
const isObject = (value) => typeof value === 'object' && value !== null;

/**
 * @param {unknown} router no name
 * @returns {RouterModule}
 */
function wireRouter(router) {
  if (isUrl(router)) return { module: router.href };
  const module =
    "a name, or the URL of the module whose default export is the router: new URL('./router.js', import.meta.url)";
  return refuse('config.router', module, router, TypeError);
}

/** @param {unknown} error */
function ignoreDisposed(error) {
  if (!(error instanceof DisposedError)) throw error;
}
