import { dataSets } from '../../plane/data.js';
import { common } from '../../settings.js';

/** The routers that are beside each other, by their names in the engine. */
export const routers = ['smoe', 'smoe-dropout', 'hyperrouter'];

/** The page's names of them. @type {Record<string, string>} */
export const routerLabels = {
  smoe: 'Standard top-k (SMoE)',
  'smoe-dropout': 'Frozen random (SMoE-Dropout)',
  hyperrouter: 'HyperRouter',
};

/**
 * The settings of the room. Its defaults are the run of a search in which standard top-k collapses most.
 *
 * @type {readonly import('../../schema.js').Setting[]}
 */
export const collapseSettings = [
  {
    key: 'data',
    type: 'choice',
    default: 'checkerboard',
    control: 'select',
    group: 'main',
    effect: 'rebuild',
    label: 'Data set',
    help: 'Points in the plane, each with a class.',
    choices: Object.entries(dataSets).map(([value, { label }]) => ({ value, label })),
  },
  // Fewer than three rows of R would not tell the vectors of the tokens.
  {
    ...common.experts,
    default: 4,
    min: 3,
    max: 8,
    group: 'main',
    help: 'Experts in each of the two layers.',
  },
  { ...common.seed, default: 4, group: 'main', help: 'Seed of the models. Seed 4 was found by search.' },
];
