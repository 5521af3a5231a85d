/** An option that would have no effect is refused, here and in a worker, with a message that says what it needs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as direct from '../../web/index.js';
import * as twin from '../../web/worker.js';
import {
  errorOf,
  randomBatch,
  randomIds,
  randomPairs,
  randomSegment,
  randomSequences,
  TINY,
  TINY_CLASSIFIER,
  TINY_REGRESSOR,
  TINY_TEXT_CLASSIFIER,
} from './helpers.js';

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const SEGMENT = randomSegment(TINY, 1);
/** @type {Record<string, { config: any, data: any, step?: any }>} */
const KINDS = {
  createLanguageModel: { config: TINY, data: TOKENS, step: SEGMENT },
  createClassifier: { config: TINY_CLASSIFIER, data: randomBatch(TINY_CLASSIFIER, 1) },
  createTextClassifier: { config: TINY_TEXT_CLASSIFIER, data: randomSequences(TINY_TEXT_CLASSIFIER, 1) },
  createRegressor: { config: TINY_REGRESSOR, data: randomPairs(TINY_REGRESSOR, 1) },
};

/** Options of a training, and what the message begins with. @type {[Record<string, any>, RegExp][]} */
const OF_TRAINING = [
  [{ validateEvery: 2 }, /^validateEvery needs validation: /],
  [{ patience: 2 }, /^patience needs validation: /],
  [{ measureEvery: 2 }, /^measureEvery needs probe: /],
  [{ probeClasses: [0] }, /^probeClasses needs probe: /],
  [
    { schedule: () => 0.1, learningRate: 1 },
    /^learningRate and .* must be left out if schedule is a function/,
  ],
  [{ schedule: () => 0.1, warmup: 1 }, /^.* warmup .* must be left out if schedule is a function/],
  [{ schedule: 'constant', floor: 0.001 }, /^floor must be left out if schedule is "constant"/],
  [{ topKMin: 1 }, /^topKMin and topKMax must be left out unless topKSchedule is "linear_increase"/],
  [{ topKMax: 2, topKSchedule: () => 1 }, /^topKMin and topKMax must be left out unless/],
];

/** @param {any} engine @param {(call: () => any, message: RegExp) => unknown} refuses */
async function checkTraining(engine, refuses) {
  for (const [create, { config, data, step = data }] of Object.entries(KINDS)) {
    const model = await engine[create](config);
    for (const [options, message] of OF_TRAINING)
      await refuses(() => model.train(data, { steps: 1, ...options }), message);
    const seed = { steps: 1, seed: 1 };
    await refuses(
      () => model.train({ at: () => step }, seed),
      /^seed must be left out if data is a source or a/,
    );
    await refuses(
      () => model.train(new Set([step]), seed),
      /^seed must be left out if data is a source or a stream/,
    );
    if (create === 'createLanguageModel')
      await refuses(() => model.train(data, seed), /^seed must be left out if data is a text/);
    else await model.train(data, seed);
    await model.dispose();
    const dense = await engine[create]({ ...config, router: 'dense' });
    for (const topKSchedule of ['linear_increase', () => 1]) {
      await refuses(
        () => dense.train(data, { steps: 1, topKSchedule }),
        /^topKSchedule must be left out if config\.router is "dense"/,
      );
    }
    // What a comparison of routers passes for all of them.
    await dense.train(data, { steps: 1, topKSchedule: 'constant' });
    await dense.dispose();
  }
}

describe('training', () => {
  it('here', async () => {
    const engine = await direct.load({ variant: 'simd' });
    await checkTraining(engine, (call, message) => assert.throws(call, { name: 'TypeError', message }));
    engine.dispose();
  });

  it('in a worker', async () => {
    const engine = await twin.load({ variant: 'simd' });
    await checkTraining(engine, (call, message) => assert.rejects(call, { name: 'TypeError', message }));
    await engine.dispose();
  });
});

describe('other functions', () => {
  /** @type {direct.Engine} */
  let engine;
  before(async () => {
    engine = await direct.load({ variant: 'simd' });
  });
  after(() => engine.dispose());

  it('topKSchedule', () => {
    for (const more of [{ kMin: 1 }, { steps: 5 }]) {
      assert.throws(() => direct.topKSchedule({ kMax: 2, kind: 'constant', ...more }), {
        name: 'TypeError',
        message: `${Object.keys(more)[0]} must be left out if kind is "constant"`,
      });
    }
  });

  it('load', async () => {
    const createThread = () => assert.fail('no thread is needed');
    await assert.rejects(direct.load({ createThread }), /^TypeError: createThread needs threads/);
    // Who says how many says that one is enough.
    (await direct.load({ createThread, threads: 1 })).dispose();
  });

  it('the tensors of a router', () => {
    const router = /** @type {any} */ ({
      name: 'mine',
      parameters: () => [{ name: 'u', shape: [2], init: 'zeros', std: 1, trainable: false }],
      generate() {},
    });
    const error = errorOf(() => engine.createClassifier({ router }));
    assert.match(String(error), /^TypeError: .*\.std must be left out if init is "zeros"$/);
  });
});
