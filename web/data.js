/**
 * Helpers for vectors: splitting, batching, standardising, and evaluating a classifier. They take and return plain
 * typed arrays; nothing here touches the engine's memory.
 *
 * @module
 */
import { checkArray, checkInteger, checkObject, checkShare, refuseLength } from './check.js';
import { timeSlices } from './task.js';

/**
 * @typedef {object} Vectors
 * Vectors and their classes.
 *
 * @property {Float32Array} inputs [n, inputSize], row-major
 * @property {Int32Array} targets [n] class ids
 */

/**
 * Random numbers in [0, 1), the same everywhere for the same seed (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {number} count
 * @param {number} seed
 * @returns {Uint32Array} 0 to count - 1 in random order (Fisher-Yates)
 */
function shuffled(count, seed) {
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * @param {Vectors} data
 * @param {string} [name]
 * @returns {number} numbers in a vector
 * @throws {TypeError | RangeError} if these are not vectors with classes
 */
function vectorSize(data, name = 'data') {
  checkObject(name, data);
  const inputs = checkArray(`${name}.inputs`, data.inputs, Float32Array);
  const targets = checkArray(`${name}.targets`, data.targets, Int32Array);
  const size = inputs.length / targets.length;
  if (targets.length === 0 || size < 1 || !Number.isInteger(size)) {
    refuseLength(
      `${name}.inputs`,
      `the same number of numbers for each of the ${targets.length} targets`,
      inputs,
    );
  }
  return size;
}

/**
 * @param {Vectors} data
 * @param {Uint32Array} rows
 * @param {number} size
 * @returns {Vectors} copies of these rows, in this order
 */
function take({ inputs, targets }, rows, size) {
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
 * @param {Vectors} data all vectors
 * @param {{ validation?: number, seed?: number }} [options] validation: the share to hold out, 0 <= share < 1
 *   (default 0.1); seed: of the random choice (default 0)
 * @returns {{ train: Vectors, validation: Vectors }} copies
 * @throws {TypeError | RangeError} naming the argument
 */
export function splitVectors(data, { validation = 0.1, seed = 0 } = {}) {
  checkShare('validation', validation);
  checkInteger('seed', seed, 0, 4294967295);
  const size = vectorSize(data);
  const count = data.targets.length;
  const order = shuffled(count, seed);
  const trainCount = Math.floor(count * (1 - validation));
  return {
    train: take(data, order.subarray(0, trainCount), size),
    validation: take(data, order.subarray(trainCount), size),
  };
}

/**
 * Batches of vectors, reshuffled each epoch. The batch of a step depends only on the number of the step, so that a run
 * can be resumed at any step. The data is not copied and must not change.
 */
export class Batches {
  #data;
  #size;
  #seed;
  /** @type {{ epoch: number, order: Uint32Array } | undefined} the epoch that was last used */
  #pass;

  /**
   * @param {Vectors} data all vectors
   * @param {{ batchSize: number, seed?: number }} options batchSize: vectors per batch; seed: of the order (default 0)
   * @throws {TypeError | RangeError} naming the argument
   */
  constructor(data, options) {
    this.#size = vectorSize(data);
    const { batchSize, seed = 0 } = checkObject('options', options) && options;
    checkInteger('batchSize', batchSize, 1);
    checkInteger('seed', seed, 0, 4294967295);
    this.#data = data;
    this.#seed = seed;
    /** Vectors per batch. */
    this.batchSize = batchSize;
    /** Steps per epoch; the last batch may be smaller. */
    this.batches = Math.ceil(data.targets.length / batchSize);
  }

  /**
   * The batch of a step.
   * @param {number} step from 0
   * @returns {Vectors & { epoch: number }} new arrays; epoch: completed passes over the data
   */
  at(step) {
    checkInteger('step', step, 0);
    const epoch = Math.floor(step / this.batches);
    if (this.#pass?.epoch !== epoch) {
      const seed = Math.imul(this.#seed + 1, 0x9e3779b1) ^ epoch;
      this.#pass = { epoch, order: shuffled(this.#data.targets.length, seed) };
    }
    const start = (step % this.batches) * this.batchSize;
    const rows = this.#pass.order.subarray(start, start + this.batchSize);
    return { ...take(this.#data, rows, this.#size), epoch };
  }
}

/**
 * Scales each feature to mean 0 and standard deviation 1 over the vectors that it was fitted to; a constant feature
 * becomes 0. Fit it to the training data only, and apply it to all data.
 */
export class Standardizer {
  /**
   * @param {{ mean: ArrayLike<number>, deviation: ArrayLike<number> }} values as `toJSON` returns them
   */
  constructor({ mean, deviation }) {
    if (mean.length === 0 || mean.length !== deviation.length) {
      throw new RangeError(
        `mean and deviation must have the same length, got ${mean.length} and ${deviation.length}`,
      );
    }
    /** Mean of each feature, [inputSize]. */
    this.mean = Float64Array.from(mean);
    /** Standard deviation of each feature, [inputSize]. */
    this.deviation = Float64Array.from(deviation);
  }

  /**
   * Computes mean and standard deviation of each feature.
   * @param {Float32Array} inputs [n, inputSize]
   * @param {number} inputSize features per vector
   * @returns {Standardizer}
   * @throws {TypeError | RangeError} naming the argument
   */
  static fit(inputs, inputSize) {
    checkInteger('inputSize', inputSize, 1);
    const count = checkArray('inputs', inputs, Float32Array).length / inputSize;
    if (inputs.length === 0 || !Number.isInteger(count)) {
      refuseLength('inputs', `n x ${inputSize} numbers (inputSize)`, inputs);
    }
    const mean = new Float64Array(inputSize);
    const squares = new Float64Array(inputSize);
    for (let i = 0; i < inputs.length; i++) mean[i % inputSize] += inputs[i] / count;
    for (let i = 0; i < inputs.length; i++) squares[i % inputSize] += (inputs[i] - mean[i % inputSize]) ** 2;
    return new Standardizer({ mean, deviation: squares.map((sum) => Math.sqrt(sum / count)) });
  }

  /**
   * Standardises vectors.
   * @param {Float32Array} inputs [n, inputSize]
   * @returns {Float32Array} a new array
   * @throws {TypeError | RangeError} naming the argument
   */
  apply(inputs) {
    const { mean, deviation } = this;
    const size = mean.length;
    if (checkArray('inputs', inputs, Float32Array).length % size !== 0) {
      refuseLength('inputs', `n x ${size} numbers`, inputs);
    }
    return inputs.map((value, i) => {
      const scale = deviation[i % size];
      return scale > 1e-12 ? (value - mean[i % size]) / scale : 0;
    });
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
 * @typedef {object} EvaluatedClassifier
 * What `evaluateVectors` uses of a classifier; methods may also return promises.
 *
 * @property {{ readonly batchSize: number, readonly classes: number }} config batchSize and classes
 * @property {(batch: Vectors) => { loss: number } | PromiseLike<{ loss: number }>} evaluate nats per vector
 * @property {() => Float32Array | PromiseLike<Float32Array>} logits [n, classes] of the last call
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
 * @param {Vectors} data any number of vectors
 * @param {{ signal?: AbortSignal }} [options] signal: stops between two batches
 * @returns {Promise<VectorEvaluation>}
 */
export async function evaluateVectors(model, data, { signal } = {}) {
  signal?.throwIfAborted();
  const size = vectorSize(data);
  const { batchSize, classes } = model.config;
  const count = data.targets.length;
  const pause = timeSlices();
  let [nats, right] = [0, 0];
  for (let start = 0; start < count; start += batchSize) {
    const targets = data.targets.slice(start, start + batchSize);
    const inputs = data.inputs.slice(start * size, (start + targets.length) * size);
    const { loss } = await model.evaluate({ inputs, targets });
    const logits = await model.logits();
    nats += loss * targets.length;
    targets.forEach((target, i) => {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === target) right++;
    });
    await pause();
    signal?.throwIfAborted();
  }
  return { loss: nats / count, accuracy: right / count, count };
}
