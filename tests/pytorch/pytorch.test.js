/**
 * demo/examples/pytorch against the package: golden cases, two processes against one, and training that goes on from the
 * other's file. Two processes of Python do everything, since starting one takes seconds.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lowRank } from '../../demo/examples/low-rank-router.js';
import { findTorch } from '../../wasm/toolchain.js';
import { cosineSchedule, load, TextStreams } from '../../web/index.js';
import {
  assertNear,
  liven,
  randomBatch,
  randomPairs,
  randomSegment,
  randomSequences,
} from '../node/helpers.js';

const CHECKS = fileURLToPath(new URL('checks.py', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../demo/examples/pytorch/', import.meta.url));
const NEAR = 1e-4;
const LEARNING_RATE = 0.003;
const CLIP = 0.25;
/** Of the package before the file is written; of Python from it; of both from what Python wrote. */
const STEPS = { before: 2, python: 5, further: 5 };

const SIZES = { layers: 2, dModel: 16, dInner: 12, experts: 5, hyperSize: 8, batchSize: 4, seed: 3 };
const TEXT = { ...SIZES, vocabSize: 24, heads: 2, dHead: 8, contextLength: 7 };
const LANGUAGE = { ...TEXT, memoryLength: 9 };
const TEXTS = { ...TEXT, classes: 3, headDropout: 0 };
const VECTORS = { ...SIZES, inputSize: 3 };

/**
 * Every router, gate and key that joins the tokens of a batch.
 * @type {Record<string, { kind: 'language' | 'text' | 'vectors' | 'numbers', config: any }>}
 */
const TASKS = {
  balanced: {
    kind: 'language',
    config: { ...LANGUAGE, gate: 'sigmoid', balanceRate: 0.01, capacityFactor: 0.8, loadBalanceWeight: 0.1 },
  },
  'expert-choice': {
    kind: 'language',
    config: { ...LANGUAGE, router: 'smoe', gate: 'expert-choice', preLayerNorm: true },
  },
  relu: { kind: 'language', config: { ...LANGUAGE, router: 'smoe', gate: 'relu', sparsityWeight: 0.01 } },
  switch: {
    kind: 'language',
    config: {
      ...{ ...LANGUAGE, router: 'cosine', gate: 'softmax-topk', topK: 1, capacityFactor: 1 },
      ...{ loadBalanceWeight: 0.1, routerZWeight: 0.01, weightDecay: 0.1 },
    },
  },
  own: { kind: 'language', config: { ...LANGUAGE, router: lowRank(2) } },
  hash: { kind: 'text', config: { ...TEXTS, router: 'hash', sharedExperts: 1 } },
  sentences: {
    kind: 'text',
    config: { ...TEXTS, capacityFactor: 0.9, loadBalanceWeight: 0.1, routerZWeight: 0.01 },
  },
  frozen: { kind: 'vectors', config: { ...VECTORS, router: 'smoe-dropout', classes: 3, routerScale: 10 } },
  dense: { kind: 'numbers', config: { ...VECTORS, router: 'dense', outputs: 2 } },
};

const torch = findTorch();
const skip = torch
  ? false
  : 'needs PyTorch: apt-get install python3-torch libopenblas0-pthread, or pip install torch numpy';

describe('PyTorch', { skip }, () => {
  /** @type {string} */
  let folder;
  /** @type {Awaited<ReturnType<typeof load>>} */
  let engine;
  /** @type {any} */
  let report;
  /** What the package computes: the losses of Python's steps, and its parameters behind them. */
  const ours = /** @type {Record<string, { losses: number[], parameters: any[] }>} */ ({});
  const batches = /** @type {Record<string, any[]>} */ ({});

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyperrouter-pytorch-'));
    engine = await load({ variant: 'simd' });
    for (const name of Object.keys(TASKS)) await train(name);
    const tasks = Object.entries(batches).map(([name, all]) => ({
      ...{ name, learningRate: LEARNING_RATE, clip: CLIP },
      batches: all.slice(STEPS.before).map(forPython),
    }));
    await writeFile(join(folder, 'tasks.json'), JSON.stringify(tasks));
    await Promise.all([0, 1].map(startRank));
    report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
  });
  after(async () => {
    engine.dispose();
    await rm(folder, { recursive: true });
  });

  /** @param {number} rank */
  async function startRank(rank) {
    // Both processes are on this machine, whatever its name leads to.
    const env = { ...process.env, RANK: String(rank), OMP_NUM_THREADS: '1', GLOO_SOCKET_IFNAME: 'lo' };
    await promisify(execFile)(/** @type {string} */ (torch), [CHECKS, folder, EXAMPLES], {
      env,
      timeout: 900_000,
    });
  }

  /**
   * Trains a task in the package, and writes its file where Python begins.
   * @param {string} name
   */
  async function train(name) {
    const { kind, config } = TASKS[name];
    const model = liven(
      {
        language: () => engine.createLanguageModel(config),
        text: () => engine.createTextClassifier(config),
        vectors: () => engine.createClassifier(config),
        numbers: () => engine.createRegressor(config),
      }[kind](),
    );
    const all = batchesOf(name);
    batches[name] = all;
    const losses = [];
    for (const [step, batch] of all.slice(0, STEPS.before + STEPS.python).entries()) {
      if (step === STEPS.before)
        await writeFile(join(folder, `${name}.safetensors`), model.saveCheckpoint({ optimizer: true }));
      const { loss } = stepOf(model, batch);
      if (step >= STEPS.before) losses.push(loss);
    }
    ours[name] = { losses, parameters: model.parameters() };
    model.dispose();
  }

  it('golden cases: losses, routing, gradients, training', () => {
    assert.equal(report.golden.length, 15);
    for (const { case: name, names, ...errors } of report.golden) {
      assert.equal(names, true, `${name}: names of the tensors`);
      for (const [what, error] of Object.entries(errors))
        assert.ok(error <= NEAR, `${name}: ${what}: ${error}`);
    }
  });

  for (const name of Object.keys(TASKS)) {
    describe(name, () => {
      const task = () => report.tasks.find((/** @type {any} */ each) => each.name === name);

      it('two processes, each with half of the batch, train as one does', () => {
        assertNumbers(task().two, task().one, 'losses');
        assert.ok(task().difference <= NEAR, `parameters: ${task().difference}`);
      });

      it('PyTorch goes on from the file of the package as the package does', async () => {
        assertNumbers(task().one, ours[name].losses, 'losses');
        const model = await open(`${name}.one.safetensors`, name);
        const theirs = new Map(model.parameters().map((parameter) => [parameter.name, parameter.data]));
        for (const { name: tensor, data } of ours[name].parameters)
          assertNumbers(theirs.get(tensor) ?? assert.fail(tensor), data, tensor);
        model.dispose();
      });

      it('the package goes on from the file of PyTorch as PyTorch does', async () => {
        const model = await open(`${name}.two.safetensors`, name);
        assert.equal(model.step, STEPS.before + STEPS.python);
        const further = batches[name].slice(STEPS.before + STEPS.python);
        assertNumbers(
          task().further,
          further.map((batch) => stepOf(model, batch).loss),
          'losses',
        );
        model.dispose();
      });
    });
  }

  it('train.py reads the text as TextStreams does, each process its streams', () => {
    const streams = new TextStreams(
      Array.from({ length: 23 }, (_, id) => id),
      { batchSize: 4, length: 2 },
    );
    const [first, second] = report.segments;
    // From step 3 on.
    assert.equal(first.length, 6);
    for (const [index, [inputs, targets, begins]] of first.entries()) {
      const expected = streams.at(3 + index);
      const [otherInputs, otherTargets] = second[index];
      assert.deepEqual([...inputs, ...otherInputs].flat(), [...expected.inputs]);
      assert.deepEqual([...targets, ...otherTargets].flat(), [...expected.targets]);
      assert.equal(begins, !expected.carryMemory);
    }
  });

  it('train.py has the default schedule of the package', () => {
    const rate = cosineSchedule({ learningRate: 0.003, steps: 80, warmup: 8 });
    assert.equal(report.rates.length, 80);
    for (const [step, each] of report.rates.entries()) assertNear(each, rate(step), 1e-12, `step ${step}`);
  });

  it('the defaults are those of the package', () => {
    const kinds = /** @type {const} */ (['language', 'text-classifier', 'classifier', 'regressor']);
    for (const kind of kinds) {
      const defaults = engine.configFields(kind).map(({ name, default: value }) => [name, value]);
      assert.deepEqual(report.defaults[kind], Object.fromEntries(defaults), kind);
    }
  });

  it('refuses what the package refuses', () => {
    const [misspelt, ...others] = report.refusals;
    assert.match(misspelt, /no key 'expert'; did you mean 'experts'\?/);
    assert.match(others[0], /^gate must be 'topk-softmax' with router 'hash'/);
    assert.match(others[1], /^capacityFactor must be 0 .* gate 'relu'/);
    assert.match(others[2], /^topK must be from 1 to 8 \(experts\), got 9/);
  });

  it('noisy routing has the tensors of the package', async () => {
    const model = engine.loadCheckpoint(await readFile(join(folder, 'noisy.safetensors')));
    assert.equal(model.config.routerNoise, true);
    assert.ok(model.parameters().some(({ name }) => name === 'layers.0.pos_ff.gate.w_noise'));
    model.dispose();
  });

  /**
   * @param {string} file
   * @param {string} name of its task
   */
  async function open(file, name) {
    const { router } = TASKS[name].config;
    const bytes = await readFile(join(folder, file));
    return engine.loadCheckpoint(bytes, typeof router === 'object' ? { router } : {});
  }
});

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {string} what
 */
function assertNumbers(actual, expected, what) {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) assertNear(actual[i], expected[i], NEAR, `${what}[${i}]`);
}

/**
 * @param {any} model
 * @param {any} batch
 */
function stepOf(model, batch) {
  return model.trainStep({ ...batch, learningRate: LEARNING_RATE, clip: CLIP });
}

/** @param {string} name of a task */
function batchesOf(name) {
  const { kind, config } = TASKS[name];
  return Array.from({ length: STEPS.before + STEPS.python + STEPS.further }, (_, step) => {
    if (kind === 'language') return { ...randomSegment(config, step), carryMemory: step > 0 };
    return { text: randomSequences, vectors: randomBatch, numbers: randomPairs }[kind](config, step);
  });
}

/**
 * With rows, as Python reads them.
 * @param {any} batch
 */
function forPython({ inputs, targets, lengths }) {
  const n = SIZES.batchSize;
  /** @param {any} flat */
  const rows = (flat) =>
    Array.from({ length: n }, (_, row) => [
      ...flat.slice((row * flat.length) / n, ((row + 1) * flat.length) / n),
    ]);
  return {
    inputs: rows(inputs),
    targets: targets.length === n ? [...targets] : rows(targets),
    ...(lengths && { lengths: [...lengths] }),
  };
}
