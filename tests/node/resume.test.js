/** A run that was interrupted goes on with `{ resume: true }` as if it had not been: same events, same bits. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load } from '../../web/index.js';
import { load as loadWorker } from '../../web/worker.js';
import {
  assertSameParameters,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomFrom,
  randomIds,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const HELD = randomIds(60, TINY.vocabSize, 9);
const VECTORS = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 8);
const STEPS = 40;
const LANGUAGE = {
  ...TINY,
  topK: 4,
  dropout: 0.2,
  gate: /** @type {const} */ ('relu'),
  sparsityWeight: 0.01,
};
const CLASSIFIER = { ...TINY_CLASSIFIER, topK: 3, dropout: 0.2, balanceRate: 0.01 };

/** What a run has besides its data: everything of it differs from the defaults. */
const OPTIONS = {
  steps: STEPS,
  every: 3,
  learningRate: 0.02,
  warmup: 7,
  floor: 0.001,
  clip: 0.1,
  topKSchedule: /** @type {const} */ ('linear_increase'),
  topKMin: 2,
  validateEvery: 4,
};

/** Without what depends on the clock. @param {{ tokensPerSecond: number }} event */
const timeless = ({ tokensPerSecond, ...rest }) => rest;

/**
 * The events of a training, up to the first at or after a step.
 * @param {AsyncIterable<any>} training
 * @param {number} [until]
 * @returns {Promise<any[]>}
 */
async function events(training, until = Infinity) {
  const list = [];
  for await (const event of training) {
    list.push(timeless(event));
    if (event.step >= until) break;
  }
  return list;
}

const random = randomFrom(33);
const somewhere = () => 1 + Math.floor(random() * (STEPS - 2));

/** @param {Uint8Array} file */
function headerOf(file) {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  return JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length)));
}

/**
 * The file with another run in its metadata.
 * @param {Uint8Array} file
 * @param {unknown} run
 */
function withRun(file, run) {
  const header = headerOf(file);
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  header.__metadata__['hyperrouter.run'] = typeof run === 'string' ? run : JSON.stringify(run);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const changed = new Uint8Array(8 + json.length + file.length - 8 - length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(json.length), true);
  changed.set(json, 8);
  changed.set(file.subarray(8 + length), 8 + json.length);
  return changed;
}

onEveryVariant((bench) => {
  for (const kind of /** @type {const} */ (['language', 'classifier'])) {
    const language = kind === 'language';
    /** @returns {any} */
    const create = () => (language ? bench.language(LANGUAGE) : bench.classifier(CLASSIFIER));
    const data = language ? TOKENS : VECTORS;
    const held = { validation: language ? HELD : VECTORS };
    const options = { ...OPTIONS, ...(language ? {} : { seed: 5 }) };

    it(`${kind}: stopped by a break, saved, opened in another engine`, async () => {
      const whole = create();
      const all = await events(whole.train(data, { ...options, ...held }));
      for (const patience of [0, 50]) {
        const first = create();
        const before = await events(first.train(data, { ...options, ...held, patience }), somewhere());
        const file = first.saveCheckpoint({ optimizer: true });
        const engine = await load({ variant: bench.engine.info.variant });
        const second = /** @type {any} */ (engine.loadCheckpoint(file));
        const rest = await events(second.train(data, { resume: true, ...held }));
        const plain = [...before, ...rest].map((event) => ({ ...event, best: null }));
        assert.deepEqual(plain, all);
        if (patience === 0) assertSameParameters(parametersOf(second), parametersOf(whole));
        engine.dispose();
      }
    });

    it(`${kind}: stopped by a signal, also in a validation, and never saved`, async () => {
      const whole = create();
      const all = await events(whole.train(data, { ...options, ...held }));
      const parts = create();
      /** @type {any[]} */
      const seen = [];
      let resume = false;
      // The clock of the signal: it is aborted at the n-th look at it, wherever that is.
      for (let looks = 3; ; looks += 5) {
        let left = looks;
        const signal = /** @type {any} */ ({
          aborted: false,
          addEventListener() {},
          removeEventListener() {},
          throwIfAborted() {
            if (left-- === 0) throw new DOMException('enough', 'AbortError');
          },
        });
        try {
          const training = parts.train(data, { ...(resume ? { resume } : options), ...held, signal });
          for await (const event of training) seen.push(timeless(event));
          break;
        } catch (error) {
          assert.equal(/** @type {Error} */ (error).name, 'AbortError');
          resume = parts.run !== null;
        }
      }
      assert.deepEqual(seen, all);
      assertSameParameters(parametersOf(parts), parametersOf(whole));
      assert.equal(parts.run.ended, 'steps');
    });
  }

  it('a run that began at a later step', async () => {
    const [whole, parts] = [bench.language(LANGUAGE), bench.language(LANGUAGE)];
    for (const model of [whole, parts]) await model.train(TOKENS, { steps: 5 });
    const all = await events(whole.train(TOKENS, { steps: 9 }));
    const before = await events(parts.train(TOKENS, { steps: 9 }), 9);
    const opened = bench.openLanguage(parts.saveCheckpoint({ optimizer: true }));
    assert.deepEqual([...before, ...(await events(opened.train(TOKENS, { resume: true })))], all);
    assert.deepEqual(opened.run, whole.run);
  });

  it('schedules that are functions must be passed again', async () => {
    const schedule = (/** @type {number} */ step) => 0.01 / (step + 1);
    const growth = (/** @type {number} */ step) => 1 + (step % 4);
    const [whole, parts] = [bench.language(LANGUAGE), bench.language(LANGUAGE)];
    const functions = { schedule, topKSchedule: growth };
    const all = await events(whole.train(TOKENS, { steps: 12, ...functions }));
    const before = await events(parts.train(TOKENS, { steps: 12, ...functions }), 5);
    const opened = bench.openLanguage(parts.saveCheckpoint({ optimizer: true }));
    assert.throws(() => opened.train(TOKENS, { resume: true }), /^TypeError: schedule must be passed again/);
    assert.throws(
      () => opened.train(TOKENS, { resume: true, schedule }),
      /^TypeError: topKSchedule must be passed again: it was a function/,
    );
    assert.deepEqual(
      [...before, ...(await events(opened.train(TOKENS, { resume: true, ...functions })))],
      all,
    );
    // A named one in its place is that of a new run.
    const other = bench.openLanguage(parts.saveCheckpoint({ optimizer: true }));
    const named = {
      schedule: /** @type {const} */ ('constant'),
      topKSchedule: /** @type {const} */ ('constant'),
    };
    const last = await other.train(TOKENS, { resume: true, ...named });
    assert.equal(last.learningRate, 0.003);
  });

  it('says what cannot be resumed, and changes nothing', async () => {
    const model = bench.language(LANGUAGE);
    const none = /^RangeError: resume: the model has no run that was interrupted/;
    assert.throws(() => model.train(TOKENS, { resume: true }), none);
    await events(model.train(TOKENS, { ...OPTIONS, validation: HELD }), 7);
    assert.throws(() => bench.openLanguage(model.saveCheckpoint()).train(TOKENS, { resume: true }), none);
    const run = { ...model.run };
    /** @type {[any, any, RegExp][]} */
    const cases = [
      [TOKENS, { resume: 1 }, /^TypeError: resume must be true or false/],
      [TOKENS, { steps: 6 }, /^RangeError: steps must be more than the 8 that the run has taken, got 6/],
      [TOKENS, { steps: 8 }, /steps must be more than the 8/],
      [TOKENS, { warmup: 50 }, /^RangeError: warmup must be an integer from 0 to 40 \(steps\), got 50/],
      [TOKENS, { floor: 1 }, /^RangeError: floor must be .* from 0 to 0\.02 \(learningRate\), got 1/],
      [TOKENS, { topKMax: 9 }, /^RangeError: topKMax must be an integer from 1 to 4 \(experts\)/],
      [TOKENS, { patience: 2 }, /^TypeError: patience needs validation/],
      [
        HELD,
        {},
        /^RangeError: data must be that of the run .*: 400 tokens \(fingerprint \w{16}\), got 60 tokens/,
      ],
      [TOKENS.with(3, (TOKENS[3] + 1) % 19), {}, /^RangeError: data must be that of the run/],
    ];
    for (const [data, options, message] of cases)
      assert.throws(() => model.train(data, { resume: true, ...options }), message);
    const file = model.saveCheckpoint({ optimizer: true });
    const narrow = bench.openLanguage(file, { batchSize: 2 });
    assert.throws(
      () => narrow.train(TOKENS, { resume: true }),
      /^RangeError: config\.batchSize must be 3, as in the run that is resumed, got 2/,
    );
    assert.deepEqual({ ...model.run }, run);
    await model.train(TOKENS, { resume: true });
    assert.throws(
      () => model.train(TOKENS, { resume: true }),
      /^RangeError: resume: the run is finished, it has taken its 40 steps; a larger steps continues it/,
    );
    assert.equal((await model.train(TOKENS, { resume: true, steps: 42 })).step, 42);
  });

  it('what is passed again replaces what the run had', async () => {
    const model = bench.language(LANGUAGE);
    await events(model.train(TOKENS, { ...OPTIONS, validation: HELD }), 7);
    const last = await model.train(TOKENS, {
      resume: true,
      steps: 50,
      schedule: 'constant',
      learningRate: 0.5,
      topKSchedule: 'constant',
      clip: 1,
    });
    assert.equal(last.step, 50);
    assert.equal(last.learningRate, 0.5);
    assert.equal(model.run?.clip, 1);
  });

  it('refuses a file whose run is damaged', async () => {
    const model = bench.language(LANGUAGE);
    await events(model.train(TOKENS, { ...OPTIONS, validation: HELD, patience: 20 }), 7);
    const file = model.saveCheckpoint({ optimizer: true });
    const run = JSON.parse(headerOf(file).__metadata__['hyperrouter.run']);
    assert.deepEqual(model.run, run);
    assert.ok(bench.openLanguage(withRun(file, run)));
    /** @type {[unknown, RegExp][]} */
    const cases = [
      ['{', /it is not JSON/],
      ['null', /run must be an object/],
      [{ ...run, start: 1e9 }, /start must be/],
      [{ ...run, steps: 0 }, /steps must be/],
      [{ ...run, schedule: 'linear' }, /schedule must be one of/],
      [{ ...run, learningRate: 0 }, /learningRate must be/],
      [{ ...run, warmup: 41 }, /warmup must be/],
      [{ ...run, classWeights: [1, 0] }, /classWeights\[1\] must be a finite number from 1e-20 to 1e\+20/],
      [{ ...run, classWeights: [1, 1] }, /classWeights must have 0 numbers \(classes\), got 2/],
      [{ ...run, topKMax: 5 }, /topKMax must be/],
      [{ ...run, data: { ...run.data, fingerprint: 'x' } }, /data\.fingerprint must be/],
      [{ ...run, due: {} }, /due\.epoch must be/],
      [{ ...run, best: { step: 900, loss: 1 } }, /best\.step must be/],
      [{ ...run, patience: 0 }, /patience must be 1 or more/],
      [{ ...run, clip: undefined }, /clip must be/],
      [{ ...run, more: 1 }, /run\.more is not a key of a run/],
    ];
    for (const [damaged, message] of cases)
      assert.throws(
        () => bench.openLanguage(withRun(file, damaged)),
        (/** @type {Error} */ error) => {
          assert.equal(error.name, 'CheckpointError');
          assert.match(error.message, /^hyperrouter\.run in the file is invalid: /);
          assert.match(error.message, message);
          return true;
        },
      );
    assert.throws(
      () => bench.openLanguage(withRun(file, { ...run, best: null })),
      /"best\..*is not a parameter/,
    );
  });
});

describe('in a worker', () => {
  /** @type {import('../../web/worker.js').Engine} */
  let there;
  /** @type {import('../../web/index.js').Engine} */
  let here;
  before(async () => {
    there = await loadWorker({ variant: 'simd' });
    here = await load({ variant: 'simd' });
  });
  after(async () => {
    here.dispose();
    await there.dispose();
  });

  for (const kind of /** @type {const} */ (['language', 'classifier'])) {
    const language = kind === 'language';
    const data = /** @type {any} */ (language ? TOKENS : VECTORS);
    const held = /** @type {any} */ ({ validation: language ? HELD : VECTORS });
    const create = /** @type {() => Promise<any>} */ (
      () => (language ? there.createLanguageModel(LANGUAGE) : there.createClassifier(CLASSIFIER))
    );

    it(`${kind}: goes on there and here`, async () => {
      const whole = await create();
      const schedule = (/** @type {number} */ step) => {
        assert.ok(step < STEPS, 'not beyond the last step');
        return 0.01 / (step + 1);
      };
      const { learningRate, warmup, floor, ...rest } = OPTIONS;
      const cases = [
        [OPTIONS, {}],
        [{ ...rest, schedule }, { schedule }],
      ];
      for (const [options, again] of cases) {
        const model = await create();
        const all = await events((await create()).train(data, { ...options, ...held }));
        const first = await events(model.train(data, { ...options, ...held }), somewhere());
        assert.equal(model.run.steps, STEPS);
        assert.equal(model.run.ended, null);
        const file = await model.saveCheckpoint({ optimizer: true });
        const opened = /** @type {any} */ (await there.loadCheckpoint(file));
        assert.deepEqual(opened.run, model.run);
        const last = await events(opened.train(data, { resume: true, ...held, ...again }));
        assert.deepEqual([...first, ...last], all);
        const local = /** @type {any} */ (here.loadCheckpoint(file));
        assert.deepEqual(await events(local.train(data, { resume: true, ...held, ...again })), last);
        local.dispose();
        await assert.rejects(
          async () => opened.train(data, { resume: true, ...again }),
          /the run is finished/,
        );
        for (const used of [model, opened]) await used.dispose();
      }
      await assert.rejects(async () => whole.train(data, { resume: true }), /no run that was interrupted/);
    });
  }
});
