/**
 * Routing metrics. The formulas are in the README of the package.
 */

/**
 * Expert load: the share of the assignments that each expert gets.
 *
 * @param {ArrayLike<number>} chosen [N, K] expert ids; negative: no expert
 * @param {number} experts
 * @returns {number[]} sums to 1, or all 0 if nothing was assigned
 */
export function loadOf(chosen, experts) {
  const load = new Array(experts).fill(0);
  let assigned = 0;
  for (let i = 0; i < chosen.length; i++) assigned += Number(chosen[i] >= 0);
  for (let i = 0; i < chosen.length; i++) if (chosen[i] >= 0) load[chosen[i]] += 1 / assigned;
  return load;
}
