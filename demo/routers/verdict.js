import { inUnit, unitName } from '../format.js';

/**
 * What a comparison shows, in words that come from its numbers alone.
 *
 * @typedef {import('../format.js').Unit} Unit
 *
 * @typedef {object} Outcome of a model
 * @property {string} router
 * @property {readonly string[]} traits of the router, as the engine says
 * @property {readonly { step: number, loss: number }[]} heldOut nats
 *
 * @typedef {readonly (readonly Outcome[])[]} Outcomes [seeds][routers], the routers in the same order
 *
 * @typedef {object} Gap
 * @property {string} router
 * @property {number} gap by how much its held-out loss is above the best one's, nats
 * @property {number} noise what such a gap may be by chance, nats
 * @property {boolean} real whether it is larger than that
 *
 * @typedef {{ step: number, best: string, loss: number, gaps: Gap[] }} Ranking best: a router
 */

/** Looks at the held-out data from which the noise is estimated, at most and at least. */
const mostLooks = 6;
const fewestLooks = 3;
/** Earlier looks see models that have hardly begun. */
const settled = 100;
/** So many times its own uncertainty a gap may be by chance. */
const factor = 2;

/**
 * @param {Outcomes} seeds
 * @returns {Ranking | null} null as long as there are too few looks. Gaps: of all but the best, the smallest first
 */
export function rank(seeds) {
  const lookedAt = seeds.map((outcomes) =>
    outcomes.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss]))),
  );
  const first = lookedAt[0]?.[0] ?? new Map();
  const steps = [...first.keys()]
    .filter((step) => step >= settled && lookedAt.flat().every((looks) => looks.has(step)))
    .slice(-mostLooks);
  const step = steps.at(-1);
  if ((seeds[0]?.length ?? 0) < 2 || step === undefined || steps.length < fewestLooks) return null;
  const at = (/** @type {number} */ seed, /** @type {number} */ router, /** @type {number} */ when) =>
    Number(lookedAt[seed][router].get(when));
  const losses = seeds[0].map((_, router) => mean(seeds.map((_, seed) => at(seed, router, step))));
  const order = losses.map((_, router) => router).sort((a, b) => losses[a] - losses[b]);
  const [best, ...others] = order;
  const gaps = others.map((router) => {
    const perSeed = seeds.map((_, seed) => at(seed, router, step) - at(seed, best, step));
    const perLook = steps.map((when) =>
      mean(seeds.map((_, seed) => at(seed, router, when) - at(seed, best, when))),
    );
    const gap = mean(perSeed);
    // Few seeds may agree by chance: what the gap moves by from look to look is the least that is left open.
    const overSeeds = seeds.length > 1 ? deviation(perSeed) / Math.sqrt(seeds.length) : 0;
    const noise = factor * Math.max(overSeeds, deviation(perLook));
    const real = gap > noise && perSeed.every((one) => one > 0);
    return { router: seeds[0][router].router, gap, noise, real };
  });
  return { step, best: seeds[0][best].router, loss: losses[best], gaps };
}

/** @param {readonly number[]} values */
const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** @param {readonly number[]} values @returns {number} standard deviation of a sample */
function deviation(values) {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1));
}

/**
 * @param {Outcomes} seeds
 * @param {{ unit: Unit, per: 'byte' | 'point' }} words
 * @returns {string} whole sentences
 */
export function verdictOf(seeds, { unit, per }) {
  const ranked = rank(seeds);
  if (!ranked)
    return 'It is too early to say which one predicts best: that takes 200 steps of two models or more.';
  const { step, best, loss, gaps } = ranked;
  const number = (/** @type {number} */ nats) => inUnit(nats, unit).toFixed(3);
  const behind = (/** @type {boolean} */ wanted) =>
    gaps
      .filter(({ real }) => real === wanted)
      .map(({ router, gap, noise }) => `${router} by ${number(gap)} (±${number(noise)})`)
      .join(', ');
  const [real, noise] = [behind(true), behind(false)];
  const several = seeds.length > 1;
  return [
    `At step ${step}, ${best} has the lowest held-out loss, ${number(loss)} ${unitName(unit, per)}` +
      `${several ? ` in the mean of ${seeds.length} seeds` : ''}.`,
    real && `Clearly behind: ${real}.`,
    noise && `Behind by no more than chance allows: ${noise}.`,
    several
      ? 'The ± is twice the standard error of the gap over the seeds, or twice what the gap moves by from look to look, if that is more: a gap is clear when it is larger than that, and there with every seed.'
      : 'The ± is twice what a gap moves by from one look to the next: a gap is clear when it is larger than that.',
    hypernetworkWords(seeds),
    several
      ? 'So few seeds leave small gaps open.'
      : 'Another seed may rank them differently: train with two or three.',
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * How the hypernetwork does among the routers, without the model that has none.
 *
 * @param {Outcomes} seeds
 */
function hypernetworkWords(seeds) {
  const ranked = rank(seeds.map((outcomes) => outcomes.filter(({ traits }) => traits.includes('routes'))));
  const made = seeds[0].filter(({ traits }) => traits.includes('hypernetwork')).map(({ router }) => router);
  if (!ranked || !made.length) return '';
  const what = seeds.length > 1 ? 'These runs show' : 'This run shows';
  if (!made.includes(ranked.best)) return `${what} no advantage of the hypernetwork over the other routers.`;
  return ranked.gaps.every(({ real }) => real)
    ? `Of the models with a router, ${ranked.best} is clearly ahead${seeds.length > 1 ? '' : ' in this run'}.`
    : `${what} no clear advantage of the hypernetwork over the other routers.`;
}

/**
 * How much a model loses when it may ask one expert only.
 *
 * @param {readonly { router: string, routes: boolean, points: readonly { topK: number, loss: number }[] }[]} scans
 * @param {number} topK of training
 * @param {Unit} unit
 * @returns {string} a sentence; empty where there is nothing to say
 */
export function savingOf(scans, topK, unit) {
  if (topK < 2) return '';
  const words = scans.flatMap(({ router, routes, points }) => {
    const at = (/** @type {number} */ k) => points.find((point) => point.topK === k)?.loss;
    const [one, trained] = [at(1), at(topK)];
    if (!routes || one === undefined || trained === undefined) return [];
    const change = inUnit(one - trained, unit);
    return [`${router} ${change < 0 ? 'gains' : 'loses'} ${Math.abs(change).toFixed(3)}`];
  });
  return words.length ? `With one expert instead of ${topK}, ${words.join(', ')}.` : '';
}
