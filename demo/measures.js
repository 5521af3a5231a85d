/**
 * What the routing of a layer is measured by. Formulas as in the package's documentation.
 */

/**
 * @typedef {object} LayerRouting the routing of N tokens in one layer
 * @property {Int32Array} experts [N, K] chosen, largest logit first
 * @property {Float32Array} weights [N, K] of the chosen; each row sums to 1
 * @property {Float32Array} logits [N, E]
 */

/**
 * The share of the assignments that each expert gets.
 *
 * @param {ArrayLike<number>} chosen [N, K]
 * @param {number} experts
 * @returns {number[]} sums to 1
 */
export function loadOf(chosen, experts) {
  const load = new Array(experts).fill(0);
  for (let i = 0; i < chosen.length; i++) load[chosen[i]] += 1 / chosen.length;
  return load;
}

/**
 * Softmax of the logits of one token.
 *
 * @param {Float32Array} logits [N, E]
 * @param {number} token
 * @param {number} experts
 * @returns {number[]}
 */
export function probabilitiesOf(logits, token, experts) {
  const row = Array.from(logits.subarray(token * experts, (token + 1) * experts));
  const max = Math.max(...row);
  const exp = row.map((x) => Math.exp(x - max));
  const sum = exp.reduce((total, x) => total + x, 0);
  return exp.map((x) => x / sum);
}

/** Below this, the first two experts of a token count as level. */
export const tieGap = 0.02;

/**
 * By how much the first expert of a token is ahead of the second: the difference of their shares if only these two
 * were asked.
 *
 * @param {number} first logit
 * @param {number} second logit
 */
export const leadOf = (first, second) => Math.tanh((first - second) / 2);
