/** The package against what an independent float64 implementation computes: tests/golden/README.md. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertGradients, assertTrained, expectedOf, LOSS, read, segmentOf, VALUES } from './golden-cases.js';
import { assertClose, assertNear, onEveryVariant, relativeError } from './helpers.js';

/** @import { LayerRouting } from '../../web/types.js' */

const LANGUAGE_CASES = [
  'hyperrouter',
  'hyperrouter-pre-layer-norm',
  'odd-sizes',
  'smoe',
  'smoe-dropout',
  'dense',
];

/**
 * @typedef {object} ExpectedRouting
 * @property {number[][][]} experts [batch, T, K]; [n, K] of the classifier
 * @property {number[][][]} weights
 * @property {number[][][]} logits
 */

/**
 * @typedef {object} LanguageCase
 * @property {number} learningRate
 * @property {number} clip
 * @property {number[][]} stream [batch, segments * T + 1]
 * @property {{ loss: number, logitsLast: number[][], routing: ExpectedRouting[] }[]} segments
 * @property {number} gradNorm
 * @property {Record<string, number>} lossByK
 * @property {{ loss: number, gradNorm: number }[]} train
 */

/**
 * @typedef {object} ClassifierCase
 * @property {number} learningRate
 * @property {number} clip
 * @property {number[][]} inputs
 * @property {number[]} targets
 * @property {number} loss
 * @property {number[][]} probabilities
 * @property {ExpectedRouting[]} routing
 * @property {number} gradNorm
 * @property {{ loss: number, gradNorm: number }[]} train
 */

/**
 * @param {LayerRouting[]} actual
 * @param {ExpectedRouting[]} expected
 * @param {string} where
 */
function assertRouting(actual, expected, where) {
  assert.equal(actual.length, expected.length, `${where}: layers with a router`);
  expected.forEach(({ experts, weights, logits }, layer) => {
    const flat = experts.flat(2);
    assert.deepEqual([...actual[layer].experts], flat, `${where}, layer ${layer}: experts`);
    assertClose(actual[layer].weights, weights.flat(2), VALUES, `${where}, layer ${layer}: weights`);
    assertClose(actual[layer].logits, logits.flat(2), VALUES, `${where}, layer ${layer}: router logits`);
    const counts = Array.from(actual[layer].load, (_, id) => flat.filter((expert) => expert === id).length);
    assertClose(
      actual[layer].load,
      counts.map((count) => count / flat.length),
      1e-6,
      `${where}, layer ${layer}: load`,
    );
  });
}

onEveryVariant((bench) => {
  for (const folder of LANGUAGE_CASES) {
    describe(folder, () => {
      /** @type {LanguageCase} */
      const expected = expectedOf(folder);
      const openModel = () => bench.openLanguage(read(folder, 'model.safetensors'));

      test('losses, last logits and routing, with the memory carried on', () => {
        const model = openModel();
        const { vocabSize, batchSize, contextLength } = model.config;
        assert.ok(expected.segments.length > 1);
        expected.segments.forEach(({ loss, logitsLast, routing }, index) => {
          const where = `segment ${index}`;
          assertNear(model.evaluate(segmentOf(expected, model, index)).loss, loss, LOSS, `${where}: loss`);
          const logits = model.logits();
          assert.equal(logits.length, batchSize * contextLength * vocabSize);
          const last = logitsLast.map((_, stream) => {
            const row = (stream + 1) * contextLength - 1;
            return [...logits.subarray(row * vocabSize, (row + 1) * vocabSize)];
          });
          assertClose(last.flat(), logitsLast.flat(), VALUES, `${where}: last logits`);
          assertRouting(model.routing(), routing, where);
        });
      });

      test('mean loss for every number of experts per token', () => {
        const model = openModel();
        for (const [topK, loss] of Object.entries(expected.lossByK)) {
          model.topK = Number(topK);
          const losses = expected.segments.map((_, i) => model.evaluate(segmentOf(expected, model, i)).loss);
          const mean = losses.reduce((sum, each) => sum + each) / losses.length;
          assertNear(mean, loss, LOSS, `topK ${topK}: loss`);
        }
        const { experts, router } = model.config;
        assert.equal(Object.keys(expected.lossByK).length, router === 'dense' ? 0 : experts);
      });

      test('gradients', () => {
        const model = openModel();
        const { loss, gradNorm } = model.gradients(segmentOf(expected, model, 0));
        assertNear(loss, expected.segments[0].loss, LOSS, 'loss');
        assertNear(gradNorm / expected.gradNorm, 1, VALUES, 'relative gradNorm');
        assertGradients(model, folder);
        assert.equal(model.step, 0);
      });

      test('training', () => {
        const model = openModel();
        const { learningRate, clip } = expected;
        expected.train.forEach(({ loss, gradNorm }, index) => {
          const result = model.trainStep({ ...segmentOf(expected, model, index), learningRate, clip });
          assertNear(result.loss, loss, 2 * LOSS, `step ${index}: loss`);
          assertNear(result.gradNorm / gradNorm, 1, VALUES, `step ${index}: relative gradNorm`);
          assert.equal(model.step, index + 1);
        });
        assertTrained(model, folder);
      });
    });
  }

  describe('classifier', () => {
    /** @type {ClassifierCase} */
    const expected = expectedOf('classifier');
    const batch = {
      inputs: Float32Array.from(expected.inputs.flat()),
      targets: Int32Array.from(expected.targets),
    };
    const openModel = () => bench.openClassifier(read('classifier', 'model.safetensors'));

    test('loss, probabilities and routing', () => {
      const model = openModel();
      assertNear(model.evaluate(batch).loss, expected.loss, LOSS, 'loss');
      assertRouting(model.routing(), expected.routing, 'evaluate');
      const probabilities = model.predict(batch.inputs);
      assertClose(probabilities, expected.probabilities.flat(), VALUES, 'probabilities');
      assertRouting(model.routing(), expected.routing, 'predict');
      const classes = model.config.classes;
      const sums = batch.targets.map((_, n) => {
        return Math.round(
          1e5 * probabilities.subarray(n * classes, (n + 1) * classes).reduce((a, b) => a + b),
        );
      });
      assert.deepEqual([...new Set(sums)], [1e5]);
    });

    test('gradients', () => {
      const model = openModel();
      const { loss, gradNorm } = model.gradients(batch);
      assertNear(loss, expected.loss, LOSS, 'loss');
      assertNear(gradNorm / expected.gradNorm, 1, VALUES, 'relative gradNorm');
      assertGradients(model, 'classifier');
    });

    test('training', () => {
      const model = openModel();
      const { learningRate, clip } = expected;
      expected.train.forEach(({ loss, gradNorm }, index) => {
        const result = model.trainStep({ ...batch, learningRate, clip });
        assertNear(result.loss, loss, 2 * LOSS, `step ${index}: loss`);
        assertNear(result.gradNorm / gradNorm, 1, VALUES, `step ${index}: relative gradNorm`);
      });
      assertTrained(model, 'classifier');
    });
  });
});

test('the comparison itself tells apart what differs', () => {
  assert.ok(relativeError([1, 2.001], [1, 2]) > VALUES);
  assert.ok(Number.isNaN(relativeError([Number.NaN, 1], [1, 1])));
  assert.throws(() => assertClose([1, 2.001], [1, 2], VALUES, 'x'), /off by/);
  assert.throws(() => assertClose([Number.NaN], [1], VALUES, 'x'), /off by NaN/);
  assert.throws(() => assertNear(Number.NaN, 1, LOSS, 'x'), /instead of/);
});
