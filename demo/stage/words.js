import { traitsOf } from '../schema.js';

/** What the drawing shows, for who sees it first. */
export const placesLegend =
  'The router sends each point to a few experts. Small maps: the points that each expert gets. Choose a point on the large map to send it through.';

/**
 * Whether the router computes nothing: it looks up the token's id in a table.
 *
 * @param {import('../state.js').State} state
 */
export const looksUp = (state) => traitsOf(state.schema, state.values.value).includes('tokens');

/** The label of what is chosen. @param {import('../state.js').State} state @param {'router' | 'gate'} key */
export function labelOf(state, key) {
  const { choices = [] } = state.settingOf(key);
  return choices.find(({ value }) => value === state.get(key))?.label ?? '';
}
