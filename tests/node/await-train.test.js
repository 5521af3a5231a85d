/** `await model.train(…)` trains to the end and gives the last progress event, here and in a worker. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load as loadWorker } from '../../web/worker.js';
import { onEveryVariant, randomBatch, randomIds, TINY, TINY_CLASSIFIER } from './helpers.js';

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const BATCH = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 8);

/** Without what depends on the clock. @param {{ tokensPerSecond: number }} progress */
const timeless = ({ tokensPerSecond, ...rest }) => rest;

/**
 * @param {(options: any) => any} train of a new model
 * @param {() => number} step
 */
async function check(train, step) {
  const training = train({ steps: 6, every: 2 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(step(), 0, 'it begins with the request');
  const last = await training;
  assert.equal(step(), 6);
  assert.equal(last.step, 6);
  assert.equal(await training, last, 'the same for whoever waits');
  for await (const _ of training) assert.fail('there is nothing left');
  const events = [];
  const loop = train({ steps: 6, every: 2 });
  for await (const event of loop) events.push(event.step);
  assert.deepEqual(events, [8, 10, 12]);
  assert.equal((await loop).step, 12);
  const begun = train({ steps: 3 });
  assert.equal((await begun.next()).value.step, 13);
  assert.equal((await begun).step, 15, 'the rest of a loop');
  const reason = new Error('enough');
  await assert.rejects(train({ steps: 3, signal: AbortSignal.abort(reason) }), reason);
  const failing = train({ steps: 3, schedule: () => Number.NaN });
  await assert.rejects(failing.next(), /learningRate must be a finite number/);
  await assert.rejects(
    failing,
    /learningRate must be a finite number/,
    'an error of the loop is not forgotten',
  );
  assert.equal(await train({ steps: 3, schedule: () => -1 }).catch(() => 'caught'), 'caught');
  let settled = 0;
  await train({ steps: 1 }).finally(() => settled++);
  assert.equal(settled, 1);
  assert.equal(step(), 16);
}

onEveryVariant((bench) => {
  it('a language model', async () => {
    const model = bench.language(TINY);
    await check(
      (options) => model.train(TOKENS, options),
      () => model.step,
    );
  });

  it('a classifier', async () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    await check(
      (options) => model.train(BATCH, options),
      () => model.step,
    );
  });

  it('with the same bits as a loop', async () => {
    const [one, other] = [bench.language(TINY), bench.language(TINY)];
    let last;
    for await (const event of one.train(TOKENS, { steps: 9 })) last = event;
    assert.ok(last);
    assert.deepEqual(timeless(await other.train(TOKENS, { steps: 9 })), timeless(last));
    assert.deepEqual(other.parameters(), one.parameters());
  });

  it('with data that come later', async () => {
    const [one, other] = [bench.classifier(TINY_CLASSIFIER), bench.classifier(TINY_CLASSIFIER)];
    const at = (/** @type {number} */ step) => randomBatch(TINY_CLASSIFIER, step + 1);
    await one.train({ at }, { steps: 5 });
    await other.train({ at: async (step) => at(step) }, { steps: 5 });
    assert.deepEqual(other.parameters(), one.parameters());
  });
});

describe('in a worker', () => {
  /** @type {import('../../web/worker.js').Engine} */
  let there;
  before(async () => {
    there = await loadWorker({ variant: 'simd' });
  });
  after(() => there.dispose());

  it('a language model', async () => {
    const model = await there.createLanguageModel(TINY);
    await check(
      (options) => model.train(TOKENS, options),
      () => model.step,
    );
    await model.dispose();
  });

  it('a source of data, and a schedule, stay on the page and are asked step by step', async () => {
    const model = await there.createClassifier(TINY_CLASSIFIER);
    /** @type {number[]} */
    const asked = [];
    const at = async (/** @type {number} */ step) => {
      asked.push(step);
      return randomBatch(TINY_CLASSIFIER, step + 1);
    };
    const rates = Float64Array.from({ length: 600 }, (_, i) => 0.01 / (i + 1));
    /** @type {number[]} */
    const used = [];
    const schedule = (/** @type {number} */ step) => {
      assert.ok(step < rates.length, 'not beyond the last step');
      return rates[step];
    };
    for await (const { learningRate } of model.train({ at }, { steps: 600, schedule }))
      used.push(learningRate);
    assert.deepEqual(
      asked,
      Array.from({ length: 600 }, (_, i) => i),
    );
    assert.deepEqual(used, [...rates]);
    const failing = model.train({ at: () => Promise.reject(new RangeError('no more data')) }, { steps: 3 });
    await assert.rejects(failing, /no more data/);
    await assert.rejects(
      model.train(/** @type {any} */ ({ at: () => 7 }), { steps: 3 }),
      /data\.at\(600\) must be an object, got 7/,
    );
    const stop = new AbortController();
    const waiting = model.train({ at: () => new Promise(() => {}) }, { steps: 3, signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    // The page's own function does not answer: what it never gives cannot be waited for in the worker either.
    const ended = await Promise.race([
      waiting.then(
        () => 'trained',
        () => 'ended',
      ),
      new Promise((resolve) => setTimeout(resolve, 120_000, 'hangs').unref()),
    ]);
    assert.equal(ended, 'ended');
    await model.train({ at }, { steps: 1 });
    await model.dispose();
  });

  it('a schedule is not computed for all steps at once', async () => {
    const model = await there.createLanguageModel(TINY);
    let calls = 0;
    const schedule = () => {
      calls++;
      return 0.01;
    };
    for await (const { step } of model.train(TOKENS, { steps: Number.MAX_SAFE_INTEGER, schedule }))
      if (step === 3) break;
    assert.ok(calls < 1000, String(calls));
    assert.equal(model.step, 3);
    await model.dispose();
  });

  it('a model that is disposed ends its streams', async () => {
    const model = await there.createLanguageModel(TINY);
    const streams = [model.train(TOKENS, { steps: 100 }), model.generate([1], { maxTokens: 50 })];
    for (const stream of streams) await stream.next();
    await model.dispose();
    for (const stream of streams) {
      await assert.rejects(stream.next(), { name: 'DisposedError' });
      await stream.return();
    }
  });

  it('also one that is in the middle of a validation', async () => {
    const model = await there.createLanguageModel(TINY);
    const validation = new Int32Array(200_000);
    const stream = model.train(TOKENS, { steps: 100, validation, validateEvery: 1 });
    const event = assert.rejects(stream.next(), { name: 'DisposedError' });
    await model.setParameter('crit.out_layers.0.bias', new Float32Array(TINY.vocabSize));
    await model.dispose();
    await event;
  });

  it('a stream is no list', async () => {
    const model = await there.createLanguageModel(TINY);
    for (const stream of [model.train(TOKENS, { steps: 1 }), model.generate([1], { maxTokens: 2 })]) {
      const list = /** @type {any} */ (stream);
      const error = {
        name: 'TypeError',
        message: /^the result of (train|generate) is asynchronous: use for await/,
      };
      assert.throws(() => Array.from(list), error);
      assert.throws(() => [...list], error);
      assert.equal((await stream.next()).done, false, 'it goes on as what it is');
    }
    await model.dispose();
  });
});
