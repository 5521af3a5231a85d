import { openingValues } from '../opening/settings.js';

/** Eight experts of which three or four get no points, if nothing balances them. */
export const starving = { router: 'smoe', experts: 8, layers: 1, seed: 4 };

/**
 * What the hints say was measured with these settings, over thousands of steps; tests repeat it.
 *
 * @type {import('../presets.js').Presets}
 */
export const planePresets = {
  kept: ['painted', 'drawn'],
  list: [
    {
      name: 'Spirals, load balanced',
      hint: 'Every expert gets a territory within two seconds; a load-balancing loss keeps them all in use.',
      values: openingValues,
    },
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
      hint: 'Eight experts without load balancing: soon three or four get no points and no longer learn.',
      values: starving,
    },
    {
      name: 'Idle experts, with a loss',
      hint: 'A load-balancing loss spreads the load: in the end every expert has a territory.',
      values: { ...starving, loadBalanceWeight: 0.1 },
    },
    {
      name: 'Idle experts, with a bias',
      hint: 'As in DeepSeek-V3: a bias β helps experts with little load. All get points, without another loss.',
      values: { ...starving, gate: 'sigmoid', balanceRate: 0.005 },
    },
    {
      name: 'Idle experts, with capacity',
      hint: 'No expert computes more than 1.5 times an even load; the rest is dropped (marked). Idle experts stay idle.',
      values: { ...starving, capacityFactor: 1.5 },
    },
    {
      name: 'Clusters, one pair of experts each',
      hint: 'Four clusters, four experts, balanced: each cluster is routed to a pair of experts.',
      values: { data: 'clusters', router: 'smoe', experts: 4, layers: 1, seed: 2, loadBalanceWeight: 0.05 },
    },
    {
      name: 'One expert per point',
      hint: 'The only weight is always 1: with this gate the router learns nothing, only the experts do.',
      values: { router: 'smoe', topK: 1 },
    },
    {
      name: 'One expert, Switch gate',
      hint: 'The weight is the probability itself: the router learns too. Here the spirals are learned sooner.',
      values: { router: 'smoe', topK: 1, gate: 'softmax-topk' },
    },
    {
      name: 'A curve, each expert a piece',
      hint: 'The oldest picture of experts (Jacobs et al. 1991): each learns a piece, the router where to use it.',
      values: {
        data: 'curve',
        router: 'smoe',
        gate: 'softmax-topk',
        experts: 4,
        topK: 1,
        layers: 1,
        dModel: 16,
        loadBalanceWeight: 0.02,
      },
    },
    {
      name: 'Expert choice',
      hint: 'Experts choose points, each the same number: even by construction. Crossed-out points get no expert.',
      values: { experts: 8, layers: 1, seed: 2, gate: 'expert-choice' },
    },
    {
      name: 'ReLU routing',
      hint: 'A point starts with about half of the eight experts. The sparsity loss brings that down to about k = 1.',
      values: { router: 'smoe', experts: 8, layers: 1, topK: 1, gate: 'relu', seed: 2 },
    },
  ],
};
