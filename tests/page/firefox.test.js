import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { serve } from '../bench/server.js';
import { newPage } from '../chromium.js';
import { eventually, open, visit } from './browser.js';
import { doLesson, keyboard, ofPlaywright } from './lesson-walk.js';
import { scenarios } from './scenarios.js';
import { trainPackage } from './train-package.js';

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

  it('the package computes the same bits as in Node, with two threads too', async () => {
    const inNode = await trainPackage(new URL('../../web', import.meta.url).href, 1, '/index.js');
    const server = await serve();
    try {
      const page = await newPage(firefox.browser);
      await page.goto(`${server.url}/tests/bench/page.html`);
      for (const threads of [1, 2]) {
        const run = `(${trainPackage})('${server.url}/web', ${threads}, '/index.js')`;
        const here = /** @type {typeof inNode} */ (await page.evaluate(run));
        assert.equal(here.threads, threads);
        assert.deepEqual(here.bits, inNode.bits);
      }
    } finally {
      await server.close();
    }
  });

  it('replays painted points from a link, to the last bit', async () => {
    const original = await visit(chromium, 'data=moons&points=60&pace=20');
    await original.button('Paint points').click();
    await original.page.waitForURL(/data=painted&painted=/);
    const at = await original.train(12);
    const modelOf = async (/** @type {import('./browser.js').Visit} */ { saved, button }) =>
      (await saved(() => button('Save the model').click())).bytes;
    const model = await modelOf(original);
    const again = await visit(firefox, new URL(original.page.url()).hash.slice(1));
    assert.match(again.page.url(), /data=painted&painted=[A-Za-z0-9_-]{180}/);
    // Step by step: a run that is paused from here may have gone beyond the step of the original by then.
    for (let next = 1; next <= at; next++) {
      await again.button('One step').click();
      await again.untilStep(next);
    }
    await again.button('Start').waitFor();
    assert.equal(await again.step(), at);
    assert.ok(model.equals(await modelOf(again)), 'every number of the model is the same');
    assert.deepEqual([...original.complaints, ...again.complaints], []);
  });

  it('marks what is dropped, and shows biases, as Chromium does', async () => {
    const hash = 'router=smoe&experts=8&layers=1&seed=4&capacityFactor=1.5&balanceRate=0.02';
    const [here, there] = [await visit(firefox, hash), await visit(chromium, hash)];
    for (const { button, untilStep } of [here, there]) {
      await button('One step').click();
      await untilStep(1);
    }
    const told = async (/** @type {import('playwright-core').Page} */ page) => ({
      words: await page.locator('#ownership').getAttribute('aria-label'),
      biases: await page.locator('.load-bias-number').allInnerTexts(),
    });
    await eventually(async () => {
      const { words, biases } = await told(there.page);
      assert.match(String(words), /Of 400 points, [1-9]\d* have no expert/);
      assert.ok(biases.includes('β +0.020'), String(biases));
    });
    await eventually(async () => assert.deepEqual(await told(here.page), await told(there.page)));
    assert.deepEqual([...here.complaints, ...there.complaints], []);
  });

  it('sets the formulas inside the router', async () => {
    const { page, complaints, button } = await visit(firefox, 'room=inside');
    await button('One step').click();
    await page.getByRole('slider', { name: /^Negative gradient of v/ }).waitFor();
    const sizes = await page.locator('math[display="block"]').evaluateAll((all) =>
      all.map((math) => {
        const { width, height } = math.getBoundingClientRect();
        return [width, height];
      }),
    );
    assert.ok(sizes.length > 8);
    // A fraction or a sum is higher than a line; what is not set as a formula is one line.
    assert.ok(sizes.filter(([, height]) => height > 30).length >= 5, JSON.stringify(sizes));
    assert.ok(sizes.every(([width]) => width > 40));
    assert.deepEqual(complaints, []);
  });
});
