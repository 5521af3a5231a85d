import { letterOf } from '../colours.js';
import { fixed } from '../format.js';
import { reach } from '../plane/geometry.js';

/**
 * A part of the axis where one expert has the largest weight; below 0: none is chosen.
 *
 * @typedef {{ expert: number, from: number, to: number }} Stretch from, to: indices of places, to is excluded
 */

/**
 * @param {ArrayLike<number>} experts [P, K] chosen, largest weight first
 * @param {number} topK K
 * @returns {Stretch[]} from left to right
 */
export function stretchesOf(experts, topK) {
  /** @type {Stretch[]} */
  const all = [];
  const count = experts.length / topK;
  for (let place = 0; place < count; place++) {
    const expert = experts[place * topK];
    const last = all.at(-1);
    if (last?.expert === expert) last.to = place + 1;
    else all.push({ expert, from: place, to: place + 1 });
  }
  return all;
}

/**
 * Where each expert that has any is first, in words.
 *
 * @param {readonly Stretch[]} stretches
 * @param {number} count P
 * @returns {[letter: string, words: string][]} by letter
 */
export function stretchesInWords(stretches, count) {
  const at = (/** @type {number} */ place) => fixed(((2 * place) / count - 1) * reach, 1);
  const experts = [...new Set(stretches.map(({ expert }) => expert))].filter((expert) => expert >= 0);
  experts.sort((a, b) => a - b);
  return experts.map((expert) => {
    const own = stretches.filter((one) => one.expert === expert);
    return [letterOf(expert), own.map(({ from, to }) => `${at(from)} to ${at(to)}`).join(' and ')];
  });
}
