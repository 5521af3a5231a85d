/**
 * Ctrl-C, checked between two steps.
 *
 * @module
 */

const NUMBERS = /** @type {const} */ ({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 });

/** @typedef {keyof typeof NUMBERS} SignalName */

/** One Ctrl-C may arrive twice: from the terminal, and from npx, which forwards it. */
const ECHO_MS = 300;

/** The first signal asks for a stop between two steps, a second one ends the process. */
export class Interrupt {
  #controller = new AbortController();
  /** @type {SignalName | null} */
  #name = null;
  #receivedAt = 0;
  #system;

  /** @param {import('./system.js').System} system */
  constructor(system) {
    this.#system = system;
    for (const name of Object.keys(NUMBERS)) system.signals.on(name, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get signal() {
    return this.#controller.signal;
  }

  /** Name of the received signal, or null. */
  get name() {
    return this.#name;
  }

  /** The exit code of a process that was ended by the signal. */
  get exitCode() {
    return this.#name === null ? 0 : 128 + NUMBERS[this.#name];
  }

  release() {
    for (const name of Object.keys(NUMBERS)) this.#system.signals.off(name, this.#onSignal);
  }

  #onSignal = (/** @type {SignalName} */ name) => {
    if (this.#name === null) {
      this.#name = name;
      this.#receivedAt = performance.now();
      this.#controller.abort();
    } else if (name !== this.#name || performance.now() - this.#receivedAt > ECHO_MS) {
      this.#system.exit(128 + NUMBERS[name]);
    }
  };
}
