import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import * as direct from '../../web/index.js';
import * as twin from '../../web/worker.js';
import {
  assertSameBits,
  assertSameParameters,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

const SCRIPT = new URL('../../web/worker/host.js', import.meta.url);
const TOKENS = randomIds(400, TINY.vocabSize, 7);

/**
 * @template T
 * @param {AsyncIterable<T> | Iterable<T>} values
 */
async function all(values) {
  const list = [];
  for await (const value of values) list.push(value);
  return list;
}

/** @param {{ name: string, data: Float32Array }[]} parameters */
const byName = (parameters) => new Map(parameters.map(({ name, data }) => [name, data]));

/** Without what depends on the clock. @param {{ tokensPerSecond: number }[]} progress */
const timeless = (progress) => progress.map(({ tokensPerSecond, ...rest }) => rest);

describe('the engine in a worker', () => {
  /** @type {direct.Engine} */
  let engine;
  /** @type {twin.Engine} */
  let there;

  before(async () => {
    engine = await direct.load({ variant: 'simd' });
    there = await twin.load({ variant: 'simd' });
  });
  after(async () => {
    engine.dispose();
    await there.dispose();
  });

  const language = () => there.createLanguageModel(TINY);

  it('has the same names', () => {
    assert.deepEqual(Object.keys(twin).sort(), Object.keys(direct).sort());
    const names = (/** @type {any} */ type) => {
      const own = [type, Object.getPrototypeOf(type)].flatMap(({ prototype }) =>
        Object.getOwnPropertyNames(prototype ?? {}),
      );
      return new Set(own.filter((name) => name !== 'constructor'));
    };
    const inside = [
      ...['core', 'address', 'put', 'prepare', 'contextTensors', 'stateMetadata', 'restore', 'memory'],
      ...[
        'measureProbe',
        'readProbe',
        'predictRows',
        'forEachBatch',
        'readVectors',
        'readRows',
        'putVectors',
      ],
      ...['keepBest', 'restoreBest', 'forgetBest', 'keepContext'],
    ];
    const pairs = /** @type {const} */ ([
      [direct.Engine, twin.Engine],
      [direct.LanguageModel, twin.LanguageModel],
      [direct.Classifier, twin.Classifier],
      [direct.TextClassifier, twin.TextClassifier],
      [direct.Regressor, twin.Regressor],
    ]);
    for (const [here, twinned] of pairs) {
      const missing = [...names(here)].filter((key) => !names(twinned).has(key) && !inside.includes(key));
      assert.deepEqual(missing, [], here.name);
    }
  });

  it('describes itself', async () => {
    assert.deepEqual(there.info, engine.info);
    assert.deepEqual(there.routers, engine.routers);
    assert.deepEqual(await there.configFields('classifier'), engine.configFields('classifier'));
    const [here, model] = [engine.createLanguageModel(TINY), await language()];
    for (const key of /** @type {const} */ ([
      'kind',
      'config',
      'parameterCount',
      'trainableParameterCount',
      'memory',
      'step',
      'topK',
      'metadata',
    ])) {
      assert.deepEqual(model[key], here[key], key);
    }
    assert.ok(there.memoryBytes > 0);
    here.dispose();
    await model.dispose();
  });

  it('computes what the engine computes, call for call', async () => {
    const [here, model] = [engine.createLanguageModel(TINY), await language()];
    const segment = randomSegment(TINY, 1);
    const step = { ...randomSegment(TINY, 2), learningRate: 0.01, clip: 1 };
    assert.deepEqual(await model.evaluate(segment), here.evaluate(segment));
    assert.deepEqual(await model.gradients(segment), here.gradients(segment));
    assert.deepEqual(await model.trainStep(step), here.trainStep(step));
    assertSameBits(await model.logits(), here.logits(), 'logits');
    assert.deepEqual(await model.routing(), here.routing());
    assert.deepEqual(await model.expertSimilarity(), here.expertSimilarity());
    assert.deepEqual(await model.parameters(), here.parameters());
    assert.deepEqual(await model.saveMemory(), here.saveMemory());
    assert.deepEqual(await model.measure(TOKENS.slice(0, 20)), here.measure(TOKENS.slice(0, 20)));
    const memory = await model.saveMemory();
    await model.resetMemory();
    assert.equal((await model.saveMemory()).length, 0);
    await model.restoreMemory(memory);
    assert.deepEqual(await model.saveMemory(), memory);
    const bias = new Float32Array(TINY.vocabSize).fill(0.5);
    await model.setParameter('crit.out_layers.0.bias', bias);
    here.setParameter('crit.out_layers.0.bias', bias);
    const options = { maxTokens: 12, seed: 3, topTokens: 9, repetitionPenalty: 1.2, stop: [[4], [7, 7]] };
    assert.deepEqual(await model.next([1, 2]), here.next([1, 2]));
    assert.deepEqual(await all(model.generate([1, 2], options)), await all(here.generate([1, 2], options)));
    model.metadata = here.metadata = { note: 'one' };
    const file = await model.saveCheckpoint({ optimizer: true });
    assert.deepEqual(file, here.saveCheckpoint({ optimizer: true }));
    const opened = await there.loadCheckpoint(file);
    assert.ok(opened instanceof twin.LanguageModel);
    assert.equal(opened.step, 1);
    assert.deepEqual(opened.metadata, { note: 'one' });
    assertSameParameters(byName(await opened.parameters()), byName(here.parameters()));
    here.dispose();
    await model.dispose();
    await opened.dispose();
  });

  it('trains as the engine does, with schedules that are functions', async () => {
    const [here, model] = [engine.createLanguageModel(TINY), await language()];
    const options = {
      steps: 12,
      every: 5,
      schedule: direct.cosineSchedule({ learningRate: 0.01, steps: 24 }),
      topKSchedule: direct.topKSchedule({ kMin: 1, kMax: 4, steps: 24 }),
      validation: TOKENS.slice(0, 50),
      probe: TOKENS.slice(0, 30),
    };
    for (const round of [1, 2]) {
      const progress = await all(model.train(TOKENS, options));
      assert.deepEqual(timeless(progress), timeless(await all(here.train(TOKENS, options))));
      assert.equal(model.step, 12 * round);
      assert.equal(model.topK, here.topK);
    }
    here.dispose();
    await model.dispose();
  });

  it('trains and measures classifiers', async () => {
    const [here, model] = [
      engine.createClassifier(TINY_CLASSIFIER),
      await there.createClassifier(TINY_CLASSIFIER),
    ];
    const data = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 8);
    const batch = randomBatch(TINY_CLASSIFIER, 9);
    const options = { steps: 8, validation: data, probe: data };
    assert.deepEqual(
      timeless(await all(model.train(data, options))),
      timeless(await all(here.train(data, options))),
    );
    assert.deepEqual(await model.predict(batch.inputs), here.predict(batch.inputs));
    assert.deepEqual(await model.evaluate(batch), here.evaluate(batch));
    assert.deepEqual(await model.measure(data), here.measure(data));
    assert.deepEqual(await twin.evaluateVectors(model, data), await direct.evaluateVectors(here, data));
    here.dispose();
    await model.dispose();
  });

  it('keeps topK up to date, and refuses wrong ones at once', async () => {
    const model = await language();
    model.topK = 1;
    assert.equal(model.topK, 1);
    await model.evaluate(randomSegment(TINY, 1));
    assert.equal((await model.routing())[0].experts.length, TINY.batchSize * TINY.contextLength);
    assert.equal(model.topK, 1);
    assert.throws(() => {
      model.topK = 9;
    }, RangeError);
    await model.dispose();
  });

  it('transfers arrays when asked to, and copies all others', async () => {
    const model = await language();
    const kept = randomSegment(TINY, 1);
    await model.evaluate(kept);
    assert.equal(kept.inputs.length, TINY.batchSize * TINY.contextLength);
    const given = randomSegment(TINY, 1);
    await model.evaluate({ ...given, transfer: true });
    assert.equal(given.inputs.length, 0);
    assert.equal(given.targets.length, 0);
    // A part of an array takes nothing along.
    const whole = new Int32Array(100);
    const part = whole.subarray(10, 10 + TINY.contextLength);
    await model.evaluate({ inputs: part, targets: part, carryMemory: false, transfer: true });
    assert.equal(whole.length, 100);
    const file = Buffer.from(await model.saveCheckpoint());
    const opened = await there.loadCheckpoint(file, undefined, { transfer: false });
    assert.ok(file.length > 0);
    await opened.dispose();
    // Also those of another realm.
    const far = runInNewContext('new ArrayBuffer(length)', { length: file.length });
    new Uint8Array(far).set(file);
    await (await there.loadCheckpoint(far, undefined, { transfer: true })).dispose();
    assert.equal(far.byteLength, 0);
    const ids = runInNewContext('new Int32Array(length)', { length: TINY.contextLength });
    await model.evaluate({ inputs: ids, targets: part, carryMemory: false, transfer: true });
    assert.equal(ids.length, 0);
    await model.dispose();
  });

  it('rejects with errors of the same class, fields and message', async () => {
    const model = await language();
    const here = engine.createLanguageModel(TINY);
    const wrong = { inputs: new Int32Array(3), targets: new Int32Array(3), length: 99 };
    await assert.rejects(model.evaluate(wrong), (error) => {
      assert.ok(error instanceof RangeError);
      assert.throws(() => here.evaluate(wrong), { message: error.message });
      return true;
    });
    await assert.rejects(model.evaluate(/** @type {any} */ ({ inputs: [] })), TypeError);
    await assert.rejects(there.createLanguageModel(/** @type {any} */ ({ experts: 2, topK: 3 })), RangeError);
    await assert.rejects(there.loadCheckpoint(new Uint8Array(4)), twin.CheckpointError);
    const huge = { dModel: 8192, dInner: 65536, experts: 64, layers: 64 };
    await assert.rejects(there.createLanguageModel(huge), (error) => {
      return error instanceof twin.OutOfMemoryError && error.bytes > 2 ** 32;
    });
    const diverging = model.train(TOKENS, { steps: 50, schedule: () => 1e30, clip: 0 });
    await assert.rejects(
      all(diverging),
      (error) => error instanceof twin.DivergedError && error.step === model.step + 1,
    );
    const bad = /** @type {[() => unknown, RegExp][]} */ ([
      [() => all(model.train(/** @type {any} */ ('text'), { steps: 1 })), /data must be an Int32Array/],
      [() => all(model.train(TOKENS, /** @type {any} */ (null))), /options must be an object/],
      [
        () => all(model.train(TOKENS, /** @type {any} */ ({ steps: 1, evry: 1 }))),
        /options\.evry is not a key/,
      ],
      [() => all(model.train(TOKENS, /** @type {any} */ ({ steps: 1, signal: {} }))), /signal must be an/],
      [() => all(model.generate([1], /** @type {any} */ (null))), /options must be an object, got null/],
      [() => model.measure(TOKENS, /** @type {any} */ (null)), /options must be an object, got null/],
      [() => model.saveCheckpoint(/** @type {any} */ (null)), /options must be an object, got null/],
      [() => twin.load(/** @type {any} */ ({ varient: 'simd' })), /options\.varient is not a key of load/],
    ]);
    for (const [call, message] of bad) {
      await assert.rejects(async () => call(), { name: 'TypeError', message });
    }
    await assert.rejects(all(model.generate([99])), RangeError);
    here.dispose();
    await model.dispose();
  });

  it('computes the next token when it is requested, and stops when the loop is left', async () => {
    const model = await language();
    const text = model.generate([1], { maxTokens: 1e9 });
    await text.next();
    // Generation reads the parameters as they are when a token is asked for.
    await model.setParameter(
      'crit.out_layers.0.bias',
      Float32Array.from({ length: TINY.vocabSize }, (_, i) => (i === 7 ? 1e6 : 0)),
    );
    const second = await text.next();
    assert.equal(second.value?.token, 7);
    await text.return();
    assert.equal((await text.next()).done, true);
    for await (const { step } of model.train(TOKENS, { steps: 1e9 })) if (step === 3) break;
    assert.equal(model.step, 3);
    await all(model.train(TOKENS, { steps: 1 }));
    await model.dispose();
  });

  it('answers other calls while it trains', async () => {
    const model = await language();
    const controller = new AbortController();
    const training = all(model.train(TOKENS, { steps: 1e9, every: 1e9, signal: controller.signal }));
    const text = await all(model.generate([1], { maxTokens: 5 }));
    assert.equal(text.length, 5);
    controller.abort();
    await assert.rejects(training, { name: 'AbortError' });
    assert.ok(model.step > 0);
    await model.dispose();
  });

  it('refuses what was transferred before, and a transfer that is no boolean', async () => {
    const model = await language();
    const segment = randomSegment(TINY, 1);
    await model.evaluate({ ...segment, transfer: true });
    for (const transfer of [true, false]) {
      await assert.rejects(model.evaluate({ ...segment, transfer }), {
        name: 'TypeError',
        message: /^an array that was transferred before has no elements any more/,
      });
    }
    const text = /** @type {any} */ ('no');
    await assert.rejects(
      model.evaluate({ ...randomSegment(TINY, 1), transfer: text }),
      /^TypeError: transfer must be true or false, got "no"$/,
    );
    const file = await model.saveCheckpoint();
    await (await there.loadCheckpoint(file.buffer, {}, { transfer: true })).dispose();
    await assert.rejects(
      there.loadCheckpoint(file.buffer),
      /^TypeError: an array that was transferred before/,
    );
    await model.dispose();
  });

  it('does nothing when the signal was aborted before', async () => {
    const model = await language();
    const reason = new Error('no more');
    const signal = AbortSignal.abort(reason);
    const segment = { ...randomSegment(TINY, 1), signal };
    await assert.rejects(model.trainStep({ ...segment, learningRate: 1, transfer: true }), reason);
    assert.ok(segment.inputs.length > 0, 'nothing was given away');
    await assert.rejects(all(model.train(TOKENS, { steps: 3, signal })), reason);
    await assert.rejects(all(model.generate([1], { signal })), reason);
    await assert.rejects(there.createLanguageModel(TINY, { signal }), reason);
    await assert.rejects(twin.load({ signal }), reason);
    await model.logits();
    assert.equal(model.step, 0);
    await model.dispose();
  });

  it('knows what was disposed', async () => {
    const model = await language();
    await model.dispose();
    await model.dispose();
    await assert.rejects(model.evaluate(randomSegment(TINY, 1)), twin.DisposedError);
    await assert.rejects(all(model.generate([1])), twin.DisposedError);
    assert.throws(() => model.step, twin.DisposedError);
  });
});

describe('a worker', () => {
  /** @type {twin.Engine[]} */
  let engines = [];
  /** @param {twin.LoadOptions} [options] */
  async function load(options) {
    const engine = await twin.load(options);
    engines.push(engine);
    return engine;
  }
  afterEach(async () => {
    for (const engine of engines) await engine.dispose();
    engines = [];
  });

  it('that dies rejects pending calls, with the cause', async () => {
    const worker = new Worker(SCRIPT);
    const engine = await load({ worker: /** @type {any} */ (worker) });
    const model = await engine.createLanguageModel(TINY);
    const training = all(model.train(TOKENS, { steps: 1e9, every: 1e9 }));
    setTimeout(() => worker.terminate(), 30);
    const dead = { name: 'EngineError', message: /^the worker stopped: it ended with code 1/ };
    await assert.rejects(training, dead);
    await assert.rejects(model.logits(), dead);
    await assert.rejects(engine.createLanguageModel(TINY), dead);
    await model.dispose().catch((error) => assert.equal(error.name, 'EngineError'));
  });

  it('that cannot be started reports why', async () => {
    await assert.rejects(twin.load({ worker: new URL('./no-such-file.js', import.meta.url) }), (error) => {
      assert.ok(error instanceof twin.EngineError);
      assert.match(error.message, /^the worker stopped: .*no-such-file/);
      assert.ok(error.cause);
      return true;
    });
  });

  it('takes the module as bytes, as a compiled module and as a response', async () => {
    const bytes = await readFile(new URL('../../web/hyperrouter.simd.wasm', import.meta.url));
    const module = await WebAssembly.compile(bytes);
    for (const wasm of [new Uint8Array(bytes), module, new Response(bytes)]) {
      assert.equal((await load({ wasm })).info.variant, 'simd');
    }
    assert.ok(bytes.length > 0);
    await assert.rejects(
      twin.load({ wasm: new TextEncoder().encode('<!doctype html>') }),
      /is not WebAssembly/,
    );
    await assert.rejects(twin.load({ wasm: new Response('', { status: 404 }) }), /answered with status 404/);
    await assert.rejects(twin.load({ variant: /** @type {any} */ ('avx') }), RangeError);
  });

  it('ends with its engine, and pending calls reject', async () => {
    const worker = new Worker(SCRIPT);
    const engine = await twin.load({ worker: /** @type {any} */ (worker) });
    const model = await engine.createLanguageModel(TINY);
    const training = all(model.train(TOKENS, { steps: 1e9, every: 1e9 }));
    const refused = assert.rejects(training, twin.DisposedError);
    const exit = once(worker, 'exit');
    await Promise.all([engine.dispose(), engine.dispose()]);
    await refused;
    await exit;
    await assert.rejects(engine.createLanguageModel(TINY), twin.DisposedError);
    assert.throws(() => model.topK, twin.DisposedError);
  });

  it('shares nothing with another', async () => {
    const [one, other] = [await load({ variant: 'simd' }), await load()];
    const models = await Promise.all([one, other].map((engine) => engine.createLanguageModel(TINY)));
    const [a, b] = await Promise.all(models.map((model) => model.evaluate(randomSegment(TINY, 1))));
    assert.ok(Math.abs(a.loss - b.loss) < 1e-5);
    await one.dispose();
    await models[1].evaluate(randomSegment(TINY, 1));
  });
});
