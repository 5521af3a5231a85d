import { readFileSync } from 'node:fs';
import { engineConfig } from '../../demo/config.js';
import { pairsOf } from '../../demo/curve/data.js';
import { dataFor } from '../../demo/plane/data.js';
import { capacity } from '../../demo/plane/frame.js';
import { sizesOf } from '../../demo/plane/run.js';
import { planeSettings } from '../../demo/plane/settings.js';
import { createSchema } from '../../demo/schema.js';
import { createState } from '../../demo/state.js';
import { textLibrary } from '../../demo/text/library.js';
import { isPretrained } from '../../demo/text/pretrained.js';
import { textSettings } from '../../demo/text/settings.js';
import { CurveTrainer } from '../../demo/trainer/curve-trainer.js';
import { PlaneTrainer } from '../../demo/trainer/plane-trainer.js';
import { createTextModel } from '../../demo/trainer/text-model.js';
import { TextTrainer } from '../../demo/trainer/text-trainer.js';

/** The model with which the page's text room opens. */
export const pretrainedFile = new URL('../../demo/studies/pretrained/model.safetensors', import.meta.url);

/**
 * The runs of the page without a browser: the same settings, trainers and engine.
 *
 * @typedef {import('hyperrouter-wasm').Engine} Engine
 * @typedef {import('../../demo/schema.js').Values} Values
 */

/**
 * The settings of a room with some of them changed.
 *
 * @param {Engine} engine
 * @param {string} room
 * @param {Values} values
 */
export function stateOf(engine, room, values) {
  const text = room === 'text';
  const state = createState(
    createSchema(text ? textSettings : planeSettings, engine.configFields(text ? 'language' : 'classifier')),
  );
  const problems = state.setAll(Object.entries(values));
  if (problems.length) throw new RangeError(problems.join('; '));
  return state;
}

/**
 * Trains a model as the page does.
 *
 * @param {Engine} engine
 * @param {string} room
 * @param {Values} values
 * @param {number} steps
 */
export async function trained(engine, room, values, steps) {
  const state = stateOf(engine, room, values);
  const trainer = room === 'text' ? textTrainer(engine, state) : planeTrainer(engine, state);
  for (let i = 0; i < steps; i++) await trainer.advance();
  return { state, trainer, frame: trainer.frame(null, true) };
}

/** @param {Engine} engine @param {import('../../demo/state.js').State} state */
function planeTrainer(engine, state) {
  const values = state.values.peek();
  const config = /** @type {any} */ ({ ...sizesOf(values), batchSize: capacity, ...engineConfig(state) });
  const { train, heldOut, ...data } = dataFor(values);
  const rate = Number(values.learningRate);
  if (!data.curve)
    return new PlaneTrainer(engine, engine.createClassifier(config), { train, heldOut, ...data }, rate);
  const pairs = { train: pairsOf(train), heldOut: pairsOf(heldOut), ...data };
  return new CurveTrainer(engine, engine.createRegressor(config), pairs, rate);
}

/** @param {Engine} engine @param {import('../../demo/state.js').State} state */
function textTrainer(engine, state) {
  const values = state.values.peek();
  const plugin = /** @type {any} */ (textLibrary());
  const source = plugin.load(plugin.resolveId(`virtual:text/${values.text}`));
  const bytes = new TextEncoder().encode(JSON.parse(source.slice('export default '.length, -1)));
  const data = { bytes };
  const config = /** @type {any} */ ({ tokens: values.tokens, ...engineConfig(state) });
  const start = isPretrained(values) ? readFileSync(pretrainedFile) : undefined;
  const model = createTextModel(engine, config, data, start);
  return new TextTrainer(engine, model, data, Number(values.learningRate));
}
