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
