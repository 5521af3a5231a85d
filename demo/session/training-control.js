import { signal } from '@preact/signals';

/**
 * How one model is trained, or several together. All functions report their own errors.
 *
 * @typedef {(from: number) => number} Goal the step to stop at, given the step at which training starts
 *
 * @typedef {object} Training
 * @property {(goal: Goal, goesOn: () => boolean) => Promise<void>} train ends at the goal, after `stop`, when no
 *   model can be trained any further, or when `goesOn` returns false
 * @property {() => Promise<unknown>} stop stops the workers as soon as possible
 * @property {() => Promise<unknown>} rest shows the final state when training has stopped
 * @property {() => Promise<unknown>} [afterwards] runs after training; more training may interrupt it
 */

/**
 * How the next model is built, or several together.
 *
 * @template T
 * @typedef {object} Build
 * @property {() => Promise<T>} prepare runs while training goes on
 * @property {(prepared: T) => Promise<unknown>} replace runs when training has stopped, with the settings of that moment
 * @property {(error: unknown) => void} fail called with the error, unless a newer build was requested
 */

/**
 * Decides when models are built and when they are trained. Builds never overlap; of several requested builds only the
 * last one is done; and training that is started or paused during a build applies to the new model.
 */
export class TrainingControl {
  #training;
  /** Settles after all requested builds. */
  #builds = Promise.resolve();
  #building = 0;
  #latestBuild = 0;
  /** @type {{ goal: Goal } | null} the goal of training; null: paused */
  #wanted = null;
  #halted = false;
  /** @type {Promise<void> | null} the current training */
  #loop = null;
  /** @type {Promise<unknown> | undefined} the last training, with `afterwards` */
  #end;

  /** Whether training is running. Stays true while one model replaces another. */
  running = signal(false);

  /** @param {Training} training */
  constructor(training) {
    this.#training = training;
  }

  /** Whether models are being built or waiting to be built. */
  get building() {
    return this.#building > 0;
  }

  /**
   * @template T
   * @param {Build<T>} build
   * @param {Goal | null} [goal] of training after the build; null: do not train; default: as before
   */
  build({ prepare, replace, fail }, goal) {
    if (goal !== undefined) this.#wanted = goal && { goal };
    const turn = ++this.#latestBuild;
    const isLatest = () => turn === this.#latestBuild;
    return this.inTurn(async () => {
      if (!isLatest()) return;
      try {
        const prepared = await prepare();
        await this.halt();
        // A newer build follows; what was prepared may not suit it.
        if (isLatest()) await replace(prepared);
      } catch (error) {
        if (isLatest()) fail(error);
      }
    });
  }

  /**
   * Queues work on models that later builds do not cancel.
   *
   * @param {() => Promise<unknown>} work reports its own errors, and calls `halt` before it replaces the model
   */
  inTurn(work) {
    this.#building++;
    this.#builds = this.#builds.then(async () => {
      await work();
      this.#building--;
      if (!this.#building) this.#goOn();
    });
    return this.#builds;
  }

  /** Stops training, which continues with the next model. */
  async halt() {
    this.#halted = true;
    if (!this.#loop) return;
    await this.#training.stop();
    await this.#loop;
  }

  /**
   * @param {Goal} goal
   * @returns {Promise<void>} settles when training ends
   */
  async start(goal) {
    this.#wanted = { goal };
    // During a build, this starts training of the new model.
    while (this.#building) await this.#builds;
    this.#goOn();
    await this.#end;
  }

  async pause() {
    this.#wanted = null;
    if (!this.#loop) return;
    await this.#training.stop();
    await this.#loop;
  }

  #goOn() {
    this.#halted = false;
    if (!this.#wanted) {
      this.running.value = this.#loop !== null;
      return;
    }
    // A loop that is about to pause checks the goal again.
    if (this.#loop) return;
    this.running.value = true;
    this.#loop = this.#trainOn();
    this.#end = this.#loop.then(() => (this.#halted ? undefined : this.#training.afterwards?.()));
  }

  async #trainOn() {
    const { train, rest } = this.#training;
    while (this.#wanted && !this.#halted) {
      const wanted = this.#wanted;
      await train(wanted.goal, () => wanted === this.#wanted && !this.#halted);
      if (this.#halted) break;
      // A new goal may have been set meanwhile, for example by Start just after Pause.
      if (wanted === this.#wanted) this.#wanted = null;
      await rest();
    }
    this.#loop = null;
    if (!this.#halted) this.running.value = false;
  }
}
