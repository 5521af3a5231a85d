import { effect, signal } from '@preact/signals';
import { generateRouter, routerParts } from './router.js';

/**
 * @typedef {import('./router.js').RouterParts} RouterParts
 * @typedef {import('./counts.js').Sizes & { layers: number, router: string, gate: string, loadBalanceWeight: number,
 *   routerZWeight: number, balanceRate: number, capacityFactor: number, sparsityWeight: number, sharedExperts: number }} Sizes
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('../trainer/trainer-protocol.js').Moment} Moment
 *
 * @typedef {object} Inspection
 * @property {RouterParts | null} parts null for a layer without a router
 * @property {number} step
 * @property {number} layer counted from 0
 * @property {Sizes} sizes of the model; a new object for each model
 */

/** The worker copies all tensors for an inspection, which may take at most a tenth of its time. */
const restFactor = 10;

/**
 * Fetches a run's router whenever it has changed, one request at a time.
 *
 * @param {object} options
 * @param {Run} options.run
 * @param {import('@preact/signals').ReadonlySignal<number>} options.layer from 0
 * @param {number} options.pause minimum, in milliseconds, between two inspections
 */
export function createInspector({ run, layer, pause }) {
  const inspection = signal(/** @type {Inspection | null} */ (null));
  let stopped = false;
  let busy = false;
  let again = false;

  async function inspectOnce() {
    const summary = run.summary.peek();
    if (!summary) return;
    const sizes = /** @type {Sizes} */ (/** @type {unknown} */ (summary.config));
    const wanted = Math.min(layer.peek(), sizes.layers - 1);
    const { step, router, tensors } = await run.inspect(wanted);
    // A new model may have been built meanwhile, at least in the worker; then another inspection follows.
    if (stopped || run.summary.peek() !== summary || router !== sizes.router) return;
    const parts = routerParts(tensors, sizes.experts);
    inspection.value = keepFrozen(inspection.peek(), { parts, step, layer: wanted, sizes });
  }

  async function wake() {
    again = true;
    if (busy) return;
    busy = true;
    while (again && !stopped) {
      again = false;
      const began = performance.now();
      await inspectOnce().catch(run.report);
      const rest = Math.max(pause, restFactor * (performance.now() - began));
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
    busy = false;
  }

  return {
    inspection,

    /** Starts inspecting. @returns {() => void} stops it */
    follow() {
      stopped = false;
      const stop = effect(() => {
        // Read, so that a change of these starts another inspection.
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
 * Frozen tensors stay the same objects from inspection to inspection, so that they are drawn only once.
 *
 * @param {Inspection | null} before
 * @param {Inspection} now
 * @returns {Inspection}
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
 * The router at a recorded moment. Frozen tensors are the same then and now.
 *
 * @param {Inspection} inspection
 * @param {Moment | undefined} moment undefined: the present
 * @returns {Inspection}
 */
export function inspectionAt(inspection, moment) {
  const { parts, layer, sizes } = inspection;
  if (!moment || !parts) return inspection;
  const then = routerAt(parts, moment, layer, sizes.experts);
  const { biases } = /** @type {{ biases?: number[][] }} */ (moment.shape);
  return {
    ...inspection,
    step: moment.step,
    parts: { ...parts, ...then, bias: biases?.[layer], gradient: null },
  };
}

/**
 * @param {RouterParts} parts at any step
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
    return { tensors, ...generateRouter(hypernetwork, learned['gate.embedding'] ?? embedding.data, experts) };
  }
  const { generator, scores } = /** @type {RouterParts} */ (routerParts(tensors, experts));
  return { tensors, generator, scores };
}
