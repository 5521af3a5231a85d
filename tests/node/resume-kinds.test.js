/** Runs with all that a classifier or a regressor adds to one are resumed like others: same events, same bits, same best state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load as loadWorker } from '../../web/worker.js';
import {
  assertSameParameters,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomPairs,
  randomSequences,
  TINY_CLASSIFIER,
  TINY_REGRESSOR,
  TINY_TEXT_CLASSIFIER,
} from './helpers.js';

const OPTIONS = {
  ...{ steps: 60, every: 3, validateEvery: 2, patience: 4, seed: 3 },
  ...{ learningRate: 0.02, headLearningRate: 0.05, warmup: 4 },
};

/** @param {number} seed */
const vectors = (seed) => randomBatch({ ...TINY_CLASSIFIER, batchSize: 20 }, seed);

/** @param {number} seed */
const pairs = (seed) => randomPairs({ ...TINY_REGRESSOR, batchSize: 20 }, seed);

/** @param {number} seed */
const sequences = (seed) => randomSequences({ ...TINY_TEXT_CLASSIFIER, batchSize: 12 }, seed);

/** @type {Record<string, { method: 'createClassifier' | 'createTextClassifier' | 'createRegressor', config: any, data: any, held: any, more: any }>} */
const KINDS = {
  classifier: {
    method: 'createClassifier',
    config: { ...TINY_CLASSIFIER, dropout: 0.1 },
    data: vectors(1),
    held: vectors(2),
    more: { classWeights: [1, 2, 3, 4, 5] },
  },
  'text-classifier': {
    method: 'createTextClassifier',
    config: { ...TINY_TEXT_CLASSIFIER, headDropout: 0.2 },
    data: sequences(1),
    held: sequences(2),
    more: { classWeights: [1, 2, 3] },
  },
  regressor: {
    method: 'createRegressor',
    config: { ...TINY_REGRESSOR, dropout: 0.1 },
    data: pairs(1),
    held: pairs(2),
    more: {},
  },
};

/**
 * The events of a training, without what depends on the clock.
 * @param {AsyncIterable<any>} training
 * @param {number} [until] step
 */
async function events(training, until = Infinity) {
  const list = [];
  for await (const { tokensPerSecond, ...event } of training) {
    list.push(event);
    if (event.step >= until) break;
  }
  return list;
}

onEveryVariant((bench) => {
  for (const [kind, { method, config, data, held: validation, more }] of Object.entries(KINDS)) {
    test(`${kind}: saved, opened and resumed`, async () => {
      const options = { ...OPTIONS, ...more };
      const whole = /** @type {any} */ (bench.engine[method](config));
      const all = await events(whole.train(data, { ...options, validation }));
      assert.equal(whole.run.ended, 'patience');
      const first = /** @type {any} */ (bench.engine[method](config));
      const before = await events(first.train(data, { ...options, validation }), 3);
      const file = first.saveCheckpoint({ optimizer: true });
      const opened = /** @type {any} */ (bench.engine.loadCheckpoint(file));
      assert.equal(opened.kind, kind);
      assert.deepEqual(opened.saveCheckpoint({ optimizer: true }), file);
      assert.throws(
        () => opened.train(data, { resume: true, validation, learningRate: 0.1 }),
        /^TypeError: headLearningRate must be passed too/,
      );
      assert.throws(
        () => opened.train(data, { resume: true, validation, schedule: () => 0.1 }),
        /^TypeError: schedule must be a name: the run that is resumed has a rate of the body and one of the head/,
      );
      assert.throws(
        () => opened.train(data, { resume: true, validation, seed: 4 }),
        /^RangeError: seed must be 3, the seed of the run that is resumed, got 4/,
      );
      const rest = await events(opened.train(data, { resume: true, validation }));
      assert.deepEqual([...before, ...rest], all);
      assertSameParameters(parametersOf(opened), parametersOf(whole));
      if (kind === 'regressor') assert.deepEqual(opened.targetScale(), whole.targetScale());

      const plain = /** @type {any} */ (bench.engine[method](config));
      const { headLearningRate, ...others } = options;
      const other = await events(plain.train(data, { ...others, validation }), 3);
      assert.notDeepEqual(other, before, 'the rate of the head has an effect');
      for (const model of [whole, first, opened, plain]) model.dispose();
    });
  }
});

test('in a worker', async () => {
  const there = await loadWorker({ variant: 'simd' });
  for (const { method, config, data, held: validation, more } of Object.values(KINDS)) {
    const options = { ...OPTIONS, ...more, validation };
    const whole = /** @type {any} */ (await there[method](config));
    const all = await events(whole.train(data, options));
    const first = /** @type {any} */ (await there[method](config));
    const before = await events(first.train(data, options), 3);
    const opened = /** @type {any} */ (
      await there.loadCheckpoint(await first.saveCheckpoint({ optimizer: true }))
    );
    const rest = await events(opened.train(data, { resume: true, validation }));
    assert.deepEqual([...before, ...rest], all);
    assert.deepEqual(await opened.saveCheckpoint(), await whole.saveCheckpoint());
  }
  await there.dispose();
});
