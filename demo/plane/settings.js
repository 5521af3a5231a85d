import { curve, curves, drawn } from '../curve/data.js';
import { common, routingSettings } from '../settings.js';
import { dataSets } from './data.js';
import { charactersPerPoint, maxPainted } from './painted.js';

/** The choice of `data` for painted points. */
export const painted = 'painted';

/** What the map of experts can show. */
export const shows = [
  { value: 'expert', label: 'chosen expert' },
  { value: 'weight', label: 'its weight' },
  { value: 'entropy', label: 'router entropy' },
  { value: 'prediction', label: 'confidence' },
  { value: 'alone', label: 'one expert' },
];

/** Points that a reader has painted, as text. @satisfies {Partial<import('../schema.js').Setting>} */
const handmade = {
  type: /** @type {const} */ ('text'),
  default: '',
  max: maxPainted * charactersPerPoint,
  control: /** @type {const} */ ('none'),
  group: 'data',
  effect: /** @type {const} */ ('rebuild'),
};

/**
 * The settings of the plane.
 *
 * @type {readonly import('../schema.js').Setting[]}
 */
export const planeSettings = [
  {
    key: 'data',
    type: 'choice',
    default: 'spirals',
    control: 'none',
    group: 'data',
    effect: 'rebuild',
    label: 'Data set',
    help: 'Points in the plane, each with a class. A quarter of them is held out.',
    choices: [
      ...Object.entries(dataSets).map(([value, { label }]) => ({ value, label })),
      { value: curve, label: 'Curve' },
      { value: painted, label: 'Painted' },
    ],
  },
  {
    key: 'curve',
    type: 'choice',
    default: 'sine',
    control: 'select',
    group: 'data',
    effect: 'rebuild',
    label: 'Curve',
    choices: [
      ...Object.entries(curves).map(([value, { label }]) => ({ value, label })),
      { value: drawn, label: 'Draw your own' },
    ],
  },
  {
    ...handmade,
    key: painted,
    label: 'Painted points',
  },
  {
    ...handmade,
    key: drawn,
    label: 'Drawn points',
  },
  {
    key: 'classes',
    type: 'integer',
    default: 2,
    min: 2,
    max: 4,
    control: 'segments',
    group: 'data',
    effect: 'rebuild',
    label: 'Classes',
    help: 'Number of classes. Moons, XOR and checkers have two.',
  },
  common.points,
  common.noise,
  {
    key: 'dataSeed',
    type: 'integer',
    default: 1,
    min: 0,
    max: 999999,
    control: 'number',
    group: 'data',
    effect: 'rebuild',
    label: 'Data seed',
    help: 'Another seed gives other points of the same data set.',
  },
  { ...common.router, help: 'How experts are chosen for a point.' },
  common.gate,
  { ...common.experts, default: 6 },
  {
    ...common.topK,
    label: 'Experts per point (k)',
    help: 'Number of experts chosen for each point.',
  },
  { ...common.layers, max: 3 },
  {
    ...common.dModel,
    default: 32,
    min: 8,
    max: 64,
    step: 8,
    help: 'Dimensions of a point’s representation inside the model.',
  },
  { ...common.dInner, default: 16, min: 4, max: 64, step: 4 },
  {
    ...common.learningRate,
    default: 0.01,
    help: 'Step size of the optimizer. Above about 0.1, training tends to diverge.',
  },
  common.batch,
  common.hyperSize,
  ...routingSettings,
  { ...common.preLayerNorm, default: false },
  common.dropout,
  { ...common.seed, help: 'Seed of the model. The same seed and settings give the same run.' },
  { ...common.layer, max: 3, help: 'The layer whose routing the maps show.' },
  {
    key: 'show',
    type: 'choice',
    default: 'expert',
    control: 'select',
    group: 'view',
    effect: 'view',
    label: 'Show',
    help: 'What the map of experts shows.',
    choices: shows,
  },
  {
    key: 'alone',
    type: 'integer',
    default: 1,
    min: 1,
    max: 16,
    maxKey: 'experts',
    control: 'none',
    group: 'view',
    effect: 'view',
    label: 'Only expert',
  },
  {
    key: 'lines',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Routing boundaries',
    help: 'Where two experts swap ranks in the router’s order.',
  },
  {
    key: 'patterns',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Patterns',
    help: 'A pattern for each expert, besides its colour.',
  },
  {
    key: 'dots',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Points',
    help: 'Show the data points on this map too.',
  },
  common.logSteps,
  { ...common.unit, help: 'Bits per point, or nats per point (1 nat = 1.44 bits).' },
  {
    ...common.pace,
    default: '100',
    choices: [
      { value: 'full', label: 'full speed' },
      { value: '100', label: '100 steps/s' },
      { value: '20', label: '20 steps/s' },
      { value: '2', label: '2 steps/s' },
    ],
  },
];
