import { fieldsInUse } from 'hyperrouter-wasm';
import { common } from './settings.js';

/**
 * Settings. Each room of the page has a list of them, which defines its controls, its address, validation and help.
 * Limits and choices of the engine's fields come from the engine; the lists only narrow them to what trains fast enough
 * in a page.
 */

/**
 * @typedef {string | number | boolean} Value
 * @typedef {Record<string, Value>} Values
 *
 * @typedef {object} Setting
 * @property {string} key
 * @property {'choice' | 'integer' | 'number' | 'boolean' | 'text'} type
 * @property {Value} default
 * @property {string} label
 * @property {string} [help] what its name does not say
 * @property {string} group where its control is shown
 * @property {'rebuild' | 'live' | 'view'} effect a change builds a new model, changes the running one, or only the
 *   figures
 * @property {'range' | 'number' | 'select' | 'segments' | 'check' | 'none'} control
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} [maxKey] a setting whose value is another upper limit
 * @property {number} [step] allowed values are multiples of it, counted from min
 * @property {Choice[]} [choices]
 * @property {Record<number, string>} [labels] names of some numbers
 * @property {boolean} [engine] whether it is a field of the engine's configuration
 * @property {EngineField} [field] the engine's description of it
 *
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} label
 * @property {string} [help]
 * @property {readonly string[]} [traits] the engine's traits of this option
 *
 * @typedef {import('hyperrouter-wasm').ConfigField} EngineField a field as `engine.configFields()` describes it
 * @typedef {import('hyperrouter-wasm').Router} Router
 */

/** @param {unknown} value of the setting @returns {number} steps per second; 0: no limit */
export const paceOf = (value) => (value === 'full' ? 0 : Number(value));

/**
 * Whether the model has a router. A dense model sends every token through the same network.
 *
 * @param {{ routers: readonly Router[] }} engine
 * @param {{ router?: unknown }} config
 */
export const isRouted = ({ routers }, { router }) =>
  routers.some(({ name, routes }) => name === router && routes);

/**
 * @param {readonly Setting[]} settings
 * @param {readonly EngineField[]} fields of the engine's configuration
 * @returns {Setting[]} without the fields that the engine does not have, and with the engine's limits and options; and those
 *   of its fields that belong to a router or a gate and that no list of the page has
 */
export function createSchema(settings, fields) {
  const known = new Map(fields.map((field) => [field.name, field]));
  const here = settings.filter((setting) => !setting.engine || known.has(setting.key));
  const own = here.map((setting) => {
    const field = setting.engine ? known.get(setting.key) : undefined;
    if (!field) return setting;
    if (field.options) return { ...setting, field, default: field.default, choices: choicesOf(field) };
    return {
      ...setting,
      field,
      min: Math.max(setting.min ?? -Infinity, field.min ?? -Infinity),
      max: Math.min(setting.max ?? Infinity, field.max ?? Infinity),
    };
  });
  const taken = new Set([...Object.keys(common), ...settings.map(({ key }) => key)]);
  const others = fields.filter(({ name, requires }) => requires.length > 0 && !taken.has(name));
  return [...own, ...others.map(settingOf)];
}

const controls = /** @type {const} */ ({
  integer: 'number',
  number: 'number',
  boolean: 'check',
  choice: 'select',
});

/**
 * The setting of a field of which the page knows only what the engine says.
 *
 * @param {EngineField} field
 * @returns {Setting}
 */
function settingOf(field) {
  const { name, type, summary, min, max, multipleOf } = field;
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return {
    ...{ key: name, type, default: field.default, min, max, step: multipleOf, help: summary, field },
    label: words[0].toUpperCase() + words.slice(1),
    ...{ group: 'more', effect: 'rebuild', control: controls[type], engine: true },
    ...(field.options && { choices: choicesOf(field) }),
  };
}

/** @param {EngineField} field @returns {Choice[]} */
const choicesOf = ({ options = [] }) =>
  options.map(({ name, label, summary, traits }) => ({ value: name, label, help: summary, traits }));

/** The engine's fields among the settings. @param {readonly Setting[]} schema @returns {EngineField[]} */
export const fieldsOf = (schema) => [...new Set(schema.flatMap(({ field }) => field ?? []))];

/**
 * The values with which a model is built: a choice that does not apply to the others has its default.
 *
 * @param {readonly Setting[]} schema
 * @param {Values} values
 * @returns {Values}
 */
export function appliedValues(schema, values) {
  const used = new Set(fieldsInUse(fieldsOf(schema), values));
  const idle = schema.filter(({ field }) => field?.options && !used.has(field));
  return { ...values, ...Object.fromEntries(idle.map((setting) => [setting.key, setting.default])) };
}

/**
 * The settings without effect: none of the chosen options has the traits that they require.
 *
 * @param {readonly Setting[]} schema
 * @param {Values} values
 * @returns {Set<string>} their keys
 */
export function idleKeys(schema, values) {
  const applied = appliedValues(schema, values);
  const used = new Set([
    ...fieldsInUse(fieldsOf(schema), values).filter(({ options }) => options),
    ...fieldsInUse(fieldsOf(schema), applied).filter(({ options }) => !options),
  ]);
  const idle = new Set(schema.flatMap(({ key, field }) => (field && !used.has(field) ? [key] : [])));
  // Where experts are chosen by the sign of their logits, k is only what the sparsity loss steers to.
  if (traitsOf(schema, values).includes('sparsity') && Number(values.sparsityWeight) === 0) idle.add('topK');
  return idle;
}

/**
 * The traits of all chosen options that apply.
 *
 * @param {readonly Setting[]} schema
 * @param {Values} values
 * @returns {string[]}
 */
export function traitsOf(schema, values) {
  const applied = appliedValues(schema, values);
  return schema.flatMap(
    ({ key, choices = [] }) => choices.find(({ value }) => value === applied[key])?.traits ?? [],
  );
}

/**
 * Whether a model with these settings has a router.
 *
 * @param {import('./state.js').State} state
 */
export const routes = (state) => traitsOf(state.schema, state.values.value).includes('routes');
