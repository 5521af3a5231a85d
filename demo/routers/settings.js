import { dataSets } from '../plane/data.js';
import { common } from '../settings.js';
import { dataSettings } from './data-settings.js';

/**
 * The routers that can be compared, in the order in which they are shown.
 *
 * @typedef {'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense'} RouterName
 */

/** @type {readonly RouterName[]} */
export const routerNames = ['hyperrouter', 'smoe', 'smoe-dropout', 'dense'];

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

/** @param {import('../schema.js').Values} values @returns {RouterName[]} */
export const chosenRouters = (values) => routerNames.filter((router) => values[router]);

/** @type {Record<RouterName, string>} */
const help = {
  hyperrouter: 'A frozen random network makes the router out of one small vector, which alone is trained.',
  smoe: 'The router is trained together with the experts.',
  'smoe-dropout': 'The router is random and stays as it is.',
  dense: 'No router: one network, as wide as all experts together, takes everything.',
};

/**
 * The settings of a comparison. All but the last few make new models, so that an address always stands for one run
 * from its first step.
 *
 * @type {readonly import('../schema.js').Setting[]}
 */
export const comparisonSettings = [
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
  ...routerNames.map(
    (router) =>
      /** @type {import('../schema.js').Setting} */ ({
        key: router,
        type: 'boolean',
        default: true,
        control: 'check',
        group: 'routers',
        effect: 'rebuild',
        label: router,
        help: help[router],
      }),
  ),
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
  ...dataSettings,
  {
    ...common.hyperSize,
    default: 256,
    help: 'Hidden units of the frozen network of “hyperrouter”. The wider, the surer its router can become.',
  },
  common.loadBalanceWeight,
  common.preLayerNorm,
  common.dropout,
  { ...common.layer, help: 'Whose routing is shown.' },
  common.logSteps,
  { ...common.unit, help: 'Bits, or nats (1 nat = 1.44 bits).' },
  common.pace,
];
