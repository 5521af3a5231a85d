import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DivergedError } from 'hyperrouter-wasm';
import { createLossHistory } from '../../demo/history.js';
import { createVisits } from '../../demo/session/in-room.js';
import { createRuns } from '../../demo/session/runs.js';
import { fakeRun } from './fake-run.js';
import { frame, model, settle } from './fake-trainer.js';

const far = `runTo ${Number.MAX_SAFE_INTEGER}`;
const diverged = new DivergedError('the loss is not finite', 7);

/** A run whose first model is there. @param {Parameters<typeof fakeRun>[0]} [options] */
async function ready(options) {
  const fake = fakeRun(options);
  fake.run.build({ go: false });
  await fake.built();
  return fake;
}

describe('a run', () => {
  it('trains until it is paused, and is shown as it stands then', async () => {
    const { run, trainer } = await ready();
    assert.equal(run.status.value, 'ready');
    const start = run.start();
    await settle();
    assert.equal(run.status.value, 'running');
    const pause = run.pause();
    await trainer.answer('pause');
    await trainer.answer('runTo', { step: 20, reason: 'paused' });
    assert.deepEqual(trainer.asked.at(-1)?.body.whole, true, 'what stands still belongs together');
    assert.equal(run.status.value, 'running');
    await trainer.answer('frame', frame(20));
    await Promise.all([start, pause]);
    assert.equal(run.status.value, 'ready');
    assert.equal(run.step.value, 20);
    run.oneStep();
    assert.equal(trainer.log.at(-1), 'runTo 21');
  });

  it('starts the model that was asked for last, though it is not there yet', async () => {
    const fake = await ready();
    const { run, state, trainer } = fake;
    state.set('size', 2);
    run.build();
    run.start();
    await settle();
    state.set('size', 3);
    run.build();
    await fake.built();
    await fake.built();
    assert.deepEqual(
      trainer.log.filter((text) => !text.startsWith('frame')),
      ['build 1', 'build 2', 'build 3', far],
    );
  });

  it('takes a single step of that model too', async () => {
    const fake = await ready();
    fake.state.set('size', 2);
    fake.run.build();
    fake.run.oneStep();
    await fake.built({ step: 0 });
    assert.equal(fake.trainer.log.at(-1), 'runTo 1');
  });

  it('builds the last of several models that were asked for at once, and goes on if it ran', async () => {
    const fake = await ready();
    const { run, state, trainer } = fake;
    run.start();
    await settle();
    for (const size of [2, 3, 4]) {
      state.set('size', size);
      run.build();
    }
    await settle();
    await fake.paused();
    await fake.built();
    assert.deepEqual(
      trainer.log.filter((text) => !text.startsWith('frame')),
      ['build 1', far, 'pause', 'build 4', far],
    );
  });

  it('does not begin a model with settings that became others while data were loaded', async () => {
    const fake = await ready();
    const { run, state, trainer, loading } = fake;
    /** @type {() => void} */
    let arrive = () => {};
    loading.until = new Promise((resolve) => {
      arrive = () => resolve(undefined);
    });
    state.set('data', 'b');
    run.build();
    await settle();
    loading.until = Promise.resolve();
    state.setAll([
      ['data', 'c'],
      ['size', 2],
    ]);
    run.build();
    arrive();
    await fake.built();
    assert.deepEqual(
      trainer.asked.filter(({ type }) => type === 'build').map(({ body }) => [body.config.size, body.data]),
      [
        [1, { name: 'a' }],
        [2, { name: 'c' }],
      ],
    );
    assert.equal(run.isBuiltWith(state.values.value), true);
  });

  it('builds with the settings as they are when training of the last model has ended', async () => {
    const fake = await ready();
    const { run, state, trainer } = fake;
    run.start();
    await settle();
    run.build();
    await settle();
    state.set('learningRate', 0.5);
    await fake.paused();
    const { body } = /** @type {any} */ (trainer.asked.findLast(({ type }) => type === 'build'));
    assert.equal(body.learningRate, 0.5);
  });

  it('goes back to the settings of the model that it has, where another cannot be built', async () => {
    const fake = await ready();
    const { run, state, trainer, said } = fake;
    const before = run.summary.value;
    state.set('size', 50);
    run.build();
    await settle();
    await trainer.refuse('build', new RangeError('a size of 50 is too large'));
    assert.equal(state.peek('size'), 1);
    assert.equal(run.summary.value, before);
    assert.equal(run.status.value, 'ready');
    assert.deepEqual(said(), ['A size of 50 is too large.']);
    state.set('data', 'bad');
    await run.build();
    assert.equal(state.peek('data'), 'a');
    assert.equal(trainer.count('build'), 2, 'what is wrong with the data is seen before');
  });

  it('leaves settings alone that were changed after the ones that failed', async () => {
    const fake = await ready();
    const { run, state, trainer, said } = fake;
    state.set('size', 50);
    run.build();
    await settle();
    state.set('size', 3);
    run.build();
    await trainer.refuse('build', new RangeError('a size of 50 is too large'));
    assert.equal(state.peek('size'), 3);
    assert.deepEqual(said(), [], 'nobody wants that any more');
    await fake.built();
    assert.equal(trainer.logOf('build').at(-1), 'build 3');
  });

  it('has failed where its first model cannot be built, and its settings stay', async () => {
    const fake = fakeRun();
    fake.state.set('size', 50);
    fake.run.build({ go: false });
    await settle();
    await fake.trainer.refuse('build', new RangeError('too large'));
    assert.equal(fake.run.status.value, 'failed');
    assert.equal(fake.state.peek('size'), 50);
    await fake.run.start();
    assert.deepEqual(fake.trainer.log, ['build 50']);
  });

  it('says what is missing to learn from, and does not train', async () => {
    let lack = 'There are no points.';
    const { run, trainer, said } = await ready({ lacks: () => lack });
    run.start();
    await settle();
    await trainer.answer('frame', frame(0));
    assert.deepEqual(said(), ['There are no points.']);
    assert.equal(run.status.value, 'ready');
    assert.equal(trainer.count('runTo'), 0);
    lack = '';
    run.start();
    assert.equal(trainer.count('runTo'), 1);
  });

  it('does not go on where it is begun again, though a setting changes then', async () => {
    const fake = await ready();
    const { run, state, trainer } = fake;
    run.start();
    await settle();
    run.reset();
    await settle();
    await fake.paused();
    state.set('size', 2);
    run.build();
    await fake.built();
    await fake.built();
    assert.equal(run.status.value, 'ready');
    assert.equal(trainer.count('runTo'), 1);
  });

  it('does not end with an earlier run', async () => {
    const fake = await ready();
    const { run, trainer } = fake;
    run.start();
    await settle();
    fake.state.set('size', 2);
    run.build();
    await settle();
    await fake.paused(30);
    assert.equal(run.status.value, 'running', 'another model takes over');
    await fake.built();
    assert.equal(run.status.value, 'running');
    assert.equal(run.step.value, 0);
    assert.equal(trainer.waiting.join(), 'runTo');
  });

  it('ends its worker when it is disposed', async () => {
    const { run, trainer, said } = await ready();
    run.start();
    await settle();
    run.dispose();
    await settle();
    assert.equal(trainer.closed, 1);
    assert.deepEqual(said(), []);
  });
});

describe('a run that diverges', () => {
  /** One that has, at step 7. */
  async function broken() {
    const fake = await ready();
    fake.run.start();
    await settle();
    await fake.trainer.refuse('runTo', diverged);
    return fake;
  }

  it('says so at once, and how to go on', async () => {
    const { run, trainer } = await broken();
    assert.equal(run.status.value, 'diverged');
    const [notice] = run.notices.value;
    assert.equal(notice.text, 'Training diverged: the loss is not finite. The learning rate is 0.1.');
    await trainer.answer('frame', frame(7));
    await trainer.answer('frame', frame(7));
    assert.equal(run.step.value, 7);
    assert.equal(run.status.value, 'diverged');
    assert.equal(run.notices.value.length, 1);
  });

  it('goes back to the last good model with a lower rate, and does not train on by itself', async () => {
    const { run, state, trainer, said } = await broken();
    await trainer.answer('frame', frame(7));
    await trainer.answer('frame', frame(7));
    state.set('topK', 3);
    run.notices.value[0].actions[0].act();
    await settle();
    await trainer.answer('tune', { step: 7 });
    await trainer.answer('rewind', model({ step: 4 }));
    await trainer.answer('frame', frame(4));
    assert.equal(state.peek('learningRate'), 0.01);
    assert.deepEqual(said(), ['Restored the model from step 4.']);
    assert.equal(run.status.value, 'ready');
    assert.equal(run.step.value, 4);
    assert.equal(run.origin.value.kind, 'rewound');
    assert.equal(trainer.log.at(-1), 'tune topK,3', 'k is that of the settings, not that of the old state');
    await trainer.answer('tune', { step: 4 });
    assert.deepEqual(run.changes.value, [{ step: 4, key: 'topK', from: 2, to: 3 }]);
    assert.equal(trainer.count('runTo'), 1);
  });

  it('is restored only when training that was started again has ended', async () => {
    const { run, trainer } = await broken();
    await trainer.answer('frame', frame(7));
    await trainer.answer('frame', frame(7));
    run.start();
    await settle();
    run.notices.value[0].actions[0].act();
    await settle();
    assert.deepEqual(trainer.waiting, ['runTo', 'pause']);
    await trainer.answer('pause');
    await trainer.answer('runTo', { step: 9, reason: 'paused' });
    assert.deepEqual(trainer.waiting, ['tune']);
  });

  it('begins again at step 0 where that is wanted', async () => {
    const fake = await broken();
    await fake.trainer.answer('frame', frame(7));
    await fake.trainer.answer('frame', frame(7));
    fake.run.notices.value[0].actions[1].act();
    await fake.built();
    assert.equal(fake.run.status.value, 'ready');
    assert.equal(fake.trainer.count('runTo'), 1);
  });

  it('says why it cannot go back', async () => {
    const { run, trainer, said } = await broken();
    await trainer.answer('frame', frame(7));
    await trainer.answer('frame', frame(7));
    run.notices.value[0].actions[0].act();
    await settle();
    await trainer.answer('tune', { step: 7 });
    await trainer.refuse('rewind', new RangeError('there is no earlier checkpoint'));
    assert.equal(said().at(-1), 'There is no earlier checkpoint.');
    assert.equal(run.status.value, 'diverged');
  });
});

describe('a run whose worker dies', () => {
  it('says so once, has failed, and begins again with another worker', async () => {
    const fake = await ready();
    const { run, said, trainers } = fake;
    run.start();
    await settle();
    run.frame();
    await trainers[0].answer('frame', frame(5));
    run.frame();
    await trainers[0].die();
    assert.equal(run.status.value, 'failed');
    assert.deepEqual(said(), ['The worker stopped: out of memory.']);
    await assert.rejects(run.save(), /press Reset to start a new one/);
    await run.start();
    await run.pause();
    assert.equal(trainers.length, 1);
    run.reset();
    await fake.built();
    assert.equal(trainers.length, 2);
    assert.equal(run.status.value, 'ready');
    assert.deepEqual(run.runs.value, [], 'a run whose worker died is not kept');
  });
});

describe('what is changed on the way', () => {
  it('is recorded with its step, and of k a whole picture is asked for', async () => {
    const { run, trainer } = await ready();
    run.tune({ topK: 3, learningRate: 0.1 });
    await trainer.answer('tune', { step: 12 });
    assert.deepEqual(run.changes.value, [{ step: 12, key: 'topK', from: 2, to: 3 }]);
    assert.equal(trainer.asked.at(-1)?.body.whole, true);
    await trainer.answer('frame', frame(12));
    run.tune({ learningRate: 0.2 });
    await trainer.answer('tune', { step: 15 });
    assert.equal(run.changes.value.length, 2);
    assert.equal(trainer.waiting.length, 0);
  });

  it('of an earlier model is not recorded of the next', async () => {
    const fake = await ready();
    fake.run.tune({ topK: 3 });
    fake.run.build();
    await fake.built();
    await fake.trainer.answer('tune', { step: 90 });
    assert.deepEqual(fake.run.changes.value, []);
    assert.equal(fake.trainer.waiting.length, 0);
  });
});

describe('a model out of a file', () => {
  it('brings its settings along', async () => {
    const { run, state, trainer, said } = await ready();
    state.set('topK', 3);
    run.start();
    await settle();
    run.open(Uint8Array.of(1));
    await settle();
    await trainer.answer('pause');
    await trainer.answer('runTo', { step: 5, reason: 'paused' });
    await trainer.answer('restore', model({ config: { size: 9 }, topK: 4, step: 300 }));
    await trainer.answer('frame', frame(300));
    assert.deepEqual([state.peek('size'), state.peek('topK')], [9, 4]);
    assert.equal(run.isBuiltWith(state.values.value), true);
    assert.equal(run.origin.value.kind, 'opened');
    assert.deepEqual(said(), ['Model opened. It has been trained for 300 steps.']);
    assert.equal(state.undoable.value.length, 0);
  });

  it('is told to the task like any other, and the run before it is kept', async () => {
    const { run, trainer, begun } = await ready();
    const first = run.summary.value;
    assert.deepEqual(begun, [[first, 'a']]);
    run.frame();
    await trainer.answer('frame', frame(6));
    run.open(Uint8Array.of(1));
    await settle();
    await trainer.answer('frame', frame(6));
    await trainer.answer('restore', model({ config: { size: 9 }, step: 300 }));
    await trainer.answer('frame', frame(300));
    assert.deepEqual(begun, [
      [first, 'a'],
      [run.summary.value, 'a'],
    ]);
    assert.deepEqual(
      run.runs.value.map(({ values, step }) => [values.size, step]),
      [[1, 6]],
    );
  });

  it('that cannot be opened leaves everything as it was', async () => {
    const { run, trainer, said } = await ready();
    const before = run.summary.value;
    run.open(Uint8Array.of(1));
    await settle();
    await trainer.refuse('restore', new RangeError('no header'));
    assert.equal(run.summary.value, before);
    assert.deepEqual(said(), ['No header.']);
    assert.equal(run.status.value, 'ready');
    run.open(Uint8Array.of(1), { name: 'cat.png' });
    await settle();
    await trainer.refuse('restore', new RangeError('no header'));
    assert.equal(said().at(-1), 'cat.png could not be opened: no header.');
  });
});

describe('runs', () => {
  /** A model of another size takes the place of one that was trained. @param {Awaited<ReturnType<typeof ready>>} fake */
  async function replaced(fake, /** @type {number} */ size, /** @type {number} */ steps) {
    const { run, state, trainer } = fake;
    run.frame();
    await trainer.answer('frame', frame(steps, { losses: new Float32Array(steps).fill(2) }));
    state.set('size', size);
    run.build();
    await settle();
    if (steps) await trainer.answer('frame', frame(steps));
    await fake.built();
  }

  it('are kept where they have learned something, and compared where they were long enough', async () => {
    const fake = await ready();
    const { run } = fake;
    await replaced(fake, 2, 0);
    assert.equal(run.runs.value.length, 0);
    await replaced(fake, 3, 29);
    for (const size of [4, 5, 6, 7]) await replaced(fake, size, 30);
    assert.deepEqual(
      run.runs.value.map(({ number, values, step, compared }) => [number, values.size, step, compared]),
      [
        [1, 2, 29, false],
        [2, 3, 30, false],
        [3, 4, 30, true],
        [4, 5, 30, true],
        [5, 6, 30, true],
      ],
    );
    assert.deepEqual(
      run.compared.value.map(({ name, label }) => `${name}: ${label}`),
      ['run 3: size 4', 'run 4: size 5', 'run 5: size 6'],
    );
    assert.equal(run.words.value.current, 'size 7');
    run.compareRun(run.runs.value[0], true);
    assert.deepEqual(
      run.compared.value.map(({ name }) => name),
      ['run 1', 'run 4', 'run 5'],
      'as many as can be told apart',
    );
    run.removeRun(run.runs.value[0]);
    assert.deepEqual(
      run.runs.value.map(({ number }) => number),
      [2, 3, 4, 5],
    );
  });

  it('are opened with their settings and their model; the one before is kept instead', async () => {
    const fake = await ready();
    const { run, state, trainer } = fake;
    await replaced(fake, 2, 40);
    run.frame();
    await trainer.answer('frame', frame(7, { losses: new Float32Array(7).fill(1) }));
    state.set('topK', 5);
    const [first] = run.runs.value;
    run.openRun(first);
    await settle();
    await trainer.answer('frame', frame(7));
    await trainer.answer('restore', model({ step: 40 }));
    await trainer.answer('frame', frame(40));
    assert.equal(state.get('size'), 1);
    assert.equal(state.get('topK'), 2, 'also what could change in training');
    assert.equal(run.step.value, 40);
    assert.equal(run.losses.value.steps.length, 40);
    assert.equal(run.status.value, 'ready');
    assert.deepEqual(
      run.runs.value.map(({ values, step }) => [values.size, step]),
      [[2, 7]],
    );
  });

  it('are kept once where settings and step are the same', () => {
    const { runs, keep } = createRuns((one, other) => one.size === other.size);
    for (const [size, step] of [
      [1, 40],
      [1, 50],
      [2, 40],
      [1, 40],
    ]) {
      const rest = { live: {}, per: /** @type {const} */ ('point'), thumbnails: [], model: null };
      keep({ values: { size }, step, losses: createLossHistory(), ...rest });
    }
    assert.deepEqual(
      runs.value.map(({ number, values, step }) => [number, values.size, step]),
      [
        [2, 1, 50],
        [3, 2, 40],
        [4, 1, 40],
      ],
    );
  });

  it('are bounded in number and in memory; of the oldest only what was shown stays', () => {
    const { runs, keep } = createRuns((one, other) => one.size === other.size);
    for (let size = 0; size < 12; size++) {
      const past = /** @type {any} */ ({ bytes: { length: 20e6 } });
      keep({
        values: { size },
        live: {},
        step: 40,
        per: 'point',
        losses: createLossHistory(),
        thumbnails: [],
        model: { past, record: /** @type {any} */ ({}) },
      });
    }
    assert.deepEqual(
      runs.value.map(({ values, model: kept }) => [values.size, kept !== null]),
      [4, 5, 6, 7, 8, 9, 10, 11].map((size) => [size, size > 8]),
    );
  });
});

describe('undo', () => {
  /** A run that follows its settings, with a model of size 1 that has been trained to step 40. */
  async function trained(/** @type {object} */ different = {}) {
    const fake = fakeRun();
    const { run, state } = fake;
    createVisits({ trained: run, state, page: /** @type {any} */ (new EventTarget()) }).enter();
    await fake.built(different);
    run.oneStep();
    await settle();
    await fake.trainer.answer('runTo', { step: 40, reason: 'reached' });
    await fake.trainer.answer('frame', frame(40, { losses: Float32Array.of(3, 2), moments: [{ step: 0 }] }));
    /** Another size, whose model comes to be. */
    async function resize(/** @type {number} */ size) {
      state.set('size', size);
      await settle();
      if (fake.trainer.waiting.includes('frame')) await fake.trainer.answer('frame', frame(40));
      await fake.built();
    }
    return { ...fake, resize };
  }

  it('restores the model of the settings, with all that was shown of it', async () => {
    const { run, state, trainers, resize } = await trained();
    await resize(2);
    assert.equal(run.step.value, 0);
    state.undo();
    await settle();
    const [trainer] = trainers;
    assert.equal(trainer.logOf('build').length, 2, 'none is built');
    await trainer.answer('restore', model({ step: 40 }));
    await trainer.answer('frame', frame(40, { moments: [{ step: 40 }] }));
    assert.equal(run.step.value, 40);
    assert.deepEqual(run.losses.value.train, [3, 2]);
    assert.deepEqual(
      run.moments.value.map(({ step }) => step),
      [0, 40],
    );
    assert.deepEqual(run.origin.value, { kind: 'built', step: 0 }, 'it is the run that it was');
    assert.deepEqual(run.departures.value, []);
    assert.deepEqual(
      run.runs.value.map(({ values }) => values.size),
      [],
      'it is kept no more, and the other one has learned nothing',
    );
  });

  it('says where it cannot bring back the model', async () => {
    const fake = await trained({ parameterCount: 9e6 });
    await fake.resize(2);
    assert.equal(fake.trainer.count('save'), 0);
    fake.state.undo();
    await fake.built();
    assert.match(fake.said().join(), /Their model, of step 40, could not be kept/);
  });

  it('leaves the model as it is where it comes before the next one is built', async () => {
    const { run, state, trainer } = await trained();
    state.set('size', 2);
    state.undo();
    await settle();
    assert.deepEqual(trainer.waiting, [], 'nothing is saved or built');
    assert.equal(trainer.count('build'), 1);
    assert.equal(run.step.value, 40);
  });

  it('is not what somebody does who chooses the settings again', async () => {
    const { run, state, trainer, resize } = await trained();
    await resize(2);
    await resize(1);
    assert.equal(trainer.count('restore'), 0);
    assert.equal(run.step.value, 0);
    assert.equal(state.get('size'), 1);
  });
});
