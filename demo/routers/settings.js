import { dataSets } from '../plane/data.js';
import { idleKeys } from '../schema.js';
import { common, routingSettings } from '../settings.js';

/**
 * Sizes that suit points of the plane; texts have the defaults. Chosen together with the data.
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
 * Other data, with sizes that suit them where they are of another kind.
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

/** What a comparison is of, at least. */
export const fewest = 2;

/**
 * The routers that can be compared, in the order in which they are shown: each has a setting of its own.
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
 * Whether a router can have the data: points have no token ids.
 *
 * @param {Pick<RouterOption, 'traits'>} router
 * @param {import('../schema.js').Values} values
 */
export const fits = ({ traits }, { data }) => !(isPlane(data) && traits.includes('tokens'));

/**
 * The settings that have an effect on none of the models that are compared.
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
 * The settings of a comparison. All but the last few make new models, so that an address always stands for one run
 * from its first step.
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
        help: 'Each model learns to tell the two classes of points apart. A quarter of them is held out.',
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
    label: 'Budget',
    help: 'Steps after which all models stop.',
  },
  common.gate,
  { ...common.experts, min: 2 },
  {
    ...common.topK,
    effect: 'rebuild',
    label: 'Experts at a time (k)',
    help: 'How many experts take each character or point in training. With one, its weight is always 1, and a trained router learns nothing.',
  },
  common.layers,
  {
    ...common.dModel,
    default: 48,
    max: 128,
    help: 'Numbers that stand for a character or point inside a model.',
  },
  {
    ...common.dInner,
    default: 64,
    max: 256,
    help: 'Hidden units in each expert; the dense network has as many as all experts together.',
  },
  {
    ...common.learningRate,
    effect: 'rebuild',
    help: 'How far each step goes. A model that breaks down stops; the others go on.',
  },
  { ...common.seed, group: 'training', help: 'All that is random comes from it.' },
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
    help: 'Two or three show how much of a difference is chance: every router is trained with this seed and the next, on the same data, which takes as many times as long.',
  },
  // Of one kind of data only: of texts, in the group `text`, and of points, in the group `plane`.
  { ...common.batchSize, default: 8, group: 'text' },
  { ...common.contextLength, group: 'text', help: 'Bytes of each stream in one step.' },
  { ...common.memoryLength, group: 'text', help: 'Bytes before the segment that attention still sees.' },
  { ...common.heads, group: 'text' },
  { ...common.dHead, default: 12, group: 'text' },
  { ...common.points, group: 'plane', label: 'How many points' },
  { ...common.noise, group: 'plane' },
  { ...common.batch, group: 'plane' },
  {
    ...common.hyperSize,
    default: 256,
    help: 'Hidden units of the frozen network of a hypernetwork’s router. The wider, the surer that can become.',
  },
  ...routingSettings,
  common.preLayerNorm,
  common.dropout,
  { ...common.layer, help: 'Whose routing is shown.' },
  common.logSteps,
  { ...common.unit, help: 'Bits, or nats (1 nat = 1.44 bits).' },
  common.pace,
];

/**
 * @param {import('../schema.js').EngineField} field that chooses the router
 * @returns {Setting[]} one for each router: whether it is compared
 */
function routerSettings(field) {
  return (field.options ?? []).map(({ name, label, summary }, index) => ({
    key: name,
    type: 'boolean',
    // More at once are hard to tell apart, and take as many times as long.
    default: index < 4,
    control: 'check',
    group: 'routers',
    effect: 'rebuild',
    label,
    help: summary,
    field,
  }));
}
