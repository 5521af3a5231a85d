/** The Playground's first screen: the model as a machine, beside what it learns, with the main settings in sight. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openingEnd } from '../../demo/opening/settings.js';
import { columns, curve, edgeWidth, rowMiddle, textColumns, tracksOf } from '../../demo/stage/layout.js';
import { weightsAt } from '../../demo/stage/token.js';
import { eventually, open, small, visit } from './browser.js';

/** What of the page is in sight without scrolling: nothing of it lies below the window or behind the time slider. */
const inSight = (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ selector) =>
  page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const { top, bottom, left, right } = element.getBoundingClientRect();
      const bar = /** @type {Element} */ (document.querySelector('.scrubber')).getBoundingClientRect();
      return top >= 0 && bottom <= bar.top + 1 && left >= 0 && right <= innerWidth;
    });

describe('the drawing of the machine', () => {
  it('gives each expert the middle of a row', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => rowMiddle(row, 4)),
      [0.125, 0.375, 0.625, 0.875],
    );
    for (const all of [columns, textColumns]) {
      const edges = Object.values(all).flat();
      assert.deepEqual(
        edges,
        [...edges].sort((a, b) => a - b),
        'columns do not overlap',
      );
      assert.deepEqual([edges[0], edges.at(-1)], [0, 1]);
      const tracks = [...tracksOf(all).matchAll(/(\d+)fr/g)].map(([, share]) => Number(share));
      assert.equal(tracks.length, edges.length - 1);
      assert.equal(
        tracks.reduce((sum, share) => sum + share, 0),
        1000,
        'the grid has the columns where the edges end',
      );
    }
  });

  it('has wider edges for larger weights, and a visible one for the smallest', () => {
    const widths = [undefined, 0, 0.01, 0.2, 0.5, 1].map(edgeWidth);
    for (const [i, width] of widths.entries()) assert.ok(i === 0 || width > widths[i - 1], String(widths));
    assert.ok(widths[0] >= 1);
    assert.equal(edgeWidth(7), edgeWidth(1));
  });

  it('knows which experts a place is sent to, also none, and which dropped it', () => {
    assert.deepEqual(weightsAt({ experts: [2, 0], weights: [0.75, 0.25] }, 4), [
      0.25,
      undefined,
      0.75,
      undefined,
    ]);
    assert.deepEqual(weightsAt({ experts: [-1, -1], weights: [0, 0] }, 2), [undefined, undefined]);
    assert.deepEqual(weightsAt({ experts: [1, -1], weights: [0, 0] }, 2), [undefined, 0]);
  });

  it('leaves and arrives level', () => {
    assert.equal(curve({ x: 0.1, y: 0.5 }, { x: 0.3, y: 0.25 }), 'M100 500C200 500 200 250 300 250');
  });
});

describe('the first screen of the Playground', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    site = await open();
  });
  after(() => site.close());
  afterEach(() => site.clear());

  for (const [width, height, most] of [
    [1366, 768, 20],
    // Two more drawers are in sight.
    [1440, 900, 22],
  ]) {
    it(`has everything that matters at ${width} x ${height}, and few controls`, async () => {
      const { page, train } = await visit(site, '', { viewport: { width, height }, drawers: false });
      await train(60);
      for (const selector of [
        ...['.start', '.data-sets', '#setting-router', '#setting-gate', '#setting-topK'],
        ...['.machine-plate', '#decision', '.figure-load .load', '.figure-loss .line-chart'],
      ])
        await eventually(async () => assert.ok(await inSight(page, selector), `${selector} is in sight`));
      // A group of radio buttons is one control; what the drawing is made of can be pressed, too.
      const seen = await page.evaluate(() => {
        const all = [...document.querySelectorAll('button, select, input, summary')];
        const shown = all.filter((element) => {
          const { width: wide, top, bottom } = element.getBoundingClientRect();
          return (
            wide > 1 &&
            top < innerHeight &&
            bottom > 0 &&
            element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
            !element.closest('[popover], .machine-plate')
          );
        });
        return new Set(
          shown.map((element) =>
            /** @type {HTMLInputElement} */ (element).type === 'radio'
              ? element.closest('fieldset')
              : element,
          ),
        ).size;
      });
      assert.ok(seen <= most, `${seen} controls`);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
      assert.equal(await page.locator('.drawer[open]').count(), 0);
    });
  }

  it('has the settings in sight for all data, routers and gates', async () => {
    const { page } = await visit(site, '', { viewport: { width: 1366, height: 768 }, drawers: false });
    const hidden = () =>
      page.evaluate(async () => {
        /** @param {string} selector */
        const all = (selector) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll(selector)]);
        const drawn = async () => {
          for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
        };
        /** @param {string} key @param {number} index */
        const choose = (key, index) => {
          const list = /** @type {HTMLSelectElement | null} */ (document.querySelector(`#setting-${key}`));
          if (!list) return 0;
          list.selectedIndex = index % list.options.length;
          list.dispatchEvent(new Event('change', { bubbles: true }));
          return list.options.length;
        };
        const outside = /** @type {string[]} */ ([]);
        /** @param {HTMLElement} data @param {number} i */
        const look = async (data, i) => {
          data.click();
          const chosen = [choose('router', i), choose('gate', i)];
          await drawn();
          const bar = /** @type {HTMLElement} */ (document.querySelector('.scrubber')).getBoundingClientRect()
            .top;
          for (const selector of [
            ...['.start', '.data-sets', '#setting-router', '#setting-gate', '#setting-topK'],
            ...['.figure-load .figure-head', '.figure-loss .figure-head'],
          ]) {
            const box = all(selector)[0]?.getBoundingClientRect();
            if (box && (box.top < 0 || box.bottom > bar + 1))
              outside.push(`${selector}, ${i} ${data.outerHTML}`);
          }
          return Math.max(...chosen);
        };
        const sets = all('.data-sets input');
        for (const [i, data] of sets.entries()) await look(data, i);
        const curve = /** @type {HTMLElement} */ (sets.at(-2));
        for (let i = 0, most = 1; i < most; i++) most = Math.max(most, await look(curve, i));
        return { outside, sets: sets.length };
      });
    assert.deepEqual(await hidden(), { outside: [], sets: 8 });
    await page.setViewportSize({ width: 1440, height: 900 });
    assert.deepEqual(await hidden(), { outside: [], sets: 8 });
  });

  for (const [room, hash, margin] of /** @type {const} */ ([
    ['Playground', '', 4],
    ['text room', small, 2],
  ])) {
    it(`has the name of each router in its box, no word of it broken (${room})`, async () => {
      const { page } = await visit(site, hash, { drawers: false });
      const routers = await page.locator('#setting-router option').count();
      for (const width of [1366, 390]) {
        await page.setViewportSize({ width, height: 844 });
        for (let i = 0; i < routers; i++) {
          await page.locator('#setting-router').evaluate((list, index) => {
            /** @type {HTMLSelectElement} */ (list).selectedIndex = index;
            list.dispatchEvent(new Event('change', { bubbles: true }));
          }, i);
          await eventually(async () => {
            const [least, name, dense] = await page.evaluate(() => {
              const node = document.querySelector('.machine-router > .machine-node');
              const small = node?.querySelector('small');
              if (!node || !small) return [0, '', document.querySelector('.machine.is-dense') !== null];
              const range = document.createRange();
              range.selectNodeContents(small);
              const [box, words] = [node.getBoundingClientRect(), range.getBoundingClientRect()];
              // A word that is broken has a part on a line of its own.
              const broken = [...(small.textContent ?? '').matchAll(/[^\s-]+/g)].some(
                ({ index, 0: word }) => {
                  const text = /** @type {Node} */ (small.firstChild);
                  range.setStart(text, index);
                  range.setEnd(text, index + word.length);
                  return range.getClientRects().length > 1;
                },
              );
              const inside = Math.min(words.left - box.left, box.right - words.right);
              return [broken ? -1 : inside, small.textContent, false];
            });
            assert.ok(dense || Number(least) >= margin, `${name} at ${width}: ${least} px`);
          });
        }
      }
    });
  }

  it('says why the weights do not sum to 100 % where they do not', async () => {
    // Before training: later the shares of the two may come to nearly all.
    const { page } = await visit(site, 'router=smoe&gate=softmax-topk');
    const gate = page.locator('.machine-gate');
    await eventually(async () => {
      const shown = await page.locator('.is-chosen .machine-weight > span:nth-child(2)').allInnerTexts();
      const sum = shown.map((text) => Number.parseInt(text, 10)).reduce((a, b) => a + b);
      assert.match(
        await gate.innerText(),
        new RegExp(`${sum} % in all: the other experts’ shares are left out`),
      );
    });
    await page.locator('#setting-gate').selectOption('topk-softmax');
    await eventually(async () => assert.doesNotMatch(await gate.innerText(), /in all/));
  });

  it('opens with a run that plays, and goes on with the same run', async () => {
    const { page, button, untilStep, record, complaints } = await visit(site, '', { plays: true });
    await untilStep(60);
    await button('Pause').click();
    await button('Start').waitFor();
    assert.doesNotMatch(page.url(), /#/);
    const { runs } = await record();
    const [{ settings, losses, departures }] = runs;
    assert.equal(settings.router, 'smoe');
    assert.deepEqual(departures, []);
    assert.equal(losses.steps[0], losses.every, 'it was trained from its start');
    // Any change makes it a run like others, with its settings in the address.
    await page.getByLabel('Gate', { exact: true }).selectOption('topk-softmax');
    await eventually(async () => assert.match(page.url(), /#router=smoe/));
    await page.reload();
    await button('Start').and(page.locator(':enabled')).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('opens with the end of that run where motion is not wanted', async () => {
    const { step, button } = await visit(site, '', { plays: true, reducedMotion: 'reduce' });
    await button('Start').waitFor();
    assert.equal(await step(), openingEnd);
  });

  it('sends the place that is pointed at to the experts that the engine chose', async () => {
    const { page, train } = await visit(site, 'router=smoe&experts=4&layers=1&data=clusters&seed=2');
    await train(150);
    const words = page.locator('.machine-words');
    const map = page.locator('#decision');
    /** What the readout, which shows the routing in full, says of the same place. */
    const chosen = () => page.locator('#plane-readout .is-chosen .chip').allInnerTexts();
    const seen = new Set();
    await map.focus();
    for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowDown']) {
      for (let i = 0; i < 3; i++) await page.keyboard.press(`Shift+${key}`);
      await eventually(async () => {
        const letters = [...(await words.innerText()).matchAll(/([A-D]) \d+ %/g)].map(([, letter]) => letter);
        assert.equal(letters.length, 2, await words.innerText());
        assert.deepEqual(letters.sort(), (await chosen()).sort());
        const marked = await page.locator('.machine-expert.is-chosen .chip').allInnerTexts();
        assert.deepEqual(marked.sort(), letters);
        assert.equal(await page.locator('.edge-chosen').count(), 2);
        seen.add(letters.join(''));
      });
    }
    assert.ok(seen.size > 1, 'other places go to other experts');
  });

  it('shows another layer, one expert alone, β and experts that are always on', async () => {
    const { page, train } = await visit(
      site,
      'router=smoe&layers=3&layer=2&experts=4&balanceRate=0.01&sharedExperts=1',
    );
    await train(20);
    const machine = page.getByRole('region', { name: /^The model, layer/ });
    assert.match(String(await machine.getAttribute('aria-label')), /layer 2/);
    await eventually(async () =>
      assert.equal(await page.getByText(/^β [+−]\d\.\d\d$/).count(), 4, 'each expert has its bias'),
    );
    assert.equal(await page.locator('.machine-expert.is-shared').count(), 1);
    await page.getByRole('button', { name: 'Show layer 3' }).click();
    await page.getByRole('region', { name: 'The model, layer 3' }).waitFor();
    assert.match(page.url(), /layer=3/);
    const second = page.locator('.machine-tile').nth(1);
    await second.click();
    assert.equal(await second.getAttribute('aria-pressed'), 'true');
    assert.match(page.url(), /show=alone&alone=2/);
  });

  it('says so where there is no expert, and where there is no router', async () => {
    const { page } = await visit(site, 'router=smoe&gate=relu&experts=2&seed=3');
    const words = page.locator('.machine-words');
    const map = page.locator('#decision');
    await map.focus();
    // Somewhere in the plane both logits are below 0.
    await eventually(async () => {
      for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown']) {
        for (let i = 0; i < 6; i++) {
          await page.keyboard.press(`Shift+${key}`);
          if (/gets no expert/.test(await words.innerText())) return;
        }
      }
      assert.fail(await words.innerText());
    });
    assert.equal(await page.locator('.edge-chosen').count(), 0);
    await page.locator('#setting-router').selectOption('dense');
    await page.locator('.machine').getByText('No router: one network computes every point.').waitFor();
  });

  it('keeps drawers as they were, and explains figures when asked', async () => {
    const { page } = await visit(site, '', { drawers: false });
    const drawer = page.locator('.drawer').filter({ hasText: 'More settings' });
    await drawer.locator('summary').click();
    await page.getByLabel('Dropout').waitFor();
    await page.reload();
    await page.getByLabel('Dropout').waitFor();
    assert.equal(await page.locator('.drawer[open]').count(), 1);
    const help = page.getByRole('button', { name: 'What it shows: Loss' });
    assert.equal(await page.locator('.figure-loss .caption').isVisible(), false);
    await help.click();
    assert.equal(await page.locator('.figure-loss .caption').isVisible(), true);
    assert.equal(await help.getAttribute('aria-expanded'), 'true');
  });

  it('fits a phone: the machine first, the settings in a sheet, nothing beyond its edges', async () => {
    const { page } = await visit(site, '', { viewport: { width: 390, height: 844 } });
    const [machine, settings] = await Promise.all(
      ['.machine', '.controls'].map((selector) => page.locator(selector).boundingBox()),
    );
    assert.ok(machine && machine.y < 844);
    assert.equal(settings, null, 'they are not shown before they are asked for');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });
});

describe('the first screen of the text room', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    site = await open();
  });
  after(() => site.close());
  afterEach(() => site.clear());

  for (const [width, height] of [
    [1366, 768],
    [1440, 900],
  ]) {
    it(`has everything that matters at ${width} x ${height}`, async () => {
      const { page, train } = await visit(site, `${small}&experts=8`, {
        viewport: { width, height },
        drawers: false,
      });
      await train(20);
      for (const selector of [
        ...[
          '.start',
          '#setting-text',
          '#setting-router',
          '#setting-gate',
          '#setting-topK',
          '#setting-tokens',
        ],
        ...[
          '#probe',
          '.machine-plate',
          '.writing .primary',
          '.figure-load .load',
          '.figure-loss .line-chart',
        ],
      ])
        await eventually(async () => assert.ok(await inSight(page, selector), `${selector} is in sight`));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    });
  }

  it('sends the character that is pointed at through the layer, and opens what is known of its parts', async () => {
    const { page, train, complaints } = await visit(site, `${small}&layers=2&layer=2`);
    await train(60);
    const machine = page.getByRole('region', { name: 'The model, layer 2' });
    const words = page.locator('.machine-words');
    await page.locator('#probe').focus();
    const seen = new Set();
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('ArrowRight');
      await eventually(async () => {
        const text = await words.innerText();
        const letters = [...text.matchAll(/([A-D]) \d+ %/g)].map(([, letter]) => letter).sort();
        const marked = await machine
          .locator('.machine-expert.is-chosen .machine-tile > .chip')
          .allInnerTexts();
        assert.deepEqual(marked.sort(), letters);
        assert.deepEqual(
          (await page.locator('#probe-readout .is-chosen .chip').allInnerTexts()).sort(),
          letters,
          'as the readout has it',
        );
        seen.add(text);
      });
    }
    assert.ok(seen.size > 1, [...seen].join());
    assert.deepEqual(
      await machine.locator('.readout-next li').allInnerTexts(),
      await page.locator('#probe-readout .readout-next li').allInnerTexts(),
      'the likeliest next characters come out',
    );

    const known = page.locator('.machine-known');
    await machine.locator('.machine-weight').first().click();
    assert.match(await known.innerText(), /Edge to expert A[\s\S]*Logit\s+−?\d\.\d\d[\s\S]*Weight/);
    await page.keyboard.press('Escape');
    assert.equal(await known.count(), 0);
    await machine.getByTitle('What the router says of this token').click();
    assert.equal(await known.locator('tbody tr').count(), 4);
    await machine.locator('.machine-tile').nth(1).click();
    assert.match(await known.innerText(), /^Expert B[\s\S]*Load/);
    await page.getByRole('button', { name: 'Showing tokens of expert B of layer 2. Show all' }).waitFor();
    await known.getByRole('button', { name: 'Close' }).click();
    assert.equal(await known.count(), 0);
    assert.deepEqual(complaints, []);
  });

  it('shows entries of its table where the router has one, and no logits', async () => {
    const { page, train } = await visit(site, `${small}&router=hash`);
    await train(2);
    const machine = page.getByRole('region', { name: 'The model, layer 1' });
    assert.equal(await machine.locator('small[title="table entry"]').count(), 4);
    const known = page.locator('.machine-known');
    await machine.locator('.machine-weight').first().click();
    assert.match(await known.innerText(), /Table entry/);
    await machine.getByTitle('What the router says of this token').click();
    assert.match(await known.innerText(), /Table entry/);
    assert.doesNotMatch(await page.locator('.machine').innerHTML(), /logit\b|probability/i);
  });

  it('learns word pieces, and compares with an untrained model also one that was opened', async () => {
    const { page, train, saved, button, notices } = await visit(site, `${small}&tokens=pieces`);
    await train(20);
    assert.match(String(await page.locator('.facts-row').textContent()), /bits per piece/);
    const cells = await page.locator('#probe .cell').allInnerTexts();
    assert.ok(
      cells.some((text) => text.length > 2),
      cells.join('|'),
    );
    const { name, bytes } = await saved(() => button('Save the model').click());
    await page.locator('input[type=file]').last().setInputFiles({ name, mimeType: '', buffer: bytes });
    await notices.filter({ hasText: 'Model opened' }).waitFor();
    assert.match(page.url(), /tokens=pieces/);
    assert.match(
      await page.locator('.figure-matrix .figure-fact').first().innerText(),
      /In the untrained model: [0-9.]+ bits/,
    );
  });
});
