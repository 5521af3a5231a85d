/**
 * Settings worth a look. What they do not name has its default.
 *
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} hint what there is to see
 * @property {Record<string, import('../schema.js').Value>} values
 */

/** @type {readonly Preset[]} */
export const presets = [
  {
    name: 'Spirals, HyperRouter',
    hint: 'The router begins undecided (grey) and draws borders while the experts learn.',
    values: {},
  },
  {
    name: 'Spirals, standard top-k',
    hint: 'The same with a router that is trained freely: it is sure of itself much sooner.',
    values: { router: 'smoe' },
  },
  {
    name: 'Spirals, frozen random router',
    hint: 'The router never learns. Its borders still move, because what it looks at does.',
    values: { router: 'smoe-dropout' },
  },
  {
    name: 'Idle experts',
    hint: 'Eight experts, no balancing: some are hardly ever chosen, so they hardly ever learn.',
    values: { router: 'smoe', experts: 8, layers: 1, seed: 3 },
  },
  {
    name: 'The same, balanced',
    hint: 'An extra loss spreads the load: in the end every expert has some of the plane.',
    values: { router: 'smoe', experts: 8, layers: 1, seed: 3, loadBalanceWeight: 0.05 },
  },
  {
    name: 'Clusters, a pair of experts each',
    hint: 'Four clusters, four experts, balanced: each cluster goes to a pair of experts.',
    values: { data: 'clusters', router: 'smoe', experts: 4, layers: 1, seed: 2, loadBalanceWeight: 0.05 },
  },
  {
    name: 'Only one expert a point',
    hint: 'With k = 1 the weight is always 1: no gradient reaches the router, only the experts learn.',
    values: { topK: 1 },
  },
];

/**
 * Everything but what only the pictures show.
 *
 * @param {import('../state.js').State} state
 */
const taught = (state) => state.schema.filter(({ effect }) => effect !== 'view');

/**
 * Which of them the settings are; -1: none.
 *
 * @param {import('../state.js').State} state
 */
export function presetOf(state) {
  const now = state.values.value;
  return presets.findIndex(({ values }) =>
    taught(state).every(
      ({ key, default: usual }) => key === 'painted' || now[key] === (values[key] ?? usual),
    ),
  );
}

/**
 * @param {import('../state.js').State} state
 * @param {number} index
 */
export function applyPreset(state, index) {
  const { values } = presets[index];
  // What was painted stays for later.
  const entries = taught(state).filter(({ key }) => key !== 'painted');
  state.setTogether(
    'data',
    entries.map(({ key, default: usual }) => [key, values[key] ?? usual]),
  );
}
