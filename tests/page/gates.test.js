import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually, open, painted, small, visit } from './browser.js';

/**
 * @typedef {import('playwright-core').Page} Page
 */

/** @type {Awaited<ReturnType<typeof open>>} */
let site;
before(async () => {
  site = await open();
});
after(() => site.close());
afterEach(() => site.clear());

/**
 * Chooses an example and trains it. What examples show in numbers is tested without a browser.
 *
 * @param {Awaited<ReturnType<typeof visit>>} visited
 * @param {string} name
 * @param {number} steps
 */
async function example({ page, train, untilReset }, name, steps) {
  await page.getByLabel('Examples').selectOption({ label: name });
  await untilReset();
  const hint = await page.locator('#preset-help').innerText();
  await train(steps);
  return hint;
}

/** What the map says to screen readers. @param {Page} page */
const mapWords = async (page) => String(await page.locator('#ownership').getAttribute('aria-label'));

/** The numbers of the marks on the map. @param {Page} page */
async function marked(page) {
  await painted(page);
  const words = await mapWords(page);
  const [, points, without, , partly] =
    words.match(/Of (\d+) points, (\d+) have no expert(, (\d+) with some of their assignments dropped)?/) ??
    [];
  assert.ok(points, words);
  return { points: Number(points), without: Number(without), partly: partly ? Number(partly) : null };
}

describe('the examples of the playground', () => {
  it('mark nothing where nothing is dropped, then what a bias does, back in time too', async () => {
    const visited = await visit(site, 'pace=full');
    const { page } = visited;
    await example(visited, 'Idle experts', 20);
    assert.equal(await page.locator('.load-bias').count(), 0, 'nothing is balanced by a bias');
    assert.equal(await page.getByText('Without expert').count(), 0);
    assert.doesNotMatch(await mapWords(page), /have no expert/);

    await example(visited, 'Idle experts, with a bias', 100);
    const biases = await page.locator('.load-bias-number').allInnerTexts();
    assert.equal(biases.length, 8);
    const values = biases.map((text) => Number(text.replace('β', '').replace('−', '-')));
    assert.ok(values.some((value) => value > 0) && values.some((value) => value < 0), String(biases));
    // u times a number of steps.
    for (const value of values) assert.ok(Math.abs(value / 0.005 - Math.round(value / 0.005)) < 1e-3);

    await page.getByRole('slider', { name: 'Time' }).press('Home');
    await eventually(async () =>
      assert.deepEqual(await page.locator('.load-bias-number').allInnerTexts(), new Array(8).fill('β 0.000')),
    );
  });

  it('mark what capacity drops, and say of a point under the cursor which experts dropped it', async () => {
    const visited = await visit(site, 'pace=full');
    const { page } = visited;
    await example(visited, 'Idle experts, with capacity', 600);
    await eventually(async () => {
      const { points, without, partly } = await marked(page);
      assert.equal(points, 400);
      assert.ok(without > 0 && Number(partly) > 0);
      const key = await page.locator('.figure-ownership .key').innerText();
      assert.ok(key.includes(`(${without} of 400 points)`) && key.includes(`(${partly})`), key);
      assert.match(key, /for a point alone/);
    });
    assert.match(await page.locator('.figure-load').innerText(), /Dropped[\s\S]*\d+ %[\s\S]*Without expert/);
    // At every place of the map, as for a point alone, both experts have a weight.
    assert.equal(await page.locator('#plane-readout .is-chosen').count(), 2);
    assert.equal(await page.locator('#plane-readout .is-dropped').count(), 0);

    const box = await page.locator('#ownership').evaluate((map) => {
      map.scrollIntoView({ block: 'center' });
      const { x, y, width } = map.getBoundingClientRect();
      return { x, y, width };
    });
    const told = page.locator('.readout-point');
    // Along lines through the spirals, until a point is met that lost an expert.
    const seen = new Set();
    for (let row = 4; row < 21 && ![...seen].some((text) => text.includes('dropped')); row++) {
      for (let column = 3; column < 22; column++) {
        await page.mouse.move(box.x + (column / 24) * box.width, box.y + (row / 24) * box.width);
        seen.add(await told.innerText());
      }
    }
    const words = [...seen].join('\n');
    assert.match(words, /(Training|Held-out) point here \((circle|triangle)\): [A-H] (\d+ %|dropped)/);
    assert.match(words, /[A-H] dropped/);
    assert.match(words, /No data point here/);
  });

  it('show whether one expert teaches the router', async () => {
    const visited = await visit(site, 'pace=full');
    const { page } = visited;
    const inside = page.locator('.rooms').getByText('Inside the router');
    const drift = page.locator('.figure-router-drift');
    await example(visited, 'One expert per point', 50);
    await inside.click();
    await drift.getByText(/R is 0 from its start/).waitFor();
    await page.getByText('With this gate, k = 1 teaches the router nothing').waitFor();
    await page.locator('.rooms').getByText('Playground').click();
    await example(visited, 'One expert, Switch gate', 50);
    await inside.click();
    await drift.getByText(/R is [1-9][\d.]* from its start/).waitFor();
    assert.equal(await page.getByText('teaches the router nothing').count(), 0);
  });

  it('mark the points that no expert chose, and say that k does not decide with ReLU routing', async () => {
    const visited = await visit(site, 'pace=full');
    const { page } = visited;
    await example(visited, 'Expert choice', 50);
    await eventually(async () => {
      const { without, partly } = await marked(page);
      assert.ok(without > 10);
      assert.equal(partly, null, 'nothing is dropped');
    });
    assert.match(
      await page.locator('.figure-ownership .key').innerText(),
      /what experts chose among the points/,
    );
    assert.equal(await page.locator('#setting-capacityFactor').count(), 0);

    await example(visited, 'ReLU routing', 20);
    await page.getByText('k does not decide how many experts').waitFor();
    await marked(page);
  });
});

describe('the examples of the text room', () => {
  it('show the bias of every layer', async () => {
    const visited = await visit(site);
    const { page } = visited;
    await example(visited, 'Standard top-k', 2);
    assert.equal(await page.locator('.load-bias').count(), 0);
    await example(visited, 'Balanced by a bias', 2);
    await eventually(async () => assert.equal(await page.locator('.load-bias').count(), 16));
  });

  it('say that expert choice looks ahead, and that hash gives a character the same experts everywhere', async () => {
    const visited = await visit(site, 'room=text&layer=1');
    const { page, letters } = visited;
    assert.match(
      await example(visited, 'Expert choice', 10),
      /looks ahead: its loss is not a causal model’s/,
    );
    assert.match(await page.locator('.looks-ahead').innerText(), /not that of a causal model/);
    await page.locator('.figure-loss').getByText('not the loss of a causal model').waitFor();

    assert.match(await example(visited, 'Hash', 10), /same experts wherever it stands/);
    const symbols = await page.locator('#probe .cell').allTextContents();
    await eventually(async () => {
      /** @type {Map<string, Set<string>>} */
      const byTab = new Map();
      (await letters()).forEach((letter, i) => {
        byTab.set(symbols[i], (byTab.get(symbols[i]) ?? new Set()).add(letter));
      });
      assert.ok(byTab.size > 20);
      for (const [symbol, experts] of byTab) assert.equal(experts.size, 1, symbol);
    });
    assert.equal(await page.locator('#setting-gate').count(), 0);
    assert.equal(await page.locator('.looks-ahead').count(), 0);
  });
});

describe('the routed text', () => {
  it('marks characters that were dropped, and says so in words', async () => {
    const hash = `${small}&router=smoe&capacityFactor=0.75&layer=1`;
    const { page, train, letters, readout, complaints } = await visit(site, hash);
    await train(40);
    const marks = await letters();
    const dropped = marks.indexOf('×');
    assert.ok(dropped >= 0, 'with less room than assignments some must go');
    assert.ok(marks.some((letter) => /[A-D]/.test(letter)));
    const cell = page.locator(`#probe-${dropped}`);
    assert.match(await cell.evaluate((element) => element.style.background), /repeating-linear-gradient/);
    await cell.click();
    assert.match(
      String(await cell.getAttribute('aria-label')),
      /layer 1: expert [A-D] dropped, [A-D] dropped/,
    );
    assert.equal((await readout()).chosen.length, 2);
    assert.equal(await page.locator('#probe-readout .is-dropped').count(), 2);
    assert.match(await page.locator('#probe-readout caption').innerText(), /its experts were full/);
    const key = await page.locator('.figure-text .key').innerText();
    assert.match(key, /hatched, “×”: dropped by all its experts/);
    assert.match(key, /dark corner/);
    assert.match(await page.locator('.figure-load').innerText(), /Dropped[\s\S]*\d+ %/);
    assert.deepEqual(complaints, []);
  });

  it('marks characters for which no expert was chosen', async () => {
    const hash = `${small}&router=smoe&gate=relu&layer=2`;
    const { page, train, letters } = await visit(site, hash);
    await train(60);
    const marks = await letters();
    const without = marks.indexOf('–');
    assert.ok(without >= 0);
    await page.locator(`#probe-${without}`).click();
    assert.match(String(await page.locator(`#probe-${without}`).getAttribute('aria-label')), /no expert/);
    assert.match(await page.locator('#probe-readout caption').innerText(), /No expert was chosen/);
    assert.match(await page.locator('.figure-text .key').innerText(), /hatched, “–”: no expert/);
  });
});

/** The settings that depend on router and gate. */
const dependent = [
  'gate',
  'topK',
  'hyperSize',
  'routerSize',
  'routerScale',
  'routerNoise',
  'loadBalanceWeight',
  'routerZWeight',
  'capacityFactor',
  'balanceRate',
  'sparsityWeight',
  'sharedExperts',
];
const gates = ['topk-softmax', 'softmax-topk', 'sigmoid', 'expert-choice', 'relu'];
/** @type {Record<string, string[]>} by router: what belongs to it, whatever the gate */
const ofRouter = {
  hyperrouter: ['gate', 'topK', 'hyperSize', 'routerScale', 'routerNoise', 'sharedExperts'],
  smoe: ['gate', 'topK', 'routerScale', 'routerNoise', 'sharedExperts'],
  'smoe-dropout': ['gate', 'topK', 'routerScale', 'routerNoise', 'sharedExperts'],
  cosine: ['gate', 'topK', 'routerSize', 'routerScale', 'sharedExperts'],
  dense: [],
  hash: ['topK', 'capacityFactor', 'sharedExperts'],
};
const learns = ['hyperrouter', 'smoe', 'cosine'];
/** @param {string} router @param {string} gate */
function belonging(router, gate) {
  const own = ofRouter[router];
  if (!own.includes('gate')) return own;
  if (gate === 'relu') return [...own, 'sparsityWeight'];
  if (gate === 'expert-choice') return own;
  const losses = learns.includes(router) ? ['loadBalanceWeight', 'routerZWeight'] : [];
  return [...own, ...losses, 'capacityFactor', 'balanceRate'];
}

describe('the settings', () => {
  for (const [room, hash, routers, lacks] of /** @type {const} */ ([
    ['the playground', '', ['hyperrouter', 'smoe', 'smoe-dropout', 'cosine', 'dense'], []],
    ['the text room', small, ['hyperrouter', 'smoe', 'cosine', 'hash'], ['hyperSize']],
  ])) {
    it(`are those that have an effect, in ${room}`, async () => {
      const { page, complaints } = await visit(site, hash);
      const choose = (/** @type {string} */ label, /** @type {string} */ value) =>
        page.locator('.controls').getByLabel(label, { exact: true }).selectOption(value);
      for (const router of routers) {
        await choose('Router', router);
        for (const gate of ofRouter[router].includes('gate') ? gates : ['']) {
          if (gate) await choose('Gate', gate);
          const wanted = belonging(router, gate).filter(
            (key) => !(/** @type {readonly string[]} */ (lacks).includes(key)),
          );
          await eventually(async () =>
            assert.deepEqual(
              await page
                .locator('.controls')
                .evaluate(
                  (controls, keys) =>
                    keys.filter(
                      (key) =>
                        controls.querySelector(`#setting-${key}`) ||
                        [...controls.querySelectorAll('.check')].some(
                          (check) => key === 'routerNoise' && check.textContent === 'Router noise',
                        ),
                    ),
                  dependent,
                ),
              dependent.filter((key) => wanted.includes(key)),
              `${router} with ${gate}`,
            ),
          );
          assert.equal(await page.locator('.controls :disabled').count(), 0, `${router} with ${gate}`);
        }
      }
      assert.deepEqual(complaints, []);
    });
  }

  it('of one gate do not stay behind with a router that has its own', async () => {
    const { page, complaints, train, notices } = await visit(
      site,
      `${small}&router=smoe&gate=relu&sparsityWeight=0.05`,
    );
    await page.getByLabel('Router', { exact: true }).selectOption('hash');
    await page.locator('#setting-capacityFactor').waitFor({ state: 'attached' });
    await train(5);
    assert.equal(await page.locator('#setting-sparsityWeight').count(), 0);
    assert.equal(await notices.count(), 0);
    await page.getByText('With this gate, k does not').waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
  });

  it('compare routers under gates of each kind', async () => {
    const sizes =
      'layers=1&dModel=8&dInner=8&experts=4&heads=1&dHead=4&batchSize=8&contextLength=16&hyperSize=16&steps=20';
    // One of those that are balanced, and the two that have nothing to balance.
    for (const gate of ['softmax-topk', 'relu', 'expert-choice']) {
      // Of the points all are evaluated in no time; a text has a loss that may look ahead, and a router of its own.
      const data = gate === 'expert-choice' ? 'moby-dick&hash=1' : 'xor';
      const { page, complaints, button } = await visit(
        site,
        `room=routers&data=${data}&${sizes}&gate=${gate}`,
      );
      const keys = ['loadBalanceWeight', 'balanceRate', 'sparsityWeight'];
      const seen = await page
        .locator('.controls')
        .evaluate((controls, all) => all.filter((key) => controls.querySelector(`#setting-${key}`)), keys);
      const wanted = {
        relu: ['sparsityWeight'],
        'expert-choice': [],
      }[gate] ?? ['loadBalanceWeight', 'balanceRate'];
      assert.deepEqual(seen, wanted, gate);
      const warned = await page
        .locator('.figure-routers-loss')
        .getByText('not the loss of a causal model')
        .count();
      assert.equal(warned, gate === 'expert-choice' ? 1 : 0, gate);
      await button('Start').click();
      await page.getByRole('button', { name: 'Evaluate again' }).waitFor();
      assert.equal(await page.locator('.notice-problem').count(), 0);
      assert.deepEqual(complaints, []);
      await site.clear();
    }
  });
});

describe('inside the router', () => {
  it('each gate has its formulas', async () => {
    const { page, complaints, train } = await visit(site, 'room=inside&router=smoe');
    await train(5);
    const figure = page.locator('.figure-gate');
    const seen = new Set();
    for (const gate of gates) {
      await page.locator('.inside-tools').getByLabel('Gate', { exact: true }).selectOption(gate);
      await page.locator(`.figure-gate [data-gate=${gate}]`).waitFor();
      const names = await figure.getByRole('math').evaluateAll((all) => all.map((math) => math.ariaLabel));
      assert.ok(names.some((name) => name?.startsWith('the derivative of o with respect to g j equals')));
      seen.add(names.join('; '));
      assert.match(await figure.innerText(), /Chosen experts K[\s\S]*Weights s[\s\S]*Gradient/);
    }
    assert.equal(seen.size, gates.length, 'no two gates have the same');
    assert.deepEqual(complaints, []);
  });

  it('shows what limits and balances a gate, and a gradient at k = 1 where there is one', async () => {
    const hash = 'room=inside&router=smoe&gate=sigmoid&balanceRate=0.01&capacityFactor=1.5';
    const { page, train } = await visit(site, hash);
    await train(25);
    await page.locator('.biases li').nth(5).waitFor();
    await eventually(async () => assert.match(await page.locator('.biases').innerText(), /[+−]0\.\d[1-9]0/));
    assert.match(await page.locator('.figure-gate').innerText(), /Capacity[\s\S]*c = 1\.5/);
    for (const [gate, arrows] of /** @type {const} */ ([
      ['softmax-topk', 1],
      ['sigmoid', 0],
      ['relu', 1],
      ['expert-choice', 1],
      ['topk-softmax', 0],
    ])) {
      await page.goto(`${site.url}#room=inside&router=smoe&topK=1&gate=${gate}`);
      await page.locator(`.figure-gate [data-gate=${gate}]`).waitFor();
      await eventually(async () =>
        assert.equal(await page.locator('.router-diagram .link-back').count(), arrows, gate),
      );
    }
  });

  it('shows the router that has a gate of its own', async () => {
    const { page } = await visit(site, `room=inside&of=text&${small.replace('room=text&', '')}&router=hash`);
    await page.getByRole('heading', { name: 'Gate: of this router' }).waitFor();
    assert.equal(await page.locator('.inside-tools').getByLabel('Gate', { exact: true }).count(), 0);
    await page.locator('.router-diagram').getByText('gate.table').waitFor();
  });
});
