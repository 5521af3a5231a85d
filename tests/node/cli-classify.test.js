/** Text classifiers on the command line: train, resume, fine-tune, evaluate, predict. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { load } from '../../web/index.js';
import { encodeTexts, Labels, readLabelledTexts, splitLabelledTexts } from '../../web/labelled-text.js';
import { vocabularyFromJSON } from '../../web/vocabulary.js';
import { jsonLines, runHere, Sink, tiny } from './command-line.js';
import { assertSameParameters, parametersOf } from './helpers.js';

/** Sentences whose last word tells the label; some are longer than the context. */
const SENTENCES = Array.from({ length: 60 }, (_, i) => {
  const [word, label] = [
    ['good', 'praise'],
    ['poor', 'blame'],
    ['when', 'question'],
  ][i % 3];
  return { text: `${i}, "he" said ${`${word} `.repeat(i % 20 === 5 ? 30 : 1)}`.trim(), label };
});
const rows = (/** @type {typeof SENTENCES} */ list, /** @type {string} */ separator) =>
  list
    .map(
      ({ text, label }) =>
        `${separator === ',' ? `"${text.replaceAll('"', '""')}"` : text}${separator}${label}\n`,
    )
    .join('');
const FILES = {
  'data.csv': `said,kind\n${rows(SENTENCES, ',')}`,
  'data.tsv': rows(SENTENCES.slice(0, 45), '\t'),
  'held.tsv': rows(SENTENCES.slice(45), '\t'),
  'test.jsonl': SENTENCES.slice(0, 9)
    .map((row) => JSON.stringify(row))
    .join('\n'),
  'book.txt': SENTENCES.map(({ text }) => text)
    .join('\n')
    .repeat(3),
};
/** @type {string} */
let folder;
const path = (/** @type {string} */ name) => join(folder, name);
/** @type {import('../../web/index.js').Engine} */
let engine;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-classify-'));
  for (const [name, file] of Object.entries(FILES)) writeFileSync(path(name), file);
  engine = await load({ variant: 'simd' });
});
after(() => {
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const NAMED = ['--data', 'data.csv', '--text', 'said', '--label', 'kind'];
const NUMBERED = ['--data', 'data.tsv', '--text', '1', '--label', '2'];
const size = tiny.filter((_, i) => !/memory-length/.test(tiny[i - (i % 2)]));

/** @param {readonly string[]} args with the names of files in the folder */
const inFolder = (args) =>
  args.map((arg) => (arg in FILES || arg.endsWith('.safetensors') ? path(arg) : arg));

/** @param {string[]} args @param {Record<string, unknown>} [parts] of the machine */
const run = (args, parts) => runHere(inFolder(args), parts);

/**
 * @param {string[]} args
 * @param {(line: string) => boolean} [until] interrupts the run where a line of its output says so
 */
async function train(args, until = () => false) {
  const signals = new EventEmitter();
  const stdout = new Sink();
  const write = stdout.write.bind(stdout);
  stdout.write = (line, callback) => {
    if (until(line)) signals.emit('SIGINT', 'SIGINT');
    return write(line, callback);
  };
  const result = await run(['train', '--json', ...args], { stdout, signals });
  return { ...result, lines: jsonLines(result.stdout) };
}

/** @param {string} name @returns {any} the model in a file */
const open = (name) => engine.loadCheckpoint(readFileSync(path(name)));

/** Without notes, saves and times. @param {any[]} lines */
const shown = (lines) =>
  lines.filter(({ type }) => !['saved', 'note', 'data'].includes(type)).map(({ seconds, ...line }) => line);

describe('train --classify', () => {
  it('learns, is saved with its labels and vocabulary, evaluated, and predicts', async () => {
    const made = await run([
      ...['train', '--classify', ...NAMED, '--out', 'model.safetensors', ...size, '--vocab-size', '70'],
      ...['--steps', '80', '--learning-rate', '0.02', '--eval-every', '20', '--validation', '0.2'],
    ]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^48 texts to train on, 12 held out, 3 labels; to step 80: 6\.7 passes$/m);
    assert.match(made.stderr, /^\d+ of 60 texts are longer than --context-length 16 and are cut$/m);
    assert.match(made.stderr, /^step 20 {2}validation loss \d\.\d{4} {2}accuracy \d+\.\d %$/m);
    assert.match(made.stderr, /^step 80\/80 {2}loss \d\.\d{3} {2}\S+ texts\/s {2}\S+ left$/m);
    assert.match(made.stdout, /^the best validation was that of step \d+, whose parameters are saved$/m);
    const [summary] = /** @type {string[]} */ (/accuracy \S+ %, macro F1 \S+, loss \S+/.exec(made.stdout));
    assert.match(made.stdout, /^validation: accuracy 100\.0 %/m);
    const { metadata } = open('model.safetensors');
    assert.equal(metadata['hyperrouter.labels'], '["blame","praise","question"]');
    assert.equal(JSON.parse(metadata['hyperrouter.vocabulary']).kind, 'pieces');

    const checkpoint = ['--checkpoint', 'model.safetensors', '--variant', 'simd'];
    const evaluated = await run(['eval', '--data', 'data.csv', ...checkpoint, '--top-k', '1,2']);
    assert.equal(evaluated.code, 0, evaluated.stderr);
    assert.match(evaluated.stdout, /data\.csv, held-out 20 %: 12 texts, 3 labels\n/);
    const [, loss] = /** @type {string[]} */ (/loss (\S+)/.exec(summary));
    assert.match(evaluated.stdout, new RegExp(`^ +2\\* +${loss} +100\\.0 % +1\\.0000$`, 'm'));
    assert.match(evaluated.stdout, /^ {2}praise +4 +\d\.\d{4} +1\.0000$/m);
    assert.match(evaluated.stdout, /^ {2}layer 0 {2}router entropy \d\.\d{3}, load variation \d\.\d{3}/m);

    const all = await run([
      'eval',
      '--data',
      'test.jsonl',
      '--text',
      'text',
      '--label',
      'label',
      ...checkpoint,
      '--json',
    ]);
    const json = JSON.parse(all.stdout);
    assert.deepEqual([json.split, json.texts, json.labels.length], ['all', 9, 3]);
    const [result] = json.results;
    assert.deepEqual(
      result.confusion.flat().reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b),
      9,
    );
    assert.equal(result.accuracy, 1);
    assert.equal(result.routing[0].load.length, 4);

    const stdin = Readable.from([
      Buffer.from('9, "he" sa'),
      Buffer.from('id good\r\n\n€ said poor\n1, "he"'),
      Buffer.from(' said when'),
    ]);
    const predicted = await run(['predict', '--data', '-', ...checkpoint], { stdin });
    assert.equal(predicted.code, 0, predicted.stderr);
    const objects = jsonLines(predicted.stdout);
    assert.deepEqual(
      objects.map(({ text }) => text),
      ['9, "he" said good', '€ said poor', '1, "he" said when'],
    );
    assert.deepEqual(
      objects.map(({ label }) => label),
      ['praise', 'blame', 'question'],
    );
    for (const { probabilities, label } of objects) {
      const shares = /** @type {number[]} */ (Object.values(probabilities));
      assert.deepEqual(Object.keys(probabilities), ['blame', 'praise', 'question']);
      assert.ok(Math.abs(shares.reduce((a, b) => a + b) - 1) < 1e-5);
      assert.equal(probabilities[label], Math.max(...shares));
    }
    assert.match(
      predicted.stderr,
      /1 of 3 texts have characters that the vocabulary does not have; spaces stand/,
    );
    const columns = await run(['predict', '--data', 'data.csv', ...checkpoint, '--top-k', '1']);
    assert.deepEqual(
      jsonLines(columns.stdout).map(({ text }) => text),
      SENTENCES.map(({ text }) => text),
    );
    const lines = await run(['predict', '--data', 'test.jsonl', '--format', 'lines', ...checkpoint]);
    assert.equal(jsonLines(lines.stdout)[0].text, FILES['test.jsonl'].split('\n')[0]);
  });

  it('goes on with the same bits, as the package does', async () => {
    const args = [
      ...[
        '--classify',
        ...NUMBERED,
        '--validation',
        'held.tsv',
        ...size,
        '--vocabulary',
        'char',
        '--seed',
        '7',
      ],
      ...['--steps', '30', '--eval-every', '4', '--learning-rate', '0.01', '--head-learning-rate', '0.03'],
      ...['--top-k-schedule', 'linear_increase', '--dropout', '0.1', '--head-dropout', '0.2'],
    ];
    const whole = await train([...args, '--out', 'whole.safetensors']);
    assert.equal(whole.code, 0, whole.stderr);
    const first = await train([...args, '--out', 'parts.safetensors'], (line) => line.includes('"step":17,'));
    assert.equal(first.code, 130);
    assert.match(
      first.stderr,
      /--data \S+data\.tsv --validation \S+held\.tsv --resume \S+parts\.safetensors/,
    );
    const model = open('parts.safetensors');
    const refused = await train(['--data', 'data.tsv', '--resume', 'parts.safetensors']);
    assert.match(refused.stderr, /has its held-out texts in a file: pass it again with --validation/);
    const other = await train([
      '--data',
      'data.tsv',
      '--resume',
      'parts.safetensors',
      '--validation',
      'data.tsv',
    ]);
    assert.match(other.stderr, /data\.tsv has not the held-out texts that the run in \S+ was started with/);
    const rest = await train([
      '--data',
      'data.tsv',
      '--validation',
      'held.tsv',
      '--resume',
      'parts.safetensors',
    ]);
    assert.equal(rest.code, 0, rest.stderr);
    assert.deepEqual([...shown(first.lines), ...shown(rest.lines)], shown(whole.lines));
    assert.deepEqual(readFileSync(path('parts.safetensors')), readFileSync(path('whole.safetensors')));

    const vocabulary = vocabularyFromJSON(model.metadata['hyperrouter.vocabulary']);
    const labels = new Labels(JSON.parse(model.metadata['hyperrouter.labels']));
    const encoded = (/** @type {'data.tsv' | 'held.tsv'} */ name) => {
      const read = readLabelledTexts(FILES[name], { format: 'tsv', text: 1, label: 2 });
      const { inputs } = encodeTexts(read.texts, vocabulary, model.config, { replacement: ' ' });
      return { inputs, targets: labels.encode(read.labels) };
    };
    await model.train(encoded('data.tsv'), { resume: true, validation: encoded('held.tsv') });
    assertSameParameters(parametersOf(model), parametersOf(open('whole.safetensors')));
  });

  it('keeps the best state, and tests it', async () => {
    const args = [
      ...['--classify', ...NUMBERED, '--validation', 'held.tsv', '--test', 'held.tsv', ...size],
      ...[
        '--vocabulary',
        'byte',
        '--steps',
        '300',
        '--eval-every',
        '2',
        '--patience',
        '2',
        '--learning-rate',
        '0.3',
      ],
    ];
    const { code, stderr, lines } = await train([...args, '--out', 'best.safetensors']);
    assert.equal(code, 0, stderr);
    const done = lines.at(-1);
    assert.ok(done.step < 300 && done.best < done.step, JSON.stringify(done));
    const best = lines.find(({ type, step }) => type === 'validation' && step === done.best);
    assert.equal(done.validation.loss, best.loss);
    assert.deepEqual(done.test, done.validation, 'the same texts');
    assert.deepEqual(
      lines.filter(({ type }) => type === 'test').map(({ step, texts }) => [step, texts]),
      [[done.best, 15]],
    );
    const [{ train: count, validation, test, labels }] = lines.filter(({ type }) => type === 'data');
    assert.deepEqual([count, validation, test, labels], [45, 15, 15, ['blame', 'praise', 'question']]);
    const ended = await train([
      ...['--data', 'data.tsv', '--validation', 'held.tsv', '--resume', 'best.safetensors'],
    ]);
    assert.match(ended.stderr, /has ended with its best parameters/);
  });

  it('starts from a language model, and says what it took over', async () => {
    const book = [
      '--data',
      'book.txt',
      ...tiny,
      '--vocabulary',
      'pieces',
      '--vocab-size',
      '60',
      '--steps',
      '5',
    ];
    assert.equal((await run(['train', ...book, '--out', 'book.safetensors'])).code, 0);
    const args = [
      '--classify',
      ...NUMBERED,
      '--from',
      'book.safetensors',
      '--context-length',
      '12',
      '--steps',
      '6',
    ];
    const frozen = [
      '--patience',
      '0',
      '--learning-rate',
      '0',
      '--head-learning-rate',
      '0.01',
      '--variant',
      'simd',
    ];
    const tuned = await train([...args, ...frozen, '--out', 'tuned.safetensors']);
    assert.equal(tuned.code, 0, tuned.stderr);
    const { taken, notTaken, unused } = tuned.lines.find(({ type }) => type === 'transfer');
    assert.deepEqual(
      notTaken,
      ['0.weight', '0.bias', '3.weight', '3.bias'].map((name) => `project_head.${name}`),
    );
    assert.deepEqual(unused, ['crit.out_layers.0.bias']);
    const [before, after] = [open('book.safetensors'), open('tuned.safetensors')];
    assert.equal(after.config.contextLength, 12);
    assert.equal(after.config.batchSize, 32);
    assert.equal(after.metadata['hyperrouter.vocabulary'], before.metadata['hyperrouter.vocabulary']);
    const body = (/** @type {any} */ model) =>
      new Map([...parametersOf(model)].filter(([name]) => taken.includes(name)));
    assertSameParameters(body(after), body(before), 'a body with learning rate 0 is frozen');
    assert.ok(!('vocabulary' in JSON.parse(after.metadata['hyperrouter.training'])));

    const other = await run([
      'train',
      ...args,
      '--d-inner',
      '8',
      '--out',
      'other.safetensors',
      '--variant',
      'simd',
    ]);
    assert.equal(other.code, 0, other.stderr);
    assert.match(other.stderr, /^--from: \d+ tensors are taken over$/m);
    assert.match(
      other.stderr,
      /^new, since the file has none of this name and shape: \S*experts\.htoh4\.weight, .*project_head/m,
    );
    assert.match(other.stderr, /^not used: .*crit\.out_layers\.0\.bias/m);
    const resumed = await train(['--data', 'data.tsv', '--resume', 'tuned.safetensors', '--steps', '8']);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(resumed.lines.at(-1).step, 8);
  });

  it('holds out the same texts whatever the seed of the model is', async () => {
    const args = [
      '--classify',
      ...NAMED,
      ...size,
      '--steps',
      '2',
      '--vocabulary',
      'byte',
      '--split-seed',
      '3',
    ];
    await train([...args, '--seed', '5', '--out', 'split.safetensors']);
    const model = open('split.safetensors');
    const { train: first } = splitLabelledTexts(
      { texts: SENTENCES.map(({ text }) => text), labels: SENTENCES.map(({ label }) => label) },
      { seed: 3 },
    );
    const own = engine.createTextClassifier(model.config);
    const labels = Labels.of(first.labels);
    const vocabulary = vocabularyFromJSON({ kind: 'byte' });
    const { inputs } = encodeTexts(first.texts, vocabulary, model.config);
    const { learningRate, clip, warmup } = JSON.parse(model.metadata['hyperrouter.training']);
    await own.train(
      { inputs, targets: labels.encode(first.labels) },
      { steps: 2, seed: 5, learningRate, clip, warmup },
    );
    assert.equal(own.step, 2);
    assertSameParameters(parametersOf(own), parametersOf(model));
  });

  it('says what is wrong in a line', async () => {
    writeFileSync(path('one.csv'), 'text,label\na,x\nb,x\n');
    writeFileSync(path('new.tsv'), 'a\tnever\n');
    writeFileSync(path('data.xml'), '<a/>');
    const out = ['--out', 'none.safetensors', ...size, '--steps', '2'];
    const classify = ['train', '--classify', ...out];
    const there = (/** @type {string} */ name) => ['--data', path(name)];
    for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
      [
        [...classify, '--data', 'data.tsv'],
        /has no column "text"; .*without a header, columns have numbers: --text 1 --label 2\n$/,
      ],
      [[...classify, ...NAMED, '--validation', 'held.tsv'], /held\.tsv: line 2 has no column "said"/],
      [
        [...classify, ...there('one.csv')],
        /one\.csv: all texts have the label "x"; there must be 2 labels or more/,
      ],
      [
        [...classify, ...there('data.xml')],
        /--format is missing: the name \S+ does not say whether it is csv, tsv, jsonl/,
      ],
      [[...classify, '--data', '-'], /standard input is empty/],
      [
        [...classify, ...NUMBERED, '--test', path('new.tsv')],
        /new\.tsv: label 1 must be one of the 3 labels, got "never"/,
      ],
      [
        [...classify, ...NUMBERED, '--memory-length', '8'],
        /--memory-length has no effect on a text classifier/,
      ],
      [[...classify, ...NUMBERED, '--from', 'data.tsv'], /data\.tsv: .*not a safetensors file/],
      [
        [...classify, ...NUMBERED, '--from', 'model.safetensors', '--vocabulary', 'byte'],
        /--vocabulary has no effect with --from/,
      ],
      [[...classify, ...NUMBERED, '--validation', '0', '--patience', '2'], /--patience needs held-out texts/],
      [[...classify, ...NUMBERED, '--format', 'xml'], /--format .*must be one of csv, tsv, jsonl/],
      [[...classify, ...NUMBERED, '--d-model', '15'], /--d-model must be/],
      [
        ['train', '--classify', ...NUMBERED, '--test', 'held.tsv', '--out', 'held.tsv', '--force'],
        /--out \S+ is also \S+held\.tsv, which the run reads/,
      ],
      [['train', '--data', 'book.txt', ...out, '--from', 'data.tsv'], /--from needs --classify/],
      [['train', '--data', 'book.txt', ...out, '--head-dropout', '0'], /--head-dropout needs --classify/],
      [
        ['train', '--data', 'book.txt', ...out, '--validation', 'held.tsv'],
        /--validation must be a number .* needs --classify/,
      ],
      [
        ['train', '--data', 'data.csv', '--resume', 'book.safetensors', '--classify'],
        /is a language model; with --from/,
      ],
      [
        ['predict', '--data', 'book.txt', '--checkpoint', 'book.safetensors'],
        /is a language model; this command is for text classifiers/,
      ],
      [
        ['generate', '--checkpoint', 'model.safetensors'],
        /is a text classifier; this command is for language models/,
      ],
      [
        ['eval', '--data', 'book.txt', '--checkpoint', 'book.safetensors', '--text', 'x'],
        /--text has no effect on a language model/,
      ],
      [
        ['eval', '--data', 'data.tsv', '--checkpoint', 'best.safetensors', '--split', 'validation'],
        /the held-out texts of the run are those of another file/,
      ],
      [
        ['predict', '--data', 'book.txt', '--text', 'x', '--checkpoint', 'model.safetensors'],
        /--text has no effect on lines of text/,
      ],
      [
        ['predict', '--data', 'book.txt', '--top-k', '5', '--checkpoint', 'model.safetensors'],
        /--top-k 5: the model has 4 experts/,
      ],
    ])) {
      const { code, stderr } = await run(args);
      assert.match(stderr, message);
      assert.notEqual(code, 0, String(message));
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    }
  });

  it('warns of a header that is read as a text', async () => {
    const args = [
      '--data',
      'data.csv',
      '--text',
      '1',
      '--label',
      '2',
      ...size,
      '--steps',
      '1',
      '--vocabulary',
      'byte',
    ];
    const read = await run(['train', '--classify', ...args, '--out', 'header.safetensors']);
    assert.match(
      read.stderr,
      /warning: \S+data\.csv: only the first row has the label "kind"; if it is a header, --header/,
    );
    assert.match(read.stderr, /4 labels/);
    const passed = await run([
      'train',
      '--classify',
      ...args,
      '--header',
      '--out',
      'header.safetensors',
      '--force',
    ]);
    assert.doesNotMatch(passed.stderr, /warning/);
    assert.match(passed.stderr, /3 labels/);
  });
});
