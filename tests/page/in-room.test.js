import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { createVisits, waitReason } from '../../demo/session/in-room.js';
import { fakeRun } from './fake-run.js';
import { frame, model, settle, Tab } from './fake-trainer.js';

/** A run in its room, whose first model is there. @param {{ restsWhenLeft?: boolean }} [options] */
async function inRoom({ restsWhenLeft } = {}) {
  const fake = fakeRun();
  const tab = new Tab();
  const returns = { count: 0 };
  const visits = createVisits({
    trained: fake.run,
    state: fake.state,
    restsWhenLeft,
    onReturn: () => returns.count++,
    page: /** @type {any} */ (tab),
  });
  visits.enter();
  await fake.built();
  return { fake, tab, returns, visits };
}

describe('settings', () => {
  it('build the first model when the room is first entered, and then only other ones', async () => {
    const { fake, visits } = await inRoom();
    assert.deepEqual(fake.trainer.log, ['build 1', 'frame']);
    visits.leave();
    visits.enter();
    await settle();
    assert.deepEqual(fake.trainer.log, ['build 1', 'frame']);
    fake.state.set('size', 2);
    await fake.built();
    assert.deepEqual(fake.trainer.logOf('build'), ['build 1', 'build 2']);
    fake.state.set('size', 2);
    await settle();
    assert.equal(fake.trainer.logOf('build').length, 2);
  });

  it('that make no other model ask for none while the first is being built', async () => {
    const fake = fakeRun();
    const page = /** @type {any} */ (new Tab());
    createVisits({ trained: fake.run, state: fake.state, page }).enter();
    await settle();
    fake.state.set('pace', '2');
    await fake.built();
    assert.deepEqual(fake.trainer.logOf('build'), ['build 1']);
    assert.equal(fake.run.status.value, 'ready');
  });

  it('that are changed while a model is being built are followed when it is there', async () => {
    const fake = fakeRun();
    const { enter } = createVisits({
      trained: fake.run,
      state: fake.state,
      page: /** @type {any} */ (new Tab()),
    });
    enter();
    await settle();
    fake.state.set('size', 2);
    fake.state.set('learningRate', 0.5);
    await fake.built();
    await fake.built();
    assert.deepEqual(fake.trainer.logOf('build'), ['build 1', 'build 2']);
    assert.equal(fake.run.isBuiltWith(fake.state.values.value), true);
    assert.equal(fake.trainer.asked.filter(({ type }) => type === 'build')[1].body.learningRate, 0.5);
  });

  it('that a running model takes are passed on, also to one that came meanwhile', async () => {
    const { fake } = await inRoom();
    fake.state.set('learningRate', 0.2);
    await settle();
    assert.deepEqual(fake.trainer.logOf('tune'), ['tune learningRate,0.2']);
    await fake.trainer.answer('tune', { step: 1 });
    fake.state.set('size', 2);
    await settle();
    fake.state.set('topK', 3);
    await settle();
    assert.equal(fake.trainer.count('tune'), 1, 'not to the model that another one replaces');
    await fake.built();
    assert.deepEqual(fake.trainer.logOf('tune'), ['tune learningRate,0.2', 'tune topK,3']);
  });

  it('that make no other model do not hold up training', async () => {
    const { fake } = await inRoom();
    fake.run.start();
    await settle();
    fake.state.set('topK', 3);
    fake.state.set('pace', '2');
    await settle();
    assert.deepEqual(fake.trainer.logOf('pause'), []);
    assert.equal(fake.run.status.value, 'running');
  });

  it('of an undo ask for the model of before, also when one of settings in between comes later', () => {
    const { state } = fakeRun();
    const built = signal({});
    /** @type {(boolean | undefined)[]} */
    const back = [];
    const trained = {
      ...fakeRun().run,
      built,
      isBuiltWith: () => false,
      build: async (/** @type {{ back?: boolean }} */ options = {}) => back.push(options.back),
      setPace: async () => {},
    };
    createVisits({ trained, state, page: /** @type {any} */ (new Tab()) }).enter();
    back.length = 0;
    state.set('size', 2);
    state.undo();
    built.value = {};
    state.set('size', 3);
    built.value = {};
    assert.deepEqual(back, [false, true, true, false, false]);
  });

  it('go back where they ask for a model that cannot be built, and ask for no other one then', async () => {
    const { fake } = await inRoom();
    fake.state.set('size', 50);
    await settle();
    await fake.trainer.refuse('build', new RangeError('too large'));
    assert.equal(fake.state.peek('size'), 1);
    assert.deepEqual(fake.trainer.logOf('build'), ['build 1', 'build 50']);
  });

  it('may ask for a model at a step, from the first or from one that is there, up to a limit', async () => {
    const fake = fakeRun();
    const visits = createVisits({
      trained: fake.run,
      state: fake.state,
      longestReplay: 100,
      page: /** @type {any} */ (new Tab()),
    });
    /** The model comes to be at a step. @param {number} step */
    async function comes(step) {
      await settle();
      const { trainer } = fake;
      await trainer.answer('build', model());
      await trainer.answer('tune');
      await trainer.answer('runTo');
      await trainer.answer('tune');
      await trainer.answer('frame', frame(step));
      assert.ok(trainer.log.includes(`runTo ${step}`));
      assert.equal(fake.run.step.value, step);
      assert.equal(fake.run.status.value, 'ready');
    }
    visits.enter({ at: 60 });
    await comes(60);
    assert.deepEqual(fake.said(), []);
    visits.enter({ at: 5000 });
    await settle();
    await fake.trainer.answer('frame', frame(60));
    await comes(100);
    assert.match(fake.said().join(), /opens at step 5000; the page trains to step 100 at most/);
    visits.enter({});
    await settle();
    assert.equal(fake.trainer.count('build'), 2);
  });

  it('of a model out of a file ask for no other one', async () => {
    const { fake } = await inRoom();
    fake.run.open(Uint8Array.of(1));
    await settle();
    await fake.trainer.answer('restore', { config: { size: 9 }, topK: 4, step: 3 });
    await fake.trainer.answer('frame', frame(3));
    assert.equal(fake.state.peek('size'), 9);
    assert.deepEqual(fake.trainer.logOf('build'), ['build 1']);
    assert.deepEqual(fake.trainer.logOf('tune'), []);
  });

  it('have a pace, also for a worker that comes later', async () => {
    const { fake } = await inRoom();
    fake.state.set('pace', '2');
    assert.deepEqual(fake.trainer.logOf('tune'), ['tune pace,2']);
    await fake.trainer.die();
    fake.run.reset();
    await settle();
    assert.equal(fake.trainers.length, 2);
    assert.deepEqual(fake.trainers[1].log, ['tune pace,2']);
  });
});

describe('a hidden tab', () => {
  it('holds training back, says so, and lets it go on when it is seen again', async () => {
    const { fake, tab, returns } = await inRoom();
    fake.run.start();
    await settle();
    await tab.hide(true);
    assert.match(waitReason.value, /is paused while this tab is hidden/);
    await fake.paused(5);
    await fake.trainer.answer('frame', frame(5));
    assert.equal(fake.run.status.value, 'ready');
    await tab.hide(true);
    assert.notEqual(waitReason.value, '', 'it is still hidden');
    await tab.hide(false);
    assert.equal(waitReason.value, '');
    assert.equal(fake.run.status.value, 'running');
    assert.equal(returns.count, 1);
    assert.equal(fake.trainer.logOf('runTo').length, 2);
  });

  it('begins nothing that did not go on before', async () => {
    const { fake, tab, returns } = await inRoom();
    await tab.hide(true);
    assert.equal(waitReason.value, '');
    await tab.hide(false);
    assert.deepEqual(fake.trainer.logOf('runTo'), []);
    assert.equal(returns.count, 0);
  });

  it('has training go on that had no time to pause', async () => {
    const { fake, tab } = await inRoom();
    fake.run.start();
    await settle();
    await tab.hide(true);
    await tab.hide(false);
    await fake.paused(5);
    await fake.trainer.answer('frame', frame(5));
    assert.equal(fake.run.status.value, 'running');
    assert.equal(fake.trainer.logOf('runTo').length, 2);
  });

  it('is of no interest to a room that was left', async () => {
    const { fake, tab, visits } = await inRoom();
    fake.run.start();
    await settle();
    await tab.hide(true);
    visits.leave();
    assert.equal(waitReason.value, '');
    await fake.paused(5);
    await fake.trainer.answer('frame', frame(5));
    await tab.hide(false);
    assert.equal(fake.trainer.logOf('runTo').length, 1);
    visits.enter();
    await tab.hide(true);
    await tab.hide(false);
    assert.equal(fake.trainer.logOf('runTo').length, 1, 'nor is it remembered');
  });

  it('holds back the room that waits, though another one is left', async () => {
    const { fake, tab, visits } = await inRoom();
    fake.run.start();
    await settle();
    await tab.hide(true);
    (await inRoom()).visits.leave();
    assert.notEqual(waitReason.value, '');
    visits.leave();
    assert.equal(waitReason.value, '');
  });

  it('pauses once, however often the room was entered', async () => {
    const { fake, tab, visits } = await inRoom();
    visits.enter();
    visits.leave();
    fake.run.start();
    await settle();
    await tab.hide(true);
    assert.deepEqual(fake.trainer.logOf('pause'), []);
  });
});

describe('a room that is left', () => {
  it('has its training go on, or rest', async () => {
    for (const restsWhenLeft of [false, true]) {
      const { fake, visits } = await inRoom({ restsWhenLeft });
      fake.run.start();
      await settle();
      visits.leave();
      assert.equal(fake.trainer.logOf('pause').length, Number(restsWhenLeft));
    }
  });
});
