import { inUnit, unitName } from '../format.js';

/**
 * The conclusion of a comparison, derived from its numbers.
 *
 * @typedef {import('../format.js').Unit} Unit
 *
 * @typedef {object} Outcome of a model
 * @property {string} label of the router
 * @property {readonly string[]} traits of the router, from the engine
 * @property {readonly { step: number, loss: number }[]} heldOut nats
 *
 * @typedef {readonly (readonly Outcome[])[]} Outcomes [seeds][routers], the routers in the same order
 *
 * @typedef {object} Gap
 * @property {string} label of the router
 * @property {number} gap its held-out loss minus the lowest one, nats
 * @property {number} noise what such a gap can be by chance, nats
 * @property {boolean} real whether it is larger
 * @property {boolean} none whether it is too small to be said
 *
 * @typedef {{ step: number, best: string, loss: number, gaps: Gap[] }} Ranking best: label of the best router
 */

/** Maximum and minimum number of evaluations from which the noise is estimated. */
const maxEvaluations = 6;
const minEvaluations = 3;
/** Earlier evaluations are not compared. */
const firstStep = 100;
/** A gap counts as real above this many standard errors. */
const factor = 2;
/** Digits of the losses after the point. A smaller difference is none, as where all models have solved the task. */
const digits = 3;

/**
 * @param {Outcomes} seeds
 * @returns {Ranking | null} null while there are too few evaluations. Gaps: of all but the best, smallest first
 */
export function rank(seeds) {
  const evaluated = seeds.map((outcomes) =>
    outcomes.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss]))),
  );
  const first = evaluated[0]?.[0] ?? new Map();
  const steps = [...first.keys()]
    .filter((step) => step >= firstStep && evaluated.flat().every((losses) => losses.has(step)))
    .slice(-maxEvaluations);
  const step = steps.at(-1);
  if ((seeds[0]?.length ?? 0) < 2 || step === undefined || steps.length < minEvaluations) return null;
  const at = (/** @type {number} */ seed, /** @type {number} */ router, /** @type {number} */ when) =>
    Number(evaluated[seed][router].get(when));
  const losses = seeds[0].map((_, router) => mean(seeds.map((_, seed) => at(seed, router, step))));
  const order = losses.map((_, router) => router).sort((a, b) => losses[a] - losses[b]);
  const [best, ...others] = order;
  const gaps = others.map((router) => {
    const perSeed = seeds.map((_, seed) => at(seed, router, step) - at(seed, best, step));
    const perEvaluation = steps.map((when) =>
      mean(seeds.map((_, seed) => at(seed, router, when) - at(seed, best, when))),
    );
    const gap = mean(perSeed);
    // Few seeds may agree by chance: the noise is at least the deviation from evaluation to evaluation.
    const overSeeds = seeds.length > 1 ? deviation(perSeed) / Math.sqrt(seeds.length) : 0;
    const noise = factor * Math.max(overSeeds, deviation(perEvaluation));
    const none = gap < 0.5 * 10 ** -digits;
    const real = !none && gap > noise && perSeed.every((one) => one > 0);
    return { label: seeds[0][router].label, gap, noise, real, none };
  });
  return { step, best: seeds[0][best].label, loss: losses[best], gaps };
}

/** @param {readonly number[]} values */
const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** @param {readonly number[]} values @returns {number} sample standard deviation */
function deviation(values) {
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - center) ** 2, 0) / (values.length - 1));
}

/**
 * @param {Outcomes} seeds
 * @param {{ unit: Unit, per: 'byte' | 'point' }} words
 * @returns {string} whole sentences
 */
export function verdictOf(seeds, { unit, per }) {
  const ranked = rank(seeds);
  if (!ranked) return 'Too early to compare: this needs at least two models and 200 steps.';
  const { step, best, loss, gaps } = ranked;
  const number = (/** @type {number} */ nats) => inUnit(nats, unit).toFixed(digits);
  const behind = (/** @type {boolean} */ wanted) =>
    gaps
      .filter(({ real, none }) => !none && real === wanted)
      .map(({ label, gap, noise }) => `${label} by ${number(gap)} (±${number(noise)})`)
      .join(', ');
  const [real, noise] = [behind(true), behind(false)];
  const several = seeds.length > 1;
  const same = gaps.filter(({ none }) => none).map(({ label }) => label);
  const lowest = `${number(loss)} ${unitName(unit, per)}${several ? ` (mean of ${seeds.length} seeds)` : ''}`;
  if (same.length === gaps.length) {
    return (
      `At step ${step}, all models have the same held-out loss: ${lowest}. ` +
      'This comparison cannot tell them apart. Try a harder task, or look at earlier steps.'
    );
  }
  return [
    same.length
      ? `At step ${step}, ${[best, ...same].join(' and ')} have the lowest held-out loss: ${lowest}.`
      : `At step ${step}, ${best} has the lowest held-out loss: ${lowest}.`,
    real && `Clearly worse: ${real}.`,
    noise && `Worse, but within the noise: ${noise}.`,
    several
      ? '± is twice the standard error of the gap over the seeds, or twice its standard deviation over the last evaluations if that is larger. A gap is clear if it is larger than ± and has the same sign with every seed.'
      : '± is twice the standard deviation of the gap over the last evaluations. A gap is clear if it is larger than ±.',
    hypernetworkWords(seeds),
    several
      ? 'With so few seeds, small gaps remain uncertain.'
      : 'Another seed may give another ranking: train with two or three.',
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * How the hypernetwork compares with the other routers; dense models are left out.
 *
 * @param {Outcomes} seeds
 */
function hypernetworkWords(seeds) {
  const ranked = rank(seeds.map((outcomes) => outcomes.filter(({ traits }) => traits.includes('routes'))));
  const generated = seeds[0]
    .filter(({ traits }) => traits.includes('hypernetwork'))
    .map(({ label }) => label);
  if (!ranked || !generated.length) return '';
  const what = seeds.length > 1 ? 'These runs show' : 'This run shows';
  if (!generated.includes(ranked.best))
    return `${what} no advantage of the hypernetwork over the other routers.`;
  return ranked.gaps.every(({ real }) => real)
    ? `Among the models with a router, ${ranked.best} is clearly best${seeds.length > 1 ? '' : ' in this run'}.`
    : `${what} no clear advantage of the hypernetwork over the other routers.`;
}

/**
 * The cost of using only one expert per token.
 *
 * @param {readonly { label: string, routes: boolean, points: readonly { topK: number, loss: number }[] }[]} scans
 * @param {number} topK of training
 * @param {Unit} unit
 * @returns {string} a sentence; empty where there is nothing to say
 */
export function savingOf(scans, topK, unit) {
  if (topK < 2) return '';
  const words = scans.flatMap(({ label, routes, points }) => {
    const at = (/** @type {number} */ k) => points.find((point) => point.topK === k)?.loss;
    const [one, trained] = [at(1), at(topK)];
    if (!routes || one === undefined || trained === undefined) return [];
    const change = inUnit(one - trained, unit);
    const size = Math.abs(change).toFixed(3);
    const sign = Number(size) === 0 ? '' : change < 0 ? '−' : '+';
    return [`${label} ${sign}${size}`];
  });
  return words.length
    ? `Change of the held-out loss with k = 1 instead of ${topK}: ${words.join(', ')}.`
    : '';
}
