/**
 * What is shown of a grid of places: numbers for each place, out of the logits and probabilities that the worker sends.
 */
import { leadOf, tieGap } from '../measures.js';

/**
 * The experts that take a place, and their weights: the softmax over the K largest logits. Ties go to the lower id.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row
 * @param {{ ids: Int32Array, weights: Float32Array }} into [K] each, largest first
 */
export function chooseInto(logits, { experts, topK }, row, { ids, weights }) {
  const start = row * experts;
  rankInto(logits, { experts, count: topK }, row, ids);
  let sum = 0;
  for (let k = 0; k < topK; k++) {
    weights[k] = Math.exp(logits[start + ids[k]] - logits[start + ids[0]]);
    sum += weights[k];
  }
  for (let k = 0; k < topK; k++) weights[k] /= sum;
}

/**
 * The experts with the largest logits, largest first: each takes its place among those before it.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, count: number }} shape count: how many of the E
 * @param {number} row
 * @param {Int32Array} ids [count] written to
 */
export function rankInto(logits, { experts, count }, row, ids) {
  const start = row * experts;
  for (let id = 0; id < experts; id++) {
    const logit = logits[start + id];
    let place = Math.min(id, count);
    while (place > 0 && logits[start + ids[place - 1]] < logit) {
      if (place < count) ids[place] = ids[place - 1];
      place--;
    }
    if (place < count) ids[place] = id;
  }
}

/**
 * The routing of one place, as that of a text of one character.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, topK: number }} shape
 * @param {number} row
 * @returns {import('../measures.js').LayerRouting}
 */
export function routingAt(logits, shape, row) {
  const { experts, topK } = shape;
  const chosen = { ids: new Int32Array(topK), weights: new Float32Array(topK) };
  chooseInto(logits, shape, row, chosen);
  const own = logits.slice(row * experts, (row + 1) * experts);
  return { experts: chosen.ids, weights: chosen.weights, logits: own };
}

/**
 * Who owns each place.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, topK: number }} shape
 * @returns {{ first: Int16Array, weight: Float32Array }} [N] each: the first expert, -1 where two are level; its weight
 */
export function owners(logits, shape) {
  const count = logits.length / shape.experts;
  const first = new Int16Array(count);
  const weight = new Float32Array(count);
  const see = ownerOf(shape);
  for (let row = 0; row < count; row++) {
    const owner = see(logits, row);
    first[row] = owner.first;
    weight[row] = owner.weight;
  }
  return { first, weight };
}

/** @param {{ experts: number, topK: number }} shape */
function ownerOf({ experts, topK }) {
  // With one more than are chosen, the lead of the first is known even where only one is.
  const asked = { experts, topK: Math.min(experts, Math.max(2, topK)) };
  const chosen = { ids: new Int32Array(asked.topK), weights: new Float32Array(asked.topK) };
  const owner = { first: 0, weight: 1 };

  /** @param {Float32Array} logits [N, E] @param {number} row @returns the same object each time */
  return (logits, row) => {
    chooseInto(logits, asked, row, chosen);
    const [one, other] = [logits[row * experts + chosen.ids[0]], logits[row * experts + chosen.ids[1]]];
    owner.first = asked.topK > 1 && leadOf(one, other) < tieGap ? -1 : chosen.ids[0];
    owner.weight = topK > 1 ? chosen.weights[0] : 1;
    return owner;
  };
}

/**
 * The owners on a finer grid. Between places logits hardly bend, so they are interpolated, and the borders that follow
 * from them become sharp. Between four places of one owner there is no other: only its weight is interpolated there.
 *
 * @param {{ first: Int16Array, weight: Float32Array }} owned [G·G] as `owners` gives them
 * @param {Float32Array} logits [G·G, E]
 * @param {{ size: number, experts: number, topK: number }} shape size: G
 * @param {number} factor how many times finer, a whole number
 * @returns {{ first: Int16Array, weight: Float32Array }} [(G·factor)²]
 */
export function refineOwners(owned, logits, shape, factor) {
  const { size, experts } = shape;
  const fine = size * factor;
  const first = new Int16Array(fine * fine);
  const weight = new Float32Array(fine * fine);
  const own = new Float32Array(experts);
  const see = ownerOf(shape);
  const marks = Array.from({ length: fine }, (_, i) => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) / factor - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(size - 1, low + 1), share: at - low };
  });
  let to = 0;
  for (const { low, high, share: down } of marks) {
    for (const { low: left, high: right, share: across } of marks) {
      const [a, b, c, d] = [low * size + left, low * size + right, high * size + left, high * size + right];
      const owner = owned.first[a];
      if (owned.first[b] === owner && owned.first[c] === owner && owned.first[d] === owner) {
        const top = owned.weight[a] + (owned.weight[b] - owned.weight[a]) * across;
        const bottom = owned.weight[c] + (owned.weight[d] - owned.weight[c]) * across;
        first[to] = owner;
        weight[to] = top + (bottom - top) * down;
      } else {
        for (let id = 0; id < experts; id++) {
          const [p, q] = [logits[a * experts + id], logits[c * experts + id]];
          const top = p + (logits[b * experts + id] - p) * across;
          own[id] = top + (q + (logits[d * experts + id] - q) * across - top) * down;
        }
        const seen = see(own, 0);
        first[to] = seen.first;
        weight[to] = seen.weight;
      }
      to++;
    }
  }
  return { first, weight };
}

/**
 * How much of each place each expert has.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, topK: number }} shape
 * @returns {Float32Array} [E, N] weights; 0 where the expert is not chosen
 */
export function shares(logits, shape) {
  const { experts, topK } = shape;
  const count = logits.length / experts;
  const result = new Float32Array(logits.length);
  const chosen = { ids: new Int32Array(topK), weights: new Float32Array(topK) };
  for (let row = 0; row < count; row++) {
    chooseInto(logits, shape, row, chosen);
    for (let k = 0; k < topK; k++) result[chosen.ids[k] * count + row] = chosen.weights[k];
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
