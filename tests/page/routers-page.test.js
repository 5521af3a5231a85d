import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually, open, visit } from './browser.js';
import { assertAsInNode } from './node-runs.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
afterEach(() => site.clear());
after(() => site.close());

/** Models of this size take a few milliseconds per step. */
const small =
  'room=routers&dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=2&contextLength=32&hyperSize=64&steps=50';

/** @param {import('playwright-core').Page} page */
const scanned = (page) =>
  page
    .locator('.all-k tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)),
    );

/** @param {import('playwright-core').Page} page @param {number} rows */
async function untilScanned(page, rows) {
  await page.getByRole('button', { name: 'Evaluate again' }).waitFor();
  const table = await scanned(page);
  assert.equal(table.length, rows);
  return table;
}

describe('routers side by side', () => {
  it('train together to the last step, and evaluate every k; the same link gives the same losses', async () => {
    const { page, complaints, button, step, record } = await visit(site, small);
    await page.getByRole('checkbox', { name: 'smoe-dropout' }).uncheck();
    await page.waitForFunction(() => document.querySelectorAll('.models thead th').length === 3);
    await button('Start').click();
    const table = await untilScanned(page, 4);
    assert.equal(await step(), 50);
    assert.ok(table.flat().every((text) => Number(text) > 0 && Number(text) < 8));
    const losses = await page.locator('.models').innerText();
    assert.match(
      losses,
      /HyperRouter[\s\S]*Standard top-k \(SMoE\)[\s\S]*Dense[\s\S]*Active per character.*all/,
    );
    assert.match(await page.locator('.verdict').innerText(), /^Too early/);

    // Slowly, so that there is something left to train after the pause.
    const again = await visit(site, `${new URL(page.url()).hash.slice(1)}&pace=10`);
    assert.equal(await again.page.getByRole('checkbox', { name: 'smoe-dropout' }).isChecked(), false);
    // Other slices, the same steps.
    await again.train(10);
    await again.button('One step').click();
    await again.page
      .getByText(/Paused at step/)
      .first()
      .waitFor();
    await again.page.locator('#setting-pace').selectOption('full');
    await again.button('Start').click();
    await again.page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '50');
    await again.page.waitForFunction(
      (wanted) => document.querySelector('.all-k')?.textContent?.includes(wanted),
      table.at(-1)?.[1] ?? '',
    );
    assert.deepEqual(await untilScanned(again.page, 4), table);
    assert.deepEqual(await again.page.locator('.models').innerText(), losses);
    const files = [await record(), await again.record()];
    await assertAsInNode(files[0].runs, 50);
    const [kept, replayed] = files.map(({ runs }) =>
      runs.map((/** @type {any} */ { router, losses: { train }, heldOut, lossByK, measures }) => {
        assert.equal(train.length, 50);
        return { router, train, heldOut, lossByK, measures };
      }),
    );
    assert.equal(kept.length, 3);
    assert.deepEqual(replayed, kept, 'to the last bit');
    assert.deepEqual([...complaints, ...again.complaints], []);
  });

  it('pause, restart when a setting changes, and are undone', async () => {
    const { page, complaints, button, step, untilStep, untilReset } = await visit(
      site,
      small.replace('=50', '=5000'),
    );
    await button('Start').click();
    await untilStep(20);
    await button('Pause').click();
    await button('Start').waitFor();
    await untilScanned(page, 4);
    const loads = page.locator('.load-history canvas');
    assert.equal(await loads.count(), 3);
    assert.match(
      (await loads.first().getAttribute('aria-label')) ?? '',
      /Expert load in layer 1.*A <?\d+ %, B/,
    );
    await page.getByLabel('Seed', { exact: true }).fill('2');
    await page.getByLabel('Seed', { exact: true }).press('Enter');
    await untilReset();
    assert.match(page.url(), /seed=2/);
    await page.locator('.all-k').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Undo/ }).click();
    await eventually(async () => assert.doesNotMatch(page.url(), /seed=/));
    await page.getByRole('button', { name: 'One step', exact: true }).click();
    await untilStep(1);
    assert.equal(await step(), 1);
    assert.deepEqual(complaints, []);
  });

  it('learn points too, each with a map; suitable sizes are set with them, and undone with them', async () => {
    const { page, complaints, button } = await visit(site, `${small}&dense=0&smoe-dropout=0`);
    await page.getByLabel('Data').selectOption('moons');
    await page.waitForFunction(() => document.querySelectorAll('.owner-map').length === 2);
    assert.match(page.url(), /data=moons/);
    assert.match(page.url(), /learningRate=0\.01/);
    await button('One step').click();
    await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '1');
    await button('Start').waitFor();
    const map = page.locator('.owner-map').first();
    assert.match((await map.getAttribute('aria-label')) ?? '', /chosen expert, HyperRouter: A <?\d+ %, B/);
    await page.getByRole('button', { name: /^Undo: Data/ }).click();
    await page.waitForFunction(() => document.querySelectorAll('.owner-map').length === 0);
    assert.match(page.url(), /dInner=32/);
    assert.deepEqual(complaints, []);
  });

  it('have several seeds, drawn with a band over their range, and recorded one by one', async () => {
    const { page, complaints, button, step, record, saved } = await visit(
      site,
      `${small}&dense=0&smoe-dropout=0&seed=7`,
    );
    // By keys, as for any slider.
    await page.getByRole('slider', { name: 'Seeds' }).press('ArrowRight');
    await page
      .getByText(/Mean of 2 seeds/)
      .first()
      .waitFor();
    assert.match(page.url(), /seeds=2/);
    await button('Start').click();
    await untilScanned(page, 4);
    assert.equal(await step(), 50);
    const { runs } = await record();
    assert.deepEqual(
      runs.map((/** @type {any} */ { router, config }) => `${router} ${config.seed}`),
      ['hyperrouter 7', 'hyperrouter 8', 'smoe 7', 'smoe 8'],
    );
    const label = await page.locator('.figure-routers-loss .line-chart').getAttribute('aria-label');
    const [, mean, low, high] = (label?.match(/HyperRouter: .*?held-out (\S+) \((\S+) to (\S+)\)/) ?? []).map(
      Number,
    );
    const last = [0, 1].map((i) => runs[i].heldOut.at(-1).loss / Math.LN2);
    assert.equal(low.toFixed(2), Math.min(...last).toFixed(2));
    assert.equal(high.toFixed(2), Math.max(...last).toFixed(2));
    assert.ok(low <= mean && mean <= high);

    const figure = page.locator('.figure-routers-entropy');
    await figure.getByRole('button', { name: /^Save/ }).click();
    const { bytes } = await saved(() => figure.getByRole('button', { name: 'Image (SVG)' }).click());
    const svg = bytes.toString();
    assert.equal(svg.match(/<polygon/g)?.length, 2, 'two bands');
    assert.equal(svg.match(/<polyline/g)?.length, 2, 'two lines');
    assert.match(svg, />HyperRouter<.*>Standard/s);
    assert.doesNotMatch(svg, /<image/);
    assert.deepEqual(complaints, []);
  });

  it('evaluate every k while they train, and continue', async () => {
    const { page, complaints, button, untilStep, step } = await visit(site, small.replace('=50', '=5000'));
    await button('Start').click();
    await untilStep(10);
    await button('Evaluate every k').click();
    const table = await untilScanned(page, 4);
    assert.ok(table.flat().every((text) => Number(text) > 0));
    assert.ok(await button('Pause').isVisible());
    const caption = await page.locator('.figure-routers-by-k .caption').innerText();
    const at = Number(caption.match(/at step ([\d,]+)/)?.[1].replaceAll(',', ''));
    assert.ok(at >= 10 && at <= (await step()));
    await untilStep(at + 10);
    assert.deepEqual(complaints, []);
  });

  it('say everything in words and tables too, and a comparison needs at least two', async () => {
    const { page, complaints, notices, untilStep, button } = await visit(
      site,
      `${small}&hyperrouter=0&smoe=0&smoe-dropout=0`,
    );
    assert.match(await notices.first().innerText(), /at least 2 routers\. Added: HyperRouter\./);
    assert.ok(await page.getByRole('checkbox', { name: 'dense' }).isDisabled());
    await button('Start').click();
    await untilStep(50);
    const charts = page.locator('.line-chart');
    assert.equal(await charts.count(), 8);
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.line-chart')].every((chart) =>
        /\d\.\d\d/.test(chart.getAttribute('aria-label') ?? ''),
      ),
    );
    assert.match(
      (await charts.first().getAttribute('aria-label')) ?? '',
      /HyperRouter: training \d\.\d\d, held-out/,
    );
    for (const summary of await page.locator('.as-table summary').all()) await summary.click();
    await page.waitForFunction(() => document.querySelectorAll('.as-table table').length === 9);
    for (const rows of await page.locator('.as-table tbody').all())
      assert.ok((await rows.locator('tr').count()) > 0);
    assert.deepEqual(complaints, []);
  });

  it('pause while the tab is hidden, and continue with a notice; in another room they pause', async () => {
    const { page, button, untilStep, step, notices } = await visit(site, small.replace('=50', '=5000'));
    await button('Start').click();
    await untilStep(5);
    const hide = (/** @type {boolean} */ hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { value, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    await button('Start').waitFor();
    const held = await step();
    await hide(false);
    await untilStep(held + 5);
    assert.match(await notices.first().innerText(), /was paused while this tab was hidden/);
    await page.locator('.rooms').getByRole('link', { name: 'Text' }).click();
    await page.locator('#probe').waitFor();
    await page.locator('.rooms').getByRole('link', { name: 'Side by side' }).click();
    await button('Start').waitFor();
    assert.ok((await step()) < 5000);
  });

  it('pass axe, and fit any width', async () => {
    const { page, button } = await visit(site, small);
    await button('Start').click();
    await untilScanned(page, 4);
    for (const summary of await page.locator('.columns-routers summary').all()) await summary.click();
    await page.evaluate(await readFile(new URL(import.meta.resolve('axe-core')), 'utf8'));
    for (const [colorScheme, width] of /** @type {const} */ ([
      ['light', 390],
      ['dark', 1440],
      ['light', 800],
    ])) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.waitForFunction((most) => document.documentElement.scrollWidth <= most, width);
      const found = await page.evaluate(async () => {
        // What is the same in all rooms is tested with the page.
        const room = { include: [['.transport'], ['.columns-routers']] };
        const { violations } = await /** @type {any} */ (globalThis).axe.run(room);
        return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html}`);
      });
      assert.deepEqual(found, [], `${colorScheme}, ${width} px`);
    }
    const low = await page
      .locator(
        'button, select, input:not([type=checkbox], [type=radio], .unseen), label:has(> .unseen), .check, .segments span, summary',
      )
      .evaluateAll((all) =>
        all.filter(
          (one) => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().height < 44,
        ),
      );
    assert.equal(low.length, 0);
  });
});
