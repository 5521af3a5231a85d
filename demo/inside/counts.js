/**
 * The parameters of a layer, by role, for every router.
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
 * @property {number} weights R and b; for a router without R and b, all its tensors
 * @property {'computed' | 'learned' | 'partly learned' | 'frozen' | 'none'} weightsAre
 * @property {number} learned trainable parameters of the router
 * @property {number} experts parameters of all experts, or of the one network of a dense layer
 *
 * @typedef {import('../trainer/trainer-protocol.js').Tensor} Tensor
 */

/**
 * For a router whose R and b are tensors, or come from a hypernetwork.
 *
 * @param {Sizes} sizes
 * @param {readonly string[]} traits of the router, from the engine
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
    return {
      embedding: dModel,
      hypernetwork,
      weights,
      weightsAre: 'computed',
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
 * For a router that the page knows only by its tensors.
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
 * Whether a gradient reaches the router's trainable parameters. It flows through the weights, if the gate lets it: where they
 * sum to 1 and there is one expert, its weight is always 1 and has no gradient. The gradient of an auxiliary loss flows in
 * any case.
 *
 * @param {readonly string[]} traits of the router and its gate, from the engine
 * @param {{ loadBalanceWeight: number, routerZWeight?: number }} config
 * @param {number} topK current k
 */
export const gradientReaches = (traits, { loadBalanceWeight, routerZWeight = 0 }, topK) =>
  traits.includes('learns') &&
  (loadBalanceWeight > 0 ||
    routerZWeight > 0 ||
    (traits.includes('differentiable') && (topK > 1 || !traits.includes('normalised'))));
