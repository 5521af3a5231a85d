import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { open, small, visit } from './browser.js';

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
/** The picker of models. @param {import('playwright-core').Page} page */
const modelPicker = (page) => page.locator('input[type=file]').last();

describe('training', () => {
  it('starts, learns, pauses, steps and resets, at the sizes that the page opens with', async () => {
    const { page, complaints, requests, button, step, untilStep, heldOut, letters, fact } = await visit(
      site,
      'room=text',
    );
    assert.equal(await step(), 0);
    const atFirst = await letters();
    assert.ok(atFirst.length > 200, 'a passage is shown');

    await button('Start').click();
    await untilStep(50);
    assert.ok((await heldOut()) < 5, `8 bits at first, ${await heldOut()} now`);
    assert.ok(Number(await fact('Training').innerText()) < 5.5);
    assert.notDeepEqual(await letters(), atFirst, 'the experts have moved');
    await button('Pause').click();
    await button('Start').waitFor();
    const paused = await step();
    await page.waitForTimeout(300);
    assert.equal(await step(), paused);

    await button('One step').click();
    await untilStep(paused + 1);
    assert.equal(await step(), paused + 1);

    await button('Reset').click();
    await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '0');
    assert.deepEqual(await letters(), atFirst, 'the same seed has the same beginning');

    assert.deepEqual(complaints, []);
    assert.ok(requests.every((url) => url.startsWith(site.url) || url.startsWith('data:')));
    const texts = requests.filter((url) => url.includes('moby-dick'));
    assert.equal(texts.length, 1, 'the text is loaded once');
  });

  it('leaves the page responsive', async () => {
    // A step of this model takes far longer than a frame: on the page's own thread, frames would have to wait for it.
    const { page, button, untilStep, step } = await visit(
      site,
      'room=text&layers=4&dModel=192&dInner=512&batchSize=32',
    );
    await button('Start').click();
    const first = await untilStep(1);
    const gaps = await page.evaluate(async () => {
      /** @type {number[]} */
      const all = [];
      let last = performance.now();
      const end = last + 1500;
      while (last < end) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        all.push(now - last);
        last = now;
      }
      return all.sort((a, b) => a - b);
    });
    const perStep = 1500 / ((await step()) - first + 1);
    const [median, most] = [gaps[Math.floor(gaps.length / 2)], gaps[Math.floor(gaps.length * 0.95)]];
    assert.ok(perStep > 200, `a step takes ${perStep} ms`);
    assert.ok(median < 50, `half of the frames come within ${median} ms`);
    assert.ok(most < perStep / 2, `nearly all frames come within ${most} ms`);
    await button('Pause').click();
    await button('Start').waitFor();
  });

  it('goes at the pace that is asked for', async () => {
    const { page, button, untilStep, step } = await visit(site, `${small}&pace=2`);
    await button('Start').click();
    const from = await untilStep(1);
    const began = Date.now();
    await page.waitForTimeout(3000);
    const taken = (await step()) - from;
    const seconds = (Date.now() - began) / 1000;
    assert.ok(taken >= 1 && taken <= 2 * seconds + 2, `${taken} steps in ${seconds} s`);
    await page.locator('#setting-pace').selectOption('full');
    await untilStep(from + 100);
    assert.doesNotMatch(page.url(), /pace/);
  });

  it('takes changes of settings back, by button and by key, but not while something is typed', async () => {
    const { page, button, step, train } = await visit(site);
    await train(5);
    await page.locator('#setting-experts').fill('6');
    await page.waitForFunction(() => location.hash.includes('experts=6'));
    await page.getByLabel('Letters').uncheck();
    await page.keyboard.press('Control+z');
    assert.equal(await page.getByLabel('Letters').isChecked(), true);
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => location.hash.includes('experts=4'));
    assert.equal(await step(), 0, 'another model, as the change itself made one');
    await page.keyboard.press('Control+y');
    await page.waitForFunction(() => location.hash.includes('experts=6'));
    const undo = page.getByRole('button', { name: /^Undo ?: Experts$/ });
    assert.match(String(await undo.getAttribute('title')), /Ctrl\+Z/);
    await undo.click();
    await page.waitForFunction(() => location.hash.includes('experts=4'));
    await page.getByRole('button', { name: /^Redo ?: Experts$/ }).click();
    await page.waitForFunction(() => location.hash.includes('experts=6'));

    await page.getByLabel('Beginning').fill('Once');
    await page.keyboard.press('Control+z');
    assert.match(page.url(), /experts=6/, 'that was the typed text’s own');
    await button('Start').waitFor();
  });

  it('begins again with another router, and keeps the curve before', async () => {
    const { page, complaints, step, train, untilStep, button, letters } = await visit(site);
    await train(40);
    const before = await letters();
    await page.getByLabel('Router', { exact: true }).selectOption('smoe');
    await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '0');
    assert.match(page.url(), /router=smoe(&|$)/);
    assert.notDeepEqual(await letters(), before);
    await button('Forget earlier runs').waitFor();
    await train(10);
    assert.ok((await step()) >= 10);

    await button('Start').click();
    await page.getByLabel('Router', { exact: true }).selectOption('dense');
    await page.getByText('A dense model has no experts to share the work.').first().waitFor();
    await untilStep(5);
    assert.ok(
      (await letters()).every((letter) => letter === ''),
      'no experts, no letters',
    );
    assert.equal(await page.locator('#setting-topK').isDisabled(), true);
    assert.deepEqual(complaints, []);
  });

  it('shows a breakdown with its step, and a way back', async () => {
    const { page, notices, button, step, untilStep } = await visit(site, `${small}&learningRate=1`);
    await button('Start').click();
    await notices.filter({ hasText: /Training broke down: .* at step \d+/ }).waitFor();
    const broken = await step();
    assert.ok(broken > 0);
    assert.equal(await button('Pause').count(), 0);
    await page.getByRole('button', { name: /^Go back to the last good model, with 0.1$/ }).click();
    await notices.filter({ hasText: 'The model is that of step 0 again.' }).waitFor();
    assert.equal(await step(), 0);
    assert.match(page.url(), /learningRate=0.1(&|$)/);
    await button('One step').click();
    await untilStep(1);
  });

  it('waits while the tab is hidden', async () => {
    const { page, button, untilStep, step } = await visit(site);
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
    await page.getByRole('status').filter({ hasText: 'Training waits while this tab is hidden.' }).waitFor();
    assert.equal(await step(), held);
    await hide(false);
    await untilStep(held + 5);
  });
});

describe('the text', () => {
  it('tells of every character what the router thinks, by pointer and by key', async () => {
    const { page, train, readout, letters } = await visit(site, `${small}&topK=3`);
    await train(30);
    const shown = await letters();
    const cell = (/** @type {number} */ index) => page.locator(`#probe-${index}`);

    for (const index of [3, 40, 111]) {
      await cell(index).hover();
      const told = await readout();
      assert.match(String(told.place), new RegExp(`^${index + 1} of ${shown.length}$`));
      assert.equal(told.character, (await cell(index).innerText()).trim() || 'space');
      const sum = told.probabilities.reduce((total, p) => Number(total) + Number(p), 0);
      assert.ok(Math.abs(Number(sum) - 100) <= 2, `all experts together: ${sum} %`);
      assert.equal(told.chosen.length, 3);
      const weights = told.weights.map((weight) => weight ?? 0);
      assert.ok(Math.abs(weights.reduce((total, w) => total + w, 0) - 100) <= 2);
      assert.equal(told.next, 5);
      // Grey, without a letter, only where the first two are level.
      const first = 'ABCD'[weights.indexOf(Math.max(...weights))];
      if (shown[index]) assert.equal(shown[index], first);
      else assert.ok(weights.filter((w) => w >= Math.max(...weights) - 2).length > 1);
    }

    const list = page.getByRole('listbox', { name: /The passage/ });
    await list.focus();
    await page.mouse.move(0, 0);
    const place = async () => Number(String((await readout()).place).split(' ')[0]) - 1;
    await page.keyboard.press('Home');
    assert.equal(await place(), 0);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    assert.equal(await place(), 2);
    assert.equal(await list.getAttribute('aria-activedescendant'), 'probe-2');
    assert.equal(await cell(2).getAttribute('aria-selected'), 'true');
    await page.keyboard.press('ArrowDown');
    const below = await place();
    const boxes = [await cell(2).boundingBox(), await cell(below).boundingBox()];
    assert.ok(Number(boxes[1]?.y) > Number(boxes[0]?.y) + 20, 'a line further down');
    assert.ok(Math.abs(Number(boxes[1]?.x) - Number(boxes[0]?.x)) < 14, 'below the one before');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowLeft');
    assert.equal(await place(), 1);
    await page.keyboard.press('End');
    assert.equal(await place(), shown.length - 1);
  });

  it('has layers, strength and a table, which agree with the loads', async () => {
    const { page, train, letters, readout } = await visit(site);
    // At first the second layer's experts are level everywhere.
    await train(80);
    const first = await letters();
    await page.locator('.figure-text').getByLabel('2', { exact: true }).check();
    assert.match(page.url(), /layer=2(&|$)/);
    const second = await letters();
    assert.notDeepEqual(second, first);
    const backgrounds = () =>
      page
        .locator('#probe .cell')
        .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).backgroundImage));
    const pale = await backgrounds();
    await page.getByLabel('Paler when shared').uncheck();
    assert.notDeepEqual(await backgrounds(), pale);

    await page.locator('.figure-text').getByText('As a table').click();
    const rows = page.locator('.figure-text .table-scroll tbody tr');
    await rows.first().waitFor();
    assert.equal(await rows.count(), second.length);
    const lettered = second.findIndex(Boolean);
    assert.match(
      await rows.nth(lettered).locator('td').first().innerText(),
      new RegExp(`^${second[lettered]} \\d+ %$`),
    );
    const chosen = await rows
      .locator('td')
      .evaluateAll((cells) => cells.map((cell) => String(cell.textContent)[0]));
    const loads = await page
      .locator('.load tbody tr td:nth-of-type(2) .load-number')
      .evaluateAll((cells) =>
        cells.map((cell) => Number.parseInt(String(cell.textContent).replace('<', ''), 10)),
      );
    assert.equal(loads.length, 4);
    loads.forEach((load, i) => {
      const share = chosen.filter((letter) => letter === 'ABCD'[i]).length / chosen.length;
      assert.ok(Math.abs(100 * share - load) <= 1, `${'ABCD'[i]}: ${load} % shown, ${100 * share} % counted`);
    });

    await page.locator('#probe').hover({ position: { x: 60, y: 30 } });
    assert.match(await page.locator('#probe-readout caption').innerText(), /layer 2/);
    assert.equal((await readout()).chosen.length, 2);
  });

  it('takes k while it trains, and measures every k', async () => {
    const { page, button, untilStep, readout } = await visit(site);
    await button('Start').click();
    const at = await untilStep(20);
    await page.locator('#setting-topK').fill('4');
    await page.waitForFunction(
      () => document.querySelectorAll('#probe-readout .is-chosen .chip').length === 4,
    );
    assert.ok((await untilStep(at + 5)) > at, 'it goes on, and does not begin again');
    assert.match(page.url(), /topK=4(&|$)/);
    await button('Pause').click();
    await button('Measure every k').click();
    await button('Measure again').waitFor();
    const losses = await page
      .locator('.by-k tbody tr')
      .evaluateAll((rows) => rows.map((row) => Number(row.lastElementChild?.textContent)));
    assert.equal(losses.length, 4);
    assert.ok(losses.every((loss) => loss > 1 && loss < 9));
    assert.match(await page.locator('.by-k .is-current').innerText(), /k = 4/);
    assert.equal((await readout()).chosen.length, 4, 'the model has its own k again');
  });
});

describe('writing', () => {
  it('streams in the colours of the experts', async () => {
    const { page, train, button, readout, notices, complaints } = await visit(site, `${small}&length=100`);
    await train(60);
    await page.getByLabel('Beginning').fill('Ahab said');
    await button('Write').click();
    await page.locator('#written-108').waitFor();
    await button('Write').waitFor();
    const cells = await page
      .locator('#written .cell')
      .evaluateAll((all) =>
        all.map((cell) => [cell.getAttribute('data-expert'), cell.getAttribute('style')]),
      );
    assert.equal(cells.length, 'Ahab said'.length + 100);
    const [beginning, written] = [cells.slice(0, 9), cells.slice(9)];
    assert.ok(
      beginning.every(([letter]) => !letter),
      'the beginning is not the model’s',
    );
    assert.ok(
      written.every(([, style]) => /background/.test(style ?? '')),
      'what it wrote is coloured to the end',
    );
    assert.ok(written.some(([letter]) => /^[A-D]$/.test(letter ?? '')));
    assert.equal((await readout('written')).chosen.length, 2);
    assert.match(page.url(), /prompt=Ahab\+said/);

    await page.getByLabel('Beginning').fill('');
    await button('Write').click();
    await notices.filter({ hasText: 'The beginning is empty' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('stops when told to, and training goes on after it', async () => {
    const { page, button, untilStep, step } = await visit(
      site,
      'room=text&layers=4&dModel=192&dInner=512&batchSize=1&length=1000',
    );
    await button('Start').click();
    await untilStep(2);
    await button('Write').click();
    await page.locator('#written-14').waitFor();
    const waiting = await step();
    await page.locator('.writing').getByRole('button', { name: 'Stop' }).click();
    await button('Write').waitFor();
    const count = await page.locator('#written .cell').count();
    assert.ok(count > 14 && count < 1000, `${count} characters`);
    await untilStep(waiting + 2);
    assert.equal(await page.locator('#written .cell').count(), count);
  });
});

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

    const drop = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'dropped.txt'));
      return transfer;
    }, 'Dropped letters fall down here. '.repeat(200));
    await page.dispatchEvent('body', 'dragover', { dataTransfer: drop });
    await page.getByText('Drop the file to learn its text, or to open a model').waitFor();
    await page.dispatchEvent('body', 'drop', { dataTransfer: drop });
    await page.locator('#probe').filter({ hasText: 'letters' }).waitFor();

    await button('Paste').click();
    await page
      .getByRole('dialog')
      .getByRole('textbox')
      .fill('Glue and paper, paste and scissors. '.repeat(200));
    await button('Learn this text').click();
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

  it('that are none leave the run as it was', async () => {
    const { page, train, step, notices, letters, button, untilStep } = await visit(site);
    const at = await train(10);
    const before = await letters();
    const folder = await mkdtemp(join(tmpdir(), 'hyperrouter-texts-'));
    /** @type {[string, Buffer, RegExp][]} */
    const wrong = [
      [
        'noise.bin',
        Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * 7919) % 256)),
        /noise\.bin is not a text/,
      ],
      ['empty.txt', Buffer.alloc(0), /empty\.txt is empty/],
      ['short.txt', Buffer.from('too short'), /short\.txt has 9 bytes; .* at least 147 are needed/],
      ['huge.txt', Buffer.alloc(21e6, 'x'), /huge\.txt has 21 MB; the page takes texts of up to 20 MB/],
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
      .filter({ hasText: /safetensors|header|bytes/i })
      .last()
      .waitFor();
    assert.equal(await step(), at);
    await button('One step').click();
    assert.equal(await untilStep(at + 1), at + 1, 'and it goes on');
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

  it('that make no sense are corrected, saying so', async () => {
    const { page, notices } = await visit(site, `${small}&experts=999&router=best&colour=red`);
    await notices.filter({ hasText: 'experts is 999; it may be a whole number from 1 to 16' }).waitFor();
    await notices.filter({ hasText: 'router is “best”' }).waitFor();
    assert.equal(await page.locator('.load tbody tr').count(), 16);
    assert.doesNotMatch(page.url(), /colour|best|999/);
  });

  it('come with a model that is opened', async () => {
    const { page, train, letters, button, heldOut, step, notices } = await visit(
      site,
      `${small}&router=smoe`,
    );
    const at = await train(25);
    const before = await letters();
    const [download] = await Promise.all([page.waitForEvent('download'), button('Save the model').click()]);
    assert.equal(download.suggestedFilename(), `hyperrouter-step-${at}.safetensors`);
    const file = await readFile(String(await download.path()));
    assert.ok(file.length > 10_000);
    await page.getByLabel('Router', { exact: true }).selectOption('hyperrouter');
    await page.locator('#setting-experts').fill('8');
    await page.locator('.load tbody tr').nth(7).waitFor();

    await modelPicker(page).setInputFiles({ name: 'x.safetensors', mimeType: '', buffer: file });
    await notices.filter({ hasText: `it had been trained for ${at} steps` }).waitFor();
    assert.equal(await step(), at);
    assert.deepEqual(await letters(), before);
    assert.match(page.url(), /router=smoe/);
    assert.equal(await page.locator('.load tbody tr').count(), 4);
    await train(at + 50 - (at % 50));
    assert.ok((await heldOut()) < 6.5, 'it goes on from what it had learned');
  });
});

describe('for everyone', () => {
  const axe = readFile(new URL(import.meta.resolve('axe-core')), 'utf8');

  it('has nothing that axe finds, light and dark, narrow and wide', async () => {
    const { page, train, button } = await visit(site, `${small}&length=20`, { bypassCSP: true });
    await train(30);
    await button('Write').click();
    await page.locator('#written-20').waitFor();
    await page.locator('.more summary').click();
    for (const summary of await page.getByText('As a table').all()) await summary.click();
    await page.evaluate(await axe);
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      for (const width of [390, 1440]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const found = await page.evaluate(async () => {
          const { violations } = await /** @type {any} */ (globalThis).axe.run();
          return violations.map(
            (/** @type {any} */ { id, nodes }) => `${id}: ${nodes[0].html} ${nodes[0].failureSummary}`,
          );
        });
        assert.deepEqual(found, [], `${colorScheme}, ${width} px`);
      }
    }
  });

  it('fits any width, and fingers', async () => {
    const { page, train, button } = await visit(site, `${small}&experts=16&layers=4&length=20`);
    await train(3);
    await button('Write').click();
    await page.locator('#written-20').waitFor();
    await page.locator('.more summary').click();
    for (const width of [390, 600, 800, 1100, 1300, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      // Charts follow when they have heard of it.
      await page.waitForFunction((most) => document.documentElement.scrollWidth <= most, width);
    }
    await page.setViewportSize({ width: 390, height: 900 });
    const low = await page
      .locator(
        'button, .button, select, input:not(.unseen, [type=checkbox], [type=radio]), .check, .segments span, summary',
      )
      .evaluateAll((elements) =>
        elements
          .filter((element) => element.getBoundingClientRect().height > 0)
          .filter((element) => element.getBoundingClientRect().height < 43.9)
          .map((element) => element.outerHTML.slice(0, 80)),
      );
    assert.deepEqual(low, []);
  });

  it('moves less where that is asked for', async () => {
    const { page, button, untilStep } = await visit(site, small, { reducedMotion: 'reduce' });
    await button('Start').click();
    await untilStep(1);
    const changes = await page.evaluate(async () => {
      let count = 0;
      const fact = /** @type {Element} */ (document.querySelector('.facts-row dd'));
      new MutationObserver(() => count++).observe(fact, {
        characterData: true,
        subtree: true,
        childList: true,
      });
      await new Promise((resolve) => setTimeout(resolve, 1700));
      return count;
    });
    assert.ok(changes >= 1 && changes <= 4, `${changes} changes in 1.7 s`);
  });
});
