/**
 * Schedules of the learning rate and of the number of experts per token: pure functions of the step, counted from 0, so
 * that a resumed run continues them.
 *
 * @module
 */

import { checkInteger, checkName, checkNumber, checkOptions, fail, refuse } from './check.js';

/** @import { ConstantOptions, CosineOptions, TopKScheduleOptions } from './option-types.js' */

/**
 * @typedef {(step: number) => number} Schedule
 * A learning rate, or a number of experts, as a function of the step, counted from 0.
 */

/* Taylor series of cosine in x², highest power first; the truncation error is below 1e-17 for x up to π/2. The factorials are
 * exact doubles. */
/** @type {number[]} */
const COSINE = [];
for (let n = 0, coefficient = 1; n <= 22; n += 2, coefficient *= -n * (n - 1))
  COSINE.unshift(1 / coefficient);

/**
 * cos(π t). Not `Math.cos`, whose last bit may differ between JavaScript engines: a run must give the same bits in all
 * of them, and addition, multiplication and division do.
 *
 * @param {number} t  0 to 1
 * @returns {number}
 */
function cosPi(t) {
  if (t > 0.5) return -cosPi(1 - t);
  return COSINE.reduce((sum, coefficient) => sum * (Math.PI * t) ** 2 + coefficient, 0);
}

/**
 * Linear warm-up to the learning rate, then cosine decay to the floor, which is reached at `steps` and kept. Step s of
 * the warm-up has learningRate · (s + 1) / warmup, so that no step has a rate of 0.
 *
 * @param {CosineOptions} options shape of the schedule
 * @returns {Schedule}
 * @throws {TypeError | RangeError} naming the option
 */
export function cosineSchedule(options) {
  const keys = ['learningRate', 'steps', 'warmup', 'floor'];
  const { learningRate, steps, warmup = 0, floor = 0 } = checkOptions('cosineSchedule', options, keys);
  const rising = warmUp({ learningRate, warmup });
  checkInteger('steps', steps, 1);
  checkInteger('warmup', warmup, 0, steps, ' (steps)');
  checkNumber('floor', floor, 0, learningRate, ' (learningRate)');
  return (step) => {
    checkInteger('step', step, 0);
    if (step < warmup) return rising(step);
    const t = steps > warmup ? Math.min((step - warmup) / (steps - warmup), 1) : 1;
    return floor + ((learningRate - floor) * (1 + cosPi(t))) / 2;
  };
}

/**
 * The same learning rate at every step, after an optional linear warm-up.
 *
 * @param {ConstantOptions} options shape of the schedule
 * @returns {Schedule}
 * @throws {TypeError | RangeError} naming the option
 */
export function constantSchedule(options) {
  const keys = ['learningRate', 'warmup'];
  const { learningRate, warmup = 0 } = checkOptions('constantSchedule', options, keys);
  const rising = warmUp({ learningRate, warmup });
  return (step) => (checkInteger('step', step, 0) < warmup ? rising(step) : learningRate);
}

/**
 * @param {{ learningRate: number, warmup: number }} options
 * @returns {Schedule}
 */
function warmUp({ learningRate, warmup }) {
  if (checkNumber('learningRate', learningRate, 0) === 0)
    refuse('learningRate', 'a finite number above 0', 0);
  checkInteger('warmup', warmup, 0);
  return (step) => (learningRate * (step + 1)) / warmup;
}

/** Schedules of the number of experts per token, named as in the published code (`dynamic_moe_mode`). */
export const topKSchedules = Object.freeze(/** @type {const} */ (['constant', 'linear_increase']));

/**
 * Schedule of the number of experts per token: constant, or growing linearly from kMin to kMax over `steps` as in
 * HyperRouter's published training (8 to 16 there), and kMax after that.
 *
 * @param {TopKScheduleOptions} options shape of the schedule
 * @returns {Schedule} round(kMin + (kMax - kMin) · step / steps), halves rounded up
 * @throws {TypeError | RangeError} naming the option
 */
export function topKSchedule(options) {
  const keys = ['kMin', 'kMax', 'steps', 'kind'];
  const given = checkOptions('topKSchedule', options, keys);
  const { kMin = 1, kMax, steps, kind = 'linear_increase' } = given;
  checkName('kind', kind, topKSchedules);
  checkInteger('kMax', kMax, 1);
  if (kind === 'constant') {
    for (const name of /** @type {const} */ (['kMin', 'steps']))
      if (given[name] !== undefined) fail(`${name} must be left out if kind is "constant"`, TypeError);
    return (step) => {
      checkInteger('step', step, 0);
      return kMax;
    };
  }
  const last = checkInteger('steps', steps, 1);
  checkInteger('kMin', kMin, 1, kMax, ' (kMax)');
  return (step) => Math.round(kMin + ((kMax - kMin) * Math.min(checkInteger('step', step, 0), last)) / last);
}
