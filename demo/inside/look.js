import { effect, signal } from '@preact/signals';
import { generated, routerParts } from './router.js';

/**
 * @typedef {import('./router.js').RouterParts} RouterParts
 * @typedef {import('./counts.js').Sizes & { layers: number, router: string, loadBalanceWeight: number }} Sizes
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} Look
 * @property {RouterParts | null} parts null where the layer has no router
 * @property {number} step
 * @property {number} layer counted from 0
 * @property {Sizes} sizes of the model; the same object as long as it is the same model
 */

/** The worker copies all tensors for a look. It shall not spend more than a tenth of its time on that. */
const share = 10;

/**
 * Looks into a run's router whenever it has changed, one look at a time.
 *
 * @param {object} options
 * @param {Run} options.run
 * @param {import('@preact/signals').ReadonlySignal<number>} options.layer that is wanted, counted from 0
 * @param {number} options.pause milliseconds between two looks, at least
 */
export function createLooks({ run, layer, pause }) {
  const look = signal(/** @type {Look | null} */ (null));
  let stopped = false;
  let busy = false;
  let again = false;

  async function lookOnce() {
    const summary = run.summary.peek();
    if (!summary) return;
    const sizes = /** @type {Sizes} */ (/** @type {unknown} */ (summary.config));
    const wanted = Math.min(layer.peek(), sizes.layers - 1);
    const { step, router, tensors } = await run.inspect(wanted);
    // Another model may have been built meanwhile, in the worker at least; then there will be another look.
    if (stopped || run.summary.peek() !== summary || router !== sizes.router) return;
    const parts = routerParts(tensors, sizes.experts);
    look.value = keepFrozen(look.peek(), { parts, step, layer: wanted, sizes });
  }

  async function wake() {
    again = true;
    if (busy) return;
    busy = true;
    while (again && !stopped) {
      again = false;
      const began = performance.now();
      await lookOnce().catch(run.report);
      const rest = Math.max(pause, share * (performance.now() - began));
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
    busy = false;
  }

  return {
    look,

    /** Looks from now on, until the function that it gives is called. */
    follow() {
      stopped = false;
      const stop = effect(() => {
        // What makes another look worth while.
        void [run.summary.value, run.step.value, layer.value];
        wake();
      });
      return () => {
        stopped = true;
        stop();
      };
    },
  };
}

/**
 * What is frozen stays the same object from look to look, so that it is drawn only once.
 *
 * @param {Look | null} before
 * @param {Look} now
 * @returns {Look}
 */
function keepFrozen(before, now) {
  const known = before?.parts?.generator;
  const made = now.parts?.generator;
  if (!now.parts || !known || !made) return now;
  if (before.sizes !== now.sizes || before.layer !== now.layer) return now;
  const generator = { ...made, hypernetwork: known.hypernetwork };
  return { ...now, parts: { ...now.parts, generator } };
}

/**
 * The router as it was at a moment that is kept: what is frozen has not changed since.
 *
 * @param {Look} look
 * @param {Moment | undefined} moment undefined: now
 * @returns {Look}
 */
export function lookAt(look, moment) {
  const { parts, layer, sizes } = look;
  if (!moment || !parts) return look;
  const then = routerAt(parts, moment, layer, sizes.experts);
  return { ...look, step: moment.step, parts: { ...parts, ...then, pull: null } };
}

/**
 * @param {RouterParts} parts of any time
 * @param {Moment} moment
 * @param {number} layer counted from 0
 * @param {number} experts E
 * @returns {Pick<RouterParts, 'tensors' | 'generator' | 'scores'>}
 */
export function routerAt(parts, moment, layer, experts) {
  const learned = moment.routers[layer] ?? {};
  const tensors = parts.tensors.map((tensor) => ({
    ...tensor,
    data: learned[tensor.name] ?? tensor.data,
    grad: null,
  }));
  if (parts.generator) {
    const { hypernetwork, embedding } = parts.generator;
    return { tensors, ...generated(hypernetwork, learned['gate.embedding'] ?? embedding.data, experts) };
  }
  const { generator, scores } = /** @type {RouterParts} */ (routerParts(tensors, experts));
  return { tensors, generator, scores };
}
