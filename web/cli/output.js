/**
 * What the command line prints. A stream that fails, such as a lost terminal, a closed pipe or a full disk, never ends
 * the work: what was to be said is said elsewhere.
 *
 * @module
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CommandError, reasonOf } from './errors.js';

/** A reader that has stopped reading is not waited for, and lines for it are not kept without end. */
const MAX_UNSENT_BYTES = 2 ** 24;

/** For how long a message waits for its reader. */
const HEARD_MS = 2000;

const CONTROL = /[^\P{Cc}\n\t]/gu;
/** They reorder what is shown around them. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes text safe for a terminal: control characters other than line ends and tabs are replaced by visible symbols.
 *
 * @param {string} text
 * @returns {string}
 */
export function printable(text) {
  return text
    .replace(CONTROL, (control) => {
      const code = control.charCodeAt(0);
      return control === '\r' ? '' : String.fromCharCode(code < 0x20 ? 0x2400 + code : 0x2421);
    })
    .replace(DIRECTION, '\u2421');
}

/**
 * JSON that may be shown on a terminal: of itself it escapes some control characters, and not those that reorder text.
 *
 * @param {unknown} value
 * @returns {string} one line
 */
export function toJSON(value) {
  const escaped = (/** @type {string} */ character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(CONTROL, escaped).replace(DIRECTION, escaped);
}

/** @param {number} share @returns {string} such as 78.9 % */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/**
 * Prints what a command was for: unlike reports, it must arrive.
 *
 * @param {string} text
 * @param {import('./system.js').System} system
 * @returns {Promise<boolean>} false if nobody reads any more, as with `| head`, which is not an error
 */
export async function print(text, { stdout }) {
  if (await stdout.write(text)) return true;
  if (stdout.error?.code === 'EPIPE') return false;
  throw new CommandError(`cannot write to standard output: ${reasonOf(stdout.error)}`, {
    cause: stdout.error,
  });
}

/** Standard output or standard error. Writing to it never throws. */
export class Channel {
  #stream;
  /** @type {((reason: string) => void)[]} */
  #listeners = [];

  /**
   * @param {string} name  for messages
   * @param {NodeJS.WritableStream & { isTTY?: boolean, columns?: number, writableLength?: number, getColorDepth?: () => number }} stream
   */
  constructor(name, stream) {
    this.name = name;
    /** The error of the last write. @type {NodeJS.ErrnoException | null} */
    this.error = null;
    this.#stream = stream;
    // The callback of each write gets the same error.
    stream.on('error', () => {});
    // Node waits for each write to a terminal: after Ctrl-S the whole run would stand still, with its saves and signals.
    if (stream.isTTY) /** @type {any} */ (stream)._handle?.setBlocking?.(false);
  }

  get isTTY() {
    return this.#stream.isTTY === true;
  }

  /** Columns of a terminal; 0 if unknown. */
  get columns() {
    return this.#stream.columns ?? 0;
  }

  /** Bits of colour; 1: none. */
  get colorDepth() {
    // An empty NO_COLOR counts as not set (no-color.org), but not for getColorDepth.
    return this.isTTY && !process.env.NO_COLOR ? (this.#stream.getColorDepth?.() ?? 1) : 1;
  }

  /** @param {(reason: string) => void} listener  called when writing begins to fail */
  onFailure(listener) {
    this.#listeners.push(listener);
  }

  /**
   * @param {string} text
   * @returns {Promise<boolean>} whether it was written
   */
  write(text) {
    if ((this.#stream.writableLength ?? 0) > MAX_UNSENT_BYTES) {
      this.#settle(Object.assign(new Error('its reader does not read'), { code: 'STALLED' }));
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const settle = (/** @type {Error | null | undefined} */ error) => {
        this.#settle(error ?? null);
        resolve(!error);
      };
      try {
        this.#stream.write(text, settle);
      } catch (error) {
        settle(/** @type {Error} */ (error));
      }
    });
  }

  /** @param {NodeJS.ErrnoException | null} error */
  #settle(error) {
    const began = error && !this.error;
    this.error = error;
    if (began) for (const listener of this.#listeners) listener(reasonOf(error));
  }
}

/** Messages for the user, said where somebody can still hear them. */
export class Messages {
  #system;
  /** Whether standard output has JSON. */
  json = false;
  /**
   * Where a file may say what nobody heard, and its name: only of a run, whose user looks there for its result.
   * @type {{ folders: string[], name: string } | null}
   */
  file = null;

  /** @param {import('./system.js').System} system */
  constructor(system) {
    this.#system = system;
  }

  /**
   * Prints a message on standard error, or else on standard output.
   *
   * @param {'note' | 'warning' | 'error'} type
   * @param {string} message
   * @returns {Promise<boolean>} whether it was heard
   */
  async tell(type, message) {
    const { stdout, stderr } = this.#system;
    const line = `${type === 'note' ? '' : `${type}: `}${printable(message)}\n`;
    if (await heard(stderr.write(line))) return true;
    return heard(stdout.write(this.json ? `${toJSON({ type, message })}\n` : line));
  }

  /**
   * Tells what must not be lost, such as where a model is: if nobody hears it, a file has it.
   *
   * @param {'note' | 'error'} type
   * @param {string} message
   */
  async insist(type, message) {
    if ((await this.tell(type, message)) || !this.file) return;
    const { fs } = this.#system;
    for (const folder of this.file.folders) {
      for (const number of ['', '-2', '-3']) {
        try {
          const path = join(folder, `${this.file.name}${number}.log`);
          return await fs.writeFile(path, `${message}\n`, { flag: 'wx' });
        } catch {
          // It exists, or the folder is gone.
        }
      }
    }
  }
}

/**
 * @param {Promise<boolean>} written
 * @returns {Promise<boolean>} whether it was written, or may be yet: a reader may be slow
 */
export function heard(written) {
  return Promise.race([written, setTimeout(HEARD_MS, true, { ref: false })]);
}
