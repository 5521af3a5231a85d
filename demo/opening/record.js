import { expertLoad, load } from 'hyperrouter-wasm';
import { engineConfig } from '../config.js';
import { accuracyOf, dataFor } from '../plane/data.js';
import { weightsByExpert } from '../plane/fields.js';
import { capacity, mapViews } from '../plane/frame.js';
import { cellAt, reach } from '../plane/geometry.js';
import { planeSettings } from '../plane/settings.js';
import { createSchema } from '../schema.js';
import { tokenAt } from '../stage/token.js';
import { labelOf } from '../stage/words.js';
import { createState } from '../state.js';
import { PlaneTrainer } from '../trainer/plane-trainer.js';
import { classesSize, pack, territorySize } from './recording.js';
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
    router: labelOf(state, 'router'),
    gate: labelOf(state, 'gate'),
    points: {
      classes: [...targets].join(''),
      places: Array.from(inputs, (value, i) =>
        Math.round((500 * (reach + (i % 2 ? -value : value))) / reach),
      ),
      train: data.train.targets.length,
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
  const [routing] = views.places;
  const accuracy = accuracyOf({ shape, views, data, step: trainer.step }, /** @type {any} */ (data))?.heldOut;
  const { weights, logits } = tokenAt(routing, shape, cellAt({ x: 0, y: 0 }, shape.size));
  const all = weightsByExpert(routing, shape);
  const places = shape.size ** 2;
  return {
    step: trainer.step,
    accuracy: rounded(accuracy ?? 0),
    load: Array.from(expertLoad(views.layers[0].experts, shape.experts), rounded),
    weights: weights.map((weight) => (weight === undefined ? null : rounded(weight))),
    logits: Array.from(logits, rounded),
    territories: pack(
      Array.from({ length: shape.experts }, (_, expert) =>
        sampled(shape.size, territorySize, (place) => all[expert * places + place]),
      ).flat(),
    ),
    classes: pack(
      sampled(shape.size, classesSize, (place) => views.probabilities[place * shape.classes + 1]),
    ),
  };
}

/** @param {number} value */
const rounded = (value) => Number(value.toFixed(3));

/**
 * @param {number} from places per side of the map
 * @param {number} to places per side of what is recorded
 * @param {(place: number) => number} read
 */
function sampled(from, to, read) {
  const along = (/** @type {number} */ i) => Math.floor(((i + 0.5) * from) / to);
  return Array.from({ length: to * to }, (_, i) => read(along(Math.floor(i / to)) * from + along(i % to)));
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
