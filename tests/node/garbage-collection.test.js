/** A model or an engine without references that was not disposed: it is freed, and a developer is warned. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODELS = 4;

/**
 * Runs a separate program that collects garbage until the models without references are freed.
 * @param {'index' | 'worker'} entry of the package
 * @param {object} options
 * @param {string} options.ending the last statement about a model
 * @param {number} [options.patience] how often garbage is collected while models are still there
 * @param {Record<string, string>} [options.env]
 */
async function dropModels(entry, { ending, patience = 3000, env }) {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { load } from './web/${entry}.js';
    const engine = await load();
    const config = { vocabSize: 5000, layers: 1 };
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    // All at once: one that is freed before the last is created would leave its memory to that one.
    async function use() {
      const models = [];
      for (let i = 0; i < ${MODELS}; i++) {
        const model = await engine.createLanguageModel(config);
        await model.evaluate({ inputs: new Int32Array(4), targets: new Int32Array(4), length: 4 });
        models.push(model);
      }
      const held = engine.memoryBytes;
      for (const model of models) {
        ${ending};
        registry.register(model);
      }
      return held;
    }
    const held = await use();
    for (let i = 0; collected < ${MODELS} && i < ${patience}; i++) {
      globalThis.gc();
      await sleep(10);
    }
    // The engine's own callbacks run in the same turn of the event loop, or in the next.
    await sleep(10);
    // The freed memory is enough for as many models again.
    const models = [];
    for (let i = 0; i < ${MODELS}; i++) models.push(await engine.createLanguageModel(config));
    console.log(JSON.stringify({ held, now: engine.memoryBytes }));
    await engine.dispose();
    console.log(models.length);
  `;
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { NODE_ENV: _, ...rest } = process.env;
  const options = { cwd: ROOT, env: { ...rest, ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  const { held, now } = JSON.parse(stdout.split('\n')[0]);
  const warnings = stderr.match(/^hyperrouter-wasm: .*$/gm) ?? [];
  return { freed: now <= held, warnings };
}

for (const entry of /** @type {const} */ (['index', 'worker'])) {
  describe(`garbage-collected models (${entry})`, { concurrency: true }, () => {
    it('are freed, with a warning for each', async () => {
      const { freed, warnings } = await dropModels(entry, { ending: '' });
      assert.ok(freed);
      assert.equal(warnings.length, MODELS);
      assert.match(warnings[0], /a model was garbage-collected without dispose\(\)/);
    });

    it('are freed without a warning in production', async () => {
      const { freed, warnings } = await dropModels(entry, { ending: '', env: { NODE_ENV: 'production' } });
      assert.ok(freed);
      assert.deepEqual(warnings, []);
    });

    it('are not those that were disposed, nor those still referenced', async () => {
      const disposed = await dropModels(entry, { ending: 'await model.dispose()' });
      assert.deepEqual(disposed.warnings, []);
      const kept = await dropModels(entry, { ending: '(globalThis.kept ??= []).push(model)', patience: 20 });
      assert.deepEqual(kept, { freed: false, warnings: [] });
    });
  });
}

describe('garbage-collected engines', { concurrency: true }, () => {
  for (const [entry, options, what] of /** @type {const} */ ([
    ['worker', '{}', 'an engine in a worker'],
    ['index', '{ threads: 2 }', 'an engine with threads'],
  ])) {
    it(`${entry}: their workers end, unless a model is still referenced`, async () => {
      const program = `
        import { setTimeout as sleep } from 'node:timers/promises';
        import { Worker } from 'node:worker_threads';
        import { load } from './web/${entry}.js';
        let ended = 0;
        const { terminate } = Worker.prototype;
        Worker.prototype.terminate = function () { ended++; return terminate.call(this); };
        const model = await (await load(${options})).createClassifier();
        async function use() {
          const dropped = await (await load(${options})).createClassifier();
          await dropped.predict(new Float32Array(4));
        }
        for (let i = 0; i < 3; i++) await use();
        for (let i = 0; ended < 3 && i < 1000; i++) {
          globalThis.gc();
          await sleep(10);
        }
        await model.predict(new Float32Array(4));
        console.log(ended);
      `;
      const args = ['--expose-gc', '--input-type=module', '--eval', program];
      const { NODE_ENV: _, ...env } = process.env;
      // It ends although one engine was not disposed.
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
      assert.equal(stdout, '3\n');
      assert.equal(stderr.split(`${what} was garbage-collected without dispose()`).length - 1, 3);
    });
  }
});
