/** Threads: the same bits for any number of them, their life and their refusals. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DisposedError, EngineError, load } from '../../web/index.js';
import { VARIANTS } from './helpers.js';

/** @import { Engine } from '../../web/index.js' */

const SIZES = {
  vocabSize: 67,
  layers: 2,
  dModel: 48,
  heads: 3,
  dHead: 16,
  dInner: 96,
  experts: 6,
  topK: 2,
  contextLength: 32,
  memoryLength: 32,
  batchSize: 12,
  dropout: 0.1,
  attentionDropout: 0.1,
  seed: 3,
};

/** @param {number} count @param {number} limit @param {number} seed */
function tokens(count, limit, seed) {
  let state = seed;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  });
}

/**
 * Trains, evaluates and generates; a hash of all that came out.
 * @param {Engine} engine
 * @param {'hyperrouter' | 'smoe' | 'smoe-dropout' | 'dense'} router
 */
function run(engine, router) {
  const model = engine.createLanguageModel({ ...SIZES, router });
  const count = SIZES.batchSize * SIZES.contextLength;
  const hash = createHash('sha256');
  for (let step = 1; step <= 4; step++) {
    const segment = {
      inputs: tokens(count, SIZES.vocabSize, step),
      targets: tokens(count, SIZES.vocabSize, step + 50),
      length: SIZES.contextLength,
    };
    const { loss, gradNorm } = model.trainStep({ ...segment, learningRate: 1e-2, clip: 0.5 });
    hash.update(`${loss} ${gradNorm} ${model.evaluate(segment).loss}`);
  }
  for (const { data } of model.parameters()) hash.update(new Uint8Array(data.buffer));
  for (const { token } of model.generate([1, 2, 3], { maxTokens: 20 })) hash.update(`${token} `);
  model.dispose();
  return hash.digest('hex');
}

for (const { variant, skip } of VARIANTS) {
  describe(`threads, ${variant}`, { skip }, () => {
    it('compute the same bits as one thread does', async () => {
      const engines = await Promise.all([1, 2, 3].map((threads) => load({ variant, threads })));
      for (const router of /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout', 'dense'])) {
        const [alone, ...shared] = engines.map((engine) => run(engine, router));
        for (const bits of shared) assert.equal(bits, alone, router);
      }
      for (const engine of engines) engine.dispose();
    });

    it('info has their number and the reason for it', async () => {
      const [one, two, auto] = await Promise.all([
        load({ variant }),
        load({ variant, threads: 2 }),
        load({ variant, threads: 'auto' }),
      ]);
      assert.equal(one.info.threads, 1);
      assert.match(one.info.threadsReason, /one thread/);
      assert.equal(two.info.threads, 2);
      assert.match(two.info.threadsReason, /2 threads/);
      assert.ok(auto.info.threads >= 1 && auto.info.threads <= 8);
      assert.match(auto.info.threadsReason, /cores/);
      for (const engine of [one, two, auto]) engine.dispose();
    });

    it('work for two engines side by side, and end with them', async () => {
      const first = await load({ variant, threads: 2 });
      const second = await load({ variant, threads: 2 });
      const expected = run(first, 'smoe');
      assert.equal(run(second, 'smoe'), expected);
      first.dispose();
      first.dispose();
      assert.throws(() => first.createLanguageModel(SIZES), DisposedError);
      assert.equal(run(second, 'smoe'), expected);
      second.dispose();
    });

    it('refuse a module that is not made for them', async () => {
      const plain = readFileSync(new URL(`../../web/hyperrouter.${variant}.wasm`, import.meta.url));
      const shared = readFileSync(new URL(`../../web/hyperrouter.${variant}.threads.wasm`, import.meta.url));
      await assert.rejects(load({ variant, threads: 2, wasm: plain }), {
        name: 'EngineError',
        message: /\.threads\.wasm/,
      });
      await assert.rejects(load({ variant, threads: 1, wasm: shared }), {
        name: 'EngineError',
        message: /one thread/,
      });
      const engine = await load({ variant, threads: 2, wasm: shared });
      assert.equal(engine.info.threads, 2);
      engine.dispose();
    });
  });
}

describe('threads', () => {
  it('are refused where their number makes no sense', async () => {
    for (const threads of [0, -1, 1.5, 65, Number.NaN, '2', null]) {
      // @ts-expect-error what it may not be
      await assert.rejects(load({ threads }), {
        name: 'RangeError',
        message: /^threads must be "auto" or an integer/,
      });
    }
  });

  it('import their memory and nothing else', () => {
    for (const variant of ['simd', 'relaxed-simd']) {
      const bytes = readFileSync(new URL(`../../web/hyperrouter.${variant}.threads.wasm`, import.meta.url));
      let module;
      try {
        module = new WebAssembly.Module(bytes);
      } catch {
        continue; // relaxed SIMD is not known here
      }
      assert.deepEqual(WebAssembly.Module.imports(module), [
        { module: 'env', name: 'memory', kind: 'memory' },
      ]);
    }
  });

  it('do not keep a process alive', () => {
    const script = `
      import { load } from ${JSON.stringify(new URL('../../web/index.js', import.meta.url).href)};
      const engine = await load({ variant: 'simd', threads: 3 });
      console.log(engine.info.threads);`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    assert.equal(stdout.trim(), '3');
    assert.equal(status, 0);
  });

  it('are refused, or left out, where memory cannot be shared', async () => {
    const original = Object.getOwnPropertyDescriptor(globalThis, 'crossOriginIsolated');
    Object.defineProperty(globalThis, 'crossOriginIsolated', { value: false, configurable: true });
    try {
      await assert.rejects(load({ variant: 'simd', threads: 2 }), (error) => {
        assert.ok(error instanceof EngineError);
        assert.match(error.message, /cross-origin isolated/);
        return true;
      });
      const engine = await load({ variant: 'simd', threads: 'auto' });
      assert.equal(engine.info.threads, 1);
      assert.match(engine.info.threadsReason, /cross-origin isolated/);
      engine.dispose();
    } finally {
      if (original) Object.defineProperty(globalThis, 'crossOriginIsolated', original);
      else Reflect.deleteProperty(globalThis, 'crossOriginIsolated');
    }
  });
});
