import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { lessons } from '../../demo/lessons/list.js';
import { eventually, open, visit } from './browser.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site?.close());
afterEach(() => site.clear());

/** Goes on with Tab until what has the focus is called so. @param {import('playwright-core').Page} page @param {RegExp} name */
async function tabTo(page, name) {
  for (let i = 0; i < 60; i++) {
    const said = await page.evaluate(
      () => document.activeElement?.closest('label, button')?.textContent ?? '',
    );
    if (name.test(said)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to ${name}`);
}

describe('a lesson', () => {
  it('is done with the keyboard alone, and gives model and settings back', async () => {
    const { page, button, train, step, complaints } = await visit(site, 'experts=4&pace=full');
    await train(40);
    const before = { step: await step(), url: page.url() };
    await button('Lessons').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await tabTo(page, /^Top-k and weights/);
    await page.keyboard.press('Enter');
    const panel = page.locator('.lesson');
    await panel.getByRole('heading', { name: /Lesson 1 of 7.*Top-k and weights/ }).waitFor();
    assert.match(page.url(), /#lesson=top-k$/);
    assert.equal(await button('To the run').isEnabled(), false, 'the question comes first');
    await tabTo(page, /^The sum of two outputs/);
    await page.keyboard.press('Space');
    await panel.getByText('Yes. Only the two chosen experts are computed.').waitFor();
    await button('To the run').focus();
    await page.keyboard.press('Enter');
    await eventually(async () => assert.equal(await step(), 0, 'the run of the lesson'));
    await button('Start').focus();
    await page.keyboard.press('Enter');
    await button('What to conclude').focus();
    await page.keyboard.press('Enter');
    await panel.getByText('A point costs two experts').waitFor();
    await panel.getByText('For teachers').press('Enter');
    await panel.getByText('#lesson=top-k', { exact: true }).waitFor();
    await panel.getByRole('button', { name: /^End/ }).press('Enter');
    await panel.waitFor({ state: 'detached' });
    await eventually(async () => assert.deepEqual({ step: await step(), url: page.url() }, before));
    await button('Lessons').press('Enter');
    await page.getByRole('listitem').filter({ hasText: 'Top-k and weights' }).getByText('done').waitFor();
    assert.deepEqual(complaints, []);
  });

  it('opens by its link, each in its room, with something to show for every step', async () => {
    const { page, button, complaints } = await visit(site, 'lesson=top-k');
    for (const { id, title, steps, question, task } of lessons) {
      await page.evaluate((hash) => location.assign(hash), `#lesson=${id}`);
      await page.locator('.lesson').getByRole('heading', { name: title }).waitFor();
      await page.getByLabel(question.choices[0].text).check();
      await button('To the run').click();
      await eventually(async () =>
        assert.equal(await page.locator('.lesson-checks li').count(), task.checks.length, id),
      );
      await page.locator('button.start:enabled').waitFor();
      for (const { text } of steps) {
        await page.getByRole('button', { name: `Show: ${text}`, exact: true }).click();
        await eventually(async () =>
          assert.equal(await page.locator('.is-pointed').count(), 1, `${id}: ${text}`),
        );
      }
    }
    assert.deepEqual(complaints, []);
  });

  it('is done by touch: starvation and a cure', async () => {
    const { page, complaints } = await visit(site, 'lesson=starvation', {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    });
    const tap = (/** @type {string} */ name) => page.getByRole('button', { name }).first().tap();
    await page.getByText('About even').tap();
    await page.getByText('No. An expert with more points learns more').waitFor();
    await tap('To the run');
    await tap('Show: Cure 1');
    const slider = page.locator('#setting-loadBalanceWeight');
    // The sheet with it opens a frame later.
    await slider.waitFor();
    const { width = 0, height = 0 } = (await slider.boundingBox()) ?? {};
    await slider.tap({ position: { x: width - 2, y: height / 2 } });
    await page.waitForFunction(
      () => document.querySelector('output[for=setting-loadBalanceWeight]')?.textContent === '0.1',
    );
    await page.locator('button.start:enabled').tap();
    await page.locator('.lesson').getByText('Task done').waitFor();
    assert.deepEqual(complaints, []);
  });

  it('says what it does not know, and opens the page', async () => {
    const { page } = await visit(site, 'lesson=nothing');
    await page.getByRole('alert').getByText('there is no lesson “nothing”; there are top-k').waitFor();
    await page.locator('.figure-load').waitFor();
    await eventually(async () => assert.doesNotMatch(page.url(), /lesson/));
  });

  it('leaves the window of a phone to its room, and what it says next is not below the settings', async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
    const { page, button } = await visit(site, 'lesson=starvation', { drawers: false, ...phone });
    await page.getByLabel('Some experts get nothing').tap();
    await button('To the run').tap();
    await page.locator('.figure-load').evaluate((load) => load.scrollIntoView({ block: 'center' }));
    const stuck = () =>
      page.evaluate(() =>
        Math.max(
          ...[...document.querySelectorAll('.lesson-head, .lesson-body, .transport-bar')].map(
            (one) => one.getBoundingClientRect().bottom,
          ),
        ),
      );
    await eventually(async () => assert.ok((await stuck()) < 844 / 3, `${await stuck()} pixels are taken`));
    await page.evaluate(() => scrollTo({ top: 0 }));
    const settings = page.getByRole('region', { name: 'Settings' });
    await button('Settings').tap();
    await eventually(async () => {
      const [start, sheet] = [await button('Start').boundingBox(), await settings.boundingBox()];
      assert.ok(start && sheet && start.y + start.height <= sheet.y, 'Start is above the settings');
    });
    await button('Done').tap();
    await page.evaluate(() => scrollTo({ top: 0 }));
    await page.getByRole('button', { name: /^Show: Cure 1/ }).tap();
    await settings.waitFor();
    await button('Skip the task').tap();
    await settings.waitFor({ state: 'hidden' });
    const isSeen = () =>
      page.locator('.lesson-conclusions > li').evaluateAll((all) =>
        all.map((one) => {
          const { left, top, height } = one.getBoundingClientRect();
          return one.contains(document.elementFromPoint(left + 5, top + height / 2));
        }),
      );
    await eventually(async () => assert.deepEqual((await isSeen()).slice(0, 3), [true, true, true]));
  });
});

describe('the collapse', () => {
  it('trains three models to the same step, and says what it shows in numbers', async () => {
    const { page, button, complaints } = await visit(site, 'room=collapse');
    await button('Start').click();
    await page.waitForFunction(() => Number(document.querySelector('.facts-row dd')?.textContent) >= 40);
    await button('Pause').click();
    await button('Start').waitFor();
    assert.equal(await page.locator('.collapse-models canvas').count(), 3);
    const facts = await page.locator('.collapse-facts dd').allInnerTexts();
    assert.equal(facts.length, 9);
    for (const fact of facts) assert.match(fact, /^−?\d\.\d\d$/);
    await page.getByLabel('Seed', { exact: true }).fill('5');
    await page.getByLabel('Seed', { exact: true }).press('Enter');
    await page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '0');
    assert.match(page.url(), /room=collapse&seed=5$/);
    assert.deepEqual(complaints, []);
  });
});

describe('the curve', () => {
  it('is data like others: learned with the same settings, kept as a run, drawn by hand, undone', async () => {
    const { page, button, train, step, complaints } = await visit(
      site,
      'experts=4&layers=1&play=0&pace=full',
    );
    await train(40);
    const points = { step: await step(), url: page.url() };
    await page.getByLabel('Curve', { exact: true }).check();
    await page.locator('.figure-curve').waitFor();
    assert.match(page.url(), /#data=curve&experts=4&layers=1&pace=full$/, 'the settings are carried over');
    await page
      .getByRole('button', { name: 'Open run 1' })
      .getByText(/^loss \d\.\d\d at/)
      .waitFor();
    await button('Start').click();
    const loss = async () => Number(await page.locator('.facts-row dd').nth(3).innerText());
    await eventually(async () => assert.ok((await loss()) < 0.1, 'the held-out loss falls from about 1'));
    await button('Pause').click();
    await button('Start').waitFor();
    await page
      .getByRole('application', { name: /^Curve.*Largest weight: expert [A-D] for x from/ })
      .waitFor();
    assert.equal(await page.getByText('Accuracy: training').count(), 0);
    await page.getByLabel('Curve', { exact: true }).and(page.locator('select')).selectOption('drawn');
    await button('Clear').waitFor();
    await page.locator('#curve').focus();
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Enter');
      await page.keyboard.press('Shift+ArrowLeft');
    }
    await page.getByText(/^8 of at most 300 points/).waitFor();
    await train(2);
    assert.match(page.url(), /data=curve&curve=drawn&drawn=.{24}&/);
    for (let i = 0; i < 10; i++) await page.keyboard.press('Control+z');
    await eventually(async () => assert.deepEqual({ step: await step(), url: page.url() }, points));
    await page.locator('.figure-decision').waitFor();
    assert.deepEqual(complaints, []);
  });

  it('opens by the links of the room that it had, also at a step, and as an embedded figure', async () => {
    const { page, complaints } = await visit(site, 'room=curve&data=steps&seed=2&at=3');
    await page.locator('.figure-curve').waitFor();
    await page
      .getByText(/^Paused at step 3\. Held-out loss \d\.\d{3}, mean squared error/)
      .first()
      .waitFor();
    await eventually(async () => assert.match(page.url(), /#data=curve&curve=steps&router=smoe/));
    const { pathname } = new URL(page.url());
    await page.goto(new URL(`${pathname}?embed=stage#data=curve&layers=1`, page.url()).href);
    await page.locator('.embedded .figure-curve').waitFor();
    assert.deepEqual(complaints, []);
  });
});

describe('a link of a teacher', () => {
  it('hides controls, and keeps them hidden', async () => {
    const { page } = await visit(site, 'router=smoe&hide=gate,data,time');
    const shown = async () =>
      Promise.all(
        ['#setting-gate', '.data-sets', '.scrubber', '#setting-router'].map((one) =>
          page.locator(one).first().isVisible(),
        ),
      );
    await eventually(async () => assert.deepEqual(await shown(), [false, false, false, true]));
    await page.getByLabel('Router', { exact: true }).selectOption('cosine');
    await eventually(async () => assert.match(page.url(), /#router=cosine&hide=gate,data,time$/));
    assert.deepEqual(await shown(), [false, false, false, true]);
  });

  it('says which names there are where it has a wrong one, in a lesson too', async () => {
    for (const hash of ['router=smoe&hide=gaet', 'lesson=collapse&hide=gaet']) {
      const { notices } = await visit(site, hash);
      await notices
        .filter({
          hasText:
            /The link hides “gaet”, which the page does not have\. It can hide settings, by their keys /,
        })
        .waitFor();
      assert.equal(await notices.count(), 1);
    }
  });
});
