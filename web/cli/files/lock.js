/**
 * A lock beside a file that a run writes, by which two runs with one `--out` notice each other.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import * as nodeFiles from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileError, usageError } from '../errors.js';
import { codeOf, hiddenName } from './write.js';

/** @typedef {import('./read.js').FileSystem} FileSystem */

/**
 * Who holds a lock.
 *
 * @typedef {object} Holder
 * @property {string} id       of the run
 * @property {string} machine  where the number of the process has its meaning
 * @property {number} pid
 * @property {string} started  tells the process from a later one with its number; empty if the system does not say
 */

const HEARTBEAT_MS = 10_000;
/** A run elsewhere, as in another container, is known to live only by its heartbeat. */
const ALIVE_MS = 60_000;
/** Between the creation of a lock and its content lie microseconds, unless the process was killed there. */
const UNWRITTEN_MS = 1000;
const UNWRITTEN_LOOKS = 20;
/** Of something else with the lock's name. */
const NOT_A_FILE = 'not a file';
/** Of a disk without room, which may have some when the file is written. */
const NO_ROOM = ['ENOSPC', 'EDQUOT'];

/** The lock of one target. */
export class Lock {
  #path;
  #fs;
  #id = randomUUID();
  /** @type {NodeJS.Timeout | undefined} */
  #heartbeat;

  /**
   * @param {string} target
   * @param {FileSystem} [fs]
   */
  constructor(target, fs = nodeFiles) {
    this.#path = join(dirname(target), `${hiddenName(target)}.lock`);
    this.#fs = fs;
  }

  /**
   * @param {string} path  of the target, for messages
   * @returns {Promise<boolean>} false: the disk has no room for it
   * @throws {import('../errors.js').CommandError} if another run has it, or nothing can be created in the folder
   */
  async acquire(path) {
    for (let unwritten = 0; ; ) {
      try {
        await this.#create();
        break;
      } catch (error) {
        if (NO_ROOM.includes(codeOf(error))) return false;
        if (codeOf(error) !== 'EEXIST') throw fileError('cannot write', path, error);
      }
      const content = await this.#read().catch((error) => {
        throw fileError('cannot read the lock', this.#path, error);
      });
      const holder = parseHolder(content);
      if (content === NOT_A_FILE) {
        throw usageError(`cannot write ${path}: ${this.#path} stands where its lock belongs; remove that`);
      }
      if (content !== null && !holder && unwritten++ < UNWRITTEN_LOOKS) {
        await setTimeout(UNWRITTEN_MS / UNWRITTEN_LOOKS);
      } else if (holder && (await this.#isHeld(holder))) {
        throw usageError(
          `another run is saving to ${path} (process ${holder.pid} on ${holder.machine.split(' ')[0]}): ` +
            `choose another --out, or end that run; if there is none, delete ${this.#path}`,
        );
      } else if (content !== null) {
        await this.#remove(content);
      }
    }
    // It ends with the run: it keeps no process alive.
    this.#heartbeat = setInterval(() => {
      const now = new Date();
      this.#fs.lutimes(this.#path, now, now).catch(() => {});
    }, HEARTBEAT_MS).unref();
    return true;
  }

  /** @returns {Promise<Holder | null>} another run, if it has taken the lock since */
  async takenBy() {
    // One that cannot be read now is taken for this run's.
    const holder = parseHolder(await this.#read().catch(() => null));
    return holder && holder.id !== this.#id ? holder : null;
  }

  async release() {
    clearInterval(this.#heartbeat);
    const holder = parseHolder(await this.#read().catch(() => null));
    if (holder?.id === this.#id) await this.#fs.unlink(this.#path).catch(() => {});
  }

  async #create() {
    const file = await this.#fs.open(this.#path, 'wx', 0o644);
    try {
      /** @type {Holder} */
      const holder = {
        id: this.#id,
        machine: await machineOf(),
        pid: process.pid,
        started: await startOf(process.pid),
      };
      try {
        await file.writeFile(`${JSON.stringify(holder)}\n`);
      } finally {
        await file.close();
      }
    } catch (error) {
      await this.#fs.unlink(this.#path).catch(() => {});
      throw error;
    }
  }

  /** @returns {Promise<string | null>} null if there is no lock */
  async #read() {
    try {
      // To open a link or a pipe with this name might lead anywhere, or wait for ever.
      if (!(await this.#fs.lstat(this.#path)).isFile()) return NOT_A_FILE;
      return await this.#fs.readFile(this.#path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** @param {Holder} holder */
  async #isHeld({ machine, pid, started }) {
    if (machine === (await machineOf())) return isRunning(pid, started);
    const found = await this.#fs.lstat(this.#path).catch(() => null);
    return found !== null && Date.now() - found.mtimeMs < ALIVE_MS;
  }

  /**
   * Removes a lock that nobody holds, unless another run has done so in the meantime and has it now.
   *
   * @param {string} content  as it was
   */
  async #remove(content) {
    const aside = this.#path.replace(/\.lock$/, `-${randomUUID()}.tmp`);
    try {
      await this.#fs.rename(this.#path, aside);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return;
      throw fileError('cannot remove', this.#path, error);
    }
    const moved = await this.#fs.readFile(aside, 'utf8').catch(() => content);
    if (moved === content) await this.#fs.unlink(aside).catch(() => {});
    else await this.#fs.rename(aside, this.#path).catch(() => {});
  }
}

/**
 * @param {string | null} content
 * @returns {Holder | null}
 */
function parseHolder(content) {
  try {
    const { id, machine, pid, started } = JSON.parse(content ?? '');
    if ([id, machine, started].every((text) => typeof text === 'string') && Number.isInteger(pid)) {
      return { id, machine, pid, started };
    }
  } catch {
    // Killed before it was written.
  }
  return null;
}

/** @returns {Promise<string>} the machine, and the container: the same number means another process there */
async function machineOf() {
  return `${hostname()} ${await nodeFiles.readlink('/proc/self/ns/pid').catch(() => '')}`.trim();
}

/**
 * @param {number} pid
 * @param {string} started
 */
async function isRunning(pid, started) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is another user's.
    if (codeOf(error) !== 'EPERM') return false;
  }
  return started === (await startOf(pid));
}

/**
 * @param {number} pid
 * @returns {Promise<string>} empty if the system does not say
 */
async function startOf(pid) {
  const status = await nodeFiles.readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the name of the program, may have spaces and brackets.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; its parent has not noticed.
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
}
