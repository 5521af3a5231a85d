import { createTrainerClient } from './trainer/trainer-client.js';

/**
 * What all rooms share: the engine's description, new workers, and the runs that more than one room shows.
 *
 * @param {{ pictureEvery: () => number }} page pictureEvery: milliseconds between two updates of the figures
 */
export async function createContext({ pictureEvery }) {
  const first = await openWorker();
  /** @type {import('./trainer/trainer-client.js').TrainerClient | undefined} */
  let spare = first.client;
  /** @type {Map<string, Promise<any>>} */
  const shared = new Map();

  return {
    engine: first.engine,
    pictureEvery,

    /** A new worker with its engine loaded. */
    async openClient() {
      const client = spare ?? (await openWorker()).client;
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

async function openWorker() {
  const worker = new Worker(new URL('./trainer/trainer-worker.js', import.meta.url), { type: 'module' });
  const client = createTrainerClient(worker);
  const engine = await client.request('open', {});
  return { client: Object.assign(client, { engine }), engine };
}
