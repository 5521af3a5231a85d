/** The results of a study in the page: how they are read, what they say, and that a run is repeated to the last bit. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { partingOf } from '../../demo/results/differ.js';
import {
  curvesOf,
  differenceOf,
  differencesOf,
  ksOf,
  measuresOf,
  ticksOf,
  valuesOf,
  verdictOf,
} from '../../demo/results/numbers.js';
import { ResultsError, readResults } from '../../demo/results/read.js';
import { open, visit } from './browser.js';
import { sampleStudy } from './study-sample.js';

/** @typedef {import('../../demo/results/read.js').StudyResults} StudyResults */

/** @type {Awaited<ReturnType<typeof sampleStudy>>} */
let sample;
before(async () => {
  sample = await sampleStudy();
});

/** The sample with a change. @param {(results: any) => void} [change] @returns {string} JSON */
function withChange(change = () => {}) {
  const results = structuredClone(sample.results);
  change(results);
  return JSON.stringify(results);
}

describe('what is read', () => {
  it('are the results of a study', () => {
    assert.deepEqual(readResults('results.json', withChange()), JSON.parse(withChange()));
  });

  it('is nothing else, and the message says why', () => {
    /** @type {[string, RegExp][]} */
    const wrong = [
      ['no JSON', /^x\.json is not JSON\. Open the results\.json/],
      ['[1]', /^x\.json does not hold the results of a study\./],
      ['{"format":"hyperrouter-wasm runs","runs":[]}', /^x\.json holds runs that this page saved\./],
      [withChange((all) => (all.format = 2)), /^x\.json has results of format 2; this page reads format 1\./],
      [
        withChange((all) => (all.runs[1].training[0][1] = '1')),
        /damaged results: runs\[1\]\.training\[0\]\[1\] must be a number/,
      ],
      [
        withChange((all) => (all.runs[0].training[1][0] = 0)),
        /runs\[0\]\.training\[1\]\[0\] must be a step after/,
      ],
      [withChange((all) => (all.runs[2].fingerprint = 'x')), /runs\[2\]\.fingerprint must be 16 or more/],
      [withChange((all) => (all.runs[1] = all.runs[0])), /runs\[1\] must be another run/],
      [
        withChange((all) => (all.runs[0].variant = 'other')),
        /runs\[0\]\.variant must be one of the variants/,
      ],
      [
        withChange((all) => (all.variants[1].validation.loss.low = {})),
        /variants\[1\]\.validation\.loss\.low must be a number/,
      ],
      [withChange((all) => (all.variants = [])), /variants must be a list of at least one/],
      [withChange((all) => (all.data[0].sha256 = 'abc')), /data\[0\]\.sha256 must be 64 hexadecimal digits/],
      [
        withChange((all) => (all.runs = Array(6000).fill(all.runs[0]))),
        /runs must be a list of at most 5000/,
      ],
    ];
    for (const [content, message] of wrong) {
      assert.throws(
        () => readResults('x.json', content),
        (error) => error instanceof ResultsError && message.test(error.message),
        String(message),
      );
    }
  });
});

describe('what is shown', () => {
  it('are values by seed, differences paired by seed, and curves with their range', () => {
    const { results } = sample;
    const [first, second] = results.variants;
    assert.deepEqual(
      measuresOf(results).map(({ key }) => key),
      ['bitsPerByte', 'loss'],
    );
    const [one, other] = [first, second].map(({ variant }) => valuesOf(results, variant, 'loss'));
    assert.equal(one.length, 3);
    assert.deepEqual(
      differencesOf(results, second.variant, 'loss'),
      other.map((value, i) => value - one[i]),
    );
    const mean = one.reduce((sum, value) => sum + value) / 3;
    assert.ok(Math.abs(Number(first.validation.loss.mean) - mean) < 1e-9);
    assert.deepEqual(ksOf(results), [1, 2, 4]);
    const { heldOut } = curvesOf(results, first.variant);
    assert.deepEqual(heldOut.steps, [10, 20]);
    assert.ok(Number(heldOut.low?.[0]) < heldOut.values[0] && heldOut.values[0] < Number(heldOut.high?.[0]));
  });

  it('says no more than the corrected interval', () => {
    const difference = { mean: -0.02, low: -0.03, high: -0.01, agree: 3, seeds: 3 };
    const said = (/** @type {number | null} */ low, /** @type {number | null} */ high) =>
      verdictOf({ ...difference, adjusted: { low, high } }, 'smoe', 3);
    assert.equal(said(-0.04, 0.001), 'not told apart from smoe');
    assert.equal(said(-0.04, 0), 'not told apart from smoe');
    assert.equal(said(-0.04, -0.001), 'lower than smoe by 0.020, in 3 of 3 seeds');
    assert.equal(said(null, null), 'too few seeds to tell it from smoe');
    assert.equal(differenceOf(sample.results.variants[0], 'loss'), null);
  });

  it('has round numbers on its axes', () => {
    assert.deepEqual(ticksOf(4.59, 4.71), [4.6, 4.65, 4.7]);
    assert.deepEqual(ticksOf(-0.09, 0.04), [-0.05, 0]);
    assert.deepEqual(ticksOf(1, 1), [1]);
  });
});

describe('a repeated run', () => {
  it('is the same, or parts at a number that is named', () => {
    const [run] = sample.results.runs;
    assert.equal(partingOf(run, structuredClone(run)), null);
    /** @param {(run: any) => void} change */
    const parting = (change) => {
      const other = structuredClone(run);
      change(other);
      return partingOf(run, other);
    };
    const [, loss] = run.training[2];
    assert.deepEqual(
      parting((other) => (other.training[2][1] = 9)),
      { what: `training loss at step ${run.training[2][0]}`, here: loss, there: 9 },
    );
    assert.equal(parting((other) => (other.validation.loss = 9))?.what, 'held-out loss');
    assert.equal(
      parting((other) => (other.byTopK[4].bitsPerByte = 9))?.what,
      'held-out bits per byte with k = 4',
    );
    assert.equal(
      parting((other) => (other.fingerprint = 'f'.repeat(16)))?.what,
      'fingerprint of the final parameters',
    );
    assert.equal(parting((other) => other.training.pop())?.there, undefined);
  });
});

describe('side by side', () => {
  /** @type {import('./browser.js').Site} */
  let site;
  before(async () => {
    site = await open();
  });
  after(() => site.close());

  it('opens a file, trains a run again to the same bits, and says where a changed one parts', async () => {
    const { page, complaints, notices } = await visit(site, 'room=routers');
    const asFile = (/** @type {string} */ content, name = 'results.json') => ({
      ...{ name, mimeType: 'application/json', buffer: Buffer.from(content) },
    });
    const picker = page.getByLabel('Open results');
    await picker.setInputFiles(asFile('{}', 'other.json'));
    await notices.getByText('other.json does not hold the results of a study.').waitFor();
    await picker.setInputFiles(asFile(withChange((all) => (all.runs[4].validations[1][1] += 1e-6))));
    await page.getByRole('heading', { name: 'Study: ships' }).waitFor();
    const dots = page.getByRole('img', {
      name: /^bits per byte with 95 % intervals: hyperrouter \d\.\d{3} \(.*; smoe /,
    });
    await dots.waitFor();
    await page.getByRole('img', { name: /^Differences from hyperrouter in bits per byte: smoe/ }).waitFor();
    assert.equal(await page.locator('.dots-seed').count(), 9, 'three seeds, and three differences');
    await page.getByRole('img', { name: /^bits per byte by k: .* with k = 4/ }).waitFor();

    const again = (/** @type {string} */ run) =>
      page.getByRole('button', { name: `Train again: ${run}`, exact: true });
    await again('hyperrouter, seed 2').click();
    await page.getByText('To train it again, open its data: ships.txt').waitFor();
    const data = page.getByLabel('Open data');
    await data.setInputFiles({
      name: 'wrong.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from(sample.text.map((byte) => byte ^ 1)),
    });
    await page.getByText('wrong.txt has the right size, but other contents').waitFor();
    await data.setInputFiles({ name: 'ships.txt', mimeType: 'text/plain', buffer: Buffer.from(sample.text) });
    const outcome = page.locator('.study-outcome');
    await outcome.filter({ hasText: 'hyperrouter, seed 2: the same bits' }).waitFor();
    await again('smoe, seed 2').click();
    const { runs } = sample.results;
    const [step, loss] = runs[4].validations[1];
    await outcome
      .filter({
        hasText: `smoe, seed 2: parts at held-out loss at step ${step}: ${loss} here, ${loss + 1e-6} in the file.`,
      })
      .waitFor();

    await page.evaluate(await readFile(new URL(import.meta.resolve('axe-core')), 'utf8'));
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run('.study'));
      assert.deepEqual(
        violations.map((/** @type {any} */ { id, nodes }) => [id, nodes[0].html]),
        [],
      );
    }
    assert.equal(await page.locator('.study .notice-problem').count(), 0, 'the summary is that of the runs');
    await page.getByRole('button', { name: 'Close the study' }).click();
    await page.getByRole('heading', { name: 'Study: ships' }).waitFor({ state: 'detached' });

    // One that fine-tunes the models of the first: it needs the results of that one, and the data of both.
    const { tuned } = sample;
    const changed = structuredClone(sample.results);
    changed.runs[1].validations[1][1] += 1e-6;
    await picker.setInputFiles(asFile(JSON.stringify(tuned.results)));
    await page.getByRole('heading', { name: 'Study: tuned' }).waitFor();
    await again('hyperrouter, seed 2').click();
    await page.getByText('It fine-tunes a model of the study “ships”: open its results too.').waitFor();
    const others = page.getByLabel('Open its results');
    await others.setInputFiles(asFile(JSON.stringify(tuned.results)));
    await page.getByText('results.json has the results of “tuned”, not of “ships”.').waitFor();
    await others.setInputFiles(asFile(JSON.stringify(changed)));
    await page.getByText('To train it again, open its data: rows.tsv').waitFor();
    const row = { name: 'rows.tsv', mimeType: 'text/plain', buffer: Buffer.from(tuned.rows) };
    await data.setInputFiles(row);
    await outcome
      .filter({
        hasText: 'hyperrouter, seed 2: parts at held-out loss at step 20 of the model that it fine-tunes: ',
      })
      .waitFor();
    await again('smoe, seed 1').click();
    await outcome.filter({ hasText: 'smoe, seed 1: the same bits' }).waitFor();
    assert.equal(await page.locator('.study .notice-problem').count(), 0, 'the summary is that of the runs');
    await page.getByRole('button', { name: 'Close the study' }).click();
    await page.getByRole('heading', { name: 'Study: tuned' }).waitFor({ state: 'detached' });

    const drop = await page.evaluateHandle(
      (content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], 'results.json'));
        return transfer;
      },
      withChange((all) => {
        all.variants[1].againstFirst.bitsPerByte.adjusted.high = -1;
      }),
    );
    await page.dispatchEvent('body', 'drop', { dataTransfer: drop });
    await page
      .getByText(
        /The summary in this file is not that of its runs\. It parts at variants\.1\.againstFirst\.bitsPerByte\.adjusted\.high: -?[\d.e-]+ from the runs, -1 in the file\./,
      )
      .waitFor();
    assert.deepEqual(complaints, []);
  });
});
