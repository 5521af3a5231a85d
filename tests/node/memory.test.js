/** Memory: models come and go without a trace, work allocates nothing, and what was handed out stays as it was. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { load } from '../../web/index.js';
import {
  liven,
  onEveryVariant,
  ROUTERS,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** A model of about a megabyte. */
const LARGE = { ...TINY, vocabSize: 5000, dModel: 12 };

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collectGarbage = runInNewContext('gc');

/**
 * What a reader of results may hold on to.
 * @param {import('../../web/index.js').LanguageModel} model
 */
function resultsOf(model) {
  const arrays = {
    logits: [model.logits()],
    parameters: model.parameters().flatMap(({ data, grad }) => (grad ? [data, grad] : [data])),
    routing: model.routing().flatMap(({ experts, weights, logits, load: share }) => {
      return [experts, weights, logits, share];
    }),
    memory: model.saveMemory().layers,
    checkpoint: [model.saveCheckpoint({ optimizer: true })],
  };
  return Object.entries(arrays).flatMap(([name, list]) => list.map((array, i) => ({ name, i, array })));
}

onEveryVariant((bench) => {
  describe('models that are created and disposed', () => {
    /** @type {Record<string, () => { dispose(): void }>} */
    const makers = {
      'language models': () => bench.engine.createLanguageModel(TINY),
      classifiers: () => bench.engine.createClassifier(TINY_CLASSIFIER),
      'large models': () => bench.engine.createLanguageModel(LARGE),
    };
    for (const [name, make] of Object.entries(makers)) {
      const count = name === 'large models' ? 20 : 1000;
      test(`${count} ${name} leave the memory where it was`, () => {
        for (let i = 0; i < 3; i++) make().dispose();
        const before = bench.engine.memoryBytes;
        for (let i = 0; i < count; i++) make().dispose();
        assert.equal(bench.engine.memoryBytes, before);
      });
    }

    test('1000 models of all kinds and sizes, some kept, need no more memory than the first hundred', () => {
      const segment = randomSegment(TINY, 1);
      const file = bench.language({ ...TINY, router: 'smoe' }).saveCheckpoint({ optimizer: true });
      /** @param {number} i */
      const make = (i) => {
        if (i % 7 === 0) return bench.engine.createClassifier({ ...TINY_CLASSIFIER, dInner: 8 + (i % 5) });
        if (i % 5 === 0) return bench.engine.loadCheckpoint(file);
        const config = { ...TINY, router: ROUTERS[i % 4], layers: 1 + (i % 3), dInner: 8 + (i % 6) };
        const model = bench.engine.createLanguageModel(config);
        if (i % 10 === 1) model.trainStep({ ...segment, learningRate: 0.01 });
        return model;
      };
      /** @type {{ dispose(): void }[]} */
      const living = [];
      let before = 0;
      for (let i = 0; i < 1000; i++) {
        living.push(make(i));
        if (living.length > 5) living.shift()?.dispose();
        if (i === 100) before = bench.engine.memoryBytes;
      }
      for (const model of living) model.dispose();
      assert.ok(bench.engine.memoryBytes <= before + 2 ** 19, `${bench.engine.memoryBytes} after ${before}`);
    });

    test('what was refused leaves the memory where it was', () => {
      bench.engine.createLanguageModel(TINY).dispose();
      const before = bench.engine.memoryBytes;
      for (let i = 0; i < 1000; i++) {
        assert.throws(() => bench.engine.createLanguageModel({ ...TINY, topK: 9 }), RangeError);
        assert.throws(() => bench.engine.loadCheckpoint(new Uint8Array(100)), /header/);
      }
      assert.equal(bench.engine.memoryBytes, before);
    });

    test('models without references are garbage-collected', async () => {
      const engine = await load({ variant: bench.variant });
      const made = 60;
      const each = engine.createLanguageModel(LARGE).memory.total;
      assert.ok(each > 5e5);
      // Collection takes its time: it is waited for whenever more has piled up than should.
      for (let i = 0; i < made; i++) {
        engine.createLanguageModel(LARGE);
        for (let tries = 0; engine.memoryBytes > (12 + tries) * each && tries < 20; tries++) {
          collectGarbage();
          await sleep(1);
        }
        if (i % 10 === 0) {
          collectGarbage();
          await sleep(1);
        }
      }
      const held = engine.memoryBytes / each;
      assert.ok(held < made / 2, `room for ${held} of ${made} models`);
      // And those that are still there are not.
      const model = engine.createLanguageModel(TINY);
      collectGarbage();
      await sleep(1);
      assert.ok(model.evaluate(randomSegment(TINY, 1)).loss > 0);
      engine.dispose();
    });
  });

  describe('work', () => {
    for (const router of ROUTERS) {
      test(`${router}: 200 steps, evaluations and 500 tokens allocate nothing`, () => {
        const model = bench.language({ ...TINY, router, dropout: 0.1, attentionDropout: 0.1 });
        const before = bench.engine.memoryBytes;
        for (let step = 0; step < 200; step++) {
          model.topK = 1 + (step % 4);
          model.trainStep({ ...randomSegment(TINY, step % 10), learningRate: 0.001, clip: 0.25 });
          if (step % 20 === 0) model.evaluate({ ...randomSegment(TINY, step), carryMemory: false });
          if (step % 20 === 1) model.gradients({ ...randomSegment(TINY, step), carryMemory: false });
        }
        const tokens = [...model.generate([1, 2, 3], { maxTokens: 500, topP: 0.9, seed: 1 })];
        assert.equal(tokens.length, 500);
        assert.equal(bench.engine.memoryBytes, before);
      });
    }

    test('classifier: 200 steps, evaluations and predictions allocate nothing', () => {
      const model = bench.classifier({ ...TINY_CLASSIFIER, dropout: 0.1 });
      const before = bench.engine.memoryBytes;
      for (let step = 0; step < 200; step++) {
        const batch = randomBatch(TINY_CLASSIFIER, step % 10);
        model.trainStep({ ...batch, learningRate: 0.001 });
        model.evaluate(batch);
        model.predict(batch.inputs);
      }
      assert.equal(bench.engine.memoryBytes, before);
    });

    test('reading results and saving allocate nothing', () => {
      const model = bench.language(TINY);
      model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.01 });
      const before = bench.engine.memoryBytes;
      for (let i = 0; i < 100; i++) resultsOf(model);
      assert.equal(bench.engine.memoryBytes, before);
    });
  });

  describe('what was handed out', () => {
    test('stays as it was when the model trains, the memory grows and the model is disposed of', async () => {
      const engine = await load({ variant: bench.variant });
      const model = liven(engine.createLanguageModel(TINY));
      model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.01 });
      const held = resultsOf(model);
      const copies = structuredClone(held);
      assert.ok(held.length > 50 && held.every(({ array }) => array.length > 0));

      const unchanged = (/** @type {string} */ when) => {
        held.forEach(({ name, i, array }, index) => {
          assert.ok(array.length > 0, `${name} ${i} was taken away ${when}`);
          assert.deepEqual(array, copies[index].array, `${name} ${i} ${when}`);
        });
      };
      model.trainStep({ ...randomSegment(TINY, 2), learningRate: 0.1 });
      unchanged('when the model trained');
      const moved = resultsOf(model).filter(({ array }, index) => {
        return array.some((value, at) => value !== copies[index].array[at]);
      });
      assert.ok(moved.length > 50, 'the step changed nearly all of it');

      const before = engine.memoryBytes;
      engine.createLanguageModel(LARGE);
      assert.ok(engine.memoryBytes > before, 'the memory grew');
      unchanged('when the memory grew');
      model.dispose();
      unchanged('when the model was disposed of');
      engine.dispose();
      unchanged('when the engine was disposed of');
    });

    test('is a copy: writing to it changes no model', () => {
      const [model, twin] = [1, 2].map(() => liven(bench.language(TINY)));
      for (const each of [model, twin]) each.evaluate(randomSegment(TINY, 1));
      for (const { array } of resultsOf(model)) array.fill(1);
      const { shape } = model.parameters()[0];
      shape.fill(1);
      assert.deepEqual(resultsOf(model), resultsOf(twin));
      assert.equal(model.evaluate(randomSegment(TINY, 2)).loss, twin.evaluate(randomSegment(TINY, 2)).loss);
    });

    test('setParameter copies, and has an effect immediately', () => {
      const model = bench.language(TINY);
      const { loss } = model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false });
      const name = 'layers.0.pos_ff.gate.embedding';
      const data = new Float32Array(TINY.dModel).fill(3);
      model.setParameter(name, data);
      data.fill(0);
      const stored = model.parameters().find((parameter) => parameter.name === name);
      assert.deepEqual([...new Set(stored?.data)], [3]);
      assert.notEqual(model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false }).loss, loss);
    });

    test('growing memory disturbs no other model', async () => {
      const engine = await load({ variant: bench.variant });
      const model = liven(engine.createLanguageModel(TINY));
      const twin = liven(bench.language(TINY));
      for (let i = 0; i < 4; i++) {
        const segment = { ...randomSegment(TINY, i), learningRate: 0.01 };
        assert.deepEqual(model.trainStep(segment), twin.trainStep(segment));
        const before = engine.memoryBytes;
        engine.createLanguageModel(LARGE);
        engine.createLanguageModel(LARGE);
        assert.ok(engine.memoryBytes > before);
      }
      engine.dispose();
    });
  });

  describe('model.memory', () => {
    for (const router of ROUTERS) {
      test(`${router}: adds up to the memory that was allocated`, async () => {
        const engine = await load({ variant: bench.variant });
        const before = engine.memoryBytes;
        const model = engine.createLanguageModel({ ...LARGE, router });
        const { total, ...kinds } = model.memory;
        const sum = Object.values(kinds).reduce((a, b) => a + b, 0);
        assert.equal(total, sum);
        const names = ['activations', 'context', 'gradients', 'moments', 'parameters', 'scratch', 'tables'];
        assert.deepEqual(Object.keys(kinds).sort(), names);
        assert.ok(Object.values(kinds).every((bytes) => Number.isInteger(bytes) && bytes > 0));
        // Four bytes a number, and little besides.
        const { parameterCount, trainableParameterCount } = model;
        /** @type {[number, number][]} */
        const exact = [
          [kinds.parameters, 4 * parameterCount],
          [kinds.gradients, 4 * trainableParameterCount],
          [kinds.moments, 8 * trainableParameterCount],
        ];
        for (const [bytes, least] of exact) assert.ok(bytes >= least && bytes < least * 1.01 + 20_000);
        const grown = engine.memoryBytes - before;
        assert.ok(grown <= total + 2 ** 17 && engine.memoryBytes > total, `${grown} for ${total}`);
        model.dispose();
        engine.createLanguageModel({ ...LARGE, router });
        assert.equal(engine.memoryBytes - before, grown, 'its place is taken by the next one');
        engine.dispose();
      });
    }

    test('a classifier has no context', () => {
      const { total, context, ...kinds } = bench.classifier(TINY_CLASSIFIER).memory;
      assert.equal(context, 0);
      assert.equal(
        Object.values(kinds).reduce((a, b) => a + b, 0),
        total,
      );
    });

    test('counts of parameters', () => {
      for (const router of ROUTERS) {
        const model = bench.language({ ...TINY, router });
        const parameters = model.parameters();
        const count = (/** @type {typeof parameters} */ list) =>
          list.reduce((sum, { data }) => sum + data.length, 0);
        assert.equal(model.parameterCount, count(parameters));
        assert.equal(model.trainableParameterCount, count(parameters.filter(({ trainable }) => trainable)));
      }
    });
  });
});
