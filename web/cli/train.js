/**
 * `hyperrouter-wasm train`: trains a language model on a text file.
 *
 * @module
 */
import { load } from '../index.js';
import { CommandError, USAGE, usageError } from './errors.js';
import { Lock } from './files/lock.js';
import { Saver } from './files/saver.js';
import { resolveTarget } from './files/write.js';
import { checkOutput, checkRoom, encodeText, fingerprint, openCheckpoint, readTexts } from './files.js';
import {
  dataOption,
  defaultsOf,
  flagOf,
  givenOf,
  optionOf,
  threadsOption,
  variantOption,
} from './options.js';
import {
  checkEffect,
  checkModelEffect,
  checkRecipe,
  recipeFields,
  resumedRecipe,
  withWarmup,
} from './recipe.js';
import { Trainer } from './trainer.js';
import { makeVocabulary } from './vocabularies.js';

/**
 * @typedef {import('./recipe.js').Recipe} Recipe
 * @typedef {import('./trainer.js').Run} Run
 * @typedef {import('./system.js').System} System
 */

/**
 * @typedef {object} TrainOptions
 * @property {string[]} data
 * @property {string} [out]
 * @property {string} [resume]
 * @property {'auto' | 'simd' | 'relaxed-simd'} [variant]
 * @property {number | 'auto'} threads
 * @property {boolean} [force]
 * @property {boolean} [modelOnly]
 * @property {boolean} [json]
 */

/** Determined by the vocabulary, not by an option. */
const DERIVED = ['vocabSize'];

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm train --data book.txt --out book.safetensors
  $ npx hyperrouter-wasm train --data book.txt --out big.safetensors --d-model 128 --layers 4 --experts 16 --steps 5000
  $ npx hyperrouter-wasm train --data book.txt --out k.safetensors --top-k 4 --top-k-schedule linear_increase
  $ npx hyperrouter-wasm train --data book.txt --out words.safetensors --vocabulary pieces --vocab-size 2048
  $ npx hyperrouter-wasm train --data book.txt --out best.safetensors --steps 20000 --patience 5
  $ npx hyperrouter-wasm train --data book.txt --resume book.safetensors

Ctrl-C finishes the step, saves, and prints how to continue; a second Ctrl-C quits immediately.
The loss shown is a running mean over about 20 steps; --json prints the loss of every step.`;

/**
 * @param {import('commander').Command} program
 * @param {readonly import('./options.js').Field[]} configFields  of a language model
 * @param {System} system
 */
export function addTrainCommand(program, configFields, system) {
  const modelFields = configFields.filter(({ name }) => !DERIVED.includes(name));
  const command = program
    .command('train')
    .summary('train a language model on a text file')
    .description('Trains a language model on a text file and saves it as safetensors.')
    .addOption(dataOption('Text to train on'))
    .option('--out <file>', 'File to save to; with --resume by default the resumed file')
    .option('--resume <file>', 'Continue a saved run, with the same bits; its options are in the file')
    .option('--force', 'Overwrite an existing --out file')
    .option(
      '--model-only',
      "Do not save the optimizer's state at the end: a third of the size, but not resumable",
    )
    .option('--json', 'Print one JSON object per line on stdout for every step, validation and save')
    .addOption(variantOption())
    .addOption(threadsOption())
    .addHelpText('after', EXAMPLES);
  for (const field of recipeFields) command.addOption(optionOf(field, 'Training:'));
  for (const field of modelFields) command.addOption(optionOf(field, 'Model:'));
  command.action((options) =>
    train(options, givenOf(options, recipeFields), givenOf(options, modelFields), system),
  );
}

/**
 * A text, and what to call it.
 *
 * @typedef {Awaited<ReturnType<typeof readTexts>>} Data
 */

/**
 * @param {TrainOptions} options
 * @param {Record<string, any>} given        given recipe options
 * @param {Record<string, any>} givenConfig  given model options
 * @param {System} system
 */
async function train(options, given, givenConfig, system) {
  const { fs, messages } = system;
  messages.json = options.json === true;
  const out = options.out ?? options.resume;
  if (out === undefined) throw usageError('--out is missing: it says where to save the model');
  const same = await isSame(out, options.resume, fs);
  // A text is no run to resume, which is said later.
  const check = { overwrite: same || options.force === true, data: same ? [] : options.data };
  const target = await checkOutput(out, check, fs);
  const lock = new Lock(target, fs);
  const saver = new Saver({ path: out, target, lock }, system);
  let locked = await lock.acquire(out);
  if (!locked) {
    // What a killed run left may be what fills the disk.
    await saver.removeTemporaries();
    locked = await lock.acquire(out);
  }
  if (!locked) {
    const unnoticed = 'so that another run with this --out is not noticed';
    await messages.tell('warning', `the disk of ${out} is full, ${unnoticed}`);
  }
  try {
    // Another run may have ended in between.
    await checkOutput(out, check, fs);
    await saver.removeTemporaries();
    await trainTo(saver, target, options, given, givenConfig, system);
  } finally {
    await lock.release();
  }
}

/**
 * @param {string} out
 * @param {string | undefined} resume
 * @param {import('./files/read.js').FileSystem} fs
 */
async function isSame(out, resume, fs) {
  if (resume === undefined || out === resume) return out === resume;
  const [one, other] = await Promise.all(
    [out, resume].map((path) => resolveTarget(path, fs).catch(() => null)),
  );
  return one !== null && one === other;
}

/**
 * @param {Saver} saver
 * @param {string} target
 * @param {TrainOptions} options
 * @param {Record<string, any>} given
 * @param {Record<string, any>} givenConfig
 * @param {System} system
 */
async function trainTo(saver, target, options, given, givenConfig, system) {
  const data = await readTexts(options.data, system);
  const { engine, run } =
    options.resume === undefined
      ? await startRun(options, data, given, givenConfig)
      : await resumeRun(options.resume, options, data, given, givenConfig, system);
  try {
    checkEffect(given, run.recipe, run.model.config);
    const trainer = new Trainer(run, { ...options, name: data.name }, saver, system);
    const warning = await checkRoom(
      saver.path,
      target,
      checkpointBytes(run.model, options.modelOnly === true),
      system.fs,
    );
    if (warning) await system.messages.tell('warning', warning);
    await trainer.train();
  } finally {
    engine.dispose();
  }
}

/**
 * @param {import('../index.js').LanguageModel} model
 * @param {boolean} modelOnly
 * @returns {number} of the last file, without its header
 */
function checkpointBytes({ parameterCount, trainableParameterCount, config }, modelOnly) {
  const memory = config.layers * config.batchSize * config.memoryLength * config.dModel;
  return 4 * (parameterCount + (modelOnly ? 0 : 2 * trainableParameterCount + memory));
}

/**
 * @param {TrainOptions} options
 * @param {Data} data
 * @param {Record<string, any>} given
 * @param {Record<string, any>} givenConfig
 * @returns {Promise<{ engine: import('../index.js').Engine, run: Run }>}
 */
async function startRun(options, { text, name }, given, givenConfig) {
  const chosen = /** @type {Recipe} */ ({ ...defaultsOf(recipeFields), ...given });
  const vocabulary = makeVocabulary(chosen, text, name);
  const engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    const model = createModel(engine, { ...givenConfig, vocabSize: vocabulary.size });
    checkModelEffect(givenConfig, engine.configFields('language'), model.config);
    const recipe = withWarmup({
      ...chosen,
      topK: model.config.topK,
      variant: engine.info.variant,
      text: fingerprint(text),
      resumable: true,
    });
    const tokens = encodeText(vocabulary, text, name);
    return { engine, run: { model, vocabulary, recipe, tokens, resume: false } };
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

/**
 * @param {import('../index.js').Engine} engine
 * @param {Record<string, any>} config
 */
function createModel(engine, config) {
  try {
    return engine.createLanguageModel(config);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    const message = error.message.replace(/^config\.(\w+)/, (_, name) => flagOf(name));
    throw new CommandError(message, { exitCode: USAGE, cause: error });
  }
}

/**
 * @param {string} path
 * @param {TrainOptions} options
 * @param {Data} data
 * @param {Record<string, any>} given
 * @param {Record<string, any>} givenConfig
 * @param {System} system
 * @returns {Promise<{ engine: import('../index.js').Engine, run: Run }>}
 */
async function resumeRun(path, options, { text, name }, given, givenConfig, { fs, messages }) {
  let engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    let opened = await openCheckpoint(engine, path, fs);
    const stored = checkRecipe(opened.training, path);
    if (stored.variant !== engine.info.variant && (options.variant ?? 'auto') === 'auto') {
      engine.dispose();
      engine = await load({ variant: /** @type {'simd'} */ (stored.variant), threads: options.threads });
      opened = await openCheckpoint(engine, path, fs);
    } else if (stored.variant !== engine.info.variant) {
      await messages.tell(
        'note',
        `note: the run was started with --variant ${stored.variant}; from now on the last bits may differ`,
      );
    }
    const { model, vocabulary } = opened;
    const recipe = {
      ...resumedRecipe(stored, given, givenConfig, /** @type {Record<string, any>} */ (model.config)),
      variant: engine.info.variant,
    };
    if (fingerprint(text) !== stored.text) {
      throw usageError(`${name} is not the text that the run in ${path} was started on`);
    }
    const { run } = model;
    if (run?.ended && run.best) {
      throw usageError(
        `the run in ${path} has ended with its best parameters, of step ${run.best.step}: there is nothing to resume`,
      );
    }
    if (model.step >= recipe.steps && !run?.due) {
      throw usageError(
        `the run in ${path} is at step ${model.step} of ${recipe.steps}: it is finished; a larger --steps continues it`,
      );
    }
    const tokens = encodeText(vocabulary, text, name);
    return { engine, run: { model, vocabulary, recipe, tokens, resume: true } };
  } catch (error) {
    engine.dispose();
    throw error;
  }
}
