import { threadsHere } from './offline/isolation.js';
import { createTrainerClient } from './trainer/trainer-client.js';

/**
 * What all rooms share: the engine's description, new workers, and the runs that more than one room shows.
 *
 * @param {object} page
 * @param {() => number} page.pictureEvery milliseconds between two updates of the figures
 * @param {import('./opening/opening.js').Opening | null} page.opening a run that is shown already, for the Playground to
 *   go on with; null: none
 */
export async function createContext({ pictureEvery, opening }) {
  const threads = await threadsHere();
  const first = await openWorker(threads);
  /** @type {import('./trainer/trainer-client.js').TrainerClient | undefined} */
  let spare = first.client;
  /** @type {Map<string, Promise<any>>} */
  const shared = new Map();

  return {
    engine: first.engine,
    pictureEvery,
    opening,

    /**
     * A new worker with its engine loaded.
     *
     * @param {{ alone?: boolean }} [use] alone: only one such model is trained at a time, and it may have all threads
     */
    async openClient({ alone = false } = {}) {
      const wanted = alone ? threads : 1;
      if (!spare || threads !== wanted) return (await openWorker(wanted)).client;
      const client = spare;
      spare = undefined;
      return client;
    },

    /**
     * An object that rooms share, such as a run. The first caller creates it.
     *
     * @template T
     * @param {string} name
     * @param {() => Promise<T>} make
     * @returns {Promise<T>}
     */
    shared(name, make) {
      const one = shared.get(name) ?? make();
      shared.set(name, one);
      one.catch(() => shared.delete(name));
      return one;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof createContext>>} Context */

/** @param {number} threads */
async function openWorker(threads) {
  const worker = new Worker(new URL('./trainer/trainer-worker.js', import.meta.url), { type: 'module' });
  const client = createTrainerClient(worker);
  const engine = await client.request('open', { threads });
  return { client: Object.assign(client, { engine }), engine };
}
