/**
 * Saves a run: where it was asked to, and if that cannot be, somewhere else.
 *
 * @module
 */
import { basename, dirname, extname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CommandError } from '../errors.js';
import { hiddenName, isInPlace, removeTemporaries, writePlainly, writeWhole } from './write.js';

/** Between the rounds of attempts at the last save, if all places fail: whoever sent SIGTERM does not wait long. */
const PAUSES_MS = [1000, 4000];

/** The greatest length of a name is 255 bytes. */
const LONG_NAME_BYTES = 200;

/**
 * What became of the last save.
 *
 * @typedef {object} Saved
 * @property {string} path   of the file
 * @property {number} bytes  its size
 * @property {Error | null} problem  why it is not where it was asked for
 */

/** Saves to one path. */
export class Saver {
  #path;
  #target;
  #lock;
  #system;

  /**
   * @param {object} place
   * @param {string} place.path    as given
   * @param {string} place.target  the file that it names
   * @param {import('./lock.js').Lock} place.lock
   * @param {import('../system.js').System} system
   */
  constructor({ path, target, lock }, system) {
    this.#path = path;
    this.#target = target;
    this.#lock = lock;
    this.#system = system;
  }

  /** As given. */
  get path() {
    return this.#path;
  }

  /** Where else something of the run may be written, the best first. */
  get folders() {
    return [...new Set([dirname(this.#target), ...this.#system.shelters])];
  }

  /** @param {string} end @returns {string} the name of another file of the run */
  nameWith(end) {
    const name = basename(this.#target);
    const stem =
      Buffer.byteLength(name) > LONG_NAME_BYTES ? hiddenName(name).slice(1) : basename(name, extname(name));
    return `${stem}${end}`;
  }

  /** @param {number} number  from 1 */
  #rescueName(number) {
    return this.nameWith(`.rescued${number === 1 ? '' : `-${number}`}${extname(this.#target)}`);
  }

  /** Removes what killed runs left. */
  async removeTemporaries() {
    const rescued = join(dirname(this.#target), this.#rescueName(1));
    for (const target of [this.#target, rescued]) await removeTemporaries(target, this.#system.fs);
  }

  /**
   * @param {Uint8Array} bytes
   * @throws {CommandError}
   */
  async save(bytes) {
    const other = await this.#lock.takenBy();
    if (other) {
      throw new CommandError(
        `cannot write ${this.#path}: another run, process ${other.pid}, saves there now`,
      );
    }
    try {
      await writeWhole(this.#target, bytes, this.#system.fs);
    } catch (error) {
      // The path that the user knows.
      const { message, cause } = /** @type {CommandError} */ (error);
      throw new CommandError(
        message.replace(this.#target, () => this.#path),
        { cause },
      );
    }
  }

  /**
   * Saves what would be lost otherwise. If it is not possible at the path: beside it, in the current folder, or in the
   * folder for temporary files; and if nothing is, again a little later, or where the user says.
   *
   * @param {Uint8Array} bytes
   * @returns {Promise<Saved>}
   * @throws {CommandError} if it is possible nowhere
   */
  async saveSomewhere(bytes) {
    /** @type {Error | undefined} */
    let problem;
    for (const pause of [0, ...PAUSES_MS]) {
      if (pause > 0) await this.#system.wait(pause);
      // Twice: some errors pass.
      for (let attempt = 0; attempt < 2; attempt++) {
        try {
          await this.save(bytes);
          return { path: this.#path, bytes: bytes.length, problem: null };
        } catch (error) {
          problem = /** @type {Error} */ (error);
        }
      }
      if (isInPlace(problem)) {
        await this.#system.messages.tell(
          'warning',
          `${problem?.message}; it is there, but may not outlast a power failure`,
        );
        return { path: this.#path, bytes: bytes.length, problem: null };
      }
      for (const folder of this.folders) {
        const path = await this.#rescue(folder, bytes);
        if (path) return { path, bytes: bytes.length, problem: /** @type {Error} */ (problem) };
      }
    }
    const path = await this.#ask(/** @type {Error} */ (problem), bytes);
    if (path) return { path, bytes: bytes.length, problem: path === this.#path ? null : (problem ?? null) };
    throw new CommandError(
      `${problem?.message}; nor is there another place for it: ${this.folders.join(', ')} were tried`,
      { cause: problem },
    );
  }

  /**
   * @param {string} folder
   * @param {Uint8Array} bytes
   * @returns {Promise<string | null>} where it was saved
   */
  async #rescue(folder, bytes) {
    const { fs } = this.#system;
    for (let number = 1; number < 100; number++) {
      const path = join(folder, this.#rescueName(number));
      const exists = await fs.lstat(path).then(
        () => true,
        (error) => error.code !== 'ENOENT',
      );
      if (exists) continue;
      try {
        await writeWhole(path, bytes, fs);
        return path;
      } catch (error) {
        if (isInPlace(error)) return path;
      }
      try {
        await writePlainly(path, bytes, fs);
        return path;
      } catch {
        return null;
      }
    }
    return null;
  }

  /**
   * @param {Error} problem
   * @param {Uint8Array} bytes
   * @returns {Promise<string | null>} where it was saved
   */
  async #ask({ message }, bytes) {
    const { terminal, fs } = this.#system;
    if (!terminal) return null;
    const lines = createInterface(terminal);
    const closed = new AbortController();
    for (const event of /** @type {const} */ (['close', 'SIGINT'])) lines.on(event, () => closed.abort());
    try {
      for (;;) {
        const answer = await lines.question(
          `${message}\nAnother file to save to, or Enter to try again (Ctrl-C gives the model up): `,
          closed,
        );
        try {
          if (answer === '') await this.save(bytes);
          else await writeNew(answer, bytes, fs);
          return answer || this.#path;
        } catch (error) {
          ({ message } = /** @type {Error} */ (error));
        }
      }
    } catch {
      return null;
    } finally {
      lines.close();
    }
  }
}

/**
 * @param {string} path
 * @param {Uint8Array} bytes
 * @param {import('./read.js').FileSystem} fs
 */
async function writeNew(path, bytes, fs) {
  if (await fs.lstat(path).catch(() => null)) throw new CommandError(`${path} already exists`);
  await writeWhole(path, bytes, fs);
}
