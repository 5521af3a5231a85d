import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { open, stable, visit } from './browser.js';
import { assertAsInNode } from './node-runs.js';

/** @type {Awaited<ReturnType<typeof open>>} */
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

/** The heat maps of the room, by the beginning of their name. @param {import('playwright-core').Page} page */
const matrices = (page) => (/** @type {string} */ name) =>
  page.getByRole('slider', { name: new RegExp(`^${name}`) });

/** @param {string} words that end with a number */
const numberIn = (words) => Number(words.replaceAll('−', '-').match(/-?\d[\d.]*(e-?\d+)?$/)?.[0]);

/** A step as the page says it. @param {number} step */
const shown = (step) => step.toLocaleString('en');

/** The value under the cursor. @param {import('playwright-core').Page} page */
const valueOn = (page) => page.locator('.heat-tip b').innerText();

describe('inside the router', () => {
  it('shows every value on request, by pointer and by key, and what it is computed from', async () => {
    const { page, complaints } = await visit(site, 'room=inside');
    const matrix = matrices(page);
    const v = matrix('The embedding v');
    await v.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const tip = page.locator('.heat-tip');
    assert.match(await tip.innerText(), /^v, component 2 −?\d/);
    assert.match(String(await v.getAttribute('aria-valuetext')), /^v, component 2: −?\d/);
    assert.equal(await v.getAttribute('aria-valuenow'), '2');
    assert.equal(await page.locator('.area-first .heat-line').count(), 1, 'its column of H1 is marked');
    await page.getByRole('heading', { name: 'Effect of one component of v on R and b' }).waitFor();
    assert.equal(await page.getByLabel('Component of v', { exact: true }).inputValue(), '2');
    await page.keyboard.press('Escape');
    assert.equal(await tip.count(), 0);

    const weights = matrix('R and b');
    const box = await weights.boundingBox();
    assert.ok(box);
    // Six experts, and 32 numbers and b for each.
    await weights.hover({ position: { x: (4.5 / 33) * box.width, y: (2.5 / 6) * box.height } });
    assert.match(
      await tip.innerText(),
      /^R, expert C, column 5 −?\d[\s\S]*row 71 of H₂ times h: 1,024 products/,
    );
    assert.equal(await page.locator('.area-second .heat-line').count(), 1);
    const shown = numberIn(await valueOn(page));
    await page.mouse.move(0, 0);
    assert.equal(await tip.count(), 0);

    await page.locator('.figure-router-diagram').getByText('As a table').click();
    const row = page.locator('.figure-router-diagram tbody tr').nth(4);
    assert.equal(numberIn(await row.locator('td').nth(3).innerText()), shown);
    assert.deepEqual(complaints, []);
  });

  it('follows v while it trains, and goes back in time', async () => {
    const { page, complaints, button, train, record } = await visit(site, 'room=inside');
    const matrix = matrices(page);
    const v = matrix('The embedding v');
    const first = async () => {
      await v.focus();
      await page.keyboard.press('Home');
      const told = await valueOn(page);
      await page.keyboard.press('Escape');
      return told;
    };
    const wall = page.locator('.area-first canvas');
    const pixels = () => wall.evaluate((canvas) => /** @type {HTMLCanvasElement} */ (canvas).toDataURL());
    await v.waitFor();
    const [atFirst, frozen] = [await first(), await stable(pixels)];

    assert.equal(await matrix('Negative gradient').count(), 0, 'there is no gradient yet');
    await button('One step').click();
    await matrix('Negative gradient of v').waitFor();
    const at = await train(60);
    const path = page.getByRole('img', {
      name: new RegExp(
        `^Path of v. Step ${shown(at)}: v is (?!0 )[\\d.]+ from its start, after travelling [\\d.]+`,
      ),
    });
    await path.waitFor();
    assert.ok((await page.locator('.path-piece').count()) > 5);
    const moved = page.locator('.figure-router-drift .figure-fact');
    assert.ok(Number((await moved.innerText()).match(/R is ([\d.]+) from its start/)?.[1]) > 0);
    const last = await first();
    assert.equal(await stable(pixels), frozen, 'H1 has not');

    const time = page.getByRole('slider', { name: 'Time' });
    await time.focus();
    await page.keyboard.press('Home');
    await moved.filter({ hasText: 'Step 0: R is 0 from its start' }).waitFor();
    assert.equal(await first(), atFirst);
    await button('Back to now').click();
    await moved.filter({ hasText: `Step ${shown(at)}: ` }).waitFor();
    assert.equal(await first(), last);
    await assertAsInNode((await record()).runs, 60);
    assert.deepEqual(complaints, []);
  });

  it('has a diagram of its own for each router', async () => {
    const { page, train, untilReset } = await visit(site, 'room=inside');
    const matrix = matrices(page);
    const router = page.getByLabel('Router', { exact: true });
    const current = () => page.locator('.learns .is-current th').innerText();
    const arrows = () => page.locator('.router-diagram .link-back').count();
    await page.locator('.router-diagram[data-router=hyperrouter]').waitFor();
    assert.equal(await arrows(), 5);

    await router.selectOption('smoe');
    await page.locator('.router-diagram[data-router=smoe]').waitFor();
    await untilReset();
    const at = await train(20);
    await matrix('Negative gradient of R').waitFor();
    const [weights, gradient] = await Promise.all(
      ['R and b', 'Negative gradient of R'].map((name) => matrix(name).boundingBox()),
    );
    assert.deepEqual([gradient?.x, gradient?.width], [weights?.x, weights?.width], 'cells below each other');
    assert.equal(await arrows(), 1);
    assert.match(await current(), /^Standard top-k \(SMoE\)/);
    await page.locator('.figure-path').waitFor({ state: 'detached' });
    const fact = page.locator('.figure-router-drift .figure-fact');
    // The worker copies R for the page now and then: what is shown may still be that of an early step.
    await fact.filter({ hasText: `Step ${shown(at)}: ` }).waitFor();
    assert.ok(Number((await fact.innerText()).match(/R is ([\d.]+) from its start/)?.[1]) > 0.01);

    await router.selectOption('smoe-dropout');
    await page.locator('.router-diagram[data-router=smoe-dropout]').waitFor();
    await train(20);
    await fact.filter({ hasText: 'R is frozen' }).waitFor();
    assert.equal(await arrows(), 0);
    assert.equal(await matrix('Negative gradient').count(), 0);

    await router.selectOption('dense');
    await page.getByRole('heading', { name: 'No router (layer 1)' }).waitFor();
    assert.match(await current(), /^Dense/);
    assert.equal(await page.locator('.figure-similarity').count(), 0);
  });

  it('shows that with softmax over the chosen experts k = 1 teaches the router nothing', async () => {
    const { page, train } = await visit(site, 'room=inside&topK=1');
    await page.getByText('k = 1 teaches the router nothing').waitFor();
    const at = await train(30);
    await page
      .locator('.figure-router-drift')
      .getByText(`Step ${shown(at)}: R is 0 from its start`)
      .waitFor();
    assert.equal(await page.locator('.router-diagram .link-back').count(), 0);
    assert.equal(await page.locator('.router-diagram .link-end').count(), 1);
  });

  it('shows the text’s run too, layer by layer, and its address says so', async () => {
    const small = 'experts=5&layers=2&dModel=32&dInner=32&batchSize=4&contextLength=32';
    const { page } = await visit(site, `room=inside&of=text&${small}&gateLayer=2`);
    await page.getByRole('heading', { name: 'Router diagram (layer 2)' }).waitFor();
    assert.equal(await page.locator('.area-weights .chip').count(), 5);
    const weights = matrices(page)('R and b');
    const second = await weights.getAttribute('aria-label');
    await page.locator('.inside-tools').getByRole('radio', { name: '1', exact: true }).check();
    await page.getByRole('heading', { name: 'Router diagram (layer 1)' }).waitFor();
    assert.notEqual(await weights.getAttribute('aria-label'), second);
    await page.getByRole('radio', { name: 'Playground' }).check();
    await page.locator('.area-weights .chip').nth(5).waitFor();
    await page.waitForFunction(() => !location.hash.includes('of=text'));
    assert.match(page.url(), /room=inside/);
    assert.doesNotMatch(page.url(), /gateLayer|contextLength/);
  });

  it('shows the similarity of the rows, as a picture and as a table', async () => {
    const { page } = await visit(site, 'room=inside&experts=4');
    const map = matrices(page)('Cosines between the rows of R');
    assert.match(
      String(await map.getAttribute('aria-label')),
      /Mean over 6 pairs: −?\d\.\d\d\. Most similar/,
    );
    await map.focus();
    await page.keyboard.press('End');
    assert.match(await page.locator('.heat-tip').innerText(), /^D and C −?\d/);
    const cosine = numberIn(await valueOn(page));
    await page.locator('.figure-similarity').getByText('As a table').click();
    const cells = page.locator('.figure-similarity tbody tr').last().locator('td');
    assert.ok(Math.abs(numberIn(await cells.last().innerText()) - cosine) <= 0.0051);
    await page.mouse.move(0, 0);
    await page.getByLabel('Component of v', { exact: true }).fill('7');
    await page.getByText('per unit of component 7 of v').waitFor();
  });

  it('passes axe, and fits any width', async () => {
    const { page, train } = await visit(site, 'room=inside');
    await train(10);
    for (const summary of await page.getByText('As a table').all()) await summary.click();
    assert.deepEqual(await violations(page), []);
    for (const width of [390, 700, 1100, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForFunction((most) => document.documentElement.scrollWidth <= most, width);
    }
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 900 });
    assert.deepEqual(await violations(page), [], 'dark, 390 px');
  });
});
