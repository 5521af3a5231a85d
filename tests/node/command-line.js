/** What the tests of the command line share: a text, a tiny model, processes, and a machine of which parts fail. */
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import * as files from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { main } from '../../web/cli/main.js';

export const cli = fileURLToPath(new URL('../../web/cli.js', import.meta.url));

/** A text of 9000 bytes that is easy to learn; no segment length divides it. */
export const text = Array.from(
  { length: 250 },
  (_, i) => `${i % 7} sheep met ${i % 3} wolves at nïght.\n`,
).join('');

/** Options of a tiny model. */
export const tiny = [
  ['--layers', '1'],
  ['--heads', '2'],
  ['--d-model', '16'],
  ['--d-head', '8'],
  ['--d-inner', '16'],
  ['--experts', '4'],
  ['--hyper-size', '8'],
  ['--context-length', '16'],
  ['--memory-length', '16'],
  ['--batch-size', '4'],
  ['--variant', 'simd'],
].flat();

/**
 * Starts the command line in a process of its own.
 *
 * @param {string[]} args
 * @param {string} cwd
 */
export function start(args, cwd) {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '', DEBUG: '', FORCE_COLOR: undefined },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    output.stderr += chunk;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return { child, ended };
}

/** @param {string} stdout @returns {any[]} */
export function jsonLines(stdout) {
  return stdout
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** @param {string} code @returns {NodeJS.ErrnoException} as the system gives it */
export function systemError(code) {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** A stream whose writes fail where the test says so. */
export class Sink extends EventEmitter {
  text = '';
  writes = 0;
  isTTY = false;
  columns = 80;
  #fails;

  /** @param {(write: number) => string | null} [fails] the code of the error of a write, counted from 1 */
  constructor(fails = () => null) {
    super();
    this.#fails = fails;
  }

  /** @param {string} text @param {(error?: Error) => void} [callback] */
  write(text, callback) {
    const code = this.#fails(++this.writes);
    if (!code) this.text += text;
    const error = code ? systemError(code) : undefined;
    process.nextTick(() => {
      callback?.(error);
      if (error) this.emit('error', error);
    });
    return true;
  }
}

/**
 * Runs the command line in this process, on a machine of which parts are replaced.
 *
 * @param {string[]} args
 * @param {Record<string, unknown>} [parts] as Machine in web/cli/system.js
 */
export async function runHere(args, parts = {}) {
  const stdout = /** @type {Sink} */ (parts.stdout ?? new Sink());
  const stderr = /** @type {Sink} */ (parts.stderr ?? new Sink());
  const code = await main(
    args,
    /** @type {any} */ ({
      stdin: Readable.from([]),
      shelters: [],
      signals: new EventEmitter(),
      wait: async () => {},
      exit: (/** @type {number} */ status) => {
        throw new Error(`exit ${status}`);
      },
      ...parts,
      stdout,
      stderr,
    }),
  );
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Operations of open files; all others are those of the file system. */
const OF_HANDLES = ['read', 'write', 'writeFile', 'sync', 'close', 'chmod', 'chown', 'stat'];

/**
 * A file system of which some calls fail.
 *
 * @param {(operation: string, path: string) => string | null} fails  the code of the error of a call, or null;
 *   operations of open files are called `file.write` and so on
 * @returns {typeof files}
 */
export function faulty(fails) {
  /** @param {string} name @param {string} path @param {() => any} call */
  const guard = async (name, path, call) => {
    const code = fails(name, path);
    if (code) {
      // A descriptor is gone even if closing it failed.
      if (name === 'file.close') await call();
      throw systemError(code);
    }
    return call();
  };
  /** @type {Record<string, any>} */
  const system = { ...files };
  for (const [name, value] of Object.entries(files)) {
    if (typeof value !== 'function') continue;
    system[name] = (/** @type {any[]} */ ...args) => {
      return guard(name, String(args[0]), async () => {
        const result = await /** @type {any} */ (value)(...args);
        return name === 'open' ? handleOf(result, String(args[0]), guard) : result;
      });
    };
  }
  return /** @type {any} */ (system);
}

/**
 * @param {any} handle
 * @param {string} path
 * @param {(name: string, path: string, call: () => any) => Promise<any>} guard
 */
function handleOf(handle, path, guard) {
  return Object.fromEntries(
    OF_HANDLES.map((name) => [
      name,
      (/** @type {any[]} */ ...args) => guard(`file.${name}`, path, () => handle[name](...args)),
    ]),
  );
}
