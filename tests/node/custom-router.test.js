import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CheckpointError, DisposedError, fieldsInUse, load, RouterError } from '../../web/index.js';
import * as twin from '../../web/worker.js';
import {
  assertSameBits,
  assertSameParameters,
  GATES,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
  trainSome,
} from './helpers.js';
import { customHyperRouter, customMatrix } from './routers.js';

/** @import { CustomRouter, LanguageConfig } from '../../web/types.js' */
/** @import { LanguageModel } from '../../web/index.js' */

/** @param {LanguageModel} model */
const stateOf = (model) => ({
  parameters: parametersOf(model),
  memory: model.saveMemory(),
  step: model.step,
});

/**
 * A router whose functions a test can change in the middle of a run.
 * @param {Partial<CustomRouter>} [changes]
 */
function changeable(changes = {}) {
  const base = customMatrix();
  const now = { ...base, ...changes };
  const calls = { generate: 0, backward: 0 };
  /** @type {CustomRouter} */
  const router = {
    name: 'changeable',
    parameters: (sizes) => now.parameters?.(sizes) ?? [],
    generate: (...args) => {
      calls.generate++;
      return now.generate(...args);
    },
    backward: (...args) => {
      calls.backward++;
      return now.backward?.(...args);
    },
  };
  return { router, now, calls, base };
}

onEveryVariant((bench) => {
  describe('a custom router', () => {
    it('trains as the built-in HyperRouter does, from the same values', () => {
      const config = { ...TINY, dropout: 0.1 };
      const ours = bench.language(config);
      const own = bench.language({ ...config, router: customHyperRouter(TINY.hyperSize) });
      assertSameParameters(parametersOf(own), parametersOf(ours));
      assert.equal(own.parameterCount, ours.parameterCount);
      assert.equal(own.trainableParameterCount, ours.trainableParameterCount);
      for (let step = 0; step < 50; step++) {
        const options = { ...randomSegment(TINY, step % 4), learningRate: 0.003, clip: 0.5 };
        const [expected, got] = [ours.trainStep(options), own.trainStep(options)];
        assert.ok(Math.abs(got.loss - expected.loss) < 1e-5, `step ${step}: ${got.loss}, ${expected.loss}`);
        assert.ok(Math.abs(got.gradNorm - expected.gradNorm) < 1e-4 * expected.gradNorm, `step ${step}`);
      }
      const moved = own.parameters().find(({ name }) => name.endsWith('gate.embedding'));
      const fresh = bench
        .language(config)
        .parameters()
        .find(({ name }) => name === moved?.name);
      assert.notDeepEqual(moved?.data, fresh?.data);
    });

    it('gives the bits of smoe and smoe-dropout where it is the same, with memory, dropout, clipping and growing k', () => {
      for (const trainable of [true, false]) {
        const config = { ...TINY, dropout: 0.1, attentionDropout: 0.1 };
        const ours = bench.language({ ...config, router: trainable ? 'smoe' : 'smoe-dropout' });
        const own = bench.language({ ...config, router: customMatrix(trainable) });
        assert.deepEqual(trainSome(own, 0, 6), trainSome(ours, 0, 6));
        assertSameParameters(parametersOf(own), parametersOf(ours));
        const options = { ...randomSegment(TINY, 9) };
        own.gradients(options);
        ours.gradients(options);
        for (const [index, { name, grad }] of own.parameters().entries()) {
          const expected = ours.parameters()[index].grad;
          if (grad && expected) assertSameBits(grad, expected, name);
          assert.equal(grad === null, expected === null, name);
        }
      }
    });

    it('works with every gate, balance, noise, shared experts, capacity and losses', () => {
      for (const gate of GATES) {
        const topK = gate !== 'expert-choice' && gate !== 'relu';
        /** @type {LanguageConfig} */
        const config = {
          ...{ ...TINY, gate, sharedExperts: 1, routerNoise: true },
          ...(topK && { balanceRate: 0.01, capacityFactor: 1, loadBalanceWeight: 0.1, routerZWeight: 0.01 }),
          ...(gate === 'relu' && { sparsityWeight: 0.1 }),
        };
        const ours = bench.language({ ...config, router: 'smoe' });
        const own = bench.language({ ...config, router: customMatrix() });
        assert.deepEqual(trainSome(own, 0, 4), trainSome(ours, 0, 4), gate);
        assertSameParameters(parametersOf(own), parametersOf(ours), gate);
        assert.deepEqual(
          own.measure(randomIds(12, TINY.vocabSize, 1)),
          ours.measure(randomIds(12, TINY.vocabSize, 1)),
        );
        const texts = [own, ours].map((model) => [...model.generate([1, 2], { maxTokens: 5, seed: 3 })]);
        assert.deepEqual(texts[0], texts[1]);
        assert.equal(own.sparsityWeight, ours.sparsityWeight);
      }
    });

    it('works in a classifier', () => {
      const ours = bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe' });
      const own = bench.classifier({ ...TINY_CLASSIFIER, router: customMatrix() });
      for (let step = 0; step < 4; step++) {
        const options = { ...randomBatch(TINY_CLASSIFIER, step), learningRate: 0.01 };
        assert.deepEqual(own.trainStep(options), ours.trainStep(options));
      }
      const { inputs } = randomBatch(TINY_CLASSIFIER, 9);
      assertSameBits(own.predict(inputs), ours.predict(inputs), 'probabilities');
    });

    it('is asked for R and b once after each change of parameters, a layer at a time', () => {
      const { router, calls } = changeable();
      const model = bench.language({ ...TINY, router });
      assert.deepEqual(calls, { generate: 0, backward: 0 });
      model.evaluate(randomSegment(TINY, 1));
      model.evaluate(randomSegment(TINY, 2));
      [...model.generate([1], { maxTokens: 2 })];
      assert.deepEqual(calls, { generate: 2, backward: 0 });
      model.gradients(randomSegment(TINY, 3));
      assert.deepEqual(calls, { generate: 2, backward: 2 });
      model.trainStep({ ...randomSegment(TINY, 3), learningRate: 0.01 });
      assert.deepEqual(calls, { generate: 2, backward: 4 });
      model.evaluate(randomSegment(TINY, 1));
      assert.equal(calls.generate, 4);
      const name = 'layers.0.pos_ff.gate.gate.weight';
      const { loss } = model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false });
      model.setParameter(name, new Float32Array(TINY.experts * TINY.dModel).fill(3));
      assert.notEqual(model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false }).loss, loss);
      assert.equal(calls.generate, 6);
    });

    it('gets copies of its tensors, arrays of 0 to fill, and its sizes', () => {
      /** @type {unknown[]} */
      const seen = [];
      const model = bench.language({
        ...{ ...TINY, layers: 1 },
        router: {
          name: 'curious',
          parameters: (sizes) => {
            seen.push(sizes);
            return [
              { name: 'ones', shape: [2, 3, 4], init: 'ones' },
              { name: 'wide', shape: [5], std: 100, trainable: false },
            ];
          },
          generate: ({ ones, wide }, { weight, bias }, sizes) => {
            seen.push(
              sizes,
              [...ones],
              wide.length,
              [...weight, ...bias].every((value) => value === 0),
            );
            weight.fill(0.5);
            ones.fill(7);
          },
          backward: (_, { weightGrad, biasGrad }, grads) => {
            seen.push(weightGrad.length, biasGrad.length, Object.keys(grads), [...grads.ones]);
            grads.ones[0] += 3;
          },
        },
      });
      model.gradients(randomSegment(TINY, 1));
      const { experts, dModel } = TINY;
      assert.deepEqual(seen, [
        ...[{ experts, dModel }, { experts, dModel, layer: 0 }, new Array(24).fill(1), 5, true],
        ...[experts * dModel, experts, ['ones'], new Array(24).fill(0)],
      ]);
      const own = model.parameters().filter(({ name }) => name.includes('.gate.'));
      assert.deepEqual(
        own.map(({ name, shape, trainable }) => [name, shape, trainable]),
        [
          ['layers.0.pos_ff.gate.ones', [2, 3, 4], true],
          ['layers.0.pos_ff.gate.wide', [5], false],
        ],
      );
      assert.equal(own[0].grad?.[0], 3);
      assert.ok(own[0].data.every((value) => value === 1));
      assert.ok(own[1].data.some((value) => Math.abs(value) > 10));
    });

    it('is saved and opened with its tensors, and goes on with the same bits', () => {
      const router = customMatrix();
      const model = bench.language({ ...TINY, router });
      trainSome(model, 0, 3);
      const file = model.saveCheckpoint({ optimizer: true });
      const again = bench.openLanguage(file, { router });
      assert.equal(again.config.router, router);
      assert.deepEqual(trainSome(again, 3, 5), trainSome(model, 3, 5));
      assertSameParameters(parametersOf(again), parametersOf(model));
      assert.deepEqual(Buffer.from(again.saveCheckpoint()), Buffer.from(model.saveCheckpoint()));
    });

    it('must be there, by its name, when its file is opened', () => {
      const file = bench.language({ ...TINY, router: customMatrix() }).saveCheckpoint();
      const open = (/** @type {any} */ config) => () => bench.openLanguage(file, config);
      /** @type {(error: unknown) => error is CheckpointError} */
      const isError = (error) => error instanceof CheckpointError;
      for (const config of [undefined, {}, { router: undefined }])
        assert.throws(
          open(config),
          (error) => isError(error) && /"matrix".*config\.router/.test(error.message),
        );
      assert.throws(
        open({ router: 'smoe' }),
        (error) => isError(error) && /"matrix".*"smoe"/.test(error.message),
      );
      const other = { ...customMatrix(), name: 'another' };
      assert.throws(
        open({ router: other }),
        (error) => isError(error) && /"matrix".*"another"/.test(error.message),
      );
      const wrong = { ...customHyperRouter(3), name: 'matrix' };
      assert.throws(open({ router: wrong }), CheckpointError);
      const builtIn = bench.language({ ...TINY, router: 'smoe' }).saveCheckpoint();
      assert.throws(() => bench.openLanguage(builtIn, { router: customMatrix() }), /"smoe".*"matrix"/);
    });
  });

  describe('a custom router that fails', () => {
    /** @type {[what: string, changes: Partial<CustomRouter>, message: RegExp][]} */
    const FAULTS = [
      [
        'generate throws',
        {
          generate: () => {
            throw new Error('no more rows');
          },
        },
        /"changeable".*generate of layer 0 threw: no more rows/,
      ],
      [
        'generate writes NaN',
        { generate: (_, { weight }) => weight.fill(NaN, 3, 4) },
        /generate.*NaN to weight\[3\]/,
      ],
      [
        'generate writes infinity',
        { generate: (_, { bias }) => bias.fill(1 / 0, 1, 2) },
        /generate.*Infinity to bias\[1\]/,
      ],
      [
        'generate puts another array in place',
        { generate: (_, out) => void Object.assign(out, { weight: new Float32Array(3) }) },
        /generate.*must fill weight/,
      ],
      [
        'generate gives its array away',
        {
          generate: (_, { bias }) =>
            void structuredClone(bias, { transfer: [/** @type {ArrayBuffer} */ (bias.buffer)] }),
        },
        /generate.*must fill bias/,
      ],
      [
        'generate returns arrays',
        { generate: () => /** @type {any} */ ({ weight: new Float32Array(3) }) },
        /generate.*must fill the arrays/,
      ],
      [
        'generate is asynchronous',
        { generate: /** @type {any} */ (async () => {}) },
        /generate.*asynchronous/,
      ],
      [
        'backward throws',
        {
          backward: () => {
            throw new TypeError('no such tensor');
          },
        },
        /backward of layer 0 threw: no such tensor/,
      ],
      [
        'backward writes NaN',
        { backward: (_, __, grads) => grads['gate.bias'].fill(NaN, 2, 3) },
        /backward.*NaN to grads\.gate\.bias\[2\]/,
      ],
      [
        'backward puts another array in place',
        { backward: (_, __, grads) => void Object.assign(grads, { 'gate.bias': new Float32Array(1) }) },
        /backward.*must fill grads\.gate\.bias/,
      ],
      [
        'backward returns arrays',
        { backward: () => /** @type {any} */ ([new Float32Array(3)]) },
        /backward.*must fill the arrays/,
      ],
    ];
    for (const [what, changes, message] of FAULTS) {
      it(`${what} in the middle of a run: the model stays at the last good step, and can go on`, () => {
        const { router, now, base } = changeable();
        const model = bench.language({ ...TINY, router });
        const control = bench.language({ ...TINY, router: customMatrix() });
        const steps = [0, 1].map((step) => ({ ...randomSegment(TINY, step), learningRate: 0.01, clip: 0.5 }));
        model.trainStep(steps[0]);
        control.trainStep(steps[0]);
        const before = stateOf(model);
        Object.assign(now, changes);
        assert.throws(
          () => model.trainStep(steps[1]),
          (error) =>
            error instanceof RouterError && message.test(error.message) && error.message.length < 300,
        );
        assert.throws(() => model.trainStep(steps[1]), RouterError);
        assert.deepEqual(stateOf(model), before);
        assert.ok(model.saveCheckpoint({ optimizer: true }).length > 0);
        Object.assign(now, base);
        assert.deepEqual(model.trainStep(steps[1]), control.trainStep(steps[1]));
        assertSameParameters(parametersOf(model), parametersOf(control));
      });
    }

    it('keeps what it threw as the cause', () => {
      const thrown = new Error('mine');
      const { router } = changeable({
        generate: () => {
          throw thrown;
        },
      });
      const model = bench.language({ ...TINY, router });
      assert.throws(
        () => model.evaluate(randomSegment(TINY, 1)),
        (error) => /** @type {Error} */ (error).cause === thrown,
      );
      assert.throws(() => [...model.generate([1], { maxTokens: 1 })], RouterError);
      assert.throws(() => model.measure(randomIds(9, TINY.vocabSize, 1)), RouterError);
    });

    it('ends a run with its error', async () => {
      let steps = 0;
      const { router } = changeable({
        backward: () => {
          if (++steps > 6) throw new Error('enough');
        },
      });
      const model = bench.language({ ...TINY, router });
      const run = async () => {
        for await (const _ of model.train(randomIds(200, TINY.vocabSize, 1), { steps: 10 }));
      };
      await assert.rejects(run(), RouterError);
      assert.equal(model.step, 3);
    });

    it('cannot use its own model, and may dispose of it', () => {
      /** @type {(() => void) | undefined} */
      let act;
      const { router } = changeable({ generate: () => act?.() });
      const model = bench.language({ ...TINY, router });
      act = () => void model.evaluate(randomSegment(TINY, 1));
      assert.throws(
        () => model.evaluate(randomSegment(TINY, 1)),
        /called the model that it is the router of/,
      );
      act = () => model.dispose();
      assert.throws(() => model.evaluate(randomSegment(TINY, 1)), DisposedError);
    });
  });

  describe('a configuration with a custom router', () => {
    const create = (/** @type {any} */ router, /** @type {Partial<LanguageConfig>} */ more = {}) =>
      bench.language({ ...TINY, ...more, router });
    const tensors = (/** @type {any[]} */ ...list) => ({ ...customMatrix(), parameters: () => list });

    it('refuses a router that is none, by name', () => {
      /** @type {[unknown, ErrorConstructor, RegExp][]} */
      const cases = [
        [
          'custom',
          RangeError,
          /config\.router must be one of .*"hash", or a router of your own .*got "custom"/,
        ],
        [{}, RangeError, /config\.router must be one of .*got an Object/],
        [{ name: '', generate() {} }, RangeError, /config\.router\.name must be 1 to 100/],
        [{ name: 'a\nb', generate() {} }, RangeError, /config\.router\.name/],
        [{ name: 'a' }, TypeError, /config\.router\.generate must be a function, got undefined/],
        [
          { name: 'a', generate() {}, backward: 3 },
          TypeError,
          /config\.router\.backward must be a function, or absent, got 3/,
        ],
        [
          { name: 'a', generate() {}, parameters: [] },
          TypeError,
          /config\.router\.parameters must be a function/,
        ],
        [{ name: 'a', generate() {}, backwards() {} }, TypeError, /config\.router\.backwards is not a key/],
        [new URL('file:///router.js'), TypeError, /config\.router must be the router itself.*got a URL/],
        [[customMatrix()], RangeError, /config\.router must be one of .*got an array/],
        [customMatrix, RangeError, /config\.router must be one of/],
      ];
      for (const [router, Type, message] of cases)
        assert.throws(
          () => create(router),
          (error) => error instanceof Type && message.test(error.message),
          String(message),
        );
    });

    it('refuses tensors that cannot be, by name', () => {
      const good = { name: 'u', shape: [4] };
      /** @type {[unknown, RegExp][]} */
      const cases = [
        [
          { ...customMatrix(), parameters: () => undefined },
          /config\.router\.parameters\(\) must be an array, got undefined/,
        ],
        [{ ...customMatrix(), parameters: () => new Array(33).fill(good) }, /at most 32 tensors, got 33/],
        [tensors(null), /parameters\(\)\[0\] must be an object, got null/],
        [tensors(good, { shape: [1] }), /parameters\(\)\[1\]\.name must be a string/],
        [tensors({ name: 'a b', shape: [1] }), /parameters\(\)\[0\]\.name must be up to 47 letters.*"a b"/],
        [tensors({ name: 'x'.repeat(48), shape: [1] }), /\.name must be up to 47/],
        [
          tensors(good, good),
          /parameters\(\)\[1\]\.name must be a name that no other tensor of the layer has, got "u"/,
        ],
        [tensors({ name: 'generated.weight', shape: [1] }), /no other tensor of the layer has/],
        [tensors({ name: 'e_score_correction_bias', shape: [1] }), /no other tensor of the layer has/],
        [tensors({ name: 'u' }), /\.shape must be an array of one to three integers.*got undefined/],
        [tensors({ name: 'u', shape: [] }), /\.shape must be an array of one to three/],
        [tensors({ name: 'u', shape: [1, 2, 3, 4] }), /\.shape.*got \[1, 2, 3, 4\]/],
        [tensors({ name: 'u', shape: [0] }), /\.shape.*got \[0\]/],
        [tensors({ name: 'u', shape: [1.5, '2'] }), /\.shape.*got \[1\.5, 2\]/],
        [tensors({ name: 'u', shape: [1 << 15, 1 << 15] }), /at most 268435456 elements/],
        [
          tensors({ ...good, init: 'uniform' }),
          /\.init must be one of "normal", "zeros", "ones", got "uniform"/,
        ],
        [tensors({ ...good, std: -1 }), /\.std must be a finite number of at least 0, got -1/],
        [tensors({ ...good, trainable: 1 }), /\.trainable must be true or false, got 1/],
        [tensors({ ...good, frozen: true }), /parameters\(\)\[0\]\.frozen is not a key of a tensor/],
        [
          { name: 'a', parameters: () => [good], generate() {} },
          /config\.router\.backward must be a function, since/,
        ],
      ];
      for (const [router, message] of cases)
        assert.throws(
          () => create(router),
          (error) =>
            (error instanceof TypeError || error instanceof RangeError) && message.test(error.message),
          String(message),
        );
      const throwing = {
        ...customMatrix(),
        parameters: () => {
          throw new Error('not today');
        },
      };
      assert.throws(
        () => create(throwing),
        (error) => error instanceof RouterError && /parameters threw: not today/.test(error.message),
      );
    });

    it('takes a router without tensors, which needs no backward', () => {
      const fixed = {
        name: 'fixed',
        generate: (/** @type {any} */ _, /** @type {any} */ { bias }) => void bias.set([3, 2, 1, 0]),
      };
      const model = create(fixed);
      model.trainStep({ ...randomSegment(TINY, 1), learningRate: 0.01 });
      for (const { experts, load } of model.routing()) {
        assert.deepEqual([...new Set(experts)], [0, 1]);
        assert.deepEqual([...load], [0.5, 0.5, 0, 0]);
      }
    });

    it('refuses what the router cannot have, and says which can', () => {
      const frozen = customMatrix(false);
      assert.throws(
        () => create(frozen, { loadBalanceWeight: 0.1 }),
        /config\.loadBalanceWeight must be 0 unless router is .*or trains a tensor of its own, got 0\.1/,
      );
      assert.throws(
        () => create(customMatrix(), { routerScale: 2 }),
        /config\.routerScale must be 1 unless router is/,
      );
      assert.doesNotThrow(() => create(customMatrix(), { loadBalanceWeight: 0.1 }));
    });

    it('is described without a name for it', () => {
      const fields = bench.engine.configFields('language');
      const router = fields.find(({ name }) => name === 'router');
      assert.ok(!router?.choices?.includes('custom'));
      assert.ok(bench.engine.routers.every((router) => String(router.name) !== 'custom'));
      assert.ok(router?.custom?.traits.includes('external'));
      const used = fieldsInUse(fields, { router: customMatrix() }).map(({ name }) => name);
      for (const name of ['topK', 'gate', 'routerNoise', 'loadBalanceWeight'])
        assert.ok(used.includes(name), name);
      for (const name of ['hyperSize', 'routerSize', 'routerScale']) assert.ok(!used.includes(name), name);
    });
  });
});

describe('a custom router in a worker', () => {
  const URLS = {
    good: new URL('./routers.js', import.meta.url),
    missing: new URL('./no-such-router.js', import.meta.url),
    none: new URL('./helpers.js', import.meta.url),
  };
  const dataUrl = (/** @type {string} */ code) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);

  it('is the default export of a module, and gives the bits that it gives here', async () => {
    const [engine, there] = await Promise.all([load({ variant: 'simd' }), twin.load({ variant: 'simd' })]);
    try {
      const config = { ...TINY, hyperSize: 9 };
      const here = engine.createLanguageModel({ ...config, router: customHyperRouter(9) });
      const model = await there.createLanguageModel({ ...config, router: URLS.good });
      assert.equal(model.config.router, URLS.good);
      for (let step = 0; step < 3; step++) {
        const options = { ...randomSegment(TINY, step), learningRate: 0.01 };
        assert.deepEqual(await model.trainStep(options), here.trainStep(options));
      }
      const file = await model.saveCheckpoint();
      assert.deepEqual(Buffer.from(file), Buffer.from(here.saveCheckpoint()));
      await assert.rejects(there.loadCheckpoint(file), CheckpointError);
      const again = await there.loadCheckpoint(file, { router: URLS.good });
      assert.equal(again.config.router, URLS.good);
      const segment = /** @type {any} */ ({ ...randomSegment(TINY, 7), carryMemory: false });
      assert.deepEqual(await again.evaluate(segment), here.evaluate(segment));
      const classifier = await there.createClassifier({ ...TINY_CLASSIFIER, router: URLS.good });
      await classifier.trainStep({ ...randomBatch(TINY_CLASSIFIER, 1), learningRate: 0.01 });
    } finally {
      engine.dispose();
      await there.dispose();
    }
  });

  it('says what is wrong with the module, or with what is no module', async () => {
    const there = await twin.load({ variant: 'simd' });
    try {
      const create = (/** @type {any} */ router) => there.createLanguageModel({ ...TINY, router });
      await assert.rejects(
        create(customMatrix()),
        (error) => error instanceof TypeError && /URL of the module/.test(error.message),
      );
      await assert.rejects(
        create(URLS.missing),
        (error) => error instanceof RouterError && /no-such-router\.js/.test(error.message),
      );
      await assert.rejects(
        create(URLS.none),
        (error) =>
          error instanceof TypeError && /default export of the module .*helpers\.js/.test(error.message),
      );
      const throwing = dataUrl(
        "export default { name: 'x', generate() { throw new Error('from the worker') } }",
      );
      const model = await create(throwing);
      await assert.rejects(
        model.evaluate(randomSegment(TINY, 1)),
        (error) =>
          error instanceof RouterError &&
          /"x": generate of layer 0 threw: from the worker/.test(error.message) &&
          /** @type {Error} */ (error.cause)?.message === 'from the worker',
      );
    } finally {
      await there.dispose();
    }
  });
});

it('a custom router gives the same bits with two threads', async () => {
  const engines = await Promise.all([1, 2].map((threads) => load({ variant: 'simd', threads })));
  const [one, two] = engines.map((engine) => {
    const model = engine.createLanguageModel({ ...TINY, router: customHyperRouter(9) });
    return [trainSome(model, 0, 5), parametersOf(model)];
  });
  assert.deepEqual(one, two);
  for (const engine of engines) engine.dispose();
});
