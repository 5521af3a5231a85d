import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { open, visit } from './browser.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site?.close());
afterEach(() => site.clear());

const axe = readFile(new URL(import.meta.resolve('axe-core')), 'utf8');

/** What axe finds. @param {import('playwright-core').Page} page */
async function violations(page) {
  await page.evaluate(await axe);
  return page.evaluate(async () => {
    const { violations: found } = await /** @type {any} */ (globalThis).axe.run();
    return found.map(
      (/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`,
    );
  });
}

describe('inside the router', () => {
  it('shows how R is made, its numbers on request, and how v moves', async () => {
    const { page, complaints, button, train } = await visit(site, 'room=inside');
    const strip = page.getByRole('application', { name: /^The router embedding v/ });
    await strip.waitFor();
    await strip.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const words = page.locator('.heat-words').first();
    assert.match(await words.innerText(), /^v, number 2 of \d+: −?\d/);
    const before = await words.innerText();
    await page.getByRole('application', { name: /^R and, as the last column, b/ }).hover();
    await page.getByText(/^R, expert [A-F], number \d+ of \d+: /).waitFor();

    await button('One step').click();
    await page.getByRole('application', { name: /^The direction in which the last step pulled v/ }).waitFor();
    await train(40);
    const path = page.getByRole('img', { name: /^The way of v\. At step \d+ it is \d/ });
    await path.waitFor();
    assert.ok((await page.locator('.path-piece').count()) > 3);
    await strip.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await words.innerText(), before, 'v has moved');
    assert.deepEqual(complaints, []);
  });

  it('says for each router what learns', async () => {
    const { page, train } = await visit(site, 'room=inside');
    const router = page.getByLabel('Router', { exact: true });
    await router.selectOption('smoe');
    await page.getByText('R and b are numbers of their own').waitFor();
    await train(5);
    await page.getByRole('application', { name: /pulled R, from/ }).waitFor();
    assert.equal(await page.locator('.stage').count(), 1);
    await router.selectOption('smoe-dropout');
    await page.getByText('No gradient reaches them').waitFor();
    assert.equal(await page.locator('.has-gradient').count(), 0);
    assert.match(await page.locator('.learns thead .is-current').innerText(), /smoe-dropout/);
    await router.selectOption('dense');
    await page.getByText('A dense model has no router').waitFor();
    await router.selectOption('hyperrouter');
    await page.locator('.stage').nth(4).waitFor();
  });

  it('looks into the text’s run too, and its address says so', async () => {
    const { page } = await visit(site, 'room=inside&of=text&experts=5&layers=2&gateLayer=2');
    await page.getByRole('heading', { name: 'How the router of layer 2 comes about' }).waitFor();
    assert.equal(await page.locator('.heat-names > span').count(), 5);
    await page.getByRole('radio', { name: 'the playground' }).check();
    await page.getByRole('heading', { name: 'How the router of layer 2 comes about' }).waitFor();
    await page.waitForFunction(() => !location.hash.includes('of=text'));
    assert.match(await page.evaluate(() => location.hash), /room=inside/);
  });

  it('has nothing that axe finds, and fits any width', async () => {
    const { page, train } = await visit(site, 'room=inside', { bypassCSP: true });
    await train(10);
    for (const summary of await page.getByText('As a table').all()) await summary.click();
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(page), [], colorScheme);
    }
    for (const width of [390, 700, 1100, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForFunction((most) => document.documentElement.scrollWidth <= most, width);
    }
  });
});

describe('the article', () => {
  it('is there without scripts, with its formulas and their words', async () => {
    const html = await readFile(new URL('index.html', `file://${site.folder}/`), 'utf8');
    const formulas = html.match(/<math [^>]*>/g) ?? [];
    assert.ok(formulas.length > 10);
    for (const formula of formulas) assert.match(formula, /role="math" aria-label="[^"]+"/);
    assert.doesNotMatch(html, /<x-tex|katex|style="/);
    assert.match(html, /<article class="article"/);
  });

  it('has links that set up the demo', async () => {
    const { page } = await visit(site, '');
    const links = page.locator('.article a[href^="#room"]');
    assert.ok((await links.count()) >= 6);
    await page.getByRole('link', { name: 'Here is a run with it' }).click();
    await page.waitForFunction(
      () =>
        /** @type {HTMLSelectElement | null} */ (document.querySelector('#setting-router'))?.value === 'smoe',
    );
    assert.equal(
      await page
        .locator('nav.rooms [aria-current]')
        .innerText()
        .then((text) => text.split('\n')[0]),
      'Text',
    );
    assert.equal(await page.locator('.notice').count(), 0);
    for (const link of await links.all()) {
      await link.click();
      await page.waitForFunction(() =>
        document.querySelector('main .transport, main [aria-label="Training"]'),
      );
      assert.equal(await page.locator('.notice').count(), 0, String(await link.getAttribute('href')));
    }
  });
});
