import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bandOf, columnsOf, gapsOf, lastInWords, meanScan } from '../../demo/routers/bands.js';
import { measured, seriesOf } from '../../demo/routers/measured.js';
import { withBest } from '../../demo/routers/now.js';
import { rank, savingOf, verdictOf } from '../../demo/routers/verdict.js';

describe('the conclusion of a comparison', () => {
  const steps = [0, 50, 100, 150, 200, 250];
  /** @param {string} label @param {(step: number, i: number) => number} loss */
  const outcome = (label, loss) => ({
    label,
    traits: { hyperrouter: ['routes', 'hypernetwork'], smoe: ['routes'] }[label] ?? [],
    heldOut: steps.map((step, i) => ({ step, loss: loss(step, i) })),
  });
  const words = /** @type {const} */ ({ unit: 'nats', per: 'byte' });

  it('is a gap where it is larger than its deviation, else noise', () => {
    const ranked = rank([
      [
        outcome('smoe', (_, i) => 2 + (i % 2 ? 0.05 : -0.05)),
        outcome('hyperrouter', () => 2),
        outcome('dense', () => 3),
      ],
    ]);
    assert.equal(ranked?.best, 'hyperrouter');
    assert.equal(ranked?.step, 250);
    assert.deepEqual(
      ranked?.gaps.map(({ label, real }) => [label, real]),
      [
        ['smoe', false],
        ['dense', true],
      ],
    );
  });

  it('is over several seeds a gap where it is larger than their noise, and has the same sign with each', () => {
    /** @param {number[]} others the losses of “smoe”, one per seed; those of the other are 2, 2.2, 2.4 */
    const runs = (others) =>
      others.map((loss, seed) => [outcome('hyperrouter', () => 2 + 0.2 * seed), outcome('smoe', () => loss)]);
    // The losses themselves differ more from seed to seed than between the routers.
    const [clear] = rank(runs([2.1, 2.31, 2.49]))?.gaps ?? [];
    assert.ok(clear.real);
    assert.ok(Math.abs(clear.gap - 0.1) < 1e-9);
    assert.ok(Math.abs(clear.noise - (2 * 0.01) / Math.sqrt(3)) < 1e-9);
    const [open] = rank(runs([2.1, 2.6, 2.39]))?.gaps ?? [];
    assert.equal(open.real, false);
    // Two seeds that happen to agree do not make a gap that comes and goes a clear one.
    const agreeing = [1, 2].map(() => [
      outcome('hyperrouter', () => 2),
      outcome('smoe', (_, i) => 2 + (i % 2 ? 0.1 : -0.1)),
    ]);
    assert.equal(rank(agreeing)?.gaps[0].real, false);
    const one = verdictOf(runs([2.1]), words);
    assert.match(one, /smoe by 0\.100 \(±0\.000\).*train with two or three/);
    const three = verdictOf(runs([2.1, 2.31, 2.49]), words);
    assert.match(three, /hyperrouter has the lowest held-out loss: 2\.200 nats per byte \(mean of 3 seeds\)/);
    assert.match(three, /Clearly worse: smoe by 0\.100 \(±0\.012\).*hyperrouter is clearly best\./);
    assert.match(verdictOf(runs([2.1, 2.6, 2.39]), words), /These runs show no clear advantage/);
    assert.match(verdictOf(runs([1.9, 2, 2.2]), words), /These runs show no advantage/);
  });

  it('is said plainly, also where the hypernetwork has no advantage', () => {
    const ahead = [outcome('hyperrouter', () => 2), outcome('smoe', () => 2.5)];
    assert.match(
      verdictOf([ahead], words),
      /^At step 250, hyperrouter has the lowest.*Clearly worse: smoe by 0\.500/,
    );
    assert.doesNotMatch(verdictOf([ahead], words), /no advantage|no clear/);
    const dense = [...ahead, outcome('dense', () => 1)];
    assert.match(verdictOf([dense], words), /dense has the lowest.*hyperrouter is clearly best/);
    const behind = [outcome('hyperrouter', () => 2.5), outcome('smoe', () => 2)];
    assert.match(verdictOf([behind], words), /smoe has the lowest.*shows no advantage of the hypernetwork/);
    const tied = [outcome('hyperrouter', () => 2), outcome('smoe', (_, i) => 2 + (i % 2 ? 0.01 : -0.005))];
    assert.match(verdictOf([tied], words), /within the noise: smoe by 0\.010 .*no clear advantage/);
  });

  it('names no winner by nothing, as where the task is solved', () => {
    const solved = [outcome('hyperrouter', () => 1e-5), outcome('smoe', () => 2e-5)];
    assert.equal(
      verdictOf([solved], words),
      'At step 250, all models have the same held-out loss: 0.000 nats per byte. ' +
        'This comparison cannot tell them apart. Try a harder task, or look at earlier steps.',
    );
    const some = verdictOf([[...solved, outcome('dense', () => 1)]], words);
    assert.match(
      some,
      /hyperrouter and smoe have the lowest held-out loss: 0\.000.*Clearly worse: dense by 1\.000/,
    );
    assert.doesNotMatch(some, /by 0\.000|clearly best/);
  });

  it('needs enough evaluations', () => {
    const early = [outcome('hyperrouter', () => 2), outcome('smoe', () => 3)].map((one) => ({
      ...one,
      heldOut: one.heldOut.filter(({ step }) => step <= 150),
    }));
    assert.equal(rank([early]), null);
    assert.match(verdictOf([early], words), /^Too early/);
    assert.equal(rank([[outcome('smoe', () => 2)]]), null);
    assert.equal(rank([]), null);
  });

  it('says what fewer experts cost', () => {
    const points = [1, 2, 3].map((topK) => ({ topK, loss: 4 - topK }));
    const scans = [
      { label: 'smoe', routes: true, points },
      { label: 'dense', routes: false, points },
    ];
    assert.equal(
      savingOf(scans, 3, 'nats'),
      'Change of the held-out loss with k = 1 instead of 3: smoe +2.000.',
    );
    assert.equal(savingOf(scans, 1, 'nats'), '');
  });

  it('marks the extreme value of a row, as displayed', () => {
    const row = { title: 'Loss', values: ['2.10', '–', '2.05', '2.30'] };
    assert.deepEqual(withBest('lowest', 'least', row).best, { at: 2, word: 'lowest' });
    assert.deepEqual(withBest('most', 'most', row).best, { at: 3, word: 'most' });
    const signs = { title: 'Expert similarity', values: ['0.10', '−0.02', '–', '0.00'] };
    assert.deepEqual(withBest('least alike', 'least', signs).best, { at: 1, word: 'least alike' });
    assert.equal(withBest('lowest', 'least', { title: '', values: ['2.05', '2.05', '3'] }).best, undefined);
    assert.equal(withBest('lowest', 'least', { title: '', values: ['2.05', '–'] }).best, undefined);
  });
});

describe('several seeds', () => {
  it('are drawn as mean, minimum and maximum, where all have a value', () => {
    const runs = [
      { steps: [0, 1, 2, 4, 6], values: [1, 2, 3, 5, 0] },
      { steps: [1, 2, 3, 4], values: [4, 1, 9, 6] },
    ];
    assert.deepEqual(bandOf(runs), {
      steps: [1, 2, 4],
      values: [3, 2, 5.5],
      low: [2, 1, 5],
      high: [4, 3, 6],
    });
    assert.deepEqual(bandOf(runs.slice(0, 1)), runs[0]);
    assert.deepEqual(bandOf([]).steps, []);
    const two = (/** @type {number | undefined} */ value) => value?.toFixed(2) ?? '–';
    assert.equal(lastInWords(bandOf(runs), two), '5.50 (5.00 to 6.00)');
    assert.equal(lastInWords(runs[0], two), '0.00');
    assert.deepEqual(
      columnsOf('smoe', bandOf(runs)).map(({ title }) => title),
      ['smoe, mean', 'smoe, lowest', 'smoe, highest'],
    );
  });

  it('are averaged for every k', () => {
    const scan = (/** @type {number} */ step, /** @type {number[]} */ losses) => ({
      step,
      points: losses.map((loss, i) => ({ topK: i + 1, loss })),
    });
    assert.deepEqual(meanScan([scan(9, [1, 2, 3]), scan(9, [2, 4])]), scan(9, [1.5, 3]));
    assert.equal(meanScan([scan(9, [1]), null]), null);
    assert.equal(meanScan([scan(9, [1]), scan(8, [1])]), null, 'not of the same step');
  });
});

describe('measures over the steps', () => {
  it('leave out measurements without a value', () => {
    const layer = (/** @type {number | null} */ switchRate) => /** @type {any} */ ({ switchRate });
    const entries = [
      { step: 0, layers: [layer(null)] },
      { step: 50, layers: [layer(0.5)] },
    ];
    const measure = /** @type {any} */ (measured.find(({ id }) => id === 'switching'));
    assert.deepEqual(seriesOf(measure, entries, 0), { steps: [50], values: [0.5] });
    assert.deepEqual(seriesOf(measure, entries, 1), { steps: [], values: [] });
  });
});

describe('gaps', () => {
  it('are from the mean of all models, where all were evaluated', () => {
    const run = (/** @type {string} */ router, /** @type {number[]} */ losses) => ({
      router,
      heldOut: losses.map((loss, i) => ({ step: 50 * i, loss })),
    });
    assert.deepEqual(gapsOf([run('smoe', [9, 3, 2]), run('dense', [9, 1])]), [
      { router: 'smoe', steps: [50], values: [1] },
      { router: 'dense', steps: [50], values: [-1] },
    ]);
    assert.deepEqual(gapsOf([]), []);
  });
});
