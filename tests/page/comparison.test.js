import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DivergedError } from 'hyperrouter-wasm';
import { createComparison } from '../../demo/routers/comparison.js';
import { createState } from '../../demo/state.js';
import { FakeTrainer, frame, model, settle } from './fake-trainer.js';

const setting = { label: '', help: '', group: 'model', control: /** @type {const} */ ('none') };
const rebuild = { ...setting, effect: /** @type {const} */ ('rebuild') };
const router = { ...rebuild, group: 'routers', type: /** @type {const} */ ('boolean') };

/** A comparison of two routers whose workers the test answers. */
function fake() {
  const routers = ['hyperrouter', 'smoe', 'smoe-dropout', 'dense'];
  const field = /** @type {any} */ ({ options: routers.map((name) => ({ name, traits: [] })) });
  const state = createState([
    ...routers.map((key, i) => ({ ...router, key, field, label: key.toUpperCase(), default: i < 2 })),
    { ...rebuild, key: 'size', type: 'integer', min: 1, max: 100, default: 1 },
    { ...rebuild, key: 'seed', type: 'integer', min: 0, max: 9, default: 1 },
    { ...rebuild, key: 'seeds', type: 'integer', min: 1, max: 3, default: 1 },
    { ...rebuild, key: 'learningRate', type: 'number', default: 0.1 },
    { ...setting, key: 'steps', type: 'integer', min: 1, max: 1000, default: 50, effect: 'live' },
    { ...setting, key: 'pace', type: 'text', default: 'full', effect: 'view' },
  ]);
  /** @type {FakeTrainer[]} */
  const trainers = [];
  const loading = { until: /** @type {Promise<unknown>} */ (Promise.resolve()) };
  const clock = { now: 0 };
  const comparison = createComparison({
    openClient: async () => {
      trainers.push(new FakeTrainer());
      return /** @type {FakeTrainer} */ (trainers.at(-1)).client;
    },
    state,
    kindOf: (values) => ({
      name: 'plane',
      per: 'point',
      guess: 1,
      routes: () => true,
      config: (router) => ({ router, size: Number(values.size) }),
      data: async () => {
        await loading.until;
        if (values.size === 99) throw new RangeError('there are no such data');
        return { size: values.size };
      },
      loads: () => [[0.5, 0.5]],
    }),
    frameEvery: () => 1e9,
    now: () => clock.now,
  });
  return {
    comparison,
    state,
    trainers,
    loading,
    clock,
    /** Answers the same of all. @param {string} type @param {(i: number) => any} [result] */
    async all(type, result = () => ({})) {
      for (const [i, trainer] of trainers.entries()) await trainer.answer(type, result(i));
    },
    /** Lets models come to be: of all workers, or of those with these numbers. @param {number[]} [of] */
    async built(of) {
      await settle();
      const builders = of ? of.map((i) => trainers[i]) : trainers;
      for (const trainer of builders) await trainer.answer('build', model());
      for (const trainer of builders) await trainer.answer('frame', frame(0));
    },
    said: () => comparison.notices.value.map(({ text }) => text),
    /** @param {string} type */
    asked: (type) => trainers.map((trainer) => trainer.logOf(type)),
  };
}

async function ready() {
  const all = fake();
  all.comparison.build({ go: false });
  await all.built();
  return all;
}

/** Training, in the midst of its first slice, which is of two steps. */
async function training() {
  const all = await ready();
  all.comparison.start();
  await settle();
  assert.deepEqual(all.asked('runTo'), [['runTo 2'], ['runTo 2']]);
  return all;
}

describe('the sessions of a comparison', () => {
  it('are shown together, and not before all are there', async () => {
    const { comparison, trainers } = fake();
    comparison.build({ go: false });
    await settle();
    assert.equal(comparison.status.value, 'building');
    await trainers[0].answer('build', model());
    await trainers[0].answer('frame', frame(0));
    assert.equal(comparison.trainees.value.length, 0);
    await trainers[1].answer('build', model());
    await trainers[1].answer('frame', frame(0));
    assert.equal(comparison.trainees.value.length, 2);
    assert.equal(comparison.status.value, 'ready');
  });

  it('wait for each other after every slice', async () => {
    const { comparison, trainers, asked } = await training();
    await trainers[0].answer('runTo');
    assert.equal(comparison.step.value, 0);
    assert.deepEqual(asked('runTo'), [['runTo 2'], ['runTo 2']]);
    await trainers[1].answer('runTo');
    await trainers[0].answer('frame', frame(2));
    assert.equal(comparison.trainees.value[0].step.value, 0, 'nor is one shown before the other');
    await trainers[1].answer('frame', frame(2));
    assert.deepEqual(
      comparison.trainees.value.map(({ step }) => step.value),
      [2, 2],
    );
    assert.deepEqual(asked('runTo'), [
      ['runTo 2', 'runTo 6'],
      ['runTo 2', 'runTo 6'],
    ]);
  });

  it('train in slices of about the same time, of 25 steps at most', async () => {
    const { state, trainers, all, clock } = await training();
    state.set('steps', 100);
    await all('runTo');
    await all('frame', () => frame(2));
    let step = 2;
    const slices = [];
    for (const took of [50, 100, 130, 200, 1000, 1000, 100, 30, 0, 0, 0, 0, 0, 0]) {
      const next = Number(trainers[0].log.at(-1)?.replace('runTo ', ''));
      slices.push(next - step);
      step = next;
      await trainers[0].answer('runTo');
      clock.now += took;
      await trainers[1].answer('runTo');
    }
    assert.deepEqual(slices, [4, 8, 8, 4, 2, 1, 1, 1, 2, 4, 8, 16, 25, 14]);
  });

  it('keep to the pace of the settings from their first step', async () => {
    const { comparison, state, all, built, asked } = fake();
    state.set('pace', '12');
    comparison.build({ go: false });
    await settle();
    assert.deepEqual(asked('tune'), [['tune pace,12'], ['tune pace,12']]);
    await all('tune');
    await built();
    comparison.start();
    await settle();
    assert.deepEqual(asked('runTo'), [['runTo 2'], ['runTo 2']], 'a sixth of a second at a time');
  });

  it('have failed, and their settings stay, if the first models cannot be built', async () => {
    const { comparison, state, trainers, built, said } = fake();
    state.set('size', 50);
    comparison.build({ go: false });
    await settle();
    for (const trainer of trainers) await trainer.refuse('build', new RangeError('too large'));
    assert.equal(comparison.status.value, 'failed');
    assert.equal(state.peek('size'), 50);
    assert.deepEqual(said(), ['Too large.']);
    await comparison.start();
    await comparison.measure();
    assert.equal(comparison.status.value, 'failed');
    assert.equal(comparison.measuring.value, false);
    comparison.reset();
    await built();
    assert.equal(comparison.status.value, 'ready');
  });
});

describe('other models of a comparison', () => {
  it('start when the current slice ends', async () => {
    const { comparison, trainers, all, built, asked } = await training();
    comparison.build();
    await settle();
    assert.deepEqual(asked('build'), [['build 1'], ['build 1']]);
    await all('runTo');
    assert.deepEqual(asked('build'), [
      ['build 1', 'build 1'],
      ['build 1', 'build 1'],
    ]);
    assert.equal(comparison.status.value, 'running');
    await built();
    assert.equal(comparison.step.value, 0);
    assert.equal(trainers[0].waiting.join(), 'runTo', 'and go on');
  });

  it('are built with the settings of their data', async () => {
    const { comparison, state, loading, asked } = await ready();
    /** @type {() => void} */
    let arrive = () => {};
    loading.until = new Promise((resolve) => {
      arrive = () => resolve(undefined);
    });
    state.set('size', 2);
    comparison.build();
    await settle();
    state.set('size', 3);
    comparison.build();
    arrive();
    await settle();
    assert.deepEqual(asked('build'), [
      ['build 1', 'build 3'],
      ['build 1', 'build 3'],
    ]);
  });

  it('that cannot be built leave the previous ones and their settings', async () => {
    const { comparison, state, trainers, said } = await ready();
    const models = comparison.trainees.value.map(({ summary }) => summary.value);
    state.set('size', 50);
    comparison.build();
    await settle();
    for (const trainer of trainers) await trainer.refuse('build', new RangeError('too large'));
    assert.equal(state.peek('size'), 1);
    assert.deepEqual(said(), ['Too large.']);
    assert.equal(comparison.status.value, 'ready');
    assert.deepEqual(
      comparison.trainees.value.map(({ summary }) => summary.value),
      models,
    );
    comparison.start();
    await settle();
    assert.equal(trainers[0].waiting.join(), 'runTo');
  });

  it('that cannot be built do not undo later settings', async () => {
    const { comparison, state, said } = await ready();
    state.set('size', 99);
    comparison.build();
    await Promise.resolve();
    state.set('size', 3);
    comparison.build();
    await settle();
    assert.equal(state.peek('size'), 3);
    assert.deepEqual(said(), []);
  });

  it('continue without one that cannot be built, and it gets another worker', async () => {
    const { comparison, trainers, said } = await ready();
    comparison.build();
    await settle();
    await trainers[0].refuse('build', new RangeError('too large'));
    await trainers[1].answer('build', model());
    await trainers[1].answer('frame', frame(0));
    assert.deepEqual(
      comparison.trainees.value.map(({ status }) => status.value),
      ['failed', 'ready'],
    );
    assert.deepEqual(said(), ['Training of HYPERROUTER failed: too large. The other models continue.']);
    comparison.start();
    await settle();
    assert.deepEqual([trainers[0].count('runTo'), trainers[1].count('runTo')], [0, 1]);
    assert.equal(trainers[0].closed, 1);
  });

  it('continue without one whose worker dies before the others are ready; earlier problems are dismissed', async () => {
    const { comparison, trainers, said } = await ready();
    const scan = comparison.measure();
    await trainers[0].refuse('measure', new RangeError('nothing is held out'));
    await trainers[1].answer('measure');
    await scan;
    assert.equal(said().length, 1);
    comparison.build();
    await settle();
    await trainers[0].answer('build', model());
    await trainers[0].answer('frame', frame(0));
    await trainers[0].die();
    await trainers[1].answer('build', model());
    await trainers[1].answer('frame', frame(0));
    assert.deepEqual(
      comparison.trainees.value.map(({ status }) => status.value),
      ['failed', 'ready'],
    );
    assert.deepEqual(said(), [
      'Training of HYPERROUTER failed: the worker stopped: out of memory. The other models continue.',
    ]);
  });

  it('end the workers that are no longer needed', async () => {
    const { comparison, state, trainers, built, said } = await ready();
    state.setAll([
      ['smoe', false],
      ['smoe-dropout', true],
    ]);
    comparison.build();
    await built([0, 2]);
    assert.deepEqual(
      trainers.map(({ closed }) => closed),
      [0, 1, 0],
    );
    assert.deepEqual(said(), []);
    state.setAll([
      ['smoe', true],
      ['smoe-dropout', false],
    ]);
    comparison.build();
    await built([0, 3]);
    assert.equal(comparison.status.value, 'ready', 'one that is chosen again has another worker');
    comparison.dispose();
    assert.deepEqual(
      trainers.map(({ closed }) => closed),
      [1, 1, 1, 1],
    );
  });
});

describe('a session that stops', () => {
  it('in the middle of a slice is reported, and the others continue', async () => {
    const { comparison, trainers, said } = await training();
    await trainers[0].die();
    await trainers[1].answer('runTo');
    await trainers[1].answer('frame', frame(2));
    assert.deepEqual(said(), [
      'Training of HYPERROUTER failed: the worker stopped: out of memory. The other models continue.',
    ]);
    assert.deepEqual(
      comparison.trainees.value.map(({ status }) => status.value),
      ['failed', 'ready'],
    );
    assert.equal(trainers[1].waiting.join(), 'runTo');
    assert.equal(comparison.status.value, 'running');
  });

  it('because it diverged shows its last state', async () => {
    const { comparison, trainers, said } = await training();
    await trainers[1].refuse('runTo', new DivergedError('the loss is not finite', 1));
    await trainers[1].answer('frame', frame(1));
    await trainers[0].answer('runTo');
    await trainers[0].answer('frame', frame(2));
    assert.match(
      said()[0],
      /^Training of SMOE diverged: the loss is not finite\. The other models continue\./,
    );
    assert.equal(comparison.trainees.value[1].step.value, 1);
    assert.equal(trainers[0].waiting.join(), 'runTo');
    assert.equal(trainers[1].waiting.length, 0);
  });

  it('was the last: training ends where it stood', async () => {
    const { comparison, trainers } = await training();
    for (const trainer of trainers) {
      await trainer.refuse('runTo', new DivergedError('the loss is not finite', 1));
      await trainer.answer('frame', frame(1));
    }
    assert.equal(comparison.step.value, 0);
    assert.equal(comparison.status.value, 'ready');
  });

  it('while every k is evaluated is reported once', async () => {
    const { comparison, trainers, said } = await ready();
    const scan = comparison.measure();
    await trainers[0].die();
    await trainers[1].answer('measure');
    await scan;
    assert.equal(said().length, 1);
    assert.equal(comparison.measuring.value, false);
  });

  it('is not one whose evaluation fails: that is reported, and it continues', async () => {
    const { comparison, trainers, said } = await ready();
    const scan = comparison.measure();
    await trainers[0].refuse('measure', new RangeError('nothing is held out'));
    await trainers[1].answer('measure');
    await scan;
    assert.deepEqual(said(), ['Nothing is held out.']);
    assert.equal(comparison.trainees.value[0].status.value, 'ready');
  });
});

describe('every k of a comparison', () => {
  it('is evaluated once at a time, and not while models are being built', async () => {
    const { comparison, trainers, built, all } = await ready();
    comparison.measure();
    comparison.measure();
    assert.equal(trainers[0].count('measure'), 1);
    await all('measure');
    comparison.build();
    comparison.measure();
    await built();
    assert.equal(trainers[0].count('measure'), 1);
    assert.equal(comparison.measuring.value, false);
  });

  it('is stopped when training or another model starts', async () => {
    for (const act of /** @type {const} */ (['oneStep', 'build'])) {
      const { comparison, trainers, all } = await ready();
      comparison.measure();
      comparison[act]();
      await settle();
      assert.equal(trainers[0].count('cancel'), 1, act);
      await all('cancel');
      assert.equal(trainers[0].count('runTo') + trainers[0].count('build'), 1, `${act} waits for its end`);
      await all('measure');
      assert.equal(trainers[0].count('runTo') + trainers[0].count('build'), 2, act);
      assert.equal(comparison.measuring.value, false);
    }
  });

  it('is evaluated during training at the common step of all models', async () => {
    const { comparison, trainers, all } = await training();
    await all('runTo');
    await all('frame', () => frame(2));
    comparison.measure();
    await all('runTo');
    assert.deepEqual(trainers[0].waiting, ['frame'], 'which was not shown yet');
    await all('frame', () => frame(6));
    trainers[0].part('measure', { topK: 1, loss: 2 });
    assert.equal(comparison.trainees.value[0].lossByK.value?.step, 6);
    await all('measure');
    assert.equal(trainers[0].waiting.join(), 'runTo', 'and training goes on');
  });

  it('is no longer evaluated where Pause comes meanwhile', async () => {
    const { comparison, trainers, all } = await training();
    comparison.measure();
    await all('runTo');
    await all('frame', () => frame(2));
    await all('frame', () => frame(2));
    assert.equal(trainers[0].waiting.join(), 'measure');
    comparison.pause();
    await settle();
    assert.equal(trainers[0].count('cancel'), 1);
    await all('cancel');
    await all('measure');
    await all('frame', () => frame(2));
    assert.equal(comparison.status.value, 'ready');
    assert.equal(trainers[0].count('runTo'), 1);
  });

  it('is evaluated when training ends right after the request', async () => {
    const { comparison, trainers, all } = await ready();
    comparison.oneStep();
    await settle();
    await all('runTo');
    assert.deepEqual(trainers[0].waiting, ['frame']);
    await all('frame', () => frame(1));
    // The single step was shown; now it comes to rest.
    comparison.measure();
    await all('frame', () => frame(1));
    assert.equal(trainers[0].waiting.join(), 'measure');
    await all('measure');
    assert.equal(comparison.measuring.value, false);
  });

  it('is evaluated after the last step, not after a single step, nor after a step beyond it', async () => {
    const { comparison, state, trainers, all } = await ready();
    comparison.oneStep();
    await settle();
    await all('runTo');
    await all('frame', () => frame(1));
    await all('frame', () => frame(1));
    assert.equal(trainers[0].count('measure'), 0);
    state.set('steps', 2);
    comparison.start();
    await settle();
    await all('runTo');
    await all('frame', () => frame(2));
    await all('frame', () => frame(2));
    assert.equal(trainers[0].count('measure'), 1);
    await all('measure');
    comparison.start();
    await settle();
    await all('frame', () => frame(2));
    assert.equal(trainers[0].count('measure'), 1, 'nothing was left to train');
  });

  it('is evaluated after the last step also where Pause comes while that is being shown', async () => {
    const { comparison, state, trainers, all } = await ready();
    state.set('steps', 2);
    comparison.start();
    await settle();
    await all('runTo');
    await all('frame', () => frame(2));
    assert.equal(comparison.step.value, 2);
    assert.equal(comparison.status.value, 'running');
    comparison.pause();
    await all('frame', () => frame(2));
    assert.equal(trainers[0].waiting.join(), 'measure');
    await all('measure');
    assert.equal(comparison.measuring.value, false);
  });
});
