import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { open, visit } from './browser.js';
import { doLesson, keyboard, ofPlaywright } from './lesson-walk.js';
import { scenarios } from './scenarios.js';

/** @type {Awaited<ReturnType<typeof open>>} */
let firefox;
/** @type {import('./browser.js').Site} */
let chromium;
before(async () => {
  firefox = await open('firefox');
  chromium = await firefox.beside('chromium');
});
afterEach(async () => {
  await firefox.clear();
  await chromium.clear();
});
after(async () => {
  await chromium.close();
  await firefox.close();
});

describe('Firefox', () => {
  // First, in a page that nothing was done in: in one that is used again, Firefox does not press buttons with Enter.
  it('does a lesson with the keyboard alone', async () => {
    const { page, complaints } = await visit(firefox, 'lesson=one-expert', { drawers: false });
    const browser = ofPlaywright(page);
    await doLesson(browser, keyboard(browser), 'one-expert');
    assert.deepEqual(complaints, []);
  });

  for (const [room, scenario] of Object.entries(scenarios)) {
    it(`does in the room “${room}” what Chromium does, with the same losses to the last bit`, async () => {
      const [here, there] = [await scenario(firefox), await scenario(chromium)];
      assert.equal(here.length, there.length);
      here.forEach((losses, run) => {
        const length = Math.min(losses.length, there[run].length);
        assert.ok(length >= 70, `${length} losses`);
        for (let i = 0; i < length; i++)
          assert.ok(Object.is(losses[i], there[run][i]), `run ${run}, step ${i + 1}`);
      });
    });
  }
});
