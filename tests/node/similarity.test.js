import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  assertNear,
  liven,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

onEveryVariant((bench) => {
  it('similarity of experts is the mean cosine of their outputs', () => {
    for (const preLayerNorm of [false, true]) {
      const config = { ...TINY_CLASSIFIER, layers: 1, preLayerNorm };
      const model = liven(bench.classifier(config));
      const { inputs } = randomBatch(config, 1);
      const [layer] = model.measure(inputs);
      assertNear(
        Number(layer.expertSimilarity),
        similarityByHand(parametersOf(model), inputs, config),
        1e-5,
        'similarity',
      );
    }
  });

  it('identical experts have similarity 1; a single expert has none', () => {
    const model = liven(bench.language(TINY));
    const before = model.measure(randomIds(8, TINY.vocabSize, 1))[0].expertSimilarity;
    assert.ok(Number(before) < 0.9 && Number(before) > -0.5, `${before}`);
    for (const { name, shape, data } of model.parameters()) {
      if (!name.includes('.experts.')) continue;
      const size = data.length / shape[0];
      model.setParameter(
        name,
        data.map((_, i) => data[i % size]),
      );
    }
    for (const layer of model.measure(randomIds(8, TINY.vocabSize, 1)))
      assertNear(Number(layer.expertSimilarity), 1, 1e-5, 'collapsed');
    const [one] = bench.language({ ...TINY, experts: 1, topK: 1 }).measure(Int32Array.of(1, 2));
    assert.equal(one.expertSimilarity, null);
  });
  it('asking for it does not change a training', () => {
    const [a, b] = [bench.language(TINY), bench.language(TINY)];
    for (let i = 0; i < 4; i++) {
      const s = { ...randomSegment(TINY, i), learningRate: 0.01 };
      assert.deepEqual(a.trainStep(s), b.trainStep(s));
      a.expertSimilarity();
    }
  });
});

/**
 * @param {Map<string, Float32Array>} parameters
 * @param {Float32Array} inputs
 * @param {{ inputSize: number, dModel: number, dInner: number, experts: number, preLayerNorm: boolean }} config
 */
function similarityByHand(parameters, inputs, { inputSize, dModel, dInner, experts, preLayerNorm }) {
  const p = (/** @type {string} */ name) => /** @type {Float32Array} */ (parameters.get(name));
  const linear = (/** @type {number[]} */ x, /** @type {Float32Array} */ w, /** @type {Float32Array} */ b) =>
    Array.from(b, (bias, row) => x.reduce((sum, value, i) => sum + value * w[row * x.length + i], bias));
  const dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0);
  const at = 'layers.0.pos_ff';
  let [total, pairs] = [0, 0];
  for (let n = 0; n < inputs.length / inputSize; n++) {
    let x = linear(
      [...inputs.subarray(n * inputSize, (n + 1) * inputSize)],
      p('input.weight'),
      p('input.bias'),
    );
    if (preLayerNorm) {
      const mean = x.reduce((a, b) => a + b) / dModel;
      const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / dModel + 1e-5);
      x = x.map(
        (value, i) =>
          (value - mean) * scale * p(`${at}.layer_norm.weight`)[i] + p(`${at}.layer_norm.bias`)[i],
      );
    }
    const outputs = Array.from({ length: experts }, (_, e) => {
      const part = (/** @type {string} */ name, /** @type {number} */ size) =>
        p(`${at}.experts.${name}`).subarray(e * size, (e + 1) * size);
      const hidden = linear(x, part('htoh4.weight', dInner * dModel), part('htoh4.bias', dInner)).map((h) =>
        Math.max(0, h),
      );
      return linear(hidden, part('h4toh.weight', dInner * dModel), part('h4toh.bias', dModel));
    });
    for (let a = 0; a < experts; a++) {
      for (let b = 0; b < a; b++) {
        total +=
          dot(outputs[a], outputs[b]) / Math.sqrt(dot(outputs[a], outputs[a]) * dot(outputs[b], outputs[b]));
        pairs++;
      }
    }
  }
  return total / pairs;
}
