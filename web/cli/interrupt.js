/**
 * Ctrl-C that is heeded between two steps.
 *
 * @module
 */

const NUMBERS = /** @type {const} */ ({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 });

/** @typedef {keyof typeof NUMBERS} SignalName */

/** One Ctrl-C may arrive twice, from the terminal and from npx, which passes on what it gets. */
const ECHO_MS = 300;

/** Takes the first signal as a wish, the second as an order. */
export class Interrupt {
  #controller = new AbortController();
  /** @type {SignalName | null} */
  #name = null;
  #receivedAt = 0;

  constructor() {
    for (const name of /** @type {SignalName[]} */ (Object.keys(NUMBERS))) process.on(name, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get signal() {
    return this.#controller.signal;
  }

  /** Name of the signal that came, or null. */
  get name() {
    return this.#name;
  }

  /** What a shell expects of a process that ends by the signal. */
  get exitCode() {
    return this.#name === null ? 0 : 128 + NUMBERS[this.#name];
  }

  release() {
    for (const name of Object.keys(NUMBERS)) process.off(name, this.#onSignal);
  }

  #onSignal = (/** @type {SignalName} */ name) => {
    if (this.#name === null) {
      this.#name = name;
      this.#receivedAt = performance.now();
      this.#controller.abort();
    } else if (name !== this.#name || performance.now() - this.#receivedAt > ECHO_MS) {
      process.exit(128 + NUMBERS[name]);
    }
  };
}
