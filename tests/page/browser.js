import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import { launchChromium } from '../chromium.js';

const demo = fileURLToPath(new URL('../../demo/', import.meta.url));

/** The page trains a model of this size in a few milliseconds a step. */
export const small =
  'room=text&layers=2&dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=4&contextLength=32';

/**
 * The built page on a server, and a Chromium. The page lies in a folder of the server, as on a static host.
 */
export async function open() {
  const outDir = await mkdtemp(join(tmpdir(), 'hyperrouter-page-'));
  const configFile = join(demo, 'vite.config.js');
  await build({ configFile, logLevel: 'warn', build: { outDir: join(outDir, 'some', 'folder') } });
  const server = await preview({
    configFile: false,
    root: demo,
    logLevel: 'warn',
    // Files only, as a static host has them; a page for what does not exist would hide wrong addresses.
    appType: 'mpa',
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1' },
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.httpServer.address());
  const url = `http://127.0.0.1:${address.port}/some/folder/`;
  const browser = await launchChromium();
  return {
    url,
    browser,
    /** Closes all pages, also those that a failed test left behind. */
    async clear() {
      for (const context of browser.contexts()) await context.close();
    },
    async close() {
      await browser.close();
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof open>>} Site */

/**
 * A fresh page, ready to train. What it complains of is collected.
 *
 * @param {Site} site
 * @param {string} [hash] settings
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function visit(site, hash = small, options = {}) {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  /** @type {string[]} */
  const complaints = [];
  /** @type {string[]} */
  const requests = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(`${site.url}${hash ? `#${hash}` : ''}`);
  await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
  return { page, complaints, requests, ...handles(page) };
}

/** @typedef {Awaited<ReturnType<typeof visit>>} Visit */

/** @param {import('playwright-core').Page} page */
function handles(page) {
  const fact = (/** @type {string} */ name) =>
    page.locator('.facts-row > div').filter({ hasText: name }).locator('dd');
  const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
  const step = async () => Number((await fact('Step').innerText()).replaceAll(',', ''));
  /** @param {number} target */
  async function untilStep(target) {
    await page.waitForFunction(
      (least) => Number(document.querySelector('.facts-row dd')?.textContent?.replaceAll(',', '')) >= least,
      target,
      { timeout: 30_000 },
    );
    return step();
  }
  return {
    fact,
    button,
    step,
    notices: page.locator('.notice'),
    heldOut: async () => Number(await fact('Held-out').innerText()),
    untilStep,
    /** Trains to a step or somewhat beyond, and pauses. @param {number} target */
    async train(target) {
      await button('Start').click();
      await untilStep(target);
      await button('Pause').click();
      await button('Start').waitFor();
      return step();
    },
    /** The experts of the probe, as the letters under its characters. */
    letters: () =>
      page
        .locator('#probe .cell')
        .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-expert') ?? '')),
    /** What the readout of a text says. @param {string} id */
    readout: (id = 'probe') => page.locator(`#${id}-readout`).evaluate(readReadout),
  };
}

/** @param {Element} readout */
function readReadout(readout) {
  const numbers = (/** @type {string} */ row) =>
    [...readout.querySelectorAll(`.readout-experts tbody tr:nth-child(${row}) td`)].map(({ textContent }) =>
      textContent ? Number(textContent) : null,
    );
  return {
    character: readout.querySelector('strong')?.textContent,
    place: readout.querySelector('.readout-place')?.textContent,
    chosen: [...readout.querySelectorAll('.is-chosen .chip')].map(({ textContent }) => textContent),
    probabilities: numbers('1'),
    weights: numbers('2'),
    next: readout.querySelectorAll('.readout-next li').length,
  };
}
