import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually, open, painted, small, visit } from './browser.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

/** @param {string} text */
const asFile = (text, name = 'own.txt') => ({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
const ownText = 'Ships sail on the wide sea, and nobody knows their way. '.repeat(100);

/** The picker of texts. @param {import('playwright-core').Page} page */
const textPicker = (page) => page.locator('input[type=file]').first();
/** What takes dropped files comes a few frames after the rest. @param {import('playwright-core').Page} page */
async function untilDrops(page) {
  await page.locator('#setting-text').waitFor();
  await painted(page);
}
/** The picker of models. @param {import('playwright-core').Page} page */
const modelPicker = (page) => page.locator('input[type=file]').last();

describe('texts of one’s own', () => {
  it('are learned from a file, a drop or a paste, and survive a reload', async () => {
    const { page, train, step, button, complaints } = await visit(site);
    await train(5);
    await textPicker(page).setInputFiles(asFile(ownText));
    await page.locator('#probe').filter({ hasText: 'nobody' }).waitFor();
    assert.equal(await step(), 0);
    assert.match(await page.locator('#setting-text option:checked').innerText(), /own\.txt/);
    await train(5);
    await page.reload();
    await page.locator('#probe').filter({ hasText: 'nobody' }).waitFor();
    assert.equal(await page.locator('.notice').count(), 0);

    await untilDrops(page);
    const drop = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'dropped.txt'));
      return transfer;
    }, 'Dropped letters fall down here. '.repeat(200));
    await page.dispatchEvent('body', 'dragover', { dataTransfer: drop });
    await page.getByText('Drop a text file to train on it, or a model to open it').waitFor();
    await page.dispatchEvent('body', 'drop', { dataTransfer: drop });
    await page.locator('#probe').filter({ hasText: 'letters' }).waitFor();

    await button('Paste').click();
    await page
      .getByRole('dialog')
      .getByRole('textbox')
      .fill('Glue and paper, paste and scissors. '.repeat(200));
    await button('Use this text').click();
    await page.locator('#probe').filter({ hasText: 'scissors' }).waitFor();
    await textPicker(page).setInputFiles(asFile('Žluťoučký kůň úpěl ďábelské ódy. '.repeat(200)));
    await page.locator('#probe').filter({ hasText: 'kůň' }).waitFor();
    assert.ok(
      (await page.locator('#probe .cell-more').count()) > 50,
      'the later bytes of a character are cells too',
    );
    await page.locator('#setting-text').selectOption('moby-dick');
    await page.locator('#probe').filter({ hasText: 'mast-heads' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('that are invalid leave the run as it was', async () => {
    const { page, train, step, notices, letters, button, untilStep } = await visit(site);
    const at = await train(10);
    const before = await letters();
    const folder = await mkdtemp(join(tmpdir(), 'hyperrouter-texts-'));
    /** @type {[string, Buffer, RegExp][]} */
    const wrong = [
      [
        'noise.bin',
        Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * 7919) % 256)),
        /noise\.bin is not plain text/,
      ],
      ['empty.txt', Buffer.alloc(0), /empty\.txt is empty/],
      [
        'short.txt',
        Buffer.from('too short'),
        /short\.txt is too short: at least 147 bytes are needed .*; it has 9\./,
      ],
      ['huge.txt', Buffer.alloc(21e6, 'x'), /huge\.txt has 21 MB; the limit is 20 MB/],
    ];
    for (const [name, content, message] of wrong) {
      await writeFile(join(folder, name), content);
      await textPicker(page).setInputFiles(join(folder, name));
      await notices.filter({ hasText: message }).waitFor();
      assert.equal(await step(), at);
      assert.doesNotMatch(page.url(), /text=own/);
    }
    await rm(folder, { recursive: true });
    assert.deepEqual(await letters(), before);
    await modelPicker(page).setInputFiles({
      name: 'x.safetensors',
      mimeType: '',
      buffer: Buffer.from('no model'),
    });
    await notices
      .filter({ hasText: /^x\.safetensors is not a safetensors file/ })
      .last()
      .waitFor();
    assert.equal(await step(), at);
    await button('One step').click();
    assert.equal(await untilStep(at + 1), at + 1, 'and it goes on');
  });

  it('are split into characters on request, and saved and opened so', async () => {
    const { page, train, notices, button, saved, complaints } = await visit(
      site,
      `${small}&tokens=characters`,
    );
    await textPicker(page).setInputFiles(asFile('Žluťoučký kůň úpěl ďábelské ódy. '.repeat(200), 'óda.txt'));
    await page.locator('#probe').filter({ hasText: 'kůň' }).waitFor();
    assert.equal(await page.locator('#probe .cell-more').count(), 0, 'a character is a token');
    const at = await train(20);
    const { bytes } = await saved(() => button('Save the model').click());
    await page.getByLabel('Tokenizer').selectOption('bytes');
    await page.locator('#probe .cell-more').first().waitFor({ state: 'attached' });
    await modelPicker(page).setInputFiles({ name: 'óda.safetensors', mimeType: '', buffer: bytes });
    await notices.filter({ hasText: `It has been trained for ${at} steps` }).waitFor();
    assert.equal(await page.getByLabel('Tokenizer').inputValue(), 'characters');
    assert.equal(await page.locator('#probe .cell-more').count(), 0);
    assert.deepEqual(complaints, []);
  });

  it('may be 50 MB, of which the beginning is used; a list of names is built in', async () => {
    const { page, notices, step, train, complaints } = await visit(site);
    await untilDrops(page);
    await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([`${'A long book. '.repeat(1000)}`.repeat(3900)], 'fifty.txt'));
      document.body.dispatchEvent(
        new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }),
      );
    });
    await notices.filter({ hasText: 'fifty.txt has 51 MB; the limit is 20 MB.' }).waitFor();
    await page.getByRole('button', { name: 'Use the beginning' }).click();
    await page.locator('#probe').filter({ hasText: 'book' }).waitFor();
    assert.match(await page.locator('#setting-text option:checked').innerText(), /Beginning of fifty\.txt/);
    assert.match(await page.locator('#setting-text-help').innerText(), /18\.0 MB for training/);
    await train(3);
    await page.locator('#setting-text').selectOption('names');
    await page.locator('#probe').filter({ hasText: '↵' }).waitFor();
    assert.equal(await step(), 0);
    assert.ok(Number((await page.locator('#probe').boundingBox())?.height) < 700, 'short lines run on');
    assert.deepEqual(complaints, []);
  });
});

describe('settings', () => {
  it('survive a reload', async () => {
    const { page, train, complaints } = await visit(site);
    await page.getByLabel('Router', { exact: true }).selectOption('smoe-dropout');
    await page.locator('#setting-experts').fill('6');
    await page.getByLabel('Letters').uncheck();
    await page.getByLabel('nats').check();
    await page.getByLabel('Learning rate').fill('0.01');
    await page.getByLabel('Learning rate').press('Enter');
    await train(3);
    const address = page.url();
    for (const part of ['router=smoe-dropout', 'experts=6', 'letters=0', 'unit=nats', 'learningRate=0.01']) {
      assert.ok(address.includes(part), part);
    }
    await page.reload();
    await page.locator('.load tbody tr').nth(5).waitFor();
    assert.equal(page.url(), address);
    assert.equal(await page.getByLabel('Router', { exact: true }).inputValue(), 'smoe-dropout');
    assert.equal(await page.locator('#setting-experts').inputValue(), '6');
    assert.equal(await page.getByLabel('Letters').isChecked(), false);
    assert.equal(await page.getByLabel('nats').isChecked(), true);
    assert.equal(await page.getByLabel('Learning rate').inputValue(), '0.01');
    assert.equal(await page.locator('.load tbody tr').count(), 6);
    assert.deepEqual(complaints, []);
  });

  it('that are invalid are corrected with a notice', async () => {
    const { page, notices } = await visit(site, `${small}&experts=999&router=best&colour=red`);
    await notices.filter({ hasText: 'experts is 999; it must be a whole number from 1 to 16' }).waitFor();
    await notices.filter({ hasText: 'router is “best”' }).waitFor();
    await page.locator('.load tbody tr').nth(15).waitFor();
    assert.equal(await page.locator('.load tbody tr').count(), 16);
    assert.doesNotMatch(new URL(page.url()).hash, /colour|best|999/);
    await page.evaluate(() => {
      location.hash += '&colour=red';
    });
    await page.waitForFunction(() => !location.hash.includes('colour'));
    assert.match(page.url(), /experts=16/, 'and the settings stay');
  });

  it('come with a model that is opened', async () => {
    const { page, train, letters, button, heldOut, step, notices, saved } = await visit(
      site,
      `${small}&router=smoe`,
    );
    const at = await train(25);
    const before = await letters();
    const { name, bytes: file } = await saved(() => button('Save the model').click());
    assert.equal(name, `hyperrouter-step-${at}.safetensors`);
    assert.ok(file.length > 10_000);
    await page.getByLabel('Router', { exact: true }).selectOption('hyperrouter');
    await page.locator('#setting-experts').fill('8');
    await page.locator('.load tbody tr').nth(7).waitFor();

    await modelPicker(page).setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: file });
    await notices.filter({ hasText: `It has been trained for ${at} steps` }).waitFor();
    assert.equal(await step(), at);
    assert.deepEqual(await letters(), before);
    assert.match(page.url(), /router=smoe/);
    assert.equal(await page.locator('.load tbody tr').count(), 4);
    await train(at + 50 - (at % 50));
    assert.ok((await heldOut()) < 6.5, 'it goes on from what it had learned');
  });

  it('come back, with the run, with the browser’s Back', async () => {
    const { page, train, step, button } = await visit(site, 'experts=3');
    const at = await train(5);
    await page.locator('.rooms a', { hasText: 'Text' }).click();
    await page.locator('#probe').waitFor();
    await page.locator('.rooms a', { hasText: 'Inside' }).click();
    await page.locator('.inside').waitFor();
    await page.goBack();
    await page.locator('#probe').waitFor();
    assert.match(
      page.url(),
      /#room=text&start=moby-dick$/,
      'who comes without a link finds the pretrained model',
    );
    await page.goBack();
    await page.locator('#ownership').waitFor();
    assert.match(page.url(), /#experts=3$/);
    await button('Start').waitFor();
    await eventually(async () => assert.equal(await step(), at));
    await page.goForward();
    await page.locator('#probe').waitFor();
  });

  it('lead where the last press leads to, also while a room loads', async () => {
    const { page } = await visit(site, 'experts=3', { locale: 'en-US' });
    let release = () => {};
    const released = new Promise((resolve) => {
      release = () => resolve(undefined);
    });
    await page.route('**/assets/*.js', async (route) => {
      await released;
      await route.continue();
    });
    const loading = page.getByText('Loading…', { exact: true });
    await page.locator('.rooms a', { hasText: 'Text' }).click();
    await loading.waitFor();
    assert.match(page.url(), /#experts=3$/, 'a reload would lose nothing');
    await page.goBack();
    await page.locator('#ownership').waitFor();
    assert.match(page.url(), /#experts=3$/);
    await page.goForward();
    await loading.waitFor();
    await page.goBack();
    release();
    await page.locator('#ownership').waitFor();
    await page.waitForLoadState('networkidle');
    assert.equal(await page.locator('.rooms [aria-current]').getAttribute('href'), '#room=plane');
    assert.match(page.url(), /#experts=3$/);
    await page.goForward();
    await page.locator('#probe').waitFor();
    await eventually(async () => assert.match(page.url(), /#room=text&start=moby-dick$/));
    await page.goBack();
    await page.locator('#ownership').waitFor();
    assert.match(page.url(), /#experts=3$/);
  });
});
