/**
 * A worker that trains nothing: what it is asked for is noted, and the test answers when it likes.
 */

/** Lets everything happen that does not wait for an answer. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A tab that the test hides. */
export class Tab extends EventTarget {
  hidden = false;
  /** @param {boolean} hidden */
  async hide(hidden) {
    this.hidden = hidden;
    this.dispatchEvent(new Event('visibilitychange'));
    await settle();
  }
}

let lastModel = 0;

/**
 * What a worker says of a model that it has built.
 *
 * @param {object} [different]
 * @returns {any}
 */
export const model = (different = {}) => ({
  config: { number: ++lastModel },
  topK: 2,
  step: 0,
  parameterCount: 10,
  trainableParameterCount: 5,
  data: {},
  ...different,
});

/**
 * @param {number} step
 * @param {object} [different]
 * @returns {any}
 */
export const frame = (step, different = {}) => ({
  step,
  losses: new Float32Array(0),
  heldOut: [],
  measures: [],
  moments: [],
  perSecond: 1,
  shape: { of: step },
  buffer: new ArrayBuffer(8),
  ...different,
});

/** What some requests are always answered with, where a test does not wait for them. */
const usual = /** @type {Record<string, () => any>} */ ({
  build: model,
  restore: model,
  rewind: model,
  frame: () => frame(0),
  tune: () => ({ step: 0 }),
  cancel: () => ({}),
});

/** What is always answered, as it is part of other requests. */
const always = /** @type {Record<string, () => any>} */ ({ save: () => ({ bytes: new Uint8Array(4) }) });

/** A client whose requests the test answers by hand. */
export class FakeTrainer {
  /** All that it was asked for, in order. @type {{ type: string, body: any, options: any }[]} */
  asked = [];
  closed = 0;
  #lastId = 0;
  /** @type {{ id: number, type: string, resolve: (result: any) => void, reject: (error: Error) => void, onPart: any }[]} */
  #waiting = [];
  #automatic;
  /** @type {(error: Error) => void} */
  #lose = () => {};

  /** @param {{ automatic?: boolean }} [options] automatic: answers all at once but training, pausing and measuring */
  constructor({ automatic = false } = {}) {
    this.#automatic = automatic;
    const trainer = this;
    /** @type {any} */
    this.client = {
      engine: { info: { variant: 'fake' } },
      lost: new Promise((resolve) => {
        this.#lose = resolve;
      }),
      close() {
        trainer.closed++;
        trainer.#end(new Error('the worker was closed'));
      },
      request: (/** @type {string} */ type, /** @type {any} */ body, /** @type {any} */ options) =>
        this.#request(type, body, options),
    };
  }

  /** @param {string} type @param {any} body @param {any} options */
  #request(type, body, options) {
    const id = ++this.#lastId;
    this.asked.push({ type, body, options });
    const promise =
      always[type] || (this.#automatic && usual[type])
        ? Promise.resolve((always[type] ?? usual[type])())
        : new Promise((resolve, reject) => {
            this.#waiting.push({ id, type, resolve, reject, onPart: options?.onPart });
          });
    return Object.assign(promise, { id });
  }

  /** @param {Error} error */
  #end(error) {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** The types of all that was asked for, with what is worth knowing of them. */
  get log() {
    return this.asked.map(({ type, body }) => {
      if (type === 'runTo') return `runTo ${body.step}`;
      if (type === 'build') return `build ${body.config.size}`;
      if (type === 'tune') return `tune ${Object.entries(body).join()}`;
      return type;
    });
  }

  /** What of that begins with this. @param {string} type */
  logOf(type) {
    return this.log.filter((text) => text.startsWith(type));
  }

  /** How often it was asked for this. @param {string} type */
  count(type) {
    return this.asked.filter((request) => request.type === type).length;
  }

  /** What waits for an answer. */
  get waiting() {
    return this.#waiting.map(({ type }) => type);
  }

  /** @param {string} type the oldest such request that waits */
  #take(type) {
    const at = this.#waiting.findIndex((request) => request.type === type);
    if (at < 0) throw new Error(`nobody waits for ${type}, but for ${this.waiting.join(', ') || 'nothing'}`);
    return this.#waiting.splice(at, 1)[0];
  }

  /** @param {string} type @param {any} [result] */
  async answer(type, result = {}) {
    this.#take(type).resolve(result);
    await settle();
  }

  /** @param {string} type @param {Error} error */
  async refuse(type, error) {
    this.#take(type).reject(error);
    await settle();
  }

  /** @param {string} type @param {any} part */
  part(type, part) {
    this.#waiting.find((request) => request.type === type)?.onPart(part);
  }

  /** @param {string} [message] */
  async die(message = 'the worker stopped: out of memory') {
    const error = new Error(message);
    this.#end(error);
    this.#lose(error);
    await settle();
  }
}
