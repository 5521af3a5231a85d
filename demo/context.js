import { createTrainerClient } from './trainer/trainer-client.js';

/**
 * What all rooms share: what the engine says of itself, new workers, and the runs that more than one room shows.
 *
 * @param {{ pictureEvery: () => number }} page pictureEvery: milliseconds from one picture of a run to the next
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

    /** A worker of one's own, with its engine open. */
    async openClient() {
      const client = spare ?? (await openWorker()).client;
      spare = undefined;
      return client;
    },

    /**
     * What rooms share, such as a run: it is made by whoever asks first.
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
