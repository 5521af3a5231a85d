// Answers the benchmark's requests inside one JavaScript engine, be it Node's or a page's. A request names a
// contestant and a task; tasks are kept warm from one request to the next.

import { Kernels } from './kernels.js';
import { Timed } from './measure.js';
import { generation, languageStep } from './package-model.js';

/** @import { Task } from './measure.js' */

/**
 * @typedef {object} Request
 * @property {string} contestant  `simd`, `relaxed-simd`, or a peer
 * @property {string} task
 * @property {any} sizes
 * @property {number} warmMs      before the first sample
 * @property {number} budgetMs    of a sample
 *
 * @typedef {object} Reply
 * @property {number} ms                          an iteration
 * @property {Record<string, number>} [notes]     of the task, with its first sample
 */

/** Reads a file by its path in the repository. @typedef {(path: string) => Promise<Uint8Array<ArrayBuffer>>} Read */

/** @type {Record<string, string>} */
const PEERS = { 'tfjs-wasm': './peer-tfjs.js', 'tfjs-cpu': './peer-tfjs.js', 'jax-js': './peer-jax.js' };

export class Contestants {
  /** @type {Read} */
  #read;
  #clock;
  /** @type {Map<string, Promise<any>>} */
  #kept = new Map();

  /**
   * @param {Read} read
   * @param {import('./measure.js').Clock} clock
   */
  constructor(read, clock) {
    this.#read = read;
    this.#clock = clock;
  }

  /**
   * @param {Request} request
   * @returns {Promise<Reply>}
   */
  async answer({ contestant, task, sizes, warmMs, budgetMs }) {
    const key = JSON.stringify([contestant, task, sizes]);
    const known = this.#kept.has(key);
    /** @type {{ timed: Timed, notes: Record<string, number> | undefined }} */
    const { timed, notes } = await this.#keep(key, async () => {
      const made = await this.#make(contestant, task, sizes);
      const timed = new Timed(made, this.#clock);
      await timed.warm(warmMs);
      return { timed, notes: made.notes };
    });
    const ms = await timed.sample(budgetMs);
    return known ? { ms } : { ms, notes };
  }

  /**
   * @param {string} contestant
   * @param {string} task
   * @param {any} sizes
   * @returns {Promise<Task>}
   */
  async #make(contestant, task, sizes) {
    if (contestant in PEERS) {
      const { open } = await import(PEERS[contestant]);
      return (await open(contestant))[task](sizes);
    }
    if (task === 'language' || task === 'generation') {
      const { threads = 1 } = sizes;
      const engine = await this.#keep(`engine ${contestant} ${threads}`, () =>
        this.#load(contestant, threads),
      );
      if (task === 'generation') return generation(engine, sizes);
      return { ...languageStep(engine, sizes), manyThreads: threads > 1 };
    }
    /** @type {Kernels} */
    const kernels = await this.#keep(`kernels ${contestant}`, async () =>
      Kernels.open(await this.#read(`build/bench/bench.${contestant}.wasm`)),
    );
    if (task === 'peak') return kernels.peak(sizes);
    if (task === 'product') return kernels.product(sizes);
    if (task === 'layer') return kernels.layer(sizes);
    throw new Error(`there is no task ${task}`);
  }

  /**
   * @param {string} variant
   * @param {number} threads
   */
  async #load(variant, threads) {
    const { load } = await import('../../web/index.js');
    const wasm = await this.#read(`web/hyperrouter.${variant}${threads > 1 ? '.threads' : ''}.wasm`);
    return load({ variant: /** @type {'simd' | 'relaxed-simd'} */ (variant), threads, wasm });
  }

  /**
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  #keep(key, make) {
    const kept = this.#kept.get(key) ?? make();
    this.#kept.set(key, kept);
    return kept;
  }
}
