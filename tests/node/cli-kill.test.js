/**
 * Runs that are killed at any moment. What they saved is whole, later than what was saved before, and the next run
 * continues it and leaves no temporary files. HR_TEST_KILLS=200 kills more often, HR_TEST_SEED at other moments.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { load } from '../../web/index.js';
import { cli, start, text, tiny } from './command-line.js';

const KILLS = Number(process.env.HR_TEST_KILLS ?? 8);
const SEED = Number(process.env.HR_TEST_SEED ?? 1);
const SIGNALS = /** @type {const} */ (['SIGKILL', 'SIGKILL', 'SIGHUP', 'SIGTERM']);
/** Runs beside each other, each with its file. */
const CHAINS = Math.min(4, availableParallelism());

/** @type {string} */
let folder;
/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hyperrouter-kill-'));
  writeFileSync(join(folder, 'text.txt'), text);
  engine = await load({ variant: 'simd' });
});
after(() => {
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** @param {number} seed @returns {() => number} from 0 to below 1 */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** @param {string} path @returns {number} 0 if there is no file */
function stepOf(path) {
  if (!existsSync(path)) return 0;
  const model = engine.loadCheckpoint(new Uint8Array(readFileSync(path)));
  const { step } = model;
  model.dispose();
  return step;
}

/** @param {import('node:child_process').ChildProcessWithoutNullStreams} child @returns {Promise<boolean>} */
function firstStep({ stdout }) {
  return new Promise((resolve) => {
    stdout.on('data', (/** @type {string} */ text) => {
      if (text.includes('"type":"step"')) resolve(true);
    });
  });
}

/** @param {string} place @returns {Promise<boolean>} */
function temporaryFile(place) {
  return new Promise((resolve) => {
    const watcher = watch(place, { persistent: false }, (_, name) => {
      // Not that of a lock that is taken over, before the run.
      if (!/^\.hyperrouter-\w{12}-\w{12}\.tmp$/.test(name ?? '') || !existsSync(join(place, `${name}`)))
        return;
      watcher.close();
      resolve(true);
    });
  });
}

/**
 * @param {number} chain
 * @param {number} kills
 */
async function killAgainAndAgain(chain, kills) {
  const next = random(SEED * 1000 + chain);
  const place = join(folder, String(chain));
  mkdirSync(place);
  const out = join(place, 'm.safetensors');
  const data = ['train', '--data', '../text.txt'];
  const fresh = ['--out', 'm.safetensors', '--steps', '100000000', '--save-every', '1', '--eval-every', '3'];
  // So that much of the time goes into writing.
  const larger = ['--experts', '32', '--d-inner', '256'];
  let step = 0;
  let saving = 0;
  for (let kill = 0; kill < kills; kill++) {
    const signal = SIGNALS[Math.floor(next() * SIGNALS.length)];
    const what = `chain ${chain}, kill ${kill}, ${signal} after step ${step}`;
    const args = existsSync(out) ? ['--resume', 'm.safetensors'] : [...fresh, ...tiny, ...larger];
    const { child, ended } = start([...data, ...args, '--json'], place);
    // While it starts, while it runs, while it writes: by itself most of the time goes into starting.
    const moment = next();
    const early = moment < 0.2;
    if (early) {
      await setTimeout(next() * 500);
    } else {
      const reached = moment < 0.6 ? temporaryFile(place) : firstStep(child);
      assert.ok(await Promise.race([reached, ended.then(() => false)]), what);
      await setTimeout(next() * (moment < 0.6 ? 10 : 60));
    }
    child.kill(signal);
    const { code, signal: endedBy, stderr } = await ended;

    const found = stepOf(out);
    assert.ok(found >= step, `${what}: went back to step ${found}`);
    step = found;
    const left = readdirSync(place).filter((name) => name !== 'm.safetensors');
    if (signal === 'SIGKILL' || (early && endedBy)) {
      assert.equal(endedBy, signal, what);
      const temporary = left.filter((name) => name.endsWith('.tmp'));
      assert.ok(temporary.length <= 1, `${what}: ${left}`);
      saving += temporary.length;
    } else {
      assert.equal(code, 128 + constants.signals[signal], `${what}: ${stderr}`);
      assert.match(stderr, new RegExp(`${signal}: stopped after step ${found} of `), what);
      assert.deepEqual(left, [], what);
    }
  }
  return { step, saving };
}

it(`is whole after ${KILLS} kills`, async (t) => {
  const results = await Promise.all(
    Array.from({ length: CHAINS }, (_, chain) =>
      killAgainAndAgain(chain, Math.ceil((KILLS - chain) / CHAINS)),
    ),
  );
  const sum = (/** @type {'step' | 'saving'} */ key) => results.reduce((total, one) => total + one[key], 0);
  t.diagnostic(`${sum('step')} steps were saved; ${sum('saving')} kills came while a file was being written`);
});

it('ends after a signal although nobody reads what it prints', async () => {
  const place = join(folder, 'unread');
  mkdirSync(place);
  const args = [
    'train',
    '--data',
    '../text.txt',
    '--out',
    'm.safetensors',
    '--steps',
    '100000000',
    '--json',
    ...tiny,
  ];
  const child = spawn(process.execPath, [cli, ...args], { cwd: place, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  // By now there is more than a pipe holds.
  while (child.stdout.readableLength === 0) await setTimeout(50);
  await setTimeout(1500);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [143, null]);
  child.stdout.destroy();
  assert.deepEqual(readdirSync(place), ['m.safetensors']);
});

/**
 * A run in a terminal of its own, once it has taken steps.
 * @param {string} place
 * @param {string[]} more options
 * @returns {Promise<{ terminal: import('node:child_process').ChildProcess, pid: number } | null>} null: there is none here
 */
async function inTerminal(place, more = []) {
  mkdirSync(place);
  const command = [process.execPath, cli, 'train', '--data', '../text.txt', '--out', 'm.safetensors'];
  const args = [...command, '--steps', '100000000', ...more, ...tiny].map((part) => `'${part}'`).join(' ');
  // util-linux: runs a command in a terminal of its own, which ends with it.
  const terminal = spawn('script', ['-qfec', `exec ${args}`, '/dev/null'], {
    cwd: place,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const started = await Promise.race([
    once(terminal, 'error').then(() => false),
    once(terminal, 'exit').then(() => false),
    new Promise((resolve) => {
      let seen = '';
      terminal.stdout.setEncoding('utf8').on('data', (chunk) => {
        seen += chunk;
        if (/step \d+\/100000000/.test(seen)) resolve(true);
      });
    }),
  ]);
  if (!started) return null;
  const [lock] = readdirSync(place).filter((name) => name.endsWith('.lock'));
  return { terminal, pid: JSON.parse(readFileSync(join(place, lock), 'utf8')).pid };
}

const NO_TERMINAL = 'there is no terminal: script(1) of util-linux is missing';

/** @param {number} pid */
async function untilEnded(pid) {
  for (let waits = 0; waits < 3600 && isAlive(pid); waits++) await setTimeout(50);
  assert.ok(!isAlive(pid), 'it has ended');
}

it('is saved when its terminal goes away', async (t) => {
  const place = join(folder, 'terminal');
  const run = await inTerminal(place);
  if (!run) return t.skip(NO_TERMINAL);
  run.terminal.kill('SIGKILL');
  await untilEnded(run.pid);
  assert.deepEqual(readdirSync(place), ['m.safetensors']);
  assert.ok(stepOf(join(place, 'm.safetensors')) > 0);
});

it('goes on, saves and can be ended while its terminal is stopped with Ctrl-S', async (t) => {
  const place = join(folder, 'stopped');
  const file = join(place, 'm.safetensors');
  const run = await inTerminal(place, ['--save-every', '5']);
  if (!run) return t.skip(NO_TERMINAL);
  while (!existsSync(file)) await setTimeout(50);
  run.terminal.stdin?.write('\x13');
  const stopped = stepOf(file);
  // The line of progress is written again and again in so many steps.
  for (let waits = 0; waits < 12_000 && stepOf(file) < stopped + 500; waits++) await setTimeout(50);
  assert.ok(stepOf(file) >= stopped + 500, `it stands at step ${stepOf(file)}, ${stopped} before`);
  process.kill(run.pid, 'SIGTERM');
  await untilEnded(run.pid);
  assert.deepEqual(readdirSync(place), ['m.safetensors']);
});

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
