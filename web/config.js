/** Configurations: checks values against the fields that the engine declares, and writes them for the engine. */
import { checkBoolean, checkKeys, checkName, checkObject, refuse } from './check.js';
import { KINDS, Kind, Rule } from './core.js';
import { checkRouter, declareTensors, isCustom, isOwn } from './custom-router.js';

/** @import { Core, RawConfigError, RawField } from './core.js' */
/** @import { DeclaredTensor } from './custom-router.js' */
/** @import { RawOption } from './layout.js' */
/** @import { ConfigField, ConfigOption, CustomRouter, ModelKind, Router, RouterName } from './types.js' */

/**
 * The fields that have an effect on a model of this configuration: those of which all required traits are among the
 * traits of the chosen options. Keys that are no fields, such as those of a program's own settings, do not matter.
 *
 * @param {readonly ConfigField[]} fields as returned by `engine.configFields(kind)`
 * @param {Record<string, unknown>} config missing keys have their defaults
 * @returns {ConfigField[]}
 */
export function fieldsInUse(fields, config) {
  checkFields(fields);
  checkObject('config', config);
  const traits = traitsOf(fields, config);
  return fields.filter(({ requires }) => requires.every((trait) => traits.includes(trait)));
}

/**
 * The traits of the chosen options.
 *
 * @param {readonly ConfigField[]} fields of the kind of model
 * @param {Record<string, unknown>} config missing keys have their defaults
 */
export const traitsOf = (fields, config) =>
  fields.flatMap(({ name, options = [], custom, default: initial }) => {
    const chosen = config[name] ?? initial;
    const option = isCustom(chosen) ? custom : options.find((option) => option.name === chosen);
    return option?.traits ?? [];
  });

/** @param {unknown} fields */
export function checkFields(fields) {
  const right = (/** @type {any} */ field) =>
    typeof field?.name === 'string' && Array.isArray(field.requires);
  if (!Array.isArray(fields) || !Array.from(fields).every(right)) {
    refuse('fields', 'an array, as configFields() gives it', fields, TypeError);
  }
}

/**
 * A checked configuration, with every key of its kind.
 * @typedef {Record<string, number | boolean | string | CustomRouter>} PlainConfig
 */

/**
 * Keys that some kinds of model accept and do without, so that the configuration of a language model fits the text
 * classifier that is made of it.
 * @type {Partial<Record<ModelKind, readonly string[]>>}
 */
const WITHOUT_EFFECT = { 'text-classifier': ['memoryLength'] };

/** @typedef {RawField & { multipleOf?: number, excluded?: string[], custom?: RawOption }} Field of one kind of model */

/** Reads, checks and writes configurations of one engine. */
export class ConfigSchema {
  /** @type {Core} */
  #core;
  /** @type {RawField[]} */
  #fields;
  /** @type {Record<ModelKind, Field[]>} */
  #fieldsOf;
  /**
   * The tensors of custom routers, by checked configuration.
   * @type {WeakMap<PlainConfig, DeclaredTensor[]>}
   */
  #tensors = new WeakMap();

  /** @param {Core} core */
  constructor(core) {
    this.#core = core;
    this.#fields = core.fields();
    const { options } = this.#field('router');
    /** @type {Router[]} */
    this.routers = options.filter(hasName).map((option) => {
      const name = /** @type {RouterName} */ (option.name);
      return { ...publicOption(option), name, routes: option.traits.includes('routes') };
    });
    this.#fieldsOf = /** @type {Record<ModelKind, Field[]>} */ (
      Object.fromEntries(KINDS.map((kind) => [kind, this.#readFields(kind)]))
    );
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
    return fields.map((field) => ({
      ...field,
      options: field.options.filter((option) => fits(option, kind) && hasName(option)),
      custom: field.options.find((option) => !hasName(option)),
      excluded: field.options.filter((option) => !fits(option, kind)).map(({ name }) => name),
      ...(this.#mustBeEven(kind, field) && { minimum: field.minimum + 1, multipleOf: 2 }),
    }));
  }

  /**
   * Whether an odd value is refused, though it is in range.
   * @param {ModelKind} kind
   * @param {RawField} field
   */
  #mustBeEven(kind, field) {
    const { name, type, minimum } = field;
    if (type !== 'integer' || minimum % 2 === 0) return false;
    this.#core.writeConfig(Kind[kind], [[field, minimum]], []);
    const error = this.#core.configError(this.#fields);
    return error?.rule === Rule.EVEN && error.field.name === name;
  }

  /**
   * @param {ModelKind} kind
   * @returns {ConfigField[]}
   */
  describe(kind) {
    return this.#fieldsOf[kind].map((field) => {
      const { name, summary, shapes: shape, requires, strict, options, custom } = field;
      const common = { name, summary, default: fromNumber(field, field.initial), shape, requires, strict };
      if (field.type === 'boolean') return { ...common, type: 'boolean' };
      if (field.type === 'choice')
        return {
          ...{ ...common, type: 'choice', choices: namesOf(field), options: options.map(publicOption) },
          ...(custom && { custom: publicOption(custom) }),
        };
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

  /** Names of the keys that set the shape of a tensor. @param {ModelKind} kind */
  shapeKeys(kind) {
    return this.#fieldsOf[kind].filter((field) => field.shapes).map((field) => field.name);
  }

  /**
   * Refuses keys that a kind of model does not have.
   * @param {ModelKind} kind
   * @param {unknown} given
   */
  checkKeys(kind, given) {
    const names = this.#fieldsOf[kind].map(({ name }) => name);
    checkKeys('config', `a ${kind.replace('-', ' ')} model`, given, [
      ...names,
      ...(WITHOUT_EFFECT[kind] ?? []),
    ]);
  }

  /**
   * Checks a configuration and fills in defaults.
   * @param {ModelKind} kind
   * @param {unknown} given
   * @returns {PlainConfig}
   * @throws {TypeError | RangeError} naming the key, its value and the valid values
   */
  resolve(kind, given) {
    const values = checkObject('config', given);
    const fields = this.#fieldsOf[kind];
    this.checkKeys(kind, values);
    const config = this.#defaults(kind);
    for (const field of fields) {
      const value = values[field.name];
      if (value === undefined) continue;
      const number = toNumber(field, value);
      config[field.name] = isCustom(value) ? value : fromNumber(field, number);
    }
    if (isCustom(config.router)) {
      const { experts, dModel } = /** @type {{ experts: number, dModel: number }} */ (
        /** @type {unknown} */ (config)
      );
      this.#tensors.set(config, declareTensors(config.router, { experts, dModel }));
    }
    this.write(kind, config);
    const error = this.#core.configError(this.#fields);
    if (error) {
      const { name } = error.field;
      if (error.rule === Rule.TENSORS) {
        const tensor = this.#tensors.get(config)?.[error.minimum].name;
        const free = 'a name that no other tensor of the layer has';
        refuse(`config.router.parameters()[${error.minimum}].name`, free, tensor);
      }
      refuse(`config.${name}`, ruleOf(error, kind, isCustom(config.router)), config[name]);
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
    return this.#core.plannedParameters().filter(isOwn);
  }

  /**
   * The memory in bytes that a model would take.
   * @param {ModelKind} kind
   * @param {PlainConfig} config checked
   */
  memory(kind, config) {
    this.write(kind, config);
    return this.#core.plannedMemory();
  }

  /**
   * Names of the tensors that a custom router declares in each layer.
   * @param {PlainConfig} config checked
   */
  routerTensors(config) {
    return (this.#tensors.get(config) ?? []).map(({ name }) => name);
  }

  /**
   * Writes a checked configuration for the next call of the engine.
   * @param {ModelKind} kind
   * @param {PlainConfig} config
   */
  write(kind, config) {
    this.#core.writeConfig(
      Kind[kind],
      this.#fieldsOf[kind].map((field) => [field, toNumber(field, config[field.name])]),
      this.#tensors.get(config) ?? [],
    );
  }
}

/**
 * The keys of a configuration that are given: undefined is as if it were left out.
 * @param {Record<string, unknown>} config
 */
export const withoutUndefined = (config) =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));

/** @param {object} value */
const isEmpty = (value) =>
  Array.isArray(value) || (value.constructor?.name === 'Object' && Object.keys(value).length === 0);

/** Whether a name chooses the option: a custom router is passed itself. @param {ConfigOption} option */
const hasName = ({ traits }) => !traits.includes('external');

/** @param {{ kinds: number }} option @param {ModelKind} kind of model */
const fits = ({ kinds }, kind) => kinds === 0 || (kinds & (1 << Kind[kind])) !== 0;

/** @param {ConfigOption} option with what only the engine needs @returns {ConfigOption} */
function publicOption({ name, label, summary, traits }) {
  return { name, label, summary, traits };
}

/** @param {RawField} field */
function namesOf({ options }) {
  return options.map((option) => option.name);
}

/**
 * @param {RawField} field
 * @param {number} number in the engine's configuration
 */
function fromNumber(field, number) {
  if (field.type === 'boolean') return number !== 0;
  if (field.type !== 'choice') return number;
  return /** @type {ConfigOption} */ (field.options.find((option) => option.number === number)).name;
}

/**
 * @param {Field} field
 * @param {unknown} value
 */
function toNumber(field, value) {
  const name = `config.${field.name}`;
  if (field.type === 'boolean') return Number(checkBoolean(name, value));
  if (field.type === 'choice') {
    if (field.custom && isCustom(value) && !isEmpty(value)) {
      checkRouter(value);
      return field.custom.number;
    }
    if (field.excluded?.includes(/** @type {string} */ (value)))
      refuse(name, `another for a classifier or regressor of vectors: "${value}" needs token ids`, value);
    const own = field.custom && (typeof value !== 'string' || value === field.custom.name);
    const more = own ? ', or a router of your own (an object with a function generate)' : '';
    const chosen = checkName(name, value, namesOf(field), more);
    return /** @type {{ number: number }} */ (field.options.find((option) => option.name === chosen)).number;
  }
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

/** @param {RawConfigError} error @param {ModelKind} kind @param {boolean} custom whether the router is the caller's */
function ruleOf({ field, rule, minimum, maximum, choice, traits }, kind, custom) {
  if (rule === Rule.EVEN) return 'even';
  if (rule === Rule.NEEDS && choice) {
    const able = choice.options.filter(
      (option) =>
        fits(option, kind) && hasName(option) && traits.every((trait) => option.traits.includes(trait)),
    );
    const names = able.map(({ name }) => `"${name}"`).join(' or ');
    const own = custom && traits.includes('learns') ? ', or trains a tensor of its own' : '';
    return `${fromNumber(field, minimum)} unless ${choice.name} is ${names}${own}`;
  }
  return `from ${minimum} to ${maximum}${field.name === 'topK' ? ' (experts)' : ''}`;
}
