/** The engine: what it says of itself, running out of memory, living beside another one and being disposed of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  DisposedError,
  Engine,
  EngineError,
  fieldsInUse,
  LanguageModel,
  load,
  OutOfMemoryError,
} from '../../web/index.js';
import {
  assertSameParameters,
  assertWorks,
  errorOf,
  GATED_ROUTERS,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

onEveryVariant((bench) => {
  test('info and routers', () => {
    const { info, routers } = bench.engine;
    const read = (/** @type {string} */ path) =>
      JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
    assert.deepEqual(info, {
      variant: bench.variant,
      threads: 1,
      threadsReason: 'one thread, as requested',
      version: read('../../package.json').version,
    });
    assert.ok(Object.isFrozen(info) && Object.isFrozen(routers));
    assert.deepEqual(
      routers.map(({ name }) => name),
      ROUTERS,
    );
    for (const { name, label, summary, traits, routes } of routers) {
      assert.match(summary, /\w+\.$/);
      assert.match(label, /^[A-Z]/);
      assert.equal(routes, name !== 'dense');
      assert.equal(traits.includes('routes'), routes);
    }
    const able = (/** @type {string} */ trait) =>
      routers.filter(({ traits }) => traits.includes(trait)).map(({ name }) => name);
    assert.deepEqual(able('learns'), ['hyperrouter', 'smoe', 'cosine']);
    assert.deepEqual(able('hypernetwork'), ['hyperrouter']);
    assert.deepEqual(able('matrix'), ['hyperrouter', 'smoe', 'smoe-dropout']);
    assert.deepEqual(able('gated'), GATED_ROUTERS);
  });

  test('the fields in use are those whose required traits the chosen options have', () => {
    for (const kind of /** @type {const} */ (['language', 'classifier'])) {
      const fields = bench.engine.configFields(kind);
      const unused = (/** @type {Record<string, unknown>} */ config) => {
        const used = fieldsInUse(fields, config);
        return fields.filter((field) => !used.includes(field)).map(({ name }) => name);
      };
      const auxiliary = ['loadBalanceWeight', 'routerZWeight'];
      const top = ['capacityFactor', 'balanceRate'];
      const size = ['hyperSize', 'routerSize'];
      const routed = ['routerScale', 'routerNoise', 'sharedExperts'];
      assert.deepEqual(unused({}).sort(), ['routerSize', 'sparsityWeight']);
      assert.deepEqual(unused({ router: 'smoe' }).sort(), [...size, 'sparsityWeight'].sort());
      assert.deepEqual(
        unused({ router: 'smoe-dropout', gate: 'relu' }).sort(),
        [...size, ...auxiliary, ...top].sort(),
      );
      assert.deepEqual(
        unused({ router: 'cosine', gate: 'expert-choice' }).sort(),
        ['hyperSize', 'routerNoise', 'sparsityWeight', ...auxiliary, ...top].sort(),
      );
      assert.deepEqual(
        unused({ router: 'dense' }).sort(),
        ['topK', 'gate', 'sparsityWeight', ...size, ...routed, ...auxiliary, ...top].sort(),
      );
      for (const { options, choices } of fields) {
        assert.deepEqual(
          options?.map(({ name }) => name),
          choices,
        );
      }
      const router = fields.find(({ name }) => name === 'router');
      assert.equal(router?.choices?.includes('hash'), kind === 'language');
    }
  });

  test('the module needs nothing from its host', async () => {
    const module = await WebAssembly.compile(
      readFileSync(new URL(`../../web/hyperrouter.${bench.variant}.wasm`, import.meta.url)),
    );
    assert.deepEqual(WebAssembly.Module.imports(module), []);
  });

  test('models and errors are of the classes that the package exports', () => {
    assert.ok(bench.engine instanceof Engine);
    assert.ok(bench.language(TINY) instanceof LanguageModel);
    assert.equal(errorOf(() => bench.engine.loadCheckpoint(new Uint8Array(0))).name, 'CheckpointError');
    for (const type of [DisposedError, EngineError]) {
      const error = new type('text');
      assert.ok(error instanceof Error);
      assert.deepEqual([error.name, error.message], [type.name, 'text']);
    }
  });

  test('two engines side by side', async () => {
    const config = { ...TINY, dropout: 0.1 };
    const run = (/** @type {LanguageModel} */ model, /** @type {number} */ step) =>
      model.trainStep({ ...randomSegment(TINY, step), learningRate: 0.01 }).loss;
    const alone = bench.language(config);
    const wanted = [0, 1, 2, 3].map((step) => run(alone, step));
    const [a, b] = [await load({ variant: bench.variant }), await load({ variant: bench.variant })];
    const models = [a.createLanguageModel(config), b.createLanguageModel(config)];
    const other = a.createLanguageModel({ ...config, seed: 99 });
    const losses = [0, 1, 2, 3].map((step) => {
      run(other, step);
      return models.map((model) => run(model, step));
    });
    assert.deepEqual(
      losses,
      wanted.map((loss) => [loss, loss]),
    );
    a.dispose();
    assert.equal(errorOf(() => run(models[0], 4)).name, 'DisposedError');
    assert.equal(run(models[1], 4), run(alone, 4));
    assertSameParameters(parametersOf(models[1]), parametersOf(alone));
    b.dispose();
  });

  describe('when there is not enough memory', () => {
    test('the error has the bytes, and the engine stays usable', () => {
      const model = liven(bench.language(TINY));
      const expected = model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false }).loss;
      const before = bench.engine.memoryBytes;
      const huge = { vocabSize: 2 ** 20, dModel: 2 ** 14 };
      for (let round = 0; round < 100; round++) {
        const error = errorOf(() => bench.engine.createLanguageModel(huge));
        assert.ok(error instanceof OutOfMemoryError, String(error));
        assert.equal(error.name, 'OutOfMemoryError');
        // The embedding alone, with its gradient and two moments.
        assert.ok(error.bytes > 4 * 4 * 2 ** 34 && error.bytes < 2 ** 40, String(error.bytes));
        assert.ok(error.message.includes(error.bytes.toLocaleString('en')), error.message);
        assert.match(error.message, /batchSize/);
      }
      const largest = { inputSize: 2 ** 20, classes: 2 ** 20, batchSize: 2 ** 20, dModel: 2 ** 14 };
      assert.ok(errorOf(() => bench.engine.createClassifier(largest)) instanceof OutOfMemoryError);
      assert.equal(bench.engine.memoryBytes, before);
      assert.equal(model.evaluate({ ...randomSegment(TINY, 1), carryMemory: false }).loss, expected);
      assertWorks(bench.engine);
    });

    test('the bytes are the real size, not a placeholder', () => {
      const config = { batchSize: 2 ** 20, contextLength: 2 ** 16 };
      const error = errorOf(() => bench.engine.createLanguageModel(config));
      assert.ok(error instanceof OutOfMemoryError, String(error));
      // At least the activations of 2^36 tokens, at most a megabyte for each.
      assert.ok(error.bytes > 2 ** 36 && error.bytes < 2 ** 56, String(error.bytes));
    });

    test('a model that only just does not fit', () => {
      const base = { dModel: 256, dInner: 8, layers: 1, experts: 1, topK: 1, hyperSize: 4, batchSize: 1 };
      const before = bench.engine.memoryBytes;
      const full = errorOf(() => bench.engine.createClassifier({ ...base, inputSize: 2 ** 20 }));
      const less = errorOf(() => bench.engine.createClassifier({ ...base, inputSize: 2 ** 20 - 8 }));
      assert.ok(full instanceof OutOfMemoryError && less instanceof OutOfMemoryError);
      const step = (full.bytes - less.bytes) / 8;
      // Below 4 GiB, but not with what the engine holds itself.
      const inputSize = 2 ** 20 - Math.ceil((full.bytes - 2 ** 32) / step) - 8;
      const error = errorOf(() => bench.engine.createClassifier({ ...base, inputSize }));
      assert.ok(error instanceof OutOfMemoryError, String(error));
      assert.ok(error.bytes < 2 ** 32 && error.bytes > 2 ** 32 - 2 ** 17, String(error.bytes));
      assert.equal(bench.engine.memoryBytes, before);
      assertWorks(bench.engine);
    });

    test('a model that does not fit beside the others', () => {
      const engine = bench.engine;
      // Nearly all of it room for a large batch.
      const wide = { inputSize: 1, dModel: 1024, dInner: 8, layers: 1, experts: 1, topK: 1, hyperSize: 4 };
      const bytesOf = (/** @type {number} */ batchSize) => {
        const error = errorOf(() => engine.createClassifier({ ...wide, batchSize }));
        assert.ok(error instanceof OutOfMemoryError, String(error));
        return error.bytes;
      };
      const [one, two] = [bytesOf(500_000), bytesOf(600_000)];
      const each = (two - one) / 100_000;
      const fixed = one - 500_000 * each;
      const held = engine.createClassifier({ ...wide, batchSize: Math.round(2 ** 28 / each) });
      const before = engine.memoryBytes;
      assert.ok(before > 2 ** 28);
      for (const wanted of [2 ** 32 - 2 ** 20, 2 ** 32 - 2 ** 26, 2 ** 32 - 2 ** 28]) {
        const bytes = bytesOf(Math.floor((wanted - fixed) / each));
        assert.ok(bytes < 2 ** 32 && bytes > wanted - 2 ** 20, `${bytes} for ${wanted}`);
        assert.equal(engine.memoryBytes, before);
      }
      assertWorks(engine);
      held.dispose();
    });
  });

  describe('after dispose', () => {
    const segment = randomSegment(TINY, 1);
    const batch = randomBatch(TINY_CLASSIFIER, 1);
    /** @type {Record<string, (model: LanguageModel) => unknown>} */
    const uses = {
      evaluate: (model) => model.evaluate(segment),
      gradients: (model) => model.gradients(segment),
      trainStep: (model) => model.trainStep({ ...segment, learningRate: 0.1 }),
      parameters: (model) => model.parameters(),
      setParameter: (model) => model.setParameter('r_w_bias', new Float32Array(15)),
      logits: (model) => model.logits(),
      routing: (model) => model.routing(),
      resetMemory: (model) => model.resetMemory(),
      saveMemory: (model) => model.saveMemory(),
      restoreMemory: (model) =>
        model.restoreMemory({ length: 0, batch: 0, layers: [0, 1].map(() => new Float32Array(0)) }),
      saveCheckpoint: (model) => model.saveCheckpoint(),
      generate: (model) => model.generate([1]).next(),
      step: (model) => model.step,
      topK: (model) => model.topK,
      'topK =': (model) => {
        model.topK = 1;
      },
      memory: (model) => model.memory,
    };

    /** @param {() => unknown} use @param {string} what */
    const assertDisposed = (use, what) => {
      const error = errorOf(use);
      assert.ok(error instanceof DisposedError, `${what}: ${error}`);
      assert.match(error.message, /the (model|engine) was disposed/);
    };

    test('a disposed model refuses every use, and others continue', () => {
      const [model, other] = [bench.language(TINY), bench.language(TINY)];
      const classifier = bench.classifier(TINY_CLASSIFIER);
      const expected = parametersOf(other);
      const { config, parameterCount } = model;
      model.dispose();
      model.dispose();
      for (const [name, use] of Object.entries(uses)) assertDisposed(() => use(model), name);
      assert.deepEqual([model.config, model.parameterCount], [config, parameterCount]);
      assertSameParameters(parametersOf(other), expected);
      // The place of the first is given away; disposing of it once more must not touch the new one.
      const third = bench.language(TINY);
      model.dispose();
      assertSameParameters(parametersOf(third), expected);
      classifier.dispose();
      assertDisposed(() => classifier.predict(batch.inputs), 'predict');
      assertDisposed(() => classifier.trainStep({ ...batch, learningRate: 0.1 }), 'trainStep');
    });

    test('generate refuses at once, and a text that was begun ends', () => {
      const model = bench.language(TINY);
      const text = model.generate([1, 2], { maxTokens: 10 });
      text.next();
      model.dispose();
      assertDisposed(() => text.next(), 'next');
      assert.deepEqual(text.next(), { value: undefined, done: true });
      assertDisposed(() => model.generate([1]), 'generate');
    });

    test('an engine disposes its models first', async () => {
      const engine = await load({ variant: bench.variant });
      const model = engine.createLanguageModel(TINY);
      const gone = engine.createLanguageModel(TINY);
      gone.dispose();
      const text = model.generate([1]);
      engine.dispose();
      engine.dispose();
      for (const [name, use] of Object.entries(uses)) assertDisposed(() => use(model), name);
      assertDisposed(() => text.next(), 'next');
      model.dispose();
      gone.dispose();
      assertDisposed(() => engine.memoryBytes, 'memoryBytes');
      assertDisposed(() => engine.configFields('language'), 'configFields');
      assertDisposed(() => engine.createLanguageModel(TINY), 'createLanguageModel');
      assertDisposed(() => engine.createClassifier(TINY_CLASSIFIER), 'createClassifier');
      assertDisposed(() => engine.loadCheckpoint(new Uint8Array(8)), 'loadCheckpoint');
      assert.equal(engine.info.variant, bench.variant);
    });

    test('Symbol.dispose, as `using` calls it', async () => {
      const engine = await load({ variant: bench.variant });
      const [model, classifier] = [
        engine.createLanguageModel(TINY),
        engine.createClassifier(TINY_CLASSIFIER),
      ];
      model[Symbol.dispose]();
      classifier[Symbol.dispose]();
      assertDisposed(() => model.step, 'step');
      assertDisposed(() => classifier.step, 'step');
      assertWorks(engine);
      engine[Symbol.dispose]();
      assertDisposed(() => engine.memoryBytes, 'memoryBytes');
    });
  });
});
