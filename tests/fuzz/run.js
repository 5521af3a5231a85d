/**
 * Looks for inputs that break the engine, the reader of checkpoints, the package or its worker:
 *
 *   npm run fuzz -- --minutes 60
 *   npm run fuzz -- --only checkpoint --seed 1 --path 3      one input again
 *   npm run fuzz -- --only engine --input FILE
 *
 * One process at a time. Ends with the counts that tests/run.js reads.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { findFuzzer } from '../../wasm/toolchain.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD = join(ROOT, 'build', 'fuzz');
/** What has been found to run other lines than all before it: kept from run to run, beside the small one that is here. */
const CORPUS = join(BUILD, 'corpus');
/** The same of a run that is too short to read all of that first. */
const BRIEF_CORPUS = join(BUILD, 'brief');
const BRIEF_SECONDS = 300;
const FOUND = join(BUILD, 'found');

/** The share of the time that each target gets. @type {Record<string, number>} */
const SHARES = { engine: 0.35, checkpoint: 0.2, calls: 0.3, protocol: 0.15 };

/** Seconds after which a target that should have ended hangs; libFuzzer stops at an input that takes so long. */
const PATIENCE = 120;
const SLOWEST_INPUT = 20;

/** @typedef {{ seed: number, seconds: number, path?: string, input?: string }} Task */

const program = new Command('npm run fuzz --')
  .option('--minutes <number>', 'time for all targets together', number)
  .option('--seconds <number>', 'the same in seconds', number)
  .option('--seed <number>', 'of everything that is drawn; by default another one each time', number)
  .option('--only <target>', `one of ${Object.keys(SHARES).join(', ')}`, target)
  .option('--path <path>', 'the input that a message named, with its --seed and --only')
  .option('--input <file>', 'the input that a message named, with --only engine');
program.parse();
const options = program.opts();
const targets = options.only ? [options.only] : Object.keys(SHARES);
const seconds = options.seconds ?? (options.minutes ?? 1) * 60;
const seed = options.seed ?? Date.now() % 2 ** 31;

const counts = { passed: 0, failed: 0 };
for (const name of targets) {
  const share = options.only ? 1 : SHARES[name];
  const task = { seed, seconds: Math.ceil(seconds * share), path: options.path, input: options.input };
  console.log(`${name}: seed ${seed}, ${task.seconds} seconds`);
  const passed = await (name === 'engine' ? fuzzEngine(task) : fuzzProperty(name, task));
  counts[passed ? 'passed' : 'failed']++;
  console.log(`${passed ? 'ok' : 'FAILED'} ${name}`);
}
console.log(`# pass ${counts.passed}\n# fail ${counts.failed}`);
if (counts.failed > 0) process.exitCode = 1;

/** @param {string} value */
function number(value) {
  const read = Number(value);
  if (!(read >= 0 && value.trim() !== ''))
    throw new InvalidArgumentError('It must be a number of at least 0.');
  return read;
}

/** @param {string} value */
function target(value) {
  if (!(value in SHARES)) throw new InvalidArgumentError(`There are ${Object.keys(SHARES).join(', ')}.`);
  return value;
}

/** @param {string} name @param {Task} task @returns {Promise<boolean>} whether nothing was found */
async function fuzzProperty(name, { seed, seconds, path }) {
  const script = fileURLToPath(new URL('property.js', import.meta.url));
  const args = [script, name, '--seed', String(seed), '--seconds', String(seconds)];
  const { status } = await run(
    process.execPath,
    path === undefined ? args : [...args, '--path', path],
    seconds,
  );
  if (status === undefined) console.log(`It hangs. Again: npm run fuzz -- --only ${name} --seed ${seed}`);
  return status === 0;
}

/** @param {Task} task @returns {Promise<boolean>} whether nothing was found */
async function fuzzEngine({ seed, seconds, input }) {
  const clang = findFuzzer();
  if (!clang) throw new Error('The fuzzer of the engine needs a clang with libFuzzer');
  const configure = ['-S', ROOT, '-B', BUILD, `-DCMAKE_C_COMPILER=${clang}`, '-DHR_FUZZ=ON'];
  for (const args of [configure, ['--build', BUILD, '--parallel', String(availableParallelism())]]) {
    const { status, output } = await run('cmake', args, 600, true);
    if (status === 0) continue;
    console.log(output);
    return false;
  }
  rmSync(BRIEF_CORPUS, { recursive: true, force: true });
  const corpus = seconds < BRIEF_SECONDS ? BRIEF_CORPUS : CORPUS;
  for (const folder of [corpus, FOUND]) mkdirSync(folder, { recursive: true });
  // Long inputs from the beginning: a configuration alone is 30 bytes.
  const limits = ['-max_len=200', '-len_control=0', `-timeout=${SLOWEST_INPUT}`, '-rss_limit_mb=1024'];
  const where = [corpus, fileURLToPath(new URL('corpus', import.meta.url))];
  const args = input
    ? [input]
    : [
        `-seed=${seed % 2 ** 32 || 1}`,
        `-max_total_time=${seconds}`,
        '-verbosity=0',
        '-print_final_stats=1',
        ...where,
      ];
  const fuzzer = join(BUILD, 'tests', 'fuzz', 'fuzz_engine');
  const { status, output } = await run(
    fuzzer,
    [...limits, `-artifact_prefix=${FOUND}/`, ...args],
    seconds,
    true,
  );
  if (status === 0) {
    console.log(`engine: ${/number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 1} inputs`);
    return true;
  }
  console.log(output.slice(-8000));
  const file = /Test unit written to (\S+)/.exec(output)?.[1] ?? input;
  if (file) console.log(`Again: npm run fuzz -- --only engine --input ${relative(ROOT, file)}`);
  return false;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {number} seconds that it should take
 * @param {boolean} [quiet]
 * @returns {Promise<{ status: number | undefined, output: string }>} status: undefined if it did not end
 */
function run(command, args, seconds, quiet = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, late] = ['', false];
    const timer = setTimeout(
      () => {
        late = true;
        child.kill('SIGKILL');
      },
      (seconds + PATIENCE) * 1000,
    );
    const stop = () => child.kill();
    process.once('SIGTERM', stop).once('SIGINT', stop);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-(2 ** 20));
        if (!quiet) process.stdout.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve({ status: late ? undefined : (code ?? 1), output });
    });
  });
}
