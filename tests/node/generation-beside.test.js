/** Generation beside other work with the same model: neither disturbs the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertSameParameters,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomIds,
  randomSegment,
  TINY,
} from './helpers.js';
import { argmax, lastLogits, PROMPT, SIZES, TEXT, tokensOf } from './texts.js';

/** @import { LanguageModel } from '../../web/index.js' */
/** @import { GeneratedToken } from '../../web/language-model.js' */

onEveryVariant((bench) => {
  /** @param {{ router?: typeof ROUTERS[number] }} [changes] */
  const create = (changes) => liven(bench.language({ ...SIZES, ...changes }));

  /** @type {Record<string, (model: LanguageModel, i: number) => unknown>} */
  const disturbances = {
    evaluate: (model, i) => model.evaluate(randomSegment(SIZES, i)),
    gradients: (model, i) => model.gradients(randomSegment(SIZES, i)),
    resetMemory: (model) => model.resetMemory(),
    'saveMemory and restoreMemory': (model) => model.restoreMemory(model.saveMemory()),
    saveCheckpoint: (model) => model.saveCheckpoint({ optimizer: true }),
    'logits and routing': (model) => [model.logits(), model.routing(), model.parameters(), model.memory],
    'a call that is refused': (model) => assert.throws(() => model.generate([99]), RangeError),
  };
  for (const [name, disturb] of Object.entries(disturbances)) {
    test(`${name} between two tokens changes no text`, () => {
      const model = create();
      const options = { maxTokens: 80, seed: 4 };
      const alone = [...model.generate(PROMPT, options)];
      /** @type {GeneratedToken[]} */
      const disturbed = [];
      for (const step of model.generate(PROMPT, options)) {
        disturbed.push(step);
        disturb(model, disturbed.length);
      }
      assert.deepEqual(
        disturbed.map(({ token }) => token),
        alone.map(({ token }) => token),
      );
      disturbed.forEach(({ routing }, i) => {
        routing.forEach(({ experts }, layer) => {
          assert.deepEqual(experts, alone[i].routing[layer].experts);
        });
      });
    });
  }

  test('the memory of training is not touched', () => {
    const [model, twin] = [create(), create()];
    for (const each of [model, twin]) each.trainStep({ ...randomSegment(SIZES, 1), learningRate: 0.01 });
    const before = model.saveMemory();
    const parameters = parametersOf(model);
    tokensOf(model, randomIds(60, TINY.vocabSize, 1), { maxTokens: 60 });
    assert.deepEqual(model.saveMemory(), before);
    assertSameParameters(parametersOf(model), parameters);
    assert.equal(model.step, 1);
    const text = model.generate(PROMPT, { maxTokens: 3 });
    for (let i = 2; i < 5; i++) {
      text.next();
      assert.equal(model.evaluate(randomSegment(SIZES, i)).loss, twin.evaluate(randomSegment(SIZES, i)).loss);
      const step = { ...randomSegment(SIZES, i + 10), learningRate: 0.01 };
      assert.deepEqual(model.trainStep(step), twin.trainStep(step));
    }
  });

  test('two texts of one model, token by token', () => {
    const model = create();
    const wanted = [PROMPT, [7]].map((prompt) => tokensOf(model, prompt, { ...TEXT, seed: prompt[0] }));
    const texts = [PROMPT, [7]].map((prompt) => model.generate(prompt, { ...TEXT, seed: prompt[0] }));
    /** @type {number[][]} */
    const tokens = [[], []];
    for (let i = 0; i < TEXT.maxTokens; i++) {
      texts.forEach((text, which) => {
        const { value } = text.next();
        if (value) tokens[which].push(value.token);
      });
    }
    assert.deepEqual(tokens, wanted);
  });

  test('another k: the text continues with it', () => {
    const model = create();
    const text = model.generate(PROMPT, { maxTokens: 4, temperature: 0 });
    const first = text.next().value;
    assert.ok(first);
    assert.equal(first.routing[0].experts.length, model.topK);
    model.topK = 1;
    const second = text.next().value;
    assert.ok(second);
    assert.equal(second.routing[0].experts.length, 1);
    const fresh = model.generate([...PROMPT, first.token], { maxTokens: 1, temperature: 0 }).next().value;
    assert.deepEqual(second, fresh);
  });

  test('two models of one engine', () => {
    const [model, other] = [create(), create({ router: 'smoe' })];
    const wanted = [model, other].map((each) => tokensOf(each, PROMPT, { maxTokens: 60, seed: 1 }));
    const texts = [model, other].map((each) => each.generate(PROMPT, { maxTokens: 60, seed: 1 }));
    const tokens = texts.map(() => /** @type {number[]} */ ([]));
    for (let i = 0; i < 60; i++) {
      texts.forEach((text, which) => {
        tokens[which].push(text.next().value?.token ?? -1);
      });
    }
    assert.deepEqual(tokens, wanted);
  });

  test('training between two tokens: the rest is by the new parameters', () => {
    const model = create();
    const text = [...PROMPT];
    let i = 0;
    for (const { token } of model.generate(PROMPT, { ...TEXT, temperature: 0 })) {
      assert.equal(token, argmax(lastLogits(model, text)), `token ${i}`);
      text.push(token);
      model.trainStep({ ...randomSegment(SIZES, i++), carryMemory: false, learningRate: 0.02 });
    }
    assert.equal(i, TEXT.maxTokens);
    // It did make a difference.
    assert.notDeepEqual(tokensOf(create(), PROMPT, { ...TEXT, temperature: 0 }), text.slice(PROMPT.length));
  });

  test('a tensor that is overwritten between two tokens counts from the next one on', () => {
    const model = create();
    const text = model.generate(PROMPT, { maxTokens: 3, temperature: 0 });
    text.next();
    const bias = new Float32Array(TINY.vocabSize);
    bias[11] = 1000;
    model.setParameter('crit.out_layers.0.bias', bias);
    assert.equal(text.next().value?.token, 11);
  });

  test('long texts continue while the model trains', () => {
    const model = create();
    let count = 0;
    for (const { token } of model.generate(randomIds(70, TINY.vocabSize, 1), { maxTokens: 70, seed: 1 })) {
      assert.ok(token >= 0 && token < TINY.vocabSize);
      if (count++ % 5 === 0) model.trainStep({ ...randomSegment(SIZES, count), learningRate: 0.001 });
    }
    assert.equal(count, 70);
  });
});
