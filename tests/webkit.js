/** The third browser of the tests. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findWebKit } from '../wasm/toolchain.js';

/** How long anything may take on a machine that does other things too, milliseconds. */
const patience = 180_000;

/**
 * JavaScriptCore 2.50.6 traps or computes other bits in about 2 of 1,000 trainings (12 of 5,554 in its own shell): a fault
 * of its own while another thread compiles, which no test here is about. It was not seen where code waits for its
 * compilation (about 1,200 trainings), nor where replaced code is kept (about 2,000).
 */
const steadyCompiler = { JSC_useConcurrentJIT: '0', JSC_freeRetiredWasmCode: '0' };

/** Why the tests in WebKit cannot run here; false: they can. */
export const noWebKit =
  !findWebKit() && 'there is no WebKitGTK with MiniBrowser, WebKitWebDriver and Xvfb here';

/**
 * The MiniBrowser of WebKitGTK as the distribution ships it, with one window, by WebDriver: playwright-core drives only
 * a WebKit of its own. What the browser writes is gone when it is closed.
 *
 * @param {object} [options]
 * @param {string} [options.locale] of the process, from which the browser takes its language: `de_DE.UTF-8` gives
 *   "de-DE", `C` "en-US", and `C.UTF-8` gives "C", which is none
 * @param {boolean} [options.sharedMemory] with SharedArrayBuffer, which WebKitGTK has not by default
 */
export async function launchWebKit(options = {}) {
  for (let left = 3; ; left--) {
    try {
      return await launch(options);
    } catch (error) {
      // Driver and browser are given ports that were free, and that somebody else may have taken since.
      if (left === 1) throw error;
    }
  }
}

/** @param {{ locale?: string, sharedMemory?: boolean }} options */
async function launch({ locale = 'C', sharedMemory = false }) {
  const found = findWebKit();
  if (!found) throw new Error(String(noWebKit));
  const home = mkdtempSync(join(tmpdir(), 'hyperrouter-webkit-'));
  /** @type {import('node:child_process').ChildProcess[]} */
  const processes = [];
  const end = () => {
    // The driver first; without a screen, the browser ends by itself.
    for (const one of processes.reverse()) one.kill();
  };
  const remove = () => rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  const onExit = () => {
    end();
    remove();
  };
  const onSignal = () => process.exit(1);
  process.on('exit', onExit);
  process.on('SIGTERM', onSignal);
  const close = async () => {
    process.off('exit', onExit);
    process.off('SIGTERM', onSignal);
    const running = processes.filter((one) => one.pid && one.exitCode === null && one.signalCode === null);
    const ended = running.map((one) => new Promise((resolve) => one.once('exit', resolve)));
    end();
    await Promise.all(ended);
    remove();
  };
  try {
    const env = {
      ...process.env,
      DISPLAY: await startScreen(found.display, processes),
      HOME: home,
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
      XDG_RUNTIME_DIR: home,
      GDK_BACKEND: 'x11',
      NO_AT_BRIDGE: '1',
      DBUS_SESSION_BUS_ADDRESS: 'disabled:',
      // There is no graphics card.
      WEBKIT_DISABLE_DMABUF_RENDERER: '1',
      ...steadyCompiler,
      LANGUAGE: '',
      LC_ALL: locale,
      ...knownLocale(locale, home),
      ...(sharedMemory ? { JSC_useSharedArrayBuffer: '1' } : {}),
    };
    const driver = await startDriver(found.driver, env, processes);
    const { sessionId } = await driver('POST', '/session', {
      capabilities: {
        alwaysMatch: {
          'webkitgtk:browserOptions': { binary: found.browser, args: ['--automation'] },
          timeouts: { script: patience, pageLoad: patience },
        },
      },
    });
    const page = pageOf((method, path, body) => driver(method, `/session/${sessionId}${path}`, body));
    return {
      ...page,
      /** Where files that the page saves are put. */
      downloadsPath: home,
      async close() {
        // Ends the browser, which then does not write any more.
        await driver('DELETE', `/session/${sessionId}`).catch(() => {});
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @typedef {Awaited<ReturnType<typeof launchWebKit>>} WebKitPage */

/** @typedef {(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<any>} Command */

/** @param {Command} command */
function pageOf(command) {
  /**
   * @template {unknown[]} A
   * @template T
   * @param {(...args: A) => T} run in the page, so that it must not use anything from outside
   * @param {A} args as JSON
   * @returns {Promise<Awaited<T>>}
   */
  async function evaluate(run, ...args) {
    const script = `const [args, done] = arguments;
      (async () => (${run})(...args))().then((value) => done({ value }), (error) => {
        const causes = [];
        for (let cause = error; cause && causes.length < 9; cause = cause.cause) causes.push(String(cause));
        done({ error: causes.join(', because of ') });
      });`;
    const { value, error } = await command('POST', '/execute/async', { script, args: [args] });
    if (error !== undefined) throw new Error(`in the page: ${error}`);
    return value;
  }
  return {
    evaluate,
    /** @param {string} url */
    goto: (url) => command('POST', '/url', { url }),
    reload: () => command('POST', '/refresh', {}),
    /** @returns {Promise<Buffer>} of a PNG */
    screenshot: async () => Buffer.from(await command('GET', '/screenshot'), 'base64'),
    /**
     * Waits until something is true in the page, also while it loads.
     *
     * @template {unknown[]} A
     * @template T
     * @param {string} what for the message if it does not come
     * @param {(...args: A) => T} run
     * @param {A} args
     * @returns {Promise<Awaited<T>>}
     */
    async waitFor(what, run, ...args) {
      let last;
      for (const end = Date.now() + patience; Date.now() < end; ) {
        try {
          last = await evaluate(run, ...args);
          if (last) return last;
        } catch (error) {
          last = error;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${what} has not come: ${last}`);
    },
    /**
     * Presses a key, by its name in `KeyboardEvent.key`, perhaps with others before it and a plus sign between them.
     *
     * @param {string} keys
     */
    async press(keys) {
      const values = keys.split('+').map((key) => keyValues[key] ?? key);
      const actions = [
        ...values.map((value) => ({ type: 'keyDown', value })),
        ...values.toReversed().map((value) => ({ type: 'keyUp', value })),
      ];
      await command('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
    },
    /**
     * Taps at a place of the window.
     *
     * @param {number} x
     * @param {number} y
     */
    async tap(x, y) {
      const actions = [
        { type: 'pointerMove', duration: 0, x: Math.round(x), y: Math.round(y), origin: 'viewport' },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ];
      await command('POST', '/actions', {
        actions: [{ type: 'pointer', id: 'finger', parameters: { pointerType: 'touch' }, actions }],
      });
    },
    /** @param {string} selector */
    async click(selector) {
      const element = await command('POST', '/element', { using: 'css selector', value: selector });
      await command('POST', `/element/${Object.values(element)[0]}/click`, {});
    },
  };
}

/** The keys that are no characters, as WebDriver has them. @type {Record<string, string>} */
const keyValues = {
  Tab: '\uE004',
  Enter: '\uE007',
  Shift: '\uE008',
  Control: '\uE009',
  ArrowLeft: '\uE012',
  ArrowUp: '\uE013',
  ArrowRight: '\uE014',
  ArrowDown: '\uE015',
};

/**
 * @param {string} program
 * @param {import('node:child_process').ChildProcess[]} processes
 * @returns {Promise<string>} its name
 */
async function startScreen(program, processes) {
  const args = ['-displayfd', '3', '-screen', '0', '1440x1000x24', '-nolisten', 'tcp'];
  const screen = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  processes.push(screen);
  const number = await firstLine(screen, /** @type {import('node:stream').Readable} */ (screen.stdio[3]));
  return `:${number}`;
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {import('node:stream').Readable} stream
 * @returns {Promise<string>}
 */
function firstLine(child, stream) {
  return new Promise((resolve, reject) => {
    let said = '';
    let text = '';
    child.stderr?.on('data', (data) => {
      said += data;
    });
    stream.on('data', (data) => {
      text += data;
      if (text.includes('\n')) resolve(text.split('\n')[0].trim());
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended (${code}): ${said}`)));
  });
}

/**
 * @param {string} program
 * @param {Record<string, string | undefined>} env also of the browser
 * @param {import('node:child_process').ChildProcess[]} processes
 * @returns {Promise<Command>}
 */
async function startDriver(program, env, processes) {
  const port = await freePort();
  const child = spawn(program, ['--host=127.0.0.1', `--port=${port}`], { env, stdio: 'ignore' });
  processes.push(child);
  let ended = '';
  child.once('error', (error) => {
    ended = String(error);
  });
  child.once('exit', (code, signal) => {
    ended = `${program} ended (${code ?? signal})`;
  });
  /** @type {Command} */
  const command = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(patience + 10_000),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
  for (const until = Date.now() + patience; ; ) {
    try {
      await command('GET', '/status');
      return command;
    } catch (error) {
      if (ended || Date.now() > until)
        throw new Error(ended || `${program} does not answer`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** @returns {Promise<number>} the driver does not tell which port it has chosen */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/**
 * The browser takes the name of the locale, and nothing else of it: where the system does not have it, a copy of C.UTF-8
 * with that name will do.
 *
 * @param {string} locale
 * @param {string} home where the copy lies
 */
function knownLocale(locale, home) {
  if (locale.startsWith('C')) return {};
  const source = ['C.utf8', 'C.UTF-8'].map((name) => join('/usr/lib/locale', name)).find(existsSync);
  if (!source) throw new Error('the locale C.UTF-8 is not in /usr/lib/locale');
  const folder = join(home, 'locale');
  cpSync(source, join(folder, locale), { recursive: true });
  return { LOCPATH: folder };
}
