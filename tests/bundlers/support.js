/** What the tests with the packed package share: the package installed in a folder, servers, and Chromium. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { newPage } from '../chromium.js';
import { serveFolder } from '../static-server.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const HERE = fileURLToPath(new URL('.', import.meta.url));

const execute = promisify(execFile);

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileOptions} [options]
 * @returns {Promise<string>} what it printed
 */
export async function run(command, args, options = {}) {
  try {
    // What hangs is ended: nothing here takes that long on any machine.
    const limits = { maxBuffer: 2 ** 26, timeout: 900_000 };
    return String((await execute(command, args, { cwd: ROOT, ...limits, ...options })).stdout);
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error });
  }
}

/**
 * Packs the package and installs it in a folder, as its users do.
 * @param {string} folder
 */
export async function pack(folder) {
  await mkdir(folder, { recursive: true });
  // What prepack would build is built already (tests/run.js), and only once.
  const said = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]);
  const [packed] = /** @type {any[]} */ (Object.values(JSON.parse(said)));
  await writeFile(join(folder, 'packed.json'), JSON.stringify(packed));
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const options = ['--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...options, join(folder, packed.filename)], { cwd: folder });
  for (const name of ['app.js', 'page.js']) await copyFile(join(HERE, name), join(folder, name));
}

/**
 * The packed package, installed in a new folder: a copy of what tests/run.js has packed, or packed here.
 * @returns {Promise<{ folder: string, tarball: string, packed: { files: { path: string, size: number }[] } }>}
 */
export async function installPacked() {
  const folder = await mkdtemp(join(tmpdir(), 'hyperrouter-packed-'));
  const { HR_TEST_PACKED } = process.env;
  if (HR_TEST_PACKED) await cp(HR_TEST_PACKED, folder, { recursive: true, verbatimSymlinks: true });
  else await pack(folder);
  const packed = JSON.parse(await readFile(join(folder, 'packed.json'), 'utf8'));
  return { folder, tarball: join(folder, packed.filename), packed };
}

/** @param {string} folder */
export async function remove(folder) {
  await rm(folder, { recursive: true, maxRetries: 3 });
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {string} script address of its module
 */
export async function writePage(folder, name, script) {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, name),
    `<!doctype html><html lang="en"><title>Test</title><link rel="icon" href="data:,"><body><script type="module" src="${script}"></script></body></html>`,
  );
}

/**
 * A static server that knows nothing of the package.
 * @param {string} folder
 * @param {Record<string, string>} [headers] of every answer
 */
export const serve = (folder, headers = {}) => serveFolder(folder, () => headers);

/**
 * Opens a page and returns what `page.js` reports, with everything that the page complained of.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
export async function outcomeOf(browser, url) {
  const context = await browser.newContext();
  const page = await newPage(context);
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  try {
    await page.goto(url);
    const body = page.locator('body[data-outcome]');
    await body.waitFor({ state: 'attached' }).catch((error) => {
      throw new Error(`the page reported nothing: ${complaints.join('\n')}`, { cause: error });
    });
    return { ...JSON.parse(/** @type {string} */ (await body.getAttribute('data-outcome'))), complaints };
  } finally {
    await context.close();
  }
}

/**
 * The engine ran on both sides, and computed the same bits.
 * @param {any} outcome
 * @param {{ quiet?: boolean }} [options] quiet: the page complained of nothing
 */
export function assertRan({ result, error, complaints = [] }, { quiet = true } = {}) {
  assert.equal(error, undefined, `${error}\n${complaints.join('\n')}`);
  assert.equal(result.here.losses.length >= 4, true);
  assert.deepEqual(result.there, result.here);
  assert.ok(result.here.losses.every(Number.isFinite));
  if (quiet) assert.deepEqual(complaints, []);
}
