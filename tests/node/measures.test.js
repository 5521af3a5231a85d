import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ByteVocabulary,
  characterClasses,
  characterClassNames,
  droppedShare,
  expertLoad,
  expertsPerToken,
  loadVariation,
  maxLoad,
  routerEntropy,
  routerProbabilities,
  routingByClass,
  specialisation,
  switchRate,
  tokensWithoutExpert,
} from '../../web/index.js';
import { ProbeHistory } from '../../web/probe-history.js';
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

describe('routing metrics', () => {
  it('load: the share of the assignments', () => {
    assert.deepEqual([...expertLoad(Int32Array.of(0, 1, 0, 3), 4)], [0.5, 0.25, 0, 0.25]);
    assert.deepEqual([...expertLoad(new Int32Array(0), 2)], [0, 0]);
  });

  it('specialisation: ids of classes may be any numbers', () => {
    const experts = Int32Array.of(0, 1, 0, 1, 2);
    const few = specialisation(experts, Int32Array.of(0, 1, 0, 2, 2), 3);
    assert.equal(specialisation(experts, Int32Array.of(5, 70, 5, 2 ** 31 - 1, 2 ** 31 - 1), 3), few);
    assert.ok(few > 0 && few < 1);
  });

  it('load: an entry of -1 is no assignment', () => {
    assert.deepEqual([...expertLoad(Int32Array.of(0, 1, 2, -1, -1, -1, 0, -1), 4)], [0.5, 0.25, 0.25, 0]);
    assert.deepEqual([...expertLoad(Int32Array.of(-1, -1), 2)], [0, 0]);
  });

  it('max load and load variation', () => {
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

  it('max load and load variation are 0 where nothing was assigned', () => {
    assert.deepEqual([maxLoad([0, 0]), loadVariation([0, 0])], [0, 0]);
  });

  it('router probabilities: the softmax over all logits of one token', () => {
    const logits = Float32Array.of(0, 0, 1000, 1000, 0, -1000);
    assert.deepEqual(routerProbabilities(logits, 2), [0.5, 0.5]);
    assert.deepEqual(routerProbabilities(logits, 2, 1), [0.5, 0.5], 'large logits do not overflow');
    assert.deepEqual(routerProbabilities(logits, 2, 2), [1, 0]);
    assertNear(routerProbabilities(Float32Array.of(Math.log(3), 0), 2)[0], 0.75, 1e-7, 'three to one');
    assert.throws(() => routerProbabilities(logits, 2, 3), /token must be from 0 to 2, got 3/);
  });

  it('entropy: 1 when uniform, 0 when certain', () => {
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

  it('switch rate: sets of different sizes, and the empty set', () => {
    const before = Int32Array.of(0, 1, 2, -1, -1, -1);
    assert.equal(switchRate(before, Int32Array.of(1, 0, 2, -1, -1, -1), 2), 0);
    assertNear(switchRate(before, Int32Array.of(0, -1, 2, -1, -1, -1), 2), 1 / 3, 1e-12, 'one fewer');
    assertNear(switchRate(before, Int32Array.of(0, 1, 2, 3, -1, -1), 2), 1 / 3, 1e-12, 'one more');
    assertNear(switchRate(before, Int32Array.of(0, 1, 2, -1, 0, -1), 2), 1 / 3, 1e-12, 'from none to one');
    assertNear(switchRate(before, Int32Array.of(-1, -1, -1), 1, 2), 2 / 3, 1e-12, 'other row lengths');
    assert.equal(switchRate(before, Int32Array.of(1, 0, -1, 2, -1, -1, -1, -1, -1), 3, 2), 0);
  });

  it('specialisation: mutual information between class and expert', () => {
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

  it('experts per token, dropped assignments and tokens without an expert', () => {
    // Token 0: both computed; token 1: one dropped; token 2: its only one dropped; token 3: none.
    const experts = [0, 1, 2, 0, 1, -1, -1, -1];
    const weights = [0.6, 0.4, 0.7, 0, 0, 0, 0, 0];
    assert.equal(expertsPerToken(weights, 4), 0.75);
    assert.equal(droppedShare(experts, [1, 0, 1]), 0.4);
    assert.equal(tokensWithoutExpert(weights, 4), 0.5);
    assert.deepEqual(
      [expertsPerToken([], 0), droppedShare([], []), tokensWithoutExpert([], 0), tokensWithoutExpert([], 3)],
      [0, 0, 0, 1],
    );
  });

  it('specialisation: over existing assignments only', () => {
    const classes = Int32Array.of(0, 0, 1, 1, 1);
    assertNear(
      specialisation(Int32Array.of(2, -1, 2, -1, 0, -1, 0, -1, -1, -1), classes, 3),
      specialisation(Int32Array.of(2, 2, 0, 0), classes.subarray(0, 4), 3),
      1e-12,
      'a token without an expert plays no part',
    );
    assert.equal(specialisation(Int32Array.of(-1, -1), Int32Array.of(0, 1), 2), 0, 'nothing was assigned');
  });

  it('routing by class: shares and lifts by hand', () => {
    // Class 0: twice to expert 0, once to 1; class 3: once to expert 1.
    assert.deepEqual(routingByClass([0, 1, 0, 1], [0, 3, 0, 0], 3), [
      { id: 0, tokens: 3, assignments: [2, 1, 0], shares: [2 / 3, 1 / 3, 0], lifts: [4 / 3, 2 / 3, 0] },
      { id: 3, tokens: 1, assignments: [0, 1, 0], shares: [0, 1, 0], lifts: [0, 2, 0] },
    ]);
    assert.throws(() => routingByClass([0, 1, 0], [0, 1], 2), RangeError);
  });

  it('routing by class: any number of experts per token, and tokens without a class', () => {
    const experts = Int32Array.of(0, 1, 0, -1, -1, -1, 1, -1);
    assert.deepEqual(routingByClass(experts, [7, 7, 7, -1], 2), [
      // Half of all assignments go to each expert, two thirds of those of the class to expert 0.
      { id: 7, tokens: 3, assignments: [2, 1], shares: [2 / 3, 1 / 3], lifts: [4 / 3, 2 / 3] },
    ]);
    const [idle] = routingByClass([-1, -1], [5, 5], 1);
    assert.deepEqual(idle, { id: 5, tokens: 2, assignments: [0], shares: [0], lifts: [0] });
  });

  it('specialisation is the mean logarithm of the lift', () => {
    const experts = randomIds(60, 4, 1);
    const classes = randomIds(30, 3, 2);
    let mutual = 0;
    for (const { assignments, lifts } of routingByClass(experts, classes, 4)) {
      assignments.forEach((n, e) => {
        if (n > 0) mutual += (n / 60) * Math.log(lifts[e]);
      });
    }
    const entropy = (/** @type {number[]} */ shares) =>
      shares.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
    const ofClass = [0, 1, 2].map((id) => classes.filter((c) => c === id).length / 30);
    const smaller = Math.min(entropy(ofClass), entropy(Array.from(expertLoad(experts, 4))));
    assertNear(specialisation(experts, classes, 4), mutual / smaller, 1e-6, 'mutual information');
  });

  it('a probe may have another number of experts per token in each pass', () => {
    const pass = (
      /** @type {number[]} */ experts,
      /** @type {number} */ tokens,
      entropy = 0,
      similarity = 0,
    ) => ({
      routing: [
        {
          experts: Int32Array.from(experts),
          weights: new Float32Array(experts.length),
          logits: new Float32Array(3 * tokens),
          load: new Float32Array(3),
          entropy,
          dropped: new Int32Array(3),
        },
      ],
      similarity: [similarity],
    });
    const probe = Int32Array.of(1, 2, 3, 4);
    const history = new ProbeHistory();
    const options = { count: 3, topK: 1, classes: Int32Array.of(0, 0, 1, 1) };
    // Tokens 0 to 2 in one pass, token 3 in another; entropy and similarity are means over tokens.
    const [first] = history.measure(
      probe,
      [pass([0, 1, 0, -1, -1, -1], 3, 1, 0.5), pass([2], 1, 0, 0.1)],
      options,
    );
    assert.deepEqual([...first.load], [0.5, 0.25, 0.25]);
    assertNear(first.entropy, 0.75, 1e-12, 'entropy');
    assertNear(Number(first.expertSimilarity), 0.4, 1e-12, 'similarity');
    assertNear(Number(first.specialisation), 1, 1e-12, 'specialisation');
    assert.equal(first.switchRate, null);
    // One expert fewer for token 0, none in all of the second pass.
    const [second] = history.measure(probe, [pass([0, 0, -1], 3), pass([], 1)], options);
    assert.equal(second.switchRate, 0.5);
    const [third] = history.measure(probe, [pass([0, 0, -1], 3), pass([], 1)], options);
    assert.equal(third.switchRate, 0);
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
  it('measures of a language model are those of its routing', () => {
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

  it('measuring a probe leaves training as it was', () => {
    const [measured, other] = [liven(bench.language(TINY)), liven(bench.language(TINY))];
    const probe = randomIds(3 * TINY.contextLength + 2, TINY.vocabSize, 1);
    for (let step = 0; step < 4; step++) {
      const segment = { ...randomSegment(TINY, step), learningRate: 0.01 };
      assert.deepEqual(measured.trainStep(segment), other.trainStep(segment));
      measured.measure(probe);
    }
    assert.deepEqual(measured.saveMemory(), other.saveMemory());
  });

  it('the second measurement gives the switch rate, for each probe separately', () => {
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
    assert.equal(model.measure(a)[0].switchRate, null, 'another topK');
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

  it('an invalid probe is refused', () => {
    const model = bench.language(TINY);
    assert.throws(() => model.measure(new Int32Array(0)), /probe must have 1 tokens or more/);
    assert.throws(() => model.measure(/** @type {any} */ ('12')), /probe must be an Int32Array/);
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
