import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ByteVocabulary,
  characterClasses,
  characterClassNames,
  expertLoad,
  loadVariation,
  maxLoad,
  routerEntropy,
  specialisation,
  switchRate,
} from '../../web/index.js';
import {
  assertNear,
  assertSameBits,
  liven,
  onEveryVariant,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

describe('what a routing is measured by', () => {
  it('load: the share of the assignments', () => {
    assert.deepEqual([...expertLoad(Int32Array.of(0, 1, 0, 3), 4)], [0.5, 0.25, 0, 0.25]);
    assert.deepEqual([...expertLoad(new Int32Array(0), 2)], [0, 0]);
  });

  it('balance: the busiest expert and the coefficient of variation', () => {
    assert.equal(maxLoad([0.25, 0.25, 0.25, 0.25]), 1);
    assert.equal(maxLoad([1, 0, 0, 0]), 4);
    assert.equal(loadVariation([0.25, 0.25, 0.25, 0.25]), 0);
    assertNear(loadVariation([1, 0, 0, 0]), Math.sqrt(3), 1e-12, 'all to one');
    // Mean 1/3, variance (1/36 + 1/900 + 16/900) / 3.
    assertNear(
      loadVariation([0.5, 0.3, 0.2]),
      3 * Math.sqrt((1 / 36 + 1 / 900 + 16 / 900) / 3),
      1e-12,
      'some',
    );
  });

  it('entropy: 1 without preference, 0 when certain', () => {
    assertNear(routerEntropy(new Float32Array(8), 4), 1, 1e-12, 'even');
    assertNear(routerEntropy(Float32Array.of(100, 0, 0, 0), 4), 0, 1e-12, 'certain');
    // Two of four, evenly: ln 2 / ln 4.
    assertNear(routerEntropy(Float32Array.of(100, 100, 0, 0), 4), 0.5, 1e-12, 'two');
    assert.equal(routerEntropy(Float32Array.of(1, 2), 1), 0);
  });

  it('switch rate: another set, not another order', () => {
    const before = Int32Array.of(0, 1, 2, 3, 1, 2);
    assert.equal(switchRate(before, Int32Array.of(1, 0, 3, 2, 2, 1), 2), 0);
    assertNear(switchRate(before, Int32Array.of(1, 0, 3, 1, 2, 1), 2), 1 / 3, 1e-12, 'one of three');
    assert.throws(() => switchRate(before, Int32Array.of(1), 1), RangeError);
  });

  it('specialisation: how much class and expert tell of each other', () => {
    const classes = Int32Array.of(0, 0, 1, 1);
    assertNear(specialisation(Int32Array.of(2, 2, 0, 0), classes, 3), 1, 1e-12, 'one from the other');
    assertNear(specialisation(Int32Array.of(0, 1, 0, 1), classes, 2), 0, 1e-12, 'independent');
    assert.equal(specialisation(Int32Array.of(0, 0, 0, 0), classes, 2), 0, 'one expert');
    // By hand: p = [[1/2, 0], [1/4, 1/4]]: I = H(c) + H(e) - H(c, e).
    const [ln2, half] = [Math.log(2), 0.25 * Math.log(4) + 0.75 * Math.log(4 / 3)];
    const joint = 0.5 * ln2 + 0.5 * Math.log(4);
    assertNear(
      specialisation(Int32Array.of(0, 0, 0, 1), classes, 2),
      (ln2 + half - joint) / Math.min(ln2, half),
      1e-12,
      'in between',
    );
    assert.throws(() => specialisation(Int32Array.of(0, 1, 0), classes, 2), RangeError);
  });

  it('characters have classes', () => {
    const vocabulary = new ByteVocabulary();
    const names = [...characterClasses(vocabulary.encode('aB7 x\n.é'), vocabulary)].map(
      (id) => characterClassNames[id],
    );
    assert.deepEqual(names, [
      'vowel',
      'capital',
      'digit',
      'space',
      'consonant',
      'line break',
      'punctuation',
      'other',
      'other',
    ]);
  });
});

onEveryVariant((bench) => {
  it('measure of a language model is that of its routing', () => {
    const model = liven(bench.language(TINY));
    const probe = randomIds(TINY.contextLength, TINY.vocabSize, 1);
    const classes = probe.map((token) => token % 3);
    const measures = model.measure(probe, { classes });
    const routing = model.routing();
    assert.equal(measures.length, TINY.layers);
    measures.forEach((layer, index) => {
      const { experts, load, entropy, logits } = routing[index];
      assertSameBits(layer.load, load, 'load');
      assertNear(layer.entropy, entropy, 1e-9, 'entropy');
      assertNear(layer.entropy, routerEntropy(logits, TINY.experts), 1e-6, 'entropy, by the formula');
      assert.equal(layer.maxLoad, maxLoad(load));
      assert.equal(layer.loadVariation, loadVariation(load));
      assert.equal(layer.specialisation, specialisation(experts, classes, TINY.experts));
      assert.equal(layer.switchRate, null);
    });
  });

  it('a look at a probe leaves training as it was', () => {
    const [looked, other] = [liven(bench.language(TINY)), liven(bench.language(TINY))];
    const probe = randomIds(3 * TINY.contextLength + 2, TINY.vocabSize, 1);
    for (let step = 0; step < 4; step++) {
      const segment = { ...randomSegment(TINY, step), learningRate: 0.01 };
      assert.deepEqual(looked.trainStep(segment), other.trainStep(segment));
      looked.measure(probe);
    }
    assert.deepEqual(looked.saveMemory(), other.saveMemory());
  });

  it('the second look gives the switch rate, of each probe by itself', () => {
    const model = liven(bench.language(TINY));
    const [a, b] = [1, 2].map((seed) => randomIds(30, TINY.vocabSize, seed));
    model.measure(a);
    assert.equal(model.measure(b)[0].switchRate, null);
    assert.equal(model.measure(a.slice())[0].switchRate, 0);
    for (let step = 0; step < 20; step++)
      model.trainStep({ ...randomSegment(TINY, step), learningRate: 0.05 });
    const rate = Number(model.measure(a)[0].switchRate);
    assert.ok(rate > 0 && rate <= 1, `${rate}`);
    model.topK = 1;
    assert.equal(model.measure(a)[0].switchRate, null, 'sets of another size');
  });

  it('measure of a classifier takes more vectors than a batch, and targets as classes', () => {
    const model = liven(bench.classifier(TINY_CLASSIFIER));
    const { inputs, targets } = randomBatch({ ...TINY_CLASSIFIER, batchSize: 19 }, 1);
    const measures = model.measure({ inputs, targets });
    assert.equal(measures.length, TINY_CLASSIFIER.layers);
    assert.equal(typeof measures[0].specialisation, 'number');
    assert.equal(model.measure(inputs)[0].specialisation, null);
    assert.equal(model.measure(inputs)[0].switchRate, 0);
  });

  it('a dense model has no routing to measure', () => {
    assert.deepEqual(bench.language({ ...TINY, router: 'dense' }).measure(Int32Array.of(1, 2)), []);
  });

  it('what is no probe is refused', () => {
    const model = bench.language(TINY);
    assert.throws(() => model.measure(new Int32Array(0)), /probe must have 1 tokens or more/);
    assert.throws(() => model.measure(/** @type {any} */ ([1, 2])), /probe must be an Int32Array/);
    assert.throws(() => model.measure(Int32Array.of(99)), /probe\[0\] must be from 0 to 18, got 99/);
    assert.throws(
      () => model.measure(Int32Array.of(1), { classes: new Int32Array(2) }),
      /classes must have one number/,
    );
    const classifier = bench.classifier(TINY_CLASSIFIER);
    assert.throws(() => classifier.measure(new Float32Array(4)), /probe.inputs must have n x 3 numbers/);
    assert.throws(
      () => classifier.measure(Float32Array.of(1, Number.NaN, 1)),
      /probe.inputs\[1\] must be a finite/,
    );
  });
});
