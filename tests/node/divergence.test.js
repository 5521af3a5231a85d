/** A loss or a gradient that is no number any more: the step is named, and nothing is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DivergedError } from '../../web/index.js';
import {
  assertSameParameters,
  errorOf,
  liven,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

onEveryVariant((bench) => {
  test('a huge learning rate: the step is named, and the parameters are those of the last good one', () => {
    const model = liven(bench.language(TINY));
    const good = parametersOf(model);
    const file = model.saveCheckpoint();
    const segment = randomSegment(TINY, 1);
    const expected = model.evaluate({ ...segment, carryMemory: false }).loss;
    let steps = 0;
    let error;
    let [before, memory, saved] = [good, model.saveMemory(), file];
    while (!error && steps < 10) {
      before = parametersOf(model);
      memory = model.saveMemory();
      saved = model.saveCheckpoint({ optimizer: true });
      try {
        model.trainStep({ ...segment, learningRate: 1e30 });
        steps++;
      } catch (thrown) {
        error = thrown;
      }
    }
    assert.ok(error instanceof DivergedError, String(error));
    assert.equal(error.name, 'DivergedError');
    assert.equal(error.step, steps + 1);
    assert.match(error.message, new RegExp(`(NaN|Infinity) at step ${steps + 1}; .* after step ${steps}`));
    assert.equal(model.step, steps);
    assertSameParameters(parametersOf(model), before);
    assert.deepEqual(model.saveMemory(), memory);
    assert.deepEqual(model.saveCheckpoint({ optimizer: true }), saved, 'moments and step too');
    // With the parameters of before, the model is as good as new.
    for (const [name, data] of good) model.setParameter(name, data);
    assert.equal(model.evaluate({ ...segment, carryMemory: false }).loss, expected);
    assert.ok(model.trainStep({ ...segment, learningRate: 0.001 }).loss > 0);
    assert.equal(model.step, steps + 1);
  });

  for (const [config, learningRate] of /** @type {[any, number][]} */ ([
    [{ beta1: 1 - 2 ** -53 }, 1e30],
    [{ beta1: 1 - 2 ** -53 }, 1e23],
    [{ beta1: 0.9999999999 }, 1e30],
    [{ beta2: 0, epsilon: 1e-30 }, 1e10],
    [{ beta2: 0, epsilon: 1e-30, balanceRate: 0.1 }, 1e10],
  ])) {
    test(`a step that leaves no numbers is none: ${JSON.stringify(config)}, rate ${learningRate}`, () => {
      const models = [
        bench.language({ ...TINY, ...config }),
        bench.classifier({ ...TINY_CLASSIFIER, ...config }),
      ];
      for (const model of /** @type {any[]} */ (models)) {
        const input = model.config.vocabSize ? randomSegment(TINY, 1) : randomBatch(TINY_CLASSIFIER, 1);
        let error;
        let before = model.saveCheckpoint({ optimizer: true });
        for (let steps = 0; !error && steps < 20; steps++) {
          before = model.saveCheckpoint({ optimizer: true });
          try {
            model.trainStep({ ...input, learningRate });
          } catch (thrown) {
            error = thrown;
          }
          assert.ok(model.parameters().every((/** @type {any} */ { data }) => data.every(Number.isFinite)));
        }
        assert.ok(error instanceof DivergedError, String(error));
        assert.equal(error.step, model.step + 1);
        assert.deepEqual(model.saveCheckpoint({ optimizer: true }), before);
      }
    });
  }

  test('a gradient whose square is too large for the second moment is no step, unless it is clipped', () => {
    const model = /** @type {any} */ (
      bench.engine.createRegressor({ inputSize: 1, layers: 1, dModel: 4, dInner: 4, hyperSize: 4 })
    );
    const batch = { inputs: [1], targets: [1e18] };
    const { gradNorm } = model.gradients(batch);
    batch.targets[0] *= 1.2e19 / gradNorm;
    const before = model.saveCheckpoint({ optimizer: true });
    for (const clip of [0, 1e30]) {
      const error = errorOf(() => model.trainStep({ ...batch, learningRate: 0.01, clip }));
      assert.ok(error instanceof DivergedError, String(error));
      assert.match(
        error.message,
        /^the gradient is 12\d{18} at step 1; the parameters are those after step 0/,
      );
      assert.deepEqual(model.saveCheckpoint({ optimizer: true }), before);
    }
    assert.ok(model.gradients(batch).gradNorm > 1e19);
    model.trainStep({ ...batch, learningRate: 0.01, clip: 1 });
    assert.equal(model.step, 1);
    model.dispose();
  });

  test('a weight decay that makes parameters grow ends before one is infinite', () => {
    const model = bench.classifier({ ...TINY_CLASSIFIER, weightDecay: 1000 });
    const batch = randomBatch(TINY_CLASSIFIER, 1);
    let error;
    for (let step = 0; !error && step < 200; step++) {
      try {
        model.trainStep({ ...batch, learningRate: 1 });
      } catch (thrown) {
        error = thrown;
      }
      assert.ok(model.parameters().every(({ data }) => data.every(Number.isFinite)));
    }
    assert.ok(error instanceof DivergedError, String(error));
  });

  test('numbers that are too large are noticed in every kind of call', () => {
    const [model, twin] = [1, 2].map(() => liven(bench.language(TINY)));
    const segment = randomSegment(TINY, 1);
    for (const each of [model, twin]) each.trainStep({ ...segment, learningRate: 0.01 });
    const memory = model.saveMemory();
    const name = 'layers.1.pos_ff.experts.h4toh.bias';
    const data = /** @type {Float32Array} */ (parametersOf(model).get(name));
    for (const value of [3e38, -3e38]) {
      model.setParameter(name, new Float32Array(data.length).fill(value));
      const broken = parametersOf(model);
      const calls = [
        () => model.evaluate(segment),
        () => model.gradients(segment),
        () => model.trainStep({ ...segment, learningRate: 0.01, clip: 1 }),
      ];
      for (const call of calls) {
        const error = errorOf(call);
        assert.ok(error instanceof DivergedError, String(error));
        assert.equal(error.step, 2);
        assertSameParameters(parametersOf(model), broken);
        assert.deepEqual(model.saveMemory(), memory);
      }
    }
    model.setParameter(name, data);
    const next = { ...randomSegment(TINY, 2), learningRate: 0.01 };
    assert.deepEqual(model.trainStep(next), twin.trainStep(next));
    assertSameParameters(parametersOf(model), parametersOf(twin));
  });

  test('classifier', () => {
    const model = liven(bench.classifier(TINY_CLASSIFIER));
    const batch = randomBatch(TINY_CLASSIFIER, 1);
    const data = /** @type {Float32Array} */ (parametersOf(model).get('input.weight'));
    model.setParameter(
      'input.weight',
      data.map(() => 3e38),
    );
    const error = errorOf(() => model.trainStep({ ...batch, learningRate: 0.01 }));
    assert.ok(error instanceof DivergedError);
    assert.equal(error.step, 1);
    model.setParameter('input.weight', data);
    assert.ok(model.trainStep({ ...batch, learningRate: 0.01 }).loss > 0);
  });
});
