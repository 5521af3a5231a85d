import { load } from 'hyperrouter-wasm';
import { engineConfig } from '../config.js';
import { accuracyOf, dataFor } from '../plane/data.js';
import { owners } from '../plane/fields.js';
import { capacity, mapViews } from '../plane/frame.js';
import { reach } from '../plane/geometry.js';
import { planeSettings } from '../plane/settings.js';
import { createSchema } from '../schema.js';
import { createState } from '../state.js';
import { PlaneTrainer } from '../trainer/plane-trainer.js';
import { classesSize, ownersSize, placeCode } from './recording.js';
import { openingSteps, openingValues } from './settings.js';

/**
 * Trains the opening run and records its moments, when the page is built. The engine computes the same bits here and in the
 * page.
 *
 * @returns {Promise<import('./recording.js').Recording>}
 */
export async function recordOpening() {
  const engine = await load({ variant: 'simd' });
  const state = createState(createSchema(planeSettings, engine.configFields('classifier')));
  const problems = state.setAll(Object.entries(openingValues));
  if (problems.length) throw new RangeError(`the opening run: ${problems.join('; ')}`);
  const values = state.values.peek();
  const data = dataFor(values);
  const config = { inputSize: 2, classes: data.classes, batchSize: capacity, ...engineConfig(state) };
  const trainer = new PlaneTrainer(
    engine,
    engine.createClassifier(/** @type {any} */ (config)),
    data,
    Number(values.learningRate),
  );
  /** @type {import('./recording.js').RecordedMoment[]} */
  const moments = [];
  for (const step of openingSteps) {
    while (trainer.step < step) await trainer.advance();
    moments.push(momentOf(trainer, data));
  }
  trainer.dispose();
  engine.dispose();
  const { inputs, targets } = data.all;
  return {
    experts: Number(values.experts),
    points: {
      classes: [...targets].join(''),
      places: Array.from(inputs, (value, i) => Math.round((50 * (reach + (i % 2 ? -value : value))) / reach)),
    },
    moments,
  };
}

/**
 * @param {PlaneTrainer} trainer
 * @param {import('../plane/data.js').PlaneData} data
 * @returns {import('./recording.js').RecordedMoment}
 */
function momentOf(trainer, data) {
  const { shape, buffer } = trainer.picture(null, true);
  const views = mapViews(buffer, shape);
  const { first, weight } = owners(views.places[0], shape);
  const accuracy = accuracyOf({ shape, views, data, step: trainer.step }, /** @type {any} */ (data))?.heldOut;
  return {
    step: trainer.step,
    accuracy: Number((accuracy ?? 0).toFixed(3)),
    owners: sampled(shape.size, ownersSize, (place) => placeCode(first[place], weight[place])),
    classes: sampled(shape.size, classesSize, (place) =>
      Math.round(9 * views.probabilities[place * shape.classes + 1]).toString(),
    ),
  };
}

/**
 * @param {number} from places per side of the map
 * @param {number} to places per side of what is recorded
 * @param {(place: number) => string} code
 */
function sampled(from, to, code) {
  const along = (/** @type {number} */ i) => Math.floor(((i + 0.5) * from) / to);
  let all = '';
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) all += code(along(row) * from + along(column));
  }
  return all;
}

const id = 'virtual:opening';

/**
 * `virtual:opening` exports the recording.
 *
 * @returns {import('vite').Plugin}
 */
export function openingPlugin() {
  return {
    name: 'opening',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: async (source) =>
      source === `\0${id}` ? `export default ${JSON.stringify(await recordOpening())};` : undefined,
  };
}
