import { inUnit, unitName } from '../format.js';

/**
 * What a comparison shows, in words that come from its numbers alone.
 *
 * @typedef {import('../format.js').Unit} Unit
 *
 * @typedef {object} Outcome of a model
 * @property {string} router
 * @property {readonly { step: number, loss: number }[]} heldOut nats
 * @property {import('./lane.js').Scan | null} scan
 *
 * @typedef {object} Gap
 * @property {string} router
 * @property {number} gap by how much its held-out loss is above the best one's, nats
 * @property {number} noise how much that gap moves from look to look, nats
 * @property {boolean} real whether it is more than twice as large as that
 */

/** Looks at the held-out data from which the noise is estimated, at most and at least. */
const mostLooks = 6;
const fewestLooks = 3;
/** Earlier looks see models that have hardly begun. */
const settled = 100;
/** A gap must be this many times the noise before it is called one. */
const factor = 2;

/**
 * @param {readonly Outcome[]} outcomes of models that were looked at at the same steps
 * @returns {{ step: number, best: Outcome, loss: number, gaps: Gap[] } | null} null as long as there are too few looks.
 *   Gaps: of all but the best, the smallest first
 */
export function rank(outcomes) {
  const lookedAt = outcomes.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss])));
  const steps = [...(lookedAt[0]?.keys() ?? [])]
    .filter((step) => step >= settled && lookedAt.every((looks) => looks.has(step)))
    .slice(-mostLooks);
  const step = steps.at(-1);
  if (outcomes.length < 2 || step === undefined || steps.length < fewestLooks) return null;
  const lossAt = (/** @type {number} */ i, /** @type {number} */ at) => Number(lookedAt[i].get(at));
  const order = outcomes.map((_, i) => i).sort((a, b) => lossAt(a, step) - lossAt(b, step));
  const [best, ...others] = order;
  const gaps = others.map((i) => {
    const gap = lossAt(i, step) - lossAt(best, step);
    const noise = deviation(steps.map((at) => lossAt(i, at) - lossAt(best, at)));
    return { router: outcomes[i].router, gap, noise, real: gap > factor * noise };
  });
  return { step, best: outcomes[best], loss: lossAt(best, step), gaps };
}

/** @param {number[]} values @returns {number} standard deviation of a sample */
function deviation(values) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

/**
 * @param {readonly Outcome[]} outcomes
 * @param {{ unit: Unit, per: 'byte' | 'point' }} words
 * @returns {string} whole sentences
 */
export function verdictOf(outcomes, { unit, per }) {
  const ranked = rank(outcomes);
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
  return [
    `At step ${step}, ${best.router} has the lowest held-out loss, ${number(loss)} ${unitName(unit, per)}.`,
    real && `Clearly behind: ${real}.`,
    noise && `Behind by no more than noise: ${noise}.`,
    'After ± stands how much a gap moves from look to look.',
    hyperrouterWords(outcomes),
    'Another seed may rank them differently.',
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * How the hypernetwork does among the routers, without the model that has none.
 *
 * @param {readonly Outcome[]} outcomes
 */
function hyperrouterWords(outcomes) {
  const ranked = rank(outcomes.filter(({ router }) => router !== 'dense'));
  if (!ranked || !outcomes.some(({ router }) => router === 'hyperrouter')) return '';
  const { best, gaps } = ranked;
  if (best.router !== 'hyperrouter')
    return 'This run shows no advantage of the hypernetwork over the other routers.';
  return gaps.every(({ real }) => real)
    ? 'Of the models with a router, hyperrouter is clearly ahead in this run.'
    : 'This run shows no clear advantage of the hypernetwork over the other routers.';
}

/**
 * How much a model loses when it may ask one expert only.
 *
 * @param {readonly Outcome[]} outcomes
 * @param {number} topK of training
 * @param {Unit} unit
 * @returns {string} a sentence; empty where there is nothing to say
 */
export function savingOf(outcomes, topK, unit) {
  if (topK < 2) return '';
  const words = outcomes.flatMap(({ router, scan }) => {
    const at = (/** @type {number} */ k) => scan?.points.find((point) => point.topK === k)?.loss;
    const [one, trained] = [at(1), at(topK)];
    if (router === 'dense' || one === undefined || trained === undefined) return [];
    const change = inUnit(one - trained, unit);
    return [`${router} ${change < 0 ? 'gains' : 'loses'} ${Math.abs(change).toFixed(3)}`];
  });
  return words.length ? `With one expert instead of ${topK}, ${words.join(', ')}.` : '';
}
