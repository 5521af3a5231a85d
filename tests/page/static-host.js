/**
 * The page on a static host, and what its service worker does there.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { typeOf } from '../static-server.js';
import { small, visit } from './browser.js';

/**
 * @typedef {import('./browser.js').Site} Site
 * @typedef {Awaited<ReturnType<typeof staticHost>>} Host
 * @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} Rule
 */

/**
 * The files of the built page on a host of their own, which may do wrong.
 *
 * @param {string} folder of the built page
 * @param {Record<string, Rule>} [rules] by path: what is answered instead of the file
 */
export async function staticHost(folder, rules = {}) {
  /** @type {Map<string, Rule>} */
  const wrong = new Map(Object.entries(rules));
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname.slice('/folder/'.length);
    const rule = wrong.get(path);
    if (rule) return rule(request, response);
    try {
      const bytes = await readFile(join(folder, path || 'index.html'));
      const type = typeOf(path || 'index.html');
      const headers = { 'Content-Type': type, 'Cache-Control': 'no-cache' };
      const [, from, to] = request.headers.range?.match(/^bytes=(\d+)-(\d+)$/) ?? [];
      if (!from) return response.writeHead(200, headers).end(bytes);
      const range = { 'Content-Range': `bytes ${from}-${to}/${bytes.length}` };
      response.writeHead(206, { ...headers, ...range }).end(bytes.subarray(Number(from), Number(to) + 1));
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<p>No such file');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    wrong,
    url: `http://127.0.0.1:${port}/folder/`,
    /** As if the network were gone. */
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * The page where only the service worker keeps files.
 *
 * @param {Site} site
 * @param {Host} host
 * @param {string} [hash]
 */
export const visitHost = (site, host, hash) =>
  visit({ ...site, url: host.url }, hash, { serviceWorkers: 'allow' });

/** @param {import('playwright-core').Page} page */
export const untilKept = (page) => page.getByText('Available offline.').waitFor();

/**
 * Trains with one thread at the first load, and with several from the second one on: the same bits.
 *
 * @param {Site} site
 * @param {Host} host
 */
export async function trainTwice(site, host) {
  const at = await visitHost(site, host);
  const { page } = at;
  const said = page.locator('#threads');
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  const many = cores > 1 ? /Training uses \d+ threads\./ : /Training uses one thread: there is one core/;
  await said.getByText('Training uses one thread').waitFor();
  await at.train(30);
  const one = await at.record();
  assert.equal(one.engine.threads, 1);
  await untilKept(page);
  // In the page, whose foot moves while figures above it are drawn: a press from here may land beside the button.
  const reloadFor = (/** @type {string} */ use) =>
    said
      .getByRole('button', { name: `Reload to use ${use}` })
      .evaluate((/** @type {HTMLButtonElement} */ button) => void setTimeout(() => button.click()));
  await reloadFor('several threads');
  await said.getByText(many).waitFor();
  assert.ok(await page.evaluate(() => typeof SharedArrayBuffer === 'function'));
  await at.button('Start').and(page.locator(':enabled')).waitFor();
  await at.train(30);
  const several = await at.record();
  assert.equal(several.engine.threads > 1, cores > 1);
  const length = Math.min(one.runs[0].losses.train.length, several.runs[0].losses.train.length);
  assert.ok(length >= 30);
  assert.deepEqual(several.runs[0].losses.train.slice(0, length), one.runs[0].losses.train.slice(0, length));
  assert.deepEqual(at.complaints, []);
  return { ...at, said, many, reloadFor };
}

/**
 * Visits the whole page with and then without a network.
 *
 * @param {Site} site
 * @param {Host} host whose network goes
 */
export async function useWithoutNetwork(site, host) {
  const at = await visitHost(site, host, '');
  await untilKept(at.page);
  await host.close();
  await assert.rejects(at.page.evaluate((url) => fetch(`${url}?other`).then(String), host.url));
  await at.page.goto(`${host.url}#${small}`);
  await at.page.reload();
  await at.train(20);
  const { runs } = await at.record();
  assert.ok(runs[0].losses.train.length >= 20);
  for (const link of await at.page.getByRole('navigation', { name: 'Rooms' }).getByRole('link').all()) {
    await link.click();
    const ready = at.page.getByRole('button', { name: 'Start' }).and(at.page.locator(':enabled'));
    await ready.waitFor().catch(async (error) => {
      const shown = await at.page.locator('#app').innerText();
      const name = at.page.context().browser()?.browserType().name();
      const workers = at.page.workers().map((worker) => worker.url());
      const about = [at.page.url(), shown.slice(0, 600), ...workers, ...at.complaints].join(' | ');
      throw new Error(`the room does not come in ${name}: ${about}`, { cause: error });
    });
    assert.equal(await at.page.getByText('could not be loaded').count(), 0);
  }
  assert.deepEqual(
    at.complaints.filter((text) => !/sw\.js|ServiceWorker|Failed to load resource|fetch/i.test(text)),
    [],
  );
}
