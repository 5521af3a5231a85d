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
 * @property {number} weights R and b; or all tensors of a router that is made of others
 * @property {'computed' | 'learned' | 'partly learned' | 'frozen' | 'none'} weightsAre
 * @property {number} learned of the router's own numbers
 * @property {number} experts all of them, learned; or the one network of a layer without a router
 *
 * @typedef {import('../trainer/trainer-protocol.js').Tensor} Tensor
 */

/**
 * For a router whose R and b are tensors, or come from a hypernetwork.
 *
 * @param {Sizes} sizes
 * @param {readonly string[]} traits of the router, as the engine says
 * @returns {Counts}
 */
export function countsOf(sizes, traits) {
  const { experts, dModel, hyperSize } = sizes;
  const inExperts = expertsOf(sizes, traits);
  if (!traits.includes('routes')) {
    return { embedding: 0, hypernetwork: 0, weights: 0, weightsAre: 'none', learned: 0, experts: inExperts };
  }
  const weights = experts * (dModel + 1);
  if (traits.includes('hypernetwork')) {
    const hypernetwork = hyperSize * (dModel + 1) + weights * (hyperSize + 1);
    const made = /** @type {const} */ ('computed');
    return {
      embedding: dModel,
      hypernetwork,
      weights,
      weightsAre: made,
      learned: dModel,
      experts: inExperts,
    };
  }
  const learns = traits.includes('learns');
  return {
    embedding: 0,
    hypernetwork: 0,
    weights,
    weightsAre: learns ? 'learned' : 'frozen',
    learned: learns ? weights : 0,
    experts: inExperts,
  };
}

/**
 * For a router of which nothing is known but its tensors.
 *
 * @param {Sizes} sizes
 * @param {readonly string[]} traits
 * @param {readonly Tensor[]} tensors of one layer
 * @returns {Counts}
 */
export function countsOfTensors(sizes, traits, tensors) {
  const numbers = (/** @type {readonly Tensor[]} */ of) => of.reduce((sum, { data }) => sum + data.length, 0);
  const [weights, learned] = [numbers(tensors), numbers(tensors.filter(({ trainable }) => trainable))];
  const weightsAre = learned === weights ? 'learned' : learned ? 'partly learned' : 'frozen';
  return { embedding: 0, hypernetwork: 0, weights, weightsAre, learned, experts: expertsOf(sizes, traits) };
}

/**
 * @param {Sizes} sizes
 * @param {readonly string[]} traits
 */
function expertsOf({ experts, dModel, dInner }, traits) {
  const network = (/** @type {number} */ width) => 2 * width * dModel + width + dModel;
  return traits.includes('routes') ? experts * network(dInner) : network(experts * dInner);
}

/**
 * Whether the gradient reaches what learns of a router. It comes through the softmax over the chosen experts: with one
 * of them, that is always 1 and has no gradient. What an auxiliary loss asks for comes in any case.
 *
 * @param {readonly string[]} traits of the router, as the engine says
 * @param {{ loadBalanceWeight: number }} config
 * @param {number} topK of now
 */
export const gradientReaches = (traits, { loadBalanceWeight }, topK) =>
  traits.includes('learns') && (topK > 1 || loadBalanceWeight > 0);
