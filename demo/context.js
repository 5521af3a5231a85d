import { createClient } from './trainer/trainer-client.js';

/**
 * What all rooms share: what the engine says of itself, new workers, and the runs that more than one room shows.
 *
 * @param {{ pictureEvery: () => number }} page pictureEvery: milliseconds from one picture of a run to the next
 */
export async function createContext({ pictureEvery }) {
  const first = await openWorker();
  /** @type {import('./trainer/trainer-client.js').Client | undefined} */
  let spare = first.client;
  /** @type {Map<string, Promise<any>>} */
  const benches = new Map();

  return {
    engine: first.engine,
    pictureEvery,

    /** A worker of one's own, with its engine open. */
    async client() {
      const client = spare ?? (await openWorker()).client;
      spare = undefined;
      return client;
    },

    /**
     * A run that rooms share: it is made by whoever asks first.
     *
     * @template T
     * @param {string} name
     * @param {() => Promise<T>} make
     * @returns {Promise<T>}
     */
    bench(name, make) {
      const bench = benches.get(name) ?? make();
      benches.set(name, bench);
      bench.catch(() => benches.delete(name));
      return bench;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof createContext>>} Context */

async function openWorker() {
  const worker = new Worker(new URL('./trainer/trainer-worker.js', import.meta.url), { type: 'module' });
  const client = createClient(worker);
  const engine = await client.request('open', {});
  return { client: Object.assign(client, { engine }), engine };
}
