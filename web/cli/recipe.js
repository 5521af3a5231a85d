/**
 * The recipe of a training run: everything that determines its result besides the text and the model's configuration.
 * It is saved in the checkpoint, so that a run can be resumed from the file alone.
 *
 * @module
 */
import { constantSchedule, cosineSchedule, topKSchedule, topKSchedules } from '../schedules.js';
import { usageError } from './errors.js';
import { flagOf } from './options.js';

/** @typedef {import('./options.js').Field} Field */

/**
 * `fixed`: a resumed run cannot change it, because its data or its file would not fit any more.
 *
 * @type {readonly (Field & { fixed?: boolean })[]}
 */
export const recipeFields = Object.freeze([
  { name: 'steps', type: 'integer', default: 1000, min: 1, summary: 'Number of steps of the run' },
  { name: 'learningRate', type: 'number', default: 4e-3, min: 0, summary: 'Peak learning rate' },
  {
    name: 'schedule',
    type: 'choice',
    default: 'cosine',
    choices: ['cosine', 'constant'],
    summary: 'Learning rate schedule after the warm-up',
  },
  {
    name: 'warmup',
    type: 'integer',
    min: 0,
    summary: 'Steps of linear warm-up, by default a tenth of all, at most 100',
  },
  {
    name: 'floor',
    type: 'number',
    default: 0,
    min: 0,
    summary: 'Final learning rate of the cosine schedule',
  },
  {
    name: 'clip',
    type: 'number',
    default: 0.25,
    min: 0,
    summary: 'Clip the gradient to this global norm; 0: no clipping',
  },
  {
    name: 'topKSchedule',
    type: 'choice',
    default: 'constant',
    choices: topKSchedules,
    summary: 'Experts per token: constant, or growing up to --top-k',
  },
  {
    name: 'topKMin',
    type: 'integer',
    default: 1,
    min: 1,
    summary: 'Experts per token at the start, if growing',
  },
  {
    name: 'vocabulary',
    type: 'choice',
    default: 'byte',
    choices: ['byte', 'char'],
    summary: 'Tokenizer',
    fixed: true,
  },
  {
    name: 'validation',
    type: 'number',
    default: 0.1,
    min: 0,
    max: 0.9,
    summary: 'Share of the text that is held out at its end',
    fixed: true,
  },
  {
    name: 'evalEvery',
    type: 'integer',
    default: 250,
    min: 0,
    summary: 'Steps between validations; 0: at the end only',
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
 * @typedef {object} Recipe
 * @property {number} steps
 * @property {number} learningRate
 * @property {'cosine' | 'constant'} schedule
 * @property {number} warmup
 * @property {number} floor
 * @property {number} clip
 * @property {number} topK            final number of experts per token
 * @property {'constant' | 'linear_increase'} topKSchedule
 * @property {number} topKMin
 * @property {'byte' | 'char'} vocabulary
 * @property {number} validation
 * @property {number} evalEvery
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
  return { ...recipe, warmup: recipe.warmup ?? Math.min(100, Math.floor(recipe.steps / 10)) };
}

/**
 * @param {unknown} stored  JSON out of a checkpoint
 * @param {string} path     for messages
 * @returns {Recipe}
 */
export function checkRecipe(stored, path) {
  if (typeof stored !== 'object' || stored === null) {
    throw usageError(`${path} was not written by \`train\`: it has no run to resume`);
  }
  const recipe = /** @type {Record<string, unknown>} */ (stored);
  const damaged = (/** @type {string} */ name) =>
    usageError(`${path} has a damaged training run: ${name} is ${JSON.stringify(recipe[name])}`);
  for (const { name, type, min = -Infinity, max = Infinity, choices } of recipeFields) {
    const value = recipe[name];
    const fits =
      type === 'choice'
        ? choices?.includes(/** @type {string} */ (value))
        : typeof value === 'number' &&
          value >= min &&
          value <= max &&
          (type !== 'integer' || Number.isInteger(value));
    if (!fits) throw damaged(name);
  }
  if (!Number.isInteger(recipe.topK)) throw damaged('topK');
  if (typeof recipe.variant !== 'string') throw damaged('variant');
  if (typeof recipe.text !== 'string') throw damaged('text');
  if (recipe.resumable !== true) {
    throw usageError(
      `${path} was saved with --model-only: without the optimizer's state it cannot be resumed`,
    );
  }
  return /** @type {Recipe} */ (stored);
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
        `${flagOf(name)} ${value} contradicts the run that is resumed, which has ${was}; ` +
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
 */
export function checkEffect(given, recipe) {
  if (given.topKMin !== undefined && recipe.topKSchedule === 'constant') {
    throw usageError('--top-k-min has no effect without --top-k-schedule linear_increase');
  }
  if (given.floor !== undefined && recipe.schedule === 'constant') {
    throw usageError('--floor has no effect with --schedule constant');
  }
}

/**
 * @param {Recipe} recipe
 * @returns {{ learningRate: (step: number) => number, topK: (step: number) => number }} of the step, from 0
 */
export function schedulesOf(recipe) {
  const { learningRate, steps, warmup, floor } = recipe;
  try {
    return {
      learningRate:
        recipe.schedule === 'cosine'
          ? cosineSchedule({ learningRate, steps, warmup, floor })
          : constantSchedule({ learningRate, warmup }),
      topK: topKSchedule({ kind: recipe.topKSchedule, kMin: recipe.topKMin, kMax: recipe.topK, steps }),
    };
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw usageError(
      message.replace(/^\w+/, (name) => flagOf({ kMin: 'topKMin', kMax: 'topK' }[name] ?? name)),
    );
  }
}
