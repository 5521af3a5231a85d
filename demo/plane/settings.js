import { common } from '../settings.js';
import { dataSets } from './data.js';
import { charactersPerPoint, mostPainted } from './painted.js';

/** The data that are painted on the map. */
export const painted = 'painted';

/** What the map of experts may show. */
export const shows = [
  { value: 'expert', label: 'first expert' },
  { value: 'weight', label: 'its weight' },
  { value: 'entropy', label: 'router entropy' },
  { value: 'prediction', label: 'certainty' },
  { value: 'alone', label: 'one alone' },
];

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
    label: 'Points',
    help: 'Points of the plane, each of a class. A quarter of them is held out, to test on.',
    choices: [
      ...Object.entries(dataSets).map(([value, { label }]) => ({ value, label })),
      { value: painted, label: 'Painted' },
    ],
  },
  {
    key: 'painted',
    type: 'text',
    default: '',
    max: mostPainted * charactersPerPoint,
    control: 'none',
    group: 'data',
    effect: 'rebuild',
    label: 'Painted points',
    help: 'The points that were painted on the map; a shared link holds them.',
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
    help: 'Kinds of points that are to be told apart. Moons, XOR and checkers have two.',
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
    label: 'Draw',
    help: 'Another number draws other points of the same kind.',
  },
  { ...common.router, help: 'How it is decided which experts take a point.' },
  { ...common.experts, default: 6 },
  {
    ...common.topK,
    label: 'Experts per point (k)',
    help: 'How many experts take each point. With one, its weight is always 1, and the router learns nothing.',
  },
  { ...common.layers, max: 3 },
  {
    ...common.dModel,
    default: 32,
    min: 8,
    max: 64,
    step: 8,
    help: 'Numbers that stand for a point inside the model.',
  },
  { ...common.dInner, default: 16, min: 4, max: 64, step: 4 },
  {
    ...common.learningRate,
    default: 0.01,
    help: 'How far each step goes. Above 0.1 or so, training tends to break down.',
  },
  common.batch,
  common.hyperSize,
  common.loadBalanceWeight,
  { ...common.preLayerNorm, default: false },
  common.dropout,
  { ...common.seed, help: 'Of the model. The same seed and settings give the same run.' },
  { ...common.layer, max: 3, help: 'Whose routing the maps show.' },
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
    label: 'Expert alone',
    help: 'The expert that the map shows alone: 1 is A.',
  },
  {
    key: 'lines',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Router lines',
    help: 'Where two experts change places in the router’s order.',
  },
  {
    key: 'patterns',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Patterns',
    help: 'Every expert has a texture beside its colour.',
  },
  {
    key: 'dots',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Points',
    help: 'The points on this map too.',
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
