/** Configurations: what the engine declares of each key, checked and written for it. */
import { checkBoolean, checkKeys, checkName, checkObject, refuse } from './check.js';
import { Kind, Rule } from './core.js';

/** @import { Core, RawConfigError, RawField } from './core.js' */
/** @import { ConfigField, ModelKind, Router } from './types.js' */

/**
 * The fields that have an effect on a model of this configuration: those for which the options that it chooses have all
 * traits that the field requires.
 *
 * @param {readonly ConfigField[]} fields `engine.configFields(kind)`
 * @param {Record<string, unknown>} config what is not given has its default
 * @returns {ConfigField[]}
 */
export function fieldsInUse(fields, config) {
  const traits = fields.flatMap(({ name, options = [], default: initial }) => {
    const chosen = config[name] ?? initial;
    return options.find((option) => option.name === chosen)?.traits ?? [];
  });
  return fields.filter(({ requires }) => requires.every((trait) => traits.includes(trait)));
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
    const { options } = this.#field('router');
    /** @type {Router[]} */
    this.routers = options.map((option) => ({ ...option, routes: option.traits.includes('routes') }));
    this.#fieldsOf = { language: this.#readFields('language'), classifier: this.#readFields('classifier') };
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {RawField} */ (this.#fields.find((field) => field.name === name));
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
   * An odd value of such a field is refused for another reason than that it is out of range.
   * @param {ModelKind} kind
   * @param {RawField} field
   */
  #mustBeEven(kind, { name, type, offset, minimum }) {
    if (type !== 'integer' || minimum % 2 === 0) return false;
    this.#writeDefaults(kind).setInt32(offset, minimum, true);
    const error = this.#core.configError(this.#fields);
    return error?.rule === Rule.EVEN && error.field.name === name;
  }

  /**
   * @param {ModelKind} kind
   * @returns {ConfigField[]}
   */
  describe(kind) {
    return this.#fieldsOf[kind].map((field) => {
      const { name, summary, shapes: shape, requires, options } = field;
      const common = { name, summary, default: fromNumber(field, field.initial), shape, requires };
      if (field.type === 'boolean') return { ...common, type: 'boolean' };
      if (field.type === 'choice') return { ...common, type: 'choice', choices: namesOf(field), options };
      const type = field.type === 'number' ? 'number' : 'integer';
      const { minimum: min, maximum: max, open: exclusiveMax, multipleOf } = field;
      return { ...common, type, min, max, exclusiveMax, ...(multipleOf && { multipleOf }) };
    });
  }

  /**
   * @param {ModelKind} kind
   * @returns {PlainConfig}
   */
  #defaults(kind) {
    return Object.fromEntries(
      this.#fieldsOf[kind].map((field) => [field.name, fromNumber(field, field.initial)]),
    );
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
      if (value !== undefined) config[field.name] = fromNumber(field, toNumber(field, value));
    }
    this.write(kind, config);
    const error = this.#core.configError(this.#fields);
    if (error) {
      const { name } = error.field;
      refuse(`config.${name}`, ruleOf(error), config[name]);
    }
    return config;
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
      const number = toNumber(field, config[field.name]);
      if (field.type === 'number') view.setFloat64(field.offset, number, true);
      else if (field.type === 'seed') view.setUint32(field.offset, number, true);
      else view.setInt32(field.offset, number, true);
    }
  }
}

/** @param {RawField} field */
function namesOf({ options }) {
  return options.map((option) => option.name);
}

/**
 * @param {RawField} field
 * @param {number} number as it stands in the engine's configuration
 */
function fromNumber(field, number) {
  if (field.type === 'boolean') return number !== 0;
  return field.type === 'choice' ? field.options[number].name : number;
}

/**
 * @param {RawField} field
 * @param {unknown} value
 */
function toNumber(field, value) {
  const name = `config.${field.name}`;
  if (field.type === 'boolean') return Number(checkBoolean(name, value));
  if (field.type === 'choice') return namesOf(field).indexOf(checkName(name, value, namesOf(field)));
  if (typeof value !== 'number') return refuse(name, limits(field), value, TypeError);
  const whole = field.type === 'number' || Number.isInteger(value);
  const inside = value >= field.minimum && (field.open ? value < field.maximum : value <= field.maximum);
  return whole && inside ? value : refuse(name, limits(field), value);
}

/** @param {RawField} field */
function limits(field) {
  const noun = field.type === 'number' ? 'a number' : 'an integer';
  const end = field.open ? `below ${field.maximum}` : `to ${field.maximum}`;
  return `${noun} from ${field.minimum} ${end}`;
}

/** @param {RawConfigError} error */
function ruleOf({ field, rule, minimum, maximum, choice, traits }) {
  if (rule === Rule.EVEN) return 'even';
  if (rule === Rule.NEEDS && choice) {
    const able = choice.options.filter((option) => traits.every((trait) => option.traits.includes(trait)));
    const names = able.map(({ name }) => `"${name}"`).join(' or ');
    return `${fromNumber(field, minimum)} unless ${choice.name} is ${names}`;
  }
  return `from ${minimum} to ${maximum}${field.name === 'topK' ? ' (experts)' : ''}`;
}
