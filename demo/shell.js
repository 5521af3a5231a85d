import { batch, computed, signal } from '@preact/signals';

/**
 * A room of the page.
 *
 * @typedef {object} Room
 * @property {readonly import('./state.js').State[]} states the settings in the address. Undo works on the first one. No
 *   key may be in two of them, and none may be `room`
 * @property {import('./run.js').Run | null} run the run of this room, which the page asks for frames; null: there are
 *   several, or none
 * @property {() => number} [step] the step for the names of saved files, where `run` is null
 * @property {import('@preact/signals').ReadonlySignal<string>} [status] of training, where `run` is null
 * @property {() => object} [look] what tasks of lessons look at, where `run` is null; reads signals
 * @property {import('preact').ComponentType<{}>} View
 * @property {(link?: { at?: number }) => void} [enter] called each time the room is shown, after its settings were read from
 *   the address; at: the step that a link opens at
 * @property {() => void} [leave]
 * @property {(settings: string) => string[]} [readAddress] by default, each state reads the address in turn
 * @property {(settings: string) => string} [addressOf] the address for settings that differ from the defaults, where it is
 *   another one
 * @property {(problems: string[]) => void} report shows what was wrong with the address
 *
 * @typedef {object} RoomEntry
 * @property {string} id as in the address
 * @property {() => Promise<Room>} open called once, when the room is first entered
 */

/**
 * The step that a link opens at. It is no setting: what is trained further is another moment.
 *
 * @param {string} settings of an address
 */
function stepIn(settings) {
  const at = new URLSearchParams(settings).get('at') ?? '';
  return /^[1-9]\d{0,8}$/.test(at) ? Number(at) : undefined;
}

/** The address of a moment. @param {string} address @param {number} step */
export const addressAt = (address, step) => `${address}${address.includes('#') ? '&' : '#'}at=${step}`;

/**
 * Decides which room is shown, and writes the address: `room`, and the settings that differ from the room's defaults.
 *
 * @param {readonly RoomEntry[]} entries the first one is shown if the address names none
 */
export function createShell(entries) {
  const id = signal(entries[0].id);
  const room = signal(/** @type {Room | null} */ (null));
  const failure = signal('');
  /** The lesson that is going on; it sets up its room itself. Empty: none. */
  const lesson = signal('');
  /** The controls that the link hides, as in the address. */
  const hidden = signal('');
  /** @type {Map<string, Promise<Room>>} */
  const opened = new Map();
  let turn = 0;
  /** The id of the current room. */
  let shown = '';

  /** @param {RoomEntry} entry */
  function open(entry) {
    const known = opened.get(entry.id);
    if (known) return known;
    // The first rendering gets its own task, because loading was one already.
    const opening = entry.open().then((next) => new Promise((done) => setTimeout(done, 0, next)));
    opened.set(entry.id, opening);
    // If loading failed, it is tried again the next time.
    opening.catch(() => opened.delete(entry.id));
    return opening;
  }

  /**
   * @param {RoomEntry} entry
   * @param {string | undefined} settings of an address; undefined: keeps the current ones
   */
  async function enter(entry, settings) {
    const mine = ++turn;
    try {
      const opening = open(entry);
      batch(() => {
        id.value = entry.id;
        failure.value = '';
        // Its controls must not act on the last room, nor the address have its settings, while the next one loads.
        if (shown !== entry.id) leave();
      });
      const next = await opening;
      if (mine !== turn) return;
      const problems = settings === undefined ? [] : readSettings(next, settings);
      shown = entry.id;
      room.value = next;
      next.enter?.(settings === undefined ? undefined : { at: stepIn(settings) });
      next.report(problems.map((problem) => `In the link, ${problem}.`));
    } catch (error) {
      if (mine !== turn) return;
      leave();
      failure.value = error instanceof Error ? error.message : String(error);
    }
  }

  function leave() {
    room.peek()?.leave?.();
    shown = '';
    room.value = null;
  }

  /**
   * @param {Room} next
   * @param {string} settings
   */
  function readSettings(next, settings) {
    if (next.readAddress) return next.readAddress(settings);
    return next.states.flatMap((state) => state.readAddress(settings));
  }

  return {
    entries,
    id,
    /** The current room; null while it is loading. */
    room,
    /** Why the room could not be loaded; empty: no error. */
    failure,
    lesson,
    hidden,

    /** Goes to a room and keeps its current settings. @param {string} to */
    go: (to) => {
      const entry = entries.find((one) => one.id === to);
      if (!entry) throw new RangeError(`unknown room “${to}”`);
      return enter(entry, undefined);
    },

    /** @param {string} address with or without the `#` */
    readAddress: (address) => {
      const settings = address.replace(/^#/, '');
      const query = new URLSearchParams(settings);
      const named = query.get('room');
      lesson.value = query.get('lesson') ?? '';
      hidden.value = query.get('hide') ?? '';
      if (lesson.value) return Promise.resolve();
      const entry = entries.find((one) => one.id === named) ?? entries[0];
      return enter(entry, settings);
    },

    /** The address after `#`; a signal. Undefined while a room is loading. */
    address: computed(() => {
      if (!room.value) return undefined;
      const { states, addressOf } = room.value;
      const settings = states.flatMap((state) => state.address.value || []).join('&');
      const parts = [];
      if (lesson.value) parts.push(`lesson=${lesson.value}`);
      else if (id.value !== entries[0].id) parts.push(`room=${id.value}`);
      if (!lesson.value) parts.push(addressOf ? addressOf(settings) : settings);
      if (hidden.value) parts.push(`hide=${hidden.value}`);
      return parts.filter(Boolean).join('&');
    }),

    undo: () => room.peek()?.states[0].undo(),
    redo: () => room.peek()?.states[0].redo(),
  };
}

/** @typedef {ReturnType<typeof createShell>} Shell */
