/**
 * Example settings. Settings that a preset does not name have their defaults.
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
    hint: 'Experts start tied (grey); boundaries form as the model learns.',
    values: {},
  },
  {
    name: 'Spirals, standard top-k',
    hint: 'The router is trained directly: it becomes confident much earlier.',
    values: { router: 'smoe' },
  },
  {
    name: 'Spirals, frozen random router',
    hint: 'The router never learns. Its boundaries still move, because its inputs change.',
    values: { router: 'smoe-dropout' },
  },
  {
    name: 'Idle experts',
    hint: 'Eight experts without load balancing: some are rarely chosen and hardly learn.',
    values: { router: 'smoe', experts: 8, layers: 1, seed: 3 },
  },
  {
    name: 'Idle experts, balanced',
    hint: 'A load-balancing loss spreads the load: in the end every expert has a territory.',
    values: { router: 'smoe', experts: 8, layers: 1, seed: 3, loadBalanceWeight: 0.05 },
  },
  {
    name: 'Clusters, one pair of experts each',
    hint: 'Four clusters, four experts, balanced: each cluster is routed to a pair of experts.',
    values: { data: 'clusters', router: 'smoe', experts: 4, layers: 1, seed: 2, loadBalanceWeight: 0.05 },
  },
  {
    name: 'One expert per point',
    hint: 'With softmax over the chosen experts, k = 1 teaches the router nothing: only the experts learn.',
    values: { topK: 1 },
  },
];

/**
 * All settings but those of the view.
 *
 * @param {import('../state.js').State} state
 */
const trainingSettings = (state) => state.schema.filter(({ effect }) => effect !== 'view');

/**
 * The index of the preset that matches the settings; -1: none.
 *
 * @param {import('../state.js').State} state
 */
export function presetOf(state) {
  const now = state.values.value;
  return presets.findIndex(({ values }) =>
    trainingSettings(state).every(
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
  // Painted points are kept.
  const entries = trainingSettings(state).filter(({ key }) => key !== 'painted');
  state.setTogether(
    'data',
    entries.map(({ key, default: usual }) => [key, values[key] ?? usual]),
  );
}
