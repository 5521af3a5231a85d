import { signal } from '@preact/signals';

/** Where the browser keeps it. */
const key = 'hyperrouter-lessons';

/**
 * @typedef {object} Progress of a lesson
 * @property {number} [answer] index of the chosen answer
 * @property {boolean} [done] whether the task was reached
 */

/**
 * What a reader has done in the lessons. It stays in this browser.
 *
 * @param {Pick<Storage, 'getItem' | 'setItem'> | undefined} storage undefined: none, and it is kept for this visit
 */
export function createProgress(storage) {
  const all = signal(read(storage));
  return {
    /** By id of the lesson; a signal. */
    all,

    /**
     * @param {string} id of the lesson
     * @param {Progress} change
     */
    note(id, change) {
      all.value = { ...all.peek(), [id]: { ...all.peek()[id], ...change } };
      try {
        storage?.setItem(key, JSON.stringify(all.peek()));
      } catch {
        // The storage is full or forbidden: the progress is kept for this visit.
      }
    },
  };
}

/**
 * @param {Pick<Storage, 'getItem'> | undefined} storage
 * @returns {Record<string, Progress>}
 */
function read(storage) {
  try {
    const known = JSON.parse(storage?.getItem(key) ?? '{}');
    const entries = Object.entries(known).filter(([, one]) => typeof one === 'object' && one !== null);
    return Object.fromEntries(
      entries.map(([id, { answer, done }]) => [
        id,
        { ...(Number.isInteger(answer) ? { answer } : {}), done: done === true },
      ]),
    );
  } catch {
    // No storage, or what is in it is not ours.
    return {};
  }
}

/** The storage of this browser, where the page may use it. */
export function ownStorage() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
