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
 * The time that a room shows.
 *
 * @param {Pick<import('./run.js').Run, 'moments' | 'moment' | 'step'>} run
 * @returns {{ step: number, now: number, past: boolean }} now: the step of the present; past: whether another one is shown
 */
export function timeOf(run) {
  const now = run.step.value;
  const { step } = shownMoment({ moments: run.moments.value, moment: run.moment.value, step: now });
  return { step, now, past: run.moment.value !== null };
}

/** Places on the slider that are named, at most. */
const maxTicks = 6;

/**
 * The scale of the slider: its places are the moments, which are denser at the beginning.
 *
 * @param {readonly { step: number }[]} moments
 * @returns {{ share: number, step: number }[]} share of the slider's length, 0 … 1, and the step there
 */
export function scaleOf(moments) {
  const count = Math.min(maxTicks, moments.length);
  return Array.from({ length: count }, (_, i) => {
    const at = Math.round((i * moments.length) / count);
    return { share: at / moments.length, step: moments[at].step };
  });
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
