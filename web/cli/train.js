/**
 * `hyperrouter-wasm train`: trains a language model on a text, or a text classifier on labelled texts.
 *
 * @module
 */
import { Option } from 'commander';
import { CLASSIFY_DEFAULTS } from '../run.js';
import { Lock } from './files/lock.js';
import { Saver } from './files/saver.js';
import { resolveTarget } from './files/write.js';
import { checkOutput, checkRoom, readFiles } from './files.js';
import { columnOptions } from './labelled-data.js';
import { checkNeeded, dataOption, givenOf, optionOf, threadsOption, variantOption } from './options.js';
import { checkEffect, recipeFields } from './recipe.js';
import { resumeRun, startRun } from './runs.js';
import { Trainer } from './trainer.js';

/**
 * @typedef {import('./recipe.js').TaskName} TaskName
 * @typedef {import('./runs.js').GivenFields} GivenFields
 * @typedef {import('./system.js').System} System
 */

/**
 * @typedef {object} TrainOptions
 * @property {string[]} data
 * @property {string} [out]
 * @property {string} [resume]
 * @property {boolean} [classify]
 * @property {string} [from]
 * @property {string} [test]
 * @property {string} [text]
 * @property {string} [label]
 * @property {boolean} [header]
 * @property {'csv' | 'tsv' | 'jsonl'} [format]
 * @property {'auto' | 'simd' | 'relaxed-simd'} [variant]
 * @property {number | 'auto'} threads
 * @property {boolean} [force]
 * @property {boolean} [modelOnly]
 * @property {boolean} [json]
 */

/** @typedef {import('./options.js').Field & { only?: TaskName }} ModelField */

/** Determined by the data, not by an option. */
const DERIVED = ['vocabSize', 'classes'];

const EXAMPLES = `
Examples:
  $ npx hyperrouter-wasm train --data book.txt --out book.safetensors
  $ npx hyperrouter-wasm train --data book.txt --out big.safetensors --d-model 128 --layers 4 --experts 16 --steps 5000
  $ npx hyperrouter-wasm train --data book.txt --out k.safetensors --top-k 4 --top-k-schedule linear_increase
  $ npx hyperrouter-wasm train --data book.txt --out words.safetensors --vocabulary pieces --vocab-size 2048
  $ npx hyperrouter-wasm train --data book.txt --out best.safetensors --steps 20000 --patience 5
  $ npx hyperrouter-wasm train --data book.txt --resume book.safetensors
  $ npx hyperrouter-wasm train --classify --data reviews.csv --text review --label stars --out reviews.safetensors
  $ npx hyperrouter-wasm train --classify --data train.tsv --text 1 --label 2 --validation dev.tsv --test test.tsv \\
      --from words.safetensors --out tuned.safetensors

Ctrl-C finishes the step, saves, and prints how to continue; a second Ctrl-C quits immediately.
The loss shown is a running mean over about 20 steps; --json prints the loss of every step.`;

/**
 * The configuration keys of both kinds of model, each once.
 *
 * @param {(kind: 'language' | 'text-classifier') => readonly import('./options.js').Field[]} configFields
 * @returns {ModelField[]}
 */
function modelFieldsOf(configFields) {
  const [language, classifier] = [configFields('language'), configFields('text-classifier')];
  const has = (/** @type {typeof language} */ fields, /** @type {string} */ name) =>
    fields.some((field) => field.name === name);
  /** @type {Record<string, unknown>} */
  const defaults = CLASSIFY_DEFAULTS.model;
  return [
    ...language.map((field) => ({
      ...field,
      ...(field.name in defaults && { classify: defaults[field.name] }),
      ...(!has(classifier, field.name) && { only: /** @type {const} */ ('language') }),
    })),
    ...classifier
      .filter(({ name }) => !has(language, name))
      .map((field) => ({ ...field, only: /** @type {const} */ ('classify') })),
  ].filter(({ name }) => !DERIVED.includes(name));
}

/**
 * @param {import('commander').Command} program
 * @param {Parameters<typeof modelFieldsOf>[0]} configFields
 * @param {System} system
 */
export function addTrainCommand(program, configFields, system) {
  const modelFields = modelFieldsOf(configFields);
  const group = 'Text classifiers (--classify):';
  const command = program
    .command('train')
    .summary('train a language model on a text, or a text classifier on labelled texts')
    .description(
      'Trains a language model on a text file, or with --classify a text classifier on labelled texts, and saves it as safetensors.',
    )
    .addOption(dataOption('Text to train on, or labelled texts (CSV, TSV, JSON lines)'))
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
  command
    .addOption(new Option('--classify', 'Train a text classifier').helpGroup(group))
    .addOption(
      new Option(
        '--from <file>',
        'Start from a pretrained language model, whose sizes and vocabulary the classifier gets',
      ).helpGroup(group),
    )
    .addOption(new Option('--test <file>', 'Labelled texts to test on, once, at the end').helpGroup(group));
  for (const option of columnOptions(group)) command.addOption(option);
  for (const field of [...recipeFields, ...modelFields].filter(({ only }) => only === 'classify'))
    command.addOption(optionOf(field, group));
  for (const field of recipeFields.filter(({ only }) => only !== 'classify'))
    command.addOption(optionOf(field, 'Training:'));
  for (const field of modelFields.filter(({ only }) => only !== 'classify'))
    command.addOption(optionOf(field, 'Model:'));
  command.action((options) =>
    train(
      options,
      { given: givenOf(options, recipeFields), config: givenOf(options, modelFields), modelFields },
      system,
    ),
  );
}

/**
 * @param {TrainOptions} options
 * @param {GivenFields} fields
 * @param {System} system
 */
async function train(options, fields, system) {
  checkNeeded(options, options.resume === undefined ? ['data', 'out'] : ['data']);
  const { fs, messages } = system;
  messages.json = options.json === true;
  const out = /** @type {string} */ (options.out ?? options.resume);
  const same = await isSame(out, options.resume, fs);
  const { validation } = fields.given;
  const others = [typeof validation === 'string' ? validation : undefined, options.test, options.from].filter(
    (path) => path !== undefined,
  );
  // A text is no run to resume, which is said later.
  const check = { overwrite: same || options.force === true, data: same ? [] : options.data, others };
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
    const { nlink } = await fs.stat(target).catch(() => ({ nlink: 0 }));
    if (nlink > 1)
      await messages.tell(
        'warning',
        `${out} has other names (hard links), which keep what is in the file now`,
      );
    await saver.removeTemporaries();
    await trainTo(saver, target, options, fields, system);
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
 * @param {GivenFields} fields
 * @param {System} system
 */
async function trainTo(saver, target, options, fields, system) {
  const data = await readFiles(options.data, system);
  const { engine, run } =
    options.resume === undefined
      ? await startRun(options, data, fields, system)
      : await resumeRun(options.resume, options, data, fields, system);
  try {
    checkEffect(fields.given, run.recipe, run.task.model);
    const inputs = { ...options, validation: fields.given.validation };
    const trainer = new Trainer(run, inputs, saver, system);
    const warning = await checkRoom(
      saver.path,
      target,
      checkpointBytes(run.task.model, options.modelOnly === true),
      system.fs,
    );
    if (warning) await system.messages.tell('warning', warning);
    await trainer.train();
  } finally {
    engine.dispose();
  }
}

/**
 * @param {import('./files.js').TextModel} model
 * @param {boolean} modelOnly
 * @returns {number} of the last file, without its header
 */
function checkpointBytes({ parameterCount, trainableParameterCount, config }, modelOnly) {
  const memoryLength = 'memoryLength' in config ? config.memoryLength : 0;
  const memory = config.layers * config.batchSize * memoryLength * config.dModel;
  return 4 * (parameterCount + (modelOnly ? 0 : 2 * trainableParameterCount + memory));
}
