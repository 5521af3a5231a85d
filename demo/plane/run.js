import { computed, signal } from '@preact/signals';
import { engineConfig } from '../config.js';
import { loadOf } from '../measures.js';
import { createRun } from '../run.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { capacity } from './capacity.js';
import { classesOf, dataFor, keyOf, leastPoints } from './data.js';
import { mapViews } from './frame.js';
import { decodePainted } from './painted.js';
import { painted, planeSettings } from './settings.js';

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
 * The run of the playground, with its settings and what to do when a room that shows it is entered and left.
 *
 * @param {import('../context.js').Context} context
 */
export function openPlaneRun(context) {
  return context.shared('plane', async () => {
    const state = createState(createSchema(planeSettings, context.engine.fields.classifier));
    const run = createPlaneRun({ openClient: context.openClient, state });
    return { run, state, ...createVisits({ trained: run, state }) };
  });
}

/**
 * Points, and what the model makes of the plane.
 *
 * @param {{ openClient: () => Promise<import('../trainer/trainer-client.js').TrainerClient>, state: State }} parts
 */
function createPlaneRun({ openClient, state }) {
  /** That the model learns. */
  const learned = signal(/** @type {PlaneData | undefined} */ (undefined));
  let complained = '';

  const key = computed(() => keyOf(state.values.value));
  /** The points for the settings as they are now, before the worker has heard of them. */
  // Most settings do not change them, and then they are the same object.
  const data = computed(() => ({ key: key.value, ...dataFor(state.values.peek()) }));

  const run = createRun({
    openClient,
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
        learned.value = points;
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

  /** The map that is shown: of now, or of the moment that the reader has gone back to; null: none yet. */
  const map = computed(
    /** @returns {PlaneMap | null} */ () => {
      const at = run.moment.value;
      const picture = (at === null ? undefined : run.moments.value[at]) ?? run.picture.value;
      if (!picture) return null;
      const shape = /** @type {MapShape} */ (picture.shape);
      return { shape, views: mapViews(picture.buffer, shape), data: learned.value, step: picture.step };
    },
  );

  return { ...run, data, map };
}

/** @typedef {ReturnType<typeof createPlaneRun>} PlaneRun */
