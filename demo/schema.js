import { fieldsInUse } from 'hyperrouter-wasm';

/**
 * What a setting is. Each room of the page has a list of them, from which its controls, its address, validation and
 * help all come. Limits and choices of the engine's own keys come from the engine; a list only narrows them to what a
 * page can train while somebody watches.
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
 * @property {string} help
 * @property {string} group where its control is
 * @property {'rebuild' | 'live' | 'view'} effect what a change does: a new model, a change of the running one, or
 *   of the pictures only
 * @property {'range' | 'number' | 'select' | 'segments' | 'check' | 'none'} control
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} [maxKey] the key whose value is a further upper limit
 * @property {number} [step] multiples of it only, counted from min
 * @property {Choice[]} [choices]
 * @property {Record<number, string>} [labels] what some numbers are called
 * @property {boolean} [engine] a key of the engine's configuration
 * @property {EngineField} [field] what the engine says of it
 *
 * @typedef {object} Choice
 * @property {string} value
 * @property {string} label
 * @property {string} [help]
 * @property {readonly string[]} [traits] what the engine says of this option
 *
 * @typedef {import('hyperrouter-wasm').ConfigField} EngineField what `engine.configFields()` says of a key
 * @typedef {import('hyperrouter-wasm').Router} Router
 */

/** @param {unknown} value of the setting @returns {number} steps a second; 0: as many as can be */
export const paceOf = (value) => (value === 'full' ? 0 : Number(value));

/**
 * Whether the model has a router: one without sends every token through the same network.
 *
 * @param {{ routers: readonly Router[] }} engine
 * @param {{ router?: unknown }} config
 */
export const isRouted = ({ routers }, { router }) =>
  routers.some(({ name, routes }) => name === router && routes);

/**
 * @param {readonly Setting[]} settings
 * @param {readonly EngineField[]} fields of the engine's configuration
 * @returns {Setting[]} those of the engine's keys that it has, with its limits and options
 */
export function createSchema(settings, fields) {
  const known = new Map(fields.map((field) => [field.name, field]));
  const here = settings.filter((setting) => !setting.engine || known.has(setting.key));
  return here.map((setting) => {
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
}

/** @param {EngineField} field @returns {Choice[]} */
const choicesOf = ({ options = [] }) =>
  options.map(({ name, label, summary, traits }) => ({ value: name, label, help: summary, traits }));

/**
 * The settings that have no effect: what they need, none of the chosen options has.
 *
 * @param {readonly Setting[]} schema
 * @param {Values} values
 * @returns {Set<string>} their keys
 */
export function idleKeys(schema, values) {
  const fields = [...new Set(schema.flatMap(({ field }) => field ?? []))];
  const used = new Set(fieldsInUse(fields, values));
  return new Set(schema.flatMap(({ key, field }) => (field && !used.has(field) ? [key] : [])));
}

/**
 * What the chosen options do or take, as the engine says.
 *
 * @param {readonly Setting[]} schema
 * @param {Values} values
 * @returns {string[]}
 */
export const traitsOf = (schema, values) =>
  schema.flatMap(({ key, choices = [] }) => choices.find(({ value }) => value === values[key])?.traits ?? []);

/**
 * Whether the model of these settings has a router.
 *
 * @param {import('./state.js').State} state
 */
export const routes = (state) => traitsOf(state.schema, state.values.value).includes('routes');
