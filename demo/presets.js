/**
 * Example settings of a room. Settings that a preset does not name have their defaults.
 *
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} hint what there is to see
 * @property {Record<string, import('./schema.js').Value>} values
 *
 * @typedef {object} Presets
 * @property {readonly Preset[]} list
 * @property {readonly string[]} kept settings that presets leave as they are: data of the user's own
 */

/**
 * All settings but those of the view, and but those that are kept.
 *
 * @param {import('./state.js').State} state
 * @param {Presets} presets
 */
const settingsOf = (state, { kept }) =>
  state.schema.filter(({ key, effect }) => effect !== 'view' && !kept.includes(key));

/**
 * The index of the preset that matches the settings; -1: none.
 *
 * @param {import('./state.js').State} state
 * @param {Presets} presets
 */
export function presetOf(state, presets) {
  const now = state.values.value;
  return presets.list.findIndex(({ values }) =>
    settingsOf(state, presets).every(({ key, default: usual }) => now[key] === (values[key] ?? usual)),
  );
}

/**
 * @param {import('./state.js').State} state
 * @param {Presets} presets
 * @param {number} index
 */
export function applyPreset(state, presets, index) {
  const { values } = presets.list[index];
  state.setTogether(
    'router',
    settingsOf(state, presets).map(({ key, default: usual }) => [key, values[key] ?? usual]),
  );
}
