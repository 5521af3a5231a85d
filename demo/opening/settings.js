/**
 * The run that the page opens with.
 *
 * It was chosen by a search over the routers `hyperrouter`, `smoe` and `cosine`, all gates, six and eight experts, one and
 * two layers, with and without balancing, and three seeds: of those runs on the spirals in which every point gets two
 * experts, it shows soonest and clearest what experts are for. At step 200, that is after two seconds, all held-out points
 * are right, five of six experts have a territory, no expert is idle, and no such run has a router that is surer.
 *
 * Its address is the one without settings. What the settings are by default has an address of its own.
 */

/** Settings that differ from the defaults. */
export const openingValues = {
  router: 'smoe',
  gate: 'softmax-topk',
  layers: 1,
  loadBalanceWeight: 0.05,
  seed: 3,
};

/** Steps per second, as the Playground has by default. */
export const openingPace = 100;

/** The last recorded step, which is shown at once where motion is not wanted. */
export const openingEnd = 600;

/** Denser at first, where most happens. */
export const openingSteps = [
  0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 140, 160, 200, 250, 300, 400, 500, 600,
];

const openingAddress = new URLSearchParams(
  Object.entries(openingValues).map(([key, value]) => [key, String(value)]),
).toString();
const still = 'play=0';

/** Whether an address is that of the opening run. @param {string} address with or without the `#` */
export function isOpening(address) {
  const query = withoutStep(address);
  return query === '' || query === 'room=plane';
}

/** @param {string} address */
function withoutStep(address) {
  const query = new URLSearchParams(address.replace(/^#/, ''));
  query.delete('at');
  return query.toString();
}

/**
 * What an address of the Playground says, as settings; and the address of settings.
 *
 * @param {string} address
 */
export const settingsAt = (address) => (isOpening(address) ? openingAddress : address);

/** @param {string} settings that differ from the defaults */
export const addressOf = (settings) => {
  if (settings === '') return still;
  return isSame(settings, openingAddress) ? '' : settings;
};

/** @param {string} one @param {string} other */
function isSame(one, other) {
  const sorted = [one, other].map((query) => {
    const entries = new URLSearchParams(query);
    entries.sort();
    return entries.toString();
  });
  return sorted[0] === sorted[1];
}
