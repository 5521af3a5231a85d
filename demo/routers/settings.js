import { dataSets } from '../plane/data.js';
import { idleKeys } from '../schema.js';
import { common, routingSettings } from '../settings.js';

/**
 * Sizes for points of the plane, set together with the data. Texts use the defaults.
 *
 * @type {Readonly<import('../schema.js').Values>}
 */
const planeSizes = {
  steps: 1000,
  experts: 6,
  topK: 2,
  layers: 2,
  dModel: 32,
  dInner: 16,
  learningRate: 0.01,
  hyperSize: 1024,
  preLayerNorm: false,
};

/** @param {unknown} data a choice of the setting `data` */
export const isPlane = (data) => Object.hasOwn(dataSets, String(data));

/**
 * Chooses the data; for data of another kind also suitable sizes.
 *
 * @param {import('../state.js').State} state
 * @param {string} data
 */
export function chooseData(state, data) {
  const other = isPlane(data) !== isPlane(state.peek('data'));
  const sizes = Object.entries(planeSizes).map(([key, value]) => [
    key,
    isPlane(data) ? value : state.settingOf(key).default,
  ]);
  return state.setTogether(
    'data',
    /** @type {[string, unknown][]} */ ([['data', data], ...(other ? sizes : [])]),
  );
}

/** The smallest number of routers in a comparison. */
export const minRouters = 2;

/**
 * The routers that can be compared, in the order of the page. Each has a setting of its own.
 *
 * @typedef {import('../schema.js').Setting} Setting
 * @typedef {import('hyperrouter-wasm').ConfigOption} RouterOption
 *
 * @param {readonly Setting[]} schema
 * @returns {RouterOption[]}
 */
export const routersOf = (schema) =>
  schema.flatMap(({ key, group, field }) =>
    group === 'routers' ? (field?.options?.filter(({ name }) => name === key) ?? []) : [],
  );

/**
 * @param {readonly Setting[]} schema
 * @param {string} router its name
 * @returns {RouterOption}
 */
export const routerOf = (schema, router) =>
  /** @type {RouterOption} */ (routersOf(schema).find(({ name }) => name === router));

/**
 * @param {readonly Setting[]} schema
 * @param {import('../schema.js').Values} values
 * @returns {string[]} names of the routers that are compared
 */
export const chosenRouters = (schema, values) =>
  routersOf(schema).flatMap((router) => (values[router.name] && fits(router, values) ? [router.name] : []));

/**
 * Whether a router can process the data: points have no token ids.
 *
 * @param {Pick<RouterOption, 'traits'>} router
 * @param {import('../schema.js').Values} values
 */
export const fits = ({ traits }, { data }) => !(isPlane(data) && traits.includes('tokens'));

/**
 * The settings that affect none of the compared models.
 *
 * @param {readonly Setting[]} schema
 * @param {import('../schema.js').Values} values
 */
export function idleInAll(schema, values) {
  const chosen = chosenRouters(schema, values);
  const idle = chosen.map((router) => idleKeys(schema, { ...values, router }));
  return new Set(schema.flatMap(({ key }) => (idle.every((keys) => keys.has(key)) ? [key] : [])));
}

/**
 * The settings of a comparison. All but those of the view and `steps` build new models, so that an address always stands
 * for one run from its first step.
 *
 * @param {readonly import('../schema.js').EngineField[]} fields of the engine's configuration
 * @returns {readonly Setting[]}
 */
export const comparisonSettings = (fields) => [
  {
    key: 'data',
    type: 'choice',
    default: 'moby-dick',
    control: 'select',
    group: 'data',
    effect: 'rebuild',
    label: 'Data',
    help: 'All models see the same data in the same order.',
    choices: [
      { value: 'moby-dick', label: 'Moby-Dick (text)', help: 'Each model learns to continue the text.' },
      { value: 'names', label: 'First names (text)', help: 'Each model learns to continue a list of names.' },
      ...Object.entries(dataSets).map(([value, { label }]) => ({
        value,
        label: `${label} (points)`,
        help: 'Each model learns to classify points of two classes. A quarter of the points is held out.',
      })),
    ],
  },
  ...fields.filter(({ name }) => name === 'router').flatMap(routerSettings),
  {
    key: 'steps',
    type: 'integer',
    default: 400,
    min: 50,
    max: 5000,
    step: 50,
    control: 'range',
    group: 'training',
    effect: 'live',
    label: 'Steps',
    help: 'Number of training steps of each model.',
  },
  common.gate,
  { ...common.experts, min: 2 },
  {
    ...common.topK,
    effect: 'rebuild',
    help: 'Number of experts per token in training.',
  },
  common.layers,
  {
    ...common.dModel,
    default: 48,
    max: 128,
  },
  {
    ...common.dInner,
    default: 64,
    max: 256,
    help: 'Number of hidden units in each expert. A dense network has as many as all experts together.',
  },
  {
    ...common.learningRate,
    effect: 'rebuild',
    help: 'Step size of the optimizer. A model that diverges stops; the others continue.',
  },
  {
    ...common.seed,
    group: 'training',
    help: 'Seed of all randomness. The same seed and settings give the same runs.',
  },
  {
    key: 'seeds',
    type: 'integer',
    default: 1,
    min: 1,
    max: 3,
    control: 'range',
    group: 'training',
    effect: 'rebuild',
    label: 'Seeds',
    help: 'With two or three, each router is also trained with the next seeds, on the same data. This shows which differences are chance, and takes two or three times as long.',
  },
  // For one kind of data only: group `text` for texts, group `plane` for points.
  { ...common.batchSize, default: 8, group: 'text' },
  { ...common.contextLength, group: 'text' },
  { ...common.memoryLength, group: 'text' },
  { ...common.heads, group: 'text' },
  { ...common.dHead, default: 12, group: 'text' },
  { ...common.points, group: 'plane' },
  { ...common.noise, group: 'plane' },
  { ...common.batch, group: 'plane' },
  { ...common.hyperSize, default: 256 },
  ...routingSettings,
  common.preLayerNorm,
  common.dropout,
  { ...common.layer, help: 'The layer whose routing is shown.' },
  {
    key: 'study',
    type: 'text',
    default: '',
    max: 60,
    control: 'none',
    group: 'study',
    effect: 'view',
    label: 'Study',
    help: 'The study of this project whose results are shown.',
  },
  common.logSteps,
  { ...common.unit, help: 'Bits or nats (1 nat = 1.44 bits).' },
  common.pace,
];

/**
 * @param {import('../schema.js').EngineField} field that chooses the router
 * @returns {Setting[]} one for each router: whether to compare it
 */
function routerSettings(field) {
  return (field.options ?? []).map(({ name, label, summary }, index) => ({
    key: name,
    type: 'boolean',
    // More are hard to tell apart, and training them all takes longer.
    default: index < 4,
    control: 'check',
    group: 'routers',
    effect: 'rebuild',
    label,
    help: summary,
    field,
  }));
}
