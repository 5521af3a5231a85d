/** Text classifiers: golden cases, sequences of different lengths, pretrained bodies, rates of the head, class weights. */
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import * as direct from '../../web/index.js';
import * as twin from '../../web/worker.js';
import { assertGradients, assertTrained, expectedOf, LOSS, read, VALUES } from './golden-cases.js';
import {
  assertClose,
  assertNear,
  assertSameBits,
  assertSameParameters,
  errorOf,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomIds,
  randomSequences,
  TINY,
  TINY_TEXT_CLASSIFIER,
} from './helpers.js';
import { CONFIG as SAVED, withTensors } from './safetensors.js';

const CASES = ['text-classifier', 'text-classifier-balanced'];
const CONFIG = TINY_TEXT_CLASSIFIER;
const BATCH = randomSequences(CONFIG, 1);

/** Rows of an input, without padding. @param {typeof BATCH} batch */
function rowsOf({ inputs, lengths }) {
  const width = inputs.length / lengths.length;
  return Array.from(lengths, (length, i) => inputs.slice(i * width, i * width + length));
}

/** Many labelled sequences: their class is the first token's remainder. @param {number} count */
function learnable(count) {
  const { inputs, lengths } = randomSequences({ ...CONFIG, batchSize: count }, 5);
  const width = inputs.length / count;
  return { inputs, lengths, targets: lengths.map((_, i) => inputs[i * width] % CONFIG.classes) };
}

const inHead = (/** @type {string} */ name) => name.startsWith('project_head.');

onEveryVariant((bench) => {
  for (const folder of CASES) {
    describe(folder, () => {
      const expected = expectedOf(folder);
      const batch = {
        inputs: Int32Array.from(expected.inputs.flat()),
        lengths: Int32Array.from(expected.lengths),
        targets: Int32Array.from(expected.targets),
      };
      const openModel = () => bench.openTextClassifier(read(folder, 'model.safetensors'));

      test('loss, probabilities and routing', () => {
        const model = openModel();
        assertNear(model.evaluate(batch).loss, expected.loss, LOSS, 'loss');
        const { inputs, lengths } = batch;
        assertClose(
          model.predict({ inputs, lengths }),
          expected.probabilities.flat(),
          VALUES,
          'probabilities',
        );
        const routing = model.routing();
        routing.forEach(({ experts, weights, logits, load, dropped }, layer) => {
          // One list of layers for each sequence.
          const chosen = expected.routing.flatMap((/** @type {any} */ one) => one[layer].chosen);
          assert.deepEqual(
            [...experts],
            chosen.flatMap((/** @type {any} */ token) =>
              token.map((/** @type {number[]} */ [expert]) => expert),
            ),
          );
          assertClose(
            weights,
            chosen.flatMap((/** @type {any} */ token) =>
              token.map((/** @type {number[]} */ [, weight]) => weight),
            ),
            VALUES,
            'weights',
          );
          const wanted = expected.routing.flatMap((/** @type {any} */ one) => one[layer].logits.flat());
          assertClose(logits, wanted, VALUES, 'router logits');
          assertNear(
            load.reduce((sum, share) => sum + share, 0),
            1,
            1e-6,
            'load',
          );
          assert.ok(dropped.every((count) => count === 0));
        });
      });

      test('gradients and training', () => {
        const model = openModel();
        const { loss, gradNorm } = model.gradients(batch);
        assertNear(loss, expected.loss, LOSS, 'loss');
        assertNear(gradNorm / expected.gradNorm, 1, VALUES, 'relative gradNorm');
        assertGradients(model, folder);
        const { learningRate, clip } = expected;
        for (const step of expected.train) {
          const result = model.trainStep({ ...batch, learningRate, clip });
          assertNear(result.loss, step.loss, 2 * LOSS, 'loss of a step');
          assertNear(result.gradNorm / step.gradNorm, 1, VALUES, 'relative gradNorm of a step');
        }
        assertTrained(model, folder);
      });
    });
  }

  test('padding, its width and the form of the input change no bit', () => {
    for (const router of ROUTERS) {
      const models = [0, 1, 2].map(() =>
        liven(bench.textClassifier({ ...CONFIG, router, dropout: 0.1, headDropout: 0.2 })),
      );
      const rows = rowsOf(BATCH);
      const wide = new Int32Array(CONFIG.batchSize * 30).fill(18);
      rows.forEach((row, i) => {
        wide.set(row, i * 30);
      });
      const { lengths, targets } = BATCH;
      const forms = [
        BATCH,
        { inputs: wide, lengths, targets },
        { inputs: rows.map((row) => [...row]), targets },
      ];
      const results = models.map((model, i) => model.trainStep({ ...forms[i], learningRate: 0.01, clip: 1 }));
      assert.deepEqual(results[1], results[0], router);
      assert.deepEqual(results[2], results[0], router);
      assertSameParameters(parametersOf(models[1]), parametersOf(models[0]), router);
      assertSameParameters(parametersOf(models[2]), parametersOf(models[0]), router);
      bench.disposeModels();
    }
  });

  test('any number of sequences is predicted, evaluated and measured, and only real tokens count', async () => {
    const model = liven(bench.textClassifier(CONFIG));
    const data = learnable(13);
    const all = model.predict({ inputs: data.inputs, lengths: data.lengths });
    const rows = rowsOf(data);
    rows.forEach((row, i) => {
      const alone = model.predict({ inputs: [row] });
      assertClose(alone, all.subarray(i * 3, i * 3 + 3), 1e-4, `sequence ${i} alone`);
      assert.equal(model.routing()[0].experts.length, row.length * CONFIG.topK);
      assert.equal(model.hiddenStates(CONFIG.layers).length, row.length * CONFIG.dModel);
    });
    /** @type {unknown[]} */
    const progress = [];
    const evaluation = await direct.evaluateSequences(model, data, {
      onProgress: (done) => progress.push(done),
    });
    const { loss, accuracy, count, f1, macroF1, predictions } = evaluation;
    assert.deepEqual(
      progress,
      [5, 10, 13].map((done) => ({ count: done, total: 13 })),
    );
    const right = data.targets.filter((target, i) => {
      const row = [...all.subarray(i * 3, i * 3 + 3)];
      return row.indexOf(Math.max(...row)) === target;
    }).length;
    assert.deepEqual([accuracy, count], [right / 13, 13]);
    const matrix = direct.confusionMatrix(data.targets, predictions, 3);
    assert.equal(
      matrix.flat().reduce((sum, n) => sum + n, 0),
      13,
    );
    assert.equal(matrix[0][0] + matrix[1][1] + matrix[2][2], right);
    const expected = matrix.map((row, id) => {
      const [targets, found] = [row, matrix.map((other) => other[id])].map((list) =>
        list.reduce((a, b) => a + b),
      );
      return targets + found === 0 ? null : (2 * row[id]) / (targets + found);
    });
    assert.deepEqual(f1, expected);
    const occurring = expected.filter((score) => score !== null);
    assertNear(macroF1, occurring.reduce((a, b) => a + b, 0) / occurring.length, 1e-12, 'macro F1');
    const nats = -data.targets.reduce((sum, target, i) => sum + Math.log(all[i * 3 + target]), 0) / 13;
    assertNear(loss, nats, 1e-5, 'loss');
    const [first] = model.measure(data);
    const perToken = data.lengths.reduce((sum, length) => sum + length, 0);
    assertNear(first.expertsPerToken, CONFIG.topK, 1e-9, 'experts per token');
    assert.equal(first.switchRate, null);
    assert.equal(model.measure(data)[0].switchRate, 0);
    assert.ok(Number(first.specialisation) > 0);
    const classes = new Int32Array(perToken);
    assert.equal(model.measure(data, { classes })[0].specialisation, 0);
  });

  test('F1 of a class that does not occur is not counted', async () => {
    const logits = Float32Array.of(...[2, 1, 0], ...[0, 1, 0], ...[3, 1, 3]);
    const model = {
      config: { batchSize: 3, classes: 3 },
      evaluate: () => ({ loss: 1 }),
      logits: () => logits,
    };
    const data = { inputs: [[1], [1], [1]], targets: [0, 0, 1] };
    const { f1, macroF1, accuracy, predictions } = await direct.evaluateSequences(model, data);
    assert.deepEqual([...predictions], [0, 1, 0]);
    assert.deepEqual([f1, macroF1, accuracy], [[0.5, 0, null], 0.25, 1 / 3]);
    assert.deepEqual(direct.confusionMatrix([0, 0, 1], [0, 1, 0], 3), [
      [1, 1, 0],
      [1, 0, 0],
      [0, 0, 0],
    ]);
    for (const [call, message] of /** @type {[() => unknown, RegExp][]} */ ([
      [
        () => direct.confusionMatrix([0, 1], [0], 2),
        /predictions must have one number for each of the 2 targets/,
      ],
      [() => direct.confusionMatrix([2], [0], 2), /targets\[0\] must be from 0 to 1, got 2/],
      [() => direct.confusionMatrix([0], [-1], 2), /predictions\[0\] must be from 0 to 1, got -1/],
      [() => direct.confusionMatrix([0], [0], 1e6), /classes must be an integer from 1 to 8192/],
    ]))
      assert.throws(call, message);
    await assert.rejects(
      direct.evaluateSequences(model, data, /** @type {any} */ ({ onProgress: 1 })),
      /onProgress must be a function/,
    );
  });

  test('training learns, and goes on from a checkpoint with the same bits', async () => {
    const data = learnable(40);
    const model = bench.textClassifier({ ...CONFIG, dropout: 0.05, headDropout: 0.1 });
    const options = { steps: 120, every: 40, learningRate: 0.02, validation: data, probe: data };
    const last = await model.train(data, options);
    assert.ok(last.loss < 0.3, `${last.loss}`);
    assert.ok(Number(last.validation?.accuracy) > 0.9);
    assert.equal(last.measures?.length, CONFIG.layers);
    const again = bench.openTextClassifier(model.saveCheckpoint({ optimizer: true }));
    assert.deepEqual(again.config, model.config);
    const step = { ...BATCH, learningRate: 0.01, clip: 0.5 };
    for (let i = 0; i < 3; i++) assert.deepEqual(again.trainStep(step), model.trainStep(step));
    assertSameParameters(parametersOf(again), parametersOf(model));
  });

  test('a body takes over the tensors of a language model, and says which it did not', () => {
    const language = liven(bench.language({ ...TINY, sharedExperts: 1, preLayerNorm: true }));
    language.metadata = { vocabulary: 'of the language model' };
    const file = language.saveCheckpoint({ optimizer: true });
    const { hyperSize, ...rest } = TINY;
    const model = bench.textClassifier({ classes: 3 }, file);
    assert.ok(model.transfer);
    const { taken, notTaken, unused } = model.transfer;
    assert.deepEqual(
      notTaken,
      [0, 3].flatMap((i) => [`project_head.${i}.weight`, `project_head.${i}.bias`]),
    );
    assert.deepEqual(unused, ['crit.out_layers.0.bias']);
    assert.deepEqual(model.metadata, language.metadata);
    assert.deepEqual(
      [model.config.preLayerNorm, model.config.sharedExperts, model.config.hyperSize, model.config.vocabSize],
      [true, 1, hyperSize, rest.vocabSize],
    );
    const [from, to] = [parametersOf(language), parametersOf(model)];
    for (const name of taken) {
      assertSameBits(/** @type {any} */ (to.get(name)), /** @type {any} */ (from.get(name)), name);
    }
    // The same body: without memory, the last layer gives the same.
    const inputs = randomIds(TINY.contextLength, TINY.vocabSize, 3);
    model.predict({ inputs: [inputs] });
    language.evaluate({ inputs, targets: inputs, carryMemory: false });
    assertSameBits(model.hiddenStates(TINY.layers), language.hiddenStates(TINY.layers), 'hidden states');

    const config = { ...language.config, classes: 3, layers: 3, dInner: 12 };
    const other = bench.textClassifier(config, language.saveCheckpoint({ dtype: 'f16' }));
    assert.ok(other.transfer);
    assert.ok(other.transfer.notTaken.includes('layers.2.dec_attn.o_net.weight'));
    assert.ok(other.transfer.unused.includes('layers.0.pos_ff.experts.htoh4.weight'));
    assert.ok(other.transfer.taken.includes('word_emb.emb_layers.0.weight'));
    assert.equal(bench.textClassifier(CONFIG).transfer, null);
    for (const [own, from, message] of /** @type {const} */ ([
      [CONFIG, new Uint8Array(7), /too short/],
      [
        CONFIG,
        bench.classifier({ dModel: 10 }).saveCheckpoint(),
        /no tensor of the file has the name and shape/,
      ],
      [
        { classes: 3 },
        withTensors(language.saveCheckpoint(), (_, metadata) => {
          metadata[SAVED] = metadata[SAVED].replace('"layers":2', '"layers":0');
        }),
        /hyperrouter\.config in the file is invalid: config\.layers must be an integer from 1 to 128, got 0/,
      ],
    ])) {
      const error = errorOf(() => bench.textClassifier(own, from));
      assert.ok(error instanceof direct.CheckpointError, String(error));
      assert.match(error.message, message);
    }
  });

  test('the head has a rate of its own, and a frozen body stays as it is', async () => {
    const config = { ...CONFIG, router: /** @type {const} */ ('smoe'), balanceRate: 0.1 };
    const [plain, own, frozen] = [0, 1, 2].map(() => bench.textClassifier(config));
    const before = parametersOf(plain);
    const step = { ...BATCH, learningRate: 0.01 };
    const result = plain.trainStep(step);
    assert.equal(own.trainStep({ ...step, headLearningRate: 0.02 }).gradNorm, result.gradNorm);
    const alone = frozen.trainStep({ ...BATCH, learningRate: 0, headLearningRate: 0.01 });
    assert.ok(alone.loss === result.loss && alone.gradNorm < result.gradNorm);
    const [p, o, f] = [plain, own, frozen].map(parametersOf);
    for (const [name, start] of before) {
      const same = (/** @type {Map<string, Float32Array>} */ a, /** @type {Map<string, Float32Array>} */ b) =>
        Buffer.from(/** @type {any} */ (a.get(name)).buffer).equals(
          Buffer.from(/** @type {any} */ (b.get(name)).buffer),
        );
      assert.equal(same(p, o), !inHead(name), `${name} with a rate of the head`);
      assert.equal(same(f, inHead(name) ? p : before), true, `${name} with a frozen body`);
      assert.ok(start.length > 0);
    }
    // The next step is one as usual.
    assert.equal(frozen.gradients(BATCH).gradNorm > alone.gradNorm, true);

    const { loss, learningRate } = await frozen.train(learnable(20), {
      ...{ steps: 30, schedule: 'cosine', warmup: 0, learningRate: 0, headLearningRate: 0.05 },
    });
    assert.ok(loss > 0 && learningRate > 0 && learningRate < 0.001);
    for (const [name, data] of parametersOf(frozen)) {
      if (!inHead(name)) assertSameBits(data, /** @type {Float32Array} */ (before.get(name)), name);
    }
    for (const [options, message] of /** @type {const} */ ([
      [{ headLearningRate: 0.1 }, /learningRate, that of the body, must be given/],
      [{ learningRate: 0, headLearningRate: 0 }, /headLearningRate must be above 0/],
      [{ learningRate: 0.1, headLearningRate: -1 }, /headLearningRate must be a finite number from 0/],
      [{ schedule: () => 0.1, headLearningRate: 0.1 }, /headLearningRate must be left out if schedule/],
    ])) {
      assert.throws(() => own.train(learnable(5), { steps: 1, ...options }), message);
    }
  });

  test('classes weigh in the loss as in CrossEntropyLoss(weight), in training too', async () => {
    const weights = [0.25, 3, 1.5];
    const model = liven(bench.textClassifier(CONFIG));
    const probabilities = model.predict({ inputs: BATCH.inputs, lengths: BATCH.lengths });
    let [nats, total] = [0, 0];
    BATCH.targets.forEach((target, i) => {
      nats -= weights[target] * Math.log(probabilities[3 * i + target]);
      total += weights[target];
    });
    const plain = model.evaluate(BATCH).loss;
    const { loss } = model.evaluate({ ...BATCH, classWeights: weights });
    assertNear(loss, nats / total, 1e-5, 'weighted loss');
    assert.ok(Math.abs(loss - plain) > 1e-3);
    assert.equal(model.evaluate(BATCH).loss, plain);
    assert.equal(model.evaluate({ ...BATCH, classWeights: [1, 1, 1] }).loss, plain);
    assertNear(model.gradients({ ...BATCH, classWeights: weights }).loss, loss, 1e-6, 'loss of gradients');
    const data = { inputs: rowsOf(BATCH), targets: BATCH.targets };
    const first = await model.train(data, { steps: 1, classWeights: Float32Array.from(weights) });
    // The batch of a step has another order.
    assertNear(first.loss, loss, 1e-5, 'loss of training');
    for (const [bad, message] of /** @type {const} */ ([
      [[1, 2], /classWeights must have 3 numbers \(classes\), got 2/],
      [[1, 0, 1], /classWeights\[1\] must be a finite number from 1e-20 to 1e\+20/],
      [[1, 1e-60, 1], /classWeights\[1\] must be a finite number from 1e-20 to 1e\+20/],
      [Float32Array.of(1, Number.NaN, 1), /classWeights\[1\]/],
    ])) {
      assert.throws(() => model.evaluate({ ...BATCH, classWeights: bad }), message);
      assert.throws(() => model.train(data, { steps: 1, classWeights: bad }), message);
    }
  });

  test('a probe has any number of tokens', () => {
    const sizes = { layers: 1, heads: 1, dModel: 2, dHead: 1, dInner: 1, experts: 1, topK: 1, hyperSize: 1 };
    const model = bench.textClassifier({ ...CONFIG, ...sizes, batchSize: 4096 });
    const [{ load }] = model.measure({ inputs: Array(15000).fill([1, 2, 3, 4, 5, 6, 7, 8, 9]) });
    assert.equal(load[0], 1);
  });

  test('data are read once', async () => {
    const model = bench.textClassifier(CONFIG);
    let reads = 0;
    const data = {
      inputs: [[1, 2], [3]],
      get targets() {
        return reads++ === 0 ? [0, 1] : [99];
      },
    };
    const validation = Object.defineProperty({ inputs: data.inputs, targets: [] }, 'targets', {
      enumerable: true,
      get: () => data.targets,
    });
    const last = await model.train(data, { steps: 2 });
    assert.ok(last.step === 2 && reads === 1);
    reads = 0;
    const held = await model.train(
      { inputs: [[1]], targets: [0] },
      { steps: 2, validateEvery: 1, validation },
    );
    assert.ok(held.validation?.count === 2 && reads === 1);
  });

  test('what cannot be read is refused, and nothing changes', () => {
    const model = bench.textClassifier(CONFIG);
    const { loss } = model.evaluate(BATCH);
    const { inputs, lengths, targets } = BATCH;
    const with0 = (/** @type {number} */ length) => Int32Array.of(length, ...lengths.subarray(1));
    const cases = /** @type {[any, RegExp][]} */ ([
      [{ inputs, targets }, /^lengths must be an Int32Array/],
      [
        { inputs, lengths: with0(0), targets },
        /^lengths\[0\] must be an integer from 1 to 9 \(contextLength\), got 0/,
      ],
      [{ inputs, lengths: with0(10), targets }, /^lengths\[0\] must be an integer from 1 to 9/],
      [
        { inputs: inputs.subarray(1), lengths, targets },
        /^inputs must have the same number of ids for each of the 5 lengths, got 44/,
      ],
      [{ inputs: inputs.map(() => 19), lengths, targets }, /^inputs\[0\]\[0\] must be from 0 to 18, got 19/],
      [
        { inputs: [[1, 2], []], targets: [0, 1] },
        /^the length of inputs\[1\] must be an integer from 1 to 1, got 0/,
      ],
      [
        { inputs: [[1], [2]], lengths: [1], targets: [0, 1] },
        /^lengths must have one number for each of the 2 sequences/,
      ],
      [
        { inputs: [[1], [2]], lengths: [2, 1], targets: [0, 1] },
        /^lengths\[0\] must be an integer from 1 to 1, got 2/,
      ],
      [
        { inputs: Array(6).fill([1]), targets: Array(6).fill(0) },
        /^inputs must have 1 to 5 sequences \(batchSize\), got 6/,
      ],
      [{ inputs: [], targets: [] }, /^lengths must be an Int32Array/],
      [{ inputs, lengths, targets: [0] }, /^targets must have one number for each of the 5 sequences, got 1/],
      [{ inputs, lengths, targets: [0, 1, 2, 3, 0] }, /^targets\[3\] must be from 0 to 2, got 3/],
      [{ ...BATCH, length: 3 }, /^batch\.length is not a key of evaluate;.* the nearest is lengths/],
    ]);
    for (const [batch, message] of cases) {
      const error = errorOf(() => model.evaluate(batch));
      assert.match(error.message, message);
    }
    assert.throws(
      () => model.predict(/** @type {any} */ (BATCH)),
      /sequences\.targets is not a key of predict/,
    );
    assert.throws(
      () => model.hiddenStates(3),
      /^RangeError: layer must be an integer from 0 to 2 \(layers\), got 3/,
    );
    assert.throws(
      () => model.train(BATCH, /** @type {any} */ ({ steps: 1, headRate: 1 })),
      /headLearningRate/,
    );
    assert.throws(() =>
      bench.language(TINY).train(BATCH.inputs, /** @type {any} */ ({ steps: 1, headLearningRate: 1 })),
    );
    assert.equal(model.evaluate(BATCH).loss, loss);
    assert.equal(bench.textClassifier({ ...CONFIG, memoryLength: 12 }).memory.context, 0);
  });
});

describe('a text classifier in a worker', () => {
  /** @type {direct.Engine} */
  let engine;
  /** @type {twin.Engine} */
  let there;
  before(async () => {
    engine = await direct.load({ variant: 'simd' });
    there = await twin.load({ variant: 'simd' });
  });
  after(async () => {
    engine.dispose();
    await there.dispose();
  });

  it('computes the same', async () => {
    const from = engine.createLanguageModel(TINY).saveCheckpoint();
    const [here, model] = [
      engine.createTextClassifier({ classes: 3, contextLength: 9 }, { from }),
      await there.createTextClassifier({ classes: 3, contextLength: 9 }, { from }),
    ];
    assert.equal(model.kind, 'text-classifier');
    assert.deepEqual(model.transfer, here.transfer);
    assert.deepEqual(model.config, here.config);
    const data = learnable(9);
    const options = {
      steps: 6,
      every: 3,
      learningRate: 0.001,
      headLearningRate: 0.01,
      classWeights: [1, 2, 3],
    };
    const [a, b] = [await here.train(data, options), await model.train(data, options)];
    assert.equal(a.loss, b.loss);
    const { inputs, lengths } = data;
    assertSameBits(
      await model.predict({ inputs, lengths }),
      here.predict({ inputs, lengths }),
      'predictions',
    );
    assertSameBits(await model.hiddenStates(1), here.hiddenStates(1), 'hidden states');
    assert.deepEqual(await model.measure(data), here.measure(data));
    assert.deepEqual(await direct.evaluateSequences(model, data), await direct.evaluateSequences(here, data));
    assert.deepEqual(await model.saveCheckpoint(), here.saveCheckpoint());
    const again = await there.loadCheckpoint(await model.saveCheckpoint());
    assert.ok(again instanceof twin.TextClassifier);
    await assert.rejects(
      model.train(data, /** @type {any} */ ({ steps: 1, headRate: 1 })),
      /headLearningRate/,
    );
  });
});
