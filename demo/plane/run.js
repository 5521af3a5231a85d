import { computed, signal } from '@preact/signals';
import { engineConfig } from '../config.js';
import { loadOf } from '../measures.js';
import { createRun } from '../run.js';
import { capacity } from './capacity.js';
import { classesOf, dataFor, keyOf, leastPoints } from './data.js';
import { mapViews } from './frame.js';
import { decodePainted } from './painted.js';
import { painted } from './settings.js';

/**
 * @typedef {import('../state.js').State} State
 * @typedef {import('./data.js').PlaneData} PlaneData
 * @typedef {import('./frame.js').MapShape} MapShape
 * @typedef {import('./frame.js').MapViews} MapViews
 *
 * @typedef {object} PlaneMap what the model makes of the plane
 * @property {MapShape} shape
 * @property {MapViews} views
 * @property {PlaneData | undefined} data that it learns
 * @property {number} step
 */

/**
 * The run of the playground: points, and what the model makes of the plane.
 *
 * @param {{ client: import('../run.js').Client, state: State }} parts
 */
export function createPlaneRun({ client, state }) {
  const live = signal(/** @type {PlaneMap | null} */ (null));
  /** @type {PlaneData | undefined} */
  let learned;
  let complained = '';

  const key = computed(() => keyOf(state.values.value));
  /** The points for the settings as they are now, before the worker has heard of them. */
  // Most settings do not change them, and then they are the same object.
  const data = computed(() => ({ key: key.value, ...dataFor(state.values.peek()) }));

  const run = createRun({
    client,
    state,
    /** @type {import('../run.js').Task<PlaneData>} */
    task: {
      name: 'plane',
      per: 'point',
      guess: () => Math.log(classesOf(state.values.peek())),
      config: () => ({
        inputSize: 2,
        classes: classesOf(state.values.peek()),
        batchSize: capacity,
        ...engineConfig(state),
      }),
      check: () => {},
      body: ({ classes, train, heldOut, batch, seed }) => ({ classes, train, heldOut, batch, seed }),
      async wanted() {
        complainOfPainted();
        return data.peek();
      },
      lacks: ({ all }) =>
        all.targets.length < leastPoints
          ? `There are ${all.targets.length} points; paint at least ${leastPoints} to learn from.`
          : '',
      begin(_built, points) {
        learned = points;
        live.value = null;
      },
      show(shape, buffer) {
        const last = live.peek();
        live.value = { shape, views: mapViews(buffer, shape), data: learned, step: run.step.peek() };
        return last ? /** @type {ArrayBuffer} */ (last.views.predicted.buffer) : null;
      },
      loads: (shape, buffer) =>
        mapViews(buffer, shape).layers.map(({ experts }) => loadOf(experts, shape.experts)),
    },
  });

  /** What is wrong with painted points, as an address may give them, is said once. */
  function complainOfPainted() {
    const { data: kind, painted: code } = state.values.peek();
    const classes = classesOf(state.values.peek());
    const { wrong } = decodePainted(String(code), classes);
    const complaint = kind === painted && wrong ? `${wrong} ${code} ${classes}` : '';
    if (complaint && complaint !== complained) {
      run.notify(
        'note',
        `Of the painted points, ${wrong} ${wrong > 1 ? 'are' : 'is'} left out: ` +
          `of a class beyond the ${classes} that there are, or unreadable.`,
      );
    }
    complained = complaint;
  }

  /** The map that is shown: of now, or of the moment that the reader has gone back to. */
  const map = computed(() => {
    const at = run.moment.value;
    const moment = at === null ? undefined : run.moments.value[at];
    if (!moment) return live.value;
    const shape = /** @type {MapShape} */ (moment.shape);
    return { shape, views: mapViews(moment.buffer, shape), data: learned, step: moment.step };
  });

  return { ...run, data, map };
}

/** @typedef {ReturnType<typeof createPlaneRun>} PlaneRun */
