/** Gates, capacity, balancing and what else a mixture of experts is made of, as users meet them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertNear,
  assertSameParameters,
  GATED_ROUTERS,
  GATES,
  liven,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** @import { LayerRouting } from '../../web/types.js' */

const VARYING = ['expert-choice', 'relu'];

/**
 * Everything that can stand beside a router and a gate.
 * @param {typeof GATED_ROUTERS[number]} router
 * @param {typeof GATES[number]} gate
 */
function everything(router, gate) {
  const varies = VARYING.includes(gate);
  return {
    ...TINY,
    router,
    gate,
    sharedExperts: 1,
    routerScale: 2,
    routerNoise: router !== 'cosine',
    ...(varies ? {} : { capacityFactor: 1.25, balanceRate: 0.01 }),
    ...(varies || router === 'smoe-dropout' ? {} : { loadBalanceWeight: 0.01, routerZWeight: 0.001 }),
    ...(gate === 'relu' ? { sparsityWeight: 0.01 } : {}),
  };
}

/**
 * @param {LayerRouting} layer
 * @param {number} tokens
 */
function rowsOf({ experts, weights }, tokens) {
  const k = experts.length / tokens;
  return Array.from({ length: tokens }, (_, n) =>
    Array.from(experts.subarray(n * k, (n + 1) * k), (id, j) => ({ id, weight: weights[n * k + j] })),
  );
}

onEveryVariant((bench) => {
  for (const router of GATED_ROUTERS) {
    for (const gate of GATES) {
      test(`${router}, ${gate}: trains, resumes with the same bits, and generates`, () => {
        const model = liven(bench.language(everything(router, gate)));
        const segment = randomSegment(TINY, 1);
        const options = { learningRate: 0.01, clip: 1 };
        const first = model.trainStep({ ...segment, ...options }).loss;
        for (let step = 0; step < 20; step++) model.trainStep({ ...segment, ...options });
        const resumed = bench.openLanguage(model.saveCheckpoint({ optimizer: true }));
        assert.equal(resumed.sparsityWeight, model.sparsityWeight);
        for (let step = 0; step < 20; step++) {
          const results = [model, resumed].map((each) => each.trainStep({ ...segment, ...options }));
          assert.deepEqual(results[0], results[1]);
        }
        assertSameParameters(parametersOf(resumed), parametersOf(model));
        const { loss } = model.evaluate({ ...segment, carryMemory: false });
        assert.ok(loss < first / 2, `the loss falls, from ${first} to ${loss}`);

        const [one, other] = [model, resumed].map((each) => {
          return [...each.generate([1, 2, 3], { maxTokens: 30, seed: 5 })];
        });
        assert.deepEqual(one, other);
        for (const { token, routing } of one) {
          assert.ok(token >= 0 && token < TINY.vocabSize);
          for (const layer of routing) {
            assert.equal(
              layer.dropped.reduce((sum, n) => sum + n, 0),
              0,
              'no capacity in generation',
            );
            if (gate !== 'relu') assert.equal(layer.experts.length, TINY.topK);
          }
        }
      });
    }
  }

  describe('routing()', () => {
    for (const gate of GATES) {
      test(`${gate}: by falling logit, filled up with -1, with the load of what was chosen`, () => {
        const model = liven(bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe', gate }));
        const { options = [] } =
          bench.engine.configFields('classifier').find(({ name }) => name === 'gate') ?? {};
        const traits = options.find(({ name }) => name === gate)?.traits ?? [];
        model.evaluate(randomBatch(TINY_CLASSIFIER, 1));
        for (const layer of model.routing()) {
          const rows = rowsOf(layer, TINY_CLASSIFIER.batchSize);
          const counts = new Float64Array(TINY_CLASSIFIER.experts);
          rows.forEach((row, n) => {
            const chosen = row.filter(({ id }) => id >= 0);
            assert.deepEqual(
              row.slice(chosen.length),
              Array(row.length - chosen.length).fill({ id: -1, weight: 0 }),
            );
            const logits = chosen.map(({ id }) => layer.logits[n * TINY_CLASSIFIER.experts + id]);
            assert.deepEqual(
              logits,
              [...logits].sort((a, b) => b - a),
            );
            for (const { id } of chosen) counts[id]++;
            if (!VARYING.includes(gate)) assert.equal(chosen.length, TINY_CLASSIFIER.topK);
            if (traits.includes('normalised'))
              assertNear(
                chosen.reduce((sum, { weight }) => sum + weight, 0),
                1,
                1e-6,
                'sum of weights',
              );
          });
          const all = counts.reduce((sum, n) => sum + n, 0);
          layer.load.forEach((share, id) => {
            assertNear(share, counts[id] / all, 1e-6, 'load');
          });
          if (gate === 'expert-choice') assert.equal(new Set(counts).size, 1, 'even by construction');
        }
      });
    }

    test('capacity: what is dropped keeps its id, and weighs nothing', () => {
      const model = liven(
        bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe', gate: 'softmax-topk', capacityFactor: 0.5 }),
      );
      model.evaluate(randomBatch(TINY_CLASSIFIER, 1));
      const { batchSize, topK, experts } = TINY_CLASSIFIER;
      const limit = Math.ceil((0.5 * batchSize * topK) / experts);
      for (const layer of model.routing()) {
        const taken = new Int32Array(experts);
        const dropped = new Int32Array(experts);
        for (const { id, weight } of rowsOf(layer, batchSize).flat()) {
          if (taken[id] < limit) taken[id]++;
          else dropped[id]++;
          assert.equal(weight > 0, dropped[id] === 0, 'the first ones in the order of the tokens');
        }
        assert.deepEqual(layer.dropped, dropped);
        assert.ok(dropped.some((count) => count > 0));
      }
    });
  });

  test('a router learns at k = 1 with softmax-topk, and not with topk-softmax', () => {
    const moved = (/** @type {typeof GATES[number]} */ gate) => {
      const model = liven(bench.language({ ...TINY, router: 'smoe', gate, topK: 1 }));
      model.gradients(randomSegment(TINY, 1));
      const gradients = model.parameters().filter(({ name }) => name.endsWith('gate.gate.weight'));
      return gradients.every(({ grad }) => grad?.some((value) => value !== 0));
    };
    assert.equal(moved('topk-softmax'), false);
    assert.equal(moved('softmax-topk'), true);
  });

  test('the balancing bias moves in training alone, against the load, by its rate', () => {
    const model = liven(bench.language({ ...TINY, router: 'smoe', balanceRate: 0.125 }));
    const biases = () =>
      [...parametersOf(model)].filter(([name]) => name.endsWith('e_score_correction_bias'));
    for (const { name, trainable, grad } of model.parameters()) {
      if (name.endsWith('e_score_correction_bias')) assert.deepEqual([trainable, grad], [false, null]);
    }
    const segment = randomSegment(TINY, 1);
    model.evaluate(segment);
    model.gradients(segment);
    assert.ok(biases().every(([, data]) => data.every((value) => value === 0)));
    model.trainStep({ ...segment, carryMemory: false, learningRate: 0 });
    const routing = model.routing();
    biases().forEach(([name, data], layer) => {
      const mean = 1 / TINY.experts;
      const expected = Array.from(
        routing[layer].load,
        (share) => 0.125 * Math.sign(Math.fround(mean) - share),
      );
      assert.deepEqual(
        [...data],
        expected.map((value) => value + 0),
        name,
      );
    });
  });

  test('files of version 0.1 and files without state open, and begin with what is configured', () => {
    const plain = bench.language({ ...TINY, router: 'smoe' });
    const { gate, capacityFactor, ...config } = plain.config;
    const file = plain.saveCheckpoint();
    const balanced = bench.openLanguage(file, { balanceRate: 0.01 });
    for (const [name, data] of parametersOf(balanced)) {
      if (name.endsWith('e_score_correction_bias')) assert.ok(data.every((value) => value === 0));
    }
    const sparse = bench.openLanguage(file, { gate: 'relu', sparsityWeight: 0.5 });
    assert.equal(sparse.sparsityWeight, 0.5);
    const again = bench.openLanguage(sparse.saveCheckpoint(), { sparsityWeight: 0.25 });
    assert.equal(again.sparsityWeight, 0.25, 'what is asked for stands before what is in the file');
    const unbalanced = bench.openLanguage(balanced.saveCheckpoint(), { balanceRate: 0 });
    assert.ok(unbalanced.parameters().every(({ name }) => !name.endsWith('correction_bias')));
    const old = bench.openLanguage(file, { ...config });
    assert.equal(old.config.gate, 'topk-softmax');
  });

  test('ReLU routing comes to as many experts per token as topK says', () => {
    const config = { ...TINY, router: /** @type {const} */ ('smoe'), gate: /** @type {const} */ ('relu') };
    const model = liven(bench.language({ ...config, experts: 8, topK: 2, sparsityWeight: 1e-3 }));
    let experts = 0;
    for (let step = 0; step < 600; step++) {
      model.trainStep({ ...randomSegment(TINY, step % 7), learningRate: 0.003, clip: 1 });
      if (step < 500) continue;
      for (const { experts: ids } of model.routing()) {
        experts += ids.filter((id) => id >= 0).length / randomSegment(TINY, 1).inputs.length / 200;
      }
    }
    assert.ok(experts > 1.5 && experts < 2.6, `${experts} experts per token`);
  });

  test('logits far below zero, and logits that are no numbers', () => {
    for (const gate of GATES) {
      const model = liven(bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe', gate, layers: 1 }));
      const batch = randomBatch(TINY_CLASSIFIER, 1);
      const bias = (/** @type {number} */ value) =>
        model.setParameter(
          'layers.0.pos_ff.gate.gate.bias',
          new Float32Array(TINY_CLASSIFIER.experts).fill(value),
        );
      bias(-500);
      assert.ok(Number.isFinite(model.evaluate(batch).loss), gate);
      assert.ok(Number.isFinite(model.gradients(batch).loss), gate);
      if (gate !== 'relu') {
        for (const { weights } of model.routing())
          assert.ok(weights.every((weight) => weight >= 0 && weight <= 1));
      }
      bias(0);
      // No parameter may be NaN, but sums of large numbers become it.
      const huge = batch.inputs.map((_, i) => (i % 2 ? 3e38 : -3e38));
      const weight = /** @type {Float32Array} */ (parametersOf(model).get('input.weight'));
      model.setParameter(
        'input.weight',
        weight.map((each) => each * 1e5),
      );
      assert.throws(() => model.evaluate({ ...batch, inputs: huge }), { name: 'DivergedError' }, gate);
    }
  });
});
