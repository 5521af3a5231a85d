/**
 * What the maps show: numbers for each place of a grid, from the routing and class probabilities that the worker sends.
 */
import { routerEntropy } from 'hyperrouter-wasm';
import { letterOf } from '../colours.js';
import { isTied, leadOf, tieGap } from '../routing.js';

/**
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 *
 * @typedef {object} Owners who owns each of N places
 * @property {Int16Array} first [N] the expert with the largest weight; `tied` where another is tied with it, `noOwner`
 *   where no expert was chosen
 * @property {Float32Array} weight [N] of that expert
 *
 * @typedef {object} Contest
 * @property {Int16Array} leading [N] the expert with the largest weight, tied or not; below 0: none
 * @property {Int16Array} rival [N] the expert tied with it; below 0: none
 */

/** In place of an owner: two experts are tied; no expert was chosen. */
export const tied = -1;
export const noOwner = -2;

/**
 * The routing of one place.
 *
 * @param {LayerRouting} routing
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row
 * @returns {LayerRouting}
 */
export function routingAt({ experts, weights, logits }, shape, row) {
  const [from, to] = [row * shape.topK, (row + 1) * shape.topK];
  return {
    experts: experts.slice(from, to),
    weights: weights.slice(from, to),
    logits: logits.slice(row * shape.experts, (row + 1) * shape.experts),
  };
}

/**
 * The owner of each place: the expert to which the engine gave the largest weight.
 *
 * @param {LayerRouting} routing of the places
 * @param {{ experts: number, topK: number }} shape
 * @returns {Owners & Contest}
 */
export function owners(routing, { experts, topK }) {
  const count = routing.logits.length / experts;
  const first = new Int16Array(count).fill(noOwner);
  const weight = new Float32Array(count);
  const leading = new Int16Array(count).fill(noOwner);
  const rival = new Int16Array(count).fill(noOwner);
  for (let row = 0; row < count; row++) {
    const id = topK ? routing.experts[row * topK] : -1;
    if (id < 0) continue;
    leading[row] = id;
    rival[row] = rivalAt(routing, { experts, topK }, row);
    first[row] = rival[row] < 0 ? id : tied;
    weight[row] = routing.weights[row * topK];
  }
  return { first, weight, leading, rival };
}

/**
 * The expert tied with the owner of a place. Where only one was chosen, and it has the largest logit, this may be one
 * that was nearly chosen instead.
 *
 * @param {LayerRouting} routing
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row
 * @returns {number} below 0: none
 */
function rivalAt(routing, { experts, topK }, row) {
  const { experts: chosen, logits } = routing;
  if (topK > 1 && chosen[row * topK + 1] >= 0) {
    return isTied(routing, row, topK) ? chosen[row * topK + 1] : noOwner;
  }
  const [own, start] = [chosen[row * topK], row * experts];
  let next = noOwner;
  for (let id = 0; id < experts; id++) {
    if (id !== own && (next < 0 || logits[start + id] > logits[start + next])) next = id;
  }
  if (next < 0) return noOwner;
  const lead = leadOf(logits[start + own], logits[start + next]);
  return lead >= 0 && lead < tieGap ? next : noOwner;
}

/**
 * The share of the map that each expert owns.
 *
 * @param {Int16Array} first as `owners` gives it
 * @param {number} experts E
 * @returns {{ name: string, share: number }[]} by expert, then ties; then, if there are any, places
 *   without an expert
 */
export function ownershipShares(first, experts) {
  const counts = new Array(experts).fill(0);
  let [tiedCount, without] = [0, 0];
  for (const owner of first) {
    if (owner >= 0) counts[owner]++;
    else if (owner === tied) tiedCount++;
    else without++;
  }
  const parts = counts.map((count, expert) => ({ name: letterOf(expert), share: count / first.length }));
  parts.push({ name: 'tied', share: tiedCount / first.length });
  if (without) parts.push({ name: 'no expert', share: without / first.length });
  return parts;
}

/**
 * The weight of each expert at each place.
 *
 * @param {LayerRouting} routing of N places
 * @param {{ experts: number, topK: number }} shape
 * @returns {Float32Array} [E, N] weights; 0 where the expert is not chosen
 */
export function weightsByExpert({ experts: chosen, weights, logits }, { topK }) {
  const result = new Float32Array(logits.length);
  const count = topK ? chosen.length / topK : 0;
  for (let i = 0; i < chosen.length; i++) {
    if (chosen[i] >= 0) result[chosen[i] * count + Math.floor(i / topK)] = weights[i];
  }
  return result;
}

/**
 * Router entropy at each place.
 *
 * @param {Float32Array} logits [N, E]
 * @param {number} experts E
 * @returns {Float32Array} [N] 0 … 1
 */
export const entropies = (logits, experts) =>
  Float32Array.from({ length: logits.length / experts }, (_, row) =>
    routerEntropy(logits.subarray(row * experts, (row + 1) * experts), experts),
  );

/**
 * The margin of a class over the best of the others: 0 on its decision boundary.
 *
 * @param {Float32Array} probabilities [N, C]
 * @param {number} classes C
 * @param {number} id of the class
 * @returns {Float32Array} [N] -1 … 1
 */
export function margins(probabilities, classes, id) {
  const result = new Float32Array(probabilities.length / classes);
  for (let row = 0; row < result.length; row++) {
    let best = 0;
    for (let other = 0; other < classes; other++) {
      if (other !== id) best = Math.max(best, probabilities[row * classes + other]);
    }
    result[row] = probabilities[row * classes + id] - best;
  }
  return result;
}

/**
 * The probability of the predicted class.
 *
 * @param {Float32Array} probabilities [N, C]
 * @param {number} classes C
 * @returns {Float32Array} [N] 1/C … 1
 */
export function confidences(probabilities, classes) {
  const result = new Float32Array(probabilities.length / classes);
  for (let row = 0; row < result.length; row++) {
    for (let id = 0; id < classes; id++) {
      result[row] = Math.max(result[row], probabilities[row * classes + id]);
    }
  }
  return result;
}

/**
 * The predicted class of a place; of equally likely ones, the first.
 *
 * @param {Float32Array} probabilities [N, C]
 * @param {number} row
 * @param {number} classes C
 */
export function likeliestAt(probabilities, row, classes) {
  let best = 0;
  for (let id = 1; id < classes; id++) {
    if (probabilities[row * classes + id] > probabilities[row * classes + best]) best = id;
  }
  return best;
}
