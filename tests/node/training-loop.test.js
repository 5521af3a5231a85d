import assert from 'node:assert/strict';
import { it } from 'node:test';
import { constantSchedule, evaluateText, TextStreams, topKSchedule } from '../../web/index.js';
import {
  assertSameParameters,
  liven,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomIds,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const VECTORS = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 8);

/**
 * @template T
 * @param {AsyncIterable<T>} values
 */
async function all(values) {
  const list = [];
  for await (const value of values) list.push(value);
  return list;
}

onEveryVariant((bench) => {
  it('does what a loop over trainStep does', async () => {
    const [trained, byHand] = [bench.language(TINY), bench.language(TINY)];
    const schedule = constantSchedule({ learningRate: 0.01, warmup: 3 });
    const progress = await all(trained.train(TOKENS, { steps: 40, schedule, clip: 1 }));
    const streams = new TextStreams(TOKENS, { batchSize: TINY.batchSize, length: TINY.contextLength });
    for (let step = 0; step < 40; step++) {
      const { epoch, ...segment } = streams.at(step);
      const { loss, gradNorm } = byHand.trainStep({ ...segment, learningRate: schedule(step), clip: 1 });
      const { tokensPerSecond, ...rest } = progress[step];
      assert.ok(tokensPerSecond > 0);
      assert.deepEqual(rest, {
        step: step + 1,
        epoch,
        loss,
        gradNorm,
        learningRate: schedule(step),
        topK: TINY.topK,
        validationLoss: null,
        validation: null,
        best: null,
        measures: null,
      });
    }
    assertSameParameters(parametersOf(trained), parametersOf(byHand));
  });

  it('reports at the given interval, with the mean loss, and at the end', async () => {
    const [each, some] = [bench.classifier(TINY_CLASSIFIER), bench.classifier(TINY_CLASSIFIER)];
    const losses = (await all(each.train(VECTORS, { steps: 10 }))).map(({ loss }) => loss);
    const progress = await all(some.train(VECTORS, { steps: 10, every: 4 }));
    assert.deepEqual(
      progress.map(({ step }) => step),
      [4, 8, 10],
    );
    assert.deepEqual(
      progress.map(({ loss }) => loss.toFixed(9)),
      [
        [0, 4],
        [4, 8],
        [8, 10],
      ].map(([from, to]) => {
        return (losses.slice(from, to).reduce((a, b) => a + b) / (to - from)).toFixed(9);
      }),
    );
  });

  it('continues from the step of the model, also through a checkpoint', async () => {
    const whole = bench.language(TINY);
    const schedule = constantSchedule({ learningRate: 0.01 });
    await all(whole.train(TOKENS, { steps: 9, schedule }));
    const first = bench.language(TINY);
    await all(first.train(TOKENS, { steps: 5, schedule }));
    const second = bench.openLanguage(first.saveCheckpoint({ optimizer: true }));
    const [progress] = await all(second.train(TOKENS, { steps: 4, every: 4, schedule }));
    assert.equal(progress.step, 9);
    assertSameParameters(parametersOf(second), parametersOf(whole));
  });

  it('validates and measures without disturbing the training', async () => {
    const [looked, plain] = [bench.language(TINY), bench.language(TINY)];
    const options = { steps: 20, every: 100, learningRate: 0.01 };
    const held = randomIds(60, TINY.vocabSize, 9);
    const progress = await all(
      looked.train(TOKENS, { ...options, validation: held, validateEvery: 10, probe: held, measureEvery: 5 }),
    );
    await all(plain.train(TOKENS, options));
    assertSameParameters(parametersOf(looked), parametersOf(plain));
    assert.deepEqual(
      progress.map(({ step }) => step),
      [5, 10, 15, 20],
    );
    assert.deepEqual(
      progress.map(({ validation }) => validation !== null),
      [false, true, false, true],
    );
    assert.ok(progress.every(({ measures }) => measures?.length === TINY.layers));
    assert.deepEqual(progress[3].validation, await evaluateText(looked, held));
    assert.equal(progress[3].validationLoss, progress[3].validation?.loss);
  });

  it('validates a classifier by loss and accuracy', async () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const [progress] = await all(
      model.train(VECTORS, {
        steps: 5,
        every: 5,
        validateEvery: 5,
        validation: VECTORS,
        probe: VECTORS,
        measureEvery: 5,
      }),
    );
    assert.equal(progress.validation?.count, 30);
    assert.ok(Number(progress.validation?.accuracy) >= 0);
    assert.equal(typeof progress.measures?.[0].specialisation, 'number');
  });

  it('lets the number of experts grow', async () => {
    const model = bench.language({ ...TINY, topK: 4 });
    const grow = topKSchedule({ kMin: 1, kMax: 4, steps: 6 });
    const progress = await all(model.train(TOKENS, { steps: 6, topKSchedule: grow }));
    assert.deepEqual(
      progress.map(({ topK }) => topK),
      [0, 1, 2, 3, 4, 5].map(grow),
    );
  });

  it('learns', async () => {
    const model = bench.language(TINY);
    const text = Int32Array.from({ length: 600 }, (_, i) => (i * i) % 7);
    const progress = await all(model.train(text, { steps: 150, every: 50 }));
    assert.ok(progress[2].loss < 0.5 * progress[0].loss, progress.map(({ loss }) => loss).join(' '));
  });

  it('stops between steps when aborted, and the model stays usable', async () => {
    const model = bench.language(TINY);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const training = all(model.train(TOKENS, { steps: 1e9, every: 1e9, signal: controller.signal }));
    await assert.rejects(training, { name: 'AbortError' });
    const { step } = model;
    assert.ok(step > 0);
    const [progress] = await all(model.train(TOKENS, { steps: 1 }));
    assert.equal(progress.step, step + 1);
    assert.ok(model.generate([1], { maxTokens: 1 }).next().value);
  });

  it('stops with the reason that was given, and does nothing if it was given before', async () => {
    const model = bench.language(TINY);
    const reason = new Error('enough');
    await assert.rejects(all(model.train(TOKENS, { steps: 5, signal: AbortSignal.abort(reason) })), reason);
    assert.equal(model.step, 0);
  });

  it('yields to the event loop whenever a time slice is used up', async (test) => {
    const model = bench.language(TINY);
    // A clock of which each step takes some milliseconds, however fast the machine is.
    let now = 0;
    test.mock.method(performance, 'now', () => ++now);
    let [ticks, running] = [0, true];
    const tick = () => {
      ticks++;
      if (running) setImmediate(tick);
    };
    setImmediate(tick);
    const steps = 300;
    await all(model.train(TOKENS, { steps, every: steps }));
    running = false;
    assert.ok(now >= 2 * steps, `${now} ms`);
    // Slices of 8 ms; the loop may overrun one by the time of a step.
    assert.ok(ticks >= now / 16, `${ticks} ticks in ${now} ms`);
  });

  it('can be left; a model takes one training at a time', async () => {
    const model = bench.language(TINY);
    for await (const _ of model.train(TOKENS, { steps: 10 })) {
      await assert.rejects(all(model.train(TOKENS, { steps: 1 })), /already in training/);
      break;
    }
    assert.equal(model.step, 1);
    await all(model.train(TOKENS, { steps: 1 }));
    assert.equal(model.step, 2);
  });

  it('continues after the memory was used with another number of streams', async () => {
    const model = bench.language(TINY);
    for await (const { step } of model.train(TOKENS, { steps: 4 })) {
      if (step === 2)
        model.evaluate({
          inputs: Int32Array.of(1, 2),
          targets: Int32Array.of(1, 2),
          length: 2,
          carryMemory: false,
        });
    }
    assert.equal(model.step, 4);
  });

  it('reports divergence; the parameters are those of the last good step', async () => {
    const model = liven(bench.language(TINY));
    const training = model.train(TOKENS, { steps: 50, schedule: () => 1e30, clip: 0 });
    await assert.rejects(all(training), (error) => {
      return (
        error instanceof Error &&
        error.name === 'DivergedError' &&
        'step' in error &&
        error.step === model.step + 1
      );
    });
    assert.ok(model.parameters().every(({ data }) => data.every(Number.isFinite)));
  });

  it('refuses what the run says and a source says too', async () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const batch = { inputs: VECTORS.inputs.slice(0, 3), targets: VECTORS.targets.slice(0, 1) };
    for (const [key, value] of Object.entries({ learningRate: 1, clip: 1, classWeights: [1, 1, 1, 1, 1] })) {
      const source = /** @type {any} */ ({ at: () => ({ ...batch, [key]: value }) });
      await assert.rejects(all(model.train(source, { steps: 1 })), (/** @type {Error} */ error) => {
        assert.match(`${error}`, new RegExp(`^TypeError: data\\.at\\(0\\)\\.${key} is not a key of a step`));
        return true;
      });
    }
    assert.equal(model.step, 0);
  });

  it('refuses an epoch that a checkpoint of the run could not hold', async () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const batch = { inputs: VECTORS.inputs.slice(0, 3), targets: VECTORS.targets.slice(0, 1) };
    for (const epoch of [-1, 0.5, Number.NaN, 'first', null]) {
      const source = /** @type {any} */ ({ at: () => ({ ...batch, epoch }) });
      await assert.rejects(all(model.train(source, { steps: 1 })), {
        message: /^data\.at\(0\)\.epoch must be an integer/,
      });
    }
    assert.equal(model.step, 0);
  });

  it('refuses wrong arguments at once', () => {
    const model = bench.language(TINY);
    const good = { steps: 3 };
    const bad = /** @type {[any, any, RegExp][]} */ ([
      [TOKENS, null, /options must be an object/],
      [TOKENS, { steps: '1' }, /steps must be an integer/],
      [TOKENS, { steps: 0 }, /steps must be an integer of at least 1/],
      [TOKENS, { ...good, every: 0 }, /every must be/],
      [TOKENS, { ...good, clip: -1 }, /clip must be/],
      [TOKENS, { ...good, signal: {} }, /signal must be an AbortSignal/],
      [TOKENS, { ...good, schedule: 'linear' }, /schedule must be one of "cosine", "constant" or a function/],
      [TOKENS, { ...good, schedule: () => 1, learningRate: 1 }, /must be left out/],
      [TOKENS, { ...good, learningRate: 0 }, /learningRate must be/],
      [TOKENS, { ...good, probeClasses: [1] }, /probeClasses needs probe/],
      [TOKENS, { ...good, learningRate: 1e31 }, /learningRate must be .* from 0 to 1e\+30, got 1e\+31/],
      [
        TOKENS,
        { ...good, topKSchedule: 2 },
        /topKSchedule must be one of "constant", "linear_increase" or a function/,
      ],
      [
        TOKENS,
        { ...good, evry: 2 },
        /options\.evry is not a key of train; the keys are: .*\bevery\b.*; the nearest is every/,
      ],
      [[1, 2, 3], good, /data must have 6 tokens or more/],
      ['text', good, /data must be an Int32Array or an array of numbers, got "text"/],
      [Int32Array.of(1, 2), good, /data must have 6 tokens or more/],
      [Int32Array.from(TOKENS, () => 99), good, /data\[0\] must be from 0 to 18/],
      [TOKENS, { ...good, validation: Int32Array.of(1) }, /validation must have 2 tokens/],
    ]);
    for (const [data, options, message] of bad) assert.throws(() => model.train(data, options), message);
    const classifier = bench.classifier(TINY_CLASSIFIER);
    const { inputs, targets } = VECTORS;
    assert.throws(() => classifier.train({ inputs, targets: targets.slice(1) }, good), RangeError);
    assert.throws(
      () => classifier.train({ inputs: inputs.map(() => Number.NaN), targets }, good),
      /data.inputs\[0\]/,
    );
    assert.equal(model.step, 0);
  });
});
