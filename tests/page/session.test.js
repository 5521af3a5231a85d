import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DivergedError } from 'hyperrouter-wasm';
import { Session } from '../../demo/session/session.js';
import { FakeTrainer, frame, model, settle } from './fake-trainer.js';

const data = { name: 'data' };
/** @param {object} [different] */
const plan = (different = {}) => ({
  task: /** @type {const} */ ('plane'),
  config: { size: 1 },
  learningRate: 0.1,
  data,
  body: { points: 3 },
  loads: () => [[0.5, 0.5]],
  ...different,
});

const diverged = new DivergedError('the loss is not finite', 7);

/** A session, its workers one after the other, and what it said of those that stopped. */
function fake({ automatic = false } = {}) {
  /** @type {FakeTrainer[]} */
  const trainers = [];
  /** @type {string[]} */
  const stops = [];
  const session = new Session({
    openClient: async () => {
      trainers.push(new FakeTrainer({ automatic }));
      return /** @type {FakeTrainer} */ (trainers.at(-1)).client;
    },
    onStop: (error) => stops.push(error.message),
  });
  return { session, trainers, stops };
}

/** With a model that is there, and a worker that waits for answers. */
async function ready({ first = frame(0), built = model() } = {}) {
  const { session, trainers, stops } = fake();
  const loading = session.load(plan());
  await settle();
  const [trainer] = trainers;
  await trainer.answer('build', built);
  await trainer.answer('frame', first);
  const loaded = await loading;
  loaded.show();
  return { session, trainer, trainers, stops };
}

/** @param {Session} session @param {FakeTrainer} trainer @param {object} [different] */
async function reload(session, trainer, different) {
  const loading = session.load(plan(different));
  await settle();
  await trainer.answer('build', model());
  await trainer.answer('frame', frame(0));
  return loading;
}

describe('a session', () => {
  it('trains a new model to a step before it is shown, at full speed and then at its pace again', async () => {
    const { session, trainers } = fake();
    session.setPace(20);
    const loading = session.load(plan(), { step: 60 });
    await settle();
    const [trainer] = trainers;
    await trainer.answer('tune');
    await trainer.answer('build', model());
    await trainer.answer('tune');
    await trainer.answer('runTo', { step: 60, reason: 'reached' });
    await trainer.answer('tune');
    await trainer.answer('frame', frame(60, { losses: new Float32Array(60) }));
    (await loading).show();
    assert.equal(session.step.value, 60);
    assert.equal(session.losses.value.steps.length, 60);
    assert.deepEqual(
      trainer.asked.filter(({ type }) => type === 'tune').map(({ body }) => body.pace),
      [20, 0, 20],
    );
    session.dispose();
  });

  it('shows a new model and its first frame at once, and not before it is told to', async () => {
    const { session, trainers } = fake();
    const loading = session.load(plan());
    await settle();
    const [trainer] = trainers;
    assert.equal(session.status.value, 'building');
    await trainer.answer('build', model({ step: 3 }));
    await trainer.answer('frame', frame(3));
    const { built, show } = await loading;
    assert.equal(session.summary.value, null);
    show();
    assert.equal(session.summary.value, built);
    assert.equal(session.step.value, 3);
    assert.equal(session.picture.value?.step, 3);
    assert.equal(session.status.value, 'ready');
    assert.equal(session.engine?.info.variant, 'fake');
  });

  it('leaves nothing of the last model', async () => {
    const moments = [{ step: 0 }];
    const { session, trainer } = await ready({
      first: frame(1, { moments, losses: Float32Array.of(2), heldOut: [{ step: 0, loss: 1 }] }),
    });
    session.moment.value = 0;
    session.measure();
    trainer.part('measure', { topK: 1, loss: 1 });
    await trainer.answer('measure');
    assert.equal(session.lossByK.value?.points.length, 1);
    const { show } = await reload(session, trainer);
    show();
    assert.deepEqual([session.step.value, session.moments.value.length, session.moment.value], [0, 0, null]);
    assert.deepEqual([session.losses.value.steps.length, session.losses.value.heldOut.length], [0, 0]);
    assert.equal(session.loads.value.entries.length, 1, 'the load of its own first frame');
    assert.equal(session.lossByK.value, null);
    const empty = await reload(session, trainer);
    session.picture.value = { shape: {}, buffer: new ArrayBuffer(8), step: 9 };
    empty.show();
    assert.equal(session.picture.value?.step, 0);
  });

  it('shows no picture of the last model where the new one sent none', async () => {
    const { session, trainer } = await ready();
    const loading = session.load(plan());
    await settle();
    await trainer.answer('build', model());
    await trainer.answer('frame', frame(0, { shape: null, buffer: null }));
    (await loading).show();
    assert.equal(session.picture.value, null);
  });

  it('sends data once, and again to another worker', async () => {
    const { session, trainer, trainers } = await ready();
    assert.deepEqual(trainer.asked[0].body.data, { points: 3 });
    await reload(session, trainer);
    assert.equal(trainer.asked.filter(({ type }) => type === 'build')[1].body.data, null);
    await reload(session, trainer, { data: { name: 'others' } });
    assert.deepEqual(trainer.asked.filter(({ type }) => type === 'build')[2].body.data, { points: 3 });
    assert.equal(trainers.length, 1);
    await reload(session, trainer);
    await trainer.die();
    session.load(plan()).catch(() => {});
    await settle();
    assert.equal(trainers.length, 2);
    assert.deepEqual(trainers[1].asked[0].body.data, { points: 3 });
  });

  it('has failed where its first model cannot be built; a later one leaves the last as it is', async () => {
    const { session, trainers } = fake();
    const first = session.load(plan());
    await settle();
    const [trainer] = trainers;
    const refused = assert.rejects(first, /too large/);
    await trainer.refuse('build', new RangeError('too large'));
    await refused;
    assert.equal(session.status.value, 'failed');
    session.frame({ whole: true });
    session.tune({ topK: 3 });
    assert.deepEqual(trainer.waiting, [], 'there is nothing to ask about');
    (await reload(session, trainer)).show();
    assert.equal(session.status.value, 'ready');
    const model = session.summary.value;
    const second = assert.rejects(session.load(plan()), /too large/);
    await settle();
    await trainer.refuse('build', new RangeError('too large'));
    await second;
    assert.equal(session.status.value, 'ready');
    assert.equal(session.summary.value, model);
    session.frame();
    assert.deepEqual(trainer.waiting, ['frame'], 'frames are asked for again');
  });

  it('opens a model out of a file, with what the file lacks', async () => {
    const { session, trainer } = await ready();
    const loading = session.open(Uint8Array.of(1), plan(), { vocabulary: 'v' });
    await settle();
    const { body } = /** @type {any} */ (trainer.asked.at(-1));
    assert.deepEqual([body.bytes, body.missing, body.data], [Uint8Array.of(1), { vocabulary: 'v' }, null]);
    await trainer.answer('restore', model({ step: 40, topK: 3 }));
    await trainer.answer('frame', frame(40));
    (await loading).show();
    assert.equal(session.step.value, 40);
  });

  it('that is disposed ends its worker, says nothing, and opens none afterwards', async () => {
    const { session, trainer, trainers, stops } = await ready();
    const run = session.advance(5);
    session.dispose();
    await run;
    assert.equal(trainer.closed, 1);
    assert.deepEqual(stops, []);
    await assert.rejects(session.load(plan()), { name: 'DisposedError' });
    assert.equal(trainers.at(-1)?.closed, 1, 'one that was being opened is closed');
    assert.equal(trainers.at(-1)?.asked.length, 0);
  });
});

describe('the frames of a session', () => {
  it('are not asked for twice, but for one that is to be whole', async () => {
    const { session, trainer } = await ready();
    session.frame();
    session.frame();
    assert.deepEqual(trainer.waiting, ['frame']);
    session.frame({ whole: true });
    assert.deepEqual(trainer.waiting, ['frame', 'frame']);
    await trainer.answer('frame', frame(1));
    session.frame();
    assert.deepEqual(trainer.waiting, ['frame'], 'one is still under way');
    await trainer.answer('frame', frame(2));
    session.frame();
    assert.deepEqual(trainer.waiting, ['frame']);
  });

  it('of an earlier model that come late are not shown', async () => {
    const { session, trainer } = await ready();
    const late = session.nextFrame();
    const loading = session.load(plan());
    await settle();
    await trainer.answer('build', model());
    await trainer.answer('frame', frame(900, { losses: new Float32Array(5) }));
    await trainer.answer('frame', frame(0));
    (await loading).show();
    (await late)();
    assert.equal(session.step.value, 0);
    assert.equal(session.losses.value.steps.length, 0);
    assert.equal(session.picture.value?.step, 0);
  });

  it('are not asked for while another model is on its way: they could be of either', async () => {
    const { session, trainer } = await ready();
    const loading = session.load(plan());
    await settle();
    session.frame();
    await trainer.answer('build', model());
    session.frame({ whole: true });
    assert.deepEqual(trainer.waiting, ['frame'], 'that of the new model');
    await trainer.answer('frame', frame(0));
    const { show } = await loading;
    session.frame();
    assert.deepEqual(trainer.waiting, [], 'it is not shown yet');
    show();
    session.frame();
    assert.deepEqual(trainer.waiting, ['frame']);
  });

  it('give the buffer of the picture before back, once', async () => {
    const { session, trainer } = await ready();
    const [first, second] = [frame(1), frame(2)];
    const buffers = () => trainer.asked.map(({ body }) => body.recycle);
    session.frame();
    assert.equal(buffers().at(-1), null, 'the one that is shown is not written to');
    await trainer.answer('frame', first);
    session.frame();
    const zero = /** @type {any} */ (trainer.asked.at(-1));
    assert.ok(zero.body.recycle instanceof ArrayBuffer);
    assert.deepEqual(zero.options.transfer, [zero.body.recycle]);
    session.frame({ whole: true });
    assert.equal(buffers().at(-1), null, 'it is on its way already');
    await trainer.answer('frame', second);
    await trainer.answer('frame', frame(3));
    session.frame();
    assert.equal(buffers().at(-1), second.buffer);
  });

  it('keep the last picture where nothing changed', async () => {
    const { session, trainer } = await ready();
    session.frame();
    await trainer.answer('frame', frame(1, { shape: null, buffer: null }));
    assert.equal(session.step.value, 1);
    assert.equal(session.picture.value?.step, 0);
    assert.equal(session.loads.value.entries.length, 1);
  });

  it('that cannot be had are the end of the worker', async () => {
    const { session, trainer, stops } = await ready();
    session.frame();
    await trainer.refuse('frame', new RangeError('unreachable'));
    assert.equal(session.status.value, 'failed');
    assert.deepEqual(stops, ['unreachable']);
  });
});

describe('a session that cannot go on', () => {
  it('has diverged: it is shown once more, and can be gone back from', async () => {
    const { session, trainer, stops } = await ready();
    const run = session.advance(50);
    await trainer.refuse('runTo', diverged);
    assert.equal(session.status.value, 'diverged');
    assert.deepEqual(stops, [diverged.message]);
    await trainer.answer('frame', frame(7));
    await run;
    assert.equal(session.step.value, 7);
    assert.equal(trainer.closed, 0);

    const rewinding = session.rewind(0.01);
    await settle();
    assert.deepEqual(trainer.asked.at(-1)?.body, { learningRate: 0.01 });
    await trainer.answer('tune', { step: 7 });
    await trainer.answer('rewind', model());
    await trainer.answer('frame', frame(0));
    (await rewinding).show();
    assert.equal(session.status.value, 'ready');
    assert.equal(await session.tune({ learningRate: 0.01 }), null, 'it has that already');
    await assert.rejects(fake().session.rewind(0.1), /no model to restore/);
  });

  it('may try again without going back', async () => {
    const { session, trainer } = await ready();
    session.advance(50);
    await trainer.refuse('runTo', diverged);
    await trainer.answer('frame', frame(7));
    session.advance(8);
    assert.equal(session.status.value, 'ready');
  });

  it('says once that its worker died, is asked for nothing more, and gets another for the next model', async () => {
    const { session, trainer, trainers, stops } = await ready();
    const run = session.advance(50);
    session.frame();
    await trainer.die();
    await run;
    assert.equal(session.status.value, 'failed');
    assert.deepEqual(stops, ['the worker stopped: out of memory']);
    assert.equal(trainer.closed, 1);
    const asked = trainer.asked.length;
    await session.advance(60);
    await session.frame({ whole: true });
    await session.tune({ learningRate: 0.5 });
    await session.setPace(3);
    await session.pause();
    await assert.rejects(
      async () => session.request('save', { optimizer: true }),
      /press Reset to start a new one/,
    );
    assert.equal(trainer.asked.length, asked);
    assert.equal(session.status.value, 'failed');

    const loading = session.load(plan());
    await settle();
    assert.deepEqual(trainers[1].log, ['tune pace,3'], 'which has the pace first');
    await trainers[1].answer('tune');
    await trainers[1].answer('build', model());
    await trainers[1].answer('frame', frame(0));
    (await loading).show();
    assert.equal(session.status.value, 'ready');
    await trainer.die('once more');
    assert.equal(session.status.value, 'ready', 'a worker that is gone does not count');
    assert.equal(stops.length, 1);
    session.frame();
    assert.equal(trainers[1].waiting.length, 1);
  });

  it('says so too where the worker died while nothing was asked of it', async () => {
    const { session, trainer, stops } = await ready();
    await trainer.die();
    assert.equal(session.status.value, 'failed');
    assert.equal(stops.length, 1);
  });

  it('says so where the worker died while a model was being built', async () => {
    const { session, trainer, stops } = await ready();
    const loading = assert.rejects(session.load(plan()), /out of memory/);
    await settle();
    await trainer.die();
    await loading;
    assert.equal(session.status.value, 'failed');
    assert.equal(stops.length, 1);
  });

  it('because its worker died before its new model was shown stays so', async () => {
    const { session, trainer, stops } = await ready();
    const { show } = await reload(session, trainer);
    await trainer.die();
    show();
    assert.equal(session.status.value, 'failed');
    assert.equal(stops.length, 1);
  });

  it('is not taken for the model that came after it', async () => {
    const { session, trainer, stops } = await ready();
    session.advance(50);
    const { show } = await reload(session, trainer);
    show();
    await trainer.refuse('runTo', diverged);
    assert.equal(session.status.value, 'ready');
    assert.deepEqual(stops, []);
  });

  it('was given up on by somebody else', async () => {
    const { session, trainer, stops } = await ready();
    session.fail('no reason');
    assert.equal(session.status.value, 'failed');
    assert.equal(trainer.closed, 1);
    assert.deepEqual(stops, ['no reason']);
  });

  it('pauses and cancels without a word where the worker dies meanwhile', async () => {
    const { session, trainer } = await ready();
    const [pause, cancel] = [session.pause(), session.cancel(9)];
    await trainer.die();
    await Promise.all([pause, cancel]);
  });

  it('is asked for nothing before there is a model', async () => {
    const { session, trainers } = fake();
    await session.advance(5);
    await session.frame();
    assert.equal(await session.tune({ topK: 3 }), null);
    await session.stopMeasuring();
    const loading = session.load(plan());
    await settle();
    await session.advance(5);
    assert.deepEqual(trainers[0].log, ['build 1']);
    loading.catch(() => {});
  });
});

describe('what is changed while a session trains', () => {
  it('is asked for only where it is another', async () => {
    const { session, trainer } = await ready();
    assert.equal(await session.tune({ topK: 2, learningRate: 0.1 }), null);
    const told = session.tune({ topK: 3, learningRate: 0.1 });
    assert.equal(await session.tune({ topK: 3 }), null, 'it is on its way');
    await trainer.answer('tune', { step: 12 });
    assert.deepEqual(await told, { step: 12, change: { topK: 3 } });
  });

  it('does not count for a model that came meanwhile, and is asked for again', async () => {
    const { session, trainer } = await ready();
    const told = session.tune({ topK: 3 });
    (await reload(session, trainer)).show();
    await trainer.answer('tune', { step: 12 });
    assert.equal(await told, null);
    session.tune({ topK: 3 });
    assert.equal(trainer.log.at(-1), 'tune topK,3');
  });

  it('has a pace, which is the worker’s', async () => {
    const { session, trainer } = await ready();
    session.setPace(2);
    assert.equal(trainer.log.at(-1), 'tune pace,2');
  });
});

describe('every k', () => {
  it('is tried until it is stopped', async () => {
    const { session, trainer } = await ready();
    const scan = session.measure();
    assert.equal(session.measuring.value, true);
    trainer.part('measure', { topK: 1, loss: 2 });
    trainer.part('measure', { topK: 2, loss: 1 });
    assert.deepEqual(session.lossByK.value, {
      step: 0,
      points: [
        { topK: 1, loss: 2 },
        { topK: 2, loss: 1 },
      ],
    });
    session.stopMeasuring();
    assert.equal(trainer.asked.at(-1)?.type, 'cancel');
    await trainer.answer('cancel');
    await trainer.answer('measure');
    await scan;
    assert.equal(session.measuring.value, false);
    await session.stopMeasuring();
    assert.equal(trainer.count('cancel'), 1, 'there is nothing left to stop');
  });

  it('is tried no further than is wanted', async () => {
    const { session, trainer } = await ready();
    session.measure(1);
    trainer.part('measure', { topK: 1, loss: 2 });
    trainer.part('measure', { topK: 2, loss: 2 });
    assert.equal(session.lossByK.value?.points.length, 1);
    assert.equal(trainer.count('cancel'), 1);
  });

  it('is stopped for another model, which has nothing of it', async () => {
    const { session, trainer } = await ready();
    const scan = session.measure();
    const loading = session.load(plan());
    await settle();
    assert.equal(trainer.asked.at(-1)?.type, 'cancel');
    await trainer.answer('cancel');
    await trainer.answer('build', model());
    await trainer.answer('frame', frame(0));
    (await loading).show();
    trainer.part('measure', { topK: 1, loss: 2 });
    assert.equal(session.lossByK.value, null);
    await trainer.answer('measure');
    await scan;
  });

  it('is given up where that fails', async () => {
    const { session, trainer } = await ready();
    const scan = assert.rejects(session.measure(), /nothing is held out/);
    await trainer.refuse('measure', new RangeError('nothing is held out'));
    await scan;
    assert.equal(session.measuring.value, false);
    assert.equal(session.status.value, 'ready');
  });
});
