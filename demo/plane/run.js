import { computed, signal } from '@preact/signals';
import { expertLoad } from 'hyperrouter-wasm';
import { engineConfig } from '../config.js';
import { isCurve, pairsOf } from '../curve/data.js';
import { addressOf } from '../opening/settings.js';
import { createRun } from '../run.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { classesOf, dataFor, handmadeIn, handmadePoints, keyOf, minPoints } from './data.js';
import { capacity, mapViews } from './frame.js';
import { planeSettings } from './settings.js';
import { mapThumbnails } from './thumbnails.js';

/**
 * @typedef {import('../state.js').State} State
 * @typedef {import('./data.js').PlaneData} PlaneData
 * @typedef {import('./frame.js').MapShape} MapShape
 * @typedef {import('./frame.js').MapViews} MapViews
 *
 * @typedef {object} PlaneMap the maps of a model
 * @property {MapShape} shape
 * @property {MapViews} views
 * @property {PlaneData | undefined} data that it is trained on
 * @property {number} step
 */

/**
 * The run of the playground, its settings, and what to do when a room that shows it is entered or left.
 *
 * @param {import('../context.js').Context} context
 */
export function openPlaneRun(context) {
  return context.shared('plane', async () => {
    const state = createState(createSchema(planeSettings, context.engine.fields.classifier));
    const run = createPlaneRun({ openClient: context.openClient, state });
    const first = () => {
      const { opening } = context;
      const isShown = opening && addressOf(state.address.peek()) === '';
      return { go: Boolean(isShown && !opening.calm), step: isShown ? opening.take() : undefined };
    };
    return { run, state, ...createVisits({ trained: run, state, first, longestReplay: run.task.replay }) };
  });
}

/**
 * The data, the model and its maps.
 *
 * @param {{ openClient: () => Promise<import('../trainer/trainer-client.js').TrainerClient>, state: State }} parts
 */
export function createPlaneRun({ openClient, state }) {
  /** The data that the model is trained on. */
  const learned = signal(/** @type {PlaneData | undefined} */ (undefined));
  let reported = '';

  const key = computed(() => keyOf(state.values.value));
  /** The points for the current settings, perhaps not yet sent to the worker. The same object while they do not change. */
  const data = computed(() => ({ key: key.value, ...dataFor(state.values.peek()) }));

  const run = createRun({
    openClient,
    state,
    /** @type {import('../run.js').Task<PlaneData>} */
    task: {
      name: (points) => (points?.curve ? 'curve' : 'plane'),
      get per() {
        return learned.value?.curve ? 'value' : 'point';
      },
      replay: 10_000,
      guess: () => (learned.value?.curve ? 1 : Math.log(classesOf(state.values.peek()))),
      config: () => ({ ...sizesOf(state.values.peek()), batchSize: capacity, ...engineConfig(state) }),
      check: () => {},
      body: ({ curve, classes, train, heldOut, batch, seed }) =>
        curve
          ? { train: pairsOf(train), heldOut: pairsOf(heldOut), batch, seed }
          : { classes, train, heldOut, batch, seed },
      async wanted() {
        reportSkippedPoints();
        return data.peek();
      },
      lacks: ({ all }) =>
        all.targets.length < minPoints
          ? `Too few points: ${all.targets.length}. Add at least ${minPoints}.`
          : '',
      begin(_built, points) {
        learned.value = points;
      },
      loads: (shape, buffer) =>
        mapViews(buffer, shape).layers.map(({ experts }) => [...expertLoad(experts, shape.experts)]),
      thumbnails: mapThumbnails,
    },
  });

  /** Says once that an address has painted points that were skipped. */
  function reportSkippedPoints() {
    const values = state.values.peek();
    const source = handmadeIn(values);
    const { wrong } = handmadePoints(values);
    const classes = classesOf(values);
    const report = source && wrong ? `${wrong} ${values[source]} ${classes}` : '';
    if (report && report !== reported) {
      const others = classes > 1 ? `, or not of the ${classes} classes` : '';
      run.notify(
        'note',
        `${wrong} ${source} ${wrong > 1 ? 'points were' : 'point was'} skipped: unreadable${others}.`,
      );
    }
    reported = report;
  }

  /** The map that is shown: the current one, or that of a recorded moment; null: none yet. */
  const map = computed(
    /** @returns {PlaneMap | null} */ () => {
      const picture = run.shown.value;
      if (!picture) return null;
      const shape = /** @type {MapShape} */ (picture.shape);
      return { shape, views: mapViews(picture.buffer, shape), data: learned.value, step: picture.step };
    },
  );

  return { ...run, data, map };
}

/**
 * What goes in and what comes out.
 *
 * @param {import('../schema.js').Values} values
 * @returns {import('../trainer/trainer-protocol.js').ModelConfig}
 */
export const sizesOf = (values) =>
  isCurve(values) ? { inputSize: 1, outputs: 1 } : { inputSize: 2, classes: classesOf(values) };

/** @typedef {ReturnType<typeof createPlaneRun>} PlaneRun */
