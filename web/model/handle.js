/** What the parts of a model share: the engine, where the model is in its memory until it is disposed, and its router. */
import { isCustom, RouterProgram } from '../custom-router.js';
import { DisposedError } from '../errors.js';

/** @import { Core } from '../core.js' */
/** @import { Complete, SharedConfig } from '../types.js' */

/**
 * What a model gets from its engine.
 * @typedef {object} Owner
 * @property {Core} core
 * @property {readonly string[]} routerTensors names of those that a custom router declares in each layer
 * @property {() => void} release frees the model's memory
 */

export class ModelHandle {
  #release;
  #address;
  #disposed = false;

  /**
   * @param {Owner} owner
   * @param {number} address
   * @param {Readonly<Complete<SharedConfig>>} config
   */
  constructor({ core, routerTensors: names, release }, address, config) {
    this.core = core;
    this.config = config;
    this.#release = release;
    this.#address = address;
    /** Runs the caller's own router, if the model has one. */
    this.router = isCustom(config.router) ? new RouterProgram(config.router, names, this) : undefined;
  }

  /** Address of the model; throws after `dispose()`. */
  get address() {
    this.core.check();
    if (this.#disposed) throw new DisposedError('the model was disposed');
    return this.#address;
  }

  get usable() {
    return this.core.usable && !this.#disposed;
  }

  /** Tells those who keep what they made of the parameters that these have changed. */
  invalidate() {
    this.core.call('model_invalidate', this.address);
    this.router?.invalidate();
  }

  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#release();
  }
}
