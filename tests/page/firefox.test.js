import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { fixed } from '../../demo/format.js';
import { dataFor } from '../../demo/plane/data.js';
import { mapViews } from '../../demo/plane/frame.js';
import { pointOutcomes } from '../../demo/plane/outcomes.js';
import { encodePainted } from '../../demo/plane/painted.js';
import { load } from '../../web/index.js';
import { serve } from '../bench/server.js';
import { newPage } from '../chromium.js';
import { eventually, open, visit } from './browser.js';
import { doLesson, keyboard, ofPlaywright } from './lesson-walk.js';
import { assertAsInNode, trained } from './node-runs.js';
import { scenarios } from './scenarios.js';
import { staticHost, trainTwice, useWithoutNetwork } from './static-host.js';
import { trainPackage } from './train-package.js';

/** @type {Awaited<ReturnType<typeof open>>} */
let firefox;
/** What is computed in Node. @type {Awaited<ReturnType<typeof load>>} */
let engine;
/** @type {import('./static-host.js').Host | undefined} */
let host;
before(async () => {
  engine = await load({ variant: 'simd' });
  firefox = await open('firefox');
});
afterEach(async () => {
  await firefox.clear();
  await host?.close();
  host = undefined;
});
after(async () => {
  await firefox.close();
  engine.dispose();
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
    it(`does what is asked in the room “${room}”, and has the losses of Node to the last bit`, async () => {
      await assertAsInNode(await scenario(firefox), 70);
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
    const along = (/** @type {number} */ i) => ({ x: 4 * Math.sin(i), y: i / 8 - 4, id: i % 2 });
    const painted = encodePainted(Array.from({ length: 60 }, (_, i) => along(i)));
    const hash = `data=painted&painted=${painted}&pace=20`;
    const { page, complaints, train, saved, button } = await visit(firefox, hash);
    const at = await train(12);
    const { bytes } = await saved(() => button('Save the model').click());
    assert.ok(page.url().endsWith(hash));
    const { trainer } = await trained(engine, 'plane', { data: 'painted', painted }, at);
    assert.ok(bytes.equals(trainer.save({ optimizer: true })), 'every number of the model is the same');
    trainer.dispose();
    assert.deepEqual(complaints, []);
  });

  it('marks what is dropped, and shows biases, as Node computes them', async () => {
    const values = { router: 'smoe', experts: 8, layers: 1, seed: 4, capacityFactor: 1.5, balanceRate: 0.02 };
    const { state, trainer, frame } = await trained(engine, 'plane', values, 1);
    const { shape, buffer } = /** @type {any} */ (frame);
    const data = dataFor(state.values.peek());
    const { without, partly } = pointOutcomes({ shape, routing: mapViews(buffer, shape).points[0], data });
    const biases = (trainer.biases() ?? [])[0].map((bias) => `β ${bias > 0 ? '+' : ''}${fixed(bias, 3)}`);
    trainer.dispose();
    assert.ok(without > 0 && partly > 0 && biases.includes('β +0.020'), String(biases));

    const { page, complaints, button, untilStep } = await visit(
      firefox,
      String(new URLSearchParams(/** @type {any} */ (values))),
    );
    await button('One step').click();
    await untilStep(1);
    await eventually(async () => {
      assert.match(
        String(await page.locator('#ownership').getAttribute('aria-label')),
        new RegExp(`Of 400 points, ${without} have no expert, ${partly} with some`),
      );
      assert.deepEqual(await page.locator('.load-bias-number').allInnerTexts(), biases);
    });
    assert.deepEqual(complaints, []);
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

  it('uses threads on a host without headers from the second load on, with the same bits, and says so', async () => {
    host = await staticHost(firefox.folder);
    await trainTwice(firefox, host);
  });

  it('opens the whole page without a network: every room, its texts, sharing and saving', async () => {
    host = await staticHost(firefox.folder);
    await useWithoutNetwork(firefox, host);
  });
});
