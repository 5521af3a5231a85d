/** Configurations: what the engine declares of each key, checked and written for it. */
import { show } from './check.js';
import { Kind, Rule, Status } from './core.js';

/** @import { Core, RawField } from './core.js' */

/**
 * What there is to know of a configuration key: for options, controls, help and documentation.
 * @typedef {object} ConfigField
 * @property {string} name
 * @property {string} summary
 * @property {'integer' | 'number' | 'boolean' | 'choice'} type
 * @property {number | boolean | string} default
 * @property {number} [min] inclusive, of numbers
 * @property {number} [max] of numbers; inclusive unless `exclusiveMax`
 * @property {boolean} [exclusiveMax]
 * @property {string[]} [choices]
 * @property {boolean} shape whether it sets the shape of a tensor: what a checkpoint cannot be opened without
 */

/** @typedef {'language' | 'classifier'} ModelKind */

/**
 * @typedef {object} Router
 * @property {string} name
 * @property {string} summary
 * @property {boolean} routes false if every token goes through one dense network
 */

/**
 * @param {Core} core
 * @returns {Router[]}
 */
export function readRouters(core) {
  return Array.from({ length: core.call('router_count') }, (_, index) => ({
    name: core.string(core.address('router_name', index)),
    summary: core.string(core.address('router_summary', index)),
    routes: core.call('router_routes', index) !== 0,
  }));
}

/**
 * What a checked configuration holds: every key of its kind.
 * @typedef {Record<string, number | boolean | string>} PlainConfig
 */

/** Reads, checks and writes configurations of one engine. */
export class ConfigSchema {
  /** @type {Core} */
  #core;
  /** @type {RawField[]} */
  #fields;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
    this.#fields = core.fields();
    this.routers = readRouters(core);
  }

  /** @param {ModelKind} kind */
  #fieldsOf(kind) {
    return this.#fields.filter((field) => field.kinds & (1 << Kind[kind]));
  }

  /**
   * @param {ModelKind} kind
   * @returns {ConfigField[]}
   */
  describe(kind) {
    return this.#fieldsOf(kind).map((field) => {
      const { name, summary, shapes: shape } = field;
      const value = this.#fromNumber(field, field.initial);
      if (field.type === 'boolean') return { name, summary, type: 'boolean', default: value, shape };
      if (field.type === 'choice') {
        return {
          name,
          summary,
          type: 'choice',
          default: value,
          choices: this.routers.map((r) => r.name),
          shape,
        };
      }
      const type = field.type === 'number' ? 'number' : 'integer';
      const limits = { min: field.minimum, max: field.maximum, exclusiveMax: field.open };
      return { name, summary, type, default: value, ...limits, shape };
    });
  }

  /**
   * @param {RawField} field
   * @param {number} number
   */
  #fromNumber(field, number) {
    if (field.type === 'boolean') return number !== 0;
    return field.type === 'choice' ? this.routers[number].name : number;
  }

  /** Names of the keys that set shapes. @param {ModelKind} kind */
  shapeKeys(kind) {
    return this.#fieldsOf(kind)
      .filter((field) => field.shapes)
      .map((field) => field.name);
  }

  /**
   * Checks a configuration and fills in defaults.
   * @param {ModelKind} kind
   * @param {unknown} given
   * @returns {PlainConfig}
   * @throws {TypeError | RangeError} naming the key, what it was and what it may be
   */
  resolve(kind, given) {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) {
      throw new TypeError(`config must be an object, got ${show(given)}`);
    }
    const values = /** @type {Record<string, unknown>} */ (given);
    const fields = this.#fieldsOf(kind);
    for (const key of Object.keys(values)) {
      if (!fields.some((field) => field.name === key)) {
        const names = fields.map((field) => field.name).join(', ');
        throw new TypeError(`config.${key} is no key of a ${describeKind(kind)}; there are: ${names}`);
      }
    }
    /** @type {PlainConfig} */
    const config = {};
    for (const field of fields) {
      const number =
        values[field.name] === undefined ? field.initial : this.#toNumber(field, values[field.name]);
      config[field.name] = this.#fromNumber(field, number);
    }
    this.write(kind, config);
    const complaint = this.#core.exchange + this.#core.call('config_bytes');
    if (this.#core.call('config_check', this.#core.exchange, complaint) !== Status.OK) {
      const view = this.#core.view(complaint, 24);
      const field = this.#fields[view.getInt32(0, true)];
      throw new RangeError(
        ruleMessage(
          field,
          config[field.name],
          view.getInt32(4, true),
          view.getFloat64(8, true),
          view.getFloat64(16, true),
        ),
      );
    }
    return config;
  }

  /**
   * @param {RawField} field
   * @param {unknown} value
   */
  #toNumber(field, value) {
    const name = `config.${field.name}`;
    if (field.type === 'boolean') {
      if (typeof value !== 'boolean')
        throw new TypeError(`${name} must be true or false, got ${show(value)}`);
      return Number(value);
    }
    if (field.type === 'choice') {
      const index = this.routers.findIndex((router) => router.name === value);
      const names = this.routers.map((router) => `"${router.name}"`).join(', ');
      if (index < 0) throw new RangeError(`${name} must be one of ${names}, got ${show(value)}`);
      return index;
    }
    if (typeof value !== 'number')
      throw new TypeError(`${name} must be ${limits(field)}, got ${show(value)}`);
    const whole = field.type === 'number' || Number.isInteger(value);
    const inside = value >= field.minimum && (field.open ? value < field.maximum : value <= field.maximum);
    if (!whole || !inside) throw new RangeError(`${name} must be ${limits(field)}, got ${show(value)}`);
    return value;
  }

  /**
   * The tensors that a model would have.
   * @param {ModelKind} kind
   * @param {PlainConfig} config checked
   */
  parameters(kind, config) {
    this.write(kind, config);
    return this.#core.plannedParameters();
  }

  /**
   * Writes a checked configuration into the exchange.
   * @param {ModelKind} kind
   * @param {PlainConfig} config
   */
  write(kind, config) {
    this.#core.call('config_default', this.#core.exchange, Kind[kind]);
    const view = this.#core.view(this.#core.exchange, this.#core.call('config_bytes'));
    for (const field of this.#fieldsOf(kind)) {
      const number = this.#toNumber(field, config[field.name]);
      if (field.type === 'number') view.setFloat64(field.offset, number, true);
      else if (field.type === 'seed') view.setUint32(field.offset, number, true);
      else view.setInt32(field.offset, number, true);
    }
  }
}

/** @param {ModelKind} kind */
function describeKind(kind) {
  return kind === 'language' ? 'language model' : 'classifier';
}

/** @param {RawField} field */
function limits(field) {
  const noun = field.type === 'number' ? 'a number' : 'an integer';
  const end = field.open ? `below ${field.maximum}` : `to ${field.maximum}`;
  return `${noun} from ${field.minimum} ${end}`;
}

/**
 * @param {RawField} field
 * @param {unknown} value
 * @param {number} rule
 * @param {number} minimum
 * @param {number} maximum
 */
function ruleMessage(field, value, rule, minimum, maximum) {
  const name = `config.${field.name}`;
  if (rule === Rule.EVEN) return `${name} must be even, got ${show(value)}`;
  if (rule === Rule.SMOE) return `${name} must be 0 unless router is "smoe", got ${show(value)}`;
  const why = field.name === 'topK' ? ' (experts)' : '';
  return `${name} must be from ${minimum} to ${maximum}${why}, got ${show(value)}`;
}
