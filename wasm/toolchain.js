// Finds compilers and other tools on this machine.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

/** The first Emscripten that knows everything that the build asks of it. */
const OLDEST_EMSCRIPTEN = [3, 1, 60];

/**
 * @param {string} name
 * @param {string[]} [folders]
 * @returns {string | undefined} the path of an executable file
 */
export function findTool(name, folders = (process.env.PATH ?? '').split(delimiter)) {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not in this folder
    }
  }
}

/**
 * @typedef {object} Emscripten
 * @property {string} folder    where its commands are
 * @property {string} version
 * @property {boolean} current  whether it can build both modules by itself
 */

/** @returns {Emscripten | undefined} */
export function findEmscripten() {
  const { EMSDK } = process.env;
  const emcc = findTool('emcc') ?? (EMSDK && findTool('emcc', [join(EMSDK, 'upstream', 'emscripten')]));
  if (!emcc) return undefined;
  // Asking emcc itself takes half a second.
  const file = join(dirname(realpathSync(emcc)), 'emscripten-version.txt');
  const text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : execFileSync(emcc, ['--version'], { encoding: 'utf8' });
  const version = text.match(/\d+\.\d+\.\d+/)?.[0] ?? '0.0.0';
  const current = compareVersions(version.split('.').map(Number), OLDEST_EMSCRIPTEN) >= 0;
  return { folder: dirname(emcc), version, current };
}

/** Whether clang and wasm-ld are there for an Emscripten that is too old (see clang.cmake). */
export function hasClang() {
  return Boolean(findTool('clang-19') && findTool('wasm-ld-19'));
}

/** @returns {string | undefined} a clang with libFuzzer, for the fuzzer of the engine */
export function findFuzzer() {
  const names = ['clang', ...Array.from({ length: 12 }, (_, i) => `clang-${25 - i}`)];
  return names
    .map((name) => findTool(name))
    .find((clang) => {
      if (!clang) return false;
      const folder = execFileSync(clang, ['-print-runtime-dir'], { encoding: 'utf8' }).trim();
      return existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('libclang_rt.fuzzer'));
    });
}

/** @returns {string | undefined} a Chromium or Chrome for the tests of the page */
export function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  return names.map((name) => findTool(name)).find(Boolean);
}

/** @returns {string | undefined} Chromium's engine without its user interface, for tests that share a browser */
export function findHeadlessShell() {
  return process.env.CHROMIUM || findTool('chromium-headless-shell');
}

/** @returns {string | undefined} a Firefox for the tests of the page */
export function findFirefox() {
  if (process.env.FIREFOX) return process.env.FIREFOX;
  return ['firefox-esr', 'firefox'].map((name) => findTool(name)).find(Boolean);
}

/** @returns {string | undefined} a Python with PyTorch, for the tests of demo/examples/pytorch */
export function findTorch() {
  // Whether it is there, without importing it, which takes seconds.
  const looks = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)';
  return [process.env.PYTHON, findTool('python3'), '/usr/bin/python3']
    .filter((python) => python !== undefined)
    .find((python) => spawnSync(python, ['-c', looks]).status === 0);
}

/**
 * @typedef {object} WebKit
 * @property {string} driver   WebKitWebDriver
 * @property {string} browser  the MiniBrowser of WebKitGTK
 * @property {string} display  Xvfb, a screen that nobody sees
 */

/** @returns {WebKit | undefined} WebKitGTK for the tests of the page */
export function findWebKit() {
  const driver = findTool('WebKitWebDriver');
  const display = findTool('Xvfb');
  const browser = process.env.WEBKIT ?? findTool('MiniBrowser', miniBrowserFolders());
  return driver && display && browser ? { driver, browser, display } : undefined;
}

/** Distributions put it beside the library, with the version of GTK in the name of the folder. */
function miniBrowserFolders() {
  return ['/usr/lib', '/usr/lib64', '/usr/libexec', ...subfolders('/usr/lib')]
    .flatMap(subfolders)
    .filter((folder) => /^webkit(2gtk|gtk)-/.test(basename(folder)));
}

/** @param {string} folder */
function subfolders(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

/**
 * @param {number[]} a
 * @param {number[]} b
 */
function compareVersions(a, b) {
  for (const [i, part] of a.entries()) {
    if (part !== b[i]) return part - b[i];
  }
  return 0;
}
