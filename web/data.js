/**
 * Helpers for vectors: splitting, batching, standardising, and evaluating a classifier. They take and return plain
 * typed arrays; nothing here touches the engine's memory.
 *
 * @module
 */
import {
  checkAttached,
  checkFinite,
  checkInteger,
  checkKeys,
  checkModel,
  checkNumber,
  checkOptions,
  checkShare,
  checkSignal,
  fail,
  refuse,
  refuseLength,
  toFloats,
  toIntegers,
} from './check.js';
import { countRight, evaluateBatches } from './evaluation.js';
import { INPUT } from './options.js';
import { Epochs, shuffled } from './shuffle.js';

/**
 * @typedef {object} Vectors
 * Vectors and their classes.
 *
 * @property {Floats} inputs [n, inputSize], row-major
 * @property {Integers} targets [n] class ids
 */

/** @import { BatchesOptions, EvaluateVectorsOptions, SplitVectorsOptions } from './option-types.js' */
/** @import { Floats, Ids, Integers, Numbers } from './types.js' */

/**
 * @typedef {object} GivenVectors
 * Vectors and their classes, as functions take them.
 *
 * @property {Numbers} inputs [n, inputSize]: an array of all numbers, row-major, or of rows
 * @property {Ids} targets [n] class ids
 */

/**
 * @param {unknown} data
 * @returns {{ inputs: Float32Array, targets: Int32Array, size: number }} size: numbers in a vector
 * @throws {TypeError | RangeError} if these are not vectors with classes
 */
function readVectors(data) {
  const given = checkKeys('data', 'vectors and their classes', data, INPUT.classifier);
  const inputs = toFloats('data.inputs', given.inputs);
  const targets = toIntegers('data.targets', given.targets);
  const size = inputs.length / targets.length;
  if (targets.length === 0 || size < 1 || !Number.isInteger(size)) {
    refuseLength(
      'data.inputs',
      `the same number of numbers for each of the ${targets.length} targets`,
      inputs,
    );
  }
  return { inputs, targets, size };
}

/**
 * @param {ReturnType<typeof readVectors>} data
 * @param {Uint32Array} rows
 * @returns {Vectors} copies of these rows, in this order
 */
function take({ inputs, targets, size }, rows) {
  const taken = { inputs: new Float32Array(rows.length * size), targets: new Int32Array(rows.length) };
  rows.forEach((row, i) => {
    taken.inputs.set(inputs.subarray(row * size, (row + 1) * size), i * size);
    taken.targets[i] = targets[row];
  });
  return taken;
}

/**
 * Splits vectors at random into a training and a validation set. (For texts, `splitText` holds out the end.)
 *
 * @param {GivenVectors} data all vectors
 * @param {SplitVectorsOptions} [options] how to split
 * @returns {{ train: Vectors, validation: Vectors }} copies
 * @throws {TypeError | RangeError} naming the argument
 */
export function splitVectors(data, options = {}) {
  const { validation = 0.1, seed = 0 } = checkOptions('splitVectors', options, ['validation', 'seed']);
  checkShare('validation', validation);
  checkInteger('seed', seed, 0, 4294967295);
  const vectors = readVectors(data);
  const count = vectors.targets.length;
  const order = shuffled(count, seed);
  const trainCount = Math.floor(count * (1 - validation));
  return {
    train: take(vectors, order.subarray(0, trainCount)),
    validation: take(vectors, order.subarray(trainCount)),
  };
}

/**
 * Batches of vectors, reshuffled each epoch. The batch of a step depends only on the number of the step, so that a run
 * can be resumed at any step. The data is not copied and must not change.
 */
export class Batches {
  #data;
  #epochs;

  /**
   * @param {GivenVectors} data all vectors
   * @param {BatchesOptions} options how to make batches
   * @throws {TypeError | RangeError} naming the argument
   */
  constructor(data, options) {
    const vectors = readVectors(data);
    const { batchSize, seed = 0 } = checkOptions('Batches', options, ['batchSize', 'seed']);
    checkInteger('batchSize', batchSize, 1);
    checkInteger('seed', seed, 0, 4294967295);
    this.#data = vectors;
    this.#epochs = new Epochs(vectors.targets.length, batchSize, seed);
    /** Vectors per batch. */
    this.batchSize = batchSize;
    /** Steps per epoch; the last batch may be smaller. */
    this.batches = this.#epochs.batches;
  }

  /**
   * The batch of a step.
   * @param {number} step from 0
   * @returns {Vectors & { epoch: number }} new arrays; epoch: completed passes over the data
   */
  at(step) {
    checkInteger('step', step, 0);
    const { epoch, rows } = this.#epochs.at(step);
    return { ...take(this.#data, rows), epoch };
  }
}

/**
 * Scales each feature to mean 0 and standard deviation 1 over the vectors that it was fitted to; a constant feature
 * becomes 0. Fit it to the training data only, and apply it to all data.
 */
export class Standardizer {
  /**
   * @param {{ mean: ArrayLike<number>, deviation: ArrayLike<number> }} values as `toJSON` returns them
   * @throws {TypeError | RangeError} naming the argument
   */
  constructor(values) {
    const { mean, deviation } = checkKeys('values', 'a Standardizer', values, ['mean', 'deviation']);
    /**
     * Mean of each feature, [inputSize].
     * @type {Float64Array}
     */
    this.mean = toDoubles('mean', mean, -Number.MAX_VALUE);
    /**
     * Standard deviation of each feature, [inputSize].
     * @type {Float64Array}
     */
    this.deviation = toDoubles('deviation', deviation, 0);
    if (this.mean.length === 0 || this.mean.length !== this.deviation.length) {
      fail(
        `mean and deviation must have the same length, got ${this.mean.length} and ${this.deviation.length}`,
      );
    }
  }

  /**
   * Computes mean and standard deviation of each feature.
   * @param {Numbers} inputs [n, inputSize], finite
   * @param {number} inputSize features per vector
   * @returns {Standardizer}
   * @throws {TypeError | RangeError} naming the argument
   */
  static fit(inputs, inputSize) {
    checkInteger('inputSize', inputSize, 1);
    const numbers = checkFinite('inputs', toFloats('inputs', inputs, inputSize));
    const count = numbers.length / inputSize;
    if (count === 0 || !Number.isInteger(count)) {
      refuseLength('inputs', `n x ${inputSize} numbers (inputSize)`, numbers);
    }
    const mean = new Float64Array(inputSize);
    const squares = new Float64Array(inputSize);
    for (let i = 0; i < numbers.length; i++) mean[i % inputSize] += numbers[i] / count;
    for (let i = 0; i < numbers.length; i++)
      squares[i % inputSize] += (numbers[i] - mean[i % inputSize]) ** 2;
    return new Standardizer({ mean, deviation: squares.map((sum) => Math.sqrt(sum / count)) });
  }

  /**
   * Standardises vectors.
   * @param {Numbers} inputs [n, inputSize], finite
   * @returns {Floats} a new array
   * @throws {TypeError | RangeError} naming the argument
   */
  apply(inputs) {
    const { mean, deviation } = this;
    const size = mean.length;
    const numbers = checkFinite('inputs', toFloats('inputs', inputs, size));
    if (numbers.length % size !== 0) refuseLength('inputs', `n x ${size} numbers`, numbers);
    return Float32Array.from(numbers, (value, i) => {
      const scale = deviation[i % size];
      return scale > 1e-12 ? (value - mean[i % size]) / scale : 0;
    });
  }

  /**
   * Reverses `apply`.
   * @param {Numbers} standardised [n, inputSize], finite
   * @returns {Floats} a new array, in the units of the vectors that it was fitted to
   * @throws {TypeError | RangeError} naming the argument
   */
  invert(standardised) {
    const { mean, deviation } = this;
    const size = mean.length;
    const numbers = checkFinite('standardised', toFloats('standardised', standardised, size));
    if (numbers.length % size !== 0) refuseLength('standardised', `n x ${size} numbers`, numbers);
    return Float32Array.from(numbers, (value, i) => value * deviation[i % size] + mean[i % size]);
  }

  /**
   * The values as JSON, for the constructor.
   * @returns {{ mean: number[], deviation: number[] }}
   */
  toJSON() {
    return { mean: Array.from(this.mean), deviation: Array.from(this.deviation) };
  }
}

/**
 * @param {string} name
 * @param {ArrayLike<number>} values
 * @param {number} least
 */
function toDoubles(name, values, least) {
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) refuse(name, 'an array', values, TypeError);
  checkAttached(name, values);
  return Float64Array.from(Array.from(values), (value, i) => checkNumber(`${name}[${i}]`, value, least));
}

/**
 * @typedef {object} EvaluatedClassifier
 * What `evaluateVectors` uses of a classifier; methods may also return promises.
 *
 * @property {{ readonly batchSize: number, readonly classes: number }} config batchSize and classes
 * @property {(batch: Vectors) => { loss: number } | PromiseLike<{ loss: number }>} evaluate nats per vector
 * @property {() => Floats | PromiseLike<Floats>} logits [n, classes] of the last call
 */

/**
 * @typedef {object} VectorEvaluation
 * Loss and accuracy of a classifier on vectors.
 *
 * @property {number} loss mean over the vectors, nats
 * @property {number} accuracy share of the vectors whose most likely class is their target
 * @property {number} count number of vectors
 */

/**
 * Loss and accuracy of a classifier on any number of vectors.
 *
 * @param {EvaluatedClassifier} model a classifier, on this thread or in a worker
 * @param {GivenVectors} data any number of vectors
 * @param {EvaluateVectorsOptions} [options] of the evaluation
 * @returns {Promise<VectorEvaluation>}
 */
export async function evaluateVectors(model, data, options = {}) {
  const signal = checkSignal(checkOptions('evaluateVectors', options, ['signal']).signal);
  signal?.throwIfAborted();
  checkModel(model, ['evaluate', 'logits']);
  const { inputs: all, targets: classIds, size } = readVectors(data);
  const { batchSize, classes } = model.config;
  function* batches() {
    for (let start = 0; start < classIds.length; start += batchSize) {
      const targets = classIds.slice(start, start + batchSize);
      const inputs = all.slice(start * size, (start + targets.length) * size);
      yield { batch: { inputs, targets }, size: targets.length };
    }
  }
  let right = 0;
  const use = (/** @type {Floats} */ logits, /** @type {Vectors} */ { targets }) => {
    right += countRight(logits, targets, classes);
  };
  const { loss, count } = await evaluateBatches(model, batches(), use, signal);
  return { loss, accuracy: right / count, count };
}
