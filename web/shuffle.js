/** The order of data in training: the same everywhere for the same seed. */

/**
 * Random numbers in [0, 1) (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {number} count
 * @param {number} seed
 * @returns {Uint32Array} 0 to count - 1 in random order (Fisher-Yates)
 */
export function shuffled(count, seed) {
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Which rows make the batch of a step: all rows in each epoch, in another order. */
export class Epochs {
  #count;
  #batchSize;
  #seed;
  /** @type {{ epoch: number, order: Uint32Array } | undefined} the epoch that was last used */
  #pass;

  /**
   * @param {number} count rows
   * @param {number} batchSize
   * @param {number} seed
   */
  constructor(count, batchSize, seed) {
    this.#count = count;
    this.#batchSize = batchSize;
    this.#seed = seed;
    /** Steps per epoch. */
    this.batches = Math.ceil(count / batchSize);
  }

  /** @param {number} step from 0 */
  at(step) {
    const epoch = Math.floor(step / this.batches);
    if (this.#pass?.epoch !== epoch) {
      const seed = Math.imul(this.#seed + 1, 0x9e3779b1) ^ epoch;
      this.#pass = { epoch, order: shuffled(this.#count, seed) };
    }
    const start = (step % this.batches) * this.#batchSize;
    return { epoch, rows: this.#pass.order.subarray(start, start + this.#batchSize) };
  }
}
