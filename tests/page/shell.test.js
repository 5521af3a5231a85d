import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effect } from '@preact/signals';
import { addressAt, createShell } from '../../demo/shell.js';
import { createState } from '../../demo/state.js';

/** @param {string} key @param {number} [usual] @returns {import('../../demo/schema.js').Setting} */
const number = (key, usual = 1) => ({
  key,
  type: 'integer',
  default: usual,
  min: 0,
  max: 100,
  label: key,
  help: '',
  group: '',
  effect: 'view',
  control: 'number',
});

/** Two rooms, and what was asked of them. @param {{ fail?: (id: string) => boolean }} [options] */
function twoRooms({ fail = () => false } = {}) {
  /** @type {string[]} */
  const log = [];
  /** @type {({ at?: number } | undefined)[]} what rooms were told when they were entered */
  const entered = [];
  /** @param {string} id @param {import('../../demo/state.js').State[]} states */
  const room = (id, ...states) => ({
    id,
    title: id,
    summary: '',
    open: async () => {
      log.push(`open ${id}`);
      if (fail(id)) throw new Error(`no ${id}`);
      return /** @type {any} */ ({
        states,
        run: null,
        enter: (/** @type {{ at?: number } | undefined} */ link) => {
          log.push(`enter ${id}`);
          entered.push(link);
        },
        leave: () => log.push(`leave ${id}`),
        report: (/** @type {string[]} */ problems) => log.push(...problems),
      });
    },
  });
  const first = createState([number('a'), number('b')]);
  const second = [createState([number('c')]), createState([number('d')])];
  return { log, entered, first, second, shell: createShell([room('one', first), room('two', ...second)]) };
}

describe('the shell', () => {
  it('shows the first room where the address names none, and opens each once', async () => {
    const { shell, log } = twoRooms();
    assert.equal(shell.address.value, undefined, 'the address stays as it is until a room is there');
    await shell.readAddress('');
    assert.equal(shell.id.value, 'one');
    assert.equal(shell.address.value, '');
    await shell.go('two');
    await shell.go('one');
    assert.deepEqual(log, [
      'open one',
      'enter one',
      'open two',
      'leave one',
      'enter two',
      'leave two',
      'enter one',
    ]);
    assert.throws(() => shell.go('three'), { name: 'RangeError', message: /unknown room “three”/ });
  });

  it('has the room and what differs from its defaults in the address, and reads it back', async () => {
    const { shell, first, second } = twoRooms();
    await shell.readAddress('#room=two&d=5&c=7&a=9');
    assert.equal(shell.id.value, 'two');
    assert.equal(second[0].get('c'), 7);
    assert.equal(second[1].get('d'), 5);
    assert.equal(shell.address.value, 'room=two&c=7&d=5');
    assert.equal(first.get('a'), 1, 'another room’s settings are not touched');
    second[1].set('d', 1);
    assert.equal(shell.address.value, 'room=two&c=7');
    await shell.readAddress('b=3');
    assert.equal(shell.address.value, 'b=3');
    await shell.go('two');
    assert.equal(shell.address.value, 'room=two&c=7', 'a room is as it was left');
    await shell.readAddress('room=two');
    assert.equal(shell.address.value, 'room=two', 'what the address does not name has its default');
  });

  it('tells the room the step that a link opens at, which is no setting', async () => {
    const { shell, entered } = twoRooms();
    await shell.readAddress('#a=5&at=250');
    await shell.readAddress('#a=5&at=-3');
    await shell.go('two');
    assert.deepEqual(entered, [{ at: 250 }, { at: undefined }, undefined]);
    await shell.readAddress(addressAt('#a=5', 7));
    assert.deepEqual(entered.at(-1), { at: 7 });
    assert.equal(shell.address.value, 'a=5');
    assert.equal(addressAt('https://x.org/', 7), 'https://x.org/#at=7');
  });

  it('tells the room what was wrong with the address', async () => {
    const { shell, log } = twoRooms();
    await shell.readAddress('a=1000&b=x');
    assert.ok(
      log.some((text) => /^In the link, a is 1000; it must be .* so it was set to 100\.$/.test(text)),
      log.join(),
    );
    assert.ok(log.some((text) => /^In the link, b is “x”/.test(text)));
  });

  it('says why a room could not be loaded, and tries again the next time', async () => {
    let broken = true;
    const { shell, log } = twoRooms({ fail: () => broken });
    await shell.readAddress('');
    assert.equal(shell.failure.value, 'no one');
    assert.equal(shell.room.value, null);
    broken = false;
    await shell.go('one');
    assert.equal(shell.failure.value, '');
    assert.ok(shell.room.value);
    assert.deepEqual(log, ['open one', 'open one', 'enter one']);
  });

  it('has no room while the next one loads: what is pressed then must not act on the last', async () => {
    const { shell, log } = twoRooms();
    await shell.readAddress('a=5');
    /** @type {(string | undefined)[]} */
    const addresses = [];
    const stop = effect(() => void addresses.push(shell.address.value));
    const going = shell.go('two');
    stop();
    assert.deepEqual(addresses, ['a=5', undefined], 'never the next room with the settings of the last');
    assert.equal(shell.room.value, null);
    assert.equal(shell.address.value, undefined, 'nor has the address its settings');
    await going;
    assert.equal(shell.address.value, 'room=two');
    const back = shell.go('one');
    await shell.go('two');
    await back;
    assert.deepEqual(log.slice(-2), ['leave two', 'enter two'], 'one that was loading is never entered');
  });

  it('enters only the room that was asked for last', async () => {
    const { shell, log } = twoRooms();
    await Promise.all([shell.go('one'), shell.go('two')]);
    assert.equal(shell.id.value, 'two');
    assert.deepEqual(
      log.filter((text) => text.startsWith('enter')),
      ['enter two'],
    );
  });

  it('hears nothing of a room that could not be loaded once another one is wanted', async () => {
    const { shell } = twoRooms({ fail: (id) => id === 'two' });
    await Promise.all([shell.go('two'), shell.go('one')]);
    assert.equal(shell.failure.value, '');
    assert.ok(shell.room.value);
  });

  it('leaves a room for another one only, also for one that cannot be loaded', async () => {
    const { shell, log } = twoRooms({ fail: (id) => id === 'two' });
    await shell.readAddress('');
    await shell.readAddress('a=5');
    assert.deepEqual(log, ['open one', 'enter one', 'enter one']);
    await shell.go('two');
    assert.deepEqual(log.slice(3), ['open two', 'leave one']);
    assert.equal(shell.room.value, null);
  });

  it('takes back changes of the room that is shown', async () => {
    const { shell, first, second } = twoRooms();
    await shell.readAddress('');
    first.set('a', 5);
    await shell.go('two');
    second[0].set('c', 6);
    shell.undo();
    assert.equal(second[0].get('c'), 1);
    assert.equal(first.get('a'), 5);
    shell.redo();
    assert.equal(second[0].get('c'), 6);
    await shell.go('one');
    shell.undo();
    assert.equal(first.get('a'), 1);
    shell.undo();
    assert.equal(first.get('a'), 1, 'there is nothing left to take back');
  });
});

describe('changes of settings', () => {
  const create = () =>
    createState([number('a'), { ...number('b', 8), min: 1 }, { ...number('k', 2), maxKey: 'b' }]);

  it('are taken back and done again, one by one', () => {
    const state = create();
    state.set('a', 3);
    state.set('b', 5);
    assert.equal(state.undo()?.key, 'b');
    assert.deepEqual([state.get('a'), state.get('b')], [3, 8]);
    assert.equal(state.undo()?.key, 'a');
    assert.equal(state.undo(), undefined);
    assert.equal(state.address.value, '');
    assert.equal(state.redo()?.key, 'a');
    assert.equal(state.redo()?.key, 'b');
    assert.equal(state.redo(), undefined);
    assert.deepEqual([state.get('a'), state.get('b')], [3, 5]);
  });

  it('take along what another setting had to follow', () => {
    const state = create();
    state.set('k', 7);
    state.set('b', 3);
    assert.equal(state.get('k'), 3);
    state.undo();
    assert.deepEqual([state.get('b'), state.get('k')], [8, 7]);
    state.redo();
    assert.deepEqual([state.get('b'), state.get('k')], [3, 3]);
  });

  it('that come quickly of one setting are one; of others, or after a pause, they are several', (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const state = create();
    for (const value of [2, 3, 4]) {
      state.set('a', value);
      t.mock.timers.tick(300);
    }
    state.set('b', 5);
    state.set('a', 6);
    t.mock.timers.tick(1500);
    state.set('a', 7);
    assert.equal(state.undoable.value.length, 4);
    for (const value of [6, 4]) {
      state.undo();
      assert.equal(state.get('a'), value);
    }
    state.undo();
    state.undo();
    assert.equal(state.get('a'), 1, 'the three quick ones go at once');
  });

  it('after an undo begin a new way, and nothing can be done again', () => {
    const state = create();
    state.set('a', 3);
    state.undo();
    state.set('b', 4);
    assert.equal(state.redoable.value.length, 0);
    state.set('b', 4);
    assert.equal(state.undoable.value.length, 1, 'what changes nothing is no change');
  });

  it('together are one, and those of a file cannot be taken back', () => {
    const state = create();
    state.setTogether('preset', [
      ['a', 9],
      ['b', 2],
    ]);
    state.setAll([['a', 10]]);
    assert.equal(state.undoable.value.length, 1);
    state.undo();
    assert.deepEqual([state.get('a'), state.get('b')], [1, 8]);
    state.forgetChanges();
    assert.equal(state.redo(), undefined);
  });

  it('are kept in bounded number', (t) => {
    t.mock.timers.enable({ apis: ['Date'] });
    const state = create();
    for (let i = 0; i < 500; i++) {
      state.set('a', (i % 90) + 2);
      t.mock.timers.tick(5000);
    }
    assert.equal(state.undoable.value.length, 100);
  });
});
