import { idleKeys } from './schema.js';

/**
 * Turns the settings of the page into the configuration of a model, and tells what differs between two.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 */

/**
 * The settings that are fields of the engine's configuration.
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
 * @returns {Values} the settings that a model is built with
 */
export function rebuildValues(state, values) {
  const keys = state.schema.filter(({ effect }) => effect === 'rebuild').map(({ key }) => key);
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

/**
 * The settings that differ between two runs, in words for a legend.
 *
 * @param {State} state
 * @param {Values} of
 * @param {Values} from
 */
export function differenceOf(state, of, from) {
  return inWords(
    state,
    of,
    Object.keys(of).filter((key) => of[key] !== from[key]),
  );
}

/**
 * The settings of runs that are beside each other, in words: the router, and all in which they differ.
 *
 * @param {State} state
 * @param {readonly Values[]} runs
 */
export function settingsInWords(state, runs) {
  const keys = Object.keys(runs[0] ?? {}).filter(
    (key) => key === 'router' || runs.some((values) => values[key] !== runs[0][key]),
  );
  return runs.map((values) => inWords(state, values, keys));
}

/**
 * @param {State} state
 * @param {Values} values
 * @param {readonly string[]} keys
 */
function inWords(state, values, keys) {
  const words = keys.map((key) => {
    const { type, label, choices } = state.settingOf(key);
    // Only the name: the text itself may be long.
    if (type === 'text') return label.toLowerCase();
    if (type !== 'choice') return `${label.toLowerCase()} ${values[key]}`;
    return choices?.find(({ value }) => value === values[key])?.label ?? String(values[key]);
  });
  return words.join(', ');
}
