/** The Transformer-XL memory: what is kept of which tokens, and that the cut into segments does not show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertClose,
  assertNear,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomIds,
  randomSegment,
  TINY,
} from './helpers.js';

const { vocabSize, dModel, batchSize } = TINY;

/**
 * Columns of a text of each stream.
 * @param {Int32Array[]} streams
 * @param {number} from
 * @param {number} length
 */
function segmentOf(streams, from, length) {
  const cut = (/** @type {number} */ at) =>
    Int32Array.from(streams.flatMap((text) => [...text.subarray(at, at + length)]));
  return { inputs: cut(from), targets: cut(from + 1), length };
}

/** @param {number} length */
function textsOf(length) {
  return Array.from({ length: batchSize }, (_, b) => randomIds(length + 1, vocabSize, 70 + b));
}

onEveryVariant((bench) => {
  for (const [contextLength, memoryLength] of [
    [6, 7],
    [6, 6],
    [6, 4],
    [6, 1],
    [6, 20],
    [1, 3],
    [6, 0],
  ]) {
    test(`context ${contextLength}, memory ${memoryLength}: the last rows of each stream`, () => {
      const model = liven(bench.language({ ...TINY, contextLength, memoryLength }));
      const table = parametersOf(model).get('word_emb.emb_layers.0.weight') ?? new Float32Array(0);
      const streams = textsOf(60);
      let at = 0;
      for (const length of [6, 6, 1, 3, 6, 2, 6, 5, 6].map((each) => Math.min(each, contextLength))) {
        const segment = segmentOf(streams, at, length);
        // Every pass moves it on.
        if (at % 3 === 0) model.evaluate(segment);
        else if (at % 3 === 1) model.gradients(segment);
        else model.trainStep({ ...segment, learningRate: 0 });
        at += length;
        const saved = model.saveMemory();
        assert.equal(saved.length, Math.min(at, memoryLength));
        assert.equal(saved.batch, batchSize);
        // The input of the first layer is the embedding itself.
        const expected = streams.flatMap((text) =>
          [...text.subarray(at - saved.length, at)].flatMap((token) =>
            [...table.subarray(token * dModel, (token + 1) * dModel)].map(
              (value) => value * Math.sqrt(dModel),
            ),
          ),
        );
        assertClose(saved.layers[0], expected, 1e-6, `first layer after ${at} tokens`);
      }
    });
  }

  test('a memory shorter than the segment holds the end of what a longer one holds, in every layer', () => {
    const [short, long] = [4, 6].map((memoryLength) => {
      const model = liven(bench.language({ ...TINY, memoryLength, layers: 3 }));
      model.evaluate(randomSegment(TINY, 1));
      return model.saveMemory().layers;
    });
    long.forEach((rows, layer) => {
      const expected = Array.from({ length: batchSize }, (_, b) => [
        ...rows.subarray((b * 6 + 2) * dModel, (b + 1) * 6 * dModel),
      ]);
      assertClose(short[layer], expected.flat(), 0, `layer ${layer}`);
    });
  });

  for (const router of ROUTERS) {
    for (const preLayerNorm of [false, true]) {
      test(`${router}${preLayerNorm ? ', preLayerNorm' : ''}: with memory enough, the cut into segments does not show`, () => {
        const model = liven(
          bench.language({ ...TINY, router, preLayerNorm, contextLength: 12, memoryLength: 12 }),
        );
        const streams = textsOf(12);
        const whole = model.evaluate({ ...segmentOf(streams, 0, 12), carryMemory: false }).loss;
        const logits = model.logits();
        for (const cuts of [[6, 6], [1, 11], [11, 1], [3, 4, 5], Array(12).fill(1)]) {
          let [at, sum] = [0, 0];
          for (const length of cuts) {
            sum += length * model.evaluate({ ...segmentOf(streams, at, length), carryMemory: at > 0 }).loss;
            at += length;
          }
          assertNear(sum / 12, whole, 1e-5, `loss cut into ${cuts}`);
          const [last] = cuts.slice(-1);
          for (let b = 0; b < batchSize; b++) {
            const end = (/** @type {number} */ row) => row * vocabSize;
            assertClose(
              model.logits().subarray(end((b + 1) * last - 1), end((b + 1) * last)),
              logits.subarray(end((b + 1) * 12 - 1), end((b + 1) * 12)),
              1e-4,
              `last logits cut into ${cuts}`,
            );
          }
        }
      });
    }
  }

  test('streams do not affect each other', () => {
    const model = liven(bench.language(TINY));
    const streams = textsOf(18);
    const losses = streams.map((text) => {
      model.resetMemory();
      return [0, 6, 12].map((at) => model.evaluate(segmentOf([text], at, 6)).loss);
    });
    model.resetMemory();
    [0, 6, 12].forEach((at, i) => {
      const mean = losses.reduce((sum, each) => sum + each[i], 0) / batchSize;
      assertNear(model.evaluate(segmentOf(streams, at, 6)).loss, mean, 1e-5, `segment ${i}`);
    });
  });

  test('saved, disturbed and restored it is as before', () => {
    const model = liven(bench.language(TINY));
    const segments = [1, 2, 3].map((seed) => randomSegment(TINY, seed));
    model.evaluate(segments[0]);
    const saved = model.saveMemory();
    const { loss } = model.evaluate(segments[1]);
    model.resetMemory();
    assert.deepEqual([model.saveMemory().length, model.saveMemory().batch], [0, 0]);
    assert.notEqual(model.evaluate(segments[1]).loss, loss);
    model.evaluate({ inputs: Int32Array.of(1), targets: Int32Array.of(2), length: 1, carryMemory: false });
    model.restoreMemory(saved);
    assert.deepEqual(model.saveMemory(), saved);
    assert.equal(model.evaluate(segments[1]).loss, loss);
  });

  test('carried on by default, and not with carryMemory: false', () => {
    const model = liven(bench.language(TINY));
    const segment = randomSegment(TINY, 1);
    const first = model.evaluate(segment).loss;
    const second = model.evaluate(segment).loss;
    assert.notEqual(second, first, 'the memory is carried on by default');
    assert.equal(model.evaluate({ ...segment, carryMemory: false }).loss, first);
    assert.equal(model.evaluate({ ...segment, carryMemory: true }).loss, second);
    model.resetMemory();
    assert.equal(model.evaluate(segment).loss, first);
  });
});
