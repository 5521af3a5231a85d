import { openingValues } from './pretrained.js';

/**
 * What the hints say was measured with these settings, over hundreds of steps; tests repeat it.
 *
 * @type {import('../presets.js').Presets}
 */
export const textPresets = {
  kept: ['text'],
  list: [
    {
      name: 'HyperRouter',
      hint: 'A frozen hypernetwork generates the router; only its small embedding is trained.',
      values: {},
    },
    {
      name: 'Standard top-k',
      hint: 'The router is trained directly. Nothing balances it: a few experts get most tokens.',
      values: { router: 'smoe' },
    },
    {
      name: 'Balanced by a bias',
      hint: 'As in DeepSeek-V3: a bias β helps experts with little load. The load becomes even without another loss.',
      values: { router: 'smoe', gate: 'sigmoid', balanceRate: 0.01 },
    },
    {
      name: 'Expert choice',
      hint: 'Experts choose tokens, each the same number: even by construction. It looks ahead: its loss is not a causal model’s.',
      values: { router: 'smoe', gate: 'expert-choice' },
    },
    {
      name: 'Hash',
      hint: 'A token has the same experts wherever it stands; no router is learned. A router that learns has to beat this.',
      values: { router: 'hash' },
    },
    {
      name: 'Pretrained',
      hint: 'A model that has read Moby-Dick. It writes words at once; train it further, on your own text too.',
      values: openingValues,
    },
    {
      name: 'Word pieces',
      hint: 'Tokens are pieces of words, learned from the text: frequent words are one token, rare ones several.',
      values: { tokens: 'pieces' },
    },
  ],
};
