/** Sampling: seed, temperature and topP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNear, liven, onEveryVariant, TINY } from './helpers.js';
import { lastLogits, PROMPT, SIZES, tokensOf } from './texts.js';

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
      const chances = softmax(lastLogits(model, PROMPT), temperature);
      const order = chances.map((_, id) => id).sort((a, b) => chances[b] - chances[a]);
      const kept = new Set();
      let mass = 0;
      for (const id of order) {
        if (mass >= topP) break;
        kept.add(id);
        mass += chances[id];
      }
      const counts = chances.map(() => 0);
      const draws = 3000;
      for (let seed = 0; seed < draws; seed++) {
        const [{ token }] = model.generate(PROMPT, { maxTokens: 1, temperature, topP, seed });
        counts[token]++;
      }
      assert.equal(topP < 1, kept.size < TINY.vocabSize);
      chances.forEach((chance, id) => {
        const expected = kept.has(id) ? chance / mass : 0;
        // Five standard deviations.
        const slack = 5 * Math.sqrt((expected * (1 - expected)) / draws);
        assertNear(counts[id] / draws, expected, slack, `share of token ${id}`);
      });
    });
  }
});
