// Runs the suites one after the other and adds up their counts:
//   node tests/run.js [c] [node] [current-node] [page] [bundlers] [docs]     all of them by default
// Ends with "N passed, N failed, N skipped"; fails if a test failed, a runner did, or none ran.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NATIVE = join('build', 'native');
const JOBS = String(availableParallelism());
const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
const CURRENT_NODE = join(ROOT, 'tests', 'current-node', 'node_modules', '.bin', 'node');

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** @type {Record<string, () => Promise<Counts>>} */
const SUITES = {
  c: async () => {
    await run('cmake', ['-S', '.', '-B', NATIVE], { quiet: true });
    await run('cmake', ['--build', NATIVE, '--parallel', JOBS], { quiet: true });
    const ctest = ['--test-dir', NATIVE, '--output-on-failure', '--no-tests=error', '--parallel', JOBS];
    return ctestCounts(await run('ctest', ctest, { mayFail: true }));
  },
  node: () => nodeTests('tests/node', process.execPath),
  'current-node': () => nodeTests('tests/node', CURRENT_NODE),
  page: () => nodeTests('tests/page', process.execPath),
  bundlers: async () => {
    // Large, and needed by nothing else.
    await install('tests/bundlers');
    await run('npx', ['tsc', '-p', 'web/tsconfig.json'], { quiet: true });
    return nodeTests('tests/bundlers', process.execPath);
  },
  docs: async () => {
    await install('tests/docs');
    return nodeTests('tests/docs', process.execPath);
  },
};

// The package is tested on the oldest Node it supports and on a current one: their
// engines compile WebAssembly differently. A Node that is current does for both.
const bothNodes = NODE_MAJOR < 22 && process.platform === 'linux';
const suites = Object.keys(SUITES).filter((name) => name !== 'current-node' || bothNodes);
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in SUITES));
if (unknown) throw new Error(`No suite is called ${unknown}; there are ${Object.keys(SUITES).join(', ')}`);

const total = { passed: 0, failed: 0, skipped: 0 };
for (const name of chosen.length > 0 ? chosen : suites) {
  console.log(`\n== ${name} ==`);
  const counts = await SUITES[name]().catch((error) => {
    console.error(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  });
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
if (total.passed === 0 || total.failed > 0) process.exitCode = 1;

/**
 * @param {string} folder
 * @param {string} node
 */
async function nodeTests(folder, node) {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js') && !name.includes('node_modules'))
    .sort()
    .map((name) => join(folder, name));
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  // Later versions have relaxed SIMD without the flag, and refuse to start with it.
  const flags = node === process.execPath && NODE_MAJOR < 21 ? ['--experimental-wasm-relaxed-simd'] : [];
  const args = ['--test', '--test-reporter=spec', ...flags, ...files];
  return nodeCounts(await run(node, args, { mayFail: true }));
}

/**
 * Installs the packages of a folder, unless they are there.
 * @param {string} folder
 */
async function install(folder) {
  const wanted = join(ROOT, folder, 'package-lock.json');
  const installed = join(ROOT, folder, 'node_modules', '.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return;
  // Not `npm ci`, which refuses where a registry lacks a package that is optional and for another platform.
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
  await run('npm', ['install', ...options], { quiet: true });
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
  return status === 0 ? counts : { ...counts, failed: Math.max(1, counts.failed) };
}

/** @param {Result} result */
function ctestCounts({ status, output }) {
  const [, failed, all] = output.match(/(\d+) tests failed out of (\d+)/) ?? [0, 0, 0];
  const counts = { passed: Number(all) - Number(failed), failed: Number(failed), skipped: 0 };
  return status === 0 ? counts : { ...counts, failed: Math.max(1, counts.failed) };
}

/** @typedef {{ status: number, output: string }} Result */

/**
 * Runs a command and returns its output, which is shown while it runs or, with quiet, only if it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {{ quiet?: boolean, mayFail?: boolean }} options
 * @returns {Promise<Result>}
 */
function run(command, args, { quiet = false, mayFail = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (!quiet) process.stdout.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      const status = code ?? 1;
      if (status !== 0 && quiet) process.stderr.write(output);
      if (status !== 0 && !mayFail) reject(new Error(`${command} ${args.join(' ')} failed (${status})`));
      else resolve({ status, output });
    });
  });
}
