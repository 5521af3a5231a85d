/** Regressors: the mean squared error, standardised targets, and their scale in files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as direct from '../../web/index.js';
import * as twin from '../../web/worker.js';
import {
  assertClose,
  assertNear,
  assertSameBits,
  errorOf,
  liven,
  onEveryVariant,
  randomFloats,
  randomPairs,
  TINY_REGRESSOR,
} from './helpers.js';
import { withMetadata } from './safetensors.js';

const CONFIG = TINY_REGRESSOR;
const BATCH = randomPairs(CONFIG, 1);

/** A curve and a line, in units far from each other. @param {number} count */
function curve(count) {
  const x = randomFloats(count, 9);
  const targets = Float32Array.from({ length: 2 * count }, (_, i) => {
    const at = x[i >> 1];
    return i % 2 ? 1000 - 50 * at : 0.01 * Math.sin(4 * at);
  });
  return { inputs: x, targets };
}

const CURVE = { inputSize: 1, outputs: 2, dModel: 16, dInner: 16, experts: 4, batchSize: 32, layers: 1 };

onEveryVariant((bench) => {
  test('the loss is the mean over vectors and outputs of the squared error', () => {
    const model = liven(bench.regressor(CONFIG));
    const predicted = model.predict(BATCH.inputs);
    const squares = BATCH.targets.reduce((sum, target, i) => sum + (target - predicted[i]) ** 2, 0);
    const { loss } = model.evaluate(BATCH);
    assertNear(loss, squares / BATCH.targets.length, 1e-6, 'loss');
    assertNear(model.gradients(BATCH).loss, loss, 1e-6, 'loss of gradients');
    assertSameBits(model.logits(), predicted, 'without a scale, logits are predictions');
    // The gradient of the output's bias by its definition.
    const bias = model.parameters().find(({ name }) => name === 'output.bias')?.grad;
    const wanted = [0, 1].map((output) => {
      const errors = predicted
        .filter((_, i) => i % 2 === output)
        .map((y, i) => y - BATCH.targets[2 * i + output]);
      return (2 * errors.reduce((sum, error) => sum + error, 0)) / BATCH.targets.length;
    });
    assertClose(/** @type {Float32Array} */ (bias), wanted, 1e-4, 'gradient of output.bias');
    assert.deepEqual(
      model
        .parameters()
        .map(({ name }) => name.replace(/^layers.*/, 'layers'))
        .filter((name, i, all) => all.indexOf(name) === i),
      ['input.weight', 'input.bias', 'layers', 'output.weight', 'output.bias'],
    );
  });

  test('training standardises targets; predictions have their units, and files their scale', async () => {
    const model = bench.regressor(CURVE);
    const data = curve(96);
    assert.equal(model.targetScale(), null);
    const validation = curve(20);
    const last = await model.train(data, {
      steps: 150,
      every: 50,
      learningRate: 0.02,
      validation,
      probe: data.inputs,
    });
    assert.ok(Number(last.validation?.rSquared) > 0.9, `${last.validation?.rSquared}`);
    assert.equal(last.measures?.length, 1);
    const predicted = model.predict(validation.inputs);
    for (let i = 0; i < predicted.length; i += 2) {
      assertNear(predicted[i], validation.targets[i], 0.006, 'the curve');
      assertNear(predicted[i + 1], validation.targets[i + 1], 25, 'the line');
    }
    const scale = model.targetScale();
    assert.ok(scale && Math.abs(scale.mean[1] - 1000) < 20 && scale.deviation[0] < 0.01);
    const { loss, meanSquaredError, rSquared, count } = await direct.evaluateRegression(model, validation);
    const errors = predicted.map((y, i) => (y - validation.targets[i]) ** 2);
    assertNear(
      meanSquaredError,
      errors.reduce((sum, error) => sum + error, 0) / errors.length,
      1e-3,
      'error',
    );
    const scaled = errors.map((error, i) => error / scale.deviation[i % 2] ** 2);
    assertNear(
      loss,
      scaled.reduce((sum, error) => sum + error, 0) / errors.length,
      1e-4,
      'standardised error',
    );
    assert.ok(rSquared > 0.9 && count === 20);

    const again = bench.engine.loadCheckpoint(model.saveCheckpoint({ optimizer: true }));
    assert.ok(again instanceof direct.Regressor);
    assert.deepEqual(again.targetScale(), scale);
    assert.deepEqual(again.metadata, {});
    assertSameBits(again.predict(validation.inputs), predicted, 'opened');
    // More training keeps the scale, whatever the data.
    const more = { inputs: data.inputs, targets: data.targets.map((y) => y + 1) };
    const options = { steps: 2, learningRate: 0.001 };
    assert.equal((await again.train(more, options)).loss, (await model.train(more, options)).loss);
    assert.deepEqual(again.targetScale(), scale);
    again.dispose();

    const broken = model.saveCheckpoint({ metadata: {} });
    const text = Buffer.from(broken).toString('latin1').replace('\\"mean\\":[', '\\"mean\\":{');
    const error = errorOf(() => bench.engine.loadCheckpoint(new Uint8Array(Buffer.from(text, 'latin1'))));
    assert.ok(error instanceof direct.CheckpointError, String(error));
    assert.match(error.message, /hyperrouter\.targets in the file must be/);
    assert.throws(() => model.saveCheckpoint({ metadata: { 'hyperrouter.targets': '{}' } }), /another key/);
  });

  test('a scale in the file of a classifier is not taken for its own metadata, with which it could not be saved', () => {
    const model = bench.classifier({ inputSize: 1, classes: 2 });
    const file = withMetadata(model.saveCheckpoint(), { 'hyperrouter.targets': '{}', note: 'mine' });
    const again = bench.engine.loadCheckpoint(file);
    assert.deepEqual(again.metadata, { note: 'mine' });
    again.saveCheckpoint();
    again.dispose();
  });

  test('an output that never changes is predicted as it is', async () => {
    const model = bench.regressor({ ...CURVE, outputs: 1 });
    const data = { inputs: [[0], [1], [2]], targets: [[7], [7], [7]] };
    await model.train(data, { steps: 2 });
    assert.deepEqual([...model.predict([[0.5]])], [7]);
    assert.equal((await direct.evaluateRegression(model, data)).rSquared, 1);
    assert.throws(() => model.train(data, /** @type {any} */ ({ steps: 1, classWeights: [1] })), TypeError);
  });

  test('what cannot be read is refused', () => {
    const model = bench.regressor(CONFIG);
    const { inputs, targets } = BATCH;
    for (const [batch, message] of /** @type {[any, RegExp][]} */ ([
      [
        { inputs: inputs.subarray(1), targets },
        /^inputs must have n x 3 numbers \(inputSize\), n from 1 to 8 \(batchSize\), got 23/,
      ],
      [
        { inputs, targets: targets.subarray(2) },
        /^targets must have 2 numbers \(outputs\) for each of the 8 inputs, got 14/,
      ],
      [{ inputs, targets: targets.subarray(1) }, /^targets must have n x 2 numbers \(outputs\), got 15/],
      [{ inputs, targets: targets.map(() => Number.NaN) }, /^targets\[0\] must be a finite number, got NaN/],
      [
        { inputs, targets: Int32Array.from(targets) },
        /^targets must be a Float32Array or an array of numbers/,
      ],
    ])) {
      const error = errorOf(() => model.evaluate(batch));
      assert.match(error.message, message);
    }
    assert.throws(
      () => model.fitTargets([]),
      /^RangeError: targets must have n x 2 numbers \(outputs\), got 0/,
    );
    model.fitTargets([
      [0, 0],
      [2e-11, 1],
    ]);
    const error = errorOf(() => model.evaluate({ inputs: inputs.subarray(0, 3), targets: [3e38, 1] }));
    assert.match(error.message, /^standardised targets\[0\] must be a finite number/);
  });
});

test('a regressor in a worker computes the same', async () => {
  const engine = await direct.load({ variant: 'simd' });
  const there = await twin.load({ variant: 'simd' });
  const [here, model] = [engine.createRegressor(CURVE), await there.createRegressor(CURVE)];
  const data = curve(50);
  const options = { steps: 5, every: 5, learningRate: 0.01, headLearningRate: 0.02 };
  const [a, b] = [await here.train(data, options), await model.train(data, options)];
  assert.equal(a.loss, b.loss);
  assert.deepEqual(await model.targetScale(), here.targetScale());
  assertSameBits(await model.predict(data.inputs), here.predict(data.inputs), 'predictions');
  assert.deepEqual(await direct.evaluateRegression(model, data), await direct.evaluateRegression(here, data));
  assert.deepEqual(await model.fitTargets(data.targets), here.fitTargets(data.targets));
  assert.deepEqual(await model.saveCheckpoint(), here.saveCheckpoint());
  assert.ok((await there.loadCheckpoint(here.saveCheckpoint())) instanceof twin.Regressor);
  engine.dispose();
  await there.dispose();
});
