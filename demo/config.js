import { idleKeys } from './schema.js';

/**
 * From the settings of the page to the configuration of a model, and what makes two of them different.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 */

/**
 * The engine's own keys among the settings.
 *
 * @param {State} state
 * @returns {import('./trainer/trainer-protocol.js').ModelConfig}
 */
export function engineConfig(state) {
  const values = state.values.peek();
  const idle = idleKeys(state.schema, values);
  const settings = state.schema.filter(({ engine }) => engine);
  return Object.fromEntries(
    settings.map(({ key, field }) => [key, idle.has(key) && field?.strict ? field.default : values[key]]),
  );
}

/**
 * @param {State} state
 * @param {Values} values
 * @returns {Values} those that a model is built with
 */
export function rebuildValues(state, values) {
  const keys = state.schema.filter(({ effect }) => effect === 'rebuild').map(({ key }) => key);
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

/**
 * What makes one run different from another, in words for a legend.
 *
 * @param {State} state
 * @param {Values} of
 * @param {Values} from
 */
export function differenceOf(state, of, from) {
  const keys = Object.keys(of).filter((key) => of[key] !== from[key]);
  const words = keys.map((key) => {
    const { type, label } = state.settingOf(key);
    // A long text says less than its name.
    if (type === 'text') return label.toLowerCase();
    return type === 'choice' ? String(of[key]) : `${label.toLowerCase()} ${of[key]}`;
  });
  return words.join(', ');
}
