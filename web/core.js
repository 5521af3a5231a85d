/**
 * The instance of the WebAssembly module: raw exports, views of its memory, and the layout of the structures that
 * wasm/exports.c asserts. Nothing else in the package knows addresses.
 */
import { DisposedError, EngineError } from './errors.js';

/** Status codes of src/hyperrouter.h. */
export const Status = /** @type {const} */ ({ OK: 0, ARGUMENT: 1, MEMORY: 2, DIVERGED: 3 });

/** Kinds of model, as in src/hyperrouter.h. */
export const Kind = /** @type {const} */ ({ language: 0, classifier: 1 });

/** Rules of configurations, as in src/hyperrouter.h. */
export const Rule = /** @type {const} */ ({ RANGE: 1, EVEN: 2, NEEDS: 3 });

const FIELD_TYPES = /** @type {const} */ (['integer', 'number', 'boolean', 'choice', 'seed']);

/** What is passed by address is put here: a configuration, a result, a complaint. */
const EXCHANGE_BYTES = 1024;

/** @import { ConfigOption } from './types.js' */

/**
 * @typedef {object} RawField
 * @property {string} name
 * @property {string} summary
 * @property {'integer' | 'number' | 'boolean' | 'choice' | 'seed'} type
 * @property {number} offset in bytes, inside a configuration
 * @property {number} kinds bit set of kinds of model
 * @property {boolean} shapes whether it sets the shape of a tensor
 * @property {number} initial
 * @property {number} minimum
 * @property {number} maximum
 * @property {boolean} open whether the maximum itself is excluded
 * @property {string[]} requires traits without which it has no effect
 * @property {ConfigOption[]} options of a choice, by number
 */

/**
 * What is wrong with a configuration.
 *
 * @typedef {object} RawConfigError
 * @property {RawField} field
 * @property {number} rule
 * @property {number} minimum
 * @property {number} maximum
 * @property {RawField | undefined} choice the field whose chosen option lacks a trait
 * @property {string[]} traits the one that it lacks
 */

/**
 * @typedef {object} RawParameter
 * @property {string} name
 * @property {number[]} shape
 * @property {number} size
 * @property {boolean} trainable
 * @property {number} data address
 * @property {number} grad address, 0 if frozen
 * @property {number} m address, 0 if frozen
 * @property {number} v address, 0 if frozen
 */

/** @typedef {Record<string, (...args: number[]) => number>} RawExports */

export class Core {
  /** @type {RawExports} */
  #exports;
  /** @type {WebAssembly.Memory} */
  #memory;
  #disposed = false;
  #stamp = 0;
  /** @type {unknown} */
  #trap = undefined;

  /** Address of the team of threads, 0 for one thread. */
  team = 0;
  /** @type {() => void} */
  #endThreads = () => {};

  /**
   * @param {WebAssembly.Instance} instance
   * @param {WebAssembly.Memory} [shared] the memory, where it is not the instance's own
   */
  constructor(instance, shared) {
    const { memory, ...functions } = instance.exports;
    this.#memory = shared ?? /** @type {WebAssembly.Memory} */ (memory);
    this.#exports = /** @type {RawExports} */ (/** @type {unknown} */ (functions));
    this.#exports._initialize?.();
    /** Address of EXCHANGE_BYTES bytes for arguments and results of one call. */
    this.exchange = this.address('allocate', EXCHANGE_BYTES);
    if (this.exchange === 0) throw new EngineError('the engine has no memory to start with');
  }

  /**
   * Calls an export. A trap leaves the memory in an unknown state: the engine is unusable from then on.
   * @param {string} name
   * @param {...number} args
   * @returns {number}
   */
  call(name, ...args) {
    this.check();
    try {
      return this.#exports[name](...args);
    } catch (error) {
      this.#trap = error;
      return this.check();
    }
  }

  /**
   * Calls an export that returns an address: above 2 GiB they come as negative numbers.
   * @param {string} name
   * @param {...number} args
   */
  address(name, ...args) {
    return this.call(name, ...args) >>> 0;
  }

  /**
   * Throws unless the engine can be used.
   * @returns {never | 0}
   */
  check() {
    if (this.#trap !== undefined) {
      throw new EngineError(`the engine went down (${this.#trap}); load a new one`, { cause: this.#trap });
    }
    if (this.#disposed) throw new DisposedError('the engine was disposed');
    return 0;
  }

  /** Tells generators apart that share the cache of one model. */
  nextStamp() {
    this.#stamp = (this.#stamp + 1) & 0x7fffffff;
    return this.#stamp;
  }

  get usable() {
    return !this.#disposed && this.#trap === undefined;
  }

  /**
   * Takes over threads that serve a team.
   * @param {number} team address
   * @param {() => void} end stops the threads
   */
  employ(team, end) {
    this.team = team;
    this.#endThreads = end;
  }

  dispose() {
    if (this.#disposed) return;
    if (this.usable && this.team) this.call('team_dissolve', this.team);
    this.#endThreads();
    this.#disposed = true;
    // The instance and its memory go when nothing refers to them any more.
    this.#exports = {};
    this.#memory = new WebAssembly.Memory({ initial: 0 });
  }

  /** Bytes that the module holds now. */
  get memoryBytes() {
    return this.#memory.buffer.byteLength;
  }

  // Views are made anew at each use: the memory may have grown since.

  /** @param {number} address @param {number} length */
  floats(address, length) {
    return new Float32Array(this.#memory.buffer, address, length);
  }

  /** @param {number} address @param {number} length */
  integers(address, length) {
    return new Int32Array(this.#memory.buffer, address, length);
  }

  /** @param {number} address @param {number} length */
  doubles(address, length) {
    return new Float64Array(this.#memory.buffer, address, length);
  }

  /** @param {number} address @param {number} length */
  view(address, length) {
    return new DataView(this.#memory.buffer, address, length);
  }

  /** @param {number} address of a C string */
  string(address) {
    const bytes = new Uint8Array(this.#memory.buffer, address);
    // A copy: text cannot be decoded out of shared memory.
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  /** Names of the traits in a bit set. @param {number} bits */
  #traits(bits) {
    const names = [];
    for (let index = 0; bits >> index; index++) {
      if (bits & (1 << index)) names.push(this.string(this.address('trait_name', index)));
    }
    return names;
  }

  /** @param {number} field its index @returns {ConfigOption[]} */
  #options(field) {
    const options = [];
    for (;;) {
      const at = this.address('config_option', field, options.length);
      if (at === 0) return options;
      const view = this.view(at, 16);
      const [name, label, summary] = [0, 4, 8].map((offset) => this.string(view.getUint32(offset, true)));
      options.push({ name, label, summary, traits: this.#traits(view.getInt32(12, true)) });
    }
  }

  /** @returns {RawField[]} */
  fields() {
    const count = this.call('config_field_count');
    return Array.from({ length: count }, (_, index) => {
      const view = this.view(this.address('config_field', index), 64);
      return {
        name: this.string(view.getUint32(0, true)),
        summary: this.string(view.getUint32(4, true)),
        type: FIELD_TYPES[view.getInt32(8, true)],
        offset: view.getInt32(12, true),
        kinds: view.getInt32(16, true),
        shapes: view.getInt32(20, true) !== 0,
        initial: view.getFloat64(24, true),
        minimum: view.getFloat64(32, true),
        maximum: view.getFloat64(40, true),
        open: view.getInt32(48, true) !== 0,
        requires: this.#traits(view.getInt32(52, true)),
        options: this.#options(index),
      };
    });
  }

  /**
   * What the engine has against the configuration in the exchange.
   * @param {RawField[]} fields as `fields()` gives them
   * @returns {RawConfigError | undefined}
   */
  configError(fields) {
    const at = this.exchange + this.call('config_bytes');
    if (this.call('config_check', this.exchange, at) === Status.OK) return undefined;
    const view = this.view(at, 32);
    return {
      field: fields[view.getInt32(0, true)],
      rule: view.getInt32(4, true),
      minimum: view.getFloat64(8, true),
      maximum: view.getFloat64(16, true),
      choice: fields[view.getInt32(24, true)],
      traits: this.#traits(view.getInt32(28, true)),
    };
  }

  /**
   * The tensors of a model.
   * @param {number} model address
   * @returns {RawParameter[]}
   */
  parameters(model) {
    const count = this.call('model_parameter_count', model);
    return Array.from({ length: count }, (_, index) =>
      this.#parameter(this.address('model_parameter', model, index)),
    );
  }

  /**
   * The tensors that a model of the configuration in the exchange would have; their addresses are 0.
   * @returns {RawParameter[]}
   */
  plannedParameters() {
    const at = this.exchange + this.call('config_bytes');
    const parameters = [];
    while (this.call('config_parameter', this.exchange, parameters.length, at) === Status.OK) {
      parameters.push(this.#parameter(at));
    }
    return parameters;
  }

  /**
   * @param {number} address
   * @returns {RawParameter}
   */
  #parameter(address) {
    const view = this.view(address, 120);
    const rank = view.getInt32(72, true);
    return {
      name: this.string(address),
      shape: [76, 80, 84].slice(0, rank).map((at) => view.getInt32(at, true)),
      size: view.getInt32(88, true),
      trainable: view.getInt32(92, true) !== 0,
      data: view.getUint32(104, true),
      grad: view.getUint32(108, true),
      m: view.getUint32(112, true),
      v: view.getUint32(116, true),
    };
  }
}
