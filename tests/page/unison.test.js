/** Models that a lesson trains together, with workers that the test answers. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { DivergedError } from 'hyperrouter-wasm';
import { createPlayer } from '../../demo/article/player.js';
import { createVisits, waitReason } from '../../demo/session/in-room.js';
import { createUnison } from '../../demo/session/unison.js';
import { createState } from '../../demo/state.js';
import { FakeTrainer, frame, model, settle, Tab } from './fake-trainer.js';

/** Milliseconds between two pictures. */
const pictureEvery = 100;
const stride = 20;

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => mock.timers.reset());

/** Two models in their room, whose size is the only setting. */
function fake() {
  /** @type {FakeTrainer[]} */
  const trainers = [];
  const state = createState([
    {
      key: 'size',
      type: 'integer',
      default: 1,
      min: 1,
      max: 100,
      effect: 'rebuild',
      label: 'Size',
      help: '',
      group: 'main',
      control: 'none',
    },
  ]);
  /** What is shown of each model. @type {string[]} */
  const shown = ['', ''];
  const unison = createUnison({
    openClient: async () => {
      trainers.push(new FakeTrainer());
      return /** @type {FakeTrainer} */ (trainers.at(-1)).client;
    },
    state,
    pictureEvery: () => pictureEvery,
    stride,
    count: 2,
    plansOf: (values) =>
      shown.map(() => ({
        task: 'plane',
        config: { size: Number(values.size) },
        learningRate: 0.1,
        data: values,
        body: {},
        loads: () => [],
      })),
    async read(session, index) {
      const [{ name }, show] = await Promise.all([
        /** @type {any} */ (session.request('inspect', { layer: 0 })),
        session.nextFrame(),
      ]);
      return () => {
        show();
        shown[index] = name;
      };
    },
  });
  const tab = new Tab();
  const visits = createVisits({
    trained: unison,
    state,
    restsWhenLeft: true,
    page: /** @type {any} */ (tab),
  });
  return {
    unison,
    state,
    trainers,
    shown,
    tab,
    visits,
    /** The workers that are not closed. */
    get open() {
      return trainers.filter(({ closed }) => !closed);
    },
    /** How often one of the workers that ever were was asked for this. @param {string} type */
    count: (type) => Math.max(...trainers.map((trainer) => trainer.count(type))),
    /** @param {string} type @param {() => any} [result] */
    async answer(type, result = () => ({})) {
      for (const trainer of this.open) await trainer.answer(type, result());
    },
    /** Lets the models be read. @param {number} step @param {string} [name] */
    async read(step, name = `at ${step}`) {
      await this.answer('inspect', () => ({ name }));
      await this.answer('frame', () => frame(step));
    },
    /** Lets the models that are being built come to be. */
    async built() {
      await settle();
      await this.answer('build', model);
      await this.answer('frame', () => frame(0));
      await this.read(0);
    },
    /** Lets both reach a step, and be shown. @param {number} step */
    async reach(step) {
      await this.answer('runTo');
      await this.read(step);
    },
    /** Lets the time to the next picture pass. */
    async rest() {
      mock.timers.tick(pictureEvery);
      await settle();
    },
    said: () => unison.notices.value.map(({ text }) => text),
  };
}

/** Two models that are there. */
async function ready() {
  const all = fake();
  all.visits.enter();
  await all.built();
  assert.equal(all.unison.status.value, 'ready');
  return all;
}

/** Two models that are trained to the first picture. */
async function running() {
  const all = await ready();
  all.unison.start();
  await settle();
  return all;
}

const dead = 'the worker stopped: out of memory';

describe('models in unison', () => {
  it('are shown together, never one ahead of the other', async () => {
    const all = await running();
    assert.deepEqual(all.shown, ['at 0', 'at 0']);
    await all.answer('runTo');
    await all.answer('inspect', () => ({ name: 'at 20' }));
    await all.trainers[0].answer('frame', frame(20));
    assert.deepEqual([all.unison.step.value, ...all.shown], [0, 'at 0', 'at 0']);
    await all.trainers[1].answer('frame', frame(20));
    assert.deepEqual([all.unison.step.value, ...all.shown], [20, 'at 20', 'at 20']);
  });

  it('are trained a stride for each picture, until they are paused, and then have the same step', async () => {
    const all = await running();
    await all.reach(20);
    assert.equal(all.count('runTo'), 1, 'the picture is to be seen');
    await all.rest();
    assert.deepEqual(
      all.trainers.map((trainer) => trainer.logOf('runTo')),
      [
        ['runTo 20', 'runTo 40'],
        ['runTo 20', 'runTo 40'],
      ],
    );
    all.unison.pause();
    await all.reach(40);
    assert.equal(all.unison.status.value, 'ready');
    assert.deepEqual([all.unison.step.value, ...all.shown], [40, 'at 40', 'at 40']);
    await all.rest();
    assert.equal(all.count('runTo'), 2);
  });

  it('are not trained any further where they are paused while the picture is seen', async () => {
    const all = await running();
    await all.reach(20);
    all.unison.pause();
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    assert.equal(all.unison.status.value, 'ready');
  });

  it('are not trained twice at a time', async () => {
    const all = await running();
    all.unison.start();
    await settle();
    assert.equal(all.count('runTo'), 1);
  });
});

describe('builds of models in unison', () => {
  it('do not overlap, and of several only the last is done', async () => {
    const all = fake();
    all.visits.enter();
    all.unison.reset();
    await settle();
    assert.equal(all.count('build'), 1);
    await all.built();
    for (const size of [2, 3, 4]) all.state.set('size', size);
    await settle();
    all.state.set('size', 5);
    await settle();
    assert.equal(all.unison.status.value, 'building');
    await all.built();
    assert.deepEqual(
      all.trainers.map((trainer) => trainer.logOf('build')),
      [
        ['build 1', 'build 4', 'build 5'],
        ['build 1', 'build 4', 'build 5'],
      ],
      'what comes while one is under way waits for it',
    );
    assert.equal(all.unison.status.value, 'building', 'the last is still to come');
    await all.built();
    assert.equal(all.unison.status.value, 'ready');
    assert.equal(all.count('build'), 3);
    assert.equal(all.unison.isBuiltWith({ size: 5 }), true);
  });

  it('are of no use where the settings are those of before again', async () => {
    const all = await ready();
    all.state.set('size', 2);
    all.state.set('size', 1);
    await settle();
    assert.equal(all.unison.status.value, 'ready');
    assert.equal(all.count('build'), 1);
    all.unison.reset();
    await all.built();
    assert.equal(all.count('build'), 2, 'but Reset always builds');
  });

  it('wait for the stride that is under way, and end training', async () => {
    const all = await running();
    all.state.set('size', 2);
    await settle();
    assert.equal(all.unison.status.value, 'building');
    assert.equal(all.count('build'), 1, 'the models before are still trained');
    await all.reach(20);
    await all.built();
    assert.equal(all.unison.status.value, 'ready');
    assert.deepEqual([all.unison.step.value, ...all.shown], [0, 'at 0', 'at 0']);
    await all.rest();
    assert.equal(all.count('runTo'), 1);
  });

  it('that all workers refuse leave models and settings as they were', async () => {
    const all = await ready();
    all.state.set('size', 50);
    await settle();
    for (const trainer of all.trainers) await trainer.refuse('build', new RangeError('too large'));
    assert.equal(all.state.peek('size'), 1);
    assert.equal(all.unison.status.value, 'ready');
    assert.deepEqual(all.said(), ['Too large.']);
    assert.equal(all.count('build'), 2);
    all.unison.start();
    await settle();
    await all.reach(20);
    assert.deepEqual([all.unison.step.value, ...all.shown], [20, 'at 20', 'at 20']);
  });

  it('that one worker refuses end all models, whose settings stay, until they are built anew', async () => {
    const all = await ready();
    all.state.set('size', 50);
    await settle();
    await all.trainers[0].answer('build', model());
    await all.trainers[0].answer('frame', frame(0));
    assert.equal(all.unison.status.value, 'building', 'the other one has not answered');
    await all.trainers[1].refuse('build', new RangeError('too large'));
    assert.equal(all.unison.status.value, 'failed');
    assert.equal(all.state.peek('size'), 1);
    assert.deepEqual(all.said(), ['Too large.']);
    assert.deepEqual(all.open, [], 'a worker may have another model than the one that is shown');
    all.unison.reset();
    await all.built();
    assert.equal(all.trainers.length, 4);
    assert.equal(all.unison.status.value, 'ready');
  });

  it('can fail from the start, and be tried again', async () => {
    const all = fake();
    all.visits.enter();
    await settle();
    for (const trainer of all.trainers) await trainer.refuse('build', new RangeError('too large'));
    assert.equal(all.unison.status.value, 'failed');
    all.unison.reset();
    assert.equal(all.unison.status.value, 'building');
    await all.built();
    assert.equal(all.unison.status.value, 'ready');
  });
});

describe('models in unison of which one fails', () => {
  it('stop, are not shown ahead of it, and are built anew', async () => {
    const all = await running();
    await all.trainers[1].die();
    assert.equal(all.unison.status.value, 'failed');
    await all.trainers[0].answer('runTo');
    assert.equal(all.count('inspect'), 1);
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    assert.deepEqual([all.unison.step.value, ...all.shown], [0, 'at 0', 'at 0']);
    assert.deepEqual(all.said(), [`T${dead.slice(1)}.`]);
    all.unison.start();
    await settle();
    assert.equal(all.count('runTo'), 1, 'there is no model to train');
    all.unison.reset();
    await all.built();
    assert.equal(all.trainers.length, 3, 'one worker was lost');
    assert.equal(all.unison.status.value, 'ready');
    await all.rest();
    assert.equal(all.count('runTo'), 1, 'they wait for Start');
  });

  it('stop where it diverges', async () => {
    const all = await running();
    await all.trainers[0].refuse('runTo', new DivergedError('the loss is not finite', 7));
    assert.equal(all.unison.status.value, 'failed');
    await all.trainers[1].answer('runTo');
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    assert.deepEqual(all.said(), ['The loss is not finite.']);
  });

  it('stop where it dies while they rest', async () => {
    const all = await ready();
    await all.trainers[0].die();
    assert.equal(all.unison.status.value, 'failed');
    assert.deepEqual(all.said(), [`T${dead.slice(1)}.`]);
  });

  it('stop where it cannot be read, in training or at the beginning', async () => {
    const all = await running();
    await all.answer('runTo');
    await all.trainers[1].refuse('inspect', new RangeError('there is no such layer'));
    assert.equal(all.unison.status.value, 'failed');
    assert.deepEqual(all.said(), ['There is no such layer.']);
    await all.rest();
    assert.equal(all.count('runTo'), 1);

    const next = fake();
    next.visits.enter();
    await settle();
    await next.answer('build', model);
    await next.answer('frame', () => frame(0));
    await next.trainers[0].refuse('inspect', new RangeError('there is no such layer'));
    assert.equal(next.unison.status.value, 'failed');
  });

  it('may lose it while it waits for the others', async () => {
    const all = await ready();
    all.unison.reset();
    await settle();
    await all.trainers[0].answer('build', model());
    await all.trainers[0].answer('frame', frame(0));
    await all.trainers[0].die();
    await all.trainers[1].answer('build', model());
    await all.trainers[1].answer('frame', frame(0));
    assert.equal(all.unison.status.value, 'failed');
    assert.equal(all.said()[0], `T${dead.slice(1)}.`);
  });

  it('may lose it while others are built', async () => {
    const all = await ready();
    all.state.set('size', 2);
    await settle();
    await all.trainers[0].answer('build', model());
    await all.trainers[0].answer('frame', frame(0));
    await all.trainers[1].die();
    assert.equal(all.unison.status.value, 'failed');
    assert.equal(all.state.peek('size'), 1);
    assert.deepEqual(all.said(), [`T${dead.slice(1)}.`]);
  });
});

describe('a tab that is hidden', () => {
  it('holds models in unison back, and lets them go on when it is seen again', async () => {
    const all = await running();
    await all.tab.hide(true);
    await all.reach(20);
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    assert.equal(all.unison.status.value, 'ready');
    await all.tab.hide(false);
    assert.equal(all.count('runTo'), 2);
    assert.equal(waitReason.value, '');
  });

  it('holds back those of a figure that plays by itself', async () => {
    const all = await ready();
    const page = /** @type {any} */ (all.tab);
    const player = createPlayer({ run: all.unison, limit: 1000, calm: false, page });
    player.inView.value = true;
    await settle();
    assert.equal(all.count('runTo'), 1);
    await all.tab.hide(true);
    await all.reach(20);
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    await all.tab.hide(false);
    assert.equal(all.count('runTo'), 2);
    // Another model plays too, however often the reader changes a setting while it is built.
    all.state.set('size', 2);
    await all.reach(40);
    all.state.set('size', 3);
    await all.built();
    await all.built();
    await settle();
    assert.equal(all.count('runTo'), 3);
    player.stop();
  });

  it('is of no interest to a room that was left, whose models rest', async () => {
    const all = await running();
    all.visits.leave();
    await all.reach(20);
    await all.rest();
    assert.equal(all.count('runTo'), 1);
    await all.tab.hide(true);
    await all.tab.hide(false);
    assert.equal(all.count('runTo'), 1);
  });
});
