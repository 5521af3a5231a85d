/**
 * What the routing of a layer is measured by. Formulas as in the package's documentation.
 */

/**
 * The share of the assignments that each expert gets.
 *
 * @param {ArrayLike<number>} chosen [N, K]; below 0 where there is no expert
 * @param {number} experts
 * @returns {number[]} sums to 1; all 0 where nothing was assigned
 */
export function loadOf(chosen, experts) {
  const load = new Array(experts).fill(0);
  let assigned = 0;
  for (let i = 0; i < chosen.length; i++) assigned += Number(chosen[i] >= 0);
  for (let i = 0; i < chosen.length; i++) if (chosen[i] >= 0) load[chosen[i]] += 1 / assigned;
  return load;
}

/**
 * How many times its fair share the busiest expert gets: max load · E. 1 is even.
 *
 * @param {readonly number[]} load
 */
export const busiest = (load) => Math.max(...load) * load.length;

/**
 * Coefficient of variation of the load: standard deviation over mean. 0 is even.
 *
 * @param {readonly number[]} load
 */
export function variation(load) {
  const mean = load.reduce((sum, x) => sum + x, 0) / load.length;
  const variance = load.reduce((sum, x) => sum + (x - mean) ** 2, 0) / load.length;
  return mean ? Math.sqrt(variance) / mean : 0;
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

/**
 * Indecision of the router: mean over tokens of -Σ p ln p, as a fraction of ln E.
 *
 * @param {Float32Array} logits [N, E]
 * @param {number} experts
 * @returns {number} 0 (certain) … 1 (no preference)
 */
export function routerEntropy(logits, experts) {
  const tokens = logits.length / experts;
  if (!tokens || experts < 2) return 0;
  let total = 0;
  for (let token = 0; token < tokens; token++) {
    for (const p of probabilitiesOf(logits, token, experts)) total -= p > 0 ? p * Math.log(p) : 0;
  }
  return total / tokens / Math.log(experts);
}
