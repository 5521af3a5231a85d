import { idleKeys, traitsOf } from './schema.js';

/**
 * How tokens get experts with these settings: what the engine's traits say of the gate. Single gates are named only where
 * their formulas are, in `inside/known-gates.js`.
 *
 * @typedef {object} Gating
 * @property {boolean} routes whether there are experts to choose
 * @property {boolean} chosen whether the gate is a choice; otherwise the router has one of its own
 * @property {boolean} drops whether assignments beyond the capacity of an expert are dropped
 * @property {boolean} varies whether a token may get any number of experts, also none
 * @property {boolean} steered whether a loss, not k, sets the number of experts per token
 * @property {boolean} balanced whether a bias balances the load
 * @property {boolean} sumsToOne whether the weights of a token sum to 1: with k = 1 the weight is always 1
 * @property {boolean} softmaxFirst whether the weights are shares of all experts, so that those of the chosen sum to less
 *   than 1
 * @property {boolean} amongTokens whether experts choose among all tokens of a call, later ones too
 *
 * @param {readonly import('./schema.js').Setting[]} schema
 * @param {import('./schema.js').Values} values
 * @returns {Gating}
 */
export function gatingOf(schema, values) {
  const idle = idleKeys(schema, values);
  const traits = traitsOf(schema, values);
  const chosen = 'gate' in values && !idle.has('gate');
  const isOn = (/** @type {string} */ key) => !idle.has(key) && Number(values[key]) > 0;
  return {
    routes: traits.includes('routes'),
    chosen,
    drops: isOn('capacityFactor'),
    varies: traits.includes('varies'),
    steered: traits.includes('sparsity'),
    balanced: isOn('balanceRate'),
    sumsToOne: chosen && traits.includes('normalised'),
    softmaxFirst: chosen && traits.includes('probabilities'),
    amongTokens: chosen && traits.includes('amongTokens'),
  };
}

/**
 * The gates that there are.
 *
 * @param {readonly import('hyperrouter-wasm').ConfigField[]} fields of a kind of model
 */
export const gatesOf = (fields) => fields.find(({ name }) => name === 'gate')?.options ?? [];

/**
 * The gate that gives every token what this one gives a token that is alone. Where experts choose among tokens, it is the
 * one that takes k experts per token with the same weights.
 *
 * @param {readonly import('hyperrouter-wasm').ConfigOption[]} gates
 * @param {string} gate
 * @returns {string}
 */
export function gateOfOne(gates, gate) {
  const weightsOf = (/** @type {string[]} */ traits) =>
    traits.filter((trait) => !['topK', 'varies', 'amongTokens'].includes(trait)).join();
  const traits = gates.find(({ name }) => name === gate)?.traits ?? [];
  if (!traits.includes('amongTokens')) return gate;
  const likes = gates.filter((other) => weightsOf(other.traits) === weightsOf(traits));
  return likes.find((other) => other.traits.includes('topK'))?.name ?? gate;
}

/**
 * What must be known of the loss of a text under a gate: empty, or a sentence after a space.
 *
 * @param {Gating} gating
 * @param {string} per what the loss is averaged over
 */
export const lossNote = ({ amongTokens }, per) =>
  amongTokens && !['point', 'value'].includes(per)
    ? ' Not comparable with other gates: experts choose among later tokens too, so this is not the loss of a causal model.'
    : '';

/**
 * The help of the number k, which depends on the gate.
 *
 * @param {Gating} gating
 * @param {string} token what is routed
 */
export function topKHelp({ amongTokens, steered, sumsToOne }, token) {
  if (amongTokens) return `Mean number of experts per ${token}: every expert takes k/E of the ${token}s.`;
  if (steered) return `Mean number of experts per ${token} that the sparsity loss steers to.`;
  const words = `Number of experts chosen for each ${token}.`;
  return sumsToOne
    ? `${words} With this gate, k = 1 teaches the router nothing: its only weight is always 1.`
    : words;
}
