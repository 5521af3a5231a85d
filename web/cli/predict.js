/**
 * `hyperrouter-wasm predict`: the labels that a text classifier gives texts, one JSON object per line.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { load } from '../index.js';
import { quote } from '../message.js';
import { formatOfName } from '../table-format.js';
import { changesOf } from './classify-task.js';
import { CommandError, fileError, usageError } from './errors.js';
import { openCheckpoint, readFiles, readLabels, STANDARD_INPUT } from './files.js';
import { columnOptions, columnsOf, encodeKnown, readRows } from './labelled-data.js';
import { checkNeeded, configOption, dataOption, optionOf, threadsOption, variantOption } from './options.js';
import { print, toJSON } from './output.js';
import { checkRoutes } from './routing.js';

/** @type {import('./options.js').Field} */
const topKField = {
  name: 'topK',
  type: 'integer',
  min: 1,
  summary: 'Experts per token; by default as trained',
};

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm predict --data new.txt --checkpoint reviews.safetensors
  $ echo 'a fine film' | npx hyperrouter-wasm predict --data - --checkpoint reviews.safetensors
  $ npx hyperrouter-wasm predict --data new.csv --text review --checkpoint reviews.safetensors > labels.jsonl`;

/**
 * @typedef {object} PredictOptions
 * @property {string[]} data
 * @property {string} checkpoint
 * @property {string} [text]
 * @property {boolean} [header]
 * @property {'lines' | 'csv' | 'tsv' | 'jsonl'} [format]
 * @property {number} [topK]
 * @property {string} [config]
 * @property {'auto' | 'simd' | 'relaxed-simd'} [variant]
 * @property {number | 'auto'} threads
 */

/**
 * @param {import('commander').Command} program
 * @param {import('./system.js').System} system
 */
export function addPredictCommand(program, system) {
  const command = program
    .command('predict')
    .summary('label texts with a text classifier')
    .description(
      'Prints one JSON object per text and line, with the text, its most likely label and the probability of each label. Texts are lines, unless the data are CSV, TSV or JSON lines. Empty lines are skipped.',
    )
    .addOption(dataOption('Texts'))
    .option('--checkpoint <file>', 'The classifier')
    .addOption(optionOf(topKField, 'Options:'))
    .addOption(configOption())
    .addOption(variantOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES)
    .action((options) => predict(options, system));
  for (const option of columnOptions('Options:', { labels: false, lines: true })) command.addOption(option);
}

/**
 * @param {PredictOptions} options
 * @param {import('./system.js').System} system
 */
async function predict(options, system) {
  checkNeeded(options, ['data', 'checkpoint']);
  const engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    const kinds = /** @type {const} */ (['text-classifier']);
    const { model, vocabulary, training } = await openCheckpoint(
      engine,
      options.checkpoint,
      system.fs,
      kinds,
      options,
    );
    const labels = readLabels(model, options.checkpoint);
    if (options.topK !== undefined) {
      checkRoutes('--top-k', model);
      const { experts } = model.config;
      if (options.topK > experts)
        throw usageError(`--top-k ${options.topK}: the model has ${experts} experts`);
      model.topK = options.topK;
    }
    const counts = { cut: 0, replaced: 0, all: 0 };
    const { columns } = /** @type {{ columns?: any }} */ (training ?? {});
    for await (const texts of partsOf(options, columns, model.config.batchSize, system)) {
      const { inputs, cut, replaced } = encodeInputs(texts, vocabulary, model.config);
      const probabilities = model.predict({ inputs });
      counts.cut += cut;
      counts.replaced += replaced;
      counts.all += texts.length;
      const lines = texts.map((text, i) => {
        const row = probabilities.subarray(i * labels.names.length, (i + 1) * labels.names.length);
        return `${toJSON({ text, ...prediction(row, labels.names) })}\n`;
      });
      if (!(await print(lines.join(''), system))) return;
      // So that a signal is noticed.
      await setImmediate();
    }
    for (const line of changesOf(counts, model.config.contextLength))
      await system.messages.tell('note', line);
  } finally {
    engine.dispose();
  }
}

/**
 * @param {string[]} texts
 * @param {import('../vocabulary.js').Vocabulary} vocabulary
 * @param {{ contextLength: number }} config
 */
function encodeInputs(texts, vocabulary, config) {
  try {
    return encodeKnown(texts, vocabulary, config);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CommandError(error.message.replace(/^texts\[(\d+)\]/, (_, i) => `the text ${quote(texts[i])}`));
  }
}

/**
 * @param {Float32Array} probabilities
 * @param {readonly string[]} names
 */
function prediction(probabilities, names) {
  const most = probabilities.reduce((best, p, id) => (p > probabilities[best] ? id : best), 0);
  // Single precision has no more digits.
  const shares = Array.from(probabilities, (p, id) => [names[id], Number(p.toPrecision(7))]);
  return { label: names[most], probabilities: Object.fromEntries(shares) };
}

/**
 * The texts, in parts that are predicted together: lines as they come, rows of a file that was read.
 *
 * @param {PredictOptions} options
 * @param {import('./labelled-data.js').Columns | undefined} stored
 * @param {number} size  of a part
 * @param {import('./system.js').System} system
 * @returns {AsyncGenerator<string[]>}
 */
async function* partsOf({ data: paths, format, text, header }, stored, size, system) {
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw usageError('--data - can be given once: standard input is read to its end');
  }
  for (const path of paths) {
    // Of texts without labels, a .txt file is what it says.
    const named = /\.txt$/i.test(path) ? 'lines' : formatOfName(path);
    const kind = format ?? named ?? 'lines';
    if (kind !== 'lines') {
      const { files } = await readFiles([path], system);
      const columns = columnsOf({ text, header, format: kind }, stored && { ...stored, format: undefined });
      const { texts } = readRows(files, columns, { labels: false });
      for (let at = 0; at < texts.length; at += size) yield texts.slice(at, at + size);
      continue;
    }
    const unused = [text !== undefined && '--text', header && '--header'].filter(Boolean);
    if (unused.length > 0)
      throw usageError(`${unused[0]} has no effect on lines of text: ${path} needs --format`);
    const pieces =
      path === STANDARD_INPUT
        ? system.stdin
        : (await readFiles([path], system)).files.map(({ bytes }) => bytes);
    yield* lineParts(pieces, size);
  }
}

/**
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} pieces
 * @param {number} size
 * @returns {AsyncGenerator<string[]>}
 */
async function* lineParts(pieces, size) {
  const utf8 = new TextDecoder();
  let rest = '';
  /** @param {string} text @returns {string[][]} */
  const cut = (text) => {
    const lines = text.split(/\r?\n/).filter((line) => line !== '');
    return Array.from({ length: Math.ceil(lines.length / size) }, (_, i) =>
      lines.slice(i * size, (i + 1) * size),
    );
  };
  const iterator = piecesOf(pieces);
  for await (const piece of iterator) {
    rest += utf8.decode(piece, { stream: true });
    const end = rest.lastIndexOf('\n') + 1;
    if (end === 0) continue;
    const whole = rest.slice(0, end);
    rest = rest.slice(end);
    yield* cut(whole);
  }
  yield* cut(rest + utf8.decode());
}

/** @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} pieces */
async function* piecesOf(pieces) {
  try {
    yield* pieces;
  } catch (error) {
    throw fileError('cannot read', 'standard input', error);
  }
}
