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
  /** Work that ends when the test says so. @param {string} name @param {boolean} [halts] */
  function work(name, halts = true) {
    const { promise, end } = deferred();
    return {
      end,
      act: async () => {
        log.push(`begin ${name}`);
        if (halts) await control.halt();
        await promise;
        log.push(`end ${name}`);
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
    await control.build(async () => {});
    assert.deepEqual(log, ['train to 1000'], 'nor by a build that left it alone');
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

  it('is under way until it has paused, whatever is built meanwhile', async () => {
    const { control, trainings } = fake();
    control.start(far);
    await settle();
    control.pause();
    await control.build(async () => {});
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
    control.build(build.act);
    await end();
    assert.deepEqual(log, ['train to 11', 'rest', 'begin build', 'stop']);
    await build.end();
    assert.deepEqual(log.slice(4), ['end build', 'train to 1000']);
  });

  it('do not overlap, and of several only the last is done', async () => {
    const { control, log, work } = fake();
    const [first, second, third] = ['first', 'second', 'third'].map((name) => work(name));
    const builds = [control.build(first.act)];
    await settle();
    builds.push(control.build(second.act), control.build(third.act));
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

  it('know whether another one was asked for after them', async () => {
    const { control } = fake();
    /** @type {boolean[]} */
    const latest = [];
    const { promise, end } = deferred();
    const build = control.build(async (isLatest) => {
      latest.push(isLatest());
      await promise;
      latest.push(isLatest());
    });
    await settle();
    control.build(async (isLatest) => latest.push(isLatest()));
    await end();
    await build;
    await settle();
    assert.deepEqual(latest, [true, false, true]);
  });

  it('leave other work its turn, whatever is built after it', async () => {
    const { control, log, work } = fake();
    const [opening, build] = [work('opening'), work('build')];
    control.inTurn(opening.act);
    control.build(build.act);
    await build.end();
    assert.deepEqual(log, ['begin opening']);
    await opening.end();
    assert.deepEqual(log, ['begin opening', 'end opening', 'begin build', 'end build']);
  });

  it('begin no training that was not asked for', async () => {
    const { control, log, work } = fake();
    const { act, end } = work('build');
    const build = control.build(act);
    await end();
    await build;
    assert.deepEqual(log, ['begin build', 'end build']);
    assert.equal(control.running.value, false);
  });

  it('train at once where that is asked for, or do not go on', async () => {
    const { control, log, trainings, work } = fake();
    const first = work('first');
    control.build(first.act, far);
    await first.end();
    assert.deepEqual(log, ['begin first', 'end first', 'train to 1000']);
    const second = work('second');
    control.build(second.act, null);
    await settle();
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
    const { act, end } = work('build');
    control.build(act);
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
    control.build(first.act);
    await settle();
    let ended = false;
    control.start(oneMore).then(() => {
      ended = true;
    });
    control.build(second.act);
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
    const { act, end } = work('build');
    control.build(act);
    await settle();
    await trainings[0].end();
    await control.pause();
    await end();
    assert.deepEqual(log, ['train to 1000', 'begin build', 'stop', 'end build']);
    assert.equal(control.running.value, false);
  });

  it('has the training of the last go on where it does not come to be', async () => {
    const { control, log, trainings } = fake();
    control.start(far);
    await settle();
    control.build(async () => {
      await control.halt();
      log.push('failed');
    });
    await settle();
    await trainings[0].end();
    assert.deepEqual(log, ['train to 1000', 'stop', 'failed', 'train to 1000']);
    assert.equal(trainings[1].goesOn(), true);
  });
});
