import assert from 'node:assert/strict';
import { copyFile, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import * as vite from 'vite';
import webpack from 'webpack';
import { newPage, openChromium } from '../chromium.js';
import { assertRan, installPacked, outcomeOf, remove, serve, writePage } from './support.js';

const ISOLATED = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};
const STRICT = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; img-src data:",
};

describe('the packed package in a page', () => {
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {string} */
  let folder;
  /** @type {string} of the installed package */
  let web;

  before(async () => {
    [browser, { folder }] = await Promise.all([openChromium(), installPacked()]);
    web = join(folder, 'node_modules', 'hyperrouter-wasm', 'web');
  });
  after(async () => {
    await browser.close();
    await remove(folder);
  });

  /**
   * @param {string} root
   * @param {{ headers?: Record<string, string>, path?: string }} [options]
   */
  async function outcomeIn(root, { headers, path = '/index.html' } = {}) {
    const server = await serve(root, headers);
    try {
      return await outcomeOf(browser, `${server.url}${path}`);
    } finally {
      server.close();
    }
  }

  describe('without a bundler', () => {
    before(async () => {
      const app = await readFile(join(folder, 'app.js'), 'utf8');
      const plain = app
        .replace("'hyperrouter-wasm'", "'/node_modules/hyperrouter-wasm/web/index.js'")
        .replace("'hyperrouter-wasm/worker'", "'/node_modules/hyperrouter-wasm/web/worker.js'");
      await cp(join(folder, 'node_modules'), join(folder, 'plain', 'node_modules'), { recursive: true });
      await writePage(join(folder, 'plain'), 'index.html', './page.js');
      await writeFile(join(folder, 'plain', 'app.js'), plain);
      await copyFile(join(folder, 'page.js'), join(folder, 'plain', 'page.js'));
    });

    it('runs from a static server', async () => {
      const outcome = await outcomeIn(join(folder, 'plain'));
      assertRan(outcome);
      assert.equal(outcome.isolated, false);
    });

    it('runs with one thread where memory cannot be shared', async () => {
      const outcome = await outcomeIn(join(folder, 'plain'), { path: '/index.html?threads=auto' });
      assertRan(outcome);
      assert.equal(outcome.result.threads, 1);
    });

    it('runs in a page that is cross-origin isolated, with threads', async () => {
      const outcome = await outcomeIn(join(folder, 'plain'), {
        headers: ISOLATED,
        path: '/index.html?threads=2',
      });
      assertRan(outcome);
      assert.equal(outcome.isolated, true);
      assert.equal(outcome.result.threads, 2);
    });

    it('says so if a thread cannot start', async () => {
      const plain = join(folder, 'plain');
      const fails = "WebAssembly.instantiate = async () => { throw new Error('no memory is left'); };";
      await writeFile(join(plain, 'fails.js'), fails);
      const thread = "import './fails.js'; import './node_modules/hyperrouter-wasm/web/thread.js';";
      await writeFile(join(plain, 'thread.js'), thread);
      const server = await serve(plain, ISOLATED);
      const page = await newPage(browser);
      try {
        await page.goto(`${server.url}/index.html`);
        const error = await page.evaluate(async () => {
          const { load } = await import(`${location.origin}/node_modules/hyperrouter-wasm/web/index.js`);
          const createThread = () => new Worker('thread.js', { type: 'module' });
          return load({ threads: 2, createThread }).then(
            String,
            (/** @type {Error} */ reason) => `${reason}: ${reason.cause}`,
          );
        });
        assert.match(error, /^EngineError: a thread cannot be started: .*no memory is left/);
      } finally {
        await page.close();
        server.close();
      }
    });

    it('runs under a strict Content-Security-Policy', async () => {
      assertRan(await outcomeIn(join(folder, 'plain'), { headers: STRICT }));
    });

    it('says what is wrong where WebAssembly is forbidden', async () => {
      const headers = {
        'content-security-policy': STRICT['content-security-policy'].replace("'wasm-unsafe-eval'", ''),
      };
      const { error } = await outcomeIn(join(folder, 'plain'), { headers });
      assert.match(error, /^EngineError: .*Content.Security.Policy/);
    });
  });

  it('runs from another origin, without a bundler', async () => {
    const elsewhere = await serve(web, {
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    });
    try {
      const root = join(folder, 'elsewhere');
      await writePage(root, 'index.html', './page.js');
      const app = await readFile(join(folder, 'app.js'), 'utf8');
      const plain = app
        .replace("'hyperrouter-wasm'", `'${elsewhere.url}/index.js'`)
        .replace("'hyperrouter-wasm/worker'", `'${elsewhere.url}/worker.js'`);
      await writeFile(join(root, 'app.js'), plain);
      await copyFile(join(folder, 'page.js'), join(root, 'page.js'));
      assertRan(await outcomeIn(root));
      const threaded = await outcomeIn(root, { headers: ISOLATED, path: '/index.html?threads=2' });
      assertRan(threaded);
      assert.equal(threaded.result.threads, 2);
    } finally {
      elsewhere.close();
    }
  });

  describe('Vite', () => {
    const config = /** @type {import('vite').InlineConfig} */ ({ configFile: false, logLevel: 'error' });
    // Up to version 7, its pre-bundling moved scripts away from the files that they refer to.
    const exclude = ['hyperrouter-wasm'];

    before(() => writePage(folder, 'index.html', '/page.js'));

    for (const [name, optimizeDeps] of /** @type {const} */ ([
      ['without configuration', { exclude: [] }],
      ['without pre-bundling it', { exclude }],
    ])) {
      it(`serves it in development ${name}`, async () => {
        const server = await vite.createServer({
          ...config,
          optimizeDeps,
          root: folder,
          cacheDir: join(folder, `.vite-${optimizeDeps.exclude.length}`),
          server: { port: 0, host: '127.0.0.1', watch: null },
        });
        await server.listen();
        try {
          assertRan(await outcomeOf(browser, server.resolvedUrls?.local[0] ?? ''));
        } finally {
          await server.close();
        }
      });
    }

    it('builds it', async () => {
      const outDir = join(folder, 'vite');
      await vite.build({ ...config, root: folder, build: { outDir } });
      assertRan(await outcomeIn(outDir));
    });
  });

  it('webpack builds it', async () => {
    const path = join(folder, 'webpack');
    /** @type {import('webpack').Stats | undefined} */
    const stats = await new Promise((resolve, reject) => {
      webpack(
        { mode: 'production', context: folder, entry: './page.js', output: { path, filename: 'main.js' } },
        (error, result) => (error ? reject(error) : resolve(result)),
      );
    });
    assert.equal(stats?.hasErrors(), false, stats?.toString());
    await writePage(path, 'index.html', './main.js');
    assertRan(await outcomeIn(path));
  });

  /** esbuild and Rollup leave `new URL(…, import.meta.url)` as it is: the files go where it points. @param {string} to */
  async function copyWasm(to) {
    for (const name of await readdir(web)) {
      if (!name.endsWith('.wasm')) continue;
      await copyFile(join(web, name), join(to, name));
      await copyFile(join(web, name), join(to, 'worker', name));
    }
  }

  it('esbuild builds it', async () => {
    const outdir = join(folder, 'esbuild');
    await esbuild.build({
      absWorkingDir: folder,
      entryPoints: {
        page: './page.js',
        'worker/host': 'hyperrouter-wasm/worker-script',
        'worker/thread': 'hyperrouter-wasm/thread',
      },
      bundle: true,
      minify: true,
      format: 'esm',
      outdir,
      logLevel: 'silent',
    });
    await copyWasm(outdir);
    await writePage(outdir, 'index.html', './page.js');
    assertRan(await outcomeIn(outdir));
    const threaded = await outcomeIn(outdir, { headers: ISOLATED, path: '/index.html?threads=2' });
    assertRan(threaded);
    assert.equal(threaded.result.threads, 2);
  });

  it('esbuild builds it as a script that is no module', async () => {
    const outdir = join(folder, 'script');
    const options = /** @type {import('esbuild').BuildOptions} */ ({
      ...{ absWorkingDir: folder, bundle: true, format: 'iife', outdir },
      // What is missing in such a script is passed to load.
      ...{ logOverride: { 'empty-import-meta': 'silent' }, logLevel: 'error' },
    });
    await writeFile(
      join(folder, 'script.js'),
      `import { tryPackage } from './app.js';
      const given = location.search ? {} : { wasm: './hyperrouter.simd.wasm', worker: './worker/host.js' };
      const report = (outcome) => (document.body.dataset.outcome = JSON.stringify(outcome));
      tryPackage(given).then((result) => report({ result }), ({ name, message }) => report({ error: name + ': ' + message }));`,
    );
    const entryPoints = { script: './script.js', 'worker/host': 'hyperrouter-wasm/worker-script' };
    await esbuild.build({ ...options, entryPoints });
    await copyFile(join(web, 'hyperrouter.simd.wasm'), join(outdir, 'hyperrouter.simd.wasm'));
    await writePage(outdir, 'index.html', './script.js');
    const page = join(outdir, 'index.html');
    await writeFile(page, (await readFile(page, 'utf8')).replace('type="module"', ''));
    assertRan(await outcomeIn(outdir));
    const { error } = await outcomeIn(outdir, { path: '/index.html?alone' });
    assert.match(
      error,
      /^EngineError: .*: pass load\(\{ wasm \}\) with its URL, its bytes or a compiled module$/,
    );
  });

  it('Rollup builds it', async () => {
    const dir = join(folder, 'rollup');
    // One by one: code that they share would move into a chunk of its own, away from the files that it refers to.
    for (const [input, file] of [
      ['./page.js', 'page.js'],
      ['hyperrouter-wasm/worker-script', 'worker/host.js'],
      ['hyperrouter-wasm/thread', 'worker/thread.js'],
    ]) {
      const bundle = await rollup({
        input: input.startsWith('.') ? join(folder, input) : input,
        plugins: [nodeResolve({ browser: true, rootDir: folder })],
        onwarn: (warning) => assert.fail(warning.message),
      });
      await bundle.write({ file: join(dir, file), format: 'es' });
      await bundle.close();
    }
    await copyWasm(dir);
    await writePage(dir, 'index.html', './page.js');
    assertRan(await outcomeIn(dir));
  });
});
