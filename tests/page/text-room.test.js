import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { load } from 'hyperrouter-wasm';
import { openingValues } from '../../demo/text/pretrained.js';
import { eventually, open, painted, small, visit } from './browser.js';
import { trained } from './node-runs.js';

/** @typedef {import('playwright-core').Page} Page */

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

/** @param {Page} page @param {string} id */
async function letters(page, id) {
  await painted(page);
  const cells = page.locator(`#${id} .cell`);
  return cells.evaluateAll((all) => all.map((cell) => cell.getAttribute('data-expert')));
}
/** Waits until so many characters of the passage are dimmed. @param {Page} page @param {number} count */
const untilDimmed = (page, count) =>
  page.waitForFunction((wanted) => {
    const cells = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#probe .cell')]);
    return cells.filter(({ style }) => style.background === 'none').length === wanted;
  }, count);
/**
 * Waits until the letters of the passage are those: pictures follow the controls a frame later.
 *
 * @param {Page} page
 * @param {(string | null)[]} wanted
 */
const untilLetters = (page, wanted) =>
  page.waitForFunction((letters) => {
    const cells = [...document.querySelectorAll('#probe .cell')];
    return cells.every((cell, i) => (cell.getAttribute('data-expert') ?? '') === letters[i]);
  }, wanted);

/** @param {string} name @param {string | Buffer} content */
const file = (name, content) => ({ name, mimeType: '', buffer: Buffer.from(content) });

describe('all layers', () => {
  it('are stripes, in the passage and in generated text, and all are in the readout', async () => {
    const { page, train, button, complaints } = await visit(site, `${small}&layers=3&length=60`);
    await train(60);
    await page.locator('.figure-text').getByLabel('all', { exact: true }).check();
    assert.match(page.url(), /layer=0(&|$)/);
    await page.locator('#probe-7').hover();
    const readout = page.locator('#probe-readout');
    assert.equal(await readout.locator('.readout-experts').count(), 3);
    await button('Generate').click();
    await page.locator('#written-69').waitFor();
    await button('Generate').waitFor();
    for (const id of ['probe', 'written']) {
      const all = (await letters(page, id)).slice(id === 'written' ? 10 : 0);
      assert.ok(
        all.every((cell) => /^[A-D\u00a0](\n[A-D\u00a0]){2}$/.test(String(cell))),
        `${id}: ${all[0]}`,
      );
    }
    const list = page.getByRole('listbox', { name: /Generated text/ });
    await list.focus();
    await page.keyboard.press('End');
    assert.equal(await list.getAttribute('aria-activedescendant'), 'written-69');
    assert.match(
      String(await page.locator('#written-69').getAttribute('aria-label')),
      /layer 1: expert [A-D].*, layer 2: expert [A-D].*, layer 3: expert [A-D]/,
    );
    assert.equal(await page.locator('#written-readout .readout-experts').count(), 3);
    await page.locator('.figure-text').getByText('As a table').click();
    assert.match(
      await page.locator('.figure-text .table-scroll thead').innerText(),
      /Layer 1, weight\s+Layer 2, weight\s+Layer 3/,
    );
    assert.deepEqual(complaints, []);
  });
});

describe('the passage, while the model trains', () => {
  it('is painted where it is in sight, and whole when training rests', async () => {
    const { page, button, saved, step, untilStep } = await visit(site, 'room=text&start=nothing', {
      drawers: false,
    });
    await button('Start').click();
    await untilStep(5);
    await page.evaluate(() => {
      const changed = Object.assign(globalThis, { changed: /** @type {Set<number>} */ (new Set()) }).changed;
      const cells = [...document.querySelectorAll('#probe .cell')];
      const observer = new MutationObserver((all) => {
        for (const { target } of all) changed.add(cells.indexOf(/** @type {Element} */ (target)));
      });
      observer.observe(/** @type {Element} */ (document.querySelector('#probe')), {
        attributeFilter: ['style'],
        subtree: true,
      });
    });
    const last = (await page.locator('#probe .cell').count()) - 1;
    /** Whether a character near the end or the beginning has changed since it was last asked. */
    const changed = () =>
      page.evaluate((end) => {
        const all = /** @type {{ changed: Set<number> }} */ (/** @type {unknown} */ (globalThis)).changed;
        const numbers = [...all];
        all.clear();
        return [numbers.some((i) => i >= 0 && i < 40), numbers.some((i) => i > end - 40)];
      }, last);
    await eventually(async () => assert.deepEqual(await changed(), [true, false]));
    await page.locator('#probe').evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await eventually(async () => assert.deepEqual(await changed(), [false, true]));
    const figure = page.locator('.figure-text');
    // Until a step has routed the first characters otherwise, there is nothing to paint.
    await eventually(async () => {
      await figure.getByRole('button', { name: /^Save/ }).click();
      await saved(() => figure.getByRole('button', { name: '(SVG)' }).click());
      assert.equal((await changed())[0], true, 'a picture of it has all as they are now');
    });
    await untilStep((await step()) + 3);
    await button('Pause').click();
    await eventually(async () => assert.equal((await changed())[0], true, 'all are up to date'));
  });
});

describe('what experts specialise in', () => {
  it('is shown by character class; pointing at a square dims the rest, and selecting it keeps that', async () => {
    const { page, train, complaints } = await visit(site);
    await train(100);
    const grid = page.getByRole('grid', { name: /layer 1/ });
    const shares = await grid
      .locator('tbody tr')
      .evaluateAll((rows) =>
        rows.map((row) =>
          [...row.querySelectorAll('td')].map((cell) =>
            Number(/: <?(\d+) %/.exec(String(cell.getAttribute('aria-label')))?.[1]),
          ),
        ),
      );
    assert.ok(shares.length > 5);
    for (const row of shares) {
      const sum = row.reduce((total, share) => total + share, 0);
      assert.ok(Math.abs(sum - 100) <= 2, `${row}`);
    }
    const words = page.locator('.matrix-words');
    await grid.getByRole('rowheader', { name: 'space' }).hover();
    assert.match(await words.innerText(), /^space: [\d,]+ of [\d,]+ tokens$/);
    const spaces = await page
      .locator('#probe .cell')
      .evaluateAll((cells) => cells.filter((cell) => cell.textContent === '\u00a0').length);
    const all = await page.locator('#probe .cell').count();
    await untilDimmed(page, all - spaces);
    await page.mouse.move(0, 0);
    await untilDimmed(page, 0);

    await grid.getByRole('rowheader', { name: 'vowel' }).focus();
    await page.keyboard.press('ArrowRight');
    assert.match(await words.innerText(), /^vowel, expert A: .*%, \d+\.\d times its load/);
    await page.keyboard.press('Enter');
    assert.equal(await grid.locator('[aria-selected=true]').count(), 1);
    await page.getByRole('button', { name: 'Showing vowels of expert A of layer 1. Show all' }).click();
    await untilDimmed(page, 0);
    await page.locator('.figure-matrix').getByText('As a table').click();
    await page.locator('.figure-matrix .table-scroll tbody tr').first().waitFor();
    assert.equal(await page.locator('.figure-matrix .table-scroll tbody tr').count(), shares.length);
    assert.deepEqual(complaints, []);
  });

  it('is listed as characters and pairs, each of which can be highlighted', async () => {
    // Later all experts but two may be idle for a while; at first each has characters of its own, by chance.
    const { page, button, untilStep } = await visit(site);
    await button('One step').click();
    await untilStep(1);
    await button('Start').waitFor();
    await painted(page);
    const items = page.locator('.profile-item');
    await items.nth(8).waitFor();
    const item = items.first();
    const lift = Number(/([\d.]+) times as often/.exec(String(await item.textContent()))?.[1]);
    assert.ok(lift >= 1.2);
    await item.focus();
    await page.keyboard.press('Enter');
    assert.equal(await item.getAttribute('aria-pressed'), 'true');
    const glyph = String(await item.locator('b').textContent());
    await page.getByRole('button', { name: /^Showing “/ }).waitFor();
    await painted(page);
    const bright = await page
      .locator('#probe .cell')
      .evaluateAll((cells) =>
        cells
          .filter((cell) => /** @type {HTMLElement} */ (cell).style.background !== 'none')
          .map((cell) => cell.textContent),
      );
    assert.ok(
      bright.every((text) => glyph.includes(String(text).replace('\u00a0', '␣'))),
      `${glyph}: ${bright}`,
    );
    await page.keyboard.press('Enter');
    await untilDimmed(page, 0);

    await page
      .getByRole('button', { name: /^Expert B/ })
      .first()
      .click();
    await page.locator('.figure-text').getByLabel('all', { exact: true }).check();
    await page.getByRole('button', { name: 'Showing tokens of expert B of layer 1. Show all' }).waitFor();
    await page.locator('.figure-profiles').getByText('As a table').click();
    await page.locator('.figure-profiles tbody tr').nth(8).waitFor();
    assert.ok((await page.locator('.figure-profiles tbody tr').count()) > 8);
  });
});

describe('time', () => {
  it('goes back to any moment in all views, and returns', async () => {
    const { page, train, letters: shown, button, untilStep, step, fact, complaints } = await visit(site);
    const atFirst = await shown();
    const slider = page.getByRole('slider', { name: 'Time' });
    assert.equal(await slider.isDisabled(), true, 'there is no past yet');
    const at = await train(25);
    const now = await shown();
    const load = () => page.locator('.load tbody').innerText();
    const loadNow = await load();
    assert.match(String(await slider.getAttribute('aria-valuetext')), new RegExp(`^now, step ${at}$`));
    assert.match(await page.locator('.scrubber-scale').innerText(), /^0\s+[0-9,\s]+now$/);
    const box = await page.locator('#scrubber').boundingBox();

    await slider.focus();
    await page.keyboard.press('Home');
    const past = page.getByRole('slider', { name: 'Past' });
    assert.equal(await past.getAttribute('aria-valuetext'), `step 0 of ${at}`);
    await untilLetters(page, atFirst);
    assert.notEqual(await load(), loadNow);
    assert.match(await page.locator('.figure-matrix .caption').innerText(), /at step 0\./);
    assert.match(
      await page.locator('.figure-matrix .figure-fact').first().innerText(),
      /tells [0-9.]+ bits about the token\. This model is untrained/,
    );
    await page.keyboard.press('ArrowRight');
    assert.equal(await past.getAttribute('aria-valuetext'), `step 1 of ${at}`);
    assert.equal(await step(), 1, 'the bar on top is of then, too');
    assert.equal(
      await page.locator('.status p').first().innerText(),
      `Past: everything is shown as it was at step 1 of ${at}. ` +
        `Held-out loss ${await fact('Held-out').innerText()} bits per byte, at step 0.`,
    );
    assert.match(
      String(await page.locator('.figure-loss .line-chart').getAttribute('aria-label')),
      /Marked: step 1, training [0-9.]+, held-out [0-9.]+\.$/,
    );
    assert.deepEqual(
      await page.locator('#scrubber').boundingBox(),
      box,
      'the slider stays where the finger is',
    );
    await page.keyboard.press('End');
    assert.equal(await step(), at);
    assert.match(
      await page.locator('.figure-matrix .figure-fact').first().innerText(),
      /In the untrained model: [0-9.]+ bits, from random weights alone/,
    );
    await untilLetters(page, now);
    assert.equal(await button('Back to now').count(), 0);

    await page.keyboard.press('Home');
    await button('Back to now').click();
    await untilLetters(page, now);
    // Watched from before it begins: it may be over soon.
    const replayed = page.waitForFunction(() => document.querySelector('.scrubber.is-past') !== null);
    await button('Replay').click();
    await replayed;
    await slider.waitFor();
    await untilLetters(page, now);

    await slider.press('Home');
    await button('Start').click();
    await slider.waitFor();
    await untilStep(at + 5);
    await button('Pause').click();
    assert.deepEqual(complaints, []);
  });

  it('is a chart of routing changes, and a table', async () => {
    const { page, train } = await visit(site);
    await train(40);
    const figure = page.locator('.figure-barcode');
    assert.match(
      String(await figure.getByRole('img').getAttribute('aria-label')),
      /From step 0 to 1, <?\d+ % of the tokens changed experts\. From step \d+ to \d+, /,
    );
    const inked = () =>
      figure.locator('canvas').evaluate((canvas) => {
        const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
        const pixels = /** @type {any} */ (canvas).getContext('2d').getImageData(0, 0, width, height).data;
        let dark = 0;
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i] < 90) dark++;
        return dark / (width * height);
      });
    await figure.getByText('As a table').click();
    await figure.locator('tbody tr').first().waitFor();
    const rows = await figure
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((row) => [...row.children].map(({ textContent }) => String(textContent))),
      );
    assert.match(rows[0][0], /^0 to 1$/);
    const shares = rows.map(([, share]) => Number(/\d+/.exec(share)?.[0]) / 100);
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    await eventually(async () => {
      const ink = await inked();
      assert.ok(
        Math.abs(ink - mean) < 0.12,
        `${ink} of the picture is dark, ${mean} of the characters changed`,
      );
    });
  });
});

describe('published models', () => {
  const symbols = ['<eos>', '_', ...'abcdefghijklmnopqrstuvwxyz'];

  /** A checkpoint as published code writes it: tensors only. @param {object} config */
  async function published(config) {
    const engine = await load();
    const model = engine.createLanguageModel({
      .../** @type {any} */ ({
        vocabSize: symbols.length,
        layers: 2,
        heads: 2,
        dHead: 8,
        dModel: 16,
        dInner: 16,
      }),
      .../** @type {any} */ ({ experts: 4, contextLength: 8, memoryLength: 8, batchSize: 1, ...config }),
    });
    const bytes = model.saveCheckpoint();
    engine.dispose();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const length = Number(view.getBigUint64(0, true));
    const { __metadata__: _, ...header } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, 8 + length)),
    );
    const json = JSON.stringify(header);
    bytes.set(new TextEncoder().encode(json.padEnd(length)), 8);
    return Buffer.from(bytes);
  }
  /** @param {Page} page */
  const picker = (page) => page.locator('input[type=file]').last();

  it('open with their vocabulary; what does not follow from the tensors is asked for', async () => {
    const { page, notices, button, train, complaints } = await visit(site, `${small}&length=40`);
    const model = file('authors.safetensors', await published({ router: 'smoe' }));
    await picker(page).setInputFiles([model, file('vocab.txt', symbols.join('\n'))]);
    const dialog = page.getByRole('dialog', { name: 'Complete authors.safetensors' });
    assert.match(
      await dialog.innerText(),
      /2 layers, model width 16, 2 heads of width 8, 4 experts of width 16, 28 symbols/,
    );
    await dialog.getByLabel('Router').selectOption('smoe-dropout');
    await button('Open model').click();
    await notices.filter({ hasText: 'Model opened' }).waitFor();
    await notices
      .filter({
        hasText: /Moby-Dick has characters .* are capitals, replaced by lower-case letters; .*were skipped/,
      })
      .waitFor();
    assert.match(page.url(), /router=smoe-dropout/);
    assert.match(page.url(), /tokens=characters/);
    const passage = (await page.locator('#probe .cell').allInnerTexts()).join('').replaceAll('\u00a0', ' ');
    assert.match(passage, /^[a-z ]+$/);
    await train(5);
    assert.match(String(await page.locator('.facts-row').textContent()), /bits per character/);

    await page.getByLabel('Prompt').fill('Ahab!');
    await button('Generate').click();
    await page.locator('#written-43').waitFor();
    await notices
      .filter({ hasText: 'The prompt has characters that are not in the model’s vocabulary' })
      .waitFor();
    assert.ok(
      (await page.locator('#written .cell').allInnerTexts()).every((text) => /^[a-z\u00a0◇]$/.test(text)),
    );
    await page.getByLabel('Prompt').fill('?!');
    await button('Generate').click();
    await notices.filter({ hasText: 'No character of the prompt is in the model’s vocabulary.' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('ask for the vocabulary where none was given, and say which does not fit', async () => {
    const { page, notices, button } = await visit(site);
    await picker(page).setInputFiles(
      file('hyper.safetensors', await published({ router: 'hyperrouter', hyperSize: 12 })),
    );
    const dialog = page.getByRole('dialog');
    await button('Open model').click();
    assert.match(await dialog.getByRole('alert').innerText(), /Choose the vocabulary file/);
    await dialog.getByLabel(/^Vocabulary/).setInputFiles(file('v.json', '{"kind":"byte"}'));
    await button('Open model').click();
    await dialog
      .getByRole('alert')
      .filter({ hasText: 'v.json has 256 symbols, but the model has 28' })
      .waitFor();
    await dialog
      .getByLabel(/^Vocabulary/)
      .setInputFiles(
        file(
          'v.json',
          JSON.stringify({ kind: 'symbols', symbols: symbols.map((s) => (s === '_' ? ' ' : s)) }),
        ),
      );
    await button('Open model').click();
    await notices.filter({ hasText: 'Model opened' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.match(page.url(), /experts=4/);
  });

  it('of a kind that the page does not support are rejected, and the run stays', async () => {
    const { page, notices, train, step } = await visit(site);
    const at = await train(3);
    const whole = await published({ router: 'smoe' });
    /** @type {[ReturnType<typeof file>[], RegExp][]} */
    const wrong = [
      [
        [file('photo.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))],
        /photo\.png is not a safetensors file/,
      ],
      [
        [file('cut.safetensors', whole.subarray(0, whole.length - 9))],
        /cut\.safetensors is truncated: it should have/,
      ],
      [
        [file('m.safetensors', whole), file('words.txt', 'the\nof\nand')],
        /words\.txt: “the” is more than one character/,
      ],
      [
        [file('m.safetensors', whole), file('abc.txt', 'a\nb\nc')],
        /abc\.txt has 3 symbols, but the model has 28/,
      ],
      [
        [file('vocab.json', '{"kind":"byte"}')],
        /vocab\.json is not a model\. Open a vocabulary together with its model/,
      ],
      [
        [file('wiki.safetensors', await published({ vocabSize: 5000, router: 'smoe' }))],
        /has 5,000 symbols; the limit is 4,096/,
      ],
    ];
    for (const [files, message] of wrong) {
      await picker(page).setInputFiles(files);
      await notices.filter({ hasText: message }).waitFor();
    }
    assert.equal(await step(), at);
    assert.equal(await page.getByRole('dialog').count(), 0);
  });
});

describe('the pretrained model', () => {
  it('writes at once, is trained further to the same bits as anywhere, and can be left for random weights', async () => {
    const { page, train, step, record, button, complaints } = await visit(site, 'room=text');
    await page.locator('#written .cell').nth(100).waitFor();
    await button('Generate').waitFor();
    await page.getByText('Ready. The model is pretrained.', { exact: true }).first().waitFor();
    assert.match(page.url(), /#room=text&start=moby-dick$/);
    await train(2);
    const { runs } = await record();
    const engine = await load({ variant: 'simd' });
    const { trainer, frame } = await trained(engine, 'text', openingValues, await step());
    trainer.dispose();
    engine.dispose();
    assert.deepEqual(runs[0].losses.train, [...frame.losses]);
    assert.deepEqual(runs[0].departures, [], 'the link replays it');

    await page.getByLabel('Start from').selectOption('nothing');
    await page.getByText('Ready. The model is untrained.', { exact: true }).first().waitFor();
    assert.match(page.url(), /#room=text&dModel=80&.*tokens=pieces/);
    await button('Undo: Start from').click();
    await page
      .getByText(/^Paused at step/)
      .first()
      .waitFor();
    assert.match(page.url(), /start=moby-dick/);
    await page.getByLabel('Attention heads').fill('2');
    await page
      .getByText('The pretrained model has other settings, so this one starts with random weights')
      .first()
      .waitFor();
    assert.deepEqual(complaints, []);
  });
});
