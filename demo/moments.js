import { count } from './format.js';

/**
 * The kept moments of a run, and what moved between them.
 *
 * @typedef {import('./trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} Change from one moment to the next
 * @property {number} from step
 * @property {number} to step
 * @property {Uint8Array | null} changed [N] 1 for the tokens whose set of experts is another one; null where it cannot
 *   be told, because k was changed between the two
 */

/**
 * Where the slider stands: the moments from the left, and behind the last one the present.
 *
 * @param {number} value of the slider
 * @param {number} kept how many moments
 * @returns {number | null} the moment; null: the present
 */
export const momentAt = (value, kept) => (value >= kept ? null : Math.max(0, value));

/**
 * @param {object} props
 * @param {readonly { step: number }[]} props.moments
 * @param {number | null} props.moment
 * @param {number} props.step of the present
 * @returns {{ step: number, words: string }} what is shown, and how a slider says it
 */
export function shownMoment({ moments, moment, step }) {
  const past = moment === null ? undefined : moments[moment];
  if (!past) return { step, words: `now, step ${count(step)}` };
  return { step: past.step, words: `step ${count(past.step)} of ${count(step)}` };
}

/**
 * Whether the set of experts of each token is another than before; their order in it plays no part.
 *
 * @param {ArrayLike<number>} before [N, K]
 * @param {ArrayLike<number>} now [N, K]
 * @param {number} topK K
 * @returns {Uint8Array} [N]
 */
export function changedSets(before, now, topK) {
  const changed = new Uint8Array(now.length / topK);
  for (let token = 0; token < changed.length; token++) {
    const start = token * topK;
    for (let k = start; k < start + topK && !changed[token]; k++) {
      let found = false;
      for (let other = start; other < start + topK; other++) found ||= before[other] === now[k];
      if (!found) changed[token] = 1;
    }
  }
  return changed;
}

/**
 * @param {readonly { step: number, topK: number, experts: ArrayLike<number> }[]} looks at a probe, with the experts [N, K] of
 *   one layer
 * @returns {Change[]} one fewer
 */
export function changesBetween(looks) {
  return looks.slice(1).map((now, i) => {
    const before = looks[i];
    const comparable = before.topK === now.topK && before.experts.length === now.experts.length;
    return {
      from: before.step,
      to: now.step,
      changed: comparable ? changedSets(before.experts, now.experts, now.topK) : null,
    };
  });
}
