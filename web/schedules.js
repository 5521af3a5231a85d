/**
 * Schedules of the learning rate and of the number of experts a token: pure functions of the step, which is counted
 * from 0, so that a resumed run continues on them.
 *
 * @module
 */

import { checkInteger, checkName, checkNumber, refuse } from './check.js';

/**
 * @typedef {(step: number) => number} Schedule
 * A rate, or a number of experts, as a function of the step, which is counted from 0.
 */

/* Taylor series of cosine in x², highest power first: what is cut off is below 1e-17 for x up to π/2. The factorials are
 * exact doubles. */
/** @type {number[]} */
const COSINE = [];
for (let n = 0, coefficient = 1; n <= 22; n += 2, coefficient *= -n * (n - 1))
  COSINE.unshift(1 / coefficient);

/**
 * cos(π t). Not `Math.cos`, whose last bit the language leaves to the engine: a run must give the same bits in
 * every one, and addition, multiplication and division do.
 *
 * @param {number} t  0 to 1
 * @returns {number}
 */
function cosPi(t) {
  if (t > 0.5) return -cosPi(1 - t);
  return COSINE.reduce((sum, coefficient) => sum * (Math.PI * t) ** 2 + coefficient, 0);
}

/**
 * Linear warm-up to the learning rate, then half a cosine down to the floor, which is reached at `steps` and kept.
 * Step s of the warm-up has learningRate · (s + 1) / warmup: no step is lost on a rate of 0.
 *
 * @param {object} options its shape
 * @param {number} options.learningRate  the highest rate, above 0
 * @param {number} options.steps         of the whole run, at least 1
 * @param {number} [options.warmup]      steps, 0 (default) to steps
 * @param {number} [options.floor]       the last rate, 0 (default) to learningRate
 * @returns {Schedule}
 * @throws {TypeError | RangeError} naming the option
 */
export function cosineSchedule({ learningRate, steps, warmup = 0, floor = 0 }) {
  const rising = warmUp({ learningRate, warmup });
  checkInteger('steps', steps, 1);
  checkInteger('warmup', warmup, 0, steps, ' (steps)');
  checkNumber('floor', floor, 0, learningRate, ' (learningRate)');
  return (step) => {
    if (step < warmup) return rising(step);
    const t = steps > warmup ? Math.min((step - warmup) / (steps - warmup), 1) : 1;
    return floor + ((learningRate - floor) * (1 + cosPi(t))) / 2;
  };
}

/**
 * The same rate at every step, after a linear warm-up if one is asked for.
 *
 * @param {object} options its shape
 * @param {number} options.learningRate  above 0
 * @param {number} [options.warmup]      steps, default 0
 * @returns {Schedule}
 * @throws {TypeError | RangeError} naming the option
 */
export function constantSchedule({ learningRate, warmup = 0 }) {
  const rising = warmUp({ learningRate, warmup });
  return (step) => (step < warmup ? rising(step) : learningRate);
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

/** The ways in which the number of experts a token may go, named as in the published code (`dynamic_moe_mode`). */
export const topKSchedules = Object.freeze(/** @type {const} */ (['constant', 'linear_increase']));

/**
 * How many experts a token goes to: the same number always, or growing evenly from kMin to kMax over `steps` as in
 * HyperRouter's published training (8 to 16 there), and kMax from then on.
 *
 * @param {object} options its shape
 * @param {number} options.kMax     experts a token in the end, at least 1
 * @param {number} [options.kMin]   experts a token at first, 1 to kMax; `linear_increase` only
 * @param {number} [options.steps]  at least 1; `linear_increase` only
 * @param {'constant' | 'linear_increase'} [options.kind]  default: linear_increase
 * @returns {Schedule} round(kMin + (kMax - kMin) · step / steps), halves up
 * @throws {TypeError | RangeError} naming the option
 */
export function topKSchedule({ kMin = 1, kMax, steps, kind = 'linear_increase' }) {
  checkName('kind', kind, topKSchedules);
  checkInteger('kMax', kMax, 1);
  if (kind === 'constant') return () => kMax;
  const last = checkInteger('steps', steps, 1);
  checkInteger('kMin', kMin, 1, kMax, ' (kMax)');
  return (step) => Math.round(kMin + ((kMax - kMin) * Math.min(step, last)) / last);
}
