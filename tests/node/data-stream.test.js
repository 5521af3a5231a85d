/** Training on data that come one after the other: async generators, streams, iterables; here and in a worker. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load, TextStreams } from '../../web/index.js';
import { load as loadWorker } from '../../web/worker.js';
import {
  assertSameParameters,
  parametersOf,
  randomBatch,
  randomIds,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** More than one block of 3 streams of 8 segments of 6 tokens. */
const TOKENS = randomIds(400, TINY.vocabSize, 7);
const BLOCK = TINY.batchSize * (8 * TINY.contextLength + 1);
const batch = (/** @type {number} */ step) => randomBatch(TINY_CLASSIFIER, step + 1);

/** What a text in pieces is trained on, step by step. */
const SEGMENTS = [
  TOKENS.subarray(0, BLOCK),
  TOKENS.subarray(BLOCK, 2 * BLOCK),
  TOKENS.subarray(2 * BLOCK),
].flatMap((tokens) => {
  const streams = new TextStreams(tokens, { batchSize: TINY.batchSize, length: TINY.contextLength });
  return Array.from({ length: streams.segments }, (_, step) => streams.at(step));
});

/**
 * @template T
 * @param {T[]} items
 * @param {{ closed?: boolean }} [state]
 */
async function* later(items, state = {}) {
  try {
    for (const item of items) {
      await new Promise((resolve) => setImmediate(resolve));
      yield item;
    }
  } finally {
    state.closed = true;
  }
}

/** @param {ArrayLike<number>} tokens in pieces of several sizes */
function pieces(tokens) {
  const list = [];
  const ids = Array.from(tokens);
  for (let at = 0, size = 1; at < ids.length; at += size, size = (size * 7) % 101) {
    const part = ids.slice(at, at + size);
    list.push(
      list.length % 3 === 0 ? part : list.length % 3 === 1 ? Int32Array.from(part) : Uint8Array.from(part),
    );
  }
  return list;
}

const batches = (/** @type {number} */ count) => Array.from({ length: count }, (_, step) => batch(step));
const source = { at: batch };

/** @param {unknown[]} items */
function readable(items) {
  return new ReadableStream({
    start(control) {
      for (const item of items) control.enqueue(item);
      control.close();
    },
  });
}

describe('a stream of data', () => {
  /** @type {import('../../web/index.js').Engine} */
  let engine;
  /** @type {import('../../web/worker.js').Engine} */
  let there;
  before(async () => {
    engine = await load({ variant: 'simd' });
    there = await loadWorker({ variant: 'simd' });
  });
  after(async () => {
    engine.dispose();
    await there.dispose();
  });

  /** A model that was trained on this thread, for comparison. @param {'language' | 'classifier'} kind @param {any} data @param {any} options */
  const trained = async (kind, data, options) => {
    const model = /** @type {any} */ (
      kind === 'language' ? engine.createLanguageModel(TINY) : engine.createClassifier(TINY_CLASSIFIER)
    );
    await model.train(data, options);
    const parameters = parametersOf(model);
    model.dispose();
    return parameters;
  };

  /** @type {[string, (kind: 'language' | 'classifier') => Promise<any>][]} */
  const places = [
    [
      'here',
      async (kind) =>
        kind === 'language' ? engine.createLanguageModel(TINY) : engine.createClassifier(TINY_CLASSIFIER),
    ],
    [
      'in a worker',
      async (kind) =>
        kind === 'language' ? there.createLanguageModel(TINY) : there.createClassifier(TINY_CLASSIFIER),
    ],
  ];
  for (const [place, create] of places) {
    const tensors = async (/** @type {any} */ model) =>
      new Map((await model.parameters()).map((/** @type {any} */ { name, data }) => [name, data]));

    it(`${place}: batches from a generator, a ReadableStream, an iterable`, async () => {
      const expected = await trained('classifier', source, { steps: 6 });
      const state = { closed: false };
      const streams = [later(batches(9), state), readable(batches(9)), new Set(batches(9))];
      for (const data of streams) {
        const model = await create('classifier');
        const last = await model.train(data, { steps: 6 });
        assert.equal(last.step, 6);
        assertSameParameters(await tensors(model), expected);
        await model.dispose();
      }
      assert.ok(state.closed, 'it is ended with the run');
    });

    it(`${place}: a text in pieces is cut into blocks of parallel streams`, async () => {
      const steps = SEGMENTS.length;
      const expected = await trained(
        'language',
        { at: (/** @type {number} */ step) => SEGMENTS[step] },
        { steps },
      );
      for (const data of [later(pieces(TOKENS)), readable(pieces(TOKENS))]) {
        const model = await create('language');
        await model.train(data, { steps });
        assertSameParameters(await tensors(model), expected);
        await model.dispose();
      }
    });

    it(`${place}: what can be read again gives further epochs, what cannot is an error`, async () => {
      const model = await create('classifier');
      const again = { [Symbol.asyncIterator]: () => later(batches(3)) };
      const epochs = [];
      for await (const { epoch } of model.train(again, { steps: 8 })) epochs.push(epoch);
      assert.deepEqual(epochs, [0, 0, 0, 1, 1, 1, 2, 2]);
      const cases = [later(batches(3)), readable(batches(3))];
      for (const data of cases)
        await assert.rejects(async () => model.train(data, { steps: 8 }), {
          name: 'RangeError',
          message: 'data ended after 3 steps; pass more, or fewer steps',
        });
      assert.equal(model.step, 14);
      await assert.rejects(async () => model.train(later([]), { steps: 1 }), /data ended after 0 steps/);
      await model.dispose();
    });

    it(`${place}: a resumed run passes over what it has seen`, async () => {
      const expected = await trained('language', later(pieces(TOKENS)), { steps: 12 });
      const model = await create('language');
      for await (const { step } of model.train(later(pieces(TOKENS)), { steps: 12 })) if (step === 7) break;
      const last = await model.train(later(pieces(TOKENS)), { resume: true });
      assert.equal(last.step, 12);
      assertSameParameters(await tensors(model), expected);
      await model.dispose();
    });

    it(`${place}: a stream that fails ends in its error, and the model stays usable`, async () => {
      const model = await create('classifier');
      const reason = new Error('the network is gone');
      const broken = async function* () {
        yield* batches(3);
        throw reason;
      };
      await assert.rejects(
        async () => model.train(broken(), { steps: 9 }),
        (error) => error === reason,
      );
      assert.equal(model.step, 3);
      let pulled = 0;
      const failing = new ReadableStream({
        pull(control) {
          if (pulled++ < 2) control.enqueue(batch(pulled));
          else control.error(reason);
        },
      });
      await assert.rejects(
        async () => model.train(failing, { steps: 9 }),
        (error) => error === reason,
      );
      await model.train(source, { steps: 1 });
      assert.equal(model.step, 6);
      await model.dispose();
    });

    it(`${place}: wrong items are refused by name`, async () => {
      const model = await create('language');
      /** @type {[unknown[], RegExp][]} */
      const cases = [
        [
          [[1, 2], 'text'],
          /^TypeError: item 1 of data must be tokens or bytes: a vocabulary encodes text, got "text"/,
        ],
        [[[1, 99]], /^RangeError: item 0 of data\[1\] must be from 0 to 18, got 99/],
        [[[1.5]], /^RangeError: item 0 of data\[0\] must be an integer/],
        [[{ inputs: [1], target: [1] }], /target is not a key/],
      ];
      for (const [items, message] of cases)
        await assert.rejects(async () => model.train(later(items), { steps: 2 }), message);
      const locked = new ReadableStream();
      locked.getReader();
      await assert.rejects(
        async () => model.train(locked, { steps: 2 }),
        /^TypeError: data is a stream that is locked/,
      );
      assert.equal(model.step, 0);
      await model.dispose();
    });

    it(`${place}: what never comes is not waited for after an abort or a dispose`, async () => {
      const model = await create('classifier');
      let cancelled = 0;
      const never = () =>
        new ReadableStream({
          start: (control) => control.enqueue(batch(0)),
          cancel: () => {
            cancelled++;
          },
        });
      const stop = new AbortController();
      const training = model.train(never(), { steps: 9, signal: stop.signal });
      await training.next();
      const waiting = training.next();
      await new Promise((resolve) => setImmediate(resolve));
      stop.abort();
      await assert.rejects(waiting, { name: 'AbortError' });
      await model.train(source, { steps: 1 });
      const left = model.train(never(), { steps: 9 });
      await left.next();
      await left.return();
      assert.equal(cancelled, 2);
      if (place === 'here') return model.dispose();
      const open = model.train(never(), { steps: 9 });
      await open.next();
      const asked = open.next();
      await new Promise((resolve) => setTimeout(resolve, 5));
      const refused = assert.rejects(asked, { name: 'DisposedError', message: 'the model was disposed' });
      await model.dispose();
      await refused;
      assert.equal(cancelled, 3);
    });
  }

  it('a disposed model lets the data of its open stream go', async () => {
    const model = engine.createClassifier(TINY_CLASSIFIER);
    const state = { closed: false };
    const open = model.train(later(batches(9), state), { steps: 9 });
    await open.next();
    model.dispose();
    await assert.rejects(open.next(), { name: 'DisposedError' });
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(state.closed);
    const other = await loadWorker({ variant: 'simd' });
    const distant = await other.createClassifier(TINY_CLASSIFIER);
    const training = distant.train(new ReadableStream(), { steps: 9 });
    const asked = assert.rejects(training.next(), {
      name: 'DisposedError',
      message: 'the engine was disposed',
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await other.dispose();
    await asked;
  });
});
