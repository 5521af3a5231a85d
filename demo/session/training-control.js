import { signal } from '@preact/signals';

/**
 * How one model is trained, or several together. All of it reports its errors itself.
 *
 * @typedef {(from: number) => number} Goal the step to stop at, given the one where training begins
 *
 * @typedef {object} Training
 * @property {(goal: Goal, goesOn: () => boolean) => Promise<void>} train ends at the goal, after `stop`, where nothing
 *   can go on, or where `goesOn` says no
 * @property {() => Promise<unknown>} stop ends what goes on in the workers as soon as can be
 * @property {() => Promise<unknown>} rest shows how it stands where it stands still
 * @property {() => Promise<unknown>} [afterwards] what comes after training, and may be cut short by more of it
 */

/**
 * How another model comes to be, or several.
 *
 * @template T
 * @typedef {object} Build
 * @property {() => Promise<T>} prepare while training goes on
 * @property {(prepared: T) => Promise<unknown>} replace when training has ended, for settings as they are then
 * @property {(error: unknown) => void} fail hears why it could not be, unless another one is wanted by then
 */

/**
 * When models are built, and when they are trained. Builds do not overlap; of several that are asked for only the last
 * is done; and what is asked of training while a model is being built is meant for that model.
 */
export class TrainingControl {
  #training;
  /** The end of all builds that were asked for. */
  #builds = Promise.resolve();
  #building = 0;
  #latestBuild = 0;
  /** @type {{ goal: Goal } | null} what training is to do; null: to rest */
  #wanted = null;
  #halted = false;
  /** @type {Promise<void> | null} the training that is under way */
  #loop = null;
  /** @type {Promise<unknown> | undefined} the end of the last training, with what comes after it */
  #end;

  /** Whether training is under way. It stays so where one model takes over from another. */
  running = signal(false);

  /** @param {Training} training */
  constructor(training) {
    this.#training = training;
  }

  /** Whether models are being built, or will be. */
  get building() {
    return this.#building > 0;
  }

  /**
   * @template T
   * @param {Build<T>} build
   * @param {Goal | null} [goal] what to do then; null: nothing; by default what was done before
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
        // Something else is wanted meanwhile, and built next; what was prepared may not suit it.
        if (isLatest()) await replace(prepared);
      } catch (error) {
        if (isLatest()) fail(error);
      }
    });
  }

  /**
   * Work on models that no later build makes superfluous.
   *
   * @param {() => Promise<unknown>} work reports its errors itself, and calls `halt` before another model takes over
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

  /** Ends training, for other models to go on with it. */
  async halt() {
    this.#halted = true;
    if (!this.#loop) return;
    await this.#training.stop();
    await this.#loop;
  }

  /**
   * @param {Goal} goal
   * @returns {Promise<void>} ends with that training
   */
  async start(goal) {
    this.#wanted = { goal };
    // Whoever starts while another model is on its way means that one.
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
    // One that is about to pause sees that more is wanted.
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
      // Another goal may have been set meanwhile, for instance to go on where it was about to pause.
      if (wanted === this.#wanted) this.#wanted = null;
      await rest();
    }
    this.#loop = null;
    if (!this.#halted) this.running.value = false;
  }
}
