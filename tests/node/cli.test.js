import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ExpertPrinter } from '../../web/cli/experts.js';
import { jsonLines, runHere, start as startIn, text, tiny } from './command-line.js';

/** @type {string} */
let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hyperrouter-cli-'));
  writeFileSync(join(folder, 'text.txt'), text);
  process.chdir(folder);
});
after(() => {
  process.chdir(tmpdir());
  rmSync(folder, { recursive: true, force: true });
});

/** @param {string[]} args */
function start(args) {
  return startIn(args, folder);
}

/** @param {string[]} args */
function run(...args) {
  return start(args).ended;
}

/** @param {string[]} args */
async function succeed(...args) {
  const result = await run(...args);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** @param {string} name */
function read(name) {
  return readFileSync(join(folder, name));
}

/** @param {string} name @returns {Record<string, any>} the header of a safetensors file */
function header(name) {
  const bytes = read(name);
  return JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
}

test('a misspelt option is named before one that is missing', async () => {
  const commands = [
    [['train', '--dat', 'text.txt'], /unknown option '--dat'\n\(Did you mean --data\?\)/],
    [['train', '--data', 'text.txt', '--ot', 'm'], /unknown option '--ot'\n\(Did you mean --out\?\)/],
    [['eval', '--data', 'text.txt', '--chekpoint', 'm'], /unknown option '--chekpoint'/],
    [['predict', '--checkpoint', 'm', '--dta', 'text.txt'], /unknown option '--dta'/],
    [['generate', '--checkpont', 'm'], /unknown option '--checkpont'/],
    [['study', 'merge', 'a', '--ot', 'b'], /unknown option '--ot'/],
    [['train', '--out', 'm'], /^error: --data is missing: it says which file to read$/m],
    [['train', '--data', 'text.txt'], /^error: --out is missing: it says where to save$/m],
    [['eval', '--data', 'text.txt'], /^error: --checkpoint is missing: it says which model to open$/m],
    [['predict', '--checkpoint', 'm'], /^error: --data is missing/m],
    [['generate'], /^error: --checkpoint is missing/m],
    [['study', 'study.json'], /^error: --out is missing/m],
    [['study', 'merge', 'a'], /^error: --out is missing/m],
  ];
  for (const [args, message] of /** @type {[string[], RegExp][]} */ (commands)) {
    const { code, stderr } = await runHere(args);
    assert.match(stderr, message);
    assert.equal(code, 2);
  }
});

test('what a file says does not reach the terminal as it is', async () => {
  const evil = '\u001b[31m\u0007\u009b2J\u202e';
  const rows = Array.from({ length: 20 }, (_, i) => `"a text ${i}${evil}","${i % 2 ? 'a' : 'b'}${evil}"`);
  const name = `e\u001b[31m\u202e.csv`;
  writeFileSync(join(folder, name), `text,label\n${rows.join('\n')}\n`);
  const sizes = tiny.filter((_, i) => !/memory/.test(tiny[i - (i % 2)]));
  const out = ['--out', `m${evil}.safetensors`, '--force'];
  const checkpoint = ['--checkpoint', `m${evil}.safetensors`];
  const commands = [
    ['train', '--classify', '--data', name, ...sizes, ...out, '--steps', '2'],
    ['train', '--classify', '--data', name, ...sizes, ...out, '--steps', '2', '--json'],
    ['eval', '--data', name, ...checkpoint],
    ['eval', '--data', name, ...checkpoint, '--json'],
    ['predict', '--data', name, ...checkpoint],
  ];
  for (const args of commands) {
    const { code, stdout, stderr } = await runHere(args);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /[^\P{Cc}\n]|\p{Cf}/u, args.join(' '));
    if (!args.includes('--json') && args[0] !== 'predict') continue;
    const lines = jsonLines(stdout);
    assert.ok(
      JSON.stringify(lines).includes(JSON.stringify(`a${evil}`).slice(1, -1)),
      'it is there, escaped',
    );
  }
});

test('eval offers no file of held-out texts, which it does not read', async () => {
  const { stdout } = await runHere(['eval', '--help']);
  assert.match(stdout, /--validation <x> /);
  assert.doesNotMatch(stdout.replace(/\s+/g, ' '), /or a file of them/);
  const refused = await runHere([
    'eval',
    '--data',
    'text.txt',
    '--checkpoint',
    'm',
    '--validation',
    'held.tsv',
  ]);
  assert.match(
    refused.stderr,
    /--validation <x>' argument 'held\.tsv' is invalid\. It must be a number from 0 to 0\.9/,
  );
});

test('experts are shown as letters and colours, and a token without one is marked', () => {
  let shown = '';
  const printer = new ExpertPrinter(
    (text) => {
      shown += text;
    },
    { experts: 4, colorDepth: 24, width: 80 },
  );
  printer.print('a', null);
  printer.print('b', 1);
  printer.print('c', -1);
  printer.end();
  const [text, letters] = shown.split('\n');
  assert.match(text.replaceAll('\x1b', 'ESC'), /^aESC\[48;2;\d+;\d+;\d+mESC\[38;5;\d+mbESC\[0mc$/);
  assert.match(letters, / B–/);
});

test('help shows every option with its default and limits, and examples', async () => {
  const { stdout } = await succeed('train', '--help');
  assert.match(stdout, /--d-model <n>[^-]*integer from \d+ to \d+,\s+default \d+/);
  assert.match(
    stdout,
    /--router <name>[^-]*hyperrouter,\s+smoe,\s+smoe-dropout,\s+dense,\s+cosine,\s+hash,\s+default\s+hyperrouter/,
  );
  assert.match(stdout, /--gate <name>[^-]*topk-softmax,\s+softmax-topk,/);
  assert.match(stdout, /--capacity-factor <x>/);
  assert.match(stdout, /--learning-rate <x>/);
  assert.match(stdout, /\$ npx hyperrouter-wasm train --data/);
  assert.match(stdout, /--vocabulary <name>[^-]*byte, char,\s+pieces, default\s+byte/);
  assert.match(stdout, /--vocab-size <n>[^-]*word\s+pieces/);
  assert.match(
    stdout,
    /--classify .*\n[\s\S]*--head-learning-rate <x>[\s\S]*Training:[\s\S]*--steps <n>[^-]*with\s+--classify/,
  );
  assert.doesNotMatch(stdout, /--classes/);
  for (const command of ['eval', 'generate', 'predict']) {
    assert.match(
      (await succeed(command, '--help')).stdout,
      new RegExp(`\\$ npx hyperrouter-wasm ${command}`),
    );
  }
  assert.match((await succeed('--version')).stdout, /^\d+\.\d+\.\d+/);
});

describe('a trained model', () => {
  /** @type {{ stdout: string, stderr: string }} */
  let trained;

  before(async () => {
    trained = await succeed(
      'train',
      '--data',
      'text.txt',
      '--out',
      'model.safetensors',
      ...tiny,
      '--steps',
      '150',
    );
  });

  test('is described, evaluated and saved', () => {
    assert.match(trained.stderr, /^hyperrouter: 1 layers of 4 experts, [\d,]+ parameters/);
    assert.match(trained.stderr, /step 150\/150 {2}loss \d\.\d{3} {2}\d\.\d{3} bits\/byte {2}\S+ tokens\/s/);
    const bits = Number(/validation: (\S+) bits per byte/.exec(trained.stdout)?.[1]);
    assert.ok(bits > 0 && bits < 4, `150 steps of training leave ${bits} bits per byte`);
    assert.match(trained.stdout, /layer 0 {2}A +\d+\.\d +B +\d+\.\d +C +\d+\.\d +D +\d+\.\d/);
    assert.match(trained.stdout, /saved model\.safetensors \(\d\.\d MB\)/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
    const metadata = header('model.safetensors').__metadata__;
    assert.deepEqual(JSON.parse(metadata['hyperrouter.vocabulary']), { kind: 'byte' });
    assert.equal(JSON.parse(metadata['hyperrouter.training']).steps, 150);
  });

  test('is evaluated as training did, for every k', async () => {
    const args = ['eval', '--data', 'text.txt', '--checkpoint', 'model.safetensors', '--variant', 'simd'];
    const { stdout } = await succeed(...args, '--top-k', '1,2,4');
    assert.match(stdout, /^text\.txt, last 10 %: \d+ tokens\n top-k +loss +bits\/byte\n/);
    const bits = /validation: (\S+) bits per byte/.exec(trained.stdout)?.[1];
    assert.match(stdout, new RegExp(`\\n +2\\* +\\d\\.\\d{4} +${bits}\\n`));
    assert.match(stdout, /\nrouting with top-k 2:\n {2}layer 0 {2}router entropy \d\.\d{3}, load variation/);
    assert.equal(stdout.trimEnd().split('\n').length, 8);

    const json = JSON.parse((await succeed(...args, '--split', 'all', '--json')).stdout);
    assert.equal(json.tokens, Buffer.byteLength(text));
    assert.equal(json.results[0].topK, 2);
    assert.equal(json.results[0].routing[0].load.length, 4);
    assert.ok(Math.abs(json.results[0].bitsPerByte - json.results[0].loss / Math.LN2) < 1e-12);
  });

  test('is evaluated on all of another text', async () => {
    writeFileSync(join(folder, 'other.txt'), '5 sheep met a bear.\n'.repeat(9));
    const { stdout } = await succeed('eval', '--data', 'other.txt', '--checkpoint', 'model.safetensors');
    assert.match(stdout, /^other\.txt, all: 180 tokens/);
  });

  test('generates the same text for the same seed', async () => {
    const args = [
      'generate',
      '--checkpoint',
      'model.safetensors',
      '--prompt',
      '3 sheep',
      '--max-tokens',
      '40',
    ];
    const { stdout } = await succeed(...args);
    assert.match(stdout, /^3 sheep/);
    assert.ok(stdout.length > 30);
    assert.equal((await succeed(...args)).stdout, stdout);
    assert.notEqual((await succeed(...args, '--seed', '8')).stdout, stdout);
  });

  test('ends a text after a stop text, and samples as it is told', async () => {
    const args = ['generate', '--checkpoint', 'model.safetensors', '--prompt', '3 sheep'];
    const { stdout } = await succeed(...args, '--max-tokens', '60');
    const written = stdout.slice('3 sheep'.length, -1);
    // Of the stop texts the one that comes first ends the text, wherever its tokens begin.
    const [late, early] = [written.slice(20, 22), written.slice(6, 9)];
    const end = Math.min(written.indexOf(late) + 2, written.indexOf(early) + 3);
    const stopped = await succeed(...args, '--max-tokens', '60', '--stop', late, '--stop', early);
    assert.equal(stopped.stdout, `3 sheep${written.slice(0, end)}\n`);
    const greedy = await succeed(...args, '--temperature', '0', '--max-tokens', '20');
    assert.equal((await succeed(...args, '--top-tokens', '1', '--max-tokens', '20')).stdout, greedy.stdout);
    const varied = await succeed(
      ...args,
      ...['--temperature', '0', '--repetition-penalty', '1000', '--max-tokens', '20'],
    );
    assert.notEqual(varied.stdout, greedy.stdout);
    const many = await run(...args, '--top-tokens', '257');
    assert.match(many.stderr, /^error: --top-tokens 257: the model has 256 tokens/);
    assert.equal(many.code, 2);
  });

  test('generates without a prompt, and with the letters of the experts below', async () => {
    const args = [
      'generate',
      '--checkpoint',
      'model.safetensors',
      '--max-tokens',
      '30',
      '--temperature',
      '0',
    ];
    assert.ok((await succeed(...args)).stdout.length > 20);
    const { stdout } = await succeed(...args, '--prompt', '3 sheep', '--show-experts');
    const [first, letters] = stdout.split('\n');
    assert.match(first, /^3 sheep/);
    assert.match(letters, /^ {7}[A-D]+$/);
    assert.match(stdout, /experts: {2}A {3}B {3}C {3}D/);
    assert.ok(!stdout.includes('\x1b'), 'no colours into a pipe');
  });

  test('generates into a pipe that closes', async () => {
    const { child, ended } = start([
      'generate',
      '--checkpoint',
      'model.safetensors',
      '--max-tokens',
      '100000',
    ]);
    await Promise.race([once(child.stdout, 'data'), ended]);
    child.stdout.destroy();
    const { code, stderr } = await ended;
    assert.equal(code, 0);
    assert.equal(stderr, '');
  });

  test('is not overwritten, nor resumed by mistake', async () => {
    const train = ['train', '--data', 'text.txt'];
    writeFileSync(join(folder, 'fox.txt'), 'a fox is no sheep. '.repeat(100));
    /** @type {[string[], RegExp][]} */
    const cases = [
      [[...train, '--out', 'model.safetensors'], /already exists; --force overwrites it/],
      [
        [...train, '--resume', 'model.safetensors'],
        /is at step 150 of 150: it is finished; a larger --steps/,
      ],
      [
        [...train, '--resume', 'model.safetensors', '--layers', '2'],
        /--layers 2 contradicts the run .* which has 1/,
      ],
      [[...train, '--resume', 'model.safetensors', '--vocabulary', 'char'], /--vocabulary char contradicts/],
      [
        ['train', '--data', 'fox.txt', '--resume', 'model.safetensors', '--steps', '200'],
        /fox\.txt is not the text/,
      ],
    ];
    const bytes = read('model.safetensors');
    for (const [args, message] of cases) {
      const { code, stderr } = await run(...args);
      assert.match(stderr, message);
      assert.equal(code, 2, stderr);
    }
    assert.deepEqual(read('model.safetensors'), bytes);
  });
});

test('a run that is interrupted and resumed gives the bytes of one that was not', async () => {
  const args = [
    ...['train', '--data', 'text.txt', '--json', '--steps', '400', '--eval-every', '30', '--dropout', '0.1'],
    ...['--top-k-schedule', 'linear_increase', '--top-k', '3', '--seed', '5', ...tiny],
  ];
  const whole = jsonLines((await succeed(...args, '--out', 'whole.safetensors')).stdout);

  async function interrupted() {
    const { child, ended } = start([...args, '--out', 'parts.safetensors']);
    let seen = '';
    child.stdout.on('data', (chunk) => {
      const before = seen.includes('"step":95,');
      seen += chunk;
      if (!before && seen.includes('"step":95,')) child.kill('SIGINT');
    });
    const result = await ended;
    if (result.code !== 0) return result;
    // It was at its end before the signal came.
    rmSync(join(folder, 'parts.safetensors'));
    return interrupted();
  }
  const { code, stdout, stderr } = await interrupted();
  assert.equal(code, 130, stderr);
  const stoppedAt = jsonLines(stdout).at(-1).step;
  assert.ok(stoppedAt >= 95 && stoppedAt < 400, `stopped at ${stoppedAt}`);
  assert.match(stderr, new RegExp(`SIGINT: stopped after step ${stoppedAt} of 400, saved parts.safetensors`));
  assert.match(stderr, /npx hyperrouter-wasm train --data text.txt --resume parts.safetensors\n/);

  const rest = jsonLines(
    (await succeed('train', '--data', 'text.txt', '--resume', 'parts.safetensors', '--json')).stdout,
  );
  const losses = (/** @type {any[]} */ lines) =>
    lines.filter(({ type }) => type === 'step').map(({ loss }) => loss);
  assert.deepEqual([...losses(jsonLines(stdout)), ...losses(rest)], losses(whole));
  assert.deepEqual(rest.at(-1).validation, whole.at(-1).validation);
  assert.deepEqual(read('parts.safetensors'), read('whole.safetensors'));
});

test('a second signal ends the run at once', async () => {
  const { child, ended } = start([
    'train',
    '--data',
    'text.txt',
    '--json',
    '--out',
    'no.safetensors',
    '--steps',
    '9999',
    ...tiny,
  ]);
  await Promise.race([once(child.stdout, 'data'), ended]);
  // Stopped in between, so that both are pending when it goes on.
  for (const signal of /** @type {const} */ (['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'])) child.kill(signal);
  const { code } = await ended;
  assert.ok(code === 130 || code === 143, `exit code ${code}`);
  assert.ok(!readdirSync(folder).includes('no.safetensors'));
});

test('JSON lines report every step, validation and save', async () => {
  const { stdout } = await succeed(
    ...[
      'train',
      '--data',
      'text.txt',
      '--out',
      'json.safetensors',
      '--json',
      '--steps',
      '6',
      '--eval-every',
      '4',
    ],
    ...['--save-every', '3', '--warmup', '2', '--learning-rate', '0.01', '--schedule', 'constant', ...tiny],
  );
  const lines = jsonLines(stdout);
  assert.deepEqual(
    lines.map(({ type, step }) => `${type} ${step}`),
    [
      'step 1',
      'step 2',
      'step 3',
      'saved 3',
      'step 4',
      'validation 4',
      'step 5',
      'step 6',
      'saved 6',
      'validation 6',
      'done 6',
    ],
  );
  assert.deepEqual(
    lines.filter(({ type }) => type === 'step').map(({ learningRate }) => learningRate),
    [0.005, 0.01, 0.01, 0.01, 0.01, 0.01],
  );
  const load = lines.at(-1).load[0];
  assert.equal(load.length, 4);
  assert.ok(Math.abs(load.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b) - 1) < 1e-5);
});

test('threads give the same bytes', async () => {
  const common = ['--data', 'text.txt', '--steps', '10', ...tiny];
  for (const threads of ['1', '2']) {
    await succeed('train', ...common, '--out', `threads-${threads}.safetensors`, '--threads', threads);
  }
  const [one, two] = ['1', '2'].map((threads) =>
    readFileSync(join(folder, `threads-${threads}.safetensors`)),
  );
  assert.ok(one.equals(two));
  const refused = await run('train', ...common, '--out', 'none.safetensors', '--threads', '0');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--threads .*"auto" or an integer from 1 to 64/);
});

test('characters as tokens', async () => {
  const out = ['--out', 'char.safetensors', '--model-only'];
  const { stdout } = await succeed(
    'train',
    '--data',
    'text.txt',
    ...out,
    '--vocabulary',
    'char',
    '--steps',
    '20',
    ...tiny,
  );
  const metadata = header('char.safetensors').__metadata__;
  assert.equal(JSON.parse(metadata['hyperrouter.vocabulary']).kind, 'character');
  assert.ok(!Object.keys(header('char.safetensors')).some((name) => name.startsWith('optimizer.')));
  const bits = /validation: (\S+) bits per byte/.exec(stdout)?.[1];
  const evaluated = await succeed(
    'eval',
    '--data',
    'text.txt',
    '--checkpoint',
    'char.safetensors',
    '--variant',
    'simd',
  );
  assert.match(evaluated.stdout, new RegExp(` ${bits}\n`));
  assert.match(
    (await succeed('generate', '--checkpoint', 'char.safetensors', '--prompt', 'nïght')).stdout,
    /^nïght/,
  );

  const unknown = await run('generate', '--checkpoint', 'char.safetensors', '--prompt', 'sheep Z');
  assert.match(unknown.stderr, /^error: --prompt: text has "Z" \(U\+005A\) at index 6/);
  assert.equal(unknown.code, 2);
  const resumed = await run('train', '--data', 'text.txt', '--resume', 'char.safetensors', '--steps', '30');
  assert.match(resumed.stderr, /saved with --model-only/);
});

test('word pieces as tokens', async () => {
  const common = ['--data', 'text.txt', ...tiny, '--vocabulary', 'pieces', '--vocab-size', '40'];
  const made = await runHere(['train', ...common, '--out', 'pieces.safetensors', '--steps', '20']);
  assert.equal(made.code, 0, made.stderr);
  const { kind, pieces } = JSON.parse(header('pieces.safetensors').__metadata__['hyperrouter.vocabulary']);
  assert.equal(kind, 'pieces');
  assert.equal(pieces.length, 40);
  assert.ok(pieces.includes(' met'), pieces.join());
  const checkpoint = ['--checkpoint', 'pieces.safetensors', '--variant', 'simd'];
  const bits = /validation: (\S+) bits per byte/.exec(made.stdout)?.[1];
  const evaluated = await runHere(['eval', '--data', 'text.txt', ...checkpoint]);
  assert.match(evaluated.stdout, new RegExp(` ${bits}\n`));
  const written = await runHere([
    ...['generate', ...checkpoint, '--prompt', '3 sheep', '--max-tokens', '6', '--show-experts'],
  ]);
  const [line, letters] = written.stdout.split('\n');
  assert.match(line, /^3 sheep/);
  assert.match(letters, /^ {7}[A-D]+$/);
  assert.equal(letters.length, line.length, 'each character has the letter of its piece');
  const out = ['--out', 'none.safetensors', '--steps', '2'];
  const idle = await runHere(['train', '--data', 'text.txt', ...tiny, ...out, '--vocab-size', '60']);
  assert.match(idle.stderr, /--vocab-size has no effect without --vocabulary pieces/);
  const resumed = ['--resume', 'pieces.safetensors', '--steps', '22', '--vocab-size', '70'];
  const other = await runHere(['train', '--data', 'text.txt', ...resumed]);
  assert.match(other.stderr, /--vocab-size 70 contradicts the run that is resumed, which has 40/);
});

test('a run without routers, without validation', async () => {
  const sizes = tiny.filter((_, i) => tiny[i - (i % 2)] !== '--hyper-size');
  const args = ['--router', 'dense', '--validation', '0', '--steps', '5', ...sizes];
  const { stdout } = await succeed('train', '--data', 'text.txt', '--out', 'dense.safetensors', ...args);
  assert.match(stdout, /^saved dense/);
  const measured = await succeed(
    'eval',
    '--data',
    'text.txt',
    '--checkpoint',
    'dense.safetensors',
    '--split',
    'all',
  );
  assert.match(measured.stdout, /\n dense +\d/);
  const shown = await run('generate', '--checkpoint', 'dense.safetensors', '--show-experts');
  assert.equal(shown.stderr, 'error: --show-experts: a dense model has no experts\n');
  const fewer = await runHere(['generate', '--checkpoint', 'dense.safetensors', '--top-k', '1']);
  assert.equal(fewer.stderr, 'error: --top-k: a dense model has no experts\n');
  const dense = ['eval', '--data', 'text.txt', '--checkpoint', 'dense.safetensors', '--validation', '0.5'];
  const split = await runHere([...dense, '--split', 'all']);
  assert.equal(split.stderr, 'error: --validation has no effect with --split all\n');
});

test('a run that diverges keeps its last good parameters and says what to do', async () => {
  const args = ['--learning-rate', '1e30', '--clip', '0', '--warmup', '0', ...tiny];
  const { code, stderr } = await run('train', '--data', 'text.txt', '--out', 'bad.safetensors', ...args);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /error: training diverged at step \d+: .*bad\.safetensors.*--learning-rate 3e\+29 --clip 0\.25/s,
  );
  assert.ok(JSON.parse(header('bad.safetensors').__metadata__['hyperrouter.training']).resumable);
});

test('wrong files and options give one line and an exit code', async () => {
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(folder, 'short.txt'), 'short');
  writeFileSync(join(folder, 'binary.bin'), Buffer.of(0xff, 0xfe, 0, 1, 2, 3, 0xc3, 0x28));
  writeFileSync(join(folder, 'config.json'), '[1]');
  const train = ['train', '--data', 'text.txt', '--out', 'never.safetensors'];
  /** @type {[string[], number, RegExp][]} */
  const cases = [
    [['train', '--data', 'none.txt', '--out', 'never.safetensors'], 1, /cannot read none\.txt: no such file/],
    [['train', '--data', 'empty.txt', '--out', 'never.safetensors'], 1, /empty\.txt is empty/],
    [
      ['train', '--data', 'short.txt', '--out', 'never.safetensors'],
      2,
      /short\.txt is too short: it has 4 tokens .*--batch-size 16 needs at least 32/,
    ],
    [['train', '--data', '.', '--out', 'never.safetensors'], 1, /cannot read \.: it is a folder/],
    [
      ['train', '--data', 'binary.bin', '--vocabulary', 'char', '--out', 'never.safetensors'],
      1,
      /binary\.bin is not UTF-8/,
    ],
    [['train', '--data', 'text.txt'], 2, /--out is missing/],
    [
      ['train', '--data', 'text.txt', '--out', 'no/where.safetensors'],
      1,
      /cannot write no\/where\.safetensors: the folder .* does not exist/,
    ],
    [['train', '--data', 'text.txt', '--out', '.'], 1, /it is a folder/],
    [
      [...train, '--layers', '0'],
      2,
      /option '--layers <n>' argument '0' is invalid\. It must be an integer from 1 to/,
    ],
    [[...train, '--layers', '1e3.5'], 2, /--layers/],
    [[...train, '--router', 'best'], 2, /must be one of hyperrouter, smoe, smoe-dropout, dense/],
    [[...train, '--d-model', '15'], 2, /^error: --d-model must be even, got 15/],
    [[...train, '--top-k', '9'], 2, /^error: --top-k must be from 1 to 8/],
    [[...train, '--warmup', '2000'], 2, /--warmup must be an integer from 0 to 1000 \(--steps\), got 2000/],
    [[...train, '--learning-rate', '0'], 2, /--learning-rate must be a finite number above 0, got 0/],
    [
      [...train, '--top-k-schedule', 'linear_increase', '--top-k-min', '3'],
      2,
      /--top-k-min must be an integer from 1 to 2 \(--top-k\), got 3/,
    ],
    [[...train, '--top-k-min', '2'], 2, /--top-k-min has no effect without --top-k-schedule linear_increase/],
    [
      [...train, '--eval-every', '9', '--validation', '0'],
      2,
      /--eval-every has no effect with --validation 0/,
    ],
    [[...train, '--router', 'dense', '--top-k', '1'], 2, /--top-k has no effect with --router dense/],
    [[...train, '--router', 'smoe', '--hyper-size', '9'], 2, /--hyper-size has no effect with --router smoe/],
    [
      [...train, '--router', 'dense', '--top-k-schedule', 'linear_increase'],
      2,
      /--top-k-schedule linear_increase has no effect with --router dense/,
    ],
    [['generate', '--checkpoint', 'none', '--layer', '1'], 2, /--layer has no effect without --show-experts/],
    [['generate', '--checkpoint', 'none', '--top-p', '0'], 2, /--top-p must be above 0, got 0/],
    [['train', '--data', 'text.txt', '--resume', 'text.txt'], 1, /^error: text\.txt: /],
    [['eval', '--data', 'text.txt', '--checkpoint', 'none'], 1, /cannot read none/],
    [['eval', '--data', 'text.txt', '--checkpoint', 'binary.bin'], 1, /^error: binary\.bin: /],
    [
      ['eval', '--data', 'text.txt', '--checkpoint', 'binary.bin', '--config', 'config.json'],
      1,
      /config\.json is not a JSON object/,
    ],
    [
      ['eval', '--data', 'text.txt', '--checkpoint', 'x', '--top-k', '1,,2'],
      2,
      /integers of at least 1, separated by commas/,
    ],
    [['generate', '--checkpoint', 'none', '--temperature', '-1'], 2, /number of at least 0/],
    [['generate', '--checkpoint', 'none', '--stop', ''], 2, /must not be empty/],
    [['generate', '--checkpoint', 'none', '--repetition-penalty', '0'], 2, /number from 0\.001 to 1000/],
    [['generate', '--checkpoint', 'none', '--top-tokens', '0'], 2, /integer of at least 1/],
    [['fly'], 2, /unknown command 'fly'/],
  ];
  for (const [args, code, message] of cases) {
    const result = await runHere(args);
    assert.match(result.stderr, message, args.join(' '));
    assert.match(result.stderr, /^error: [^\n]*\n$/, args.join(' '));
    assert.equal(result.code, code, args.join(' '));
    assert.equal(result.stdout, '');
  }
  assert.ok(!readdirSync(folder).includes('never.safetensors'));
  const { code, stderr, stdout } = await run('fly');
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  assert.match(stderr, /^error: unknown command 'fly'\n$/);
  assert.match((await run('fly', '--verbose')).stderr, /fly/);
  assert.match((await run('generate', '--checkpoint', 'none', '--verbose')).stderr, /files\.js/);
});
