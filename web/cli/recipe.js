/**
 * The recipe of a training run: everything that determines its result besides the text and the model's configuration.
 * It is saved in the checkpoint, so that a run can be resumed from the file alone.
 *
 * @module
 */
import { fieldsInUse } from '../config.js';
import { show } from '../message.js';
import { CLASSIFY_DEFAULTS, defaultWarmup, FINE_TUNE_DEFAULTS, RUN_DEFAULTS } from '../run.js';
import { topKSchedules } from '../schedules.js';
import { usageError } from './errors.js';
import { areColumns } from './labelled-data.js';
import { defaultsOf, flagOf } from './options.js';
import { routes } from './routing.js';

/** @typedef {import('./options.js').Field} Field */

/** What a run trains: a language model or a text classifier. @typedef {'language' | 'classify'} TaskName */

/**
 * `fixed`: a resumed run cannot change it, because its data or its file would not fit any more. `optional`: it may be
 * missing. `only`: of runs of this kind.
 *
 * @type {readonly (Field & { fixed?: boolean, optional?: boolean, only?: TaskName })[]}
 */
export const recipeFields = Object.freeze([
  {
    name: 'steps',
    type: 'integer',
    default: RUN_DEFAULTS.steps,
    classify: CLASSIFY_DEFAULTS.steps,
    fineTune: FINE_TUNE_DEFAULTS.steps,
    min: 1,
    summary: 'Number of steps of the run',
  },
  {
    name: 'learningRate',
    type: 'number',
    default: RUN_DEFAULTS.learningRate,
    classify: CLASSIFY_DEFAULTS.learningRate,
    fineTune: FINE_TUNE_DEFAULTS.learningRate,
    min: 0,
    summary: 'Peak learning rate',
  },
  {
    name: 'headLearningRate',
    type: 'number',
    fineTune: FINE_TUNE_DEFAULTS.headLearningRate,
    min: 0,
    summary:
      'Peak learning rate of the head, by default that of the rest; with --learning-rate 0 the rest is frozen',
    optional: true,
    only: 'classify',
  },
  {
    name: 'schedule',
    type: 'choice',
    default: RUN_DEFAULTS.schedule,
    choices: ['cosine', 'constant'],
    summary: 'Learning rate schedule after the warm-up',
  },
  {
    name: 'warmup',
    type: 'integer',
    min: 0,
    summary: 'Steps of linear warm-up, by default a tenth of all, at most 50',
  },
  {
    name: 'floor',
    type: 'number',
    default: RUN_DEFAULTS.floor,
    min: 0,
    summary: 'Final learning rate of the cosine schedule',
  },
  {
    name: 'clip',
    type: 'number',
    default: RUN_DEFAULTS.clip,
    classify: CLASSIFY_DEFAULTS.clip,
    min: 0,
    summary: 'Clip the gradient to this global norm; 0: no clipping',
  },
  {
    name: 'topKSchedule',
    type: 'choice',
    default: RUN_DEFAULTS.topKSchedule,
    choices: topKSchedules,
    summary: 'Experts per token: constant, or growing up to --top-k',
  },
  {
    name: 'topKMin',
    type: 'integer',
    default: RUN_DEFAULTS.topKMin,
    min: 1,
    summary: 'Experts per token at the start, if growing',
  },
  {
    name: 'vocabulary',
    type: 'choice',
    default: 'byte',
    classify: CLASSIFY_DEFAULTS.vocabulary,
    choices: ['byte', 'char', 'pieces'],
    summary: 'Tokens: bytes, characters, or word pieces (byte pairs) that are learned from the text',
    fixed: true,
    optional: true,
  },
  {
    name: 'vocabSize',
    type: 'integer',
    default: 1024,
    classify: CLASSIFY_DEFAULTS.vocabSize,
    min: 2,
    max: 65536,
    summary: 'Number of word pieces of --vocabulary pieces',
    fixed: true,
    optional: true,
  },
  {
    name: 'validation',
    type: 'share',
    default: 0.1,
    min: 0,
    max: 0.9,
    summary:
      'Share of the data that is held out: the end of a text; of labelled texts, of each label, or a file of them',
    fixed: true,
  },
  {
    name: 'splitSeed',
    type: 'integer',
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    summary: 'Seed of the choice of the texts that are held out',
    fixed: true,
    only: 'classify',
  },
  {
    name: 'evalEvery',
    type: 'integer',
    default: 250,
    classify: CLASSIFY_DEFAULTS.evalEvery,
    min: 0,
    summary: 'Steps between validations; 0: at the end only',
  },
  {
    name: 'patience',
    type: 'integer',
    default: RUN_DEFAULTS.patience,
    classify: CLASSIFY_DEFAULTS.patience,
    min: 0,
    summary: 'Stop after this many validations without improvement, and save the best parameters; 0: never',
  },
  {
    name: 'saveEvery',
    type: 'integer',
    default: 0,
    min: 0,
    summary: 'Steps between saves; 0: at the end only',
  },
]);

/**
 * The fields of a kind of run, with its defaults.
 *
 * @param {TaskName} task
 * @param {{ fineTune?: boolean }} [options]  whether it starts from a pretrained model
 */
export function recipeFieldsOf(task, { fineTune = false } = {}) {
  return recipeFields
    .filter(({ only = task }) => only === task)
    .map((field) => withDefault(field, task, fineTune));
}

/**
 * @template {Field} F
 * @param {F} field
 * @param {TaskName} task
 * @param {boolean} fineTune
 * @returns {F}
 */
export function withDefault(field, task, fineTune) {
  if (task === 'language') return field;
  const { default: plain, classify = plain, fineTune: tuned = classify } = field;
  return { ...field, default: fineTune ? tuned : classify };
}

/**
 * @typedef {object} Recipe
 * @property {'classify'} [task]      only of text classifiers
 * @property {number} steps
 * @property {number} learningRate
 * @property {number} [headLearningRate]
 * @property {'cosine' | 'constant'} schedule
 * @property {number} warmup
 * @property {number} floor
 * @property {number} clip
 * @property {number} topK            final number of experts per token
 * @property {'constant' | 'linear_increase'} topKSchedule
 * @property {number} topKMin
 * @property {'byte' | 'char' | 'pieces'} [vocabulary]  missing: that of a pretrained model
 * @property {number} [vocabSize]     of word pieces
 * @property {number | string} validation  share that is held out; of a stored recipe, the SHA-256 of a file's text
 * @property {number} [splitSeed]
 * @property {import('./labelled-data.js').Columns} [columns]  where texts and labels are
 * @property {number} evalEvery
 * @property {number} patience
 * @property {number} saveEvery
 * @property {string} variant         variant of the engine
 * @property {string} text            SHA-256 of the text, hexadecimal
 * @property {boolean} resumable      whether the file has the optimizer's state
 */

/**
 * @param {Omit<Recipe, 'warmup'> & { warmup?: number }} recipe
 * @returns {Recipe}
 */
export function withWarmup(recipe) {
  return { ...recipe, warmup: recipe.warmup ?? defaultWarmup(recipe.steps) };
}

/**
 * @param {unknown} stored  JSON out of a checkpoint
 * @param {string} path     for messages
 * @param {TaskName} task   of its model
 * @returns {Recipe}
 */
export function checkRecipe(stored, path, task) {
  if (typeof stored !== 'object' || stored === null) {
    throw usageError(`${path} was not written by \`train\`: it has no run to resume`);
  }
  // Files of version 0.1 have neither.
  const recipe = /** @type {Record<string, unknown>} */ ({ ...stored });
  const fields = recipeFieldsOf(task);
  const defaults = defaultsOf(fields);
  for (const name of ['patience', 'vocabSize']) recipe[name] ??= defaults[name];
  const damaged = (/** @type {string} */ name) =>
    usageError(`${path} has a damaged training run: ${name} is ${show(recipe[name])}`);
  if ((recipe.task ?? 'language') !== task) throw damaged('task');
  for (const { optional = false, ...field } of fields) {
    const value = recipe[field.name];
    if (!(optional && value === undefined) && !fits(field, value)) throw damaged(field.name);
  }
  if (task === 'classify' && !areColumns(recipe.columns)) throw damaged('columns');
  if (!Number.isInteger(recipe.topK)) throw damaged('topK');
  if (typeof recipe.variant !== 'string') throw damaged('variant');
  if (typeof recipe.text !== 'string') throw damaged('text');
  if (recipe.resumable !== true) {
    throw usageError(
      `${path} was saved with --model-only: without the optimizer's state it cannot be resumed`,
    );
  }
  return /** @type {Recipe} */ (/** @type {unknown} */ (recipe));
}

/**
 * @param {Field} field
 * @param {unknown} value
 */
function fits({ type, min = -Infinity, max = Infinity, choices }, value) {
  if (type === 'choice') return choices?.includes(/** @type {string} */ (value));
  if (type === 'share' && typeof value === 'string') return value !== '';
  const isNumber = typeof value === 'number' && value >= min && value <= max;
  return isNumber && (type !== 'integer' || Number.isInteger(value));
}

/**
 * The recipe of a resumed run: the stored one, with the options of the command line.
 *
 * @param {Recipe} stored
 * @param {Record<string, any>} given         recipe options of the command line
 * @param {Record<string, any>} givenConfig   model options of the command line
 * @param {Record<string, any>} config        the model's configuration
 * @returns {Recipe}
 */
export function resumedRecipe(stored, given, givenConfig, config) {
  const { topK, ...others } = givenConfig;
  const fixed = recipeFields.filter((field) => field.fixed).map(({ name }) => name);
  /** @type {[string, unknown, unknown][]} */
  const pairs = [
    ...Object.entries(others).map(
      ([name, value]) => /** @type {[string, any, any]} */ ([name, value, config[name]]),
    ),
    ...fixed
      .filter((name) => name in given)
      .map(
        (name) =>
          /** @type {[string, any, any]} */ ([name, given[name], stored[/** @type {'text'} */ (name)]]),
      ),
  ];
  for (const [name, value, was] of pairs) {
    if (value !== was) {
      throw usageError(
        `${flagOf(name)} ${value} contradicts the run that is resumed, which has ${was ?? 'that of the pretrained model'}; ` +
          'leave it out, or start a new run without --resume',
      );
    }
  }
  return { ...stored, ...given, topK: topK ?? stored.topK };
}

/**
 * Refuses options that would have no effect.
 *
 * @param {Record<string, any>} given  recipe options of the command line
 * @param {Recipe} recipe
 * @param {import('./files.js').TextModel} model
 */
export function checkEffect(given, recipe, model) {
  if (given.topKSchedule === 'linear_increase' && !routes(model)) {
    throw usageError(`--top-k-schedule linear_increase has no effect with --router ${model.config.router}`);
  }
  if (given.topKMin !== undefined && recipe.topKSchedule === 'constant') {
    throw usageError('--top-k-min has no effect without --top-k-schedule linear_increase');
  }
  if (given.vocabSize !== undefined && recipe.vocabulary !== 'pieces') {
    throw usageError('--vocab-size has no effect without --vocabulary pieces');
  }
  if (given.floor !== undefined && recipe.schedule === 'constant') {
    throw usageError('--floor has no effect with --schedule constant');
  }
  if (given.evalEvery > 0 && recipe.validation === 0) {
    throw usageError('--eval-every has no effect with --validation 0, which holds nothing out');
  }
  if (recipe.patience > 0 && recipe.evalEvery === 0) {
    throw usageError('--patience needs validations in the run: --eval-every must be 1 or more');
  }
}

/**
 * Refuses options of the model that its router has no use for. The package ignores these, so that one configuration fits all
 * routers; who writes one here means this model.
 *
 * @param {Record<string, any>} given  model options of the command line
 * @param {import('../index.js').ConfigField[]} fields  of the model
 * @param {Readonly<Record<string, unknown>>} config  of the model
 */
export function checkModelEffect(given, fields, config) {
  const used = fieldsInUse(fields, config).map(({ name }) => name);
  const unused = Object.keys(given).find((name) => !used.includes(name));
  if (unused !== undefined)
    throw usageError(`${flagOf(unused)} has no effect with --router ${config.router}`);
}

/**
 * The options of `train` for a recipe.
 *
 * @param {Recipe} recipe
 */
export function trainOptionsOf(recipe) {
  const { steps, schedule, learningRate, warmup, floor, clip, topKSchedule, topKMin, patience } = recipe;
  const { headLearningRate } = recipe;
  return {
    ...{ steps, schedule, learningRate, headLearningRate, warmup, clip, topKSchedule, patience },
    every: 1,
    validateEvery: recipe.evalEvery || steps,
    ...(schedule === 'cosine' && { floor }),
    ...(topKSchedule === 'linear_increase' && { topKMin, topKMax: recipe.topK }),
  };
}

/**
 * What `train` refuses, in the words of the command line.
 *
 * @param {unknown} error
 * @returns {unknown}
 */
export function inFlags(error) {
  if (!(error instanceof RangeError || error instanceof TypeError)) return error;
  // The names of the option, and of its limit in brackets.
  return usageError(
    error.message.replace(/^\w+(?= must)|(?<=\()\w+(?=\))/g, (name) =>
      flagOf({ topKMax: 'topK' }[name] ?? name),
    ),
  );
}
