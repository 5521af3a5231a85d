/** Configurations: what the engine declares of each key, checked and written for it. */
import { checkBoolean, checkKeys, checkName, checkObject, refuse } from './check.js';
import { Kind, Rule, Status } from './core.js';

/** @import { Core, RawField } from './core.js' */
/** @import { ConfigField, ModelKind, Router } from './types.js' */

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

/** @typedef {RawField & { multipleOf?: number }} Field as one kind of model has it */

/** Reads, checks and writes configurations of one engine. */
export class ConfigSchema {
  /** @type {Core} */
  #core;
  /** @type {RawField[]} */
  #fields;
  /** @type {Record<ModelKind, Field[]>} */
  #fieldsOf;

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
    this.#fields = core.fields();
    this.routers = readRouters(core);
    this.#fieldsOf = { language: this.#readFields('language'), classifier: this.#readFields('classifier') };
  }

  /**
   * @param {ModelKind} kind
   * @returns {Field[]}
   */
  #readFields(kind) {
    const fields = this.#fields.filter((field) => field.kinds & (1 << Kind[kind]));
    return fields.map((field) =>
      this.#mustBeEven(kind, field) ? { ...field, minimum: field.minimum + 1, multipleOf: 2 } : field,
    );
  }

  /**
   * Such a field has another complaint about an odd value than that it is out of range.
   * @param {ModelKind} kind
   * @param {RawField} field
   */
  #mustBeEven(kind, { name, type, offset, minimum }) {
    if (type !== 'integer' || minimum % 2 === 0) return false;
    this.#writeDefaults(kind).setInt32(offset, minimum, true);
    const complaint = this.#complaint();
    return complaint?.rule === Rule.EVEN && complaint.field.name === name;
  }

  /**
   * @param {ModelKind} kind
   * @returns {ConfigField[]}
   */
  describe(kind) {
    return this.#fieldsOf[kind].map((field) => {
      const { name, summary, shapes: shape } = field;
      const common = { name, summary, default: this.#fromNumber(field, field.initial), shape };
      if (field.type === 'boolean') return { ...common, type: 'boolean' };
      if (field.type === 'choice') return { ...common, type: 'choice', choices: this.#routerNames };
      const type = field.type === 'number' ? 'number' : 'integer';
      const { minimum: min, maximum: max, open: exclusiveMax, multipleOf } = field;
      return { ...common, type, min, max, exclusiveMax, ...(multipleOf && { multipleOf }) };
    });
  }

  get #routerNames() {
    return this.routers.map((router) => router.name);
  }

  /**
   * @param {ModelKind} kind
   * @returns {PlainConfig}
   */
  #defaults(kind) {
    return Object.fromEntries(
      this.#fieldsOf[kind].map((field) => [field.name, this.#fromNumber(field, field.initial)]),
    );
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
    return this.#fieldsOf[kind].filter((field) => field.shapes).map((field) => field.name);
  }

  /**
   * Checks a configuration and fills in defaults.
   * @param {ModelKind} kind
   * @param {unknown} given
   * @returns {PlainConfig}
   * @throws {TypeError | RangeError} naming the key, what it was and what it may be
   */
  resolve(kind, given) {
    const values = checkObject('config', given);
    const fields = this.#fieldsOf[kind];
    const names = fields.map((field) => field.name);
    checkKeys('config', `a ${kind} model`, values, names);
    const config = this.#defaults(kind);
    for (const field of fields) {
      const value = values[field.name];
      if (value !== undefined) config[field.name] = this.#fromNumber(field, this.#toNumber(field, value));
    }
    this.write(kind, config);
    const complaint = this.#complaint();
    if (complaint) {
      const { name } = complaint.field;
      refuse(`config.${name}`, ruleOf(complaint), config[name]);
    }
    return config;
  }

  /** What the engine has against the configuration in the exchange. */
  #complaint() {
    const at = this.#core.exchange + this.#core.call('config_bytes');
    if (this.#core.call('config_check', this.#core.exchange, at) === Status.OK) return undefined;
    const view = this.#core.view(at, 24);
    const [index, rule] = [view.getInt32(0, true), view.getInt32(4, true)];
    const [minimum, maximum] = [view.getFloat64(8, true), view.getFloat64(16, true)];
    return { field: this.#fields[index], rule, minimum, maximum };
  }

  /**
   * @param {RawField} field
   * @param {unknown} value
   */
  #toNumber(field, value) {
    const name = `config.${field.name}`;
    if (field.type === 'boolean') return Number(checkBoolean(name, value));
    if (field.type === 'choice') {
      checkName(name, value, this.#routerNames);
      return this.#routerNames.indexOf(/** @type {string} */ (value));
    }
    if (typeof value !== 'number') return refuse(name, limits(field), value, TypeError);
    const whole = field.type === 'number' || Number.isInteger(value);
    const inside = value >= field.minimum && (field.open ? value < field.maximum : value <= field.maximum);
    return whole && inside ? value : refuse(name, limits(field), value);
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

  /** @param {ModelKind} kind */
  #writeDefaults(kind) {
    this.#core.call('config_default', this.#core.exchange, Kind[kind]);
    return this.#core.view(this.#core.exchange, this.#core.call('config_bytes'));
  }

  /**
   * Writes a checked configuration into the exchange.
   * @param {ModelKind} kind
   * @param {PlainConfig} config
   */
  write(kind, config) {
    const view = this.#writeDefaults(kind);
    for (const field of this.#fieldsOf[kind]) {
      const number = this.#toNumber(field, config[field.name]);
      if (field.type === 'number') view.setFloat64(field.offset, number, true);
      else if (field.type === 'seed') view.setUint32(field.offset, number, true);
      else view.setInt32(field.offset, number, true);
    }
  }
}

/** @param {RawField} field */
function limits(field) {
  const noun = field.type === 'number' ? 'a number' : 'an integer';
  const end = field.open ? `below ${field.maximum}` : `to ${field.maximum}`;
  return `${noun} from ${field.minimum} ${end}`;
}

/** @param {{ field: RawField, rule: number, minimum: number, maximum: number }} complaint */
function ruleOf({ field, rule, minimum, maximum }) {
  if (rule === Rule.EVEN) return 'even';
  if (rule === Rule.SMOE) return '0 unless router is "smoe"';
  return `from ${minimum} to ${maximum}${field.name === 'topK' ? ' (experts)' : ''}`;
}
