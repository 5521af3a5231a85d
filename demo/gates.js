import { appliedValues, idleKeys, traitsOf } from './schema.js';

/**
 * What the page says of single gates beyond the engine's traits. Only this file and `inside/known.js` name gates; a gate
 * that is not here is described by the engine's words alone.
 *
 * @typedef {object} GateFacts
 * @property {boolean} [sumsToOne] the weights of a token sum to 1: with k = 1 the weight is always 1, and its gradient is 0
 * @property {boolean} [softmaxFirst] the weights are shares of all experts, so that those of the chosen sum to less than 1
 * @property {string} [alone] experts choose among all tokens of a call, later ones too; the gate that chooses in the same
 *   way as this one where it has only one token
 */

/** @type {Readonly<Record<string, GateFacts>>} */
const facts = {
  'topk-softmax': { sumsToOne: true },
  sigmoid: { sumsToOne: true },
  'softmax-topk': { softmaxFirst: true },
  'expert-choice': { softmaxFirst: true, alone: 'softmax-topk' },
};

/** @param {unknown} gate its name @returns {GateFacts} */
export const gateFacts = (gate) => (Object.hasOwn(facts, String(gate)) ? facts[String(gate)] : {});

/**
 * How tokens get experts with these settings.
 *
 * @typedef {object} Gating
 * @property {boolean} routes whether there are experts to choose
 * @property {boolean} chosen whether the gate is a choice; otherwise the router has one of its own
 * @property {boolean} drops whether assignments beyond the capacity of an expert are dropped
 * @property {boolean} varies whether a token may get any number of experts, also none
 * @property {boolean} steered whether a loss, not k, sets the number of experts per token
 * @property {boolean} balanced whether a bias balances the load
 * @property {boolean} sumsToOne
 * @property {boolean} softmaxFirst
 * @property {boolean} amongTokens whether experts choose among all tokens of a call
 *
 * @param {readonly import('./schema.js').Setting[]} schema
 * @param {import('./schema.js').Values} values
 * @returns {Gating}
 */
export function gatingOf(schema, values) {
  const applied = appliedValues(schema, values);
  const idle = idleKeys(schema, values);
  const traits = traitsOf(schema, values);
  const chosen = 'gate' in values && !idle.has('gate');
  const { sumsToOne = false, softmaxFirst = false, alone } = chosen ? gateFacts(applied.gate) : {};
  const isOn = (/** @type {string} */ key) => !idle.has(key) && Number(values[key]) > 0;
  return {
    routes: traits.includes('routes'),
    chosen,
    drops: isOn('capacityFactor'),
    varies: traits.includes('varies'),
    steered: traits.includes('sparsity'),
    balanced: isOn('balanceRate'),
    sumsToOne,
    softmaxFirst,
    amongTokens: alone !== undefined,
  };
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
