/** Generation: the model's own choice, from a cache, in step with what evaluate says. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertClose,
  assertNear,
  assertSameParameters,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomIds,
  TINY,
} from './helpers.js';
import { argmax, lastLogits, PROMPT, SIZES, TEXT, tokensOf } from './texts.js';

onEveryVariant((bench) => {
  /** @param {Partial<typeof SIZES> & { router?: typeof ROUTERS[number], preLayerNorm?: boolean }} [changes] */
  const create = (changes) => liven(bench.language({ ...SIZES, ...changes }));

  describe('as evaluate says', () => {
    for (const router of ROUTERS) {
      for (const preLayerNorm of [false, true]) {
        const name = `${router}${preLayerNorm ? ', preLayerNorm' : ''}`;

        test(`${name}: the most likely token each time`, () => {
          const model = create({ router, preLayerNorm });
          const seen = new Set();
          for (let seed = 0; seed < 10; seed++) {
            const text = [...randomIds(1 + 2 * seed, TINY.vocabSize, seed)];
            const tokens = tokensOf(model, text, { maxTokens: 4, temperature: 0 });
            for (const token of tokens) {
              assert.equal(token, argmax(lastLogits(model, text)), `after ${text}`);
              text.push(token);
              seen.add(token);
            }
          }
          assert.ok(seen.size > 3, 'it says different things');
        });

        test(`${name}: logits and routing of each token`, () => {
          const model = create({ router, preLayerNorm });
          const steps = [];
          for (const step of model.generate(PROMPT, { ...TEXT, temperature: 3 })) {
            steps.push({ ...step, logits: model.logits() });
          }
          const text = [...PROMPT];
          assert.equal(steps.length, TEXT.maxTokens);
          for (const { token, routing, logits } of steps) {
            text.push(token);
            assertClose(logits, lastLogits(model, text), 1e-4, 'logits after the token');
            const evaluated = model.routing();
            assert.equal(routing.length, router === 'dense' ? 0 : TINY.layers);
            routing.forEach(({ experts, weights, logits: gates }, layer) => {
              const { experts: ids, weights: shares, logits: row } = evaluated[layer];
              assert.deepEqual(experts, ids.slice(-TINY.topK), 'experts of the token');
              assertClose(weights, shares.slice(-TINY.topK), 1e-4, 'weights of the token');
              assertClose(gates, row.slice(-TINY.experts), 1e-4, 'router logits of the token');
            });
          }
          assert.ok(new Set(text).size > 8, 'a text of different tokens');
        });
      }
    }

    test('far behind the context: as evaluate token by token with that memory', () => {
      // The cache holds max(memoryLength, contextLength - 1) tokens; evaluated one by one, memoryLength is what counts.
      for (const [contextLength, memoryLength] of [
        [6, 9],
        [8, 3],
        [7, 6],
        [5, 0],
        [1, 4],
        [1, 0],
      ]) {
        const window = Math.max(memoryLength, contextLength - 1);
        const model = create({ contextLength, memoryLength });
        const reader = create({ contextLength: 1, memoryLength: window, batchSize: 1 });
        assertSameParameters(parametersOf(reader), parametersOf(model));
        const read = (/** @type {number} */ token) => {
          const inputs = Int32Array.of(token);
          reader.evaluate({ inputs, targets: inputs, length: 1 });
          return reader.logits();
        };
        const where = `contextLength ${contextLength}, memoryLength ${memoryLength}`;
        let count = 0;
        read(3);
        for (const { token } of model.generate([3], { maxTokens: 50, temperature: 3, seed: 2 })) {
          assertClose(model.logits(), read(token), 1e-4, `${where}, logits ${count++}`);
        }
        assert.equal(count, 50);
      }
    });

    test('topK of the model, at any time', () => {
      const model = create();
      for (const topK of [1, 3, 4]) {
        model.topK = topK;
        const [first] = model.generate(PROMPT, { maxTokens: 1, temperature: 0 });
        assert.equal(first.routing[0].experts.length, topK);
        assert.equal(first.token, argmax(lastLogits(model, PROMPT)));
      }
    });
  });

  describe('what comes with a token', () => {
    test('its routing, by layer', () => {
      const model = create();
      for (const { token, routing } of model.generate(PROMPT, { maxTokens: 30, seed: 1 })) {
        assert.ok(Number.isInteger(token) && token >= 0 && token < TINY.vocabSize);
        assert.equal(routing.length, TINY.layers);
        for (const { experts, weights, logits, load, entropy } of routing) {
          assert.ok(experts instanceof Int32Array && weights instanceof Float32Array);
          assert.deepEqual([experts.length, weights.length], [TINY.topK, TINY.topK]);
          assert.deepEqual([logits.length, load.length], [TINY.experts, TINY.experts]);
          assert.deepEqual(experts[0], argmax(logits));
          assert.ok(logits[experts[0]] >= logits[experts[1]]);
          assertNear(weights[0] + weights[1], 1, 1e-6, 'sum of the weights');
          assert.deepEqual(
            [...load],
            [...load].map((_, id) => (experts.includes(id) ? 1 / TINY.topK : 0)),
          );
          assert.ok(entropy > 0 && entropy <= 1);
        }
      }
    });

    test('it is a copy', () => {
      const model = create();
      const steps = [...model.generate(PROMPT, { maxTokens: 10, seed: 1 })];
      const again = [...model.generate(PROMPT, { maxTokens: 10, seed: 1 })];
      assert.deepEqual(steps, again);
    });
  });

  describe('ends and edges', () => {
    test('prompts longer than the context, than the memory, than both', () => {
      for (const [contextLength, memoryLength] of [
        [6, 20],
        [20, 6],
        [6, 6],
        [6, 0],
        [1, 0],
        [1, 9],
      ]) {
        const model = create({ contextLength, memoryLength });
        for (const length of [1, 2, 5, 6, 7, 20, 21, 26, 27, 100]) {
          const prompt = randomIds(length, TINY.vocabSize, length);
          const text = tokensOf(model, prompt, { maxTokens: 30, seed: 1 });
          assert.equal(text.length, 30);
          assert.deepEqual(tokensOf(model, [...prompt], { maxTokens: 30, seed: 1 }), text);
        }
      }
    });

    test('a prompt that fits the cache may be read in parts or be generated', () => {
      // Read in segments of 5, and one by one: the same text.
      const model = create({ contextLength: 5, memoryLength: 20 });
      const options = { temperature: 0 };
      const whole = tokensOf(model, [3], { ...options, maxTokens: 16 });
      for (const cut of [1, 4, 5, 6, 11]) {
        const prompt = [3, ...whole.slice(0, cut)];
        assert.deepEqual(tokensOf(model, prompt, { ...options, maxTokens: 16 - cut }), whole.slice(cut));
      }
    });

    test('no token at all', () => {
      const model = create();
      assert.deepEqual(tokensOf(model, PROMPT, { maxTokens: 0 }), []);
    });

    test('the prompt may change after the call', () => {
      const model = create();
      const wanted = tokensOf(model, PROMPT, TEXT);
      for (const prompt of [[...PROMPT], Int32Array.from(PROMPT)]) {
        const text = model.generate(prompt, TEXT);
        prompt.fill(0);
        assert.deepEqual(
          [...text].map(({ token }) => token),
          wanted,
        );
        assert.ok(prompt.every((token) => token === 0));
      }
    });

    test('breaking off early', () => {
      const model = create();
      const wanted = tokensOf(model, PROMPT, TEXT);
      const some = [];
      for (const { token } of model.generate(PROMPT, TEXT)) {
        some.push(token);
        if (some.length === 4) break;
      }
      assert.deepEqual(some, wanted.slice(0, 4));
      const text = model.generate(PROMPT, TEXT);
      text.next();
      assert.deepEqual(text.return(), { value: undefined, done: true });
      assert.deepEqual(text.next(), { value: undefined, done: true });
      const never = model.generate(PROMPT, TEXT);
      never.return();
      assert.deepEqual([...never], []);
      const mine = new Error('mine');
      const thrown = model.generate(PROMPT, TEXT);
      thrown.next();
      assert.throws(() => thrown.throw(mine), mine);
      assert.deepEqual(tokensOf(model, PROMPT, TEXT), wanted);
    });

    test('a text continues after another one came in between', () => {
      const model = create();
      const wanted = tokensOf(model, PROMPT, TEXT);
      const text = model.generate(PROMPT, TEXT);
      const first = [1, 2, 3].map(() => text.next().value?.token);
      tokensOf(model, [9, 9], { maxTokens: 50 });
      const rest = [...text].map(({ token }) => token);
      assert.deepEqual([...first, ...rest], wanted);
    });

    test('a vocabulary of one', () => {
      const model = bench.language({ ...TINY, vocabSize: 1 });
      assert.deepEqual(tokensOf(model, [0], { maxTokens: 5 }), [0, 0, 0, 0, 0]);
    });
  });
});
