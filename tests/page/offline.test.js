import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually, open, small, visit } from './browser.js';

/** @type {Awaited<ReturnType<typeof open>>} */
let site;
/** @type {import('./browser.js').Site} */
let other;
before(async () => {
  // Only the service worker keeps files here.
  site = await open('chromium', { alone: true, lasting: false });
  other = await site.beside('firefox');
});
afterEach(async () => {
  await site.clear();
  await other.clear();
});
after(async () => {
  await other.close();
  await site.close();
});

/** @param {import('./browser.js').Site} where @param {string} [hash] */
async function visitAndKeep(where, hash) {
  const at = await visit(where, hash, { serviceWorkers: 'allow' });
  await at.page.getByText('Available offline.').waitFor();
  return at;
}

describe('what is loaded first', () => {
  it('is small', async () => {
    const { requests } = await visit(site, '');
    const files = [...new Set(requests.filter((url) => url.startsWith(site.url)))];
    let bytes = 0;
    for (const url of files) {
      const path = new URL(url).pathname.slice(new URL(site.url).pathname.length) || 'index.html';
      bytes += gzipSync(await readFile(join(site.folder, path)), { level: 9 }).length;
    }
    assert.ok(files.length > 5, files.join());
    assert.ok(bytes <= 300e3, `${bytes} bytes compressed: ${files.join(' ')}`);
  });
});

describe('without a network', () => {
  it('a new version is taken as a whole, at the next load', async () => {
    const { page } = await visitAndKeep(site);
    const title = await page.title();
    const files = { page: join(site.folder, 'index.html'), worker: join(site.folder, 'sw.js') };
    const [oldPage, oldWorker] = await Promise.all([
      readFile(files.page, 'utf8'),
      readFile(files.worker, 'utf8'),
    ]);
    try {
      await writeFile(files.page, oldPage.replace(/<title>.*<\/title>/, '<title>The next version</title>'));
      await writeFile(files.worker, oldWorker.replace(/"version":"[^"]*"/, '"version":"next"'));
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
    } finally {
      await Promise.all([writeFile(files.page, oldPage), writeFile(files.worker, oldWorker)]);
    }
  });

  it('the whole page works from what was kept: every room, its texts, sharing and saving', async () => {
    const pages = [await visitAndKeep(site, ''), await visitAndKeep(other, '')];
    await site.stopServing();
    // Nothing is left that could be served.
    for (const name of await readdir(site.folder)) await rm(join(site.folder, name), { recursive: true });
    for (const at of pages) {
      await assert.rejects(at.page.evaluate((url) => fetch(`${url}?other`).then(String), site.url));
      await at.page.goto(`${site.url}#${small}`);
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
  });
});
