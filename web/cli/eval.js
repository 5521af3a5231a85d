/**
 * `hyperrouter-wasm eval`: the loss of a language model on a text, or how well a text classifier does on labelled texts, for
 * one or more numbers of experts per token.
 *
 * @module
 */
import { load } from '../index.js';
import { evaluateText, splitText } from '../text.js';
import { usageError } from './errors.js';
import { evaluateClassifier } from './eval-classifier.js';
import { measureEach, routingOf, table } from './evaluation.js';
import { encodeText, fingerprint, joinFiles, openCheckpoint, readFiles } from './files.js';
import { columnOptions } from './labelled-data.js';
import {
  checkNeeded,
  configOption,
  dataOption,
  optionOf,
  parseCounts,
  threadsOption,
  variantOption,
} from './options.js';
import { print, printable, toJSON } from './output.js';
import { recipeFields } from './recipe.js';
import { checkRoutes, routes } from './routing.js';

const SPLITS = ['validation', 'train', 'all'];

/** @type {import('./options.js').Field} */
const splitField = {
  name: 'split',
  type: 'choice',
  choices: SPLITS,
  summary: 'Part of the data to evaluate; by default the part held out in training, or all of other data',
};

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm eval --data book.txt --checkpoint book.safetensors
  $ npx hyperrouter-wasm eval --data book.txt --checkpoint book.safetensors --top-k 1,2,4,8
  $ npx hyperrouter-wasm eval --data another.txt --checkpoint book.safetensors --json
  $ npx hyperrouter-wasm eval --data test.csv --checkpoint reviews.safetensors`;

/**
 * @typedef {object} EvalOptions
 * @property {string[]} data
 * @property {string} checkpoint
 * @property {number[]} [topK]
 * @property {string} [split]
 * @property {number} [validation]
 * @property {string} [config]
 * @property {'auto' | 'simd' | 'relaxed-simd'} [variant]
 * @property {number | 'auto'} threads
 * @property {boolean} [json]
 * @property {string} [text]
 * @property {string} [label]
 * @property {boolean} [header]
 * @property {'csv' | 'tsv' | 'jsonl'} [format]
 */

/**
 * @param {import('commander').Command} program
 * @param {import('./system.js').System} system
 */
export function addEvalCommand(program, system) {
  const validation = recipeFields.find(({ name }) => name === 'validation');
  const shareField = {
    .../** @type {import('./options.js').Field} */ (validation),
    type: /** @type {const} */ ('number'),
    default: 'as trained',
    summary:
      'Share of the data that is held out: the end of a text, or that share of the texts of each label',
  };
  const command = program
    .command('eval')
    .summary('evaluate a model on a text, or on labelled texts')
    .description(
      'Prints the loss (nats per token) and bits per byte of a language model on a text file; of a text classifier, accuracy and F1 on labelled texts. With --json also its confusion matrix.',
    )
    .addOption(dataOption('Text, or labelled texts, to evaluate on'))
    .option('--checkpoint <file>', 'The model')
    .option('--top-k <list>', 'Experts per token, such as 1,2,4,8; by default as trained', parseCounts)
    .addOption(optionOf(splitField, 'Options:'))
    .addOption(optionOf(shareField, 'Options:'))
    .addOption(configOption())
    .addOption(variantOption())
    .addOption(threadsOption())
    .option('--json', 'Print JSON')
    .addHelpText('after', EXAMPLES)
    .action((options) => evaluate(options, system));
  for (const option of columnOptions('Labelled texts, by default as trained:')) command.addOption(option);
}

/**
 * @param {EvalOptions} options
 * @param {import('./system.js').System} system
 */
async function evaluate(options, system) {
  checkNeeded(options, ['data', 'checkpoint']);
  const data = await readFiles(options.data, system);
  const engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    const kinds = /** @type {const} */ (['language', 'text-classifier']);
    const opened = await openCheckpoint(engine, options.checkpoint, system.fs, kinds, options);
    const { model, vocabulary, training } = opened;
    const counts = checkCounts(options.topK, model);
    const evaluation = { options, data, counts, vocabulary, training: /** @type {any} */ (training) };
    const shown =
      model.kind === 'language'
        ? await evaluateLanguageModel(model, evaluation, system)
        : await evaluateClassifier(model, evaluation, system);
    await print(`${printable(shown)}\n`, system);
  } finally {
    engine.dispose();
  }
}

/**
 * What a model is evaluated on, and how.
 *
 * @typedef {object} Evaluated
 * @property {EvalOptions} options
 * @property {Awaited<ReturnType<typeof readFiles>>} data
 * @property {(number | null)[]} counts  numbers of experts per token; null: the model is dense
 * @property {import('../vocabulary.js').Vocabulary} vocabulary
 * @property {any} training  the recipe of the run, if known
 */

/**
 * @param {import('../index.js').LanguageModel} model
 * @param {Evaluated} evaluated
 * @param {import('./system.js').System} system
 * @returns {Promise<string>}
 */
async function evaluateLanguageModel(model, { options, data, counts, vocabulary, training }, system) {
  const misplaced = /** @type {const} */ (['text', 'label', 'header', 'format']).find(
    (name) => options[name],
  );
  if (misplaced) throw usageError(`--${misplaced} has no effect on a language model`);
  const { name } = data;
  const text = joinFiles(data.files);
  const { split, tokens } = selectPart(options, name, text, encodeText(vocabulary, text, name), training);
  const { topK: trained } = model;
  const results = await measureEach(model, counts, system, async (onProgress) => {
    const { loss, bitsPerToken, bitsPerByte } = await evaluateText(model, tokens, {
      vocabulary,
      onProgress: (done) => onProgress(done.tokens / done.total),
    });
    return { loss, bitsPerToken, bitsPerByte };
  });
  const { checkpoint } = options;
  if (options.json) return toJSON({ checkpoint, data: name, split, tokens: tokens.length, results });
  const rows = results.map(({ loss, bitsPerByte }) => [loss.toFixed(4), Number(bitsPerByte).toFixed(4)]);
  return [
    `${name}, ${split}: ${tokens.length.toLocaleString('en')} tokens`,
    ...table(['loss', 'bits/byte'], rows, results, trained),
    ...routingOf(results, trained),
  ].join('\n');
}

/**
 * @param {number[] | undefined} counts
 * @param {import('./files.js').TextModel} model
 * @returns {(number | null)[]} null: the model has no experts
 */
function checkCounts(counts, model) {
  if (counts) checkRoutes('--top-k', model);
  if (!routes(model)) return [null];
  const { experts } = model.config;
  const bad = counts?.find((count) => count > experts);
  if (bad !== undefined) throw usageError(`--top-k ${bad}: the model has ${experts} experts`);
  return counts ?? [model.topK];
}

/**
 * @param {EvalOptions} options
 * @param {string} name
 * @param {Uint8Array} text
 * @param {Int32Array} tokens
 * @param {any} training  the recipe of the run, if known
 */
function selectPart(options, name, text, tokens, training) {
  const trainedOn = training?.text === undefined || training.text === fingerprint(text);
  const split = options.split ?? (trainedOn ? 'validation' : 'all');
  if (split === 'all' && options.validation !== undefined) {
    const why =
      options.split === undefined ? `, the default for ${name}, which the model was not trained on` : '';
    throw usageError(`--validation has no effect with --split all${why}`);
  }
  if (split === 'all') return { split, tokens };
  const share = options.validation ?? training?.validation ?? 0.1;
  const part = splitText(tokens, { validation: share })[/** @type {'train'} */ (split)];
  if (part.length < 2) {
    throw usageError(
      `the ${split} part of ${name} has only ${part.length} tokens (--validation ${share}); try --split all`,
    );
  }
  return {
    split:
      split === 'validation'
        ? `last ${+(100 * share).toFixed(2)} %`
        : `all but the last ${+(100 * share).toFixed(2)} %`,
    tokens: part,
  };
}
