/** Routers and gates against what an independent float64 implementation computes: tests/golden/README.md. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertGradients, assertTrained, expectedOf, LOSS, read, segmentOf, VALUES } from './golden-cases.js';
import { assertClose, assertNear, onEveryVariant } from './helpers.js';

/** @import { LayerRouting } from '../../web/types.js' */

const CASES = [
  'gate-cosine',
  'gate-expert-choice',
  'gate-hash',
  'gate-hyperrouter-sigmoid-balanced',
  'gate-relu',
  'gate-switch',
];

/**
 * @typedef {object} ExpectedRouting
 * @property {[number, number, boolean][][]} chosen for each token [expert, weight, kept] by falling logit
 * @property {number[][]} logits
 * @property {number[]} load
 * @property {number[]} dropped
 */

/**
 * @typedef {object} GateCase
 * @property {number} learningRate
 * @property {number} clip
 * @property {number[][]} stream
 * @property {{ loss: number, logitsLast: number[][], routing: ExpectedRouting[] }[]} segments
 * @property {number} gradNorm
 * @property {number} auxiliaryLoss
 * @property {{ loss: number, gradNorm: number, sparsityWeight?: number }[]} train
 */

/**
 * @param {LayerRouting[]} actual
 * @param {ExpectedRouting[]} expected
 * @param {string} where
 */
function assertRouting(actual, expected, where) {
  assert.equal(actual.length, expected.length, `${where}: layers with a router`);
  expected.forEach(({ chosen, logits, load, dropped }, layer) => {
    const here = `${where}, layer ${layer}`;
    const { experts, weights } = actual[layer];
    const k = experts.length / chosen.length;
    const most = Math.max(1, ...chosen.map(({ length }) => length));
    assert.equal(k, most, `${here}: places per token`);
    const filled = chosen.flatMap((token) => [
      ...token,
      ...Array.from({ length: k - token.length }, () => /** @type {const} */ ([-1, 0, false])),
    ]);
    assert.deepEqual(
      [...experts],
      filled.map(([expert]) => expert),
      `${here}: experts`,
    );
    assertClose(
      weights,
      filled.map(([, weight]) => weight),
      VALUES,
      `${here}: weights`,
    );
    filled.forEach(([expert, , kept], at) => {
      if (expert >= 0 && !kept) assert.equal(weights[at], 0, `${here}: a dropped assignment weighs nothing`);
    });
    assertClose(actual[layer].logits, logits.flat(2), VALUES, `${here}: router logits`);
    assertClose(actual[layer].load, load, 1e-6, `${here}: load`);
    assert.deepEqual([...actual[layer].dropped], dropped, `${here}: dropped`);
  });
}

onEveryVariant((bench) => {
  for (const folder of CASES) {
    describe(folder, () => {
      /** @type {GateCase} */
      const expected = expectedOf(folder);
      const openModel = () => bench.openLanguage(read(folder, 'model.safetensors'));

      test('losses, last logits and routing, with the memory carried on', () => {
        const model = openModel();
        const { vocabSize, contextLength } = model.config;
        expected.segments.forEach(({ loss, logitsLast, routing }, index) => {
          const where = `segment ${index}`;
          assertNear(model.evaluate(segmentOf(expected, model, index)).loss, loss, LOSS, `${where}: loss`);
          const logits = model.logits();
          const last = logitsLast.map((_, stream) => {
            const row = (stream + 1) * contextLength - 1;
            return [...logits.subarray(row * vocabSize, (row + 1) * vocabSize)];
          });
          assertClose(last.flat(), logitsLast.flat(), VALUES, `${where}: last logits`);
          assertRouting(model.routing(), routing, where);
        });
      });

      test('gradients and auxiliary losses', () => {
        const model = openModel();
        const { loss, gradNorm, auxiliaryLoss } = model.gradients(segmentOf(expected, model, 0));
        assertNear(loss, expected.segments[0].loss, LOSS, 'loss');
        assertNear(auxiliaryLoss, expected.auxiliaryLoss, LOSS, 'auxiliary loss');
        assertNear(gradNorm / expected.gradNorm, 1, VALUES, 'relative gradNorm');
        assertGradients(model, folder);
      });

      test('training, with what changes outside the gradient', () => {
        const model = openModel();
        const { learningRate, clip } = expected;
        expected.train.forEach(({ loss, gradNorm, sparsityWeight = 0 }, index) => {
          // After the last segment the first one again.
          const segment = segmentOf(expected, model, index % expected.segments.length);
          const result = model.trainStep({ ...segment, learningRate, clip });
          assertNear(result.loss, loss, 2 * LOSS, `step ${index}: loss`);
          assertNear(result.gradNorm / gradNorm, 1, VALUES, `step ${index}: relative gradNorm`);
          assertNear(model.sparsityWeight, sparsityWeight, 1e-12, `step ${index}: sparsity weight`);
        });
        assertTrained(model, folder);
      });
    });
  }
});
