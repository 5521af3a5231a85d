import { count } from './format.js';

/**
 * Moments: snapshots of a run, and what changed between two of them.
 *
 * @typedef {import('./trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} Change from one moment to the next
 * @property {number} from step
 * @property {number} to step
 * @property {Uint8Array | null} changed [N] 1 for tokens whose set of experts changed; null if the two cannot be
 *   compared because k differs
 */

/**
 * The moment at a position of the slider: all moments in order, then the present.
 *
 * @param {number} value of the slider
 * @param {number} count of moments
 * @returns {number | null} index of the moment; null: the present
 */
export const momentAt = (value, count) => (value >= count ? null : Math.max(0, value));

/**
 * @param {object} props
 * @param {readonly { step: number }[]} props.moments
 * @param {number | null} props.moment
 * @param {number} props.step of the present
 * @returns {{ step: number, words: string }} the step that is shown, and its description beside the slider
 */
export function shownMoment({ moments, moment, step }) {
  const past = moment === null ? undefined : moments[moment];
  if (!past) return { step, words: `now, step ${count(step)}` };
  return { step: past.step, words: `step ${count(past.step)} of ${count(step)}` };
}

/**
 * Whether the set of experts of each token changed. The order within the set does not matter.
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
 * @param {readonly { step: number, topK: number, experts: ArrayLike<number> }[]} snapshots of one layer of a probe, with
 *   the experts [N, K]
 * @returns {Change[]} one fewer
 */
export function changesBetween(snapshots) {
  return snapshots.slice(1).map((now, i) => {
    const before = snapshots[i];
    const comparable = before.topK === now.topK && before.experts.length === now.experts.length;
    return {
      from: before.step,
      to: now.step,
      changed: comparable ? changedSets(before.experts, now.experts, now.topK) : null,
    };
  });
}
