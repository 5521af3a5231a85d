import { routerAt } from './look.js';
import { distance, rowSimilarity } from './router.js';

/**
 * How a router has moved since the run began, from the moments that are kept of it.
 *
 * @typedef {import('./look.js').Look} Look
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('../trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} Stop the router at a step
 * @property {number} step
 * @property {Float32Array | null} embedding v; null for routers without one
 * @property {Matrix} weight R
 * @property {number | null} similarity mean cosine between the rows of R
 *
 * @typedef {Stop & { moved: number, embeddingMoved: number, embeddingWay: number }} Course
 *   moved: distance of R from its start, Frobenius; embeddingMoved: of v; embeddingWay: the length of v's way
 */

/** @type {WeakMap<Moment, Stop[]>} by layer: a moment does not change any more */
const known = new WeakMap();

/**
 * @param {Look} look at the present
 * @param {readonly Moment[]} moments of the same run
 * @returns {Course[]} the first is the start, the last is now
 */
export function courseOf(look, moments) {
  const now = look.parts && stopOf(look.step, look.parts);
  if (!now) return [];
  const past = moments.filter(({ step }) => step < look.step);
  const stops = [...past.map((moment) => stopAt(look, moment)), now];
  let embeddingWay = 0;
  return stops.map((stop, i) => {
    embeddingWay += between(stops[Math.max(0, i - 1)].embedding, stop.embedding);
    return {
      ...stop,
      moved: distance(stop.weight.data, stops[0].weight.data),
      embeddingMoved: between(stop.embedding, stops[0].embedding),
      embeddingWay,
    };
  });
}

/**
 * @param {Float32Array | null} a
 * @param {Float32Array | null} b
 */
const between = (a, b) => (a && b ? distance(a, b) : 0);

/**
 * @param {Look} look at a router that has R
 * @param {Moment} moment
 */
function stopAt({ parts, layer, sizes }, moment) {
  const stops = known.get(moment) ?? [];
  known.set(moment, stops);
  const now = /** @type {import('./router.js').RouterParts} */ (parts);
  stops[layer] ??= /** @type {Stop} */ (stopOf(moment.step, routerAt(now, moment, layer, sizes.experts)));
  return stops[layer];
}

/**
 * @param {number} step
 * @param {Pick<import('./router.js').RouterParts, 'generator' | 'scores'>} router
 * @returns {Stop | null} null for a router without R
 */
function stopOf(step, { generator, scores }) {
  if (!scores) return null;
  const { weight } = scores;
  const embedding = generator?.embedding.data ?? null;
  return { step, embedding, weight, similarity: rowSimilarity(weight).mean };
}
