import { routerProbabilities } from 'hyperrouter-wasm';
import { letterOf } from '../colours.js';
import { fixed, percent } from '../format.js';

/**
 * One token in one layer, as the engine routed it: what the machine draws of it.
 *
 * @typedef {object} Routed
 * @property {(number | undefined)[]} weights [E] undefined: the expert was not chosen; 0: it was, and dropped the token
 * @property {ArrayLike<number>} logits [E]
 * @property {ArrayLike<number>} probabilities [E] of the router, over all experts
 *
 * @typedef {[name: string, value: string]} Fact
 */

/**
 * What a token sends to each expert: the weight, or undefined where the expert was not chosen.
 *
 * @param {{ experts: ArrayLike<number>, weights: ArrayLike<number> }} routing of one token
 * @param {number} count E
 * @returns {(number | undefined)[]} [E]
 */
export function weightsAt({ experts, weights }, count) {
  /** @type {(number | undefined)[]} */
  const sent = new Array(count).fill(undefined);
  for (let i = 0; i < experts.length; i++) {
    if (experts[i] >= 0 && experts[i] < count) sent[experts[i]] = weights[i];
  }
  return sent;
}

/**
 * @param {import('../routing.js').LayerRouting} routing of many tokens
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row of the token
 * @returns {Routed}
 */
export function tokenAt(routing, { experts, topK }, row) {
  const [from, to] = [row * topK, (row + 1) * topK];
  return {
    weights: weightsAt(
      { experts: routing.experts.subarray(from, to), weights: routing.weights.subarray(from, to) },
      experts,
    ),
    logits: routing.logits.subarray(row * experts, (row + 1) * experts),
    probabilities: routerProbabilities(routing.logits, experts, row),
  };
}

/**
 * The experts of a token, largest weight first.
 *
 * @param {(number | undefined)[]} weights [E]
 * @returns {{ expert: number, weight: number }[]}
 */
export const chosenOf = (weights) =>
  weights
    .flatMap((weight, expert) => (weight === undefined ? [] : [{ expert, weight }]))
    .sort((a, b) => b.weight - a.weight);

/** @param {number} weight */
export const weightWords = (weight) => (weight === 0 ? 'dropped' : percent(weight));

/**
 * @param {string} what the token, in words
 * @param {(number | undefined)[]} weights [E]
 */
export function goesTo(what, weights) {
  const chosen = chosenOf(weights).map(({ expert, weight }) => `${letterOf(expert)} ${weightWords(weight)}`);
  return chosen.length ? `${what} goes to ${chosen.join(' and ')}` : `${what} gets no expert`;
}

/**
 * Why the weights of a token do not sum to 100 %, where softmax comes before the choice.
 *
 * @param {(number | undefined)[]} weights [E]
 * @returns {string} empty: nothing is to be said
 */
export function sumWords(weights) {
  const chosen = chosenOf(weights);
  const sum = chosen.reduce((before, { weight }) => before + Math.round(100 * weight), 0);
  if (!sum || sum >= 100 || chosen.some(({ weight }) => weight === 0)) return '';
  return `${sum} % in all: the other experts’ shares are left out`;
}

/** @param {number} number */
export const signed = (number) => `${number < 0 ? '−' : '+'}${Math.abs(number).toFixed(2)}`;

/**
 * What the router says of an expert for a token, and what follows from it.
 *
 * @param {Routed} token
 * @param {number} expert
 * @param {number | undefined} bias β of the expert
 * @param {boolean} looksUp whether the router computes nothing, but has a table
 * @returns {Fact[]}
 */
export function edgeFacts({ weights, logits, probabilities }, expert, bias, looksUp) {
  const higher = Array.from(logits).filter((logit) => logit > logits[expert]).length;
  const weight = weights[expert];
  return [
    [
      looksUp ? 'Table entry' : 'Logit',
      `${fixed(logits[expert])}, ${higher ? `no. ${higher + 1}` : 'the highest'} of ${logits.length}`,
    ],
    ...(looksUp ? [] : /** @type {Fact[]} */ ([['Router probability', percent(probabilities[expert])]])),
    ...(bias === undefined
      ? []
      : /** @type {Fact[]} */ ([['Bias β', `${signed(bias)}, added for the choice, not for the weight`]])),
    [
      'Weight',
      weight === undefined ? 'not chosen' : weight === 0 ? 'dropped: the expert was full' : percent(weight),
    ],
  ];
}
