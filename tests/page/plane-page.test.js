import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually, open, stable, visit } from './browser.js';

/**
 * @typedef {import('playwright-core').Page} Page
 * @typedef {import('playwright-core').Locator} Locator
 */

/** @type {Awaited<ReturnType<typeof open>>} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

/** What is drawn on a map. @param {Page} page @param {'decision' | 'ownership'} id */
const drawn = (page, id) =>
  stable(() =>
    page.locator(`#${id} canvas`).evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL()),
  );

/**
 * Does something, and waits until a map looks otherwise.
 *
 * @param {Page} page
 * @param {'decision' | 'ownership'} id
 * @param {() => Promise<unknown>} act
 */
async function changes(page, id, act) {
  const before = await drawn(page, id);
  await act();
  await page.waitForFunction(
    ([name, old]) =>
      /** @type {HTMLCanvasElement} */ (document.querySelector(`#${name} canvas`)).toDataURL() !== old,
    [id, before],
  );
}

/** @param {Page} page */
const accuracy = async (page) =>
  Number((await page.locator('.accuracy b').last().innerText()).replace(' %', ''));

/** How many points there are. @param {Page} page */
const points = async (page) =>
  Number((await page.locator('#decision').getAttribute('aria-label'))?.match(/with (\d+) points/)?.[1]);

/** @param {Page} page @param {number} count */
const untilPoints = (page, count) =>
  page.waitForFunction(
    (wanted) =>
      document.querySelector('#decision')?.getAttribute('aria-label')?.includes(`with ${wanted} points`),
    count,
  );

/** The middle of a map, and its side, in pixels. @param {Page} page @param {'decision' | 'ownership'} id */
async function boxOf(page, id) {
  // The bars at the edges of the window must not lie over it.
  await page.locator(`#${id}`).evaluate((map) => map.scrollIntoView({ block: 'center' }));
  const box = await page.locator(`#${id}`).boundingBox();
  assert.ok(box);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, unit: box.width / 12 };
}

/** @param {Page} page */
const undo = (page) => page.getByRole('button', { name: /^Undo/ });

/** How often the page asks to draw while three frames pass. @param {Page} page */
const framesAsked = (page) =>
  page.evaluate(async () => {
    const ask = requestAnimationFrame;
    let asked = 0;
    globalThis.requestAnimationFrame = (act) => {
      asked++;
      return ask(act);
    };
    for (let i = 0; i < 3; i++) await new Promise((resolve) => ask(resolve));
    globalThis.requestAnimationFrame = ask;
    return asked;
  });

describe('the playground', () => {
  it('is the first room, trains, and resets to the same start', async () => {
    const { page, complaints, requests, button, train, fact, untilReset } = await visit(site, '');
    assert.match(page.url(), /#play=0$/);
    assert.equal(await page.locator('.rooms a').first().getAttribute('aria-current'), 'page');
    const maps = async () => [await drawn(page, 'decision'), await drawn(page, 'ownership')];
    // Said once they are drawn.
    for (const id of ['decision', 'ownership'])
      await page.locator(`#${id}[aria-label*="Share of the map"]`).waitFor();
    const atFirst = await maps();
    const guessed = await accuracy(page);
    await page.locator('#setting-pace').selectOption('full');
    await train(400);
    assert.ok(Number(await fact('Training').innerText()) < 0.5);
    assert.ok(Number(await fact('Held-out').innerText()) < 0.5, '1 bit at first');
    assert.ok((await accuracy(page)) > Math.max(90, guessed), `${guessed} % at first`);
    assert.match(
      String(await page.locator('#decision').getAttribute('aria-label')),
      /Accuracy: training \d+ %, held-out \d+ %\. Share of the map: circle \d+ %/,
    );
    assert.match(
      String(await page.locator('#ownership').getAttribute('aria-label')),
      /layer 1\. Share of the map by chosen expert: A .*, F .*; tied <?\d+ %/,
    );
    await eventually(async () => assert.equal(await framesAsked(page), 0, 'nothing is drawn while it rests'));

    // Back in time, and to the present.
    const time = page.getByRole('slider', { name: 'Time' });
    // Again, if the last picture was not there yet.
    await eventually(async () => {
      const now = await maps();
      assert.ok(now.every((picture, i) => picture !== atFirst[i]));
      await changes(page, 'ownership', () => time.press('Home'));
      await changes(page, 'ownership', () => button('Back to now').click());
      assert.deepEqual(await maps(), now);
    });

    await button('Reset').click();
    await untilReset();
    await eventually(async () => assert.deepEqual(await maps(), atFirst));
    assert.deepEqual(complaints, []);
    assert.ok(requests.every((url) => url.startsWith(site.url) || url.startsWith('data:')));
    assert.ok(!requests.some((url) => url.endsWith('.txt')), 'what other rooms need is not loaded');
  });

  it('shows every change of the data at once', async () => {
    const { page, complaints } = await visit(site, '');
    for (const name of ['Circles', 'Moons', 'XOR', 'Checkers', 'Clusters', 'Spirals']) {
      await changes(page, 'decision', () => page.getByLabel(name, { exact: true }).check());
    }
    await changes(page, 'decision', () => page.locator('.drawer .segments').first().getByLabel('3').check());
    assert.match(String(await page.locator('#decision').getAttribute('aria-label')), /of 3 classes/);
    for (const [key, value] of [
      ['points', '100'],
      ['noise', '0.5'],
      ['dataSeed', '7'],
    ]) {
      await changes(page, 'decision', async () => {
        await page.locator(`#setting-${key}`).fill(value);
        await page.locator(`#setting-${key}`).press('Enter');
      });
    }
    await untilPoints(page, 100);
    assert.match(page.url(), /classes=3&points=100&noise=0.5&dataSeed=7$/);
    await page.getByLabel('Examples').selectOption({ label: 'Idle experts' });
    await page.locator('.load tbody tr').nth(7).waitFor();
    assert.match(page.url(), /#router=smoe&experts=8&layers=1&seed=4$/);
    await undo(page).click();
    await page.waitForFunction(() => location.hash.includes('noise=0.5'));
    assert.deepEqual(complaints, []);
  });

  it('supports every router and size, and says that a dense model has no router', async () => {
    const { page, complaints, train, untilReset } = await visit(site, 'pace=full');
    await train(20);
    for (const router of ['smoe', 'smoe-dropout', 'dense', 'hyperrouter']) {
      await changes(page, 'decision', () => page.getByLabel('Router', { exact: true }).selectOption(router));
      await untilReset();
      const says = page.getByText('A dense model has no router: one network processes every point.');
      if (router === 'dense') {
        await says.waitFor();
        assert.equal(await page.locator('#ownership').count(), 0);
        assert.equal(await page.locator('.territories').count(), 0);
        await page.getByText(/^No router: one network processes every point\.$/).waitFor();
      }
      await train(30);
    }
    await page.locator('#setting-experts').fill('12');
    await page.locator('.territories li').nth(11).waitFor();
    await page.locator('#setting-layers').fill('3');
    await page.locator('.figure-ownership').getByLabel('3', { exact: true }).check();
    await page.getByRole('heading', { name: 'Each expert’s territory (layer 3)' }).waitFor();
    await train(10);
    assert.deepEqual(complaints, []);
  });

  it('shows the chosen expert, numbers, or one expert alone, with boundaries, patterns and points', async () => {
    const { page, complaints, train } = await visit(site, 'pace=full&router=smoe');
    await train(150);
    const show = page.getByLabel('Show', { exact: true });
    for (const value of ['weight', 'entropy', 'prediction', 'alone', 'expert']) {
      await changes(page, 'ownership', () => show.selectOption(value));
    }
    for (const name of ['Routing boundaries', 'Patterns', 'Points']) {
      await changes(page, 'ownership', () => page.getByLabel(name, { exact: true }).check());
    }
    await changes(page, 'ownership', () =>
      page.locator('.figure-ownership').getByRole('radio', { name: '2' }).check(),
    );
    const second = page.locator('.territories button').nth(1);
    await changes(page, 'ownership', () => second.click());
    assert.equal(await second.getAttribute('aria-pressed'), 'true');
    assert.equal(await show.inputValue(), 'alone');
    await page.getByText('weight of expert B').waitFor();
    assert.match(page.url(), /show=alone&alone=2/);
    await second.press('Enter');
    assert.equal(await show.inputValue(), 'expert');

    const shares = await page
      .locator('.territory-line')
      .evaluateAll((lines) =>
        lines.map((line) => Number.parseInt(String(line.textContent).slice(1), 10) || 0),
      );
    const sum = shares.reduce((total, share) => total + share, 0);
    assert.ok(Math.abs(sum - 100) <= 4, `all loads together: ${sum} %`);
    for (const figure of ['decision', 'ownership', 'territories']) {
      await page.locator(`.figure-${figure}`).getByText('As a table').click();
    }
    await page.locator('.figure-territories tbody tr').nth(5).waitFor();
    const cells = await page.locator('.figure-ownership .places td').allInnerTexts();
    assert.equal(cells.length, 121);
    assert.ok(cells.every((text) => /^([A-F] \d+ %|tied)$/.test(text)));
    assert.match(
      await page.locator('.figure-decision .places td').first().innerText(),
      /^(circle|triangle) \d+ %$/,
    );
    assert.deepEqual(complaints, []);
  });

  it('gives the router probabilities of every place, by pointer and by key', async () => {
    const { page, train, readout } = await visit(site, 'pace=full&topK=3');
    await train(100);
    await page.locator('.figure-ownership').getByText('As a table').click();
    const cell = (/** @type {number} */ x, /** @type {number} */ y) =>
      page
        .locator('.figure-ownership .places tbody tr')
        .nth(5 - y)
        .locator('td')
        .nth(x + 5)
        .innerText();
    for (const [id, x, y] of /** @type {const} */ ([
      ['ownership', 3, 4],
      ['decision', -4, 2],
      ['ownership', 0, -5],
    ])) {
      const box = await boxOf(page, id);
      await page.mouse.move(box.x + x * box.unit, box.y - y * box.unit);
      const told = await readout('plane');
      assert.match(String(told.character), /^x −?\d\.\d\d, y −?\d\.\d\d$/);
      const place =
        String(told.character)
          .replaceAll('−', '-')
          .match(/-?\d\.\d+/g)
          ?.map(Number) ?? [];
      assert.ok(Math.abs(place[0] - x) < 0.05 && Math.abs(place[1] - y) < 0.05, String(told.character));
      const sum = told.probabilities.reduce((total, p) => Number(total) + Number(p), 0);
      assert.ok(Math.abs(Number(sum) - 100) <= 3);
      assert.equal(told.chosen.length, 3);
      const weights = told.weights.map((weight) => weight ?? 0);
      assert.ok(Math.abs(weights.reduce((total, w) => total + w, 0) - 100) <= 2);
      assert.equal(told.next, 2);
      const [first, weight] = (await cell(x, y)).split(' ');
      if (first !== 'tied') {
        const said = Math.max(...weights);
        assert.ok(Math.abs(said - Number(weight)) <= 1, `${said} % here, ${weight} % in the table`);
      }
    }
    await page.mouse.move(0, 0);
    await page.locator('#ownership').focus();
    const place = async () => (await readout('plane')).character;
    assert.equal(await place(), 'x 0.00, y 0.00');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowUp');
    assert.equal(await place(), 'x 0.25, y 1.00');
    for (let i = 0; i < 8; i++) await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press('ArrowDown');
    assert.equal(await place(), 'x −6.00, y 0.75', 'no further than the edge');
  });
});

describe('painting', () => {
  it('works by pointer and by key, each stroke one change; a link has all points', async () => {
    const original = await visit(site, 'data=painted&pace=20');
    const { page, complaints, notices, button, step, train } = original;
    assert.equal(await points(page), 0);
    await button('Start').click();
    await notices.filter({ hasText: 'Too few points: 0. Add at least 8.' }).waitFor();
    assert.equal(await step(), 0);

    /** @param {number} from @param {number} to @param {number} height */
    const stroke = async (from, to, height) => {
      const { x, y, unit } = await boxOf(page, 'decision');
      await page.mouse.move(x + from * unit, y - height * unit);
      await page.mouse.down();
      await page.mouse.move(x + to * unit, y - height * unit, { steps: 24 });
      const before = await points(page);
      await page.mouse.up();
      await page.waitForFunction(
        (old) =>
          !document.querySelector('#decision')?.getAttribute('aria-label')?.includes(`with ${old} points`),
        before,
      );
    };
    await stroke(-4, 4, 3);
    const first = await points(page);
    assert.ok(first >= 12 && first <= 21, `${first} points`);
    await page.getByLabel('triangle', { exact: true }).check();
    await stroke(-4, 4, -3);
    const second = await points(page);
    assert.ok(second > first);
    await page.keyboard.press('Control+z');
    await untilPoints(page, first);
    await page.keyboard.press('Control+Shift+z');
    await untilPoints(page, second);

    await page.mouse.move(0, 0);
    await page.locator('#decision').focus();
    for (let i = 0; i < 4; i++) await page.keyboard.press('Shift+ArrowUp');
    await page.keyboard.press('Enter');
    await untilPoints(page, second + 1);
    await page.keyboard.press('Shift+ArrowLeft');
    await page.keyboard.press(' ');
    await untilPoints(page, second + 2);
    await page.keyboard.press('Delete');
    await untilPoints(page, second + 1);
    await page.getByLabel('Eraser').check();
    await stroke(-4.2, 4.2, 3);
    const left = await points(page);
    assert.ok(left < second && left >= 8, `${left} left`);

    assert.match(page.url(), /painted=[A-Za-z0-9_-]+/);
    const again = await visit(site, new URL(page.url()).hash.slice(1));
    assert.equal(await points(again.page), left);
    assert.deepEqual(again.complaints, []);

    await train(12);
    await button('Clear').click();
    await untilPoints(page, 0);
    await page.keyboard.press('Control+z');
    await untilPoints(page, left);
    assert.deepEqual(complaints, []);
  });

  it('starts from other points, and says which points of a link it skipped', async () => {
    const { page, button, notices } = await visit(site, 'data=moons&points=60');
    await button('Paint points').click();
    await page.getByText('60 of at most 300 points.', { exact: false }).waitFor();
    assert.match(page.url(), /data=painted&painted=[A-Za-z0-9_-]{180}/);
    await undo(page).click();
    await page.getByRole('button', { name: 'Paint points' }).waitFor();
    const other = await visit(site, `data=painted&painted=${'AAA'.repeat(9)}!!!___`);
    await other.notices.filter({ hasText: '2 painted points were skipped' }).waitFor();
    assert.equal(await points(other.page), 9);
    assert.equal(await notices.count(), 0);
  });
});

describe('models of the playground', () => {
  it('come back with their settings when a change is undone, and redone', async () => {
    const { page, train, step, fact, untilReset, complaints } = await visit(site, 'layers=1');
    const at = await train(60);
    const loss = await fact('Training loss').innerText();
    await page.getByLabel('Router', { exact: true }).selectOption('smoe');
    await untilReset();
    const other = await train(20);
    await undo(page).click();
    await eventually(async () => {
      assert.equal(await step(), at);
      assert.equal(await fact('Training loss').innerText(), loss);
    });
    assert.equal(await page.getByLabel('Router', { exact: true }).inputValue(), 'hyperrouter');
    await page.keyboard.press('Control+y');
    await eventually(async () => assert.equal(await step(), other));
    await page.keyboard.press('Control+z');
    await eventually(async () => assert.equal(await step(), at));
    assert.ok((await train(at + 20)) > at, 'and it learns on');
    assert.deepEqual(complaints, []);
  });

  it('that are opened have a history from then on, and files that hold none are named', async () => {
    const { page, train, button, step, saved, notices } = await visit(site, 'layers=1');
    const at = await train(40);
    const { bytes } = await saved(() => button('Save the model').click());
    await button('Reset').click();
    const picker = page.locator('input[type=file]').last();
    for (const [name, buffer, message] of /** @type {const} */ ([
      [
        'notes.txt',
        Buffer.from('{"some": "words", "and": "more of them"}'),
        /^notes\.txt is not a safetensors file\./,
      ],
      ['cut.safetensors', bytes.subarray(0, bytes.length - 9), /^cut\.safetensors is truncated/],
    ])) {
      await picker.setInputFiles({ name, mimeType: '', buffer });
      await notices.filter({ hasText: message }).waitFor();
    }
    await picker.setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: bytes });
    await eventually(async () => assert.equal(await step(), at));
    const axis = page.locator('.figure-load-history .axis span');
    await eventually(async () =>
      assert.deepEqual(await axis.allInnerTexts(), ['', `step ${at.toLocaleString('en')}`]),
    );
    const then = await train(at + 30);
    await eventually(async () =>
      assert.deepEqual(
        await axis.allInnerTexts(),
        [at, then].map((step, i) => `${i ? 'step ' : ''}${step.toLocaleString('en')}`),
      ),
    );
  });
});

describe('the playground for everyone', () => {
  const axe = readFile(new URL(import.meta.resolve('axe-core')), 'utf8');

  it('passes axe, wide and light, narrow and dark', async () => {
    const hash = `pace=full&data=painted&painted=${'AAA'.repeat(9)}`;
    const { page, train } = await visit(site, hash);
    await train(20);
    await page.evaluate(await axe);
    for (const [width, colorScheme] of /** @type {const} */ ([
      [1440, 'light'],
      [390, 'dark'],
    ])) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run('#app'));
      const found = violations.map((/** @type {any} */ { id, nodes }) => [
        id,
        nodes.map((/** @type {any} */ node) => node.html),
      ]);
      assert.deepEqual(found, [], `${width} ${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} pixels at a width of ${width}`);
    }
  });
});
