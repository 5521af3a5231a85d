/** Loading, living beside each other, running out of memory and being disposed of. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  DisposedError,
  Engine,
  EngineError,
  LanguageModel,
  load,
  OutOfMemoryError,
} from '../../web/index.js';
import {
  assertSameParameters,
  errorOf,
  liven,
  onEveryVariant,
  parametersOf,
  RELAXED,
  ROUTERS,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** @import { AddressInfo } from 'node:net' */
/** @import { Variant, WasmSource } from '../../web/load.js' */

/** @typedef {import('../../web/load.js').LoadOptions} LoadOptions */

/** @param {Variant} variant */
function moduleUrl(variant) {
  return new URL(`../../web/hyperrouter.${variant}.wasm`, import.meta.url);
}

/** @param {Variant} variant */
function moduleBytes(variant) {
  return new Uint8Array(readFileSync(moduleUrl(variant)));
}

/** @param {any} options */
async function loadError(options) {
  try {
    (await load(options)).dispose();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  assert.fail('it was loaded');
}

/** @param {Engine} engine */
function assertWorks(engine) {
  const model = engine.createLanguageModel(TINY);
  const { loss } = model.evaluate(randomSegment(TINY, 1));
  assert.ok(Math.abs(loss - Math.log(TINY.vocabSize)) < 0.5, `loss ${loss}`);
  model.dispose();
}

/** Answers as servers do: well, with a page instead of the file, or not at all. */
const ANSWERS =
  /** @type {Record<string, [status: number, type: string, body: () => string | Uint8Array]>} */ ({
    '/hyperrouter.wasm': [200, 'application/wasm', () => moduleBytes('simd')],
    '/untyped.wasm': [200, 'application/octet-stream', () => moduleBytes('simd')],
    '/page.wasm': [200, 'text/html; charset=utf-8', () => '<!doctype html><title>Not the module</title>'],
    '/missing.wasm': [404, 'text/html', () => '<h1>Not Found</h1>'],
    '/broken.wasm': [500, 'application/wasm', () => moduleBytes('simd')],
    '/empty.wasm': [200, 'application/wasm', () => ''],
    '/half.wasm': [200, 'application/wasm', () => moduleBytes('simd').subarray(0, 20_000)],
  });

describe('where the module comes from', () => {
  const server = createServer((request, response) => {
    const [status, type, body] = ANSWERS[request.url ?? ''] ?? [404, 'text/plain', () => 'nothing here'];
    response.writeHead(status, { 'content-type': type, connection: 'close' }).end(body());
  });
  let site = '';
  before(async () => {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    site = `http://127.0.0.1:${/** @type {AddressInfo} */ (server.address()).port}`;
  });
  after(() => server.close());

  /** @type {Record<string, () => WasmSource | Promise<WasmSource>>} */
  const sources = {
    'a Uint8Array': () => moduleBytes('simd'),
    'a part of a larger array': () => {
      const bytes = moduleBytes('simd');
      const larger = new Uint8Array(bytes.length + 10);
      larger.set(bytes, 3);
      return larger.subarray(3, 3 + bytes.length);
    },
    'a Buffer': () => readFileSync(moduleUrl('simd')),
    'an ArrayBuffer': () => moduleBytes('simd').buffer,
    'a WebAssembly.Module': () => new WebAssembly.Module(moduleBytes('simd')),
    'a file URL': () => moduleUrl('simd'),
    'a file URL as text': () => moduleUrl('simd').href,
    'a relative URL': () => './hyperrouter.simd.wasm',
    'a data URL': () => `data:application/wasm;base64,${Buffer.from(moduleBytes('simd')).toString('base64')}`,
    'an http URL': () => new URL(`${site}/hyperrouter.wasm`),
    'an http URL as text': () => `${site}/hyperrouter.wasm`,
    'a server that does not know the type': () => `${site}/untyped.wasm`,
    'a Response': () => new Response(moduleBytes('simd')),
    'a promise of a Response': () => fetch(`${site}/hyperrouter.wasm`),
    'a promise of a Module': () => WebAssembly.compile(moduleBytes('simd')),
    'a promise of bytes': async () => moduleBytes('simd'),
  };
  for (const [name, source] of Object.entries(sources)) {
    test(name, async () => {
      for (const variant of /** @type {const} */ (['auto', 'simd'])) {
        const engine = await load({ wasm: source(), variant });
        assert.equal(engine.info.variant, 'simd');
        assertWorks(engine);
        engine.dispose();
      }
    });
  }

  test('the same Module for several engines', async () => {
    const wasm = await WebAssembly.compile(moduleBytes('simd'));
    const engines = await Promise.all([load({ wasm }), load({ wasm }), load({ wasm })]);
    for (const engine of engines) assertWorks(engine);
    for (const engine of engines) engine.dispose();
  });

  test('a module of another variant than was asked for', async () => {
    const error = await loadError({ variant: 'relaxed-simd', wasm: moduleBytes('simd') });
    assert.ok(error instanceof EngineError);
    assert.match(error.message, /"relaxed-simd" was asked for, but the given module is "simd"/);
    if (!RELAXED) return;
    const other = await loadError({ variant: 'simd', wasm: moduleBytes('relaxed-simd') });
    assert.ok(other instanceof EngineError);
    assert.match(other.message, /"simd" was asked for, but the given module is "relaxed-simd"/);
    const engine = await load({ wasm: moduleBytes('relaxed-simd') });
    assert.equal(engine.info.variant, 'relaxed-simd');
    engine.dispose();
  });

  /** @type {[string, () => unknown, RegExp][]} */
  const wrongBytes = [
    [
      'an HTML page',
      () => new TextEncoder().encode('<!DOCTYPE html><html></html>'),
      /28 bytes .*"<!DOCTYPE html>/,
    ],
    ['a JSON file', () => new TextEncoder().encode('{"error":404}'), /13 bytes .*error/],
    ['nothing', () => new Uint8Array(0), /0 bytes/],
    ['a few bytes', () => Uint8Array.of(0, 97, 115, 109), /4 bytes/],
    ['half a module', () => moduleBytes('simd').subarray(0, 20_000), /does not compile/],
    ['a version from the future', () => Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0), /does not compile/],
    ['an empty module', () => Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), /not one of hyperrouter-wasm/],
    [
      'a Response with a page',
      () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
      /text\/html.*<html>/,
    ],
    ['a Response of an error', () => new Response('no', { status: 503 }), /status 503/],
  ];
  for (const [name, source, message] of wrongBytes) {
    test(`wrong bytes: ${name}`, async () => {
      const error = await loadError({ wasm: source() });
      assert.ok(error instanceof EngineError, String(error));
      assert.match(error.message, message);
    });
  }

  test('a module that needs imports that are not there', async () => {
    // (module (import "env" "f" (func)))
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 9, 1, 3, 101, 110, 118, 1, 102, 0, 0];
    const error = await loadError({ wasm: Uint8Array.from(bytes) });
    assert.ok(error instanceof EngineError, String(error));
    assert.match(error.message, /does not start/);
  });

  /** @type {[string, RegExp][]} */
  const wrongUrls = [
    ['/missing.wasm', /answered with status 404 \(text\/html\)/],
    ['/broken.wasm', /answered with status 500/],
    ['/page.wasm', /\(text\/html; charset=utf-8\) is not WebAssembly: 44 bytes .*<!doctype html>/],
    ['/empty.wasm', /0 bytes/],
    ['/half.wasm', /does not compile/],
  ];
  for (const [path, message] of wrongUrls) {
    test(`wrong answers: ${path}`, async () => {
      const url = `${site}${path}`;
      for (const wasm of [url, new URL(url), fetch(url)]) {
        const error = await loadError({ wasm });
        assert.ok(error instanceof EngineError, String(error));
        assert.ok(error.message.includes(url), error.message);
        assert.match(error.message, message);
      }
    });
  }

  test('a server that is not there, a file that is not there', async () => {
    const closed = createServer();
    await new Promise((resolve) => closed.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (closed.address());
    await new Promise((resolve) => closed.close(resolve));
    const missing = pathToFileURL('/nowhere/hyperrouter.wasm').href;
    for (const wasm of [`http://127.0.0.1:${port}/hyperrouter.wasm`, missing]) {
      const error = await loadError({ wasm });
      assert.ok(error instanceof EngineError, String(error));
      assert.ok(error.message.startsWith(`${wasm} cannot be read`), error.message);
      assert.ok(error.cause instanceof Error);
    }
  });

  test('what is no source at all', async () => {
    for (const wasm of [null, 7, true, {}, [], () => 1, new Float32Array(8), Promise.resolve(7)]) {
      const error = await loadError({ wasm });
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^wasm must be a URL, a Response, .* got /);
    }
  });

  test('a URL that is none', async () => {
    const error = await loadError({ wasm: 'http://' });
    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /^wasm .*"http:\/\/"/);
  });

  test('a promise that fails, fails the same way', async () => {
    const mine = new Error('mine');
    assert.equal(await loadError({ wasm: Promise.reject(mine) }), mine);
  });
});

describe('options of load', () => {
  test('variant', async () => {
    for (const variant of ['fast', '', 'SIMD', null, 1, {}]) {
      const error = await loadError({ variant });
      assert.ok(error instanceof RangeError, String(error));
      assert.match(error.message, /^variant must be "auto", "simd" or "relaxed-simd", got /);
    }
  });

  test('options that are none', async () => {
    for (const options of [null, 7, 'simd', true]) {
      const error = await loadError(options);
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /^options must be an object, got /);
    }
  });

  test('auto takes what runs here', async () => {
    for (const engine of [await load(), await load({}), await load({ variant: 'auto' })]) {
      assert.equal(engine.info.variant, RELAXED ? 'relaxed-simd' : 'simd');
      assertWorks(engine);
      engine.dispose();
    }
  });

  test('relaxed SIMD where there is none', { skip: RELAXED && 'there is relaxed SIMD here' }, async () => {
    const error = await loadError({ variant: 'relaxed-simd' });
    assert.ok(error instanceof EngineError);
    assert.match(error.message, /no relaxed SIMD here/);
  });
});

onEveryVariant((bench) => {
  test('info and routers', () => {
    const { info, routers } = bench.engine;
    const read = (/** @type {string} */ path) =>
      JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
    assert.deepEqual(info, {
      variant: bench.variant,
      threads: 1,
      threadsReason: 'one thread, as asked for',
      version: read('../../package.json').version,
    });
    assert.ok(Object.isFrozen(info) && Object.isFrozen(routers));
    assert.deepEqual(
      routers.map(({ name }) => name),
      ROUTERS,
    );
    for (const { name, summary, routes } of routers) {
      assert.match(summary, /\w+\.$/);
      assert.equal(routes, name !== 'dense');
    }
  });

  test('the module needs nothing from its host', async () => {
    const module = await WebAssembly.compile(moduleBytes(bench.variant));
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
    test('the error has the bytes, and the engine goes on', () => {
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

    test('the bytes are what is missing, and not a number that stands for too many', () => {
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

    test('a model refuses every use, and the others go on', () => {
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

    test('an engine disposes of its models first', async () => {
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
