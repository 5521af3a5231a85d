import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { newPage } from '../chromium.js';
import { typeOf } from '../static-server.js';
import { launchWebKit, noWebKit } from '../webkit.js';
import { eventually, open, small, visit } from './browser.js';

/** @typedef {import('./browser.js').Site} Site */
/** @typedef {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void} Rule */

/** @type {Awaited<ReturnType<typeof open>>} */
let built;
/** @type {Site} */
let firefox;
/** @type {Awaited<ReturnType<typeof staticHost>>} */
let host;

before(async () => {
  built = await open('chromium', { alone: true });
  firefox = await built.beside('firefox');
});
afterEach(async () => {
  await built.clear();
  await firefox.clear();
  await host.close();
});
after(async () => {
  await firefox.close();
  await built.close();
});

/**
 * The files of the built page on a host of their own, which may do wrong.
 *
 * @param {Record<string, Rule>} [rules] by path: what is answered instead of the file
 */
async function staticHost(rules = {}) {
  /** @type {Map<string, Rule>} */
  const wrong = new Map(Object.entries(rules));
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname.slice('/folder/'.length);
    const rule = wrong.get(path);
    if (rule) return rule(request, response);
    try {
      const bytes = await readFile(join(built.folder, path || 'index.html'));
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
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @type {Rule} */
const html = (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<p>Another page');
/** @param {string} to @returns {Rule} */
const redirect = (to) => (_, response) => response.writeHead(302, { Location: to }).end();

const files = async () => {
  const worker = await readFile(join(built.folder, 'sw.js'), 'utf8');
  return [...worker.matchAll(/"(assets\/[^"]+)":/g)].map(([, path]) => path);
};

/** @param {Site} where @param {string} [hash] */
const visitHost = (where, hash) => visit({ ...where, url: host.url }, hash, { serviceWorkers: 'allow' });

/** @param {import('playwright-core').Page} page */
const untilKept = (page) => page.getByText('Available offline.').waitFor();

/** What the service worker keeps: status and whether it was redirected, by path. @param {import('playwright-core').Page} page */
const keptFiles = (page) =>
  page.evaluate(async () => {
    /** @type {Record<string, { status: number, redirected: boolean, type: string | null }>} */
    const all = {};
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const { url } of await cache.keys()) {
        const { status, redirected, headers } = /** @type {Response} */ (await cache.match(url));
        const path = url.slice(new URL('./', location.href).href.length);
        all[path] = { status, redirected, type: headers.get('content-type') };
      }
    }
    return all;
  });

describe('threads on a host without headers', () => {
  for (const name of ['Chromium', 'Firefox']) {
    const off = name === 'Firefox' ? '' : ', and switched off for good';
    it(`${name}: from the second load on, with the same bits, said${off}`, async () => {
      host = await staticHost();
      const at = await visitHost(name === 'Firefox' ? firefox : built);
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
      assert.deepEqual(
        several.runs[0].losses.train.slice(0, length),
        one.runs[0].losses.train.slice(0, length),
      );
      assert.deepEqual(at.complaints, []);
      if (name === 'Firefox') return;

      await untilKept(page);
      await said.getByRole('checkbox', { name: 'Use several threads' }).uncheck();
      await reloadFor('one thread');
      await said.getByText('Training uses one thread: several are switched off').waitFor();
      assert.equal(await page.evaluate(() => crossOriginIsolated), false);
      await page.reload();
      await said.getByText('Training uses one thread: several are switched off').waitFor();
      await untilKept(page);
      await said.getByRole('checkbox', { name: 'Use several threads' }).check();
      await reloadFor('several threads');
      await said.getByText(many).waitFor();
      assert.deepEqual(at.complaints, []);
    });
  }

  it('are switched off where the page cannot start with isolation', async () => {
    host = await staticHost();
    const { page } = await visitHost(built);
    await untilKept(page);
    await page.addInitScript(() => {
      if (crossOriginIsolated) Object.assign(globalThis, { Worker: undefined });
    });
    await page.reload();
    await page.getByText('Training uses one thread: several are switched off').waitFor();
    await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
  });

  for (const sharedMemory of [true, false]) {
    const what = sharedMemory ? 'threads' : 'one thread, and says why,';
    it(`WebKit: ${what} ${sharedMemory ? 'with' : 'without'} SharedArrayBuffer`, {
      skip: noWebKit,
    }, async () => {
      host = await staticHost();
      const page = await launchWebKit({ sharedMemory });
      try {
        const said = (/** @type {string} */ text) =>
          page.waitFor(
            `“${text}”`,
            (part) => new RegExp(part).test(document.querySelector('footer')?.textContent ?? ''),
            text,
          );
        await page.goto(`${host.url}#${small}`);
        await said('Available offline.');
        await page.reload();
        await said(
          sharedMemory
            ? 'Training uses \\d+ threads\\.'
            : 'Training uses one thread: this browser does not let threads share memory',
        );
        await page.waitFor('Start', () => {
          /** @type {HTMLButtonElement | null} */
          const start = document.querySelector('button.start');
          if (start?.disabled === false) start.click();
          return start?.disabled === false;
        });
        await page.waitFor(
          'step 10',
          () => Number(document.querySelector('.facts-row dd')?.textContent) >= 10,
        );
      } finally {
        await page.close();
      }
    });
  }
});

describe('the service worker', () => {
  it('serves and keeps the files of the build, and passes everything else on', async () => {
    let count = 0;
    /** @type {Rule} */
    const counter = (_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end(`${++count}`);
    host = await staticHost({
      'other.txt': counter,
      'assets/other.js': counter,
      'away.txt': redirect('other.txt'),
    });
    const { page } = await visitHost(built);
    await untilKept(page);
    await page.reload();
    const [file] = await files();
    const answers = await page.evaluate(async (path) => {
      /** @param {string} url @param {RequestInit} [options] */
      const ask = async (url, options) => {
        const response = await fetch(url, options);
        const { status, redirected } = response;
        return { status, redirected, text: (await response.text()).slice(0, 9) };
      };
      return {
        others: [await ask('other.txt'), await ask('other.txt'), await ask('assets/other.js')],
        redirect: await ask('away.txt'),
        range: await ask(path, { headers: { Range: 'bytes=0-3' } }),
        query: await ask('other.txt?x'),
        missing: await ask('missing/'),
      };
    }, file);
    assert.deepEqual(
      answers.others.map(({ text }) => text),
      ['1', '2', '3'],
    );
    assert.deepEqual(answers.redirect, { status: 200, redirected: true, text: '4' });
    assert.equal(answers.range.status, 206);
    assert.equal(answers.range.text.length, 4);
    assert.equal(answers.query.text, '5');
    assert.equal(answers.missing.status, 404);
    assert.deepEqual(Object.keys(await keptFiles(page)).sort(), ['', ...(await files())].sort());
    const response = await page.goto(`${host.url}other.txt`);
    assert.equal(await response?.text(), '6', 'a page beside it');
  });

  it('keeps nothing until the host has every file: no redirect, no part, no page in place of a script', async () => {
    const [first, second, third] = (await files()).filter((path) => path.includes('room'));
    host = await staticHost({ 'blank.html': html });
    const { wrong } = host;
    wrong.set(first, html);
    wrong.set(second, (_, response) => {
      response
        .writeHead(206, { 'Content-Type': 'text/javascript', 'Content-Range': 'bytes 0-3/99' })
        .end('oops');
    });
    wrong.set(third, redirect('../sw.js'));
    for (const path of [first, second, third]) {
      const page = await newPage(built.browser, { serviceWorkers: 'allow' });
      await page.goto(`${host.url}blank.html`);
      const outcome = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.register('./sw.js');
        const worker = registration.installing ?? registration.waiting ?? registration.active;
        if (!worker) return 'none';
        while (worker.state === 'installing') await new Promise((done) => setTimeout(done, 20));
        return worker.state;
      });
      assert.equal(outcome, 'redundant', path);
      const kept = await keptFiles(page);
      for (const name of [first, second, third].filter((one) => wrong.has(one)))
        assert.ok(!(name in kept), name);
      wrong.delete(path);
      await page.context().close();
    }
    const { page } = await visitHost(built);
    await untilKept(page);
    for (const [path, { status, redirected, type }] of Object.entries(await keptFiles(page)))
      assert.deepEqual([status, redirected, type], [200, false, typeOf(path || 'index.html')], path);
  });

  it('is there too where the host redirects the page, and keeps it as it is visited', async () => {
    host = await staticHost({ '': redirect('index.html') });
    const { page } = await visitHost(built, '');
    await page.evaluate(() => navigator.serviceWorker.ready);
    assert.ok(!('' in (await keptFiles(page))));
    await page.goto(host.url);
    assert.match(page.url(), /index\.html$/);
    await eventually(async () => assert.equal((await keptFiles(page))['']?.redirected, false));
    // From what is kept, whatever the host answers.
    await page.goto(host.url);
    await page.locator('button.start:enabled').waitFor();
  });

  it('replaces what is kept if it is another page in place of a script or of the page, or nothing', async () => {
    host = await staticHost();
    const { page } = await visitHost(built, '');
    await untilKept(page);
    const script = String((await files()).find((path) => path.includes('room-')));
    const ready = page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled'));
    for (const spoil of [spoilScript, spoilPage, loseAll]) {
      await page.evaluate(spoil, script);
      await page.goto(`${host.url}#play=0`);
      await page.reload();
      await ready.waitFor();
      // The script is that of a room.
      const rooms = page.getByRole('navigation', { name: 'Rooms' }).getByRole('link');
      for (const link of spoil === spoilScript ? await rooms.all() : []) {
        await link.click();
        await ready.waitFor();
      }
      const kept = await keptFiles(page);
      assert.equal(kept['']?.type, 'text/html', spoil.name);
      for (const path of spoil === loseAll ? [] : await files())
        assert.equal(kept[path]?.type, typeOf(path), `${path} after ${spoil.name}`);
    }
  });

  it('takes over from one that has kept what breaks the page', async () => {
    /** @type {Rule} */
    const careless = (_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(`(${carelessWorker})(self)`);
    host = await staticHost({ 'sw.js': careless, 'blank.html': html, 'away.html': redirect('blank.html') });
    const context = await built.browser.newContext({ serviceWorkers: 'allow' });
    const page = await newPage(context);
    await page.goto(`${host.url}blank.html`);
    await page.evaluate(
      async (scripts) => {
        await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
        await navigator.serviceWorker.ready;
        const cache = await caches.open(`hyperrouter ${new URL('./', location.href)} old`);
        await cache.put('./', await fetch('away.html'));
        for (const path of scripts) await cache.put(path, await fetch('blank.html'));
      },
      await files(),
    );
    await assert.rejects(page.goto(host.url), 'a redirected answer is no page');
    host.wrong.delete('sw.js');
    await eventually(async () => {
      await page.goto(host.url).catch(() => {});
      // The browser looks for a new version a second after a load, unless there is another one.
      await page.waitForTimeout(1500);
      assert.ok(await page.locator('#app nav').count(), 'the page opens');
    });
    await page.locator('button.start:enabled').waitFor();
    await untilKept(page);
  });
});

/** @param {string} path */
async function spoilScript(path) {
  for (const name of await caches.keys())
    await (await caches.open(name)).put(
      path,
      new Response('<p>', { headers: { 'Content-Type': 'text/html' } }),
    );
}

async function spoilPage() {
  for (const name of await caches.keys())
    await (await caches.open(name)).put(
      './',
      new Response('<p>', { headers: { 'Content-Type': 'text/html' } }),
    );
}

async function loseAll() {
  for (const name of await caches.keys()) await caches.delete(name);
}

/** As service workers often are. @param {any} scope */
function carelessWorker(scope) {
  scope.addEventListener('install', () => scope.skipWaiting());
  scope.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));
  scope.addEventListener('fetch', (/** @type {any} */ event) => {
    event.respondWith(
      scope.caches
        .match(event.request)
        .then((/** @type {any} */ cached) => cached ?? scope.fetch(event.request)),
    );
  });
}
