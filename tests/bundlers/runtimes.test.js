import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { findTool } from '../../wasm/toolchain.js';
import { assertRan, HERE, installPacked, ROOT, remove, run } from './support.js';

/**
 * A program of a package of one platform.
 * @param {string} name
 * @param {string[]} folders
 */
function program(name, folders) {
  return findTool(
    name,
    folders.map((folder) => join(HERE, 'node_modules', folder)),
  );
}

const RUNTIMES = [
  { name: `Node ${process.versions.node}`, command: process.execPath, args: [] },
  {
    name: 'current Node',
    command: findTool('node', [join(ROOT, 'tests', 'current-node', 'node_modules', '.bin')]),
    args: [],
  },
  {
    name: 'Deno',
    command: program('deno', ['@deno/linux-x64-glibc', '@deno/linux-arm64-glibc']),
    args: ['run', '--allow-all', '--no-remote', '--quiet'],
  },
  {
    name: 'Bun',
    command: program('bun', ['@oven/bun-linux-x64/bin', '@oven/bun-linux-aarch64/bin']),
    args: ['run'],
  },
];

/** Bytes of all JavaScript of the package, compressed; bundlers leave out the metrics that a page does not use. */
const BUDGET = 42.5 * 1024;

describe('the packed package without a page', () => {
  /** @type {string} */
  let folder;
  /** @type {string} */
  let tarball;
  /** @type {{ files: { path: string, size: number }[] }} */
  let packed;
  /** @type {unknown} */
  let first;

  before(async () => {
    ({ folder, tarball, packed } = await installPacked());
    await copyFile(join(HERE, 'program.mjs'), join(folder, 'program.mjs'));
  });
  after(() => remove(folder));

  for (const { name, command, args } of RUNTIMES) {
    it(`runs in ${name}, with the same bits`, { skip: command ? false : 'not there' }, async () => {
      const output = await run(/** @type {string} */ (command), [...args, 'program.mjs'], { cwd: folder });
      const outcome = JSON.parse(output);
      assertRan(outcome);
      first ??= outcome.result.here;
      assert.deepEqual(outcome.result.here, first);
    });
  }

  it('runs in a CommonJS bundle, which says what is missing', async () => {
    const options = /** @type {const} */ ({
      ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', outExtension: { '.js': '.cjs' } },
      ...{ absWorkingDir: folder, outdir: join(folder, 'cjs'), loader: { '.wasm': 'binary' } },
      ...{ logOverride: { 'empty-import-meta': 'silent' }, logLevel: 'error' },
    });
    await writeFile(
      join(folder, 'bundled.js'),
      `import { join } from 'node:path';
      import { Worker } from 'node:worker_threads';
      import { load } from 'hyperrouter-wasm';
      import threaded from 'hyperrouter-wasm/hyperrouter.simd.threads.wasm';
      import wasm from 'hyperrouter-wasm/hyperrouter.simd.wasm';
      import { load as loadWorker } from 'hyperrouter-wasm/worker';
      import { tryPackage } from './app.js';
      const script = (name) => new Worker(join(__dirname, name));
      async function run() {
        for (const call of [() => load(), () => loadWorker(), () => load({ wasm: threaded, threads: 2 })])
          console.log(await call().catch(({ name, message }) => name + ': ' + message));
        const engine = await load({ wasm: threaded, threads: 2, createThread: () => script('thread.cjs') });
        console.log(engine.info.threads);
        engine.dispose();
        const result = await tryPackage({ wasm, worker: script('host.cjs') });
        console.log(JSON.stringify({ result }));
      }
      run();`,
    );
    const scripts = { host: 'hyperrouter-wasm/worker-script', thread: 'hyperrouter-wasm/thread' };
    await build({ ...options, entryPoints: { main: './bundled.js', ...scripts } });
    const output = await run(process.execPath, [join('cjs', 'main.cjs')], { cwd: folder });
    const [engine, worker, thread, threads, outcome] = output.split('\n');
    assert.match(engine, /^EngineError: the \.wasm file cannot be found .*: pass load\(\{ wasm \}\) with/);
    assert.match(worker, /^EngineError: .* pass load\(\{ worker, wasm \}\)$/);
    assert.match(thread, /^EngineError: .* pass load\(\{ createThread, wasm \}\), or threads: 1$/);
    assert.equal(threads, '2');
    assertRan(JSON.parse(outcome));
  });

  it('brings its command', async () => {
    const output = await run('npx', ['--no', 'hyperrouter-wasm', '--version'], { cwd: folder });
    assert.match(output, /^\d+\.\d+\.\d+/);
  });

  it('holds what is needed and nothing else', () => {
    const allowed =
      /^(package\.json|LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md|demo\/guides\/[\w-]+\.md|demo\/examples\/(pytorch\/)?[\w-]+\.\w+|web\/([\w.-]+\/)*[\w.-]+\.(js|d\.ts|wasm))$/;
    const paths = packed.files.map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => !allowed.test(path)),
      [],
    );
    for (const path of [
      'web/index.js',
      'web/worker.js',
      'web/worker/host.js',
      'web/types/worker.d.ts',
      'LICENSE',
    ]) {
      assert.ok(paths.includes(path), `${path} is missing`);
    }
  });

  it('has documents whose links lead to files that it holds', async () => {
    const paths = packed.files.map(({ path }) => path);
    let count = 0;
    for (const path of paths.filter((name) => name.endsWith('.md'))) {
      const text = await readFile(join(folder, 'node_modules', 'hyperrouter-wasm', path), 'utf8');
      // Pictures are left out: they are for the pages that show the repository.
      for (const [, link] of text.matchAll(/(?<!!)\[[^\]]*\]\((?!https?:)([^)#]+)/g)) {
        const target = new URL(link, `file:///${path}`).pathname.slice(1);
        assert.ok(paths.includes(target), `${path}: ${link}`);
        count++;
      }
    }
    assert.ok(count > 20);
  });

  it('publint finds nothing to say', async () => {
    const { publint } = await import('publint');
    const { messages } = await publint({ pkgDir: join(folder, 'node_modules', 'hyperrouter-wasm') });
    assert.deepEqual(messages, []);
  });

  it('its types are found wherever modules are (arethetypeswrong)', async () => {
    const attw = join(HERE, 'node_modules', '.bin', 'attw');
    const wasm = packed.files.map(({ path }) => path).filter((path) => path.endsWith('.wasm'));
    await run(attw, [
      tarball,
      ...['--profile', 'esm-only', '--no-color', '--exclude-entrypoints'],
      ...wasm.map((path) => path.replace('web/', './')),
    ]);
  });

  it('is small', async (test) => {
    const sizeOf = async (/** @type {string} */ contents) => {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: folder },
        ...{ bundle: true, minify: true, format: 'esm', write: false, logLevel: 'silent' },
      });
      const code = outputFiles[0].contents;
      return { brotli: brotliCompressSync(code).length, gzip: gzipSync(code, { level: 9 }).length };
    };
    const sizes = {
      'the engine (hyperrouter-wasm)': await sizeOf("export * from 'hyperrouter-wasm'"),
      'the page (hyperrouter-wasm/worker)': await sizeOf("export * from 'hyperrouter-wasm/worker'"),
      'its worker (hyperrouter-wasm/worker-script)': await sizeOf("import 'hyperrouter-wasm/worker-script'"),
      // Without the command line, which no page loads.
      all: await sizeOf(`
        export * from 'hyperrouter-wasm';
        export { load as loadWorker, Engine as Engine2, LanguageModel as Model2, Classifier as Classifier2 } from 'hyperrouter-wasm/worker';
        import 'hyperrouter-wasm/worker-script';
        import 'hyperrouter-wasm/thread';
      `),
    };
    for (const [name, { brotli, gzip }] of Object.entries(sizes)) {
      test.diagnostic(`${name}: minified, ${brotli} bytes of brotli, ${gzip} of gzip`);
    }
    for (const { path, size } of packed.files)
      if (path.endsWith('.wasm')) test.diagnostic(`${path}: ${size} bytes`);
    for (const [compression, size] of Object.entries(sizes.all)) {
      assert.ok(size <= BUDGET, `all JavaScript is ${size} bytes of ${compression}; the budget is ${BUDGET}`);
    }
  });
});
