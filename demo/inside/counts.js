/**
 * How many numbers a layer has, and what becomes of them, for every router.
 *
 * @typedef {object} Sizes of the engine's configuration
 * @property {number} experts
 * @property {number} dModel
 * @property {number} dInner
 * @property {number} hyperSize
 *
 * @typedef {object} Counts
 * @property {number} embedding learned
 * @property {number} hypernetwork frozen
 * @property {number} weights R and b
 * @property {'computed' | 'learned' | 'frozen' | 'none'} weightsAre
 * @property {number} learned of the router's own numbers
 * @property {number} experts all of them, learned; or the one network of a dense layer
 */

/**
 * @param {Sizes} sizes
 * @returns {Record<'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense', Counts>}
 */
export function countsOf({ experts, dModel, dInner, hyperSize }) {
  const weights = experts * (dModel + 1);
  const hypernetwork = hyperSize * (dModel + 1) + weights * (hyperSize + 1);
  const network = (/** @type {number} */ width) => 2 * width * dModel + width + dModel;
  const inExperts = experts * network(dInner);
  /** @type {Counts} */
  const plain = {
    embedding: 0,
    hypernetwork: 0,
    weights,
    weightsAre: 'learned',
    learned: weights,
    experts: inExperts,
  };
  return {
    hyperrouter: { ...plain, embedding: dModel, hypernetwork, weightsAre: 'computed', learned: dModel },
    smoe: plain,
    'smoe-dropout': { ...plain, weightsAre: 'frozen', learned: 0 },
    dense: { ...plain, weights: 0, weightsAre: 'none', learned: 0, experts: network(experts * dInner) },
  };
}

/**
 * Whether the gradient reaches what the router makes its weights of. It comes through the softmax over the chosen
 * experts: with one of them, that is always 1 and has no gradient.
 *
 * @param {{ router: string, loadBalanceWeight: number }} config
 * @param {number} topK of now
 */
export function gradientReaches({ router, loadBalanceWeight }, topK) {
  if (router === 'hyperrouter') return topK > 1;
  return router === 'smoe' && (topK > 1 || loadBalanceWeight > 0);
}
