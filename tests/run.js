// Runs the suites and adds up their counts:
//   node tests/run.js [c] [node] [current-node] [page] [pytorch] [bundlers] [docs] [fuzz]     all of them by default
// Ends with "N passed, N failed, N skipped"; fails if a test failed, a runner did, or none ran.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineCoverage, forgetRuns, packageCoverage } from './coverage/coverage.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NATIVE = join('build', 'native');
const CORES = availableParallelism();
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
const CURRENT_NODE = join(ROOT, 'tests', 'current-node', 'node_modules', '.bin', 'node');
/** What several files need is made here, once. */
const SHARED = mkdtempSync(join(tmpdir(), 'hyperrouter-tests-'));
process.on('exit', () => rmSync(SHARED, { recursive: true, force: true }));

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string} [failures] what their runner says of them
 *
 * @typedef {(text: string) => void} Print
 */

/** @type {Record<string, (print: Print) => Promise<Counts>>} */
const SUITES = {
  c: async (print) => {
    await run(print, 'cmake', ['-S', '.', '-B', NATIVE, '-DHR_COVERAGE=ON'], { quiet: true });
    await run(print, 'cmake', ['--build', NATIVE, '--parallel', JOBS], { quiet: true });
    forgetRuns(NATIVE);
    const ctest = ['--test-dir', NATIVE, '--output-on-failure', '--no-tests=error', '--parallel', JOBS];
    const counts = ctestCounts(await run(print, 'ctest', ctest, { mayFail: true }));
    return withCoverage(counts, engineCoverage(NATIVE, print));
  },
  node: async (print) => {
    await install(print, 'tests/coverage');
    const folder = join(SHARED, 'coverage');
    const counts = await nodeTests(print, 'tests/node', { env: { NODE_V8_COVERAGE: folder } });
    return withCoverage(counts, packageCoverage(folder, join(SHARED, 'coverage-report'), print));
  },
  'current-node': (print) =>
    nodeTests(print, 'tests/node', {
      node: CURRENT_NODE,
      leaveOut:
        /^(arguments|await-train|checkpoint|cli|config|data|half|labelled|measures|messages|patience|readme|realms|schedules|study|text|training-loop|types|unknown-options|without-effect|worker-messages)[\w-]*\.test\.js$/,
    }),
  page: async (print) => {
    const built = join(SHARED, 'page');
    const vite = ['build', 'demo', '--outDir', built, '--logLevel', 'warn'];
    await run(print, join('node_modules', '.bin', 'vite'), vite, { quiet: true });
    return nodeTests(print, 'tests/page', {
      env: { HR_TEST_PAGE: built, HR_TEST_CHROMIUM: await chromium() },
      concurrency: PAGES,
    });
  },
  pytorch: (print) => nodeTests(print, 'tests/pytorch'),
  bundlers: async (print) => {
    // Large, and needed by nothing else.
    await install(print, 'tests/bundlers');
    await run(print, join('node_modules', '.bin', 'tsc'), ['-p', 'web/tsconfig.json'], { quiet: true });
    const { pack } = await import('./bundlers/support.js');
    const packed = join(SHARED, 'packed');
    await pack(packed);
    const env = { HR_TEST_PACKED: packed, HR_TEST_CHROMIUM: await chromium() };
    return nodeTests(print, 'tests/bundlers', { env });
  },
  docs: async (print) => {
    await install(print, 'demo/site');
    return nodeTests(print, 'tests/docs', { env: { HR_TEST_CHROMIUM: await chromium() } });
  },
  fuzz: async (print) => {
    const fuzz = [join('tests', 'fuzz', 'run.js'), '--seconds', '30'];
    return nodeCounts(await run(print, process.execPath, fuzz, { mayFail: true }));
  },
};

/** Two at a time are run, in this order: the one that takes longest first, and no long one last, when nothing runs beside it. */
const ORDER = ['page', 'c', 'fuzz', 'node', 'bundlers', 'current-node', 'docs', 'pytorch'];

// The package is tested on the oldest Node it supports and on a current one: their
// engines compile WebAssembly differently. A Node that is current does for both.
const bothNodes = NODE_MAJOR < 22 && process.platform === 'linux';
const all = Object.keys(SUITES).filter((name) => name !== 'current-node' || bothNodes);
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in SUITES));
if (unknown) throw new Error(`No suite is called ${unknown}; there are ${Object.keys(SUITES).join(', ')}`);
const suites = asked.length > 0 ? asked : all;
/** Files of the page at once, and of the suite beside them. More would keep pages drawing that wait for their test. */
const PAGES = Math.min(CORES, 4);
const OTHERS = suites.length === 1 ? CORES : Math.max(1, CORES - 1);
const JOBS = String(OTHERS);

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
let stopped = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    stopped = true;
    for (const child of children) child.kill();
  });
}

/** @type {Promise<import('playwright-core').BrowserServer> | undefined} */
let browser;
const total = { passed: 0, failed: 0, skipped: 0 };
let failures = '';
const printers = printInOrder(suites);
const queue = ORDER.filter((name) => suites.includes(name));
async function runQueue() {
  for (let name = queue.shift(); name; name = queue.shift()) {
    const { print, end } = printers[name];
    print(`\n== ${name} ==\n`);
    const counts = await SUITES[name](print).catch((error) => {
      print(`${error.message}\n`);
      return { passed: 0, failed: 1, skipped: 0, failures: `${error.message}\n` };
    });
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    if (counts.failed > 0 && counts.failures)
      failures += `\n== failed in ${name} ==\n${counts.failures.slice(-20_000)}`;
    end();
  }
}
await Promise.all([runQueue(), runQueue()]);
await browser?.then((server) => server.close());
// Once more, where they are found: the output has thousands of lines.
process.stdout.write(failures);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
if (total.passed === 0 || total.failed > 0) process.exitCode = 1;

/** @returns {Promise<string>} where the files of all suites find their browser */
async function chromium() {
  const { serveChromium } = await import('./chromium.js');
  browser ??= serveChromium();
  return (await browser).wsEndpoint();
}

/**
 * One suite after the other on the screen: the first that has not ended as it goes, the next ones when it has.
 *
 * @param {string[]} names
 * @returns {Record<string, { print: Print, end: () => void }>}
 */
function printInOrder(names) {
  const waiting = names.map(() => '');
  const ended = names.map(() => false);
  let shown = 0;
  return Object.fromEntries(
    names.map((name, i) => [
      name,
      {
        print(text) {
          if (i === shown) process.stdout.write(text);
          else waiting[i] += text;
        },
        end() {
          ended[i] = true;
          while (ended[shown]) process.stdout.write(waiting[++shown] ?? '');
        },
      },
    ]),
  );
}

/**
 * @param {Print} print
 * @param {string} folder
 * @param {object} [options]
 * @param {string} [options.node] the program
 * @param {Record<string, string>} [options.env] besides that of this process
 * @param {number} [options.concurrency] files at once
 * @param {RegExp} [options.leaveOut] files that say nothing new with this program
 */
async function nodeTests(
  print,
  folder,
  { node = process.execPath, env, concurrency = OTHERS, leaveOut } = {},
) {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js') && !name.includes('node_modules') && !leaveOut?.test(name))
    .map((name) => join(folder, name))
    // The largest first: a long one that began last would run alone.
    .map((path) => ({ path, size: statSync(join(ROOT, path)).size }))
    .sort((a, b) => b.size - a.size || a.path.localeCompare(b.path))
    .map(({ path }) => path);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  // Later versions have relaxed SIMD without the flag, and refuse to start with it.
  const flags = node === process.execPath && NODE_MAJOR < 21 ? ['--experimental-wasm-relaxed-simd'] : [];
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, ...flags, ...files];
  return nodeCounts(await run(print, node, args, { mayFail: true, env }));
}

/**
 * Installs the packages of a folder, unless they are there.
 * @param {Print} print
 * @param {string} folder
 */
async function install(print, folder) {
  const wanted = join(ROOT, folder, 'package-lock.json');
  const installed = join(ROOT, folder, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  // Not `npm ci`, which refuses where a registry lacks a package that is optional and for another platform.
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  await run(print, 'npm', ['install', ...options], { quiet: true });
}

/** @param {Result} result */
function nodeCounts({ status, output }) {
  /** @param {string} word */
  const count = (word) => Number(output.match(new RegExp(`^\\S+ ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  const counts = {
    passed: count('pass'),
    failed: count('fail') + count('cancelled'),
    skipped: count('skipped') + count('todo'),
  };
  const failures = output.slice(output.lastIndexOf('\n✖ failing tests:') + 1);
  return status === 0 ? counts : { ...counts, failed: Math.max(1, counts.failed), failures };
}

/** @param {Result} result */
function ctestCounts({ status, output }) {
  const [, failed, all] = output.match(/(\d+) tests failed out of (\d+)/) ?? [0, 0, 0];
  const counts = { passed: Number(all) - Number(failed), failed: Number(failed), skipped: 0 };
  return status === 0 ? counts : { ...counts, failed: Math.max(1, counts.failed), failures: output };
}

/**
 * That enough lines are run is one more test.
 * @param {Counts} counts
 * @param {boolean | undefined} enough
 * @returns {Counts}
 */
function withCoverage(counts, enough) {
  const result = enough === undefined ? 'skipped' : enough ? 'passed' : 'failed';
  return { ...counts, [result]: counts[result] + 1 };
}

/** @typedef {{ status: number, output: string }} Result */

/**
 * Runs a command and returns its output, which is shown while it runs or, with quiet, only if it fails.
 * @param {Print} print
 * @param {string} command
 * @param {string[]} args
 * @param {{ quiet?: boolean, mayFail?: boolean, env?: Record<string, string> }} options
 * @returns {Promise<Result>}
 */
function run(print, command, args, { quiet = false, mayFail = false, env }) {
  return new Promise((resolve, reject) => {
    if (stopped) throw new Error('stopped');
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (!quiet) print(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      const status = code ?? 1;
      if (status !== 0 && quiet) print(output);
      if (status !== 0 && !mayFail) reject(new Error(`${command} ${args.join(' ')} failed (${status})`));
      else resolve({ status, output });
    });
  });
}
