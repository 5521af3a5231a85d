/** Runs of the command line are runs of the package: the same defaults, and one goes on with what the other has saved. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { ByteVocabulary, evaluateText, load, splitText } from '../../web/index.js';
import { jsonLines, runHere, Sink, text, tiny } from './command-line.js';
import { assertSameParameters, parametersOf } from './helpers.js';

/** @type {string} */
let folder;
/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-resume-'));
  writeFileSync(join(folder, 'text.txt'), text);
  engine = await load({ variant: 'simd' });
});
after(() => {
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const path = (/** @type {string} */ name) => join(folder, name);
const { train: TOKENS, validation: HELD } = splitText(new ByteVocabulary().encode(text));

/** @param {string} name @returns {any} the model in a file */
const open = (name) => engine.loadCheckpoint(readFileSync(path(name)));

/**
 * Trains, and is interrupted where a line of its output says so.
 * @param {string[]} args
 * @param {(line: string) => boolean} [until]
 */
async function train(args, until = () => false) {
  const signals = new EventEmitter();
  const stdout = new Sink();
  const write = stdout.write.bind(stdout);
  stdout.write = (line, callback) => {
    if (until(line)) signals.emit('SIGINT', 'SIGINT');
    return write(line, callback);
  };
  const result = await runHere(['train', '--data', path('text.txt'), '--json', ...args], { stdout, signals });
  return { ...result, lines: jsonLines(result.stdout) };
}

const GROWING = [
  ...['--steps', '30', '--eval-every', '7', '--dropout', '0.1', '--clip', '0.05', '--warmup', '9'],
  ...['--learning-rate', '0.01', '--floor', '0.002', '--top-k-schedule', 'linear_increase', '--top-k', '3'],
];

/** Without notes, saves and times. @param {any[]} lines */
const shown = (lines) =>
  lines.filter(({ type }) => !['saved', 'note'].includes(type)).map(({ seconds, ...line }) => line);

it('goes on from the file alone, as the package does with it', async () => {
  const whole = await train([...GROWING, ...tiny, '--out', path('whole.safetensors')]);
  assert.equal(whole.code, 0, whole.stderr);
  const first = await train([...GROWING, ...tiny, '--out', path('parts.safetensors')], (line) =>
    line.includes('"step":17,'),
  );
  assert.equal(first.code, 130, first.stderr);
  const model = open('parts.safetensors');
  const rest = await train(['--resume', path('parts.safetensors')]);
  assert.equal(rest.code, 0, rest.stderr);
  assert.deepEqual([...shown(first.lines), ...shown(rest.lines)], shown(whole.lines));
  assert.deepEqual(readFileSync(path('parts.safetensors')), readFileSync(path('whole.safetensors')));

  const last = await model.train(TOKENS, { resume: true, validation: HELD });
  assertSameParameters(parametersOf(model), parametersOf(open('whole.safetensors')));
  const { learningRate, topK, loss } = whole.lines.findLast(({ type }) => type === 'step');
  assert.deepEqual(
    { learningRate: last.learningRate, topK: last.topK, loss: last.loss },
    { learningRate, topK, loss },
  );
  assert.throws(() => model.train(HELD, { resume: true, steps: 40 }), /data must be that of the run/);
});

it('goes on with the validation in which it was interrupted', async () => {
  const whole = await train([...GROWING, ...tiny, '--out', path('all.safetensors')]);
  // Interrupted by the status line of the validation, which is shown on a terminal where it takes its time.
  const args = [...GROWING, ...tiny, '--out', path('validating.safetensors')];
  const signals = new EventEmitter();
  const { performance } = globalThis;
  const now = performance.now.bind(performance);
  /** @type {any} */
  const stderr = new Sink();
  stderr.isTTY = true;
  const write = stderr.write.bind(stderr);
  stderr.write = (/** @type {string} */ line, /** @type {any} */ callback) => {
    if (line.includes('validating')) signals.emit('SIGINT', 'SIGINT');
    return write(line, callback);
  };
  let clock = 0;
  performance.now = () => {
    clock += 150;
    return now() + clock;
  };
  let first;
  try {
    first = await runHere(['train', '--data', path('text.txt'), '--json', ...args], { stderr, signals });
  } finally {
    performance.now = now;
  }
  assert.equal(first.code, 130, first.stderr);
  assert.equal(open('validating.safetensors').run.due.epoch, 0, 'an event is left');
  const rest = await train(['--resume', path('validating.safetensors')]);
  assert.deepEqual([...shown(jsonLines(first.stdout)), ...shown(rest.lines)], shown(whole.lines));
  assert.deepEqual(readFileSync(path('validating.safetensors')), readFileSync(path('all.safetensors')));
});

it('a run of version 0.1, whose file has the recipe only, goes on', async () => {
  const args = ['--steps', '12', '--schedule', 'constant', ...tiny];
  await train([...args, '--out', path('now.safetensors')]);
  await train([...args, '--out', path('old.safetensors')], (line) => line.includes('"step":5,'));
  const model = open('old.safetensors');
  model.run = null;
  const recipe = JSON.parse(model.metadata['hyperrouter.training']);
  delete recipe.patience;
  model.metadata['hyperrouter.training'] = JSON.stringify(recipe);
  writeFileSync(path('old.safetensors'), model.saveCheckpoint({ optimizer: true }));
  const { code, stderr } = await train(['--resume', path('old.safetensors')]);
  assert.equal(code, 0, stderr);
  assertSameParameters(parametersOf(open('old.safetensors')), parametersOf(open('now.safetensors')));
});

it('has the defaults of the package', async () => {
  const { stderr, lines } = await train(['--steps', '25', ...tiny, '--out', path('defaults.safetensors')]);
  const model = open('defaults.safetensors');
  const fresh = engine.createLanguageModel({ ...model.config });
  const rates = [];
  for await (const { learningRate } of fresh.train(TOKENS, { steps: 25 })) rates.push(learningRate);
  assert.deepEqual(
    lines.filter(({ type }) => type === 'step').map(({ learningRate }) => learningRate),
    rates,
    stderr,
  );
  assertSameParameters(parametersOf(model), parametersOf(fresh));
  const of = (/** @type {any} */ { every, validateEvery, measureEvery, ...run }) => run;
  assert.deepEqual(of(model.run), of(fresh.run));
});

it('--patience saves the best parameters', async () => {
  const args = ['--steps', '200', '--eval-every', '5', '--patience', '2', '--learning-rate', '0.3', ...tiny];
  const { code, stderr, lines } = await train([...args, '--out', path('best.safetensors')]);
  assert.equal(code, 0, stderr);
  const validations = lines.filter(({ type }) => type === 'validation');
  const done = lines.at(-1);
  assert.ok(done.step < 200, 'it stops early');
  const losses = validations.slice(0, -1);
  const best = losses.reduce((a, b) => (b.loss < a.loss ? b : a));
  assert.equal(done.best, best.step);
  assert.equal(losses.at(-1).step, best.step + 10);
  assert.deepEqual(validations.at(-1), best, 'what is saved is what was best');
  const model = open('best.safetensors');
  assert.equal((await evaluateText(model, HELD)).loss, best.loss);
  const again = await train(['--resume', path('best.safetensors'), '--steps', '900']);
  assert.match(again.stderr, new RegExp(`has ended with its best parameters, of step ${best.step}`));
  assert.equal(again.code, 2);

  const parts = await train([...args, '--out', path('halves.safetensors')], (line) =>
    line.includes(`"step":${best.step + 3},`),
  );
  assert.equal(parts.code, 130, parts.stderr);
  await train(['--resume', path('halves.safetensors')]);
  assert.deepEqual(readFileSync(path('halves.safetensors')), readFileSync(path('best.safetensors')));

  const plain = await runHere([
    'train',
    '--data',
    path('text.txt'),
    ...args,
    '--out',
    path('plain.safetensors'),
  ]);
  assert.match(
    plain.stdout,
    new RegExp(`stopped after step ${done.step} of 200: the best validation was that of step ${best.step}`),
  );
});

it('--patience is refused where nothing is validated', async () => {
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
    [['--eval-every', '0'], /--patience needs validations in the run: --eval-every must be 1 or more/],
    [['--validation', '0'], /--patience needs held-out text: --validation must be larger/],
  ])) {
    const { code, stderr } = await train([
      '--patience',
      '2',
      ...args,
      ...tiny,
      '--out',
      path('no.safetensors'),
    ]);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
});
