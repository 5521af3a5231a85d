/** Studies: reading them, their statistics, what is run next, and what their report says. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from '../../web/index.js';
import {
  activeParameters,
  executeRun,
  filesOf,
  formatResults,
  listRuns,
  makeResults,
  meanInterval,
  pairedDifference,
  planRuns,
  readData,
  readStudy,
  tQuantile,
  writeReport,
} from '../../web/study/index.js';
import { text } from './command-line.js';
import { blocks, readDocument } from './markdown.js';

/** @import { Study, RunResult } from '../../web/study/index.js' */

const model = {
  ...{ layers: 1, heads: 2, dModel: 8, dHead: 4, dInner: 8, experts: 4, topK: 2, hyperSize: 8 },
  ...{ batchSize: 2, contextLength: 8, memoryLength: 8 },
};
const train = { steps: 6, learningRate: 0.01 };
const plain = { name: 'tiny', data: 'text.txt', model, train };
const files = { 'text.txt': new TextEncoder().encode(text.slice(0, 2000)) };

/** A program of the guide, as a module. @param {string} words that it has */
function guideModule(words) {
  const program =
    blocks(readDocument('demo/guides/studies.md').text, 'js').find((block) => block.includes(words)) ?? '';
  const here = program.replace(/'hyperrouter-wasm(\/study)?'/g, (_, study) =>
    JSON.stringify(new URL(`../../web${study ?? ''}/index.js`, import.meta.url).href),
  );
  return `data:text/javascript,${encodeURIComponent(here)}`;
}

/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  engine = await load({ variant: 'simd' });
});
after(() => engine.dispose());

/**
 * Executes all runs of a study.
 *
 * @param {Study} study
 * @param {Parameters<typeof readData>[1]} [contents]
 */
async function executeAll(study, contents = files) {
  const data = readData(study, contents);
  /** @type {Map<string, RunResult>} */
  const results = new Map();
  /** @type {string[]} */
  const order = [];
  for (;;) {
    const { runs } = planRuns(study, (id) => results.get(id));
    if (runs.length === 0) break;
    for (const run of runs) {
      const { result } = await executeRun(engine, study, run, data);
      results.set(run.id, result);
      order.push(run.id);
    }
  }
  return { results, order, made: makeResults(study, [], (id) => results.get(id)) };
}

describe('statistics', () => {
  it('has the quantiles of the t distribution, as qt of R has them', () => {
    /** @type {[number, number, number][]} */
    const known = [
      [0.975, 1, 12.7062047361747],
      [0.975, 2, 4.30265272974946],
      [0.975, 4, 2.77644510519779],
      [0.975, 9, 2.2621571627982],
      [0.975, 29, 2.0452296421327],
      [0.995, 4, 4.60409487135],
      [0.9875, 4, 3.49540593293],
      [0.95, 7, 1.89457860509001],
    ];
    for (const [probability, degrees, quantile] of known) {
      const found = tQuantile(probability, degrees);
      assert.ok(Math.abs(found / quantile - 1) < 1e-6, `qt(${probability}, ${degrees}) = ${found}`);
    }
  });

  it('has the interval that t.test of R gives for its data set sleep', () => {
    const first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2];
    const second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
    const { mean, low, high, agree } = pairedDifference(first, second);
    assert.equal(mean, -1.58);
    assert.ok(Math.abs(Number(low) + 2.4598858) < 1e-7, `${low}`);
    assert.ok(Math.abs(Number(high) + 0.7001142) < 1e-7, `${high}`);
    assert.equal(agree, 9);
  });

  it('has no interval of one value, and one of width 0 of equal ones', () => {
    assert.deepEqual(meanInterval([3]), { mean: 3, low: null, high: null });
    assert.deepEqual(meanInterval([0.1, 0.1, 0.1]), { mean: 0.1, low: 0.1, high: 0.1 });
    assert.deepEqual(meanInterval([]), { mean: null, low: null, high: null });
  });

  it('pairs differences, and widens their intervals for several comparisons', () => {
    const difference = pairedDifference([2, 3, 4.5], [1, 2.5, 4.75], 4);
    assert.equal(difference.mean, rounded((1 + 0.5 - 0.25) / 3));
    assert.deepEqual([difference.agree, difference.seeds], [2, 3]);
    assert.ok(Number(difference.adjusted.low) < Number(difference.low));
    assert.deepEqual(difference.adjusted.low, meanInterval([1, 0.5, -0.25], { level: 1 - 0.05 / 4 }).low);
  });

  const rounded = (/** @type {number} */ value) => Number(value.toPrecision(10));
});

describe('a study', () => {
  it('is the product of its lists, with short labels', () => {
    const vary = {
      router: ['smoe', { router: 'dense', dInner: 4, label: 'dense, small' }],
      learningRate: [0.01, 0.02],
    };
    const study = readStudy(JSON.stringify({ ...plain, vary, seeds: [1, 2] }), engine);
    const labels = study.variants.map(({ label }) => label);
    assert.deepEqual(labels, [
      'smoe · learningRate 0.01',
      'smoe · learningRate 0.02',
      'dense, small · learningRate 0.01',
      'dense, small · learningRate 0.02',
    ]);
    const runs = listRuns(study);
    assert.equal(runs.length, 8);
    assert.equal(new Set(runs.map(({ id }) => id)).size, 8);
    assert.deepEqual(runs[7].model, { ...model, router: 'dense', dInner: 4 });
    assert.deepEqual([runs[7].seed, runs[7].train], [2, { steps: 6, learningRate: 0.02 }]);
    assert.deepEqual(filesOf(study), ['text.txt']);
  });

  it('leaves out what all variants have in common where it would have no effect, but not what a variant sets itself', () => {
    const common = {
      model: { ...model, loadBalanceWeight: 0.01 },
      train: { ...train, topKSchedule: 'linear_increase' },
    };
    const vary = { router: ['smoe', 'dense', 'smoe-dropout'] };
    const [smoe, dense, frozen] = readStudy({ ...plain, ...common, vary }, engine).variants;
    assert.deepEqual([smoe.model.loadBalanceWeight, smoe.train.topKSchedule], [0.01, 'linear_increase']);
    assert.deepEqual([dense.model.loadBalanceWeight, dense.train], [undefined, train]);
    assert.deepEqual(
      [frozen.model.loadBalanceWeight, frozen.train.topKSchedule],
      [undefined, 'linear_increase'],
    );
    const own = { router: [{ router: 'dense', loadBalanceWeight: 0.01 }] };
    assert.throws(
      () => readStudy({ ...plain, vary: own }, engine),
      /study\.vary\.router\[0\]\.loadBalanceWeight must be/,
    );
  });

  it('is what the guide shows', () => {
    const guide = readDocument('demo/guides/studies.md').text;
    const [whole, vary, tune, tuned] = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, json]) => json);
    const first = JSON.parse(whole);
    assert.deepEqual(readStudy(first, engine).variants.length, 4);
    assert.equal(readStudy({ ...first, ...JSON.parse(`{${vary}}`) }, engine).variants.length, 4);
    assert.equal(readStudy({ ...first, ...JSON.parse(`{${tune}}`) }, engine).tune?.seeds.length, 2);
    const base = readStudy({ ...first, name: 'pretraining' }, engine);
    assert.equal(readStudy(tuned, engine, { base }).variants.length, 4);
    // Its table has every key.
    const table = guide.split('| key | meaning | default |\n')[1].split('\n\n')[0];
    const named = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) =>
      cell.replaceAll('`', '').split(', '),
    );
    assert.throws(
      () => readStudy({ ...plain, x: 1 }, engine),
      ({ message }) => {
        assert.deepEqual(/keys are: (.*)$/.exec(message)?.[1].split(', ').sort(), named.sort());
        return true;
      },
    );
  });

  /** @type {[Record<string, unknown>, RegExp][]} */
  const wrong = [
    [{ varry: {} }, /^study\.varry is not a key of a study; .*the nearest is vary$/],
    [{ model: { ...model, expert: 4 } }, /^study\.model\.expert is not a key .*the nearest is experts$/],
    [{ train: { step: 5 } }, /^study\.train\.step is not a key .*the nearest is steps$/],
    [{ model: { ...model, seed: 1 } }, /^study\.model\.seed must be left out: study\.seeds are the seeds/],
    [{ vary: { rooter: ['smoe'] } }, /^study\.vary\.rooter .*the nearest is router$/],
    [{ vary: { router: [{ ruter: 'smoe' }] } }, /^study\.vary\.router\[0\]\.ruter is not a key/],
    [{ vary: { router: ['smoe', 'smo'] } }, /^study\.vary\.router\[1\] must be one of .*got "smo"/],
    [{ vary: { router: ['smoe', { topK: 9 }] } }, /^study\.vary\.router\[1\]\.topK must be from 1 to 4/],
    [{ vary: { router: ['smoe', 'smoe'] } }, /own label, but there are two "smoe"/],
    [{ vary: { router: ['smoe'], x: [{ router: 'dense' }] } }, /^study\.vary\.x\[0\] must not set router/],
    [{ vary: { router: [] } }, /^study\.vary\.router must be an array of values/],
    [{ model: { ...model, topK: 5 } }, /^study\.model\.topK must be from 1 to 4/],
    [{ train: { steps: 0 } }, /^study\.train\.steps must be an integer of at least 1, got 0/],
    [{ seeds: [1, 1] }, /^study\.seeds\[1\] must be another seed/],
    [{ evaluate: { topK: [8] } }, /^study\.evaluate\.topK must be up to 4 .*got 8/],
    [{ validation: 0 }, /^study\.validation must be above 0/],
    [{ data: 3 }, /^study\.data must be a path/],
    [{ task: 'classfy' }, /^study\.task must be one of "language", "classify"/],
    [{ label: 'y' }, /^study\.label must be left out unless study\.task is "classify"/],
    [{ vocabulary: 'bytes' }, /^study\.vocabulary must be one of "byte", "char", "pieces"/],
    [{ tune: { learningRate: [0.1], seeds: [1] } }, /^study\.tune\.seeds must be other seeds/],
    [{ tune: { learningRate: [0.1, -1], seeds: [9] } }, /^study\.tune\.learningRate must be .*got -1/],
    [{ tune: { routerScal: [1], seeds: [9] } }, /^study\.tune\.routerScal is not a key .*routerScale$/],
  ];
  it('with a mistake is refused, and the message names the key', () => {
    for (const [change, message] of wrong) {
      assert.throws(
        () => readStudy({ ...plain, ...change }, engine),
        (/** @type {Error} */ error) => {
          assert.match(error.message, message);
          return error instanceof TypeError || error instanceof RangeError;
        },
        JSON.stringify(change),
      );
    }
    assert.throws(() => readStudy('{', engine), /^TypeError: the study is not JSON/);
  });

  it('gives each run its result, which depends on nothing else', async () => {
    const vary = { router: ['hyperrouter', { router: 'dense', label: 'dense' }], gate: ['topk-softmax'] };
    const study = readStudy({ ...plain, vary, seeds: [1, 2], evaluate: { topK: [1, 2] } }, engine);
    const { made, results } = await executeAll(study);
    assert.equal(made.runs.length, 4);
    const [routed, , dense] = made.runs;
    assert.deepEqual(Object.keys(routed.byTopK), ['1', '2']);
    assert.deepEqual(routed.byTopK[2], routed.validation);
    assert.notEqual(routed.byTopK[1].loss, routed.validation.loss);
    assert.deepEqual([dense.byTopK, dense.routing], [{}, null]);
    assert.match(routed.fingerprint, /^[0-9a-f]{16}$/);
    assert.ok(routed.parameters.active < routed.parameters.total);
    assert.equal(dense.parameters.active, dense.parameters.total);
    assert.equal(routed.settings.model.seed, 1);
    assert.equal(made.variants[0].againstFirst, null);
    // Its settings are all that is needed to repeat it.
    const data = readData(study, files);
    const repeated = { ...listRuns(study)[0], ...routed.settings };
    const { result } = await executeRun(engine, study, repeated, data);
    assert.deepEqual(result, routed);
    assert.deepEqual(JSON.parse(formatResults(made)), JSON.parse(JSON.stringify(made)));
    results.delete(listRuns(study)[3].id);
    const part = makeResults(study, [], (id) => results.get(id));
    assert.deepEqual(part.missing, [{ variant: made.runs[3].variant, seed: 2 }]);
    assert.match(
      writeReport(part),
      /\*\*Not finished\*\*: 1 of 4 runs are missing \(dense · topk-softmax, seed 2\)/,
    );
  });

  it('tunes each variant by the same rule, on other seeds and other data than are measured', async () => {
    const tune = { learningRate: [1e-7, 0.02], routerScale: [1, 4], seeds: [11, 12], steps: 4 };
    const vary = {
      router: [
        'smoe',
        { router: 'dense', label: 'dense' },
        { router: 'smoe', learningRate: 1e-6, label: 'slow' },
      ],
    };
    const study = readStudy({ ...plain, vary, seeds: [1], tune }, engine);
    const { made, order } = await executeAll(study);
    // 2 · 2 points of smoe, 2 of dense, which has no router to scale, and 2 of the one that sets its rate; two seeds each.
    assert.equal(order.filter((id) => id.startsWith('tune-')).length, 16);
    assert.deepEqual(made.heldOut, {
      chosen: 'first half of validation',
      measured: 'second half of validation',
    });
    const [smoe, dense, slow] = made.tuning ?? [];
    assert.equal(smoe.chosen.learningRate, 0.02);
    assert.deepEqual([dense.chosen, dense.skipped], [{ learningRate: 0.02 }, ['routerScale']]);
    assert.deepEqual(slow.skipped, ['learningRate']);
    const best = Math.min(...smoe.points.map(({ loss }) => Number(loss)));
    assert.equal(
      smoe.points.find(
        ({ values }) => values.routerScale === smoe.chosen.routerScale && values.learningRate === 0.02,
      )?.loss,
      best,
    );
    assert.equal(made.runs[0].settings.train.learningRate, 0.02);
    assert.equal(made.runs[0].settings.model.routerScale, smoe.chosen.routerScale);
    assert.equal(made.runs[2].settings.train.learningRate, 1e-6);
    const report = writeReport(made);
    assert.match(report, /With one seed there are no intervals/);
    assert.match(report, /\| slow \| routerScale \d \|/);
    assert.doesNotMatch(report, /\b(better|worse) \|/);
  });

  it('tunes one key after the other with search "coordinate"', async () => {
    const tune = {
      learningRate: [0.001, 0.02],
      routerScale: [1, 2, 4],
      seeds: [11],
      search: 'coordinate',
      steps: 2,
    };
    const study = readStudy({ ...plain, model: { ...model, router: 'smoe' }, tune }, engine);
    const { left, runs } = planRuns(study, () => undefined);
    assert.deepEqual([left, runs.length], [6, 2]);
    const { order, made } = await executeAll(study);
    assert.equal(order.length, 6);
    assert.equal(made.tuning?.[0].points.length, 5);
  });
});

describe('active parameters', () => {
  it('are those that compute a token, of every router', () => {
    const size = {
      layers: 2,
      heads: 2,
      dModel: 16,
      dHead: 8,
      dInner: 24,
      experts: 6,
      topK: 2,
      hyperSize: 32,
    };
    const fields = engine.configFields('language');
    for (const { name: router, routes } of engine.routers) {
      const model = engine.createLanguageModel({ ...size, router, vocabSize: 50 });
      const sum = (/** @type {RegExp} */ pattern) =>
        model
          .parameters()
          .filter(({ name }) => pattern.test(name))
          .reduce((total, { data }) => total + data.length, 0);
      const made = router === 'hyperrouter' ? 2 * 6 * 17 : 0;
      const row = router === 'hash' ? 2 * 6 : 0;
      const unused = sum(/hypernet|gate\.embedding$|gate\.table$/) + (4 / 6) * sum(/experts/);
      assert.equal(activeParameters(model, fields), sum(/./) - unused + made + row, router);
      assert.equal(activeParameters(model, fields) === model.parameterCount, !routes, router);
      model.topK = 3;
      assert.equal(activeParameters(model, fields, 1.5), activeParameters(model, fields), 'k decides');
      assert.equal(activeParameters(model, fields) > sum(/./) - unused, routes);
      model.dispose();
    }
    const model = engine.createLanguageModel({ ...size, router: 'smoe', gate: 'relu' });
    const expert = 2 * (2 * 16 * 24 + 24 + 16);
    const active = (/** @type {number | undefined} */ measured) => activeParameters(model, fields, measured);
    assert.equal(active(undefined), model.parameterCount - 4 * expert);
    assert.equal(active(4.5), model.parameterCount - 1.5 * expert);
    assert.throws(() => active(7), /^RangeError: expertsPerToken must be a finite number from 0 to 6/);
    model.dispose();
  });
});

describe('the report', () => {
  /** @param {number[][]} losses by variant, by seed */
  function reportOf(losses) {
    const vary = { router: ['smoe', 'smoe-dropout', 'hyperrouter', 'cosine'].slice(0, losses.length) };
    const study = readStudy({ ...plain, vary, seeds: losses[0].map((_, i) => i + 1) }, engine);
    const results = new Map(
      listRuns(study).map((run, i) => {
        const loss = losses[Math.floor(i / losses[0].length)][i % losses[0].length];
        return [run.id, fakeResult(run, loss)];
      }),
    );
    return writeReport(makeResults(study, [], (id) => results.get(id)));
  }

  /** @param {import('../../web/study/index.js').StudyRun} run @param {number} loss @returns {RunResult} */
  const fakeResult = ({ variant, seed, model, train }, loss) => ({
    ...{ variant, seed, settings: { model, train }, steps: 6, training: [], validations: [] },
    ...(Number.isNaN(loss) ? { validation: { loss: null }, diverged: 3 } : { validation: { loss } }),
    ...{ byTopK: {}, routing: null, parameters: { total: 1, active: 1, trainable: 1 }, fingerprint: '0' },
  });

  it('says better or worse only where the corrected interval does not contain 0', () => {
    const report = reportOf([
      [2, 2.1, 2.2, 2.3],
      [1.5, 1.61, 1.7, 1.8],
      [2.9, 2.1, 2.1, 2.3],
      [3, 3.1, 3.2, 3.31],
    ]);
    assert.match(report, /\| smoe-dropout \| −0\.4975 \|.*\| better \|/);
    assert.match(report, /\| hyperrouter \|.*\| no difference shown \|/);
    assert.match(report, /\| cosine \| \+1\.0025 \|.*\| worse \|/);
    assert.match(report, /all 3 comparisons together \(Bonferroni: each at 98\.333 %\)/);
    // One comparison shows what three do not.
    const [first, second] = [
      [1, 1.1, 1.2],
      [1.2, 1.4, 1.35],
    ];
    assert.match(reportOf([first, second]), /\| worse \|/);
    assert.doesNotMatch(reportOf([first, second, first, first]), /\| worse \|/);
  });

  it('says what equal values and diverged runs mean', () => {
    const equal = reportOf([
      [2, 2.1],
      [2, 2.1],
      [2.25, 2.35],
    ]);
    assert.match(equal, /\| smoe-dropout \|.*\| the same in every seed \|/);
    const diverged = reportOf([
      [2, 2.1, 2.2],
      [2, Number.NaN, 2.1],
    ]);
    assert.match(diverged, /\*\*Diverged\*\*: smoe-dropout, seed 2, at step 3\./);
    assert.match(diverged, /\| smoe-dropout \| 2 \|/);
  });
});

describe('a study of classifiers', () => {
  const rows = Array.from(
    { length: 60 },
    (_, i) => `${i % 2 ? 'a sheep' : 'the wolf'} no ${i}\t${i % 2 ? 'tame' : 'wild'}`,
  );
  const classify = {
    ...{ name: 'tuned', task: 'classify', data: 'rows.tsv', text: 1, label: 2, validation: 0.3 },
    ...{ model: { ...model, memoryLength: undefined, contextLength: 16 }, train: { steps: 5 } },
  };
  const contents = { 'rows.tsv': new TextEncoder().encode(rows.join('\n')) };

  it('measures accuracy and F1, and counts texts that are cut', async () => {
    const { memoryLength: _, ...config } = model;
    const study = readStudy(
      { ...classify, model: { ...config, contextLength: 10 }, vocabulary: 'char', evaluate: { topK: [1] } },
      engine,
    );
    const { made } = await executeAll(study, contents);
    const [run] = made.runs;
    assert.deepEqual(Object.keys(run.validation), ['loss', 'accuracy', 'macroF1']);
    assert.ok(Number(run.texts?.cut) > 0);
    assert.match(writeReport(made), /\d+ texts are longer than the context, and were cut\./);
    assert.match(writeReport(made), /## Accuracy by experts per token/);
  });

  it('begins with the model of the study that it names, of the same variant', async () => {
    const vary = { router: ['smoe', { router: 'dense', label: 'dense' }] };
    const base = readStudy({ ...plain, vary, vocabulary: 'char', seeds: [1, 2] }, engine);
    const { memoryLength: _, ...config } = model;
    const file = { ...classify, from: 'tiny', seeds: [1], model: { batchSize: config.batchSize } };
    const study = readStudy(file, engine, { base });
    assert.deepEqual(
      study.variants.map(({ label }) => label),
      ['smoe', 'dense'],
    );
    const [pretrained] = listRuns(base);
    const { checkpoint } = await executeRun(engine, base, pretrained, readData(base, files), { save: true });
    const [run] = listRuns(study);
    const options = { from: checkpoint ?? undefined };
    const { result } = await executeRun(engine, study, run, readData(study, contents), options);
    assert.equal(result.settings.model.dModel, model.dModel);
    assert.equal(result.settings.model.router, 'smoe');
    assert.match(result.settings.from ?? '', /^[0-9a-f]{16}$/);
    // The text that was pretrained on has no letter of some words.
    assert.ok(Number(result.texts?.replaced) > 0);
    // Whoever has both results and the data repeats it as the guide says.
    const made = (/** @type {Study} */ of, /** @type {RunResult} */ only) =>
      JSON.parse(formatResults(makeResults(of, [], (id) => (id.startsWith('01') ? only : undefined))));
    const first = await executeRun(engine, base, pretrained, readData(base, files));
    const theirs = { results: made(base, first.result), files };
    const ours = { results: made(study, result), files: contents };
    const { repeats } = await import(guideModule('export async function repeats'));
    assert.equal(await repeats(ours, 0, theirs), true);
    ours.results.study.train.steps = 4;
    assert.equal(await repeats(ours, 0, theirs), false);
    assert.throws(
      () => readStudy({ ...file, vary: { router: ['cosine'] } }, engine, { base }),
      /study\.vary has the variant "cosine", but the study "tiny" .* has only "smoe", "dense"/,
    );
    assert.throws(
      () => readStudy({ ...file, seeds: [3] }, engine, { base }),
      /study\.seeds must be among those/,
    );
  });
});

describe('arguments of studies', () => {
  const study = () => readStudy(plain, engine);
  const none = /** @type {any} */ (null);
  /** @type {[string, () => unknown][]} */
  const CASES = [
    ['engine', () => readStudy(plain, none)],
    ['study', () => listRuns(/** @type {any} */ ({ ...study() }))],
    ['study', () => filesOf(none)],
    ['study', () => readData(none, files)],
    ['files', () => readData(study(), none)],
    ['finished', () => planRuns(study(), none)],
    ['finished', () => makeResults(study(), [], none)],
    ['tuning', () => listRuns(study(), none)],
    ['results', () => writeReport(none)],
    ['model', () => activeParameters(none, engine.configFields('language'))],
    ['fields', () => activeParameters({ config: {}, topK: 1, parameterCount: 1 }, none)],
    ['options', () => meanInterval([1, 2], none)],
    ['options.levels', () => meanInterval([1, 2], /** @type {any} */ ({ levels: 1 }))],
    ['options.bases', () => readStudy(plain, engine, /** @type {any} */ ({ bases: 1 }))],
  ];
  for (const [name, call] of CASES) {
    it(`${name}: ${String(call).slice(6)}`, () => {
      assert.throws(call, (/** @type {Error} */ error) => {
        assert.ok(error instanceof TypeError);
        return error.message.startsWith(`${name} `);
      });
    });
  }

  it('of a run', async () => {
    const [run] = listRuns(study());
    const data = readData(study(), files);
    await assert.rejects(executeRun(engine, study(), run, none), /^TypeError: data must be what readData/);
    const options = /** @type {any} */ ({ onprogress: 1 });
    await assert.rejects(executeRun(engine, study(), run, data, options), /the nearest is onProgress/);
  });

  it('a file that is no JSON is said to be none, with the place', () => {
    assert.throws(
      () => readStudy('{\n "name": "a",,\n}', engine),
      /^TypeError: the study is not JSON(: see line 2, column \d+)?$/,
    );
    assert.throws(() => readStudy('', engine), /^TypeError: the study is not JSON: it ends too early$/);
  });
});
