import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually, open, small, visit } from './browser.js';

/** @type {import('./browser.js').Site} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

describe('for everyone', () => {
  const axe = readFile(new URL(import.meta.resolve('axe-core')), 'utf8');

  it('has nothing that axe finds, wide and light, narrow and dark', async () => {
    const { page, train, button } = await visit(site, `${small}&length=20`);
    await train(30);
    await button('Generate').click();
    await page.locator('#written-20').waitFor();
    for (const summary of await page.getByText('As a table').all()) await summary.click();
    await page.evaluate(await axe);
    for (const [colorScheme, width] of /** @type {const} */ ([
      ['light', 1440],
      ['dark', 390],
    ])) {
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
  });

  it('fits any width, and fingers', async () => {
    const { page, train, button } = await visit(site, `${small}&experts=16&layers=4&length=20`);
    await train(3);
    await button('Generate').click();
    await page.locator('#written-20').waitFor();
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
    const { page, button } = await visit(site, small, { reducedMotion: 'reduce' });
    const began = Date.now();
    await button('Start').click();
    await page.evaluate(async () => {
      const fact = /** @type {Element} */ (document.querySelector('.facts-row dd'));
      for (let changes = 0; changes < 4; changes++) {
        await new Promise((resolve) =>
          new MutationObserver((_, observer) => {
            observer.disconnect();
            resolve(undefined);
          }).observe(fact, { characterData: true, subtree: true, childList: true }),
        );
      }
    });
    const seconds = (Date.now() - began) / 1000;
    // The first one comes at once, the others half a second apart.
    assert.ok(seconds >= 1.45, `4 changes in ${seconds} s`);
  });

  it('has all rooms in sight, and a way to the settings, on a narrow screen', async () => {
    const { page } = await visit(site, '', { viewport: { width: 390, height: 844 } });
    const rooms = await page.locator('.rooms a').evaluateAll((links) =>
      links.map((link) => {
        const { left, right } = link.getBoundingClientRect();
        return left >= 0 && right <= innerWidth && link.scrollWidth <= link.clientWidth;
      }),
    );
    assert.deepEqual(rooms, [true, true, true, true]);
    await page.getByRole('button', { name: 'Settings' }).click();
    const sheet = page.getByRole('region', { name: 'Settings' });
    await page.waitForFunction(() => document.activeElement?.matches('.controls'));
    const { top, bottom } = await sheet.evaluate((element) => element.getBoundingClientRect().toJSON());
    assert.ok(top > 844 / 3 && bottom === 844, 'what they change stays in sight above them');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.closest('.controls') !== null), true);
    await page.keyboard.press('Escape');
    assert.equal(await sheet.isVisible(), false);
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Settings');
  });

  it('has every picture on the page, also what is not on the screen, while nothing is trained', async () => {
    const { page, train, button, untilStep } = await visit(site, small, {
      viewport: { width: 1440, height: 400 },
    });
    const at = await train(3);
    const hidden = () =>
      page
        .locator('.figure > .figure-head h2')
        .evaluateAll(
          (titles) =>
            titles.filter((title) => !title.checkVisibility({ contentVisibilityAuto: true })).length,
        );
    await eventually(async () => assert.equal(await hidden(), 0, 'none is left out'));
    await button('Start').click();
    await untilStep(at + 1);
    await eventually(async () => assert.ok((await hidden()) > 0, 'what is not on the screen is left out'));
  });

  it('has the map of experts and the territories beside each other', async () => {
    const { page } = await visit(site, '');
    await eventually(async () => {
      const tops = await page
        .locator('.maps .figure-head')
        .evaluateAll((both) => both.map((one) => one.getBoundingClientRect().top));
      assert.equal(tops.length, 2);
      assert.ok(Math.abs(tops[0] - tops[1]) < 1, String(tops));
    });
  });

  it('says in the place of charts that they begin with the first step', async () => {
    const words = 'The curves start with the first step.';
    for (const [room, charts] of /** @type {const} */ ([
      [small, 1],
      ['room=routers&layers=1&dModel=16', 2],
    ])) {
      const { page, button, untilStep } = await visit(site, room);
      await page.waitForFunction(
        ([text, least]) =>
          [...document.querySelectorAll('.before > p')].filter((p) => p.textContent === text).length >= least,
        /** @type {const} */ ([words, charts]),
      );
      assert.match(await page.getByRole('status').first().innerText(), /Ready|Building|being built/);
      await button('Start').click();
      await untilStep(2);
      await page.locator('.figure').filter({ hasText: 'Loss' }).first().locator('.u-over').waitFor();
      assert.equal(
        await page.locator('.figure', { hasText: 'Logarithmic x-axis' }).getByText(words).count(),
        0,
      );
    }
  });

  it('has a lesson beside or above its room, on nothing, and what a step names in sight', async () => {
    for (const [width, height] of [
      [390, 844],
      [1366, 768],
    ]) {
      const { page, button } = await visit(site, 'lesson=starvation', { viewport: { width, height } });
      if (width > 1280) {
        for (const selector of [
          '.start',
          '.machine-plate',
          '#decision',
          '.figure-load .load',
          '.figure-loss .before',
        ])
          await eventually(async () => {
            const { left, bottom } = await page
              .locator(selector)
              .evaluate((element) => element.getBoundingClientRect().toJSON());
            const { right } = await page
              .locator('.lesson')
              .evaluate((element) => element.getBoundingClientRect().toJSON());
            const { y: end } = (await page.locator('.scrubber').boundingBox()) ?? { y: 0 };
            assert.ok(bottom <= end && (left >= right || selector === '.start'), `${selector} is in sight`);
          });
      }
      await page.getByLabel('Some experts get nothing').check();
      await button('To the run').click();
      for (const [step, target] of /** @type {const} */ ([
        [/^Show: Press Start/, '.figure-load'],
        [/^Show: Cure 1/, '[data-setting="loadBalanceWeight"]'],
      ])) {
        if (await button('Unfold').count()) await button('Unfold').click();
        await page.getByRole('button', { name: step }).click();
        await page.locator(`${target}.is-pointed`).waitFor();
        await eventually(async () => {
          const [free, shown] = await page.evaluate((selector) => {
            const rect = (/** @type {string} */ of) => document.querySelector(of)?.getBoundingClientRect();
            const bar = rect('.transport-bar');
            const [lesson, shown] = [rect('.lesson'), rect(selector)];
            const beside = lesson && shown && lesson.right <= shown.left;
            return [
              {
                top: Math.max(beside ? 0 : (lesson?.bottom ?? 0), bar?.bottom ?? 0),
                bottom: rect('.scrubber')?.top,
              },
              { top: shown?.top, bottom: shown?.bottom },
            ];
          }, target);
          assert.ok(Number(shown.top) >= free.top - 1, `${width} px: ${target} is covered`);
          assert.ok(Number(shown.top) < Number(free.bottom), `${width} px: ${target} is below`);
        });
      }
    }
  });
});
