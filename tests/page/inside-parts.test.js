import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { directions, pathOf, reachOf } from '../../demo/inside/path.js';
import { dot, norm, routerCounts, routerParts, rowSimilarity } from '../../demo/inside/router.js';
import { load } from '../../web/index.js';

/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

const sizes = {
  inputSize: 2,
  classes: 2,
  layers: 1,
  dModel: 6,
  dInner: 4,
  experts: 5,
  topK: 2,
  hyperSize: 7,
};

/** @param {import('../../web/index.js').ClassifierConfig['router']} router */
function trained(router) {
  const model = engine.createClassifier({ ...sizes, router, batchSize: 4, seed: 3 });
  const inputs = Float32Array.from([0.5, -1, 2, 0.25, -0.75, 1.5, 1, 1]);
  const targets = Int32Array.from([0, 1, 1, 0]);
  for (let i = 0; i < 5; i++) model.trainStep({ inputs, targets, learningRate: 0.05 });
  model.gradients({ inputs, targets });
  const all = model.parameters();
  const tensors = all
    .filter(({ name }) => name.includes('.gate.'))
    .map(({ name, shape, trainable, data, grad }) => ({
      name: name.slice(name.indexOf('gate.')),
      shape: [...shape],
      trainable,
      data: Float32Array.from(data),
      grad: grad ? Float32Array.from(grad) : null,
    }));
  const of = (/** @type {string} */ name) =>
    Float32Array.from(all.find((parameter) => parameter.name === name)?.data ?? []);
  const [layer] = model.routing();
  return { model, tensors, inputs, weight: of('input.weight'), bias: of('input.bias'), logits: layer.logits };
}

describe('the parts of a router', () => {
  for (const kind of /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout'])) {
    it(`give the logits of the engine, ${kind}`, () => {
      const { model, tensors, inputs, weight, bias, logits } = trained(kind);
      const parts = routerParts(tensors, sizes.experts);
      assert.ok(parts);
      assert.equal(parts.kind, kind);
      for (let token = 0; token < 4; token++) {
        const x = Array.from(
          { length: sizes.dModel },
          (_, i) => weight[2 * i] * inputs[2 * token] + weight[2 * i + 1] * inputs[2 * token + 1] + bias[i],
        );
        for (let expert = 0; expert < sizes.experts; expert++) {
          const row = parts.weight.data.subarray(expert * sizes.dModel, (expert + 1) * sizes.dModel);
          const logit = dot(row, x) + parts.bias.data[expert];
          assert.ok(Math.abs(logit - logits[token * sizes.experts + expert]) < 1e-5);
        }
      }
      assert.equal(parts.hypernetwork !== null, kind === 'hyperrouter');
      assert.equal(parts.weightGradient !== null, kind === 'smoe');
      const moving = parts.hypernetwork?.embeddingGradient ?? parts.weightGradient;
      if (kind !== 'smoe-dropout') assert.ok(norm(moving?.data ?? []) > 0, 'a gradient reaches what learns');
      const counted = routerCounts(sizes)[/** @type {'smoe'} */ (kind)];
      const inTensors = tensors.reduce((sum, { data }) => sum + data.length, 0);
      const ownWeights = kind === 'hyperrouter' ? 0 : counted.weights;
      assert.equal(inTensors, counted.embedding + counted.hypernetwork + ownWeights);
      const learned = tensors.filter(({ trainable }) => trainable);
      assert.equal(
        learned.reduce((sum, { data }) => sum + data.length, 0),
        counted.learned,
      );
      model.dispose();
    });
  }

  it('are none where there is no router', () => {
    assert.equal(routerParts([], 4), null);
  });
});

describe('similarity of rows', () => {
  it('is the cosine, and its mean that of all pairs', () => {
    const data = Float32Array.from([1, 0, 2, 0, 0, 3]);
    const { cosines, mean } = rowSimilarity({ rows: 3, columns: 2, data });
    assert.deepEqual(cosines[1], [1, 1, 0]);
    assert.ok(mean !== null && Math.abs(mean - 1 / 3) < 1e-7);
    assert.equal(rowSimilarity({ rows: 1, columns: 2, data: data.subarray(0, 2) }).mean, null);
  });
});

describe('the path of a vector', () => {
  it('is seen along two directions at right angles, the same every time', () => {
    const [first, second] = directions(16);
    assert.ok(Math.abs(norm(first) - 1) < 1e-6 && Math.abs(norm(second) - 1) < 1e-6);
    assert.ok(Math.abs(dot(first, second)) < 1e-6);
    assert.deepEqual(directions(16)[0], first);
  });

  it('begins at 0 and keeps the distance in all dimensions', () => {
    const start = Float32Array.from({ length: 8 }, (_, i) => i);
    const [first] = directions(8);
    const moved = start.map((x, i) => x + 3 * first[i]);
    const path = pathOf([
      { step: 0, vector: start },
      { step: 9, vector: moved },
    ]);
    assert.deepEqual(path[0], { step: 0, x: 0, y: 0, distance: 0 });
    assert.ok(Math.abs(path[1].x - 3) < 1e-5 && Math.abs(path[1].y) < 1e-5);
    assert.ok(Math.abs(path[1].distance - 3) < 1e-5);
    assert.deepEqual(pathOf([]), []);
  });

  it('fits a frame that changes by doubling only', () => {
    assert.equal(reachOf([0.3, -0.6]), 1);
    assert.equal(reachOf([0.3, -1.1]), 2);
    assert.equal(reachOf([]), 2 ** -10);
  });
});
