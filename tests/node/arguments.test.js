/**
 * Bad arguments of every call of a language model: the right class, a message that names the argument, what it was and what it may be, and
 * nothing changed.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorOf, liven, onEveryVariant, randomIds, randomSegment, TINY } from './helpers.js';
import { BAD_ID_ARRAYS, BAD_RATES, BAD_TOP_K, noNumbers, refuse, stateOf, withId } from './refusals.js';

/** @import { LanguageModel } from '../../web/index.js' */
/** @import { Bad } from './refusals.js' */

const { vocabSize, contextLength, memoryLength, batchSize } = TINY;
const COUNT = batchSize * contextLength;
const good = randomSegment(TINY, 1);

/** Ids that are none, and where they stand. */
const BAD_IDS = /** @type {const} */ ([
  [0, -1],
  [5, vocabSize],
  [COUNT - 1, 2 ** 31 - 1],
  [7, -(2 ** 31)],
]);

onEveryVariant((bench) => {
  /** A model in the middle of its work: trained, with a memory to carry on. */
  const trained = () => {
    const model = liven(bench.language({ ...TINY, router: 'smoe', dropout: 0.1 }));
    for (const seed of [2, 3]) model.trainStep({ ...randomSegment(TINY, seed), learningRate: 0.01, clip: 1 });
    model.evaluate(good);
    return model;
  };

  /** @type {Record<string, (model: LanguageModel, segment: any) => unknown>} */
  const passes = {
    evaluate: (model, segment) => model.evaluate(segment),
    gradients: (model, segment) => model.gradients(segment),
    trainStep: (model, segment) => model.trainStep(segment && { learningRate: 0.1, ...segment }),
  };

  for (const [name, call] of Object.entries(passes)) {
    describe(`language model: ${name}`, () => {
      test('arrays of ids', () => {
        const model = trained();
        refuse(model, 'inputs', BAD_ID_ARRAYS, (_, inputs) => call(model, { ...good, inputs }));
        refuse(model, 'targets', BAD_ID_ARRAYS, (_, targets) => call(model, { ...good, targets }));
        for (const argument of /** @type {const} */ (['inputs', 'targets'])) {
          for (const [at, id] of BAD_IDS) {
            const message = new RegExp(`\\[${at}\\] must be from 0 to ${vocabSize - 1}, got ${id}$`);
            refuse(model, argument, [[id, RangeError, message]], (_, value) =>
              call(model, { ...good, [argument]: withId(good[argument], at, value) }),
            );
          }
        }
      });

      test('numbers of ids', () => {
        const model = trained();
        const sizes = [0, 1, COUNT - 1, COUNT + 1, COUNT + contextLength, 1000];
        const message = `batch x length numbers, batch 1 to ${batchSize} \\(batchSize\\) and length`;
        refuse(
          model,
          'inputs',
          sizes.map((size) => [size, RangeError, new RegExp(`${message} ${contextLength}, got ${size}$`)]),
          (_, size) => call(model, { inputs: new Int32Array(size), targets: new Int32Array(size) }),
        );
        refuse(
          model,
          'targets',
          [0, COUNT - 1, COUNT + 1, COUNT - contextLength].map((size) => {
            return [size, RangeError, new RegExp(`as many numbers as inputs, ${COUNT}, got ${size}$`)];
          }),
          (_, size) => call(model, { ...good, targets: new Int32Array(size) }),
        );
        refuse(model, 'inputs', [[4, RangeError, /length 4, got 18$/]], (_, length) =>
          call(model, { ...good, length }),
        );
      });

      test('length', () => {
        const model = trained();
        const outside = [0, -1, contextLength + 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32];
        refuse(
          model,
          'length',
          [
            ...noNumbers('an integer'),
            ...outside.map((value) => {
              const range = `from 1 to ${contextLength} \\(contextLength\\), got ${value}`;
              return /** @type {Bad} */ ([value, RangeError, new RegExp(range)]);
            }),
          ],
          (_, length) => call(model, { ...good, length }),
        );
      });

      test('carryMemory', () => {
        const model = trained();
        refuse(
          model,
          'carryMemory',
          [null, 0, 1, 'yes', {}].map((value) => [value, TypeError, /must be true or false, got /]),
          (_, carryMemory) => call(model, { ...good, carryMemory }),
        );
      });

      test('another number of streams than the memory that is carried on', () => {
        const model = trained();
        const streams = (/** @type {number} */ count) => ({
          inputs: randomIds(count * contextLength, vocabSize, 5),
          targets: randomIds(count * contextLength, vocabSize, 6),
        });
        refuse(
          model,
          'inputs',
          [1, 2].map((count) => [
            count,
            RangeError,
            new RegExp(`must have 3 streams like the memory .*, got ${count};.*carryMemory: false`),
          ]),
          (_, count) => call(model, streams(count)),
        );
        call(model, { ...streams(2), carryMemory: false });
        refuse(model, 'inputs', [[3, RangeError, /must have 2 streams .* got 3/]], () => call(model, good));
        model.resetMemory();
        call(model, good);
      });

      test('no segment', () => {
        const model = trained();
        const argument = name === 'trainStep' ? 'options' : 'segment';
        refuse(
          model,
          argument,
          [undefined, null].map((value) => [value, TypeError, /must be an object, got /]),
          (_, value) => call(model, value),
        );
        for (const value of ['text', 7]) {
          const wrong = /** @type {any} */ (value);
          const step = name === 'trainStep' ? () => model.trainStep(wrong) : () => call(model, wrong);
          refuse(model, argument, [[value, TypeError, /must be an object, got /]], step);
        }
      });
    });
  }

  test('language model: learningRate and clip', () => {
    const model = trained();
    refuse(
      model,
      'learningRate',
      [[undefined, TypeError, /must be a finite number, got undefined/], ...BAD_RATES],
      (_, learningRate) => model.trainStep({ ...good, learningRate }),
    );
    // A step that leaves no numbers behind would have no way back.
    refuse(model, 'learningRate', [[1e31, RangeError, /from 0 to 1e\+30, got 1e\+31/]], (_, learningRate) =>
      model.trainStep({ ...good, learningRate }),
    );
    refuse(model, 'clip', BAD_RATES, (_, clip) => model.trainStep({ ...good, learningRate: 0.1, clip }));
  });

  test('language model: topK', () => {
    refuse(trained(), 'topK', BAD_TOP_K, (model, value) => {
      model.topK = value;
    });
  });

  test('language model: setParameter', () => {
    const model = trained();
    const name = 'r_w_bias';
    const size = TINY.heads * TINY.dHead;
    refuse(
      model,
      'name',
      [
        ['r_w_bia', RangeError, /one of word_emb.* got "r_w_bia"/],
        ['', RangeError, /one of .* got ""/],
        [undefined, RangeError, /one of .* got undefined/],
        [7, RangeError, /one of .* got 7/],
        ['optimizer.m.r_w_bias', RangeError, /one of .* got "optimizer/],
      ],
      (_, value) => model.setParameter(value, new Float32Array(size)),
    );
    refuse(
      model,
      'data',
      [
        [undefined, TypeError, /must be a Float32Array or an array of numbers, got undefined/],
        [Array(size).fill('0'), TypeError, /\[0\] must be a finite number, got "0"/],
        [new Float32Array(size).fill(Number.NaN), RangeError, /\[0\] must be a finite number, got NaN/],
        [
          new Float64Array(size),
          TypeError,
          /must be a Float32Array or an array of numbers, got a Float64Array/,
        ],
        [new Float32Array(0), RangeError, /must have 15 numbers \(3 x 5\), got 0/],
        [new Float32Array(size - 1), RangeError, /must have 15 numbers \(3 x 5\), got 14/],
        [new Float32Array(size + 1), RangeError, /must have 15 numbers \(3 x 5\), got 16/],
      ],
      (_, data) => model.setParameter(name, data),
    );
  });

  test('language model: saveCheckpoint', () => {
    const model = trained();
    refuse(
      model,
      'optimizer',
      [0, 1, null, 'yes', {}].map((value) => [value, TypeError, /must be true or false, got /]),
      (_, optimizer) => model.saveCheckpoint({ optimizer }),
    );
    refuse(
      model,
      'metadata',
      [
        [null, TypeError, /must be an object, got null/],
        [7, TypeError, /must be an object, got 7/],
        [{ key: 7 }, TypeError, /\["key"\] must be a string, got 7/],
        [{ ok: '', key: null }, TypeError, /\["key"\] must be a string, got null/],
        [{ key: {} }, TypeError, /\["key"\] must be a string, got an? Object/],
      ],
      (_, metadata) => model.saveCheckpoint({ metadata }),
    );
  });

  test('language model: restoreMemory', () => {
    const model = trained();
    const saved = model.saveMemory();
    assert.equal(saved.length, memoryLength);
    refuse(
      model,
      'saved',
      [
        [{ ...saved, length: memoryLength + 1 }, RangeError, /\.length must be .* from 0 to 7 .* got 8/],
        [{ ...saved, length: -1 }, RangeError, /\.length must be .* got -1/],
        [{ ...saved, length: '7' }, TypeError, /\.length must be an integer, got "7"/],
        [{ ...saved, batch: batchSize + 1 }, RangeError, /\.batch must be .* to 3 .* got 4/],
        [{ ...saved, batch: 1.5 }, RangeError, /\.batch must be .* got 1\.5/],
        [{ ...saved, layers: [] }, RangeError, /from saveMemory\(\) of a model of the same sizes/],
        [{ ...saved, layers: saved.layers.slice(1) }, RangeError, /of the same sizes/],
        [{ ...saved, length: 6 }, RangeError, /of the same sizes/],
        [{ ...saved, batch: 2 }, RangeError, /of the same sizes/],
        [{ ...saved, batch: 0 }, RangeError, /batch|of the same sizes/],
      ],
      (_, value) => model.restoreMemory(value),
    );
    // Not from saveMemory() at all.
    refuse(
      model,
      'saved',
      [
        [undefined, TypeError, /got undefined/],
        [null, TypeError, /got null/],
        [7, TypeError, /got 7/],
        [{ length: 0, batch: 0 }, Error, /saveMemory|layers/],
        [{ ...saved, layers: saved.layers.map((rows) => [...rows]) }, Error, /saveMemory|layers/],
        [{ ...saved, layers: [null, null] }, Error, /saveMemory|layers/],
      ],
      (_, value) => model.restoreMemory(value),
    );
  });

  test('language model: a memory of rows but no streams', () => {
    const model = trained();
    const rows = { length: 3, batch: 0, layers: [new Float32Array(0), new Float32Array(0)] };
    refuse(model, 'saved', [[rows, RangeError, /batch/]], (_, value) => model.restoreMemory(value));
  });

  describe('language model: generate', () => {
    test('promptTokens', () => {
      refuse(
        trained(),
        'promptTokens',
        [
          [undefined, TypeError, /must be an Int32Array or an array of integers, got undefined/],
          [null, TypeError, /must be an Int32Array or an array of integers, got null/],
          ['text', TypeError, /must be an Int32Array or an array of integers, got "text"/],
          [7, TypeError, /must be an Int32Array or an array of integers, got 7/],
          [Uint8Array.of(1), TypeError, /must be an Int32Array or .* got an? Uint8Array/],
          [[], RangeError, /must have 1 token or more, got 0/],
          [new Int32Array(0), RangeError, /must have 1 token or more, got 0/],
          [[1, -1], RangeError, /\[1\] must be an integer from 0 to 18 .*, got -1/],
          [[vocabSize], RangeError, /\[0\] must be an integer from 0 to 18 .*, got 19/],
          [[1, 2, 1.5], RangeError, /\[2\] must be an integer .*, got 1\.5/],
          [[Number.NaN], RangeError, /\[0\] must be an integer .*, got NaN/],
          [['1'], TypeError, /\[0\] must be an integer, got "1"/],
          [[1, null], TypeError, /\[1\] must be an integer, got null/],
          [Int32Array.of(0, vocabSize), RangeError, /\[1\] must be an integer from 0 to 18 .*, got 19/],
        ],
        (model, value) => model.generate(value),
      );
    });

    test('promptTokens with holes', () => {
      refuse(
        trained(),
        'promptTokens',
        [
          [Array(3), TypeError, /\[0\] must be an integer, got undefined/],
          [Object.assign([1], { length: 2 }), TypeError, /\[1\] must be an integer, got undefined/],
        ],
        (model, value) => model.generate(value),
      );
    });

    /** @type {Record<string, Bad[]>} */
    const options = {
      maxTokens: [
        ...noNumbers('an integer'),
        [-1, RangeError, /must be an integer of at least 0, got -1/],
        [1.5, RangeError, /must be an integer of at least 0, got 1\.5/],
        [Number.NaN, RangeError, /must be an integer of at least 0, got NaN/],
        [Number.POSITIVE_INFINITY, RangeError, /must be an integer of at least 0, got Infinity/],
      ],
      temperature: BAD_RATES,
      topP: [
        ...noNumbers('a finite number'),
        [0, RangeError, /, got 0/],
        [-0.1, RangeError, /, got -0\.1/],
        [1.1, RangeError, /to 1, got 1\.1/],
        [Number.NaN, RangeError, /, got NaN/],
      ],
      topTokens: [
        ...noNumbers('an integer'),
        [0, RangeError, /must be an integer from 1 to 19 \(vocabSize\), got 0/],
        [20, RangeError, /must be an integer from 1 to 19 \(vocabSize\), got 20/],
        [1.5, RangeError, /, got 1\.5/],
      ],
      repetitionPenalty: [
        ...noNumbers('a finite number'),
        [0, RangeError, /must be a finite number from 0\.001 to 1000, got 0/],
        [1001, RangeError, /from 0\.001 to 1000, got 1001/],
        [Number.NaN, RangeError, /, got NaN/],
      ],
      stop: [
        ['\n', TypeError, /must be an Int32Array or an array of numbers, got "\\n"/],
        [new Int32Array(0), RangeError, /must have 1 token or more, got 0/],
        [[[1], []], RangeError, /stop\[1\] must have 1 token or more, got 0/],
        [[1, 19], RangeError, /stop\[1\] must be from 0 to 18, got 19/],
        [[[1], [2, -1]], RangeError, /stop\[1\]\[1\] must be from 0 to 18, got -1/],
        [[[1], '\n'], TypeError, /stop\[1\] must be an Int32Array or an array of numbers/],
        [['\n'], TypeError, /stop\[0\] must be an integer, got "\\n"/],
        [new Int32Array(65537), RangeError, /stop must have at most 65536 tokens/],
      ],
      seed: [
        ...noNumbers('an integer'),
        [-1, RangeError, /must be an integer from 0 to 4294967295, got -1/],
        [2 ** 32, RangeError, /must be an integer from 0 to 4294967295, got 4294967296/],
        [0.5, RangeError, /must be an integer from 0 to 4294967295, got 0\.5/],
        [Number.NaN, RangeError, /must be an integer from 0 to 4294967295, got NaN/],
      ],
    };
    for (const [name, bad] of Object.entries(options)) {
      test(name, () => {
        refuse(trained(), name, bad, (model, value) => model.generate([1], { [name]: value }));
      });
    }
  });

  test('language model: options that are not an object', () => {
    const model = trained();
    refuse(model, 'options', [[null, TypeError, /must be an object, got null/]], (_, value) =>
      model.generate([1], value),
    );
    refuse(model, 'options', [[null, TypeError, /must be an object, got null/]], (_, value) =>
      model.saveCheckpoint(value),
    );
  });

  test('language model: after all bad calls it continues as if there had been none', () => {
    const [model, twin] = [trained(), trained()];
    const calls = [
      () => model.evaluate({ ...good, inputs: withId(good.inputs, 17, vocabSize) }),
      () => model.evaluate({ ...good, targets: withId(good.targets, 17, -1) }),
      () => model.evaluate({ ...good, length: 5 }),
      () => model.gradients({ ...good, targets: good.targets.subarray(1) }),
      () => model.trainStep({ ...good, learningRate: Number.NaN }),
      () => model.trainStep({ ...good, learningRate: 1, clip: -1 }),
      () =>
        model.trainStep({
          inputs: good.inputs.subarray(6),
          targets: good.targets.subarray(6),
          learningRate: 1,
        }),
      () => model.generate([vocabSize]),
      () => model.setParameter('r_w_bias', new Float32Array(3)),
      () => model.restoreMemory({ ...model.saveMemory(), length: 1 }),
      () => {
        model.topK = 0;
      },
    ];
    for (const call of calls) errorOf(call);
    assert.equal(model.evaluate(good).loss, twin.evaluate(good).loss);
    const step = { ...randomSegment(TINY, 9), learningRate: 0.01, clip: 1 };
    assert.deepEqual(model.trainStep(step), twin.trainStep(step));
    assert.deepEqual(stateOf(model), stateOf(twin));
  });
});
