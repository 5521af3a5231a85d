import { meanOf } from './bands.js';

/**
 * The held-out loss for every k of a router: the mean over its runs, where all have come so far.
 *
 * @param {readonly (import('../session/session.js').LossByK | null)[]} scans
 * @returns {import('../session/session.js').LossByK | null} null where one of them has none
 */
export function meanScan(scans) {
  const [first, ...others] = scans;
  if (!first || others.some((scan) => scan?.step !== first.step)) return null;
  const points = first.points.flatMap(({ topK }) => {
    const loss = meanOf(scans.map((scan) => scan?.points.find((point) => point.topK === topK)?.loss));
    return loss === undefined ? [] : [{ topK, loss }];
  });
  return { step: first.step, points };
}
