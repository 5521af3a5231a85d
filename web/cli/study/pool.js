/**
 * Threads that execute runs beside each other.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import { CommandError } from '../errors.js';

/** @typedef {import('./worker.js').Job} Job */

/**
 * @typedef {object} Finished
 * @property {import('../../study/types.js').RunResult} result
 * @property {Uint8Array | null} checkpoint
 * @property {number} seconds
 */

/**
 * A job that a thread has.
 *
 * @typedef {object} Task
 * @property {(finished: Finished) => void} resolve
 * @property {(error: Error) => void} reject
 * @property {(progress: { step: number, steps: number }) => void} onProgress
 * @property {string} name
 */

/** Threads that are started when there is work for them. */
export class Pool {
  #data;
  /** @type {Worker[]} */
  #idle = [];
  /** @type {Map<Worker, Task | null>} */
  #tasks = new Map();

  /** @param {{ file: unknown, base: unknown, files: Record<string, Uint8Array> }} data  of the study */
  constructor(data) {
    this.#data = data;
  }

  /**
   * @param {Job} job
   * @param {Task['onProgress']} onProgress
   * @returns {Promise<Finished>}
   */
  execute(job, onProgress) {
    const worker = this.#idle.pop() ?? this.#start();
    return new Promise((resolve, reject) => {
      const name = `${job.run.variant}, seed ${job.run.seed}`;
      this.#tasks.set(worker, { resolve, reject, onProgress, name });
      worker.postMessage(job);
    });
  }

  #start() {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: this.#data });
    const fail = (/** @type {string} */ message) => {
      const task = this.#tasks.get(worker);
      task?.reject(new CommandError(`${task.name}: ${message}`));
    };
    worker.on('message', (message) => {
      if (message.type === 'progress') this.#tasks.get(worker)?.onProgress(message);
      if (message.type === 'failed') fail(message.message);
      if (message.type !== 'finished') return;
      const task = this.#tasks.get(worker);
      this.#tasks.set(worker, null);
      this.#idle.push(worker);
      task?.resolve(message);
    });
    worker.on('error', (error) => fail(error.message));
    worker.on('exit', () => fail('its thread has ended'));
    this.#tasks.set(worker, null);
    return worker;
  }

  /** Ends all threads at once: a run that was not finished begins again the next time. */
  async end() {
    const workers = [...this.#tasks.keys()];
    this.#tasks.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
