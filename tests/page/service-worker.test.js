import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { newPage } from '../chromium.js';
import { typeOf } from '../static-server.js';
import { eventually, open } from './browser.js';
import { staticHost, trainTwice, untilKept, useWithoutNetwork, visitHost } from './static-host.js';

/** @typedef {import('./static-host.js').Rule} Rule */

/** @type {Awaited<ReturnType<typeof open>>} */
let built;
/** @type {import('./static-host.js').Host} */
let host;

before(async () => {
  built = await open('chromium', { alone: true });
});
afterEach(async () => {
  await built.clear();
  await host.close();
});
after(() => built.close());

/** @param {string} type @param {string} body @returns {Rule} */
const answer = (type, body) => (_, response) => response.writeHead(200, { 'Content-Type': type }).end(body);
const html = answer('text/html', '<p>Another page');
/** @param {string} to @returns {Rule} */
const redirect = (to) => (_, response) => response.writeHead(302, { Location: to }).end();

const files = async () => {
  const worker = await readFile(join(built.folder, 'sw.js'), 'utf8');
  return [...worker.matchAll(/"(assets\/[^"]+)":/g)].map(([, path]) => path);
};

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
  it('work from the second load on, with the same bits, said, and are switched off for good', async () => {
    host = await staticHost(built.folder);
    const { page, complaints, said, many, reloadFor } = await trainTwice(built, host);
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
    assert.deepEqual(complaints, []);
  });

  it('are switched off where the page cannot start with isolation', async () => {
    host = await staticHost(built.folder);
    const { page } = await visitHost(built, host);
    await untilKept(page);
    await page.addInitScript(() => {
      if (crossOriginIsolated) Object.assign(globalThis, { Worker: undefined });
    });
    await page.reload();
    await page.getByText('Training uses one thread: several are switched off').waitFor();
    await page.getByRole('button', { name: 'Start' }).and(page.locator(':enabled')).waitFor();
  });
});

describe('the service worker', () => {
  it('serves and keeps the files of the build, and passes everything else on', async () => {
    let count = 0;
    /** @type {Rule} */
    const counter = (_, response) =>
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end(`${++count}`);
    host = await staticHost(built.folder, {
      'other.txt': counter,
      'assets/other.js': counter,
      'away.txt': redirect('other.txt'),
    });
    const { page } = await visitHost(built, host);
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
    host = await staticHost(built.folder, { 'blank.html': html });
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
    const { page } = await visitHost(built, host);
    await untilKept(page);
    for (const [path, { status, redirected, type }] of Object.entries(await keptFiles(page)))
      assert.deepEqual([status, redirected, type], [200, false, typeOf(path || 'index.html')], path);
  });

  it('is there too where the host redirects the page, and keeps it as it is visited', async () => {
    host = await staticHost(built.folder, { '': redirect('index.html') });
    const { page } = await visitHost(built, host, '');
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
    host = await staticHost(built.folder);
    const { page } = await visitHost(built, host, '');
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
    const careless = answer('text/javascript', `(${carelessWorker})(self)`);
    host = await staticHost(built.folder, {
      'sw.js': careless,
      'blank.html': html,
      'away.html': redirect('blank.html'),
    });
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

describe('without a network', () => {
  it('a new version is taken as a whole, at the next load', async () => {
    host = await staticHost(built.folder);
    const { page } = await visitHost(built, host);
    await untilKept(page);
    const title = await page.title();
    const read = (/** @type {string} */ name) => readFile(join(built.folder, name), 'utf8');
    const [index, worker] = await Promise.all([read('index.html'), read('sw.js')]);
    host.wrong.set(
      '',
      answer('text/html', index.replace(/<title>.*<\/title>/, '<title>The next version</title>')),
    );
    host.wrong.set(
      'sw.js',
      answer('text/javascript', worker.replace(/"version":"[^"]*"/, '"version":"next"')),
    );
    await page.reload();
    assert.equal(await page.title(), title, 'the version that it has');
    await eventually(async () => {
      const { kept, active, others } = await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return {
          kept: await caches.keys(),
          active: registration.active?.state,
          others: [registration.installing?.state, registration.waiting?.state].filter(Boolean),
        };
      });
      assert.ok(
        kept.some((name) => name.endsWith(' next')),
        `the next version is kept: ${kept}`,
      );
      assert.deepEqual([active, ...others], ['activated'], 'and it is the only one at work');
    });
    await page.reload();
    assert.equal(await page.title(), 'The next version');
    assert.equal(
      (await page.evaluate(() => caches.keys())).length,
      2,
      'the version before is kept for open tabs',
    );
  });

  it('the whole page works from what was kept: every room, its texts, sharing and saving', async () => {
    host = await staticHost(built.folder);
    await useWithoutNetwork(built, host);
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
