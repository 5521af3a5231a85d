/**
 * What is shown of a grid of places: numbers for each place, out of the routing and probabilities that the worker sends.
 */
import { letterOf } from '../colours.js';
import { isLevel, leadOf, tieGap } from '../routing.js';

/**
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 *
 * @typedef {object} Owners who owns each of N places
 * @property {Int16Array} first [N] the expert with the largest weight; `level` where another is level with it, `nobody`
 *   where no expert was chosen
 * @property {Float32Array} weight [N] of that expert
 *
 * @typedef {object} Contest
 * @property {Int16Array} leading [N] the expert with the largest weight, level or not; below 0: none
 * @property {Int16Array} rival [N] the one that is level with it; below 0: none
 */

/** What stands for the owner of a place where two experts are level; and where there is none. */
export const level = -1;
export const nobody = -2;

/**
 * The routing of one place, as that of a text of one character.
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
 * Who owns each place: always the expert to which the engine gave the largest weight.
 *
 * @param {LayerRouting} routing of the places
 * @param {{ experts: number, topK: number }} shape
 * @returns {Owners & Contest}
 */
export function owners(routing, { experts, topK }) {
  const count = routing.logits.length / experts;
  const first = new Int16Array(count).fill(nobody);
  const weight = new Float32Array(count);
  const leading = new Int16Array(count).fill(nobody);
  const rival = new Int16Array(count).fill(nobody);
  for (let row = 0; row < count; row++) {
    const id = topK ? routing.experts[row * topK] : -1;
    if (id < 0) continue;
    leading[row] = id;
    rival[row] = rivalAt(routing, { experts, topK }, row);
    first[row] = rival[row] < 0 ? id : level;
    weight[row] = routing.weights[row * topK];
  }
  return { first, weight, leading, rival };
}

/**
 * The expert that is level with the first one of a place. Where one alone was chosen, and it has the largest logit, that
 * may be one that nearly was chosen instead.
 *
 * @param {LayerRouting} routing
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row
 * @returns {number} below 0: none
 */
function rivalAt(routing, { experts, topK }, row) {
  const { experts: chosen, logits } = routing;
  if (topK > 1 && chosen[row * topK + 1] >= 0) {
    return isLevel(routing, row, topK) ? chosen[row * topK + 1] : nobody;
  }
  const [own, start] = [chosen[row * topK], row * experts];
  let next = nobody;
  for (let id = 0; id < experts; id++) {
    if (id !== own && (next < 0 || logits[start + id] > logits[start + next])) next = id;
  }
  if (next < 0) return nobody;
  const lead = leadOf(logits[start + own], logits[start + next]);
  return lead >= 0 && lead < tieGap ? next : nobody;
}

/**
 * How much of the map each expert owns.
 *
 * @param {Int16Array} first as `owners` gives it
 * @param {number} experts E
 * @returns {{ name: string, share: number }[]} by expert, then what is level; then, if there are any, the places without
 *   an expert
 */
export function ownershipParts(first, experts) {
  const counts = new Array(experts).fill(0);
  let [levels, without] = [0, 0];
  for (const owner of first) {
    if (owner >= 0) counts[owner]++;
    else if (owner === level) levels++;
    else without++;
  }
  const parts = counts.map((count, expert) => ({ name: letterOf(expert), share: count / first.length }));
  parts.push({ name: 'level', share: levels / first.length });
  if (without) parts.push({ name: 'no expert', share: without / first.length });
  return parts;
}

/**
 * How much of each place each expert has.
 *
 * @param {LayerRouting} routing of N places
 * @param {{ experts: number, topK: number }} shape
 * @returns {Float32Array} [E, N] weights; 0 where the expert is not chosen
 */
export function shares({ experts: chosen, weights, logits }, { topK }) {
  const result = new Float32Array(logits.length);
  const count = topK ? chosen.length / topK : 0;
  for (let i = 0; i < chosen.length; i++) {
    if (chosen[i] >= 0) result[chosen[i] * count + Math.floor(i / topK)] = weights[i];
  }
  return result;
}

/**
 * How undecided the router is at each place: -Σ p ln p over all experts, as a fraction of ln E.
 *
 * @param {Float32Array} logits [N, E]
 * @param {number} experts E
 * @returns {Float32Array} [N] 0 … 1
 */
export function entropies(logits, experts) {
  const result = new Float32Array(logits.length / experts);
  if (experts < 2) return result;
  const whole = Math.log(experts);
  for (let row = 0; row < result.length; row++) {
    const start = row * experts;
    let most = logits[start];
    for (let id = 1; id < experts; id++) most = Math.max(most, logits[start + id]);
    let [sum, weighted] = [0, 0];
    for (let id = 0; id < experts; id++) {
      const above = logits[start + id] - most;
      const e = Math.exp(above);
      sum += e;
      weighted += e * above;
    }
    result[row] = (Math.log(sum) - weighted / sum) / whole;
  }
  return result;
}

/**
 * By how much a class is ahead of the best of the others: 0 on its border.
 *
 * @param {Float32Array} probabilities [N, C]
 * @param {number} classes C
 * @param {number} id of the class
 * @returns {Float32Array} [N] -1 … 1
 */
export function leads(probabilities, classes, id) {
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
 * The probability of the likeliest class.
 *
 * @param {Float32Array} probabilities [N, C]
 * @param {number} classes C
 * @returns {Float32Array} [N] 1/C … 1
 */
export function certainties(probabilities, classes) {
  const result = new Float32Array(probabilities.length / classes);
  for (let row = 0; row < result.length; row++) {
    for (let id = 0; id < classes; id++) {
      result[row] = Math.max(result[row], probabilities[row * classes + id]);
    }
  }
  return result;
}

/**
 * The likeliest class of a place; of several, the first.
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
