/**
 * The runs of a comparison, by router and by seed.
 *
 * @typedef {import('./comparison.js').Trainee} Trainee
 *
 * @typedef {object} Group the runs of one router, one for each seed
 * @property {string} router
 * @property {readonly Trainee[]} all
 * @property {readonly Trainee[]} trainees those still training; if there are none, all
 */

/** @param {Trainee} trainee */
const isReady = (trainee) => trainee.status.value === 'ready';

/**
 * @param {readonly Trainee[]} trainees
 * @returns {Group[]} in the order of the trainees
 */
export function groupsOf(trainees) {
  return [...new Set(trainees.map(({ router }) => router))].map((router) => {
    const all = trainees.filter((trainee) => trainee.router === router);
    return { router, all, trainees: all.some(isReady) ? all.filter(isReady) : all };
  });
}

/**
 * The runs of each seed with which all of these routers are still training.
 *
 * @param {readonly Group[]} groups
 * @returns {Trainee[][]} [seeds][groups]
 */
export function seedsOf(groups) {
  const runs = groups[0]?.trainees.map(({ run }) => run) ?? [];
  return runs.flatMap((run) => {
    const trainees = groups.flatMap((group) => group.trainees.filter((trainee) => trainee.run === run));
    return trainees.length === groups.length ? [trainees] : [];
  });
}

/**
 * The number of seeds per router.
 *
 * @param {readonly Group[]} groups
 */
export const seedCount = (groups) => Math.max(0, ...groups.map(({ all }) => all.length));

/**
 * The name of a run; with several seeds, it includes the seed.
 *
 * @param {string} label of the router
 * @param {number} run index of the seed, from 0
 * @param {import('../schema.js').Values} values that it was built with
 */
export function nameOf(label, run, { seed, seeds }) {
  return Number(seeds) > 1 ? `${label} with seed ${Number(seed) + run}` : label;
}
