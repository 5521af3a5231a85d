import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TrainingControl } from '../../demo/session/training-control.js';
import { settle } from './fake-trainer.js';

/** A promise that the test resolves. */
function deferred() {
  /** @type {() => void} */
  let resolve = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((done) => {
    resolve = done;
  });
  return {
    promise,
    async end() {
      resolve();
      await settle();
    },
  };
}

/** Training that ends when the test says so. */
function fake() {
  /** @type {string[]} */
  const log = [];
  /** @type {{ goesOn: () => boolean, end: () => Promise<void> }[]} */
  const trainings = [];
  const resting = { now: Promise.resolve() };
  const control = new TrainingControl({
    train: (goal, goesOn) => {
      log.push(`train to ${goal(10)}`);
      const { promise, end } = deferred();
      trainings.push({ goesOn, end });
      return promise;
    },
    stop: async () => log.push('stop'),
    rest: async () => {
      log.push('rest');
      await resting.now;
    },
    afterwards: async () => log.push('afterwards'),
  });
  /** A build that ends when the test says so. @param {string} name */
  function work(name) {
    const [preparing, replacing] = [deferred(), deferred()];
    return {
      prepared: preparing.end,
      /** Whatever it waits for. */
      async end() {
        await preparing.end();
        await replacing.end();
      },
      build: {
        prepare: async () => {
          log.push(`begin ${name}`);
          await preparing.promise;
          return name;
        },
        replace: async (/** @type {string} */ prepared) => {
          assert.equal(prepared, name);
          await replacing.promise;
          log.push(`end ${name}`);
        },
        fail: (/** @type {any} */ { message }) => log.push(message),
      },
    };
  }
  return { control, log, trainings, work, resting };
}

const far = () => 1000;
const oneMore = (/** @type {number} */ from) => from + 1;

describe('training', () => {
  it('goes to its goal, rests, and then does what comes afterwards', async () => {
    const { control, log, trainings } = fake();
    const start = control.start(oneMore);
    await settle();
    assert.equal(control.running.value, true);
    assert.equal(trainings[0].goesOn(), true);
    await trainings[0].end();
    await start;
    assert.deepEqual(log, ['train to 11', 'rest', 'afterwards']);
    assert.equal(control.running.value, false);
    await control.pause();
    assert.equal(log.length, 3, 'nothing is left to pause');
  });

  it('is not begun twice', async () => {
    const { control, log, trainings } = fake();
    control.start(far);
    control.start(far);
    await settle();
    assert.deepEqual(log, ['train to 1000']);
    await control.inTurn(async () => {});
    assert.deepEqual(log, ['train to 1000'], 'nor by work that left it alone');
    assert.equal(control.running.value, true);
    assert.equal(trainings.length, 1);
  });

  it('pauses: it stops, rests, and no longer goes on', async () => {
    const { control, log, trainings } = fake();
    control.start(far);
    await settle();
    let paused = false;
    control.pause().then(() => {
      paused = true;
    });
    await settle();
    assert.deepEqual(log, ['train to 1000', 'stop']);
    assert.equal(trainings[0].goesOn(), false);
    assert.equal(paused, false, 'it is still at it');
    await trainings[0].end();
    assert.equal(paused, true);
    assert.deepEqual(log.slice(2), ['rest', 'afterwards']);
    assert.equal(control.running.value, false);
  });

  it('that is paused twice stays paused, whenever its worker answers', async () => {
    const { control, log, trainings } = fake();
    control.start(far);
    await settle();
    control.pause();
    control.pause();
    await trainings[0].end();
    assert.equal(control.running.value, false);
    assert.equal(trainings.length, 1);
    control.start(far);
    control.pause();
    control.pause();
    await settle();
    await trainings[1]?.end();
    assert.equal(control.running.value, false, 'also where it had hardly begun');
    assert.equal(log.filter((text) => text.startsWith('train')).length, trainings.length);
  });

  it('is under way until it has paused, whatever is done meanwhile', async () => {
    const { control, trainings } = fake();
    control.start(far);
    await settle();
    control.pause();
    await control.inTurn(async () => {});
    assert.equal(control.running.value, true);
    await trainings[0].end();
    assert.equal(control.running.value, false);
  });

  it('goes on where it was started again before it had paused', async () => {
    const { control, log, trainings } = fake();
    control.start(far);
    await settle();
    control.pause();
    control.start(far);
    await settle();
    assert.equal(trainings[0].goesOn(), false);
    await trainings[0].end();
    assert.deepEqual(log, ['train to 1000', 'stop', 'rest', 'train to 1000']);
    assert.equal(control.running.value, true);
    assert.equal(trainings[1].goesOn(), true);
  });

  it('goes on where it was started again while it came to rest', async () => {
    const { control, log, trainings, resting } = fake();
    const { promise, end } = deferred();
    resting.now = promise;
    control.start(oneMore);
    await settle();
    await trainings[0].end();
    control.start(far);
    await end();
    assert.deepEqual(log, ['train to 11', 'rest', 'train to 1000']);
  });
});

describe('builds', () => {
  it('come before what was started while training came to rest', async () => {
    const { control, log, trainings, work, resting } = fake();
    const { promise, end } = deferred();
    resting.now = promise;
    control.start(oneMore);
    await settle();
    await trainings[0].end();
    control.start(far);
    const build = work('build');
    control.build(build.build);
    await build.prepared();
    await end();
    assert.deepEqual(log, ['train to 11', 'rest', 'begin build', 'stop']);
    await build.end();
    assert.deepEqual(log.slice(4), ['end build', 'train to 1000']);
  });

  it('do not overlap, and of several only the last is done', async () => {
    const { control, log, work } = fake();
    const [first, second, third] = ['first', 'second', 'third'].map((name) => work(name));
    const builds = [control.build(first.build)];
    await first.prepared();
    builds.push(control.build(second.build), control.build(third.build));
    await settle();
    assert.deepEqual(log, ['begin first']);
    assert.equal(control.building, true);
    await third.end();
    assert.deepEqual(log, ['begin first']);
    await first.end();
    await Promise.all(builds);
    assert.deepEqual(log, ['begin first', 'end first', 'begin third', 'end third']);
    assert.equal(control.building, false);
  });

  it('of what is no longer wanted end when they are prepared', async () => {
    const { control, log, work } = fake();
    const [first, second] = [work('first'), work('second')];
    control.build(first.build);
    await settle();
    control.build(second.build);
    await first.end();
    await second.end();
    assert.deepEqual(log, ['begin first', 'begin second', 'end second']);
  });

  it('say why they failed, unless something else is wanted by then', async () => {
    const { control, log, work } = fake();
    const failing = (/** @type {string} */ name) => ({
      ...work(name).build,
      prepare: async () => {
        await settle();
        throw new RangeError(`${name} is wrong`);
      },
    });
    await control.build(failing('first'));
    assert.deepEqual(log, ['first is wrong']);
    control.build(failing('second'));
    await Promise.resolve();
    const { build, end } = work('third');
    const last = control.build(build);
    await end();
    await last;
    assert.deepEqual(log.slice(1), ['begin third', 'end third']);
  });

  it('leave other work its turn, whatever is built after it', async () => {
    const { control, log, work } = fake();
    const [opening, build] = [work('opening'), work('build')];
    control.inTurn(async () => opening.build.replace(await opening.build.prepare()));
    control.build(build.build);
    await build.end();
    assert.deepEqual(log, ['begin opening']);
    await opening.end();
    assert.deepEqual(log, ['begin opening', 'end opening', 'begin build', 'end build']);
  });

  it('begin no training that was not asked for', async () => {
    const { control, log, work } = fake();
    const { build, end } = work('build');
    const done = control.build(build);
    await end();
    await done;
    assert.deepEqual(log, ['begin build', 'end build']);
    assert.equal(control.running.value, false);
  });

  it('train at once where that is asked for, or do not go on', async () => {
    const { control, log, trainings, work } = fake();
    const first = work('first');
    control.build(first.build, far);
    await first.end();
    assert.deepEqual(log, ['begin first', 'end first', 'train to 1000']);
    const second = work('second');
    control.build(second.build, null);
    await second.prepared();
    await trainings[0].end();
    await second.end();
    assert.deepEqual(log.slice(3), ['begin second', 'stop', 'end second']);
    assert.equal(control.running.value, false);
  });
});

describe('a model that takes over from another', () => {
  it('waits until the training of that has ended, and goes on with it', async () => {
    const { control, log, trainings, work } = fake();
    /** @type {boolean[]} */
    const running = [];
    control.running.subscribe((now) => running.push(now));
    control.start(far);
    await settle();
    const { build, end } = work('build');
    control.build(build);
    await end();
    assert.deepEqual(log, ['train to 1000', 'begin build', 'stop'], 'the last one is still at it');
    assert.equal(trainings[0].goesOn(), false);
    await trainings[0].end();
    // Neither does the last one come to rest, nor does anything come after it.
    assert.deepEqual(log.slice(3), ['end build', 'train to 1000']);
    assert.deepEqual(running, [false, true], 'for those who watch, training goes on');
    await trainings[1].end();
    assert.deepEqual(log.slice(5), ['rest', 'afterwards']);
    assert.deepEqual(running, [false, true, false]);
  });

  it('is trained where training is asked for while it is being built', async () => {
    const { control, log, trainings, work } = fake();
    const [first, second] = [work('first'), work('second')];
    control.build(first.build);
    await first.prepared();
    let ended = false;
    control.start(oneMore).then(() => {
      ended = true;
    });
    control.build(second.build);
    await first.end();
    assert.deepEqual(
      log,
      ['begin first', 'end first', 'begin second'],
      'it is not the last that is asked for',
    );
    await second.end();
    assert.deepEqual(log.slice(3), ['end second', 'train to 11']);
    assert.equal(ended, false);
    await trainings[0].end();
    assert.equal(ended, true, 'whoever started hears when that has ended');
    assert.equal(trainings.length, 1);
  });

  it('is not trained where training is paused while it is being built', async () => {
    const { control, log, trainings, work } = fake();
    control.start(far);
    await settle();
    const { build, prepared, end } = work('build');
    control.build(build);
    await prepared();
    await trainings[0].end();
    await control.pause();
    await end();
    assert.deepEqual(log, ['train to 1000', 'begin build', 'stop', 'end build']);
    assert.equal(control.running.value, false);
  });

  it('has the training of the last go on where it does not come to be', async () => {
    const { control, log, trainings, work } = fake();
    control.start(far);
    await settle();
    const { build, prepared } = work('build');
    control.build({
      ...build,
      replace: async () => {
        throw new RangeError('failed');
      },
    });
    await prepared();
    await trainings[0].end();
    assert.deepEqual(log, ['train to 1000', 'begin build', 'stop', 'failed', 'train to 1000']);
    assert.equal(trainings[1].goesOn(), true);
  });
});
