/** Means with t intervals, and paired differences. */
// @ts-expect-error It has no types.
import jStat from 'jstat';
import { checkNumber, checkOptions, refuseLength, toNumbers } from '../check.js';

/** @import { Difference, Interval } from './types.js' */

/** Digits of statistics: logarithms, of which quantiles are made, may differ in the last bit between JavaScript engines. */
const DIGITS = 10;

/** What is smaller is what rounding leaves of 0: all that is measured is of the order of 1. */
const SMALLEST = 1e-9;

/** @param {number} value */
export const rounded = (value) => (Math.abs(value) < SMALLEST ? 0 : Number(value.toPrecision(DIGITS)));

/**
 * Quantile of Student's t distribution, as `qt` of R.
 * @param {number} probability 0 to 1
 * @param {number} degrees of freedom
 * @returns {number} seven digits are right
 * @throws {TypeError | RangeError} naming the argument
 */
export function tQuantile(probability, degrees) {
  checkNumber('probability', probability, 0, 1);
  checkNumber('degrees', degrees, 1);
  return jStat.studentt.inv(probability, degrees);
}

/**
 * The mean of values with its t interval.
 * @param {ArrayLike<number>} values one for each seed
 * @param {{ comparisons?: number, level?: number }} [options] level of confidence, default 0.95; comparisons: the level holds for
 *   so many intervals together (Bonferroni), default 1
 * @returns {Interval}
 * @throws {TypeError | RangeError} naming the argument
 */
export function meanInterval(values, options = {}) {
  const { comparisons = 1, level = 0.95 } = checkOptions('meanInterval', options, ['comparisons', 'level']);
  const all = toNumbers('values', values);
  checkNumber('comparisons', comparisons, 1);
  checkNumber('level', level, 0, 1);
  const n = all.length;
  if (n === 0) return { mean: null, low: null, high: null };
  const mean = all.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean: rounded(mean), low: null, high: null };
  const same = all.every((value) => value === all[0]);
  const squares = same ? 0 : all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = tQuantile(1 - (1 - level) / (2 * comparisons), n - 1) * Math.sqrt(squares / (n - 1) / n);
  const middle = same ? all[0] : mean;
  return { mean: rounded(middle), low: rounded(middle - half), high: rounded(middle + half) };
}

/**
 * Differences of pairs with their t interval.
 * @param {ArrayLike<number>} values one for each seed
 * @param {ArrayLike<number>} first what they are compared with: one for each of the same seeds
 * @param {number} [comparisons] of the family that the adjusted interval is corrected for (Bonferroni)
 * @returns {Difference}
 * @throws {TypeError | RangeError} naming the argument
 */
export function pairedDifference(values, first, comparisons = 1) {
  const [all, others] = [toNumbers('values', values), toNumbers('first', first)];
  if (others.length !== all.length)
    refuseLength('first', `one number for each of the ${all.length} values`, others);
  const differences = all.map((value, i) => value - others[i]);
  const interval = meanInterval(differences);
  const { low, high } = meanInterval(differences, { comparisons });
  const sign = Math.sign(interval.mean ?? 0);
  return {
    ...interval,
    agree: differences.filter((difference) => Math.sign(difference) === sign).length,
    seeds: differences.length,
    adjusted: { low, high },
  };
}
