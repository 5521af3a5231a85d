/**
 * `hyperrouter-wasm eval`: the loss of a model on a text, for one or more numbers of experts per token.
 *
 * @module
 */
import { load } from '../index.js';
import { evaluateText, splitText } from '../text.js';
import { CommandError, reasonOf, usageError } from './errors.js';
import { encodeText, fingerprint, openCheckpoint, readTexts } from './files.js';
import { configOption, dataOption, optionOf, parseCounts, threadsOption, variantOption } from './options.js';
import { StatusLine } from './progress.js';
import { recipeFields } from './recipe.js';

const SPLITS = ['validation', 'train', 'all'];

/** @type {import('./options.js').Field} */
const splitField = {
  name: 'split',
  type: 'choice',
  choices: SPLITS,
  summary: 'Part of the text to evaluate; by default the part held out in training, or all of another text',
};

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm eval --data book.txt --checkpoint book.safetensors
  $ npx hyperrouter-wasm eval --data book.txt --checkpoint book.safetensors --top-k 1,2,4,8
  $ npx hyperrouter-wasm eval --data another.txt --checkpoint book.safetensors --json`;

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
 */

/**
 * @param {import('commander').Command} program
 * @param {import('./system.js').System} system
 */
export function addEvalCommand(program, system) {
  const validation = { .../** @type {any} */ (recipeFields.find(({ name }) => name === 'validation')) };
  program
    .command('eval')
    .summary('evaluate a model on a text file')
    .description('Prints the loss (nats per token) and bits per byte of a model on a text file.')
    .addOption(dataOption('Text to evaluate on'))
    .requiredOption('--checkpoint <file>', 'The model')
    .option('--top-k <list>', 'Experts per token, such as 1,2,4,8; by default as trained', parseCounts)
    .addOption(optionOf(splitField, 'Options:'))
    .addOption(optionOf({ ...validation, default: 'as trained' }, 'Options:'))
    .addOption(configOption())
    .addOption(variantOption())
    .addOption(threadsOption())
    .option('--json', 'Print JSON')
    .addHelpText('after', EXAMPLES)
    .action((options) => evaluate(options, system));
}

/**
 * @param {EvalOptions} options
 * @param {import('./system.js').System} system
 */
async function evaluate(options, system) {
  const { text, name } = await readTexts(options.data, system);
  const engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    const { model, vocabulary, training } = await openCheckpoint(
      engine,
      options.checkpoint,
      system.fs,
      options,
    );
    const counts = checkCounts(options.topK, model);
    const all = encodeText(vocabulary, text, name);
    const { split, tokens } = selectPart(options, name, text, all, training);
    const { topK: trained } = model;
    const results = await measure(model, tokens, vocabulary, counts, system);
    const { checkpoint } = options;
    const shown = options.json
      ? JSON.stringify({ checkpoint, data: name, split, tokens: tokens.length, results })
      : `${name}, ${split}: ${tokens.length.toLocaleString('en')} tokens\n${table(results, trained)}`;
    await print(`${shown}\n`, system);
  } finally {
    engine.dispose();
  }
}

/**
 * @param {string} text  what the command was for: unlike reports, it must arrive
 * @param {import('./system.js').System} system
 */
async function print(text, { stdout }) {
  // A reader that has seen enough, as with `| head`, is not an error.
  if ((await stdout.write(text)) || stdout.error?.code === 'EPIPE') return;
  throw new CommandError(`cannot write to standard output: ${reasonOf(stdout.error)}`, {
    cause: stdout.error,
  });
}

/**
 * @param {number[] | undefined} counts
 * @param {import('../index.js').LanguageModel} model
 * @returns {(number | null)[]} null: the model is dense
 */
function checkCounts(counts, model) {
  if (model.config.router === 'dense') {
    if (counts) throw usageError('--top-k: a dense model has no experts');
    return [null];
  }
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

/**
 * @param {import('../index.js').LanguageModel} model
 * @param {Int32Array} tokens
 * @param {import('../vocabulary.js').Vocabulary} vocabulary
 * @param {(number | null)[]} counts
 * @param {import('./system.js').System} system
 */
async function measure(model, tokens, vocabulary, counts, { stderr }) {
  const status = new StatusLine(stderr);
  const results = [];
  for (const topK of counts) {
    if (topK !== null) model.topK = topK;
    const { loss, bitsPerToken, bitsPerByte } = await evaluateText(model, tokens, {
      vocabulary,
      onProgress: (done) =>
        status.show(`top-${topK ?? 'all'}: ${Math.round((100 * done.tokens) / done.total)} %`),
    });
    results.push({ topK, loss, bitsPerToken, bitsPerByte });
  }
  status.clear();
  return results;
}

/**
 * @param {Awaited<ReturnType<typeof measure>>} results
 * @param {number} trained  experts per token in training
 */
function table(results, trained) {
  const rows = results.map(({ topK, loss, bitsPerByte }) => [
    topK === null ? 'dense' : `${topK}${topK === trained && results.length > 1 ? '*' : ' '}`,
    loss.toFixed(4),
    /** @type {number} */ (bitsPerByte).toFixed(4),
  ]);
  const lines = [['top-k', 'loss', 'bits/byte'], ...rows].map(
    ([k, loss, bits]) => `${k.padStart(6)}  ${loss.padStart(8)}  ${bits.padStart(9)}`,
  );
  if (rows.some(([k]) => k.endsWith('*'))) lines.push('* as trained');
  return lines.join('\n');
}
