/** A model without references that was not disposed: it is freed, and a developer is warned. */
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
 * @param {{ ending: string, env?: Record<string, string> }} options ending: the last statement about a model
 */
async function dropModels(entry, { ending, env }) {
  const program = `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { load } from './web/${entry}.js';
    const engine = await load();
    const config = { vocabSize: 5000, layers: 1 };
    async function use() {
      const model = await engine.createLanguageModel(config);
      await model.evaluate({ inputs: new Int32Array(4), targets: new Int32Array(4), length: 4 });
      ${ending};
    }
    for (let i = 0; i < ${MODELS}; i++) await use();
    const held = engine.memoryBytes;
    for (let i = 0; i < 20; i++) {
      globalThis.gc();
      await sleep(10);
    }
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
      const kept = await dropModels(entry, { ending: '(globalThis.kept ??= []).push(model)' });
      assert.deepEqual(kept, { freed: false, warnings: [] });
    });
  });
}
