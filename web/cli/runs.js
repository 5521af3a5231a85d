/** The run that `train` is asked for: a new one, or one that is resumed. */
import { load } from '../index.js';
import { resumeClassifier, startClassifier } from './classify-run.js';
import { CommandError, USAGE, usageError } from './errors.js';
import { encodeText, fingerprint, joinFiles, openCheckpoint } from './files.js';
import { LanguageTask } from './language-task.js';
import { defaultsOf, flagOf } from './options.js';
import {
  checkModelEffect,
  checkRecipe,
  recipeFields,
  recipeFieldsOf,
  resumedRecipe,
  withWarmup,
} from './recipe.js';
import { makeVocabulary } from './vocabularies.js';

/**
 * @typedef {import('./recipe.js').Recipe} Recipe
 * @typedef {import('./recipe.js').TaskName} TaskName
 * @typedef {import('./trainer.js').Run} Run
 * @typedef {import('./train.js').TrainOptions} TrainOptions
 * @typedef {import('./system.js').System} System
 */

/**
 * Files to train on, and what to call them.
 *
 * @typedef {Awaited<ReturnType<typeof import('./files.js').readFiles>>} Data
 */

/**
 * Options of the command line that are fields.
 *
 * @typedef {object} GivenFields
 * @property {Record<string, any>} given   of the recipe
 * @property {Record<string, any>} config  of the model
 * @property {readonly import('./train.js').ModelField[]} modelFields
 */

/** Options of text classifiers that are no fields of a model or a run. */
const OF_CLASSIFIERS = /** @type {const} */ (['from', 'test', 'text', 'label', 'header', 'format']);

/**
 * Refuses options of the other kind of run.
 *
 * @param {TaskName} task
 * @param {TrainOptions} options
 * @param {GivenFields} fields
 */
function checkTask(task, options, { given, config, modelFields }) {
  const others = [...recipeFields, ...modelFields].filter(({ only = task }) => only !== task);
  for (const { name } of others) {
    if (!(name in given || name in config)) continue;
    throw usageError(
      task === 'classify'
        ? `${flagOf(name)} has no effect on a text classifier`
        : `${flagOf(name)} needs --classify`,
    );
  }
  if (task === 'classify') return;
  const misplaced = OF_CLASSIFIERS.find((name) => options[name] !== undefined);
  if (misplaced) throw usageError(`--${misplaced} needs --classify`);
  if (typeof given.validation === 'string') {
    throw usageError('--validation must be a number from 0 to 0.9; a file of its own needs --classify');
  }
}

/**
 * @param {TrainOptions} options
 * @param {Data} data
 * @param {GivenFields} fields
 * @param {System} system
 * @returns {Promise<{ engine: import('../index.js').Engine, run: Run }>}
 */
export async function startRun(options, data, fields, system) {
  const name = options.classify ? 'classify' : 'language';
  checkTask(name, options, fields);
  const { given, config } = fields;
  const recipeDefaults = defaultsOf(recipeFieldsOf(name, { fineTune: options.from !== undefined }));
  const chosen = /** @type {Recipe} */ ({ ...recipeDefaults, ...given });
  // Patience that nobody asked for needs no validations.
  if (given.patience === undefined && (chosen.validation === 0 || chosen.evalEvery === 0))
    chosen.patience = 0;
  const engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    const start = name === 'classify' ? startClassifier : startLanguageModel;
    const { model, more, makeTask } = await refusingInFlags(() =>
      start(engine, { options, data, chosen, given, config }, system),
    );
    checkModelEffect(config, engine.configFields(model.kind), model.config);
    const recipe = withWarmup({
      ...chosen,
      topK: model.config.topK,
      variant: engine.info.variant,
      text: fingerprint(joinFiles(data.files)),
      resumable: true,
      ...more,
    });
    return { engine, run: { task: makeTask(recipe), recipe, resume: false } };
  } catch (error) {
    engine.dispose();
    throw error;
  }
}

/**
 * What a new run is made of.
 *
 * @typedef {object} Start
 * @property {TrainOptions} options
 * @property {Data} data
 * @property {Recipe} chosen  with all defaults
 * @property {Record<string, any>} given   options of the recipe
 * @property {Record<string, any>} config  options of the model
 */

/**
 * A new model, and what it is to be trained on.
 *
 * @typedef {object} Started
 * @property {import('./files.js').TextModel} model
 * @property {Partial<Recipe>} more  of the recipe
 * @property {(recipe: Recipe) => import('./trainer.js').Task} makeTask
 */

/**
 * @param {import('../index.js').Engine} engine
 * @param {Start} start
 * @returns {Promise<Started>}
 */
async function startLanguageModel(engine, { data: { files, name }, chosen, config }) {
  const text = joinFiles(files);
  const vocabulary = makeVocabulary(chosen, text, name);
  const model = engine.createLanguageModel({ ...config, vocabSize: vocabulary.size });
  const tokens = encodeText(vocabulary, text, name);
  return {
    model,
    more: {},
    makeTask: (recipe) => new LanguageTask({ model, vocabulary, recipe }, tokens, name),
  };
}

/**
 * What a configuration refuses, in the words of the command line.
 *
 * @template T
 * @param {() => Promise<T>} create
 * @returns {Promise<T>}
 */
async function refusingInFlags(create) {
  try {
    return await create();
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
 * @param {GivenFields} fields
 * @param {System} system
 * @returns {Promise<{ engine: import('../index.js').Engine, run: Run }>}
 */
export async function resumeRun(path, options, data, fields, system) {
  const { fs, messages } = system;
  if (options.from !== undefined) throw usageError('--from starts a new run, and --resume continues one');
  const kinds = /** @type {const} */ (['language', 'text-classifier']);
  let engine = await load({ variant: options.variant ?? 'auto', threads: options.threads });
  try {
    let opened = await openCheckpoint(engine, path, fs, kinds);
    const name = opened.model.kind === 'language' ? 'language' : 'classify';
    if (name === 'language' && options.classify) {
      throw usageError(
        `${path} is a language model; with --from instead of --resume a classifier starts from it`,
      );
    }
    checkTask(name, options, fields);
    const stored = checkRecipe(opened.training, path, name);
    if (stored.variant !== engine.info.variant && (options.variant ?? 'auto') === 'auto') {
      engine.dispose();
      engine = await load({ variant: /** @type {'simd'} */ (stored.variant), threads: options.threads });
      opened = await openCheckpoint(engine, path, fs, kinds);
    } else if (stored.variant !== engine.info.variant) {
      await messages.tell(
        'note',
        `note: the run was started with --variant ${stored.variant}; from now on the last bits may differ`,
      );
    }
    const { model, vocabulary } = opened;
    // A file of held-out texts is compared by its text.
    const given = { ...fields.given };
    if (typeof given.validation === 'string') delete given.validation;
    const recipe = {
      ...resumedRecipe(stored, given, fields.config, /** @type {Record<string, any>} */ (model.config)),
      variant: engine.info.variant,
    };
    const text = joinFiles(data.files);
    if (fingerprint(text) !== stored.text) {
      throw usageError(`${data.name} is not the text that the run in ${path} was started on`);
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
    const task =
      model.kind === 'language'
        ? new LanguageTask({ model, vocabulary, recipe }, encodeText(vocabulary, text, data.name), data.name)
        : await resumeClassifier(
            { model, vocabulary, recipe, path },
            { options, data, given: fields.given },
            system,
          );
    return { engine, run: { task, recipe, resume: true } };
  } catch (error) {
    engine.dispose();
    throw error;
  }
}
