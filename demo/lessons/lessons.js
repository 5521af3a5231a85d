import { batch, computed, effect, signal } from '@preact/signals';
import { presentOf } from './present.js';

/**
 * @typedef {import('./list.js').Lesson} Lesson
 * @typedef {import('../shell.js').Shell} Shell
 * @typedef {import('../state.js').State} State
 *
 * @typedef {'question' | 'task' | 'conclusion'} Stage
 *
 * @typedef {object} Checked a part of the task
 * @property {string} name
 * @property {string} want
 * @property {string} now the value in words
 * @property {boolean} holds
 */

/**
 * The lesson that is going on: its run in its room, its answer, and its task. The settings of the reader come back when
 * it ends.
 *
 * @param {object} parts
 * @param {Shell} parts.shell
 * @param {readonly Lesson[]} parts.all
 * @param {ReturnType<typeof import('./progress.js').createProgress>} parts.progress
 */
export function createLessons({ shell, all, progress }) {
  const lesson = signal(/** @type {Lesson | null} */ (null));
  const stage = signal(/** @type {Stage} */ ('question'));
  /** The lesson whose settings are those of its room. */
  const ready = signal('');
  /** @type {{ room: string | null, states: Before[] } | null} what comes back */
  let before = null;

  const answer = computed(() => (lesson.value ? progress.all.value[lesson.value.id]?.answer : undefined));
  const done = computed(() => Boolean(lesson.value && progress.all.value[lesson.value.id]?.done));
  /** Whether the room of the lesson is the one that is shown. */
  const isHere = computed(() => shell.id.value === lesson.value?.room && shell.room.value !== null);
  const checks = computed(
    /** @returns {Checked[]} */ () => {
      const room = shell.room.value;
      if (!lesson.value || !room || !isHere.value) return [];
      const present = presentOf(room);
      return lesson.value.task.checks.map(({ name, want, at, holds, show }) => {
        const value = at(present);
        return value === undefined
          ? { name, want, now: '–', holds: false }
          : { name, want, now: show(value), holds: holds(value) };
      });
    },
  );

  /** Why the task is not reached yet; empty: nothing is to be said. */
  const hint = computed(() => {
    const room = shell.room.value;
    if (!lesson.value || !room || !isHere.value || done.value) return '';
    const status = (room.run?.status ?? room.status)?.value;
    if (status === 'building') return 'The model is being built.';
    const present = presentOf(room);
    const own = lesson.value.task.hints.find(({ when }) => when(present));
    if (own) return own.text;
    if (status === 'running') return 'Training. The values follow.';
    return present.step ? 'Paused. Press Start to train on.' : 'Not trained yet. Press Start.';
  });

  effect(() => {
    const id = lesson.value?.id;
    if (!id || ready.value !== id || done.value) return;
    if (checks.value.length && checks.value.every(({ holds }) => holds)) progress.note(id, { done: true });
  });

  /** The beginnings and ends that were asked for take place one after another. */
  let last = Promise.resolve();
  const inTurn = (/** @type {() => Promise<void>} */ act) => {
    const next = last.then(act);
    last = next.catch(() => {});
    return next;
  };

  /** @param {string} id */
  async function enter(id) {
    const next = all.find((one) => one.id === id);
    if (!next)
      throw new RangeError(`there is no lesson “${id}”; there are ${all.map((one) => one.id).join(', ')}`);
    if (lesson.peek() === next) return;
    await putBack();
    const from = before?.room ?? (shell.room.peek() ? shell.id.peek() : null);
    before = { room: from, states: [] };
    batch(() => {
      lesson.value = next;
      stage.value = 'question';
      shell.lesson.value = id;
    });
    await setUp(next);
  }

  /** Goes to the room of the lesson, and starts its run. @param {Lesson} next */
  async function setUp(next) {
    await shell.go(next.room);
    const room = shell.room.peek();
    if (!room || !before) return;
    await room.run?.pause();
    before.states = room.states.map((state) => ({
      state,
      changes: state.undoable.peek().length,
      values: state.values.peek(),
    }));
    // Settings of the room first: they may decide whose settings the others are.
    for (const state of [...room.states].reverse()) setValues(state, next.settings, state === room.states[0]);
    ready.value = next.id;
  }

  /** Brings the settings of the reader back. */
  async function putBack() {
    ready.value = '';
    const states = before?.states ?? [];
    if (before) before.states = [];
    if (states.length) await shell.room.peek()?.run?.pause();
    for (const one of states.reverse()) restore(one);
  }

  /** @param {boolean} goBack whether to go to the room where the reader was */
  async function leave(goBack) {
    if (!lesson.peek()) return;
    await putBack();
    const from = before?.room;
    before = null;
    batch(() => {
      lesson.value = null;
      shell.lesson.value = '';
    });
    if (goBack && from && from !== shell.id.peek()) await shell.go(from);
  }

  return {
    all,
    progress,
    lesson,
    stage,
    answer,
    done,
    isHere,
    /** Whether its run is set up: what is changed before would be lost. */
    isReady: computed(() => ready.value === lesson.value?.id),
    checks,
    hint,

    /** @param {string} id @returns {Promise<void>} when its run is set up */
    begin: (id) => inTurn(() => enter(id)),
    /** @param {{ goBack?: boolean }} [options] */
    end: ({ goBack = true } = {}) => inTurn(() => leave(goBack)),
    /** Returns to the room of the lesson, with the settings of the reader for it. */
    goThere: () => inTurn(async () => shell.go(/** @type {Lesson} */ (lesson.peek()).room)),

    /** @param {number} index of a choice */
    choose(index) {
      if (lesson.peek()) progress.note(/** @type {Lesson} */ (lesson.peek()).id, { answer: index });
    },
    /** @param {Stage} next */
    show(next) {
      stage.value = next;
    },
  };
}

/** @typedef {ReturnType<typeof createLessons>} Lessons */

/**
 * @typedef {object} Before a room as the reader left it
 * @property {State} state
 * @property {number} changes number of changes that could be undone
 * @property {import('../schema.js').Values} values
 */

/** Points that the reader has painted, and a text of the reader's own, stay with their room. */
const kept = ['painted', 'drawn'];

/**
 * Sets the settings of a lesson as one change, which undo takes back.
 *
 * @param {State} state
 * @param {import('../schema.js').Values} values
 * @param {boolean} whole whether settings that the lesson does not name get their defaults
 */
function setValues(state, values, whole) {
  const entries = state.schema.flatMap(({ key, effect: does, default: usual }) => {
    if (key in values) return [/** @type {[string, unknown]} */ ([key, values[key]])];
    return whole && (does !== 'view' || key === 'pace') && !kept.includes(key)
      ? [/** @type {[string, unknown]} */ ([key, usual])]
      : [];
  });
  if (entries.length) state.setTogether(entries[0][0], entries);
}

/**
 * By undo, which brings the model back too; where that does not lead there, as a change.
 *
 * @param {Before} before
 */
function restore({ state, changes, values }) {
  state.undoTo(changes);
  const entries = Object.entries(values).filter(([key, value]) => state.peek(key) !== value);
  if (entries.length) state.setTogether(entries[0][0], entries);
}
