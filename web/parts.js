/** What the losses and the steps of classifiers and regressors have of their own: class weights, and the rate of the head. */
import { checkNumber, fail, refuse, refuseLength, toFloats } from './check.js';

/** @import { Floats } from './types.js' */

/**
 * Under this key a step of `train` says at which share of its learning rate body and head are trained. No option of the
 * public `trainStep`, which takes the rates themselves.
 */
export const SHARES = Symbol('shares of the learning rate');

/** As HR_LEARNING_RATE_MAX in src/hyperrouter.h: a larger step might leave parameters that are not finite. */
export const LARGEST_RATE = 1e30;

/** As in src/hyperrouter.h: the gradient of larger ones would be lost. */
const CLASS_WEIGHT = { least: Math.fround(1e-20), most: Math.fround(1e20) };

/**
 * @param {unknown} given
 * @param {number} classes
 * @returns {Float32Array | undefined}
 */
export function readClassWeights(given, classes) {
  if (given === undefined) return undefined;
  const weights = toFloats('classWeights', given);
  if (weights.length !== classes) refuseLength('classWeights', `${classes} numbers (classes)`, weights);
  weights.forEach((weight, i) => {
    if (!(weight >= CLASS_WEIGHT.least && weight <= CLASS_WEIGHT.most))
      refuse(`classWeights[${i}]`, 'a finite number from 1e-20 to 1e+20', weight);
  });
  return weights;
}

/**
 * The options of `train` as a run keeps them: its peak rate, and the shares of it of body and head.
 *
 * @template {{ learningRate?: number | undefined, schedule?: unknown }} Options
 * @param {Options & { headLearningRate?: number | undefined, classWeights?: unknown }} given
 * @param {number} [classes] of a classifier
 */
export function splitParts(given, classes = 0) {
  const { headLearningRate, classWeights, ...options } = given;
  const weights = readClassWeights(classWeights, classes);
  const rest = { ...options, ...(weights && { classWeights: [...weights] }) };
  if (headLearningRate === undefined) return rest;
  const { schedule, learningRate } = /** @type {Options} */ (/** @type {unknown} */ (options));
  checkNumber('headLearningRate', headLearningRate, 0, LARGEST_RATE);
  if (typeof schedule === 'function') {
    fail(
      'headLearningRate must be left out if schedule is a function, which gives the learning rate',
      TypeError,
    );
  }
  if (learningRate === undefined) {
    fail('learningRate, that of the body, must be given together with headLearningRate; 0 freezes the body');
  }
  checkNumber('learningRate', learningRate, 0, LARGEST_RATE);
  if (learningRate === 0 && headLearningRate === 0) {
    fail('headLearningRate must be above 0 if learningRate is 0, got 0');
  }
  // The schedule's peak is the body's rate, or the head's if the body is frozen.
  const peak = learningRate || headLearningRate;
  const shares = { body: learningRate / peak, head: headLearningRate / peak };
  return { ...rest, learningRate: peak, shares };
}

/**
 * A step of a run with what the run adds to it.
 *
 * @template Step
 * @param {Step} step
 * @param {{ shares: { body: number, head: number } | null, classWeights: readonly number[] | null }} run
 * @returns {Step}
 */
export const withParts = (step, { shares, classWeights }) => ({
  ...step,
  ...(classWeights && { classWeights }),
  ...(shares && { [SHARES]: shares }),
});
