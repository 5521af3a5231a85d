import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { toCsv } from '../../demo/export/csv.js';
import { historyRecord, toJson } from '../../demo/export/run-record.js';
import { fileName } from '../../demo/export/save.js';
import { open, visit } from './browser.js';

describe('files', () => {
  it('have names that say what is in them', () => {
    assert.equal(
      fileName(['text', 'load-history', 'step 120'], 'svg'),
      'hyperrouter-text-load-history-step-120.svg',
    );
    assert.equal(fileName(['', undefined, 'a/b: c?'], 'csv'), 'hyperrouter-a-b-c.csv');
  });

  it('of tables are read by spreadsheets as they were meant', () => {
    const rows = [
      ['step', 'a, b', 'say "x"'],
      [1, 0.1 + 0.2, null],
      ['=1+1', '-2', '- no number'],
      ['two\nlines', ' ', -3],
    ];
    assert.equal(
      toCsv(rows),
      '\ufeffstep,"a, b","say ""x"""\r\n1,0.30000000000000004,\r\n\'=1+1,-2,\'- no number\r\n"two\nlines"," ",-3\r\n',
    );
  });

  it('of runs give every number back as it was', () => {
    const of = (/** @type {any} */ value) => /** @type {any} */ ({ peek: () => value });
    const train = [1 / 3, Math.fround(0.1), 5e-324];
    const kept = historyRecord(
      {
        summary: of({ config: { seed: 1 }, data: { probe: Uint8Array.of(1, 2) } }),
        step: of(3),
        losses: of({
          every: 1,
          steps: [1, 2, 3],
          train,
          smooth: train,
          heldOut: [],
          pending: 0,
          pendingCount: 0,
        }),
        measures: of({ entries: [{ step: 0, layers: [{ load: Float32Array.of(0.25) }] }] }),
        loads: of({ entries: [] }),
        lossByK: of(null),
      },
      'byte',
    );
    const engine = { info: { variant: 'simd', threads: 1, version: '1.2.3' } };
    const back = JSON.parse(toJson({ records: [kept], address: 'x', engine }));
    assert.deepEqual(back.runs[0].losses.train, train);
    assert.deepEqual(back.runs[0].data.probe, [1, 2]);
    assert.deepEqual(back.runs[0].measures[0].layers[0].load, [0.25]);
    assert.equal(back.package.version, '1.2.3');
  });
});

describe('a figure', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    site = await open();
  });
  afterEach(() => site.clear());
  after(() => site.close());

  /**
   * @param {import('./browser.js').Visit} at
   * @param {string} name of the figure
   * @param {'PNG' | 'SVG' | 'CSV'} kind
   */
  const save = async ({ page, saved }, name, kind) => {
    const figure = page.locator(`.figure-${name}`);
    await figure.getByRole('button', { name: /^Save/ }).click();
    return saved(() => figure.getByRole('button', { name: `(${kind})` }).click());
  };

  /** Draws a picture, and looks at it. @param {import('playwright-core').Page} page @param {string} svg */
  const look = (page, svg) =>
    page.evaluate(async (text) => {
      const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
      const image = new Image();
      image.src = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
      await image.decode();
      const { width, height } = image;
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      const colours = new Set();
      for (let i = 0; i < data.length; i += 4) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
      return {
        title: parsed.querySelector('title')?.textContent,
        description: parsed.querySelector('desc')?.textContent,
        words: [...parsed.querySelectorAll('text')].map(({ textContent }) => textContent).join(' '),
        bitmaps: parsed.querySelectorAll('image').length,
        foreign: parsed.querySelectorAll('foreignObject').length,
        shapes: parsed.querySelectorAll('rect, polygon, polyline, circle').length,
        colours: colours.size,
        fills: [...parsed.querySelectorAll('[fill]')].map((shape) => shape.getAttribute('fill')),
        width,
        height,
      };
    }, svg);

  it('of boxes and letters is saved as such', async () => {
    const at = await visit(site);
    const { page, train, complaints, letters } = at;
    const step = await train(40);
    const { name, bytes } = await save(at, 'text', 'SVG');
    assert.equal(name, `hyperrouter-text-text-step-${step}.svg`);
    const seen = await look(page, bytes.toString());
    assert.equal(seen.title, await page.locator('.figure-text h2').innerText());
    assert.ok(seen.description?.includes(page.url()) && seen.description.includes(`step ${step}`));
    assert.equal(seen.bitmaps + seen.foreign, 0);
    const shown = (await letters()).filter(Boolean);
    for (const letter of new Set(shown)) {
      const times = shown.filter((one) => one === letter).length;
      const drawn = seen.words.split(' ').filter((word) => word === letter).length;
      assert.ok(drawn >= times, `${letter} is drawn ${drawn} times, and shown ${times} times`);
    }
    assert.ok(
      seen.shapes > (await page.locator('#probe .cell').count()),
      'a box for every character at least',
    );
    assert.doesNotMatch(seen.words, /As a table|Paler with less weight|Save/, 'controls are no part of it');
    assert.equal(await page.locator('.figure-text .tools').isVisible(), true, 'and are there again');
    assert.deepEqual(complaints, []);
  });

  it('on a canvas is drawn again with lines and letters', async () => {
    const at = await visit(site);
    await at.train(60);
    // What draws it is loaded with its first values.
    await at.page.locator('.figure-loss .uplot').waitFor();
    const loss = await look(at.page, (await save(at, 'loss', 'SVG')).bytes.toString());
    assert.equal(loss.bitmaps, 0);
    assert.match(loss.words, /training/);
    assert.match(loss.words, /held-out/);
    assert.match(loss.words, /\b4\b.*\b8\b/, 'the axis has its numbers');
    const loads = await look(at.page, (await save(at, 'load-history', 'SVG')).bytes.toString());
    assert.equal(loads.bitmaps, 0);
    for (const colour of ['#c3e41d', '#2f2087', '#5f7106', '#f49191'])
      assert.ok(loads.fills.includes(colour), colour);
    assert.ok(loads.colours > 5);
  });

  it('that can be pressed is in its picture, and a formula has its bars', async () => {
    const plane = await visit(site, 'room=plane&pace=full&experts=3');
    await plane.train(30);
    const shares = await look(plane.page, (await save(plane, 'territories', 'SVG')).bytes.toString());
    assert.equal(shares.bitmaps, 3);
    assert.match(shares.words, /\bA\b.* %.*\bB\b.* %.*\bC\b.* %/);
    const text = await visit(site);
    await text.page.locator('.profile-item').first().waitFor();
    const profiles = await look(text.page, (await save(text, 'profiles', 'SVG')).bytes.toString());
    assert.match(profiles.words, /\bA\b.* × /);
    const inside = await visit(site, 'room=inside');
    await inside.train(30);
    // Its chart is drawn when the module that draws is there.
    await inside.page.locator('.figure-router-drift .uplot').waitFor();
    for (const name of ['router-drift', 'similarity']) {
      const { words, bitmaps } = await look(inside.page, (await save(inside, name, 'SVG')).bytes.toString());
      assert.match(words, /0\.00/, 'the axis has its numbers');
      assert.equal(bitmaps, name === 'router-drift' ? 0 : 1, 'only the map is one of pixels');
    }
    const formulas = (await save(inside, 'jacobian', 'SVG')).bytes.toString();
    const fractions = await inside.page.locator('.figure-jacobian mfrac').count();
    assert.ok(fractions >= 3);
    const bars = formulas.match(/<line [^>]*stroke-width="1(\.\d+)?"/g);
    assert.equal(bars?.length, fractions + 1, 'and the line below the title');
    assert.match(formulas, /font-style="italic"[^>]*>R</);
  });

  it('is saved with two dots for each pixel', async () => {
    const at = await visit(site);
    await at.train(10);
    for (const name of ['load', 'load-history']) {
      const png = await save(at, name, 'PNG');
      assert.deepEqual([...png.bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      const svg = await look(at.page, (await save(at, name, 'SVG')).bytes.toString());
      assert.equal(png.bytes.readUInt32BE(16), 2 * svg.width);
      assert.equal(png.bytes.readUInt32BE(20), 2 * svg.height);
      assert.ok(png.bytes.length > 10_000, 'it is not empty');
    }
  });

  it('has its table as CSV, though nobody opened it, with all numbers that there are', async () => {
    const at = await visit(site);
    await at.train(30);
    const text = (await save(at, 'text', 'CSV')).bytes.toString().replace('\ufeff', '');
    const rows = text.trim().split('\r\n');
    assert.match(rows[0], /^Token,"Expert 1, weight"/);
    assert.equal(rows.length - 1, await at.page.locator('#probe .cell').count());
    const losses = (await save(at, 'loss', 'CSV')).bytes.toString().trim().split('\r\n');
    const { runs } = await at.record();
    const [{ losses: kept, heldOut }] = runs;
    const steps = new Set([...kept.steps, ...heldOut.map((/** @type {any} */ { step }) => step)]);
    assert.equal(losses.length - 1, steps.size, 'names, and each step that there is a number of');
    assert.equal(Number(losses[2].split(',')[1]), runs[0].losses.train[0] / Math.LN2);
    assert.ok(
      losses.some((row) => /^20,[^,]+,[^,]+,[\d.]+$/.test(row)),
      'and what is held out',
    );
  });

  it('that is a table is saved as one', async () => {
    const csv = async (/** @type {import('./browser.js').Visit} */ at, /** @type {string} */ name) =>
      (await save(at, name, 'CSV')).bytes.toString().replace('\ufeff', '').trim().split('\r\n');
    const plane = await visit(site, 'room=plane&experts=3&topK=1&pace=full');
    await plane.train(5);
    const loads = (await csv(plane, 'load')).map((row) => row.split(','));
    assert.deepEqual(
      loads.map(([name]) => name),
      ['', 'A', 'B', 'C', 'max load', 'load variation', 'router entropy'],
    );
    assert.equal([1, 2, 3].reduce((sum, row) => sum + Number(loads[row][1]), 0).toFixed(6), '1.000000');
    await plane.button('Evaluate every k').click();
    await plane.button('Evaluate again').waitFor();
    assert.match(
      (await csv(plane, 'top-k')).join(' '),
      /^k,"?held-out loss, bits per point"? 1,[\d.]+ 2,[\d.]+ 3,/,
    );
    const inside = await visit(site, 'room=inside');
    await inside.page.locator('.figure-learns').waitFor();
    assert.match((await csv(inside, 'learns'))[1], /^HyperRouter,\d+,\d+,\d+,computed,/);
    const routers = await visit(site, 'room=routers&layers=1&dModel=16&experts=2&topK=1&steps=20');
    await routers.button('Start').click();
    await routers.button('Evaluate again').waitFor();
    const [names, ...ks] = await csv(routers, 'routers-by-k');
    assert.match(names, /^k,"?HyperRouter, bits per byte/);
    assert.equal(ks.length, 2);
    for (const row of ks)
      assert.ok(
        row.split(',').every((cell) => cell !== '' && Number(cell) > 0),
        row,
      );
  });

  it('is saved by keyboard too, and its menu is closed by Escape', async () => {
    const { page, saved } = await visit(site);
    await page
      .locator('.figure-load')
      .getByRole('button', { name: /^Save ?: Expert load$/ })
      .focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Image (SVG)' }).waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('button', { name: 'Image (SVG)' }).count(), 0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    const { name } = await saved(() => page.keyboard.press('Enter'));
    assert.equal(name, 'hyperrouter-text-load-step-0.svg');
  });
});
