import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import {
  isEmpty,
  labelsOf,
  marksOf,
  outlineOf,
  spread,
  stepRange,
  tablesOf,
  valueRange,
  wrapped,
} from '../../demo/views/plot-lines.js';
import { open, small, visit } from './browser.js';

/** @typedef {import('../../demo/views/plot-lines.js').Line} Line */

/** @param {Partial<Line>} [parts] @returns {Line} */
const line = (parts) => ({
  label: 'one',
  look: { colour: '--ink', width: 1 },
  steps: [0, 1, 2],
  values: [4, 3, 2],
  ...parts,
});

describe('the lines of a chart', () => {
  it('are in one table where they have the same steps, and in the order in which they came', () => {
    const lines = [line(), line({ values: [7, 8, 9] }), line({ steps: [5], values: [6] })];
    assert.deepEqual(tablesOf({ lines }), [
      [
        [0, 1, 2],
        [4, 3, 2],
        [7, 8, 9],
      ],
      [[5], [6]],
    ]);
    assert.deepEqual(tablesOf({ lines: [] }), []);
  });

  it('are copied: lists that grow do not change what is drawn', () => {
    const steps = [1, 2];
    const values = [3, 4];
    const [table] = tablesOf({ lines: [line({ steps, values })] });
    steps.push(3);
    values.push(5);
    assert.deepEqual(table, [
      [1, 2],
      [3, 4],
    ]);
  });

  it('begin at step 1 on a logarithmic axis, with their bands and marks', () => {
    const marks = [
      { step: 0, value: 9 },
      { step: 2, value: 1 },
    ];
    const one = line({ low: [3, 2, 1], high: [5, 4, 3], marks });
    assert.deepEqual(tablesOf({ lines: [one], log: true }), [
      [
        [1, 2],
        [3, 2],
      ],
    ]);
    assert.deepEqual(tablesOf({ lines: [line({ steps: [0], values: [1] })], log: true }), [[[], []]]);
    assert.deepEqual(marksOf(one, true), marks.slice(1));
    assert.deepEqual(marksOf(one, false), marks);
    assert.deepEqual(outlineOf(one, true), [
      [1, 4],
      [2, 3],
      [2, 1],
      [1, 2],
    ]);
    assert.equal(outlineOf(one, false).length, 6);
    assert.deepEqual(outlineOf(line(), false), []);
    assert.deepEqual(valueRange({ lines: [one], log: true, range: (...ends) => ends }), [1, 4]);
  });

  it('begin with the first step: what is known before it is not drawn', () => {
    assert.ok(isEmpty([]));
    assert.ok(isEmpty([line({ steps: [], values: [] })]));
    assert.ok(isEmpty([line({ steps: [0], values: [2], marks: [{ step: 0, value: 2 }] })]));
    assert.ok(!isEmpty([line()]));
    assert.ok(!isEmpty([line({ steps: [], values: [], marks: [{ step: 1, value: 2 }] })]));
  });
});

describe('the axes of a chart', () => {
  it('show ten steps at least, and as many as there are or are said', () => {
    assert.deepEqual(stepRange({ lines: [line()] }), [0, 10]);
    assert.deepEqual(stepRange({ lines: [line()], log: true }), [1, 10]);
    const far = line({ marks: [{ step: 70, value: 1 }] });
    assert.deepEqual(stepRange({ lines: [line({ steps: [40], values: [1] }), far] }), [0, 70]);
    assert.deepEqual(stepRange({ lines: [far], lastStep: 30 }), [0, 30]);
    assert.deepEqual(stepRange({ lines: [] }), [0, 10]);
  });

  it('show all values with a margin, or what is asked for', () => {
    const lines = [line({ low: [3, 2, 1], high: [5, 4, 3], marks: [{ step: 1, value: 11 }] })];
    const [least, most] = valueRange({ lines });
    assert.ok(Math.abs(least - (1 - 0.6)) < 1e-12 && Math.abs(most - (11 + 0.6)) < 1e-12);
    assert.deepEqual(valueRange({ lines, range: [0, 1] }), [0, 1]);
    assert.deepEqual(valueRange({ lines, range: (low, high) => [low - 1, high + 1] }), [0, 12]);
    const [low, high] = valueRange({ lines: [line({ steps: [1], values: [2] })] });
    assert.ok(low < 2 && high > 2, 'one value has room around it');
    const [from, to] = valueRange({ lines: [] });
    assert.ok(from < to);
  });
});

describe('the labels of a chart', () => {
  it('are each different, and none where a line has none', () => {
    const labels = ['the same', 'training', 'the same', '', '', 'the same'].map((label) => line({ label }));
    assert.deepEqual(labelsOf(labels), ['the same', 'training', 'the same (2)', '', '', 'the same (3)']);
  });

  it('are wrapped between words, and cut only where there is no other way', () => {
    const widthOf = (/** @type {string} */ text) => text.length;
    const space = { width: 10, rows: 2 };
    assert.deepEqual(wrapped('held-out', space, widthOf), ['held-out']);
    assert.deepEqual(wrapped('experts 6, smoe', space, widthOf), ['experts 6,', 'smoe']);
    assert.deepEqual(wrapped('experts 6, batch size 9', space, widthOf), ['experts 6,', 'batch siz…']);
    assert.deepEqual(wrapped('load-balancing weight', space, widthOf), ['load-bala…', 'weight']);
    assert.deepEqual(wrapped('two words', { width: 5, rows: 1 }, widthOf), ['two…']);
  });

  it('are moved apart as far as they are high, within the chart, and handed over as they were', () => {
    const labels = [99, 5, 6, 96].map((y) => ({ y, height: 10 }));
    assert.deepEqual(
      spread(labels, [0, 100]).map(({ y }) => y),
      [5, 15, 85, 95],
    );
    assert.equal(labels[0].y, 99);
    const high = [
      { y: 50, height: 40 },
      { y: 51, height: 10 },
    ];
    assert.deepEqual(
      spread(high, [0, 100]).map(({ y }) => y),
      [50, 75],
    );
  });
});

describe('a chart', () => {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let site;
  before(async () => {
    site = await open();
  });
  afterEach(() => site.clear());
  after(() => site.close());

  /** @param {import('./browser.js').Visit} at @returns {Promise<string>} the loss chart as SVG */
  const lossSvg = async ({ page, saved }) => {
    const figure = page.locator('.figure-loss');
    await figure.locator('.line-chart canvas').waitFor();
    await figure.getByRole('button', { name: /^Save/ }).click();
    const { bytes } = await saved(() => figure.getByRole('button', { name: 'Image (SVG)' }).click());
    return bytes.toString();
  };

  it('is drawn where the language of the browser is none', async () => {
    // A page of its own, since the script stays with it.
    const at = await visit(site, '', { locale: 'en-US' });
    await at.page.addInitScript(() => {
      Object.defineProperty(Navigator.prototype, 'language', { get: () => 'C', configurable: true });
    });
    await at.page.goto(`${site.url}#${small}`);
    await at.page.reload();
    await at.page.getByRole('button', { name: 'Start' }).and(at.page.locator(':enabled')).waitFor();
    await at.train(10);
    const svg = await lossSvg(at);
    assert.match(svg, />training</);
    assert.match(svg, />held-out</);
    assert.deepEqual(at.complaints, []);
  });

  it('has room for its labels, and no two are the same', async () => {
    const at = await visit(site, small, { viewport: { width: 390, height: 900 } });
    // Three runs with the same settings, then one with others. Each goes beyond the step at which the one before was
    // paused: of two equal runs with the same last step, only one is kept.
    for (let run = 0, trained = 10; run < 3; run++) {
      trained = await at.train(trained + 20);
      await at.button('Reset').click();
      await at.page.waitForFunction(() => document.querySelector('.facts-row dd')?.textContent === '0');
      await at.button('Start').and(at.page.locator(':enabled')).waitFor();
    }
    await at.page.evaluate(
      (hash) => {
        location.hash = hash;
      },
      small.replace('experts=4', 'experts=6&router=smoe'),
    );
    await at.train(30);
    const svg = await lossSvg(at);
    const texts = await at.page.evaluate((text) => {
      const picture = /** @type {any} */ (
        new DOMParser().parseFromString(text, 'image/svg+xml').documentElement
      );
      document.body.append(picture);
      const { x, width } = picture.viewBox.baseVal;
      return [...picture.querySelectorAll('text')].map((one) => {
        const box = one.getBBox();
        return { words: one.textContent, left: box.x - x, right: x + width - box.x - box.width };
      });
    }, svg);
    for (const { words, left, right } of texts) assert.ok(left >= 0 && right >= 0, words);
    assert.equal(svg.match(/<polyline/g)?.length, 6, 'three runs before; each step, training, held-out');
    const words = texts.map((text) => text.words);
    for (const label of ['training', 'held-out'])
      assert.equal(words.filter((text) => text === label).length, 1, `${label} in ${words}`);
    // At its line, and in the list that says what it is.
    for (const label of ['run 1', 'run 2', 'run 3'])
      assert.equal(words.filter((text) => text === label).length, 2, `${label} in ${words}`);
    assert.ok(!words.some((text) => text?.includes('…')), 'none is cut off');
    const list = await at.page.locator('.compared-runs li').allInnerTexts();
    assert.equal(list.length, 3);
    list.forEach((text, i) => {
      assert.match(text, new RegExp(`^run ${i + 1}: HyperRouter, experts 4; [0-9.]+ at step [0-9,]+$`));
    });
  });
});
