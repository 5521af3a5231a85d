import { batch, computed, signal } from '@preact/signals';

/**
 * What a room of the page is made of.
 *
 * @typedef {object} Room
 * @property {readonly import('./state.js').State[]} states whose settings the address holds; the first one's changes
 *   can be undone. No key is in two of them, and none is `room`
 * @property {import('./run.js').Run | null} run what trains here, where it is one run; the page asks it for frames
 * @property {() => number} [step] where it is, where there is not one run; for the names of saved files
 * @property {import('@preact/signals').ReadonlySignal<string>} [status] how it is there, as a run's
 * @property {import('preact').ComponentType<{}>} View
 * @property {() => void} [enter] each time that the room is shown, after its settings were read from the address
 * @property {() => void} [leave]
 * @property {(settings: string) => string[]} [readAddress] where the states do not just read it one after the other
 * @property {(problems: string[]) => void} report what was wrong with the address
 *
 * @typedef {object} RoomEntry
 * @property {string} id as in the address
 * @property {string} title
 * @property {string} summary what is done there, in a few words
 * @property {() => Promise<Room>} open called once, when the room is first entered
 */

/**
 * Which room is shown, and the address of it all: `room` and what differs from the room's defaults.
 *
 * @param {readonly RoomEntry[]} entries the first is shown where the address names none
 */
export function createShell(entries) {
  const id = signal(entries[0].id);
  const room = signal(/** @type {Room | null} */ (null));
  const failure = signal('');
  /** @type {Map<string, Promise<Room>>} */
  const opened = new Map();
  let turn = 0;

  /** @param {RoomEntry} entry */
  function open(entry) {
    const known = opened.get(entry.id);
    if (known) return known;
    // Its first rendering is a task of its own: loading it took one already.
    const opening = entry.open().then((next) => new Promise((done) => setTimeout(done, 0, next)));
    opened.set(entry.id, opening);
    // What could not be loaded is tried again the next time.
    opening.catch(() => opened.delete(entry.id));
    return opening;
  }

  /**
   * @param {RoomEntry} entry
   * @param {string | undefined} settings of an address; undefined: as they were left
   */
  async function enter(entry, settings) {
    const mine = ++turn;
    id.value = entry.id;
    failure.value = '';
    try {
      const next = await open(entry);
      if (mine !== turn) return;
      const problems = settings === undefined ? [] : readSettings(next, settings);
      if (room.peek() !== next) {
        room.peek()?.leave?.();
        room.value = next;
      }
      next.enter?.();
      next.report(problems.map((problem) => `In the address, ${problem}.`));
    } catch (error) {
      if (mine !== turn) return;
      room.peek()?.leave?.();
      room.value = null;
      failure.value = error instanceof Error ? error.message : String(error);
    }
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
    /** The room that is shown; null while it is being loaded. */
    room,
    /** Why it could not be loaded. */
    failure,

    /** Goes to a room, whose settings are as they were left. @param {string} to */
    go: (to) => {
      const entry = entries.find((one) => one.id === to);
      if (!entry) throw new RangeError(`there is no room “${to}”`);
      return enter(entry, undefined);
    },

    /** @param {string} address with or without the `#` */
    readAddress: (address) => {
      const settings = address.replace(/^#/, '');
      const named = new URLSearchParams(settings).get('room');
      const entry = entries.find((one) => one.id === named) ?? entries[0];
      return enter(entry, settings);
    },

    /** What comes after `#`; a signal. Undefined while a room is being loaded. */
    address: computed(() => {
      if (!room.value) return undefined;
      const parts = room.value.states.map((state) => state.address.value);
      if (id.value !== entries[0].id) parts.unshift(`room=${id.value}`);
      return parts.filter(Boolean).join('&');
    }),

    undo: () => batch(() => room.peek()?.states[0].undo()),
    redo: () => batch(() => room.peek()?.states[0].redo()),
  };
}

/** @typedef {ReturnType<typeof createShell>} Shell */
