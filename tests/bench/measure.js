// Timing, the same in Node and in a page.

/** A repetition is made at least this long, so that the clock (5 µs in an isolated page) does not matter. */
const REPETITION_MS = 1;

/**
 * Something that is timed.
 * @typedef {object} Task
 * @property {(iterations: number) => unknown} run      may return a promise
 * @property {boolean} [manyThreads]                    time of the processor would be that of all together
 * @property {Record<string, number>} [notes]           what else a reader should know
 */

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * @param {number[]} values
 * @param {number} q  0 to 1
 */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

/** Milliseconds from some moment. @typedef {() => number} Clock */

/** A task that is warm: its code is compiled, its repetitions have a length. */
export class Timed {
  #task;
  #clock;
  #iterations = 1;

  /**
   * @param {Task} task
   * @param {Clock} clock
   */
  constructor(task, clock) {
    this.#task = task;
    this.#clock = task.manyThreads ? () => performance.now() : clock;
  }

  /**
   * Runs the task until it is compiled by the engine's optimising compiler, which works in the background.
   * @param {number} warmMs
   */
  async warm(warmMs) {
    const end = performance.now() + warmMs;
    for (;;) {
      const ms = await this.#repeat();
      if (performance.now() >= end) break;
      if (ms < REPETITION_MS / 2) this.#iterations *= 2;
    }
    // The first repetitions ran in slow code: the length is set by what runs now.
    for (;;) {
      const ms = Math.min(await this.#repeat(), await this.#repeat());
      if (ms >= REPETITION_MS) break;
      this.#iterations = Math.ceil(
        this.#iterations * Math.min(8, (1.2 * REPETITION_MS) / Math.max(ms, 0.05)),
      );
    }
  }

  /**
   * @param {number} budgetMs  for how long to repeat; one repetition is made in any case
   * @returns {Promise<number>} milliseconds an iteration, the median of the repetitions
   */
  async sample(budgetMs) {
    const times = [];
    const end = performance.now() + budgetMs;
    do times.push((await this.#repeat()) / this.#iterations);
    while (performance.now() < end);
    return median(times);
  }

  async #repeat() {
    const start = this.#clock();
    await this.#task.run(this.#iterations);
    return this.#clock() - start;
  }
}
