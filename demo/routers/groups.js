/**
 * The runs of a comparison, by router and by seed.
 *
 * @typedef {import('./lane.js').Lane} Lane
 *
 * @typedef {object} Group the runs of one router, one for each seed
 * @property {string} router
 * @property {readonly Lane[]} all
 * @property {readonly Lane[]} lanes those that go on; where none does, all
 */

/** @param {Lane} lane */
const goesOn = (lane) => lane.status.value === 'ready';

/**
 * @param {readonly Lane[]} lanes
 * @returns {Group[]} in the order of the lanes
 */
export function groupsOf(lanes) {
  return [...new Set(lanes.map(({ router }) => router))].map((router) => {
    const all = lanes.filter((lane) => lane.router === router);
    return { router, all, lanes: all.some(goesOn) ? all.filter(goesOn) : all };
  });
}

/**
 * Runs that can be compared one by one: of each seed with which all of these routers go on.
 *
 * @param {readonly Group[]} groups
 * @returns {Lane[][]} [seeds][groups]
 */
export function seedsOf(groups) {
  const runs = groups[0]?.lanes.map(({ run }) => run) ?? [];
  return runs.flatMap((run) => {
    const lanes = groups.flatMap((group) => group.lanes.filter((lane) => lane.run === run));
    return lanes.length === groups.length ? [lanes] : [];
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
 * @param {Pick<Lane, 'router' | 'run'>} lane
 * @param {import('../schema.js').Values} values that it was built with
 */
export function nameOf({ router, run }, { seed, seeds }) {
  return Number(seeds) > 1 ? `${router} with seed ${Number(seed) + run}` : router;
}
