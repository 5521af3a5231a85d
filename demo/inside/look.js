import { signal } from '@preact/signals';
import { routerOf, routerParts } from './router.js';

/**
 * @typedef {import('./router.js').RouterParts} RouterParts
 * @typedef {import('../run.js').Run} Run
 *
 * @typedef {object} Look
 * @property {RouterParts | null} parts null where the layer has no router
 * @property {number} step
 * @property {number} layer counted from 0
 * @property {{ experts: number, dModel: number, hyperSize: number, layers: number, router: string }} sizes
 */

/**
 * Looks into a run's router again and again, but only when something has changed, and one look at a time.
 *
 * @param {Run} run
 * @param {() => number} layerOf the layer that is wanted, counted from 0
 */
export function createLooks(run, layerOf) {
  const look = signal(/** @type {Look | null} */ (null));
  let key = '';
  let busy = false;

  /** Called as often as a new picture may be drawn. */
  async function refresh() {
    const summary = run.summary.peek();
    if (!summary || busy) return;
    const sizes = /** @type {Look['sizes']} */ (/** @type {unknown} */ (summary.config));
    const layer = Math.min(layerOf(), sizes.layers - 1);
    const step = run.step.peek();
    const wanted = `${layer} ${step}`;
    if (look.peek()?.sizes === sizes && key === wanted) return;
    busy = true;
    try {
      const { step: at, tensors } = await run.inspect(layer);
      // Another model may have been built meanwhile.
      if (run.summary.peek() !== summary) return;
      look.value = { parts: routerParts(tensors, sizes.experts), step: at, layer, sizes };
      key = wanted;
    } finally {
      busy = false;
    }
  }

  return { look, refresh };
}

/**
 * The router as it was at a moment that is kept: its hypernetwork has not changed since.
 *
 * @param {Look} look
 * @param {import('../worker/protocol.js').Moment | undefined} moment
 * @returns {Look}
 */
export function lookAt(look, moment) {
  const hyper = look.parts?.hypernetwork;
  const vector = moment?.embeddings[look.layer];
  if (!look.parts || !hyper || !moment || !vector) return look;
  const { hidden, weight, bias } = routerOf(vector, hyper.first, hyper.second, look.sizes.experts);
  const embedding = { ...hyper.embedding, data: vector };
  const hypernetwork = { ...hyper, embedding, embeddingGradient: null, hidden };
  return { ...look, step: moment.step, parts: { ...look.parts, hypernetwork, weight, bias } };
}
