import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium, openChromium, patience } from '../chromium.js';
import { launchFirefox } from '../firefox.js';
import { serveFolder } from '../static-server.js';

const demo = fileURLToPath(new URL('../../demo/', import.meta.url));

/** The page trains a model of this size in a few milliseconds per step. */
export const small =
  'room=text&layers=2&dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=4&contextLength=32';

/** The Playground with its defaults; without settings in the address, a run plays at once. */
const still = 'play=0';

/** @typedef {'chromium' | 'firefox'} BrowserName */

/**
 * @typedef {object} StartOptions
 * @property {boolean} [alone] in a Chromium that no other file uses
 * @property {string[]} [args] for the start of a Chromium that is alone
 */

/**
 * The built page on a server. It lies in a folder of the server, as on a static host; its files are this caller's own.
 */
export async function openFolder() {
  const outDir = await mkdtemp(join(tmpdir(), 'hyperrouter-page-'));
  const folder = join(outDir, 'some', 'folder');
  const built = process.env.HR_TEST_PAGE;
  if (built) await cp(built, folder, { recursive: true });
  else {
    const { build } = await import('vite');
    const configFile = join(demo, 'vite.config.js');
    await build({ configFile, logLevel: 'warn', build: { outDir: folder } });
  }
  // Beside the page, of the same origin, and without a picture that a browser would look for.
  await writeFile(
    join(outDir, 'blank.html'),
    '<!doctype html><link rel="icon" href="data:,"><title>Blank</title>',
  );
  const server = await serveFolder(outDir, headersOf);
  return {
    url: `${server.url}/some/folder/`,
    folder,
    async close() {
      await server.close();
      await rm(outDir, { recursive: true });
    },
  };
}

/**
 * The built page on a server, and a browser.
 *
 * @param {BrowserName} [name]
 * @param {StartOptions} [options]
 */
export async function open(name = 'chromium', options = {}) {
  const { url, folder, close } = await openFolder();
  const site = await inBrowser(name, { url, folder }, options);
  return {
    ...site,
    async close() {
      await site.close();
      await close();
    },
  };
}

/**
 * Figures are embedded in pages of other origins. Names of files in assets/ hold their hash: as with a host that knows it,
 * a browser that has one does not ask again. To ask for fifty files costs a quarter of a visit.
 *
 * @param {string} path
 * @returns {Record<string, string>}
 */
const headersOf = (path) => ({
  'Access-Control-Allow-Origin': '*',
  ...(path.includes('/assets/') ? { 'Cache-Control': 'max-age=31536000, immutable' } : {}),
});

/**
 * @param {BrowserName} name
 * @param {{ url: string, folder: string }} page where it is served, and where its files are
 * @param {StartOptions} [options]
 */
async function inBrowser(name, { url, folder }, { alone = false, args } = {}) {
  const downloadsPath = await mkdtemp(join(tmpdir(), 'hyperrouter-downloads-'));
  const browser =
    name === 'firefox'
      ? await launchFirefox({ downloadsPath })
      : await (alone ? launchChromium({ args }) : openChromium());
  const blank = new URL('/blank.html', url).href;
  /** Pages of visits without options of their own: to open one anew costs as much as what the page does itself. */
  const pages = { idle: /** @type {Page[]} */ ([]), used: /** @type {Page[]} */ ([]) };
  return {
    name,
    url,
    folder,
    browser,
    /** Where files that the page saves are put. */
    downloadsPath,
    /** A page that knows nothing of a visit before, in a context of its own. */
    async freshPage() {
      const page = pages.idle.pop() ?? (await (await browser.newContext(usual)).newPage());
      pages.used.push(page);
      if (page.url() !== blank) await page.goto(blank);
      await page.evaluate(forget);
      return page;
    },
    /** Ends all visits, also those that a failed test left behind. */
    async clear() {
      const leave = pages.used
        .splice(0)
        .filter((page) => !page.isClosed() && page.context().pages().length === 1);
      const kept = [...pages.idle, ...leave].map((page) => page.context());
      await Promise.all([
        ...browser.contexts().flatMap((context) => (kept.includes(context) ? [] : context.close())),
        ...leave.map((page) => restore(page, blank)),
      ]);
      pages.idle.push(...leave);
    },
    async close() {
      await browser.close();
      await rm(downloadsPath, { recursive: true, force: true });
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof inBrowser>>} Site */
/** @typedef {import('playwright-core').Page} Page */

/** @type {import('playwright-core').BrowserContextOptions & { viewport: { width: number, height: number } }} */
const usual = {
  viewport: { width: 1440, height: 1000 },
  // What the page keeps for later is no part of most tests, and would be loaded in each.
  serviceWorkers: 'block',
};

/** In the browser, at an address beside the page: takes away what it kept. */
async function forget() {
  localStorage.clear();
  sessionStorage.clear();
  for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name);
}

/** In the browser. */
function openDrawers() {
  // A document without an origin, as before the page, has no storage.
  if (location.protocol.startsWith('http') && !localStorage.getItem('hyperrouter-drawers'))
    localStorage.setItem(
      'hyperrouter-drawers',
      '["data","model","more","files","view","sampling","all-routers"]',
    );
}

/**
 * Nothing of a visit is left: what it trains, what listens to it, how it is shown.
 *
 * @param {Page} page
 * @param {string} blank address of its origin, so that the process of the page and what it has read can stay
 */
async function restore(page, blank) {
  page.removeAllListeners();
  await page.goto(blank);
  await page.emulateMedia({ media: null, colorScheme: null, reducedMotion: null, forcedColors: null });
  await page.setViewportSize(usual.viewport);
}

/**
 * A fresh page, ready to train. What it complains of is collected.
 *
 * @param {Site} site
 * @param {string} [hash] settings
 * @param {import('playwright-core').BrowserContextOptions & { drawers?: boolean, plays?: boolean }} [options] drawers:
 *   whether the settings are open; plays: at the address without settings, where a run plays at once
 */
export async function visit(
  site,
  hash = small,
  { drawers = true, plays = false, viewport, reducedMotion, ...options } = {},
) {
  const own = Object.keys(options).length > 0;
  const page = own
    ? await (await site.browser.newContext({ ...usual, ...options })).newPage()
    : await site.freshPage();
  if (viewport) await page.setViewportSize(viewport);
  if (reducedMotion) await page.emulateMedia({ reducedMotion });
  // As a visitor who has opened all drawers before: what is in them is at hand.
  if (drawers) await (own ? page.addInitScript(openDrawers) : page.evaluate(openDrawers));
  page.setDefaultTimeout(patience);
  /** @type {string[]} */
  const complaints = [];
  /** @type {string[]} */
  const requests = [];
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    // Playwright's own, because of `serviceWorkers: 'block'`.
    if (message.text() !== 'Service Worker registration blocked by Playwright')
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(plays ? site.url : `${site.url}#${hash || still}`);
  const start = page.getByRole('button', { name: plays ? /Start|Pause/ : 'Start' });
  await start.and(page.locator('.start:enabled')).waitFor();
  if (drawers)
    await page.locator('.article-section').evaluateAll((all) => {
      for (const section of all) section.setAttribute('open', '');
    });
  return {
    page,
    complaints,
    requests,
    ...handles(page),
    /** What the page saves. @param {() => Promise<unknown>} act */
    saved: (act) => savedFile(site, page, act),
    /** The run as the page keeps it. */
    async record() {
      const button = page.locator('dialog').getByRole('button', { name: 'Save the run as JSON' });
      await page.getByRole('button', { name: 'Share', exact: true }).click();
      const { name, bytes } = await savedFile(site, page, () => button.click());
      await page.locator('dialog').getByRole('button', { name: 'Close' }).click();
      return { name, ...JSON.parse(bytes.toString()) };
    },
  };
}

/**
 * @param {Site} site
 * @param {import('playwright-core').Page} page
 * @param {() => Promise<unknown>} act
 * @returns {Promise<{ name: string, bytes: Buffer }>}
 */
async function savedFile(site, page, act) {
  if (site.name === 'chromium') {
    const [download] = await Promise.all([page.waitForEvent('download'), act()]);
    const path = join(site.downloadsPath, 'saved');
    await download.saveAs(path);
    return { name: download.suggestedFilename(), bytes: await readFile(path) };
  }
  // Firefox tells of a file that a page made itself without the number that playwright-core waits for.
  const before = await readdir(site.downloadsPath);
  await act();
  return eventually(async () => {
    const name = (await readdir(site.downloadsPath)).find((file) => !before.includes(file));
    assert.ok(name && !name.endsWith('.part'), 'a file is saved');
    // Its name may be another one by now.
    const bytes = await readFile(join(site.downloadsPath, name)).catch(() => null);
    assert.ok(bytes?.length, `${name} is saved`);
    return { name, bytes };
  });
}

/**
 * Asserts what becomes true in the end: again and again, until it holds. Otherwise it fails as the assertion does.
 *
 * @template T
 * @param {() => Promise<T>} assertion
 * @returns {Promise<T>}
 */
export async function eventually(assertion) {
  for (const end = Date.now() + patience; ; ) {
    try {
      return await assertion();
    } catch (error) {
      if (!(error instanceof assert.AssertionError) || Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * What is read from a picture that may still be drawn: once it stays the same for a while.
 *
 * @param {() => Promise<string>} read
 */
export function stable(read) {
  return eventually(async () => {
    const first = await read();
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.ok((await read()) === first, 'the picture stays as it is');
    }
    return first;
  });
}

/**
 * Waits until what has changed by now is seen: colours and letters are painted a frame after the change, by effects that
 * were asked for before this function asks.
 *
 * @param {import('playwright-core').Page} page
 */
export const painted = (page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
    await new Promise((resolve) => setTimeout(resolve));
  });

/** @typedef {Awaited<ReturnType<typeof visit>>} Visit */

/** @param {import('playwright-core').Page} page */
function handles(page) {
  const fact = (/** @type {string} */ name) =>
    page.locator('.facts-row > div').filter({ hasText: name }).locator('dd');
  const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
  const step = async () => Number((await fact('Step').innerText()).replaceAll(',', ''));
  /** @param {number} target */
  async function untilStep(target) {
    await page
      .waitForFunction(
        (least) => Number(document.querySelector('.facts-row dd')?.textContent?.replaceAll(',', '')) >= least,
        target,
      )
      .catch(async (error) => {
        throw new Error(`step ${target} has not come; it is ${await step()}`, { cause: error });
      });
    return step();
  }
  /** Another model is there, at step 0. */
  const untilReset = () => eventually(async () => assert.equal(await step(), 0));
  const opened = page.getByRole('dialog');
  return {
    fact,
    button,
    /** Opens the dialog of sharing. @returns what it says */
    async share() {
      await button('Share').click();
      await opened.getByText(/Link copied|copy it with/).waitFor();
      return opened;
    },
    step,
    notices: page.locator('.notice'),
    heldOut: async () => Number(await fact('Held-out').innerText()),
    untilStep,
    untilReset,
    /** Trains to a step or somewhat beyond, and pauses. @param {number} target */
    async train(target) {
      const before = await step();
      await button('Start').click();
      // Pressed in the page as soon as it shows the step: until a press from here gets there, many more may be taken.
      await page
        .waitForFunction(
          ([name, least]) => {
            const shown = Number(document.querySelector('.facts-row dd')?.textContent?.replaceAll(',', ''));
            if (shown < least) return false;
            /** @type {HTMLButtonElement | null} */
            const start = document.querySelector('button.start');
            if (start?.textContent === name) start.click();
            // Where a budget is used up, it has paused by itself.
            return start?.textContent === name || start?.disabled;
          },
          /** @type {const} */ (['Pause', target]),
        )
        .catch(async (error) => {
          throw new Error(`step ${target} has not come: from ${before} to ${await step()}`, { cause: error });
        });
      await button('Start').waitFor();
      await painted(page);
      return step();
    },
    /** The experts of the probe, as the letters under its characters. */
    async letters() {
      await painted(page);
      return page
        .locator('#probe .cell')
        .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-expert') ?? ''));
    },
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
