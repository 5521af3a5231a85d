import assert from 'node:assert/strict';
import { eventually, small, visit } from './browser.js';

/**
 * What a person does in each room, for any browser. Each gives back its last runs as they are saved.
 *
 * @typedef {import('./browser.js').Site} Site
 */

const wrongModel = { name: 'wrong.safetensors', mimeType: '', buffer: Buffer.from('no model') };

/** @param {import('./browser.js').Visit} at a room with a control for models */
async function refusesWrongModel({ page, notices, step }) {
  const before = await step();
  await page.locator('input[type=file][accept*=safetensors]').setInputFiles(wrongModel);
  await notices
    .filter({ hasText: /safetensors|header|bytes/i })
    .last()
    .waitFor();
  assert.equal(await step(), before, 'the run stays as it was');
}

/** @type {Record<string, (site: Site) => Promise<any[]>>} */
export const scenarios = {
  async plane(site) {
    // Not at full speed: of more than two thousand steps no longer every loss is kept.
    const at = await visit(site, '');
    const { page, train, untilReset, readout, complaints } = at;
    await train(20);
    const plate = page.locator('#ownership');
    await plate.scrollIntoViewIfNeeded();
    const box = await plate.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width / 4, box.y + box.height / 4);
    // A quarter of the map from its corner, to a pixel.
    const [x, y] =
      String((await readout('plane')).character)
        .replaceAll('−', '-')
        .match(/-?\d+\.\d+/g) ?? [];
    assert.ok(Math.abs(Number(x) + 3) < 0.1 && Math.abs(Number(y) - 3) < 0.1, `${x}, ${y}`);
    await page.mouse.move(0, 0);
    await plate.focus();
    await page.keyboard.press('ArrowRight');
    const told = await readout('plane');
    assert.equal(told.character, 'x 0.25, y 0.00');
    assert.equal(told.chosen.length, 2);
    await page.getByLabel('Moons', { exact: true }).check();
    await untilReset();
    assert.match(page.url(), /data=moons/);
    await page.getByRole('button', { name: /^Undo/ }).click();
    await page.waitForFunction(() => !location.hash.includes('moons'));
    await page.getByLabel('Router', { exact: true }).selectOption('smoe');
    await untilReset();
    await train(80);
    assert.match(
      String(await plate.getAttribute('aria-label')),
      /Share of the map by chosen expert: A \d+ %/,
    );
    await refusesWrongModel(at);
    assert.deepEqual(complaints, []);
    return (await at.record()).runs;
  },

  async text(site) {
    const at = await visit(site, `${small}&dropout=0.1`);
    const { page, train, untilReset, readout, letters, notices, complaints } = at;
    await train(20);
    for (const index of [3, 40, 111]) {
      await page.locator(`#probe-${index}`).hover();
      const told = await readout();
      assert.ok(String(told.place).startsWith(`${index + 1} of `));
      const expected = await page.locator('#probe-readout .readout-next li').allInnerTexts();
      assert.equal(new Set(expected.map((text) => text.split('\n')[0])).size, 5, expected.join());
    }
    await page.mouse.move(0, 0);
    await page.getByRole('listbox', { name: /Held-out passage/ }).focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    assert.match(String((await readout()).place), /^2 of /);
    const before = await letters();
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({ ...wrongModel, name: 'e.txt', buffer: Buffer.alloc(0) });
    await notices.filter({ hasText: 'e.txt is empty' }).waitFor();
    assert.deepEqual(await letters(), before);
    await page.getByLabel('Router', { exact: true }).selectOption('smoe');
    await untilReset();
    await train(80);
    await at.button('Generate').click();
    await page.locator('#written-40').waitFor();
    await at.button('Generate').or(at.button('Stop')).first().waitFor();
    await refusesWrongModel(at);
    assert.deepEqual(complaints, []);
    let kept = await at.record();
    // Beyond 2048 steps, where a run was paused late, no longer every loss is kept.
    while (kept.runs.at(-1).losses.every > 1) {
      await at.button('Reset').click();
      await untilReset();
      await train(80);
      kept = await at.record();
    }
    return kept.runs;
  },

  async routers(site) {
    const sizes = 'dModel=32&dInner=32&experts=4&heads=2&dHead=8&batchSize=2&contextLength=32&hyperSize=64';
    const at = await visit(site, `room=routers&data=moby-dick&${sizes}&steps=100`);
    const { page, button, complaints } = at;
    await button('Start').click();
    await page.getByRole('button', { name: 'Evaluate again' }).waitFor();
    assert.equal(await at.step(), 100);
    const canvas = page.locator('.load-history canvas').first();
    assert.match(String(await canvas.getAttribute('aria-label')), /Expert load in layer 1.*A \d+ %/);
    const { runs } = await at.record();
    assert.equal(runs.length, 4);
    assert.deepEqual(complaints, []);
    return runs;
  },

  async inside(site) {
    const at = await visit(site, 'room=inside');
    const { page, train, complaints } = at;
    const strip = page.getByRole('slider', { name: /^The embedding v/ });
    const told = async () => {
      await strip.focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      const words = String(await strip.getAttribute('aria-valuetext'));
      await page.keyboard.press('Escape');
      return words;
    };
    const before = await told();
    assert.match(before, /^v, component 2: −?\d/);
    await train(70);
    await page.locator('.stage').first().waitFor();
    await eventually(async () => assert.notEqual(await told(), before, 'v has moved'));
    assert.deepEqual(complaints, []);
    return (await at.record()).runs;
  },
};
