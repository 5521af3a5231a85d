/**
 * Vectors with numbers for targets: batching them, and evaluating a regressor.
 *
 * @module
 */
import {
  checkFinite,
  checkInteger,
  checkKeys,
  checkModel,
  checkOptions,
  checkSignal,
  refuseLength,
  toFloats,
} from './check.js';
import { Standardizer } from './data.js';
import { evaluateBatches } from './evaluation.js';
import { INPUT } from './options.js';
import { Epochs } from './shuffle.js';

/** @import { Floats, Numbers, Signal } from './types.js' */

/**
 * @typedef {object} RegressionData
 * n vectors and what a regressor should give for them.
 *
 * @property {Numbers} inputs [n, inputSize], finite
 * @property {Numbers} targets [n, outputs], finite, in units of their own
 */

/**
 * @param {unknown} data
 * @param {{ inputSize: number, outputs: number }} sizes
 */
function readPairs(data, { inputSize, outputs }) {
  const given = checkKeys('data', 'vectors and their targets', data, INPUT.regressor);
  const inputs = checkFinite('data.inputs', toFloats('data.inputs', given.inputs, inputSize));
  const targets = checkFinite('data.targets', toFloats('data.targets', given.targets, outputs));
  const count = inputs.length / inputSize;
  if (count === 0 || !Number.isInteger(count))
    refuseLength('data.inputs', `n x ${inputSize} numbers`, inputs);
  if (targets.length !== count * outputs) {
    refuseLength('data.targets', `${outputs} numbers for each of the ${count} inputs`, targets);
  }
  return { inputs, targets, count };
}

/**
 * Batches of vectors and their targets, reshuffled each epoch. The batch of a step depends only on the number of the step,
 * so that a run can be resumed at any step. The data is not copied and must not change.
 */
export class RegressionBatches {
  #data;
  #sizes;
  #epochs;

  /**
   * @param {RegressionData} data all vectors
   * @param {object} options how to make batches
   * @param {number} options.inputSize numbers in a vector
   * @param {number} options.outputs numbers in a target
   * @param {number} options.batchSize vectors per batch
   * @param {number | undefined} [options.seed] seed of the order, 0 (default) to 4294967295
   * @throws {TypeError | RangeError} naming the argument
   */
  constructor(data, options) {
    const keys = ['inputSize', 'outputs', 'batchSize', 'seed'];
    const { inputSize, outputs, batchSize, seed = 0 } = checkOptions('RegressionBatches', options, keys);
    checkInteger('inputSize', inputSize, 1);
    checkInteger('outputs', outputs, 1);
    checkInteger('batchSize', batchSize, 1);
    checkInteger('seed', seed, 0, 4294967295);
    this.#sizes = { inputSize, outputs };
    this.#data = readPairs(data, this.#sizes);
    this.#epochs = new Epochs(this.#data.count, batchSize, seed);
    /** Vectors per batch. */
    this.batchSize = batchSize;
    /** Steps per epoch; the last batch may be smaller. */
    this.batches = this.#epochs.batches;
  }

  /**
   * The batch of a step.
   * @param {number} step from 0
   * @returns {{ inputs: Floats, targets: Floats, epoch: number }} new arrays; epoch: completed passes over the data
   */
  at(step) {
    checkInteger('step', step, 0);
    const { epoch, rows } = this.#epochs.at(step);
    const { inputSize, outputs } = this.#sizes;
    return {
      inputs: take(this.#data.inputs, rows, inputSize),
      targets: take(this.#data.targets, rows, outputs),
      epoch,
    };
  }
}

/**
 * @param {Float32Array} numbers
 * @param {Uint32Array} rows
 * @param {number} size of a row
 * @returns {Floats} copies of these rows
 */
function take(numbers, rows, size) {
  const taken = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    taken.set(numbers.subarray(row * size, (row + 1) * size), i * size);
  });
  return taken;
}

/** @typedef {{ mean: number[], deviation: number[] }} TargetScale mean and standard deviation of each output */

/**
 * @typedef {object} EvaluatedRegressor
 * What `evaluateRegression` uses of a regressor; methods may also return promises.
 *
 * @property {{ readonly batchSize: number, readonly inputSize: number, readonly outputs: number }} config sizes
 * @property {(batch: { inputs: Floats, targets: Floats }) => { loss: number } | PromiseLike<{ loss: number }>} evaluate mean
 *   squared error
 * @property {() => Floats | PromiseLike<Floats>} logits [n, outputs] of the last call, standardised
 * @property {() => TargetScale | null | PromiseLike<TargetScale | null>} targetScale mean
 *   and deviation of its targets; null: they are not standardised
 */

/**
 * @typedef {object} RegressionEvaluation
 * How well a regressor predicts.
 *
 * @property {number} loss mean squared error over vectors and outputs, of standardised targets if they are
 * @property {number} meanSquaredError the same in the units of the targets
 * @property {number} rSquared coefficient of determination, mean over the outputs: 1 is perfect, 0 what the mean of these
 *   targets would give; of an output whose targets are all equal 1 if they are met, else 0
 * @property {number} count number of vectors
 */

/**
 * Errors of a regressor on any number of vectors.
 *
 * @param {EvaluatedRegressor} model a regressor, on this thread or in a worker
 * @param {RegressionData} data any number of vectors
 * @param {{ signal?: Signal | undefined }} [options] signal: stops between two batches
 * @returns {Promise<RegressionEvaluation>}
 * @throws {TypeError | RangeError} naming the argument
 */
export async function evaluateRegression(model, data, options = {}) {
  const signal = checkSignal(checkOptions('evaluateRegression', options, ['signal']).signal);
  signal?.throwIfAborted();
  checkModel(model, ['evaluate', 'logits', 'targetScale']);
  const { batchSize, inputSize, outputs } = model.config;
  const { inputs: all, targets, count } = readPairs(data, model.config);
  function* batches() {
    for (let start = 0; start < count; start += batchSize) {
      const end = Math.min(count, start + batchSize);
      const inputs = /** @type {Floats} */ (all.slice(start * inputSize, end * inputSize));
      const values = /** @type {Floats} */ (targets.slice(start * outputs, end * outputs));
      yield { batch: { inputs, targets: values }, size: end - start };
    }
  }
  const predictions = new Float32Array(targets.length);
  let done = 0;
  const use = (/** @type {Floats} */ logits) => {
    predictions.set(logits, done);
    done += logits.length;
  };
  const { loss } = await evaluateBatches(model, batches(), use, signal);
  const scale = await model.targetScale();
  const own = scale ? new Standardizer(scale).invert(predictions) : predictions;
  return { loss, ...errorsOf(own, targets, outputs), count };
}

/**
 * @param {Float32Array} predictions
 * @param {Float32Array} targets
 * @param {number} outputs
 */
function errorsOf(predictions, targets, outputs) {
  const count = targets.length / outputs;
  let [squares, determined] = [0, 0];
  for (let output = 0; output < outputs; output++) {
    let [mean, error, spread] = [0, 0, 0];
    for (let i = output; i < targets.length; i += outputs) mean += targets[i] / count;
    for (let i = output; i < targets.length; i += outputs) {
      error += (predictions[i] - targets[i]) ** 2;
      spread += (targets[i] - mean) ** 2;
    }
    squares += error;
    if (spread > 0) determined += 1 - error / spread;
    else determined += error > 0 ? 0 : 1;
  }
  return { meanSquaredError: squares / targets.length, rSquared: determined / outputs };
}
