import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { engineConfig } from '../../demo/config.js';
import { isCurve, pairsOf } from '../../demo/curve/data.js';
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
import { load } from '../../web/index.js';

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

/**
 * Asserts that the losses of runs that a page has saved are those of Node, to the last bit, from the first step on. Each
 * was trained with the settings that it has in the file.
 *
 * @param {any[]} runs
 * @param {number} least steps of each
 */
export async function assertAsInNode(runs, least) {
  const engine = await load({ variant: 'simd' });
  for (const [i, { task, settings, config, losses }] of runs.entries()) {
    assert.equal(losses.every, 1, 'every loss is kept');
    assert.ok(losses.train.length >= least, `run ${i} has ${losses.train.length} losses`);
    const trainer = trainerFor(engine, task, settings, config);
    for (let step = 0; step < least; step++) await trainer.advance();
    const expected = trainer.frame(null, false).losses;
    for (let step = 0; step < least; step++)
      assert.ok(Object.is(losses.train[step], expected[step]), `run ${i}, step ${step + 1}`);
    trainer.dispose();
  }
  engine.dispose();
}

/** @param {Engine} engine @param {import('../../demo/state.js').State} state */
function planeTrainer(engine, state) {
  const values = state.values.peek();
  const config = { ...sizesOf(values), batchSize: capacity, ...engineConfig(state) };
  return trainerFor(engine, isCurve(values) ? 'curve' : 'plane', values, config);
}

/** @param {Engine} engine @param {import('../../demo/state.js').State} state */
function textTrainer(engine, state) {
  const values = state.values.peek();
  const start = isPretrained(values) ? readFileSync(pretrainedFile) : undefined;
  return trainerFor(engine, 'text', values, engineConfig(state), start);
}

/**
 * @param {Engine} engine
 * @param {'text' | 'plane' | 'curve'} task
 * @param {Values} values of the room
 * @param {any} config of the model
 * @param {Uint8Array} [start] a checkpoint that it begins with
 */
function trainerFor(engine, task, values, config, start) {
  const rate = Number(values.learningRate);
  if (task === 'text') {
    const data = { bytes: textBytes(String(values.text ?? values.data)) };
    const { tokens } = /** @type {any} */ (values);
    return new TextTrainer(engine, createTextModel(engine, { tokens, ...config }, data, start), data, rate);
  }
  // A comparison has one seed, also of its points, and these are of two classes.
  const data = dataFor({ dataSeed: values.seed, classes: 2, ...values });
  if (task === 'plane') return new PlaneTrainer(engine, engine.createClassifier(config), data, rate);
  const pairs = { ...data, train: pairsOf(data.train), heldOut: pairsOf(data.heldOut) };
  return new CurveTrainer(engine, engine.createRegressor(config), pairs, rate);
}

/** @type {Map<string, Uint8Array>} */
const texts = new Map();

/** The text as the built page has it. @param {string} name */
function textBytes(name) {
  const known = texts.get(name);
  if (known) return known;
  const plugin = /** @type {any} */ (textLibrary());
  const source = plugin.load(plugin.resolveId(`virtual:text/${name}`));
  const bytes = new TextEncoder().encode(JSON.parse(source.slice('export default '.length, -1)));
  texts.set(name, bytes);
  return bytes;
}
