import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { DivergedError, EngineError, load } from 'hyperrouter-wasm';
import { createComparison } from '../../demo/routers/comparison.js';
import { groupsOf, seedCount, seedsOf } from '../../demo/routers/groups.js';
import { configFor, createKinds } from '../../demo/routers/kinds.js';
import {
  chooseData,
  chosenRouters,
  comparisonSettings,
  idleInAll,
  routersOf,
} from '../../demo/routers/settings.js';
import { createSchema } from '../../demo/schema.js';
import { createState } from '../../demo/state.js';
import { fakeClient, tick } from './routers-fake.js';

/** @type {import('hyperrouter-wasm').Engine} */
let engine;
/** @type {import('../../demo/schema.js').Setting[]} */
let schema;
/** @type {string[]} */
let routerNames;
before(async () => {
  engine = await load({ variant: 'simd' });
  const fields = engine.configFields('language');
  schema = createSchema(comparisonSettings(fields), fields);
  routerNames = engine.routers.map(({ name }) => name);
});

/** @param {{ settings?: [string, unknown][], wishes?: Record<number, object>, frameEvery?: () => number }} [options] */
async function fakeComparison({ settings = [], wishes = {}, frameEvery = () => 0 } = {}) {
  const state = createState(schema);
  state.setAll([['experts', 8], ['steps', 50], ...settings]);
  /** @type {string[]} */
  const log = [];
  let opened = 0;
  const data = {};
  const comparison = createComparison({
    openClient: async () => fakeClient({ log, ...wishes[opened++] }),
    state,
    kindOf: (values) => ({
      name: 'text',
      per: 'byte',
      guess: 5,
      config: (router, run) => configFor(engine.configFields('language'), values, router, run),
      routes: (router) => router !== 'dense',
      data: async () => data,
      loads: () => [[0.5, 0.5]],
    }),
    frameEvery,
  });
  await comparison.build({ go: false });
  return { comparison, state, log, opened: () => opened };
}

const texts = (/** @type {any} */ comparison) =>
  comparison.notices.value.map((/** @type {any} */ one) => one.text);

describe('a comparison', () => {
  it('gives all models the same but the router', async () => {
    const state = createState(schema);
    state.set('loadBalanceWeight', 0.01);
    const fields = engine.configFields('language');
    const configs = routerNames.map((router) => configFor(fields, state.values.value, router, 0));
    for (const [i, { router, loadBalanceWeight, ...rest }] of configs.entries()) {
      assert.equal(router, routerNames[i]);
      assert.equal(loadBalanceWeight, ['hyperrouter', 'smoe', 'cosine'].includes(router) ? 0.01 : 0);
      const { router: _, loadBalanceWeight: __, ...first } = configs[0];
      assert.deepEqual(rest, first);
    }
    assert.deepEqual(chosenRouters(schema, state.values.value), routerNames.slice(0, 4));
    for (const router of routerNames) state.set(router, true);
    assert.deepEqual(chosenRouters(schema, state.values.value), routerNames);
    chooseData(state, 'moons');
    const pointed = routerNames.filter((router) => router !== 'hash');
    assert.deepEqual(chosenRouters(schema, state.values.value), pointed, 'points have no token ids');
    assert.deepEqual(
      routersOf(schema).map(({ name, label }) => [name, label]),
      engine.routers.map(({ name, label }) => [name, label]),
    );
  });

  it('offers the settings that affect at least one model', () => {
    const state = createState(schema);
    const idle = () => [...idleInAll(schema, state.values.value)];
    assert.deepEqual(idle(), ['routerSize', 'sparsityWeight']);
    state.set('smoe', false);
    assert.deepEqual(idle(), ['routerSize', 'sparsityWeight']);
    state.set('hyperrouter', false);
    assert.deepEqual(idle(), [
      'hyperSize',
      'routerSize',
      'loadBalanceWeight',
      'routerZWeight',
      'sparsityWeight',
    ]);
    state.set('cosine', true);
    assert.deepEqual(idle(), ['hyperSize', 'sparsityWeight']);
    state.set('gate', 'relu');
    assert.deepEqual(idle(), [
      'hyperSize',
      'loadBalanceWeight',
      'routerZWeight',
      'capacityFactor',
      'balanceRate',
    ]);
    state.set('sparsityWeight', 0);
    assert.ok(idle().includes('topK'), 'neither the choice nor a loss depends on k');
  });

  it('learns points too, with suitable sizes, in data that stay the same object', async () => {
    const state = createState(schema);
    const fields = /** @type {any} */ ({
      language: engine.configFields('language'),
      classifier: engine.configFields('classifier'),
    });
    const kindOf = createKinds(/** @type {any} */ ({ fields, routers: engine.routers }));
    chooseData(state, 'moons');
    assert.equal(state.peek('dInner'), 16);
    const kind = kindOf(state.values.value);
    assert.equal(kind.name, 'plane');
    assert.equal(kind.guess, Math.log(2));
    for (const router of routerNames.filter((name) => name !== 'hash')) {
      const model = engine.createClassifier(/** @type {any} */ (kind.config(router, 0)));
      assert.equal(model.config.router, router);
      model.dispose();
    }
    const data = /** @type {any} */ (await kind.data());
    assert.equal(data.train.targets.length, 300);
    assert.equal(data.heldOut.targets.length, 100);
    state.set('dModel', 64);
    chooseData(state, 'xor');
    assert.equal(state.peek('dModel'), 64, 'data of the same kind leave the sizes as they are');
    chooseData(state, 'moons');
    assert.equal(await kindOf(state.values.value).data(), await kindOf(state.values.value).data());
    chooseData(state, 'names');
    assert.equal(state.peek('dInner'), 64);
    assert.equal(kindOf(state.values.value).name, 'text');
    state.undo();
    assert.equal(state.peek('data'), 'moons');
    assert.equal(state.peek('dInner'), 16);
  });

  it('keeps all models within a slice of each other, up to the last step, and then evaluates every k', async () => {
    const { comparison, log } = await fakeComparison();
    assert.equal(comparison.status.value, 'ready');
    /** @type {number[]} */
    const shown = [];
    comparison.trainees.value[3].step.subscribe((step) => shown.push(step));
    await comparison.start();
    const targets = log.filter((line) => / to \d/.test(line));
    for (let i = 0; i < targets.length; i += 4) {
      const ends = targets.slice(i, i + 4).map((line) => line.split(' ')[2]);
      assert.equal(new Set(ends).size, 1, ends.join());
    }
    const ends = targets.filter((_, i) => i % 4 === 0).map((line) => Number(line.split(' ')[2]));
    assert.equal(ends.at(-1), 50);
    ends.reduce((last, next) => {
      assert.ok(next > last && next - last <= 25);
      return next;
    }, 0);
    assert.equal(comparison.step.value, 50);
    assert.ok(shown.length > 3, `pictures at ${shown}`);
    for (const trainee of comparison.trainees.value) {
      assert.equal(trainee.step.value, 50);
      assert.equal(trainee.losses.value.steps.length, 50);
      assert.equal(trainee.lossByK.value?.points.length, trainee.router === 'dense' ? 1 : 8);
      assert.equal(trainee.lossByK.value?.step, 50);
    }
    // The budget is used up.
    await comparison.start();
    assert.equal(comparison.step.value, 50);
    assert.equal(comparison.status.value, 'ready');
  });

  it('pauses with all models at the same step, continues from there, and takes single steps', async () => {
    const { comparison, state } = await fakeComparison();
    const run = comparison.start();
    while (comparison.step.value < 4) await tick();
    await comparison.pause();
    await run;
    const at = comparison.step.value;
    assert.ok(at < 50);
    assert.deepEqual(new Set(comparison.trainees.value.map(({ step }) => step.value)), new Set([at]));
    assert.equal(comparison.measuring.value, false);
    await comparison.oneStep();
    assert.equal(comparison.step.value, at + 1);
    assert.equal(
      comparison.trainees.value[0].lossByK.value?.step,
      at,
      'a single step does not try every k again',
    );
    state.set('steps', 100);
    await comparison.start();
    assert.equal(comparison.step.value, 100);
  });

  it('shows a slow run every step', async () => {
    const { comparison, log } = await fakeComparison({ settings: [['pace', '2']] });
    assert.ok(log.includes('tune 2'));
    const run = comparison.start();
    while (comparison.step.value < 3) await tick();
    await comparison.pause();
    await run;
    const ends = log.filter((line) => line.startsWith('smoe to')).map((line) => Number(line.split(' ')[2]));
    assert.deepEqual(
      ends,
      ends.map((_, i) => i + 1),
    );
    await comparison.setPace(0);
    assert.equal(log.filter((line) => line === 'tune 0').length, 4);
  });

  it('restarts at a reset, and continues by itself after a change of a setting', async () => {
    const { comparison, state, log } = await fakeComparison();
    comparison.start();
    while (comparison.step.value < 4) await tick();
    state.set('seed', 2);
    assert.equal(comparison.isBuiltWith(state.values.value), false);
    await comparison.build();
    assert.equal(comparison.isBuiltWith(state.values.value), true);
    assert.ok(comparison.step.value < 4);
    assert.equal(comparison.status.value, 'running');
    assert.equal(log.filter((line) => line === 'build smoe').length, 1, 'the worker has the data already');
    while (comparison.step.value < 4) await tick();
    await comparison.reset();
    assert.equal(comparison.status.value, 'ready');
    assert.equal(comparison.step.value, 0);
    await tick();
    assert.equal(comparison.trainees.value[0].losses.value.steps.length, 0);
    assert.equal(comparison.trainees.value[0].lossByK.value, null);
  });

  it('takes a single step of models that are being built', async () => {
    const { comparison, state } = await fakeComparison();
    await comparison.oneStep();
    state.set('seed', 3);
    const build = comparison.build();
    comparison.oneStep();
    await build;
    for (let i = 0; i < 20; i++) await tick();
    assert.equal(comparison.step.value, 1);
    assert.equal(comparison.status.value, 'ready');
    await comparison.oneStep();
    assert.equal(comparison.step.value, 2);
  });

  it('ends the workers of routers that are left out, and opens others when they are back', async () => {
    const { comparison, state, log, opened } = await fakeComparison();
    assert.equal(opened(), 4);
    state.set('smoe', false);
    await comparison.build();
    assert.deepEqual(
      comparison.trainees.value.map(({ router }) => router),
      ['hyperrouter', 'smoe-dropout', 'dense'],
    );
    assert.deepEqual(
      log.filter((line) => line.startsWith('close')),
      ['close smoe'],
    );
    await comparison.oneStep();
    state.set('smoe', true);
    await comparison.build();
    assert.equal(comparison.trainees.value.length, 4);
    assert.equal(opened(), 5);
    await comparison.oneStep();
    assert.ok(comparison.trainees.value.every(({ step }) => step.value === 1));
  });

  it('continues without a model that diverges', async () => {
    const error = new DivergedError('the loss is not finite', 7);
    const { comparison } = await fakeComparison({ wishes: { 1: { failAt: 7, error } } });
    await comparison.start();
    assert.deepEqual(
      comparison.trainees.value.map(({ status }) => status.value),
      ['ready', 'diverged', 'ready', 'ready'],
    );
    assert.equal(comparison.trainees.value[1].step.value, 7);
    assert.equal(comparison.step.value, 50);
    assert.match(
      texts(comparison)[0],
      /^Training of Standard top-k \(SMoE\) diverged.*other models continue/,
    );
    // Another model of it is a new beginning.
    await comparison.reset();
    assert.ok(comparison.trainees.value.every(({ status }) => status.value === 'ready'));
  });

  it('continues without a worker that fails, and opens another for the next model', async () => {
    const error = new EngineError('the worker stopped');
    const { comparison, log, opened } = await fakeComparison({ wishes: { 0: { failAt: 3, error } } });
    await comparison.start();
    assert.equal(comparison.trainees.value[0].status.value, 'failed');
    assert.ok(log.includes('close hyperrouter'));
    assert.equal(comparison.step.value, 50);
    assert.match(texts(comparison)[0], /^Training of HyperRouter failed: the worker stopped/);
    await comparison.reset();
    assert.equal(opened(), 5);
    await comparison.start();
    assert.ok(comparison.trainees.value.every(({ step }) => step.value === 50));
  });

  it('ends when no model is left', async () => {
    const wish = { failAt: 3, error: new DivergedError('the loss is not finite', 3) };
    const { comparison } = await fakeComparison({ wishes: { 0: wish, 1: wish, 2: wish, 3: wish } });
    await comparison.start();
    assert.equal(comparison.status.value, 'ready');
    assert.ok(comparison.step.value < 50);
  });

  it('returns to the settings of its models if others cannot be built', async () => {
    const state = createState(schema);
    const failing = { failBuild: /** @type {Error | undefined} */ (undefined), log: [] };
    const comparison = createComparison({
      openClient: async () => fakeClient(failing),
      state,
      kindOf: () => ({
        name: 'text',
        per: 'byte',
        guess: 5,
        routes: (router) => router !== 'dense',
        config: (router) => ({ router }),
        data: async () => ({}),
        loads: () => [],
      }),
    });
    await comparison.build({ go: false });
    failing.failBuild = new RangeError('dModel must be even');
    state.set('dModel', 64);
    await comparison.build();
    assert.equal(state.peek('dModel'), 48);
    assert.equal(comparison.status.value, 'ready');
    assert.match(texts(comparison)[0], /DModel must be even/i);
  });

  it('can be stopped while it evaluates every k, and continues training at once', async () => {
    const { comparison } = await fakeComparison();
    await comparison.oneStep();
    const scan = comparison.measure();
    await tick();
    assert.equal(comparison.measuring.value, true);
    await comparison.stopMeasuring();
    await scan;
    assert.equal(comparison.measuring.value, false);
    assert.ok((comparison.trainees.value[0].lossByK.value?.points.length ?? 0) < 8);
    comparison.measure();
    await comparison.oneStep();
    assert.equal(comparison.step.value, 2);
    assert.equal(comparison.measuring.value, false);
  });

  it('evaluates every k between two slices of training on request, and continues', async () => {
    const { comparison } = await fakeComparison({ settings: [['steps', 200]] });
    const scans = () => comparison.trainees.value.map(({ lossByK }) => lossByK.value?.step);
    const run = comparison.start();
    while (comparison.step.value < 4) await tick();
    comparison.measure();
    assert.equal(comparison.measuring.value, true);
    while (!comparison.trainees.value[0].lossByK.value?.points.length) await tick();
    const [at] = scans();
    assert.equal(comparison.status.value, 'running');
    assert.deepEqual(new Set(comparison.trainees.value.map(({ step }) => step.value)), new Set([at]));
    while (comparison.measuring.value) await tick();
    assert.deepEqual(scans(), [at, at, at, at]);
    assert.equal(comparison.trainees.value[0].lossByK.value?.points.length, 8);
    while (comparison.step.value === at) await tick();

    comparison.measure();
    await comparison.stopMeasuring();
    assert.equal(comparison.measuring.value, false);
    assert.equal(comparison.status.value, 'running', 'only the scan is stopped');
    comparison.measure();
    while (comparison.trainees.value[0].lossByK.value?.step === at) await tick();
    await comparison.pause();
    assert.ok(comparison.step.value < 200, 'Pause does not wait for the scan');
    await run;
    assert.ok(scans().every((step) => step === comparison.step.value));
    assert.equal(comparison.trainees.value[0].lossByK.value?.points.length, 8);

    // A reset in the middle of one leaves nothing of it.
    comparison.start();
    while (comparison.step.value < 60) await tick();
    comparison.measure();
    await comparison.reset();
    assert.equal(comparison.measuring.value, false);
    assert.deepEqual(new Set(scans()), new Set([undefined]));
  });
});

describe('several seeds', () => {
  it('train each router once with every seed, on the same data', async () => {
    const error = new DivergedError('the loss is not finite', 7);
    const { comparison, state, log, opened } = await fakeComparison({
      settings: [
        ['seeds', 2],
        ['seed', 5],
        ['smoe-dropout', false],
        ['dense', false],
      ],
      wishes: { 1: { failAt: 7, error } },
    });
    assert.equal(opened(), 4);
    const trainees = comparison.trainees.value;
    assert.deepEqual(
      trainees.map(({ router, summary }) => `${router} ${summary.value?.config.seed}`),
      ['hyperrouter 5', 'hyperrouter 6', 'smoe 5', 'smoe 6'],
    );
    const names = ['hyperrouter', 'smoe'];
    assert.deepEqual(
      groupsOf(trainees).map(({ router }) => router),
      names,
    );
    assert.equal(seedsOf(groupsOf(trainees)).length, 2);
    await comparison.start();
    assert.match(texts(comparison)[0], /^Training of HyperRouter with seed 6 diverged/);
    assert.ok(trainees.every(({ step }, i) => step.value === (i === 1 ? 7 : 50)));
    // Only what went on with both routers is compared.
    const groups = groupsOf(trainees);
    assert.deepEqual(
      groups.map(({ all, trainees: going }) => [all.length, going.length]),
      [
        [2, 1],
        [2, 2],
      ],
    );
    assert.equal(seedCount(groups), 2);
    assert.deepEqual(
      seedsOf(groups).map((seed) => seed.map(({ router, run }) => `${router} ${run}`)),
      [['hyperrouter 0', 'smoe 0']],
    );
    state.set('seeds', 1);
    await comparison.build();
    assert.equal(comparison.trainees.value.length, 2);
    assert.equal(log.filter((line) => line.startsWith('close')).length, 2);
  });
});
