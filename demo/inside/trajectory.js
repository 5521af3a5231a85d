import { routerAt } from './inspection.js';
import { distance, rowSimilarity } from './router.js';

/**
 * The path of a router since the start of its run, from the recorded moments.
 *
 * @typedef {import('./inspection.js').Inspection} Inspection
 * @typedef {import('./router.js').Matrix} Matrix
 * @typedef {import('../trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} RouterState the router at one step
 * @property {number} step
 * @property {Float32Array | null} embedding v; null for routers without one
 * @property {Matrix} weight R
 * @property {number | null} similarity mean cosine between the rows of R
 *
 * @typedef {RouterState & { drift: number, embeddingDistance: number, embeddingPath: number }} TrajectoryPoint
 *   drift: Frobenius distance of R from its start; embeddingDistance: distance of v; embeddingPath: length of v's path
 */

/** @type {WeakMap<Moment, RouterState[]>} by layer; a recorded moment never changes */
const known = new WeakMap();

/**
 * @param {Inspection} inspection of the current router
 * @param {readonly Moment[]} moments of the same run
 * @returns {TrajectoryPoint[]} from the start of the run to now
 */
export function trajectoryOf(inspection, moments) {
  const now = inspection.parts && stateOf(inspection.step, inspection.parts);
  if (!now) return [];
  const past = moments.filter(({ step }) => step < inspection.step);
  const states = [...past.map((moment) => stateAt(inspection, moment)), now];
  let embeddingPath = 0;
  return states.map((state, i) => {
    embeddingPath += between(states[Math.max(0, i - 1)].embedding, state.embedding);
    return {
      ...state,
      drift: distance(state.weight.data, states[0].weight.data),
      embeddingDistance: between(state.embedding, states[0].embedding),
      embeddingPath,
    };
  });
}

/**
 * @param {Float32Array | null} a
 * @param {Float32Array | null} b
 */
const between = (a, b) => (a && b ? distance(a, b) : 0);

/**
 * @param {Inspection} inspection of a router that has R
 * @param {Moment} moment
 */
function stateAt({ parts, layer, sizes }, moment) {
  const states = known.get(moment) ?? [];
  known.set(moment, states);
  const now = /** @type {import('./router.js').RouterParts} */ (parts);
  states[layer] ??= /** @type {RouterState} */ (
    stateOf(moment.step, routerAt(now, moment, layer, sizes.experts))
  );
  return states[layer];
}

/**
 * @param {number} step
 * @param {Pick<import('./router.js').RouterParts, 'generator' | 'scores'>} router
 * @returns {RouterState | null} null for a router without R
 */
function stateOf(step, { generator, scores }) {
  if (!scores) return null;
  const { weight } = scores;
  const embedding = generator?.embedding.data ?? null;
  return { step, embedding, weight, similarity: rowSimilarity(weight).mean };
}
