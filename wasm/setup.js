// Makes sure that what a purpose needs is on this machine: node wasm/setup.js PURPOSE
//
// On a Debian machine, as root, it installs what is missing; elsewhere it says
// what to install. It has no dependencies, since it is what installs them.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  findChromium,
  findEmscripten,
  findFirefox,
  findFuzzer,
  findHeadlessShell,
  findTool,
  findTorch,
  findWebKit,
  hasClang,
} from './toolchain.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} Tool
 * @property {() => unknown} isThere
 * @property {string} name      what to install, for a reader
 * @property {string[]} debian  the packages that bring it
 * @property {string} [without]  what happens without it; tools that have none are required
 */

/** @type {Record<string, Tool>} */
const TOOLS = {
  emscripten: { isThere: findEmscripten, name: 'Emscripten 3.1.60 or later', debian: ['emscripten'] },
  clang: {
    isThere: () => findEmscripten()?.current !== false || hasClang(),
    name: 'clang-19 and lld-19 (or Emscripten 3.1.60 or later)',
    debian: ['clang-19', 'lld-19'],
  },
  cmake: { isThere: () => findTool('cmake'), name: 'CMake', debian: ['cmake'] },
  make: { isThere: () => findTool('make'), name: 'make', debian: ['make'] },
  cc: { isThere: () => findTool('cc'), name: 'a C compiler', debian: ['gcc', 'libc6-dev'] },
  fuzzer: { isThere: findFuzzer, name: 'clang with libFuzzer', debian: ['clang', 'libclang-rt-dev'] },
  chromium: { isThere: findChromium, name: 'Chromium', debian: ['chromium'] },
  headlessShell: {
    // Other systems have no package of it.
    isThere: () => process.platform !== 'linux' || findHeadlessShell(),
    name: 'Chromium’s headless shell',
    debian: ['chromium-headless-shell'],
    without: 'all tests of the page run in Chromium and take longer',
  },
  firefox: { isThere: findFirefox, name: 'Firefox', debian: ['firefox-esr'] },
  webkit: {
    // There is no WebKitGTK for other systems.
    isThere: () => process.platform !== 'linux' || findWebKit(),
    name: 'WebKitGTK with its MiniBrowser, WebKitWebDriver and Xvfb',
    debian: ['webkit2gtk-driver', 'libwebkit2gtk-4.1-0', 'xvfb'],
  },
  // 150 MB to download, 650 MB on disk, half a minute.
  torch: {
    isThere: findTorch,
    name: 'PyTorch',
    debian: ['python3-torch', 'libopenblas0-pthread'],
    without: 'the tests with PyTorch are skipped',
  },
  clangFormat: { isThere: () => findTool('clang-format'), name: 'clang-format', debian: ['clang-format'] },
  clangTidy: { isThere: () => findTool('clang-tidy'), name: 'clang-tidy', debian: ['clang-tidy'] },
};

const WASM = ['emscripten', 'clang', 'cmake', 'make'];
const NATIVE = ['cmake', 'make', 'cc'];
const BROWSERS = ['chromium', 'headlessShell', 'firefox'];

/** @type {Record<string, { tools: string[], packages?: string[] }>} packages: folders with a package.json */
const PURPOSES = {
  start: { tools: WASM, packages: ['.'] },
  build: { tools: WASM, packages: ['.'] },
  'build:site': { tools: WASM, packages: ['.', 'demo/site'] },
  docs: { tools: [], packages: ['.', 'demo/site'] },
  bench: { tools: WASM, packages: ['.', 'tests/current-node'] },
  'bench:page': { tools: [...WASM, 'chromium', 'firefox'], packages: ['.', 'tests/lighthouse'] },
  test: {
    tools: [...WASM, ...NATIVE, 'fuzzer', ...BROWSERS, 'webkit', 'torch'],
    packages: ['.', 'tests/current-node'],
  },
  'test:c': { tools: NATIVE },
  fuzz: { tools: [...WASM, ...NATIVE, 'fuzzer'], packages: ['.'] },
  'test:node': { tools: WASM, packages: ['.', 'tests/current-node'] },
  'test:pytorch': { tools: [...WASM, 'torch'], packages: ['.'] },
  'test:page': { tools: [...WASM, ...BROWSERS, 'webkit'], packages: ['.'] },
  'test:bundlers': { tools: [...WASM, 'chromium', 'headlessShell'], packages: ['.'] },
  check: { tools: [...NATIVE, 'clangFormat', 'clangTidy'], packages: ['.'] },
};

const purpose = PURPOSES[process.argv[2]];
if (!purpose) fail(`Usage: node wasm/setup.js ${Object.keys(PURPOSES).join('|')}`);
installTools(purpose.tools);
for (const folder of purpose.packages ?? []) installPackages(folder);

/** @param {string[]} names */
function installTools(names) {
  const canInstall = process.getuid?.() === 0 && findTool('apt-get');
  /** @type {Set<Tool>} */
  const tried = new Set();
  // What Emscripten needs beside it shows only when Emscripten is there: hence the loop.
  for (;;) {
    const missing = [...new Set(names)].map((name) => TOOLS[name]).filter((tool) => !tool.isThere());
    const untried = missing.filter((tool) => !tried.has(tool));
    if (!canInstall || untried.length === 0) return report(missing);
    console.log(`Installing with apt-get: ${packagesOf(untried).join(' ')}`);
    if (tried.size === 0) run('apt-get', ['update']);
    const required = untried.filter(({ without }) => !without);
    if (required.length > 0) check(aptInstall(required));
    // Each by itself, because a system may lack the package of one.
    for (const tool of untried) {
      if (tool.without) aptInstall([tool]);
      tried.add(tool);
    }
  }
}

/**
 * Says what cannot be installed here, and ends the set-up if that is required.
 * @param {Tool[]} missing
 */
function report(missing) {
  const hint = (/** @type {Tool[]} */ tools) =>
    `On Debian or Ubuntu: sudo apt-get install ${packagesOf(tools).join(' ')}`;
  const required = missing.filter(({ without }) => !without);
  if (required.length > 0) fail(`Missing: ${required.map(({ name }) => name).join(', ')}. ${hint(missing)}`);
  for (const tool of missing) console.log(`Without ${tool.name}, ${tool.without}. ${hint([tool])}`);
}

/** @param {Tool[]} tools */
function packagesOf(tools) {
  return tools.flatMap(({ debian }) => debian);
}

/** @param {Tool[]} tools */
function aptInstall(tools) {
  return start('apt-get', ['install', '-y', '--no-install-recommends', ...packagesOf(tools)]);
}

/** @param {string} folder */
function installPackages(folder) {
  const path = join(ROOT, folder);
  const wanted = join(path, 'package-lock.json');
  const installed = join(path, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  console.log(
    `Installing with npm: the packages of ${folder === '.' ? 'package.json' : `${folder}/package.json`}`,
  );
  run('npm', ['ci', '--no-audit', '--no-fund'], path);
}

/**
 * Runs a command, and shows what it printed only if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 */
function run(command, args, cwd) {
  check(start(command, args, cwd));
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 */
function start(command, args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
  return { ...result, words: [command, ...args].join(' ') };
}

/** Ends the set-up where a command has failed. @param {ReturnType<typeof start>} result */
function check({ status, stdout, stderr, error, words }) {
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  fail(`${words} failed${error ? `: ${error.message}` : ''}`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
