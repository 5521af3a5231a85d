/** Milliseconds that a rate is measured over: long enough to be steady, short enough to follow a change of pace. */
const span = 3000;
/** A clock may count whole milliseconds, or several of them: over a shorter time, a rate would say more of the clock. */
const shortest = 200;
/** Milliseconds between two marks, so that a fast model does not make thousands of them. */
const spacing = 50;

/**
 * How many examples are learned per second by the clock, with everything between the steps: pictures, evaluations,
 * messages, and waiting for a limited speed.
 */
export class Rate {
  /** @type {{ at: number, total: number }[]} the examples learned so far, when steps ended */
  #marks = [];
  #total = 0;
  #latest = 0;

  /** Forgets the time before, in which nothing was to be learned. */
  begin() {
    this.#marks = [];
  }

  /**
   * @param {number} examples of a step
   * @param {number} now the step's end, milliseconds
   */
  add(examples, now) {
    this.#total += examples;
    const marks = this.#marks;
    const before = marks.at(-2);
    if (before && now - before.at < spacing) marks.pop();
    marks.push({ at: now, total: this.#total });
    // Slow steps are further apart than the span; a rate needs two of them.
    while (marks.length > 2 && now - marks[1].at > span) marks.shift();
    const took = now - marks[0].at;
    if (took >= shortest) this.#latest = ((this.#total - marks[0].total) / took) * 1000;
  }

  /** Examples per second; 0: not known yet. */
  get perSecond() {
    return this.#latest;
  }
}
