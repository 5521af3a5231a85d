/**
 * The runs of a comparison, by router and by seed.
 *
 * @typedef {import('./comparison.js').Trainee} Trainee
 *
 * @typedef {object} Group the runs of one router, one for each seed
 * @property {string} router
 * @property {readonly Trainee[]} all
 * @property {readonly Trainee[]} trainees those that go on; where none does, all
 */

/** @param {Trainee} trainee */
const goesOn = (trainee) => trainee.status.value === 'ready';

/**
 * @param {readonly Trainee[]} trainees
 * @returns {Group[]} in the order of the trainees
 */
export function groupsOf(trainees) {
  return [...new Set(trainees.map(({ router }) => router))].map((router) => {
    const all = trainees.filter((trainee) => trainee.router === router);
    return { router, all, trainees: all.some(goesOn) ? all.filter(goesOn) : all };
  });
}

/**
 * Runs that can be compared one by one: of each seed with which all of these routers go on.
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
 * How many seeds each router was trained with.
 *
 * @param {readonly Group[]} groups
 */
export const seedCount = (groups) => Math.max(0, ...groups.map(({ all }) => all.length));

/**
 * What a run is called, where each router has several.
 *
 * @param {Pick<Trainee, 'router' | 'run'>} trainee
 * @param {import('../schema.js').Values} values that it was built with
 */
export function nameOf({ router, run }, { seed, seeds }) {
  return Number(seeds) > 1 ? `${router} with seed ${Number(seed) + run}` : router;
}
