/** Arrays, buffers, addresses and options of another realm (a frame, a context of node:vm), and plain arrays. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import vm from 'node:vm';
import {
  Batches,
  ByteVocabulary,
  characterClasses,
  evaluateText,
  evaluateVectors,
  load,
  routerEntropy,
  Standardizer,
  specialisation,
  splitText,
  splitVectors,
  switchRate,
  TextStreams,
} from '../../web/index.js';
import { Labels, splitLabelledTexts } from '../../web/labelled-text.js';
import { load as loadWorker } from '../../web/worker.js';
import {
  errorOf,
  onEveryVariant,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** Classes of another realm. */
const other = vm.runInNewContext(
  '({ Float32Array, Int32Array, Uint8Array, ArrayBuffer, Float64Array, JSON })',
);

/** @param {Float32Array | Int32Array | Uint8Array} array */
const foreign = (array) => {
  const copy = new other[
    array instanceof Float32Array ? 'Float32Array' : array instanceof Int32Array ? 'Int32Array' : 'Uint8Array'
  ](array);
  assert.ok(!(copy instanceof Object));
  return copy;
};

/** @param {Float32Array | Int32Array} array */
const plain = (array) => Array.from(array);

/** @param {number} width */
const rows = (width) => (/** @type {Float32Array | Int32Array} */ array) =>
  array.length % width === 0
    ? Array.from({ length: array.length / width }, (_, row) =>
        Array.from(array.subarray(row * width, (row + 1) * width)),
      )
    : plain(array);

/** @type {Record<string, (array: any) => any>} */
const FORMS = { 'another realm': foreign, 'plain arrays': plain };

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const BATCH = randomBatch(TINY_CLASSIFIER, 1);
const MANY = randomBatch({ ...TINY_CLASSIFIER, batchSize: 45 }, 2);
const SEGMENT = randomSegment(TINY, 1);

/** Without what depends on the clock. @param {any} progress */
const timeless = ({ tokensPerSecond, ...rest }) => rest;

onEveryVariant((bench) => {
  for (const [name, form] of Object.entries({ ...FORMS, rows: rows(TINY_CLASSIFIER.inputSize) })) {
    it(`classifier: ${name}`, async () => {
      const ids = name === 'rows' ? plain : form;
      const [one, two] = [bench.classifier(TINY_CLASSIFIER), bench.classifier(TINY_CLASSIFIER)];
      const batch = { inputs: form(BATCH.inputs), targets: ids(BATCH.targets) };
      const many = { inputs: form(MANY.inputs), targets: ids(MANY.targets) };
      assert.deepEqual(two.evaluate(batch), one.evaluate(BATCH));
      assert.deepEqual(two.gradients(batch), one.gradients(BATCH));
      assert.deepEqual(
        two.trainStep({ ...batch, learningRate: 0.01 }),
        one.trainStep({ ...BATCH, learningRate: 0.01 }),
      );
      assert.deepEqual(two.predict(batch.inputs), one.predict(BATCH.inputs));
      assert.deepEqual(
        two.measure(batch.inputs, { classes: batch.targets }),
        one.measure(BATCH.inputs, { classes: BATCH.targets }),
      );
      assert.deepEqual(two.measure(many), one.measure(MANY));
      assert.deepEqual(await evaluateVectors(two, many), await evaluateVectors(one, MANY));
      assert.deepEqual(splitVectors(many), splitVectors(MANY));
      assert.deepEqual(new Batches(many, { batchSize: 4 }).at(3), new Batches(MANY, { batchSize: 4 }).at(3));
      const size = TINY_CLASSIFIER.inputSize;
      assert.deepEqual(
        Standardizer.fit(many.inputs, size).apply(many.inputs),
        Standardizer.fit(MANY.inputs, size).apply(MANY.inputs),
      );
      const last = await two.train(many, {
        steps: 5,
        validation: many,
        probe: many.inputs,
        probeClasses: many.targets,
      });
      assert.deepEqual(
        timeless(last),
        timeless(
          await one.train(MANY, {
            steps: 5,
            validation: MANY,
            probe: MANY.inputs,
            probeClasses: MANY.targets,
          }),
        ),
      );
      const bias = Float32Array.of(1, 2, 3, 4, 5, 6, 7).subarray(0, TINY_CLASSIFIER.classes);
      one.setParameter('output.bias', bias);
      two.setParameter('output.bias', (name === 'rows' ? plain : form)(bias));
      assert.deepEqual(two.parameters(), one.parameters());
    });
  }

  for (const [name, form] of Object.entries({ ...FORMS, rows: rows(TINY.contextLength) })) {
    it(`language model: ${name}`, async () => {
      const ids = /** @type {(array: any) => any} */ (name === 'rows' ? plain : form);
      const [one, two] = [bench.language(TINY), bench.language(TINY)];
      const segment = { ...SEGMENT, inputs: form(SEGMENT.inputs), targets: form(SEGMENT.targets) };
      assert.deepEqual(two.evaluate(segment), one.evaluate(SEGMENT));
      assert.deepEqual(
        two.trainStep({ ...segment, learningRate: 0.01 }),
        one.trainStep({ ...SEGMENT, learningRate: 0.01 }),
      );
      const tokens = ids(TOKENS);
      assert.deepEqual(two.measure(tokens, { classes: tokens }), one.measure(TOKENS, { classes: TOKENS }));
      assert.deepEqual(await evaluateText(two, tokens), await evaluateText(one, TOKENS));
      const options = { maxTokens: 5, seed: 2 };
      assert.deepEqual(
        [...two.generate(ids(TOKENS.slice(0, 9)), options)],
        [...one.generate(TOKENS.slice(0, 9), options)],
      );
      assert.deepEqual(
        new TextStreams(tokens, { batchSize: 2, length: 5 }).at(3),
        new TextStreams(TOKENS, { batchSize: 2, length: 5 }).at(3),
      );
      assert.deepEqual([...splitText(tokens).validation], [...splitText(TOKENS).validation]);
      const saved = one.saveMemory();
      two.restoreMemory(/** @type {any} */ ({ ...saved, layers: saved.layers.map(foreign) }));
      assert.deepEqual(two.saveMemory(), saved);
      await two.train(tokens, { steps: 3, validation: tokens, probe: tokens });
      await one.train(TOKENS, { steps: 3, validation: TOKENS, probe: TOKENS });
      assert.deepEqual(two.parameters(), one.parameters());
    });
  }

  it('rows say how long a segment is', () => {
    const model = bench.language(TINY);
    const short = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const flat = { inputs: Int32Array.from(short.flat()), targets: Int32Array.from(short.flat()), length: 3 };
    assert.deepEqual(
      model.evaluate({ inputs: short, targets: short, carryMemory: false }),
      model.evaluate({ ...flat, carryMemory: false }),
    );
    assert.throws(
      () => model.evaluate({ inputs: short, targets: short, length: 2 }),
      /length must be 3 like the rows of inputs, got 2/,
    );
  });

  it('files: buffers, and arrays of bytes', () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const file = model.saveCheckpoint();
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    for (const bytes of [
      file.buffer,
      foreign(file),
      foreign(file).buffer,
      Buffer.from(file),
      shared,
      shared.buffer,
    ]) {
      const opened = bench.openClassifier(/** @type {any} */ (bytes));
      assert.deepEqual(opened.parameters(), model.parameters());
    }
    const named = errorOf(() => bench.engine.loadCheckpoint(/** @type {any} */ (new File(['x'], 'a.pt'))));
    assert.match(named.message, /\(await its arrayBuffer\(\)\), got a File \("a\.pt"\)$/);
  });

  it('options and configurations', () => {
    const config = other.JSON.parse(JSON.stringify(TINY_CLASSIFIER));
    const model = bench.classifier(config);
    assert.ok(model.saveCheckpoint(other.JSON.parse('{"metadata":{"a":"b"}}')).length > 0);
    assert.throws(() => bench.classifier(other.JSON.parse('{"clases":2}')), /the nearest is classes$/);
  });

  it('a configuration may be left out', () => {
    assert.equal(bench.engine.createClassifier().config.inputSize, 2);
    const model = bench.engine.createLanguageModel();
    assert.equal(model.config.vocabSize, 256);
    model.dispose();
  });

  it('any number of vectors is classified, batch by batch', () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const { inputSize, classes, batchSize } = TINY_CLASSIFIER;
    for (const count of [1, batchSize, batchSize + 1, 45]) {
      const all = model.predict(MANY.inputs.slice(0, count * inputSize));
      assert.equal(all.length, count * classes);
      for (let at = 0; at < count; at += batchSize) {
        const end = Math.min(count, at + batchSize);
        const part = model.predict(MANY.inputs.slice(at * inputSize, end * inputSize));
        assert.deepEqual(all.slice(at * classes, end * classes), part);
      }
    }
    assert.throws(() => model.predict([]), /inputs must have n x 3 numbers \(inputSize\), got 0/);
  });

  it('what a getter gives is read once', () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    let reads = 0;
    const batch = {
      inputs: BATCH.inputs,
      get targets() {
        return reads++ === 0 ? BATCH.targets : new Int32Array(20_000).fill(0x41414141);
      },
    };
    assert.ok(model.evaluate(batch).loss > 0);
    assert.equal(reads, 1);
  });

  it('what a getter gives is what is saved', () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const metadata = Object.defineProperty({}, 'about', { get: changing('a test', 7), enumerable: true });
    const { metadata: saved } = bench.engine.loadCheckpoint(model.saveCheckpoint({ metadata }));
    assert.deepEqual(saved, { about: 'a test' });
  });
});

/**
 * What is given the first time, and what each time after it.
 * @param {unknown} first
 * @param {unknown} then
 */
function changing(first, then) {
  let reads = 0;
  return () => (reads++ === 0 ? first : then);
}

describe('helpers', () => {
  it('labels are those that were checked', () => {
    const names = Object.defineProperty(['', 'b'], 0, { get: changing('a', 'b') });
    assert.deepEqual(new Labels(names).names, ['a', 'b']);
    const texts = Object.defineProperty(['', 'two'], 0, { get: changing('one', 7) });
    const { train } = splitLabelledTexts({ texts, labels: ['a', 'b'] }, { validation: 0 });
    assert.deepEqual(train.texts, ['one', 'two']);
  });

  it('metrics and vocabularies', () => {
    const experts = Int32Array.of(0, 1, 1, 0);
    const logits = Float32Array.of(1, 2, 3, 4);
    for (const form of Object.values(FORMS)) {
      assert.equal(routerEntropy(form(logits), 2), routerEntropy(logits, 2));
      assert.equal(switchRate(form(experts), form(experts), 1), 0);
      assert.equal(specialisation(form(experts), form(experts), 2), specialisation(experts, experts, 2));
      assert.deepEqual(
        characterClasses(form(experts), new ByteVocabulary()),
        characterClasses(experts, new ByteVocabulary()),
      );
      assert.equal(new ByteVocabulary().decode(form(Int32Array.of(72, 105))), 'Hi');
    }
    const bytes = new TextEncoder().encode('Hi');
    for (const text of [foreign(bytes), bytes.buffer, foreign(bytes).buffer]) {
      assert.deepEqual(new ByteVocabulary().encode(text), Int32Array.of(72, 105));
    }
  });
});

describe('in a worker', () => {
  /** @type {import('../../web/worker.js').Engine} */
  let there;
  before(async () => {
    there = await loadWorker({ variant: 'simd' });
  });
  after(() => there.dispose());

  it('the same', async () => {
    const here = await load({ variant: 'simd' });
    const [one, two] = [
      here.createClassifier(TINY_CLASSIFIER),
      await there.createClassifier(TINY_CLASSIFIER),
    ];
    for (const form of [foreign, plain, rows(TINY_CLASSIFIER.inputSize)]) {
      assert.deepEqual(await two.predict(form(MANY.inputs)), one.predict(MANY.inputs));
    }
    const file = await two.saveCheckpoint();
    for (const bytes of [file.buffer, foreign(file), foreign(file).buffer]) {
      await (await there.loadCheckpoint(/** @type {any} */ (bytes))).dispose();
    }
    assert.equal((await there.createClassifier()).config.inputSize, 2);
    await assert.rejects(
      two.predict(/** @type {any} */ (() => 1)),
      /a function cannot be sent to the worker/,
    );
    here.dispose();
  });

  it('addresses of another realm', async () => {
    const Url = vm.runInNewContext('URL', { URL });
    const engine = await loadWorker({
      worker: new Url(new URL('../../web/worker/host.js', import.meta.url).href),
    });
    await engine.dispose();
  });
});
