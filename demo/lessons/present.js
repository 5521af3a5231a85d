import { distance } from '../inside/router.js';
import { accuracyOf } from '../plane/data.js';

/**
 * What the tasks of lessons look at: a run as it is now.
 *
 * @typedef {object} Present
 * @property {number} step
 * @property {import('../schema.js').Values} values settings
 * @property {readonly import('hyperrouter-wasm').LayerMeasures[]} [layers] the last routing metrics
 * @property {number} [accuracy] on held-out points, 0 … 1
 * @property {readonly { topK: number, loss: number }[]} [lossByK] held-out loss in nats
 * @property {{ R?: number, v?: number }} [distances] of the first router from its start
 * @property {number} [spread] of the tokens, 1 … 2
 */

/**
 * @param {import('../shell.js').Room} room
 * @returns {Present} reads signals
 */
export function presentOf(room) {
  const [state] = room.states;
  const values = state.values.value;
  const { run } = room;
  if (!run) return { step: room.step?.() ?? 0, values, ...room.look?.() };
  // The model of other settings is still there while the next one is built: it is not what the task is about.
  if (!run.built.value || !run.isBuiltWith(values)) return { step: 0, values };
  const plane = /** @type {import('../plane/run.js').PlaneRun} */ (run);
  const accuracy = plane.map && accuracyOf(plane.map.value, plane.data.value);
  return {
    step: run.step.value,
    values,
    layers: run.measures.value.entries.at(-1)?.layers,
    accuracy: accuracy?.heldOut,
    lossByK: run.measuring.value ? undefined : run.lossByK.value?.points,
    distances: distancesOf(run.moments.value),
  };
}

/** The tensors that are trained in a router, by what the page calls them. */
const tensors = /** @type {const} */ ({ R: 'gate.gate.weight', v: 'gate.embedding' });

/**
 * How far the first router has moved by the last moment.
 *
 * @param {readonly import('../trainer/trainer-protocol.js').Moment[]} moments
 * @returns {{ R?: number, v?: number }} what is trained in it
 */
export function distancesOf(moments) {
  const [start, now] = [moments[0]?.routers[0], moments.at(-1)?.routers[0]];
  if (!start || !now) return {};
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([, name]) => start[name] && now[name])
      .map(([key, name]) => [key, distance(now[name], start[name])]),
  );
}
