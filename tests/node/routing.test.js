/** What routing() says of a call, against what can be worked out from the router's logits alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertClose,
  assertNear,
  liven,
  onEveryVariant,
  ROUTERS,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** @import { LayerRouting } from '../../web/types.js' */

/**
 * @param {LayerRouting[]} routing
 * @param {number} tokens
 * @param {number} topK
 * @param {number} experts
 * @param {boolean} [uniform] whether the chosen weigh the same
 */
function assertFollowsFromLogits(routing, tokens, topK, experts, uniform = false) {
  assert.equal(routing.length, TINY.layers);
  for (const { experts: ids, weights, logits, load, entropy } of routing) {
    assert.equal(logits.length, tokens * experts);
    assert.deepEqual([ids.length, weights.length, load.length], [tokens * topK, tokens * topK, experts]);
    const counts = new Float32Array(experts);
    let sum = 0;
    for (let n = 0; n < tokens; n++) {
      const row = Array.from(logits.subarray(n * experts, (n + 1) * experts));
      const order = row.map((_, id) => id).sort((a, b) => row[b] - row[a] || a - b);
      const chosen = order.slice(0, topK);
      assert.deepEqual([...ids.subarray(n * topK, (n + 1) * topK)], chosen, `token ${n}`);
      const powers = row.map((logit) => Math.exp(logit - row[order[0]]));
      const all = powers.reduce((a, b) => a + b);
      const part = chosen.reduce((total, id) => total + powers[id], 0);
      assertClose(
        weights.subarray(n * topK, (n + 1) * topK),
        chosen.map((id) => (uniform ? 1 / topK : powers[id] / part)),
        1e-5,
        'weights',
      );
      for (const id of chosen) counts[id]++;
      for (const power of powers) if (power > 0) sum -= (power / all) * Math.log(power / all);
    }
    assertClose(
      load,
      counts.map((count) => count / (tokens * topK)),
      1e-6,
      'load',
    );
    assertNear(entropy, experts === 1 ? 0 : sum / tokens / Math.log(experts), 1e-5, 'entropy');
  }
}

onEveryVariant((bench) => {
  for (const router of ROUTERS.filter((name) => name !== 'dense')) {
    test(`${router}: of every kind of call`, () => {
      const model = liven(bench.language({ ...TINY, router, dropout: 0.1 }));
      const segment = randomSegment(TINY, 1);
      const tokens = segment.inputs.length;
      for (const topK of [2, 1, 3, 4]) {
        model.topK = topK;
        for (const call of [
          () => model.evaluate(segment),
          () => model.gradients(segment),
          () => model.trainStep({ ...segment, learningRate: 0.01 }),
        ]) {
          call();
          assertFollowsFromLogits(model.routing(), tokens, topK, TINY.experts, router === 'hash');
        }
        const one = Int32Array.of(3);
        model.evaluate({ inputs: one, targets: one, length: 1, carryMemory: false });
        assertFollowsFromLogits(model.routing(), 1, topK, TINY.experts, router === 'hash');
        model.resetMemory();
      }
    });

    if (router === 'hash') continue;
    test(`${router}: of a classifier`, () => {
      const model = liven(bench.classifier({ ...TINY_CLASSIFIER, router }));
      const batch = randomBatch(TINY_CLASSIFIER, 1);
      model.trainStep({ ...batch, learningRate: 0.01 });
      assertFollowsFromLogits(model.routing(), TINY_CLASSIFIER.batchSize, 2, 4);
      model.predict(batch.inputs.subarray(0, 6));
      assertFollowsFromLogits(model.routing(), 2, 2, 4);
    });
  }

  test('ties go to the lower id', () => {
    const model = bench.language({ ...TINY, router: 'smoe', experts: 6, topK: 3 });
    for (const layer of [0, 1]) {
      model.setParameter(`layers.${layer}.pos_ff.gate.gate.weight`, new Float32Array(6 * TINY.dModel));
    }
    /** @type {[number[], number[]][]} */
    const cases = [
      [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 2],
      ],
      [
        [0, 1, 0, 1, 1, 1],
        [1, 3, 4],
      ],
      [
        [2, 0, 0, 1, 0, 0],
        [0, 3, 1],
      ],
      [
        [-1, -1, -2, -1, -1, 0],
        [5, 0, 1],
      ],
    ];
    for (const [bias, expected] of cases) {
      for (const layer of [0, 1]) {
        model.setParameter(`layers.${layer}.pos_ff.gate.gate.bias`, Float32Array.from(bias));
      }
      model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false });
      for (const { experts } of model.routing()) {
        for (let n = 0; n < experts.length; n += 3)
          assert.deepEqual([...experts.subarray(n, n + 3)], expected);
      }
      assertFollowsFromLogits(model.routing(), 18, 3, 6);
    }
  });

  test('one expert takes everything', () => {
    for (const router of ROUTERS.filter((name) => name !== 'dense')) {
      const model = bench.language({ ...TINY, router, experts: 1, topK: 1 });
      model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.01 });
      for (const { experts, weights, load, entropy } of model.routing()) {
        assert.ok(experts.every((id) => id === 0) && weights.every((weight) => weight === 1));
        assert.deepEqual([...load, entropy], [1, 0]);
      }
    }
  });

  test('before the first call there is none', () => {
    const model = bench.language(TINY);
    for (const { experts, weights, logits, load, entropy } of model.routing()) {
      assert.deepEqual([experts.length, weights.length, logits.length, entropy], [0, 0, 0, 0]);
      assert.ok(load.every((share) => share === 0));
    }
    assert.equal(model.logits().length, 0);
  });
});
