import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually, open, painted, small, visit } from './browser.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

describe('what is loaded first', () => {
  it('is small', async () => {
    const { requests } = await visit(site, '');
    const files = [...new Set(requests.filter((url) => url.startsWith(site.url)))];
    let bytes = 0;
    for (const url of files) {
      const path = new URL(url).pathname.slice(new URL(site.url).pathname.length) || 'index.html';
      bytes += gzipSync(await readFile(join(site.folder, path)), { level: 9 }).length;
    }
    assert.ok(files.length > 5, files.join());
    assert.ok(bytes <= 300e3, `${bytes} bytes compressed: ${files.join(' ')}`);
  });
});

describe('training', () => {
  it('starts, learns, pauses, steps and resets, at the sizes that the page opens with', async () => {
    const { page, complaints, requests, button, step, untilStep, untilReset, heldOut, letters, fact } =
      await visit(site, 'room=text&start=nothing');
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
    await untilReset();
    assert.deepEqual(await letters(), atFirst, 'the same seed has the same beginning');

    assert.deepEqual(complaints, []);
    const { origin } = new URL(site.url);
    assert.ok(
      requests.every((url) => [site.url, 'data:', `blob:${origin}/`].some((own) => url.startsWith(own))),
      'nothing from elsewhere',
    );
    const texts = requests.filter((url) => url.includes('moby-dick'));
    assert.equal(texts.length, 1, 'the text is loaded once');
  });

  it('leaves the page responsive', async () => {
    // A step of this model takes far longer than a frame, on any machine: on the page's own thread, all frames but one or
    // two would have to wait for it.
    const { page, button, untilStep } = await visit(
      site,
      'room=text&layers=2&dModel=192&dInner=512&batchSize=32',
    );
    await button('Start').click();
    await untilStep(1);
    const frames = await page.evaluate(async () => {
      const shown = () => document.querySelector('.facts-row dd')?.textContent;
      /** @type {number[]} of the page, from each step that is shown to the next */
      const counts = [];
      let [step, count] = [shown(), 0];
      while (counts.length < 4) {
        await new Promise(requestAnimationFrame);
        count++;
        if (shown() === step) continue;
        counts.push(count);
        [step, count] = [shown(), 0];
      }
      return counts.slice(1).sort((a, b) => a - b);
    });
    assert.ok(frames[1] >= 6, `most steps leave the page six frames at least: ${frames}`);
    await button('Pause').click();
    await button('Start').waitFor();
  });

  it('goes at the pace that is asked for', async () => {
    const { page, button, untilStep, step } = await visit(site, `${small}&pace=2`);
    const began = Date.now();
    await button('Start').click();
    await untilStep(6);
    const taken = await step();
    const seconds = (Date.now() - began) / 1000;
    // The first one comes at once.
    assert.ok(taken <= 2 * seconds + 1, `${taken} steps in ${seconds} s`);
    await page.locator('#setting-pace').selectOption('full');
    await untilStep(taken + 100);
    assert.doesNotMatch(page.url(), /pace/);
  });

  it('takes changes of settings back, by button and by key, but not while something is typed', async () => {
    const { page, button, train, step } = await visit(site);
    await train(5);
    await page.locator('#setting-experts').fill('6');
    await page.waitForFunction(() => location.hash.includes('experts=6'));
    await page.getByLabel('Letters').uncheck();
    await page.keyboard.press('Control+z');
    assert.equal(await page.getByLabel('Letters').isChecked(), true);
    await page.keyboard.press('Control+z');
    await page.waitForFunction(() => location.hash.includes('experts=4'));
    // The model that the change took away.
    await eventually(async () => assert.ok((await step()) >= 5));
    await page.keyboard.press('Control+y');
    await page.waitForFunction(() => location.hash.includes('experts=6'));
    const undo = page.getByRole('button', { name: /^Undo ?: Experts$/ });
    assert.match(String(await undo.getAttribute('title')), /Ctrl\+Z/);
    await undo.click();
    await page.waitForFunction(() => location.hash.includes('experts=4'));
    await page.getByRole('button', { name: /^Redo ?: Experts$/ }).click();
    await page.waitForFunction(() => location.hash.includes('experts=6'));

    await page.getByLabel('Prompt').fill('Once');
    await page.keyboard.press('Control+z');
    assert.match(page.url(), /experts=6/, 'that was the typed text’s own');
    await button('Start').waitFor();
  });

  it('begins again with another router, and keeps the run before', async () => {
    const { page, complaints, step, train, untilStep, untilReset, button, letters } = await visit(site);
    const trained = await train(40);
    const before = await letters();
    await page.getByLabel('Router', { exact: true }).selectOption('smoe');
    await untilReset();
    assert.match(page.url(), /router=smoe(&|$)/);
    assert.notDeepEqual(await letters(), before);
    const kept = page.getByRole('button', { name: /^Open run 1/ });
    assert.match(await kept.innerText(), /HyperRouter\s+loss [0-9.]+ at step \d+/);
    await train(10);
    assert.ok((await step()) >= 10);
    await kept.click();
    // The step alone does not show that the model is back: the other model may be at the same step.
    await page.getByRole('button', { name: /^Open run 2/ }).waitFor();
    assert.equal(await step(), trained);
    assert.deepEqual(await letters(), before, 'its settings and its model are back');
    assert.doesNotMatch(page.url(), /router=/);

    await button('Start').click();
    await page.getByLabel('Router', { exact: true }).selectOption('dense');
    await page.getByText('A dense model has no experts.').first().waitFor();
    await untilStep(5);
    assert.ok(
      (await letters()).every((letter) => letter === ''),
      'no experts, no letters',
    );
    assert.equal(await page.locator('#setting-topK').count(), 0, 'nor a number of them');
    assert.deepEqual(complaints, []);
  });

  it('shows a breakdown with its step, and a way back', async () => {
    const { page, notices, button, step, untilStep } = await visit(site, `${small}&learningRate=1`);
    await button('Start').click();
    await notices.filter({ hasText: /Training diverged: .* at step \d+/ }).waitFor();
    await untilStep(1);
    assert.equal(await button('Pause').count(), 0);
    const restore = page.getByRole('button', {
      name: /^Restore the last good model; lower the learning rate to 0.1$/,
    });
    await page.setViewportSize({ width: 390, height: 844 });
    for (const part of [notices.first(), restore]) {
      const box = await part.boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= 390, 'the notice fits a phone');
    }
    await restore.click();
    await notices.filter({ hasText: 'Restored the model from step 0.' }).waitFor();
    assert.equal(await step(), 0);
    assert.match(page.url(), /learningRate=0.1(&|$)/);
    await button('One step').click();
    await untilStep(1);
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
      // Grey, without a letter, only where the first two are tied.
      const first = 'ABCD'[weights.indexOf(Math.max(...weights))];
      if (shown[index]) assert.equal(shown[index], first);
      else assert.ok(weights.filter((w) => w >= Math.max(...weights) - 2).length > 1);
    }

    const list = page.getByRole('listbox', { name: /Held-out passage/ });
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
    // At first the second layer's experts are tied everywhere.
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
    await page.getByLabel('Paler with less weight').uncheck();
    await eventually(async () => assert.notDeepEqual(await backgrounds(), pale));

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
    await button('Evaluate every k').click();
    await button('Evaluate again').waitFor();
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
    await page.getByLabel('Prompt').fill('Ahab said');
    await button('Generate').click();
    await page.locator('#written-108').waitFor();
    await button('Generate').waitFor();
    await painted(page);
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

    await page.getByLabel('Prompt').fill('');
    await button('Generate').click();
    await notices.filter({ hasText: 'The prompt is empty' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('stops when told to, and training goes on after it', async () => {
    const { page, button, untilStep, step } = await visit(
      site,
      'room=text&layers=4&dModel=192&dInner=512&batchSize=1&length=1000',
    );
    await button('Start').click();
    await untilStep(2);
    await button('Generate').click();
    // Pressed in the page as soon as there is something to stop: on its way from here, all might be written.
    await page.waitForFunction(() => {
      const writes = document.querySelector('#written-14');
      const stop = [...document.querySelectorAll('.writing button')].find(
        ({ textContent }) => textContent === 'Stop',
      );
      if (writes && stop instanceof HTMLElement) stop.click();
      return writes && stop;
    });
    const waiting = await step();
    await button('Generate').waitFor();
    const count = await page.locator('#written .cell').count();
    assert.ok(count > 14 && count < 1000, `${count} characters`);
    await untilStep(waiting + 2);
    assert.equal(await page.locator('#written .cell').count(), count);
  });
});
