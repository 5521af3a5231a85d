/**
 * What the command line uses of the process and the machine. Tests replace parts of it.
 *
 * @module
 */
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { Channel, Messages } from './output.js';

/**
 * @typedef {object} Machine
 * @property {import('./files/read.js').FileSystem} fs
 * @property {AsyncIterable<Uint8Array> & NodeJS.ReadableStream & { isTTY?: boolean }} stdin
 * @property {ConstructorParameters<typeof Channel>[1]} stdout
 * @property {ConstructorParameters<typeof Channel>[1]} stderr
 * @property {NodeJS.EventEmitter} signals
 * @property {(code: number) => void} exit
 * @property {string[]} shelters  folders for what cannot be saved where it should be
 * @property {(milliseconds: number) => Promise<unknown>} wait
 */

/** @type {Machine} */
export const machine = {
  fs,
  // Not before somebody reads it.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
  exit: (code) => process.exit(code),
  shelters: [...currentFolder(), tmpdir()],
  wait: (milliseconds) => setTimeout(milliseconds),
};

function currentFolder() {
  try {
    return [process.cwd()];
  } catch {
    // It was removed.
    return [];
  }
}

/** The system of one command. */
export class System {
  /** Of the process, when the command has ended. */
  exitCode = 0;
  #machine;

  /** @param {Partial<Machine>} [parts]  instead of those of the process */
  constructor(parts = {}) {
    this.#machine = /** @type {Machine} */ (Object.setPrototypeOf({ ...parts }, machine));
    const { stdout, stderr } = this.#machine;
    this.stdout = new Channel('standard output', stdout);
    this.stderr = new Channel('standard error', stderr);
    this.messages = new Messages(this);
  }

  get fs() {
    return this.#machine.fs;
  }

  get signals() {
    return this.#machine.signals;
  }

  get shelters() {
    return this.#machine.shelters;
  }

  /** Whoever can be asked: null if nobody is at a terminal. */
  get terminal() {
    const { stdin: input, stderr: output } = this.#machine;
    return input.isTTY && output.isTTY ? { input, output } : null;
  }

  get stdin() {
    return this.#machine.stdin;
  }

  /** @param {number} code */
  exit(code) {
    this.#machine.exit(code);
  }

  /** @param {number} milliseconds */
  wait(milliseconds) {
    return this.#machine.wait(milliseconds);
  }
}
