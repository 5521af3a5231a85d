/** `patience` ends a run that no longer improves, and puts the parameters of the best validation back, to the last bit. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { load as loadWorker } from '../../web/worker.js';
import {
  assertSameParameters,
  onEveryVariant,
  parametersOf,
  randomBatch,
  randomIds,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

/** Data that are learnt by heart, and held-out ones of which nothing can be learnt. */
const TOKENS = randomIds(120, TINY.vocabSize, 7);
const HELD = randomIds(60, TINY.vocabSize, 9);
const VECTORS = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 8);
const OTHERS = randomBatch({ ...TINY_CLASSIFIER, batchSize: 30 }, 80);
const CLASSIFIER = { ...TINY_CLASSIFIER, balanceRate: 0.02 };

const OPTIONS = { steps: 120, every: 50, validateEvery: 4, learningRate: 0.03, warmup: 8 };

/**
 * What a run without patience shows at each validation.
 * @param {any} model
 * @param {any} data
 * @param {any} validation
 */
async function watch(model, data, validation) {
  const seen = [];
  for await (const { step, validationLoss } of model.train(data, { ...OPTIONS, validation })) {
    if (validationLoss !== null) seen.push({ step, loss: validationLoss, parameters: parametersOf(model) });
  }
  return seen;
}

/**
 * Where a run with patience must end, and with what.
 * @param {Awaited<ReturnType<typeof watch>>} seen
 * @param {number} patience
 */
function endOf(seen, patience) {
  let best = 0;
  for (let i = 1; i < seen.length; i++) {
    if (seen[i].loss < seen[best].loss) best = i;
    if (i - best >= patience) return { last: seen[i], best: seen[best], stopped: true };
  }
  return { last: seen[seen.length - 1], best: seen[best], stopped: false };
}

onEveryVariant((bench) => {
  for (const kind of /** @type {const} */ (['language', 'classifier'])) {
    const language = kind === 'language';
    const create = /** @type {() => any} */ (
      () => (language ? bench.language(TINY) : bench.classifier(CLASSIFIER))
    );
    const data = language ? TOKENS : VECTORS;
    const validation = language ? HELD : OTHERS;

    it(`${kind}: stops, and has the best parameters`, async () => {
      const seen = await watch(create(), data, validation);
      for (const [patience, stopped] of /** @type {[number, boolean][]} */ ([
        [3, true],
        [1000, false],
      ])) {
        const end = endOf(seen, patience);
        assert.equal(end.stopped, stopped);
        assert.notEqual(end.best, end.last, 'there is something to put back');
        const model = create();
        const last = await model.train(data, { ...OPTIONS, validation, patience });
        assert.equal(last.step, end.last.step);
        assert.equal(last.validationLoss, end.last.loss, 'events are those of the steps');
        assert.deepEqual(last.best, { step: end.best.step, loss: end.best.loss });
        assertSameParameters(parametersOf(model), end.best.parameters);
        assert.equal(model.step, end.last.step);
        assert.equal(model.run.ended, stopped ? 'patience' : 'steps');
        assert.throws(
          () => model.train(data, { resume: true, steps: 900, validation }),
          new RegExp(`resume: the run has ended with its best state, of step ${end.best.step}`),
        );
        // The next run begins there, with a state of its own.
        const [first] = [await model.train(data, { steps: 1 })];
        assert.equal(first.step, end.last.step + 1);
        assert.equal(first.best, null);
      }
    });

    it(`${kind}: interrupted, the best state is in the file`, async () => {
      const seen = await watch(create(), data, validation);
      const end = endOf(seen, 3);
      const between = (end.best.step + end.last.step) / 2;
      const first = create();
      for await (const { step } of first.train(data, { ...OPTIONS, every: 1, validation, patience: 3 }))
        if (step >= between) break;
      const file = first.saveCheckpoint({ optimizer: true });
      const opened = /** @type {any} */ (bench.engine.loadCheckpoint(file));
      assert.deepEqual(opened.saveCheckpoint({ optimizer: true }), file);
      for (const model of [first, opened]) {
        assert.throws(() => model.train(data, { resume: true }), /patience needs validation/);
        const last = await model.train(data, { resume: true, validation });
        assert.equal(last.step, end.last.step);
        assertSameParameters(parametersOf(model), end.best.parameters);
      }
      assert.ok(file.length > first.saveCheckpoint({ optimizer: true }).length, 'it is let go at the end');
      opened.dispose();
    });
  }

  it('takes the memory of the copy once', async (t) => {
    const model = bench.language(TINY);
    await model.train(TOKENS, { steps: 1 });
    let copies = 0;
    const Plain = globalThis.Float32Array;
    const size = model
      .parameters()
      .reduce((sum, { trainable, data }) => sum + (trainable ? data.length : 0), 0);
    t.after(() => {
      globalThis.Float32Array = Plain;
    });
    const Counting = class extends Plain {
      /** @param {any[]} args */
      constructor(...args) {
        super(.../** @type {[any]} */ (args));
        if (args[0] === size) copies++;
      }
    };
    Object.defineProperty(Counting, 'name', { value: 'Float32Array' });
    globalThis.Float32Array = Counting;
    const improving = Int32Array.from({ length: 200 }, (_, i) => i % 5);
    const { best, step } = await model.train(improving, {
      ...{ steps: 20, validateEvery: 1, validation: improving, patience: 5 },
    });
    assert.ok(best && best.step > 5 && step === 21);
    assert.equal(copies, 1);
  });

  it('a loss that is no number is no best one', async () => {
    const model = bench.classifier(TINY_CLASSIFIER);
    const validation = { inputs: OTHERS.inputs.slice(0, 18), targets: OTHERS.targets.slice(0, 6) };
    model.evaluate = () => ({ loss: Number.NaN });
    const last = await model.train(VECTORS, { steps: 9, validateEvery: 1, validation, patience: 4 });
    assert.equal(last.validationLoss, Number.NaN);
    assert.equal(last.step, 4);
    assert.equal(last.best, null);
    const plain = bench.classifier(TINY_CLASSIFIER);
    for await (const { step } of plain.train(VECTORS, { steps: 9 })) if (step === 4) break;
    assertSameParameters(parametersOf(model), parametersOf(plain));
  });

  it('can be given up, or begun, when a run is resumed', async () => {
    const model = bench.language(TINY);
    const options = { ...OPTIONS, every: 1, validation: HELD, patience: 3 };
    for await (const { best } of model.train(TOKENS, options)) if (best) break;
    for await (const { best } of model.train(TOKENS, { resume: true, patience: 0 })) {
      assert.equal(best, null);
      break;
    }
    const opened = bench.openLanguage(model.saveCheckpoint({ optimizer: true }));
    const last = await opened.train(TOKENS, { resume: true, validation: HELD, patience: 1 });
    assert.ok(last.best && last.step < OPTIONS.steps);
    assert.equal(opened.run?.ended, 'patience');
  });

  it('needs what it watches', () => {
    const model = bench.language(TINY);
    assert.throws(() => model.train(TOKENS, { patience: 1 }), /^TypeError: patience needs validation/);
    for (const patience of /** @type {any[]} */ ([-1, 1.5, '2']))
      assert.throws(() => model.train(TOKENS, { patience, validation: HELD }), /patience must be an integer/);
  });
});

describe('in a worker', () => {
  /** @type {import('../../web/worker.js').Engine} */
  let there;
  before(async () => {
    there = await loadWorker({ variant: 'simd' });
  });
  after(() => there.dispose());

  it('is the same', async () => {
    const model = await there.createLanguageModel(TINY);
    const losses = new Map();
    const last = await model.train(TOKENS, { ...OPTIONS, validation: HELD, patience: 3 });
    assert.equal(model.run?.ended, 'patience');
    assert.equal(model.step, last.step);
    const again = await there.createLanguageModel(TINY);
    for await (const { step, validationLoss } of again.train(TOKENS, { ...OPTIONS, validation: HELD })) {
      losses.set(step, validationLoss);
      if (step !== last.best?.step) continue;
      const tensors = async (/** @type {typeof model} */ of) =>
        new Map((await of.parameters()).map(({ name, data }) => [name, data]));
      assertSameParameters(await tensors(model), await tensors(again));
      break;
    }
    assert.equal(losses.get(last.best?.step), last.best?.loss);
  });
});
