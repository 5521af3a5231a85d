import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { createRecord } from '../../demo/record.js';
import { open, small, visit } from './browser.js';
import { assertAsInNode } from './node-runs.js';

describe('the record of a run', () => {
  const create = () =>
    createRecord((key) => ({ topK: 'Experts (k)', learningRate: 'Learning rate' })[key] ?? key);
  /** @type {import('../../demo/record.js').Origin} */
  const built = { kind: 'built', step: 0 };

  it('has nothing to say of a run that only trained', () => {
    const record = create();
    record.begin(built, { topK: 2, learningRate: 0.01 }, '');
    record.change(50, { topK: 2, learningRate: 0.01 });
    record.change(60, { pace: 10 });
    assert.deepEqual(record.signals.changes.value, []);
    assert.deepEqual(record.signals.departures.value, []);
  });

  it('keeps what was changed on the way, and when', () => {
    const record = create();
    record.begin(built, { topK: 2, learningRate: 0.01 }, '');
    record.change(0, { topK: 3 });
    assert.deepEqual(record.signals.departures.value, [], 'before the first step it is a setting');
    record.change(40, { topK: 3, learningRate: 0.001 });
    record.change(1200, { topK: 1 });
    assert.deepEqual(record.signals.changes.value, [
      { step: 0, key: 'topK', from: 2, to: 3 },
      { step: 40, key: 'learningRate', from: 0.01, to: 0.001 },
      { step: 1200, key: 'topK', from: 3, to: 1 },
    ]);
    assert.deepEqual(record.signals.departures.value, [
      'Changed during training: Learning rate 0.01 → 0.001 at step 40; Experts (k) 3 → 1 at step 1,200. ' +
        'The link uses the final values from the first step.',
    ]);
    record.begin(built, { topK: 1, learningRate: 0.001 }, '');
    assert.deepEqual(record.signals.departures.value, []);
  });

  it('joins changes without a step between them', () => {
    const record = create();
    record.begin(built, { topK: 2, learningRate: 0.01 }, '');
    for (const topK of [3, 4, 2]) record.change(7, { topK });
    assert.deepEqual(record.signals.changes.value, [], 'there and back again');
    record.change(7, { topK: 4 });
    record.change(8, { topK: 2 });
    assert.equal(record.signals.changes.value.length, 2, 'a step was taken with the other value');
  });

  it('says where a run came from, and what it needs', () => {
    const record = create();
    record.begin({ kind: 'opened', step: 300 }, {}, 'the text “own.txt”');
    const words = record.signals.departures.value.join(' ');
    assert.match(words, /does not contain the text “own.txt”.*opened from a file, at step 300/);
    record.begin({ kind: 'rewound', step: 0 }, {}, '');
    assert.deepEqual(record.signals.departures.value, [], 'from step 0 it is a run like any other');
    record.begin({ kind: 'rewound', step: 200 }, {}, '');
    assert.match(record.signals.departures.value.join(), /was restored from step 200/);
  });
});

describe('sharing', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    // The clipboard is that of a whole browser.
    site = await open('chromium', { alone: true });
  });
  afterEach(() => site.clear());
  after(() => site.close());

  const settings = `${small}&router=smoe&topK=3&dropout=0.1&seed=7&length=40`;

  it('replays a run to the last bit, in another window', async () => {
    const first = await visit(site, settings);
    // What is done beside training must leave no trace in it.
    await first.train(20);
    await first.button('Evaluate every k').click();
    await first.button('Evaluate again').waitFor();
    await first.button('Generate').click();
    await first.button('Stop').or(first.button('Generate')).waitFor();
    await first.page.locator('#probe-5').hover();
    await first.page.locator('.figure-text').getByLabel('2', { exact: true }).check();
    await first.train(70);
    const dialog = await first.share();
    assert.match(await dialog.innerText(), /every loss identical to the last bit/);
    assert.equal(await dialog.locator('.notice').count(), 0);
    const address = await dialog.getByRole('textbox').inputValue();
    await dialog.getByRole('button', { name: 'Close' }).click();
    const original = await first.record();
    assert.deepEqual(original.runs[0].departures, []);
    await assertAsInNode(original.runs, 70);
    assert.equal(original.engine.variant, 'simd');
    assert.match(original.package.version, /^\d+\.\d+\.\d+$/);

    const hash = new URL(address).hash.slice(1);
    const again = await visit(site, hash);
    await again.train(70);
    const copy = await again.record();
    assert.equal(copy.address, original.address);
    const [one, two] = [original.runs[0].losses, copy.runs[0].losses];
    const length = Math.min(one.steps.length, two.steps.length);
    assert.ok(length >= 70, `${length} losses`);
    assert.deepEqual(two.steps.slice(0, length), one.steps.slice(0, length));
    for (let i = 0; i < length; i++) assert.ok(Object.is(one.train[i], two.train[i]), `step ${i + 1}`);
    assert.equal(new Set(one.train).size, one.train.length, 'these are losses of training');
    const held = copy.runs[0].heldOut.filter((/** @type {any} */ { step }) => step <= 50);
    assert.deepEqual(
      held,
      original.runs[0].heldOut.filter((/** @type {any} */ { step }) => step <= 50),
    );
    assert.deepEqual(again.complaints, []);
    assert.deepEqual(first.complaints, []);
  });

  it('says what a link leaves out', async () => {
    const { page, button, train, untilReset, share, record } = await visit(site);
    const said = async () => {
      const dialog = await share();
      const words = (await dialog.locator('.share-departures li').allInnerTexts()).join('\n');
      await dialog.getByRole('button', { name: 'Close' }).click();
      return words;
    };
    const at = await train(10);
    await page.locator('#setting-topK').fill('4');
    await page.getByLabel('Learning rate').fill('0.01');
    await page.getByLabel('Learning rate').press('Enter');
    await train(at + 5);
    const words = await said();
    assert.match(words, new RegExp(`k\\) 2 → 4 at step ${at}; Learning rate 0.003 → 0.01 at step ${at}`));
    const { runs } = await record();
    assert.deepEqual(runs[0].changes, [
      { step: at, key: 'topK', from: 2, to: 4 },
      { step: at, key: 'learningRate', from: 0.003, to: 0.01 },
    ]);
    await button('Reset').click();
    await untilReset();
    assert.equal(await said(), '');

    const own = 'Ships sail on the wide sea, and nobody knows their way. '.repeat(100);
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ name: 'own.txt', mimeType: 'text/plain', buffer: Buffer.from(own) });
    await page.locator('#probe').filter({ hasText: 'nobody' }).waitFor();
    assert.match(await said(), /does not contain the text “own.txt”/);
  });

  it('says that a model came out of a file', async () => {
    const { page, train, saved, share, button } = await visit(site);
    const at = await train(12);
    const { bytes } = await saved(() => button('Save the model').click());
    await button('Reset').click();
    await page
      .locator('input[type=file]')
      .last()
      .setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: bytes });
    await page
      .locator('.notice')
      .filter({ hasText: `trained for ${at} steps` })
      .waitFor();
    assert.match(await (await share()).innerText(), new RegExp(`opened from a file, at step ${at}`));
  });

  it('works where the page may not copy', async () => {
    const { page, share } = await visit(site);
    await page.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true });
    });
    const dialog = await share();
    assert.match(await dialog.getByRole('status').innerText(), /copy it with Ctrl\+C/);
    const selected = await page.evaluate(() => {
      const field = /** @type {HTMLInputElement} */ (document.activeElement);
      return field.value.slice(Number(field.selectionStart), Number(field.selectionEnd));
    });
    assert.equal(selected, page.url());
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog').count(), 0);
  });

  it('copies where it may', async () => {
    const { page, share } = await visit(site, small, { permissions: ['clipboard-read', 'clipboard-write'] });
    const dialog = await share();
    assert.match(await dialog.getByRole('status').innerText(), /^Link copied\.$/);
    await dialog.getByRole('button', { name: 'Copy' }).click();
    const words = await dialog.getByRole('status').evaluate((said) => {
      const { width, height } = said.getBoundingClientRect();
      return { width, height, clip: getComputedStyle(said).clipPath };
    });
    assert.ok(words.width > 60 && words.height > 10 && words.clip === 'none', 'whoever sees it can read it');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
    assert.equal(
      await dialog.getByRole('checkbox').count(),
      0,
      'an untrained model is where every link begins',
    );
  });

  it('opens at the step that is shown, where that is asked for', async () => {
    // Slowly: a step that is far from the start is not opened by a link.
    const { page, share, train, heldOut } = await visit(site, `${small}&pace=10`);
    const trained = await train(10);
    const before = await heldOut();
    const dialog = await share();
    assert.doesNotMatch(await dialog.getByRole('textbox').inputValue(), /at=/);
    await dialog.getByRole('checkbox', { name: `Open at step ${trained}` }).check();
    const link = await dialog.getByRole('textbox').inputValue();
    assert.match(link, new RegExp(`at=${trained}$`));
    const again = await visit(site, new URL(link).hash.slice(1));
    assert.equal(await again.step(), trained);
    assert.equal(await again.heldOut(), before);
    assert.equal(page.url(), again.page.url(), 'what is trained further is another moment');
    assert.deepEqual(again.complaints, []);
  });
});
