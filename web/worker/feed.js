/**
 * What a stream in the worker needs of the page: values of functions of the step, and data. The page sends them with its
 * requests for the next value of the stream.
 */

/** @import { Need } from './connection.js' */

/**
 * Values of a function from a step on.
 * @typedef {{ name: string, first: number, values: ArrayLike<unknown> }} Supply
 */

export class Feed {
  /** @type {Map<string, Supply>} */
  #supplies = new Map();
  /** @type {(Need & { resolve: (value: unknown) => void }) | undefined} */
  #need;
  /** @type {(() => void) | undefined} */
  #ask;

  /**
   * The value at a step, or a promise of it.
   * @param {string} name
   * @param {number} step
   */
  value(name, step) {
    const { first = 0, values = [] } = this.#supplies.get(name) ?? {};
    if (step >= first && step < first + values.length) return values[step - first];
    return new Promise((resolve) => {
      this.#need = { name, step, resolve };
      this.#ask?.();
    });
  }

  /** @param {Supply | undefined} supply */
  give(supply) {
    const need = this.#need;
    if (!supply || !need) return;
    this.#need = undefined;
    this.#supplies.set(supply.name, supply);
    need.resolve(supply.values[need.step - supply.first]);
  }

  /** @returns {Promise<{ need: Need }>} when something is needed */
  async needed() {
    if (!this.#need) {
      await new Promise((resolve) => {
        this.#ask = () => resolve(undefined);
      });
    }
    const { name, step } = /** @type {Need} */ (this.#need);
    return { need: { name, step } };
  }
}
