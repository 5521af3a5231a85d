/** Sampling: seed, temperature, topP, topTokens, repetition penalty and stop sequences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNear, liven, onEveryVariant, TINY } from './helpers.js';
import { argmax, lastLogits, PROMPT, SIZES, tokensOf } from './texts.js';

/**
 * @param {ArrayLike<number>} logits
 * @param {number} temperature
 */
function softmax(logits, temperature) {
  const top = Math.max(...Array.from(logits));
  const weights = Array.from(logits, (logit) => Math.exp((logit - top) / temperature));
  const sum = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / sum);
}

const UINT64 = (1n << 64n) - 1n;

/** splitmix64, as src/base/random.h. @param {bigint} key @param {bigint} use */
function mixed(key, use) {
  let x = (key + 0x9e3779b97f4a7c15n * (use + 1n)) & UINT64;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & UINT64;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & UINT64;
  return x ^ (x >> 31n);
}

/**
 * The token that a seed draws, and how far the draw is from that of another token.
 * @param {number[]} logits
 * @param {number[]} text before it
 * @param {{ temperature: number, topP: number, topTokens: number, repetitionPenalty: number, seed: number }} options
 */
function drawn(logits, text, { temperature, topP, topTokens, repetitionPenalty: penalty, seed }) {
  const penalised = logits.map((logit, id) =>
    text.includes(id) ? (logit < 0 ? logit * penalty : logit / penalty) : logit,
  );
  const probabilities = softmax(penalised, temperature);
  const order = probabilities.map((_, id) => id).sort((a, b) => probabilities[b] - probabilities[a]);
  const most = order.slice(0, topTokens);
  const whole = most.reduce((sum, id) => sum + probabilities[id], 0);
  const ends = [0];
  for (const id of most)
    if (ends[ends.length - 1] < topP * whole) ends.push(ends[ends.length - 1] + probabilities[id]);
  const uniform = (Number(mixed(BigInt(seed), 0n) >> 11n) + 0.5) * 2 ** -53;
  const draw = uniform * ends[ends.length - 1];
  const margin = Math.min(...ends.slice(0, -1).map((end) => Math.abs(end - topP * whole)));
  const token = most[ends.findIndex((end) => draw < end) - 1];
  return { token, margin: Math.min(margin, ...ends.slice(1, -1).map((end) => Math.abs(end - draw))) };
}

onEveryVariant((bench) => {
  const create = () => liven(bench.language(SIZES));

  test('the same seed gives the same text, another seed another', () => {
    const model = create();
    const text = tokensOf(model, PROMPT, { maxTokens: 60, seed: 1 });
    assert.deepEqual(tokensOf(model, PROMPT, { maxTokens: 60, seed: 1 }), text);
    assert.deepEqual(tokensOf(create(), Int32Array.from(PROMPT), { maxTokens: 60, seed: 1 }), text);
    assert.notDeepEqual(tokensOf(model, PROMPT, { maxTokens: 60, seed: 2 }), text);
    assert.deepEqual(tokensOf(model, PROMPT, { maxTokens: 20, seed: 1 }), text.slice(0, 20));
    assert.deepEqual(tokensOf(model, PROMPT, { seed: 1 }).length, 100, 'maxTokens is 100 by default');
    assert.deepEqual(tokensOf(model, PROMPT), tokensOf(model, PROMPT, { seed: 0, temperature: 1, topP: 1 }));
    const largest = tokensOf(model, PROMPT, { maxTokens: 5, seed: 2 ** 32 - 1 });
    assert.equal(largest.length, 5);
  });

  test('temperature towards 0, and topP towards 0, take the most likely', () => {
    const model = create();
    const greedy = tokensOf(model, PROMPT, { maxTokens: 40, temperature: 0 });
    for (let seed = 0; seed < 5; seed++) {
      const almost = [
        { temperature: 1e-6 },
        { temperature: 1e-30 },
        { temperature: Number.MIN_VALUE },
        { topP: 1e-9 },
        { topP: Number.MIN_VALUE },
        { temperature: 1e-6, topP: 0.5 },
      ];
      for (const options of almost) {
        assert.deepEqual(
          tokensOf(model, PROMPT, { maxTokens: 40, seed, ...options }),
          greedy,
          JSON.stringify(options),
        );
      }
      assert.deepEqual(tokensOf(model, PROMPT, { maxTokens: 40, seed, temperature: 0, topP: 0.1 }), greedy);
    }
  });

  test('a huge temperature makes all tokens equally likely', () => {
    const model = create();
    for (const temperature of [1e6, Number.MAX_VALUE]) {
      const seen = new Set(tokensOf(model, PROMPT, { maxTokens: 400, temperature, seed: 3 }));
      assert.equal(seen.size, TINY.vocabSize);
    }
  });

  for (const [temperature, topP] of [
    [1, 1],
    [0.5, 1],
    [2, 1],
    [1, 0.7],
    [1.5, 0.4],
  ]) {
    test(`temperature ${temperature}, topP ${topP}: as often as they are likely`, () => {
      const model = create();
      const probabilities = softmax(lastLogits(model, PROMPT), temperature);
      const order = probabilities.map((_, id) => id).sort((a, b) => probabilities[b] - probabilities[a]);
      const kept = new Set();
      let mass = 0;
      for (const id of order) {
        if (mass >= topP) break;
        kept.add(id);
        mass += probabilities[id];
      }
      const counts = probabilities.map(() => 0);
      const draws = 3000;
      for (let seed = 0; seed < draws; seed++) {
        const [{ token }] = model.generate(PROMPT, { maxTokens: 1, temperature, topP, seed });
        counts[token]++;
      }
      assert.equal(topP < 1, kept.size < TINY.vocabSize);
      probabilities.forEach((probability, id) => {
        const expected = kept.has(id) ? probability / mass : 0;
        // Five standard deviations.
        const slack = 5 * Math.sqrt((expected * (1 - expected)) / draws);
        assertNear(counts[id] / draws, expected, slack, `share of token ${id}`);
      });
    });
  }

  for (const options of [
    { temperature: 1, topP: 1, topTokens: 19, repetitionPenalty: 1 },
    { temperature: 1.5, topP: 0.8, topTokens: 19, repetitionPenalty: 1 },
    { temperature: 2, topP: 1, topTokens: 4, repetitionPenalty: 1 },
    { temperature: 1, topP: 1, topTokens: 19, repetitionPenalty: 1.8 },
    { temperature: 1, topP: 1, topTokens: 19, repetitionPenalty: 0.5 },
    { temperature: 1.3, topP: 0.9, topTokens: 6, repetitionPenalty: 2.5 },
  ]) {
    test(`${JSON.stringify(options)}: the token that the seed draws`, () => {
      const model = create();
      const text = [...PROMPT, 7, 7];
      const logits = Array.from(lastLogits(model, text));
      const seen = new Set();
      let close = 0;
      for (let seed = 0; seed < 200; seed++) {
        const [{ token }] = model.generate(text, { ...options, maxTokens: 1, seed });
        const expected = drawn(logits, text, { ...options, seed });
        if (expected.margin < 1e-5) close++;
        else assert.equal(token, expected.token, `seed ${seed}`);
        seen.add(token);
      }
      assert.ok(close < 5 && seen.size > 3);
    });
  }

  test('repetitionPenalty: the tokens of the whole text, also those that the cache has lost', () => {
    const model = liven(bench.language({ ...SIZES, contextLength: 4, memoryLength: 2 }));
    const options = { maxTokens: TINY.vocabSize - 1, temperature: 0, repetitionPenalty: 1000 };
    const bias = new Float32Array(TINY.vocabSize).fill(100);
    model.setParameter('crit.out_layers.0.bias', bias);
    const text = [5, ...tokensOf(model, [5], options)];
    assert.equal(new Set(text).size, TINY.vocabSize, `every token once: ${text}`);
  });

  test('stop: a text ends with the first sequence that is completed', () => {
    const model = create();
    const options = { maxTokens: 40, seed: 1 };
    const text = tokensOf(model, PROMPT, options);
    const ending = (/** @type {any} */ stop) => tokensOf(model, PROMPT, { ...options, stop });
    const at = text.findIndex((_, i) => i > 3 && text.indexOf(text[i]) === i);
    assert.ok(at > 0);
    const pair = text.slice(at - 1, at + 1);
    const wanted = text.slice(0, at + 1);
    assert.deepEqual(ending(Int32Array.of(text[at])), wanted, 'a sequence of one');
    assert.deepEqual(ending(pair), wanted, 'a sequence of two');
    assert.deepEqual(ending([pair]), wanted);
    const never = Array(41).fill(0);
    assert.deepEqual(ending([never, Int32Array.from(pair), [text[at]]]), wanted);
    assert.deepEqual(ending([[...pair, 99 % TINY.vocabSize, 0, 0]]), text, 'one that does not come');
    assert.deepEqual(ending([]), text);
    assert.deepEqual(ending(undefined), text);
    const [last, first] = [PROMPT[PROMPT.length - 1], text[0]];
    assert.ok(ending([[last, first]]).length > 1, 'the prompt is not searched');
    const stop = Int32Array.of(text[at]);
    const steps = model.generate(PROMPT, { ...options, stop });
    stop[0] = text[0];
    assert.equal([...steps].length, wanted.length, 'the sequence may change after the call');
  });

  test('next: the probabilities from which generate draws', () => {
    const model = create();
    for (const text of [[3], PROMPT, [...PROMPT, 1, 5, 9, 2, 6, 5, 3, 5]]) {
      const probabilities = softmax(lastLogits(model, text), 1);
      const next = model.next(text);
      assert.ok(next instanceof Float32Array && next.buffer.byteLength === 4 * TINY.vocabSize);
      next.forEach((probability, id) => {
        assertNear(probability, probabilities[id], 1e-5, `token ${id}`);
      });
      assertNear(
        next.reduce((sum, p) => sum + p),
        1,
        1e-6,
        'sum',
      );
      assert.equal(tokensOf(model, text, { maxTokens: 1, temperature: 0 })[0], argmax(next));
      assert.deepEqual(model.next(Int32Array.from(text)), next, 'the same bits again');
    }
    const long = Array.from({ length: 90 }, (_, i) => (i * i) % TINY.vocabSize);
    const [first] = model.generate(long, { maxTokens: 1, temperature: 0 });
    assert.equal(argmax(model.next(long)), first.token, 'a text beyond the memory');
  });

  test('next touches neither the memory of training nor a text that is being generated', () => {
    const model = create();
    const segment = { inputs: Int32Array.from(PROMPT), targets: Int32Array.from(PROMPT), length: 3 };
    model.evaluate(segment);
    const memory = model.saveMemory();
    const options = { maxTokens: 12, seed: 5 };
    const wanted = tokensOf(model, PROMPT, options);
    const tokens = [];
    for (const { token } of model.generate(PROMPT, options)) {
      tokens.push(token);
      model.next([1, 2]);
      assert.equal(model.routing()[0].experts.length, 2 * TINY.topK, 'routing of the tokens');
    }
    assert.deepEqual(tokens, wanted);
    assert.deepEqual(model.saveMemory(), memory);
  });
});
