/**
 * `hyperrouter-wasm generate`: prints text while a model generates it.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import { load } from '../index.js';
import { CommandError, reasonOf, usageError } from './errors.js';
import { ExpertPrinter, letterOf, paint } from './experts.js';
import { openCheckpoint } from './files.js';
import { checkNeeded, configOption, defaultsOf, givenOf, optionOf, variantOption } from './options.js';
import { printable } from './output.js';
import { checkRoutes } from './routing.js';

/** @type {import('./options.js').Field[]} */
const fields = [
  { name: 'maxTokens', type: 'integer', default: 200, min: 1, summary: 'Number of tokens to generate' },
  {
    name: 'temperature',
    type: 'number',
    default: 0.8,
    min: 0,
    summary: 'Below 1: less random; 0: always the most likely token',
  },
  {
    name: 'topP',
    type: 'number',
    default: 0.95,
    min: 0,
    max: 1,
    summary: 'Nucleus sampling: share of the probability to sample from',
  },
  {
    name: 'topTokens',
    type: 'integer',
    min: 1,
    summary: 'Top-k sampling: number of most likely tokens to sample from; by default all',
  },
  {
    name: 'repetitionPenalty',
    type: 'number',
    default: 1,
    min: 0.001,
    max: 1000,
    summary: 'Above 1: fewer repetitions of tokens that are already in the text',
  },
  { name: 'topK', type: 'integer', min: 1, summary: 'Experts per token; by default as trained' },
  {
    name: 'seed',
    type: 'integer',
    default: 1,
    min: 0,
    max: 2 ** 32 - 1,
    summary: 'Seed of the sampling; the same seed gives the same text',
  },
  { name: 'layer', type: 'integer', default: 0, min: 0, summary: 'Layer whose experts --show-experts shows' },
];

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm generate --checkpoint book.safetensors --prompt "Once upon"
  $ npx hyperrouter-wasm generate --checkpoint book.safetensors --show-experts --layer 1 --seed 7`;

/**
 * @typedef {object} GenerateOptions
 * @property {string} checkpoint
 * @property {string} [prompt]
 * @property {string} [config]
 * @property {string[]} [stop]
 * @property {boolean} [showExperts]
 * @property {'auto' | 'simd' | 'relaxed-simd'} [variant]
 */

/**
 * @param {import('commander').Command} program
 * @param {import('./system.js').System} system
 */
export function addGenerateCommand(program, system) {
  const command = program
    .command('generate')
    .summary('generate text with a model')
    .description('Generates text and prints it as it is generated.')
    .option('--checkpoint <file>', 'The model')
    .option('--prompt <text>', 'Beginning of the text')
    .option('--stop <text>', 'End the text after this text; may be repeated', addStop)
    .option(
      '--show-experts',
      'Show the first expert of every character, as letters, and as colours on a terminal',
    )
    .addOption(configOption())
    .addOption(variantOption())
    .addHelpText('after', EXAMPLES);
  for (const field of fields) command.addOption(optionOf(field, 'Options:'));
  command.action((options) => generate(options, givenOf(options, fields), system));
}

/**
 * @param {GenerateOptions} options
 * @param {Record<string, any>} given  values of the fields
 * @param {import('./system.js').System} system
 */
async function generate(options, given, { stdout, fs }) {
  checkNeeded(options, ['checkpoint']);
  const engine = await load({ variant: options.variant ?? 'auto' });
  try {
    const { layer, topK, ...sampling } = { ...defaultsOf(fields), ...given };
    if (given.layer !== undefined && !options.showExperts)
      throw usageError('--layer has no effect without --show-experts');
    if (sampling.topP === 0) throw usageError('--top-p must be above 0, got 0');
    const { model, vocabulary } = await openCheckpoint(engine, options.checkpoint, fs, ['language'], options);
    const { vocabSize } = model.config;
    if (sampling.topTokens > vocabSize)
      throw usageError(`--top-tokens ${sampling.topTokens}: the model has ${vocabSize} tokens`);
    if (options.showExperts) checkLayer(layer, model);
    if (topK !== undefined) {
      checkRoutes('--top-k', model);
      if (topK > model.config.experts)
        throw usageError(`--top-k ${topK}: the model has ${model.config.experts} experts`);
      model.topK = topK;
    }
    const prompt = promptTokens(vocabulary, options.prompt);
    const experts = options.showExperts ? model.config.experts : null;
    const printer = experts === null ? plainPrinter(stdout) : expertPrinter(stdout, experts);
    printer.print(options.prompt ?? '', null);
    const decoder = vocabulary.decoder();
    const ending = new Ending(options.stop ?? []);
    let expert = null;
    for (const { token, routing } of model.generate(prompt, sampling)) {
      expert = options.showExperts ? routing[layer].experts[0] : null;
      printer.print(ending.push(decoder.push(token)), expert);
      if (ending.reached) break;
      // So that the text is written, and a closed pipe is noticed.
      await setImmediate();
      if (stdout.error) break;
    }
    if (!ending.reached) printer.print(decoder.end(), expert);
    await printer.end();
    // A reader that has seen enough, as with `| head`, is not an error.
    if (stdout.error && stdout.error.code !== 'EPIPE') {
      const message = `cannot write to standard output: ${reasonOf(stdout.error)}`;
      throw new CommandError(message, { cause: stdout.error });
    }
  } finally {
    engine.dispose();
  }
}

/**
 * @param {number} layer
 * @param {import('../index.js').LanguageModel} model
 */
function checkLayer(layer, model) {
  checkRoutes('--show-experts', model);
  const { layers } = model.config;
  if (layer >= layers) throw usageError(`--layer ${layer}: the model has layers 0 to ${layers - 1}`);
}

/**
 * @param {import('../vocabulary.js').Vocabulary} vocabulary
 * @param {string | undefined} prompt
 * @returns {Int32Array} at least one token: a model cannot start from nothing
 */
function promptTokens(vocabulary, prompt) {
  if (prompt) {
    try {
      return vocabulary.encode(prompt);
    } catch (error) {
      throw usageError(`--prompt: ${/** @type {Error} */ (error).message}`);
    }
  }
  try {
    return vocabulary.encode('\n');
  } catch {
    return Int32Array.of(0);
  }
}

/**
 * @param {string} text
 * @param {string[]} [before]
 */
function addStop(text, before = []) {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return [...before, text];
}

/** Finds the end of a text that arrives in pieces; a token may end within a stop text, and after it. */
class Ending {
  #stops;
  #longest;
  #seen = '';
  reached = false;

  /** @param {string[]} stops */
  constructor(stops) {
    this.#stops = stops;
    this.#longest = stops.reduce((most, { length }) => Math.max(most, length), 0);
  }

  /**
   * @param {string} piece
   * @returns {string} the part of it that belongs to the text
   */
  push(piece) {
    const text = this.#seen + piece;
    const ends = this.#stops.map((stop) => [text.indexOf(stop), stop.length]).filter(([at]) => at >= 0);
    const end = ends.reduce((least, [at, length]) => Math.min(least, at + length), Infinity);
    this.reached = end !== Infinity;
    const kept = this.reached ? piece.slice(0, end - this.#seen.length) : piece;
    this.#seen = this.#longest > 1 ? text.slice(1 - this.#longest) : '';
    return kept;
  }
}

/** @param {import('./output.js').Channel} stdout */
function plainPrinter(stdout) {
  const show = stdout.isTTY ? printable : (/** @type {string} */ text) => text;
  return { print: (/** @type {string} */ text) => stdout.write(show(text)), end: () => stdout.write('\n') };
}

/**
 * @param {import('./output.js').Channel} stdout
 * @param {number} experts
 */
function expertPrinter(stdout, experts) {
  const { colorDepth } = stdout;
  const printer = new ExpertPrinter((text) => stdout.write(text), {
    experts,
    colorDepth,
    width: Math.min(stdout.columns || 80, 100),
  });
  return {
    print: (/** @type {string} */ text, /** @type {number | null} */ expert) => printer.print(text, expert),
    end() {
      printer.end();
      const names = Array.from({ length: experts }, (_, e) =>
        paint(` ${letterOf(e)} `, e, experts, colorDepth),
      );
      return stdout.write(`experts: ${names.join(' ')}\n`);
    },
  };
}
