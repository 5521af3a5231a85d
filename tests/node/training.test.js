/** A training step, and what each of its options does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertClose,
  assertNear,
  assertSameBits,
  assertSameParameters,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomSegment,
  TINY,
} from './helpers.js';
import { readSafetensors } from './safetensors.js';
import { LEARNER, segmentsOf } from './tasks.js';

/** @import { LanguageConfig } from '../../web/types.js' */
/** @import { AnyModel } from './helpers.js' */

/**
 * The numbers of all trainable tensors in a row, in the order of `parameters()`.
 * @param {AnyModel} model
 * @param {'data' | 'grad'} what
 */
function flat(model, what) {
  const trainable = model.parameters().filter(({ trainable }) => trainable);
  return Float64Array.from(
    trainable.flatMap((parameter) => [.../** @type {Float32Array} */ (parameter[what])]),
  );
}

/**
 * Adam's moments, out of a checkpoint.
 * @param {AnyModel} model
 * @param {'m' | 'v'} which
 */
function moments(model, which) {
  const { tensors } = readSafetensors(model.saveCheckpoint({ optimizer: true }));
  const trainable = model.parameters().filter(({ trainable }) => trainable);
  return Float64Array.from(
    trainable.flatMap(({ name }) => [...(tensors.get(`optimizer.${which}.${name}`)?.data ?? [])]),
  );
}

/** @param {Float64Array} values */
function norm(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** @param {ArrayLike<number>} row @returns {number} the logarithm of the sum of the exponentials */
function logSum(row) {
  const values = Array.from(row);
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
}

onEveryVariant((bench) => {
  describe('a step', () => {
    for (const router of ROUTERS) {
      test(`${router}: changes the trained tensors, and nothing else`, () => {
        const model = liven(bench.language({ ...TINY, router }));
        // Above ln 100 a temperature is held, and has no gradient.
        for (const { name } of model.parameters().filter(({ name }) => name.endsWith('gate.temperature')))
          model.setParameter(name, Float32Array.of(0.5));
        const before = parametersOf(model);
        // Enough tokens for every expert, every symbol and every distance.
        for (let step = 0; step < 5; step++) {
          model.topK = 4;
          model.trainStep({ ...randomSegment(TINY, step), learningRate: 0.01 });
        }
        /** @type {Record<string, RegExp>} */
        const frozenOf = {
          hyperrouter: /gate\.hypernet/,
          'smoe-dropout': /gate\.gate/,
          hash: /gate\.table/,
        };
        const frozen = frozenOf[router] ?? /^$/;
        for (const { name, trainable, data } of model.parameters()) {
          assert.equal(trainable, !frozen.test(name), name);
          const moved = data.some((value, i) => value !== before.get(name)?.[i]);
          assert.equal(moved, trainable, name);
        }
        assert.equal(
          model.parameters().some(({ name }) => /gate/.test(name)),
          router !== 'dense',
        );
      });
    }

    test('is one of Adam, with decoupled weight decay and clipping', () => {
      const options = { beta1: 0.8, beta2: 0.9, epsilon: 1e-4, weightDecay: 0.3 };
      const { beta1, beta2, epsilon, weightDecay } = options;
      const model = liven(bench.language({ ...TINY, ...options, router: 'smoe' }));
      let [m, v] = [0, 0].map(() => new Float64Array(model.trainableParameterCount));
      for (let step = 1; step <= 4; step++) {
        const [learningRate, clip] = [0.01 * step, step % 2 ? 0.5 : 0];
        const before = flat(model, 'data');
        const { gradNorm } = model.trainStep({ ...randomSegment(TINY, step), learningRate, clip });
        const gradient = flat(model, 'grad');
        assertNear(norm(gradient) / gradNorm, 1, 1e-5, 'gradNorm is the norm of the gradients');
        const scale = clip > 0 && gradNorm > clip ? clip / (gradNorm + 1e-6) : 1;
        assert.equal(scale < 1, clip > 0, 'the gradients are large enough to be clipped');
        m = m.map((value, i) => beta1 * value + (1 - beta1) * scale * gradient[i]);
        v = v.map((value, i) => beta2 * value + (1 - beta2) * (scale * gradient[i]) ** 2);
        const expected = before.map((value, i) => {
          const [mean, square] = [m[i] / (1 - beta1 ** step), v[i] / (1 - beta2 ** step)];
          return value - learningRate * (mean / (Math.sqrt(square) + epsilon) + weightDecay * value);
        });
        assertClose(moments(model, 'm'), m, 1e-5, `step ${step}: first moment`);
        assertClose(moments(model, 'v'), v, 1e-5, `step ${step}: second moment`);
        assertClose(flat(model, 'data'), expected, 2e-6, `step ${step}: parameters`);
      }
    });

    test('gradients takes no step: it only computes the gradients', () => {
      const [model, twin] = [1, 2].map(() => liven(bench.language({ ...TINY, dropout: 0.2 })));
      const segment = randomSegment(TINY, 1);
      const before = parametersOf(model);
      const { loss, gradNorm, auxiliaryLoss } = model.gradients(segment);
      assertSameParameters(parametersOf(model), before);
      assert.equal(model.step, 0);
      const step = twin.trainStep({ ...segment, learningRate: 0.01 });
      assert.deepEqual(step, { loss, gradNorm, auxiliaryLoss });
      assert.deepEqual(flat(model, 'grad'), flat(twin, 'grad'));
      assert.ok(norm(flat(model, 'grad')) > 0);
    });

    test('with learningRate 0 changes nothing but step, moments and memory', () => {
      const model = liven(bench.language({ ...TINY, weightDecay: 0.1 }));
      const before = parametersOf(model);
      model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0 });
      assertSameParameters(parametersOf(model), before);
      assert.equal(model.step, 1);
      assert.ok(norm(moments(model, 'm')) > 0);
      assert.equal(model.saveMemory().length, TINY.contextLength);
    });
  });

  describe('clip', () => {
    test('scales the gradient down to its norm, and only down', () => {
      const segment = randomSegment(TINY, 1);
      const { gradNorm } = liven(bench.language(TINY)).gradients(segment);
      for (const clip of [gradNorm / 100, gradNorm * 0.99, gradNorm * 1.01, gradNorm * 100, 0, undefined]) {
        const model = liven(bench.language(TINY));
        const result = model.trainStep({ ...segment, learningRate: 0.01, clip });
        assert.equal(result.gradNorm, gradNorm, 'the norm before clipping');
        const used = norm(moments(model, 'm')) / 0.1;
        const expected = clip && clip < gradNorm ? clip : gradNorm;
        assertNear(used / expected, 1, 1e-4, `clip ${clip}: norm of the gradient that was used`);
        assertNear(norm(flat(model, 'grad')) / gradNorm, 1, 1e-5, 'grad is before clipping');
      }
    });
  });

  describe('weight decay', () => {
    test('shrinks every trained parameter by learningRate x weightDecay of itself, besides the step', () => {
      const [plain, decaying] = [0, 0.5].map((weightDecay) =>
        liven(bench.language({ ...TINY, weightDecay })),
      );
      const before = flat(plain, 'data');
      for (const model of [plain, decaying])
        model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.01 });
      const [without, withDecay] = [flat(plain, 'data'), flat(decaying, 'data')];
      assertClose(
        withDecay,
        without.map((value, i) => value - 0.01 * 0.5 * before[i]),
        1e-6,
        'parameters',
      );
      assert.ok(norm(withDecay) < norm(without));
      for (const [name, data] of parametersOf(decaying)) {
        if (/hypernet/.test(name)) assertSameBits(data, parametersOf(plain).get(name) ?? data, name);
      }
    });
  });

  describe('dropout', () => {
    for (const key of /** @type {const} */ (['dropout', 'attentionDropout'])) {
      test(`${key}: in training only`, () => {
        const [plain, dropping] = [0, 0.5].map((rate) => liven(bench.language({ ...TINY, [key]: rate })));
        const segment = { ...randomSegment(TINY, 1), carryMemory: false };
        const { loss } = plain.evaluate(segment);
        assert.equal(dropping.evaluate(segment).loss, loss);
        assertNear(plain.gradients(segment).loss, loss, 1e-6, 'gradients without dropout');
        const dropped = dropping.gradients(segment).loss;
        assert.ok(Math.abs(dropped - loss) > 1e-3, `${dropped} with dropout, ${loss} without`);
        assert.equal(dropping.evaluate(segment).loss, loss, 'evaluate after it');
        assert.deepEqual(
          [...dropping.generate([1, 2], { maxTokens: 5, temperature: 0 })].map(({ token }) => token),
          [...plain.generate([1, 2], { maxTokens: 5, temperature: 0 })].map(({ token }) => token),
        );
      });

      test(`${key}: another mask at each step, from the seed`, () => {
        const segment = { ...randomSegment(TINY, 1), carryMemory: false };
        const losses = [20, 20, 21].map((seed) => {
          const model = bench.language({ ...TINY, [key]: 0.5, seed });
          const same = liven(bench.language(TINY));
          for (const { name, data } of same.parameters()) model.setParameter(name, data);
          return [0, 1, 2, 3].map(() => model.trainStep({ ...segment, learningRate: 0 }).loss);
        });
        assert.equal(new Set(losses[0]).size, 4);
        assert.deepEqual(losses[1], losses[0]);
        assert.equal(new Set([...losses[0], ...losses[2]]).size, 8);
      });
    }

    test('drops its share of the numbers and scales up the others', () => {
      // The memory of the first layer is the embedding after dropout.
      const rate = 0.3;
      const { dModel, batchSize, contextLength } = TINY;
      const model = liven(bench.language({ ...TINY, dropout: rate, memoryLength: contextLength }));
      const embedding = parametersOf(model).get('word_emb.emb_layers.0.weight') ?? new Float32Array(0);
      let [dropped, all] = [0, 0];
      for (let seed = 0; seed < 50; seed++) {
        const segment = randomSegment(TINY, seed);
        model.trainStep({ ...segment, learningRate: 0 });
        const [rows] = model.saveMemory().layers;
        assert.equal(rows.length, batchSize * contextLength * dModel);
        rows.forEach((value, i) => {
          const full =
            embedding[segment.inputs[Math.floor(i / dModel)] * dModel + (i % dModel)] * Math.sqrt(dModel);
          if (value === 0) dropped++;
          else assertNear(value, full / (1 - rate), 1e-5 * Math.abs(full), 'a number that was kept');
          all++;
        });
      }
      // Five standard deviations.
      assertNear(dropped / all, rate, 5 * Math.sqrt((rate * (1 - rate)) / all), 'share of what was dropped');
    });
  });

  describe('auxiliary losses of smoe', () => {
    test('are what their formulas say', () => {
      const [balance, z] = [0.3, 0.02];
      const { experts, topK } = TINY;
      const config = /** @type {const} */ ({
        ...TINY,
        router: 'smoe',
        loadBalanceWeight: balance,
        routerZWeight: z,
      });
      const model = liven(bench.language(config));
      const { auxiliaryLoss, loss } = model.gradients(randomSegment(TINY, 1));
      let expected = 0;
      for (const { logits, experts: chosen } of model.routing()) {
        const tokens = chosen.length / topK;
        const share = new Float64Array(experts);
        for (const id of chosen) share[id] += 1 / chosen.length;
        const mean = new Float64Array(experts);
        let squares = 0;
        for (let n = 0; n < tokens; n++) {
          const row = logits.subarray(n * experts, (n + 1) * experts);
          const sum = logSum(row);
          squares += sum ** 2 / tokens;
          row.forEach((logit, id) => {
            mean[id] += Math.exp(logit - sum) / tokens;
          });
        }
        expected += z * squares + balance * experts * share.reduce((total, f, id) => total + f * mean[id], 0);
      }
      assertNear(auxiliaryLoss / expected, 1, 1e-5, 'auxiliary loss');
      const { auxiliaryLoss: none, loss: same } = liven(
        bench.language({ ...TINY, router: 'smoe' }),
      ).gradients(randomSegment(TINY, 1));
      assert.equal(none, 0);
      assert.equal(loss, same, 'they are not in the loss');
    });

    test('have the gradient that finite differences give', () => {
      const config = /** @type {const} */ ({ ...TINY, router: 'smoe', layers: 1, topK: 1 });
      const model = liven(bench.language({ ...config, loadBalanceWeight: 0.5, routerZWeight: 0.5 }));
      const segment = { ...randomSegment(TINY, 1), carryMemory: false };
      const name = 'layers.0.pos_ff.gate.gate.bias';
      const total = () => {
        const { loss, auxiliaryLoss } = model.gradients(segment);
        return loss + auxiliaryLoss;
      };
      total();
      const chosen = model.routing()[0].experts;
      const { data, grad } = model.parameters().find((parameter) => parameter.name === name) ?? {};
      assert.ok(data && grad && data.length === TINY.experts);
      const step = 0.01;
      const differences = data.map((value, i) => {
        const [above, below] = [step, -step].map((change) => {
          model.setParameter(name, data.with(i, value + change));
          const sum = total();
          assert.deepEqual(model.routing()[0].experts, chosen, 'no token changes its expert');
          return sum;
        });
        return (above - below) / (2 * step);
      });
      assertClose(grad, differences, 2e-3, 'gradient of the bias of the router');
    });

    test('loadBalanceWeight makes the load more even', () => {
      const spread = [0, 0.1].map((loadBalanceWeight) => {
        const config = /** @type {LanguageConfig} */ ({
          ...LEARNER,
          router: 'smoe',
          topK: 1,
          loadBalanceWeight,
        });
        const model = bench.language(config);
        // Unbalanced to begin with: one expert is preferred by all tokens.
        model.setParameter('layers.0.pos_ff.gate.gate.bias', Float32Array.of(0.2, 0, 0, 0));
        // Over many segments, since a single one is small.
        const load = [0, 0, 0, 0];
        let step = 0;
        for (const segment of segmentsOf(1, 150)) {
          model.trainStep({ ...segment, learningRate: 0.01 });
          if (step++ < 100) continue;
          for (const [expert, share] of model.routing()[0].load.entries()) load[expert] += share / 50;
        }
        return Math.sqrt(load.reduce((sum, share) => sum + (share * 4 - 1) ** 2, 0) / 4);
      });
      assert.ok(spread[1] < 0.3 && spread[1] < 0.3 * spread[0], `variation of the load: ${spread}`);
    });

    test('routerZWeight pulls the sums of the exponentials to 1', () => {
      const sums = [0, 0.1].map((routerZWeight) => {
        const config = /** @type {LanguageConfig} */ ({ ...TINY, router: 'smoe', routerZWeight });
        const model = liven(bench.language(config));
        for (let step = 0; step < 100; step++)
          model.trainStep({ ...randomSegment(TINY, step), learningRate: 0.01 });
        const [{ logits }] = model.routing();
        const rows = Array.from({ length: logits.length / 4 }, (_, n) => logits.subarray(4 * n, 4 * n + 4));
        return rows.reduce((sum, row) => sum + logSum(row) ** 2, 0);
      });
      assert.ok(sums[1] < 0.2 * sums[0], `sums of the squared logarithms: ${sums}`);
    });
  });

  describe('topK in training', () => {
    test('may change at every step', () => {
      const model = bench.language({ ...LEARNER, topK: 2 });
      let [steps, first, last] = [0, 0, 0];
      for (const segment of segmentsOf(1, 200)) {
        model.topK = 1 + (steps % 4);
        last = model.trainStep({ ...segment, learningRate: 0.01, clip: 1 }).loss;
        const tokens = segment.inputs.length;
        const [{ experts, weights }] = model.routing();
        assert.deepEqual([experts.length, weights.length], [tokens * model.topK, tokens * model.topK]);
        if (steps++ === 0) first = last;
      }
      assert.ok(last < 0.6 * first, `loss ${first}, then ${last}`);
    });

    for (const router of /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout'])) {
      test(`${router}: more than planned gives the same as if it had been planned`, () => {
        const base = { ...TINY, router, dropout: 0.2 };
        const planned = liven(bench.language({ ...base, topK: 4 }));
        const model = liven(bench.language({ ...base, topK: 1 }));
        model.topK = 4;
        for (let step = 0; step < 3; step++) {
          const segment = { ...randomSegment(TINY, step), learningRate: 0.001 };
          const [a, b] = [model.trainStep(segment), planned.trainStep(segment)];
          assertNear(a.loss, b.loss, 1e-5, 'loss');
          assertNear(a.gradNorm / b.gradNorm, 1, 1e-4, 'gradNorm');
          if (step === 0) assertClose(flat(model, 'grad'), flat(planned, 'grad'), 1e-5, 'gradients');
        }
      });
    }

    test('dense takes every expert always', () => {
      const model = liven(bench.language({ ...TINY, router: 'dense' }));
      const losses = [1, 2, 4].map((topK) => {
        model.topK = topK;
        return model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false }).loss;
      });
      assert.equal(new Set(losses).size, 1);
      assert.deepEqual(model.routing(), []);
    });
  });
});
