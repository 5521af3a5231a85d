import { computed, effect, signal } from '@preact/signals';

/**
 * A guided tour: steps that lead through the rooms and use their real controls.
 *
 * @typedef {object} TourStep
 * @property {string} room id of the room in which it takes place
 * @property {string} title
 * @property {string} text one to three sentences
 * @property {string} [ask] what the reader should try
 * @property {Record<string, string | number | boolean>} [settings] applied when the step begins
 * @property {readonly string[]} target selectors; the first one that matches an element is highlighted
 * @property {(run: import('../run.js').Run, state: import('../state.js').State) => boolean} [done] whether the reader
 *   has tried it; reads signals
 *
 * @typedef {ReturnType<typeof createTour>} Tour
 */

/**
 * @param {import('../shell.js').Shell} shell
 * @param {readonly TourStep[]} steps
 */
export function createTour(shell, steps) {
  /** Index of the current step; null: the tour is not running. */
  const index = signal(/** @type {number | null} */ (null));
  /** Indices of the steps that were tried. */
  const tried = signal(/** @type {ReadonlySet<number>} */ (new Set()));
  const step = computed(() => (index.value === null ? null : steps[index.value]));

  effect(() => {
    const at = index.value;
    const room = shell.room.value;
    const done = at === null ? undefined : steps[at].done;
    if (at === null || !done || !room?.run || shell.id.value !== steps[at].room) return;
    if (done(room.run, room.states[0]) && !tried.peek().has(at)) tried.value = new Set([...tried.peek(), at]);
  });

  /** @param {number} to */
  async function show(to) {
    const next = steps[to];
    if (!next) throw new RangeError(`the tour has steps 0 to ${steps.length - 1}, not ${to}`);
    index.value = to;
    if (shell.id.peek() !== next.room || !shell.room.peek()) await shell.go(next.room);
    const state = shell.room.peek()?.states[0];
    if (next.settings && state)
      state.setTogether(Object.keys(next.settings)[0], Object.entries(next.settings));
  }

  return {
    steps,
    index,
    step,
    tried,
    begin: () => {
      tried.value = new Set();
      return show(0);
    },
    next: () => {
      const at = index.peek() ?? -1;
      return at + 1 < steps.length ? show(at + 1) : end();
    },
    back: () => show(Math.max(0, (index.peek() ?? 0) - 1)),
    end,
  };

  async function end() {
    index.value = null;
  }
}
