// The processes that contestants live in: Node in two versions, a page in Chromium, Python. All answer requests one
// at a time, so that whoever asks decides the order in which everything is timed.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../wasm/toolchain.js';
import { serve } from './server.js';

/** @import { Request, Reply } from './contestants.js' */

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const CURRENT_NODE = fileURLToPath(new URL('../current-node/node_modules/.bin/node', import.meta.url));
const PYTHON = '/usr/bin/python3';

/**
 * @typedef {object} Host
 * @property {string} name
 * @property {string} version
 * @property {(request: Request | { task: 'about' }) => Promise<any>} ask  rejects if the contestant cannot do it
 * @property {(variant: string) => Promise<number>} [load]  milliseconds of compiling and instantiating the package's
 *   module where nothing was compiled before
 * @property {() => Promise<void>} close
 */

/** A child process that reads a request a line and writes a reply a line. */
class ProcessHost {
  #child;
  #lines;

  /**
   * @param {string} name
   * @param {string} version
   * @param {string} command
   * @param {string[]} args
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(name, version, command, args, env) {
    this.name = name;
    this.version = version;
    this.#child = spawn(command, args, { cwd: FOLDER, env, stdio: ['pipe', 'pipe', 'pipe'] });
    let errors = '';
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-2000);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.errors = () => errors;
  }

  /** @param {object} request */
  async ask(request) {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended: ${this.errors()}`);
    const reply = JSON.parse(value);
    if (reply.error) throw new Error(reply.error);
    return reply;
  }

  async close() {
    this.#child.stdin.end();
  }
}

/**
 * Time, or time of the processor in the contestant's process: for machines that have other work too.
 * @typedef {'wall' | 'cpu'} ClockName
 */

/**
 * @param {ClockName} clock
 * @returns {Host[]}
 */
export function nodeHosts(clock) {
  const major = Number(process.versions.node.split('.')[0]);
  const flags = major < 21 ? ['--experimental-wasm-relaxed-simd'] : [];
  const hosts = [nodeHost(`Node ${major}`, process.version, process.execPath, flags, clock)];
  if (major < 22 && existsSync(CURRENT_NODE)) {
    const version = execFileSync(CURRENT_NODE, ['--version'], { encoding: 'utf8' }).trim();
    hosts.push(nodeHost(`Node ${version.slice(1).split('.')[0]}`, version, CURRENT_NODE, [], clock));
  }
  return hosts;
}

/**
 * @param {string} name
 * @param {string} version
 * @param {string} command
 * @param {string[]} flags
 * @param {ClockName} clock
 */
function nodeHost(name, version, command, flags, clock) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const host = new ProcessHost(name, version, command, [...flags, `${FOLDER}worker.js`, clock], env);
  return Object.assign(host, {
    async load(/** @type {string} */ variant) {
      return Number(
        execFileSync(command, [...flags, `${FOLDER}load.js`, variant], { encoding: 'utf8', env }),
      );
    },
  });
}

/**
 * PyTorch in a process of its own, if it is there. With the environment's settings of OpenBLAS taken away: they can
 * make it choose kernels of another processor.
 * @param {ClockName} clock
 * @returns {Promise<Host & { about: { torch: string, blas: string[] } } | undefined>}
 */
export async function torchHost(clock) {
  if (!existsSync(PYTHON)) return undefined;
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...rest } = process.env;
  const env = { ...rest, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const host = new ProcessHost('Python', '', PYTHON, [`${FOLDER}torch_peer.py`, clock], env);
  try {
    const about = await host.ask({ task: 'about' });
    host.version = `PyTorch ${about.torch}`;
    return Object.assign(host, { about });
  } catch {
    return undefined;
  }
}

/** @returns {Promise<Host | undefined>} a page in a headless Chromium, if there is one */
export async function pageHost() {
  const executablePath = findChromium();
  if (!executablePath) return undefined;
  const { chromium } = await import('playwright-core');
  const server = await serve();
  const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
  const open = async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${server.url}/tests/bench/page.html`);
    await page.waitForFunction('typeof answer === "function"');
    return page;
  };
  const page = await open();
  return {
    name: 'Chromium',
    version: browser.version(),
    async ask(request) {
      const reply = await page.evaluate((it) => /** @type {any} */ (globalThis).answer(it), request);
      if (reply.error) throw new Error(reply.error);
      return reply;
    },
    async load(variant) {
      const fresh = await open();
      const ms = await fresh.evaluate((it) => /** @type {any} */ (globalThis).load(it), variant);
      await fresh.context().close();
      return ms;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
