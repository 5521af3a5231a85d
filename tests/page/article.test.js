import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { figures } from '../../demo/article/list.js';
import { newPage } from '../chromium.js';
import { eventually, open, visit } from './browser.js';

/** @type {Awaited<ReturnType<typeof open>>} */
let site;
before(async () => {
  site = await open();
});
after(() => site?.close());
afterEach(() => site.clear());

const axe = readFile(new URL(import.meta.resolve('axe-core')), 'utf8');

/** The shares of the experts in the playground, in percent. @param {import('playwright-core').Page} page */
const loads = async (page) => (await page.locator('.load-number').allInnerTexts()).map(Number.parseFloat);

/** The settings of an address, in any order; the first room is not named. @param {string} hash */
const settings = (hash) =>
  [...new URLSearchParams(hash.slice(1))]
    .filter(([key, value]) => key !== 'room' || value !== 'plane')
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join('&');

describe('without scripts', () => {
  /** @param {number} width */
  async function read(width) {
    const context = await site.browser.newContext({
      javaScriptEnabled: false,
      viewport: { width, height: 900 },
    });
    const page = await newPage(context);
    /** @type {string[]} */
    const complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto(site.url);
    // As somebody who opens each to read it, which needs no script.
    await page.locator('.article-section').evaluateAll((all) => {
      for (const section of all) section.setAttribute('open', '');
    });
    return { page, complaints };
  }

  it('the article can be read, and the page says what it needs scripts for', async () => {
    const { page, complaints } = await read(1440);
    await page.locator('noscript p').waitFor();
    assert.equal(await page.getByText('Loading the engine…').isVisible(), false, 'it will not load');
    const title = await page.getByRole('heading', { name: 'How experts divide their work' }).boundingBox();
    assert.ok(title && title.y < 600, `no room is kept free above the article: ${title?.y} px`);
    const jacobians = page.getByRole('math', { name: /^the derivative of o with respect to x equals/ });
    assert.equal(await jacobians.count(), 4, 'of any router, and of each of the three');
    const names = await page
      .getByRole('math')
      .evaluateAll((all) => all.map((math) => [math.namespaceURI, math.getAttribute('aria-label')]));
    assert.ok(names.length > 20);
    for (const [namespace, words] of names) {
      assert.equal(namespace, 'http://www.w3.org/1998/Math/MathML');
      assert.ok(words);
    }
    assert.deepEqual(complaints, []);
  });

  it('it is as long as is read, and who is cited is among its sources', async () => {
    const html = await readFile(join(site.folder, 'index.html'), 'utf8');
    assert.doesNotMatch(html, /<x-tex|katex|style="/);
    const [, article] = html.match(/<article class="article"[^>]*>(.*)<\/article>/s) ?? [];
    const [prose, sources] = article.split('<h3>Sources</h3>');
    const words = prose
      .replace(/<math.*?<\/math>/gs, ' x ')
      .replace(/<[^>]+>/g, ' ')
      .trim();
    const count = words.split(/\s+/).length;
    assert.ok(count >= 900 && count <= 1600, `${count} words`);
    // And who is a source is cited.
    const cited = [...words.matchAll(/([A-Z][a-z]+)\s+et\s+al\.,?\s+\(?(\d{4})/g)].map(([, name, year]) => [
      name,
      year,
    ]);
    const listed = [...sources.matchAll(/<li>\s*(.*?)\((\d{4})\)\./gs)];
    assert.equal(listed.length, 8);
    for (const [name, year] of cited) {
      assert.ok(
        listed.some(([, authors, of]) => authors.split(',')[0].includes(name) && of === year),
        `${name} ${year}`,
      );
    }
    assert.equal(new Set(cited.map(String)).size, listed.length);
  });

  it('headings go down one level at a time, from one title', async () => {
    const { page } = await read(1440);
    const levels = await page
      .locator('h1, h2, h3, h4, h5, h6')
      .evaluateAll((all) => all.map(({ localName }) => Number(localName[1])));
    assert.deepEqual(levels.slice(0, 3), [1, 2, 3]);
    assert.ok(
      levels.slice(1).every((level, at) => level > 1 && level <= levels[at] + 1),
      String(levels),
    );
  });

  it('lines are as long as is good to read, and formulas fit a phone', async () => {
    for (const width of [390, 1440, 2560]) {
      const { page } = await read(width);
      const paragraph = await page.locator('.article-section > p').first().boundingBox();
      const formulas = await page.locator('.article math').evaluateAll((all) =>
        all.map((math) => {
          const parts = [math, ...math.querySelectorAll('*')].map((part) => part.getBoundingClientRect());
          return [Math.min(...parts.map(({ left }) => left)), Math.max(...parts.map(({ right }) => right))];
        }),
      );
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(scrolled <= width, `${scrolled} of ${width} px`);
      assert.ok(paragraph && paragraph.width <= 740, `lines of ${paragraph?.width} px`);
      for (const [left, right] of formulas) assert.ok(left >= 0 && right <= width, `${left} to ${right} px`);
    }
  });
});

describe('the routers of the article', () => {
  it('have the labels that the engine gives them', async () => {
    const { page } = await visit(site, '');
    const labels = await page.locator('#setting-router option').allInnerTexts();
    const named = await page.locator('.article-routers dt, .article-routers + p b').allInnerTexts();
    assert.equal(named.length, 4);
    for (const name of named) assert.ok(labels.includes(name), `${name} is none of ${labels.join(', ')}`);
  });
});

describe('the links of the article', () => {
  it('lead to what they set up, the eye and the focus', async () => {
    const { page } = await visit(site, '');
    await page.locator('.article').getByRole('link', { name: 'Side by side' }).first().click();
    await page.locator('.columns-routers').waitFor();
    const room = page.locator('nav.rooms [aria-current]');
    assert.match(await room.innerText(), /^Side by side/);
    await eventually(async () => {
      assert.ok(await room.evaluate((element) => element === document.activeElement));
      assert.ok(await room.isVisible());
      const top = await room.evaluate((element) => element.getBoundingClientRect().top);
      assert.ok(top >= 0 && top < 500, `the room is in view: ${top}`);
    });
  });

  it('are where they were when the way back leads to them', async () => {
    const { page } = await visit(site, '');
    const link = page.getByRole('link', { name: 'Side by side' }).last();
    await link.scrollIntoViewIfNeeded();
    const top = () => link.evaluate((element) => Math.round(element.getBoundingClientRect().top));
    const before = await top();
    await link.click();
    await page.locator('nav.rooms [aria-current][href="#room=routers"]').waitFor();
    await eventually(async () => assert.ok((await page.evaluate(() => scrollY)) < 300));
    await page.goBack();
    await page.locator('nav.rooms [aria-current][href="#room=plane"]').waitFor();
    await eventually(async () => {
      assert.ok(Math.abs((await top()) - before) < 4, `${await top()} px, before ${before} px`);
      assert.ok(await link.evaluate((element) => element === document.activeElement));
    });
  });

  it('name settings as the address does, and nothing else', async () => {
    const { page, complaints } = await visit(site, '');
    const hrefs = await page
      .locator('.article a[href^="#room="]')
      .evaluateAll((all) => all.map((link) => String(link.getAttribute('href'))));
    assert.ok(hrefs.length);
    for (const href of new Set(hrefs)) {
      // The address is written anew, without what is unknown or as it would be anyway, where settings change.
      await page.evaluate(() => {
        location.hash = 'room=plane&seed=77';
      });
      await page.waitForFunction(() => location.hash === '#seed=77');
      await page.locator(`.article a[href="${href}"]`).first().click();
      const room = new URLSearchParams(href.slice(1)).get('room');
      if (room === 'collapse') await page.locator('.collapse').waitFor();
      else await page.locator(`nav.rooms [aria-current][href="#room=${room}"]`).waitFor();
      await eventually(async () => assert.equal(settings(new URL(page.url()).hash), settings(href)));
      assert.equal(await page.locator('.notice').count(), 0, href);
    }
    assert.deepEqual(complaints, []);
  });
});

describe('the run that the article speaks of', () => {
  it('has experts that idle, and none with load balancing', async () => {
    const run = { .../** @type {any} */ (figures.load.settings), pace: 'full' };
    const address = new URLSearchParams(run).toString();
    const { page, train, untilReset } = await visit(site, address);
    await page.waitForFunction(() => document.querySelectorAll('.load-number').length === 8);
    // How far it gets beyond that depends on the machine; of every step up to 4700 the same is true.
    await train(600);
    const idle = (await loads(page)).filter((load) => load === 0).length;
    assert.ok(idle >= 2, `${await loads(page)}`);
    await page.evaluate((hash) => {
      location.hash = hash;
    }, `${address}&loadBalanceWeight=0.1`);
    await untilReset();
    await train(600);
    assert.ok(Math.min(...(await loads(page))) > 0, `${await loads(page)}`);
  });
});

describe('the figures of the article', () => {
  /** @param {import('playwright-core').Page} page @param {string} name */
  const figure = (page, name) =>
    page.locator('.article-figure').filter({ has: page.locator(`[data-figure=${name}]`) });
  /** @param {import('playwright-core').Locator} at */
  const stepOf = async (at) =>
    Number((await at.locator('.article-words').innerText()).match(/Step ([\d,]+)\./)?.[1].replace(',', ''));

  it('are loaded and trained when they come into view, and rest when they leave it', async () => {
    const { page, requests, complaints } = await visit(site, '');
    assert.equal(requests.filter((url) => /figures-/.test(url)).length, 0, 'not with the page');
    const load = figure(page, 'load');
    await load.scrollIntoViewIfNeeded();
    await eventually(async () => assert.ok((await stepOf(load)) >= 5));
    assert.match(
      await load.locator('.article-words').innerText(),
      /Load variation \d\.\d\d; \d of 8 experts idle/,
    );
    await page.evaluate(() => scrollTo(0, 0));
    await eventually(async () => {
      const before = await stepOf(load);
      // Longer than from one picture to the next.
      await page.waitForTimeout(1500);
      assert.equal(await stepOf(load), before, 'it rests');
    });
    await load.scrollIntoViewIfNeeded();
    // So that it stays at its first step: one that plays may be far beyond it before anybody looks.
    await load.getByRole('button', { name: /^(Pause|Play)$/ }).click();
    await load.getByLabel('Load-balancing weight').selectOption('0.1');
    await eventually(async () => assert.equal(await stepOf(load), 0, 'another run'));
    assert.equal(
      await page.locator('#setting-router').inputValue(),
      'hyperrouter',
      'the room above stays as it is',
    );
    assert.deepEqual(complaints, []);
  });

  it('say that they could not be loaded, and come when it is tried again', async () => {
    const { page, complaints } = await visit(site, '');
    const code = /\/figures-[\w-]+\.js$/;
    await page.route(code, (route) => route.abort());
    const load = figure(page, 'load');
    await load.scrollIntoViewIfNeeded();
    await load.getByText('The figure could not be loaded').waitFor();
    await page.unroute(code);
    await load.getByRole('button', { name: 'Try again' }).click();
    await eventually(async () => assert.ok((await stepOf(load)) >= 1));
    assert.equal(await load.getByText('could not be loaded').count(), 0);
    assert.deepEqual(
      complaints.filter((text) => !text.includes('Failed to load resource')),
      [],
    );
  });

  it('all show something, and wait for Play with reduced motion', async () => {
    const { page, complaints } = await visit(site, '', { reducedMotion: 'reduce' });
    for (const name of ['learn', 'load', 'collapse', 'routers', 'one-expert', 'by-k']) {
      const at = figure(page, name);
      await at.scrollIntoViewIfNeeded();
      await at.getByRole('button', { name: 'Play' }).waitFor();
      await at.getByRole('combobox').waitFor();
    }
    const routers = figure(page, 'routers');
    await routers.scrollIntoViewIfNeeded();
    await routers.getByRole('combobox').selectOption({ label: 'Frozen random (SMoE-Dropout)' });
    await routers.getByText('R, random and frozen; 0.00 from its start').waitFor();
    await routers.locator('.article-router canvas').waitFor();
    const learn = figure(page, 'learn');
    await learn.scrollIntoViewIfNeeded();
    await learn.locator('canvas').waitFor();
    assert.equal(await stepOf(learn), 0);
    await learn.getByRole('button', { name: 'Play' }).click();
    await eventually(async () => assert.ok((await stepOf(learn)) > 0));
    assert.deepEqual(complaints, []);
  });
});

describe('header, article and footer', () => {
  it('have nothing that axe finds, narrow and light, wide and dark', async () => {
    const { page } = await visit(site, '');
    await page.evaluate(await axe);
    for (const [width, colorScheme] of /** @type {const} */ ([
      [390, 'light'],
      [1440, 'dark'],
    ])) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const found = await page.evaluate(async () => {
        const { violations } = await /** @type {any} */ (globalThis).axe.run({
          include: ['body > header', '.article', 'body > footer'],
        });
        return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html}`);
      });
      assert.deepEqual(found, [], `${width} px, ${colorScheme}`);
    }
  });

  it('the header is read in a breath', async () => {
    const { page } = await visit(site, '');
    const lead = await page.locator('body > header p').innerText();
    assert.ok(lead.split(/\s+/).length <= 60, lead);
    assert.match(
      String(await page.locator('meta[name=description]').getAttribute('content')),
      /mixture of experts/,
    );
  });
});
