/**
 * Token sequences of different lengths, with their classes: batching them, and evaluating a text classifier.
 *
 * @module
 */
import {
  checkFunction,
  checkIds,
  checkInteger,
  checkKeys,
  checkModel,
  checkOptions,
  checkSignal,
  refuseLength,
  toIntegers,
} from './check.js';
import { evaluateBatches, mostLikely } from './evaluation.js';
import { INPUT } from './options.js';
import { Epochs } from './shuffle.js';
import { partsOf, readLabelled, rowsOf } from './token-rows.js';

/** @import { Floats, Ids, Integers, Signal } from './types.js' */

/**
 * @typedef {object} TokenSequences
 * n token sequences of different lengths.
 *
 * @property {Ids} inputs token ids: [n, T], where row i has lengths[i] tokens and then padding, which is not looked at; or
 *   an array of n rows, one per sequence, which may differ in length
 * @property {Ids | undefined} [lengths] [n] tokens of each sequence; may be left out if inputs is an array of rows, each of
 *   which is then a sequence
 */

/**
 * @typedef {object} ClassTargets
 * The classes of n sequences.
 *
 * @property {Ids} targets [n] class ids
 */

/** @typedef {TokenSequences & ClassTargets} LabelledSequences n token sequences with their classes */

/** A confusion matrix of more would take a gigabyte. */
const MOST_CLASSES = 8192;

/** No limits but those of the numbers. */
const ANY = { vocabSize: 2 ** 31, contextLength: 2 ** 31, classes: 2 ** 31 };

/** @param {unknown} data */
const readData = (data) =>
  readLabelled(
    'data.',
    checkKeys('data', 'sequences and their classes', data, INPUT['text-classifier']),
    ANY,
  );

/**
 * Batches of sequences, reshuffled each epoch. The batch of a step depends only on the number of the step, so that a run can
 * be resumed at any step.
 */
export class SequenceBatches {
  #rows;
  #targets;
  #epochs;

  /**
   * @param {LabelledSequences} data all sequences
   * @param {object} options how to make batches
   * @param {number} options.batchSize sequences per batch
   * @param {number | undefined} [options.seed] seed of the order, 0 (default) to 4294967295
   * @throws {TypeError | RangeError} naming the argument
   */
  constructor(data, options) {
    const packed = readData(data);
    const { batchSize, seed = 0 } = checkOptions('SequenceBatches', options, ['batchSize', 'seed']);
    checkInteger('batchSize', batchSize, 1);
    checkInteger('seed', seed, 0, 4294967295);
    this.#rows = rowsOf(packed);
    this.#targets = packed.targets;
    this.#epochs = new Epochs(this.#rows.length, batchSize, seed);
    /** Sequences per batch. */
    this.batchSize = batchSize;
    /** Steps per epoch; the last batch may be smaller. */
    this.batches = this.#epochs.batches;
  }

  /**
   * The batch of a step.
   * @param {number} step from 0
   * @returns {{ inputs: Integers[], targets: Integers, epoch: number }} new arrays, one per sequence; epoch: completed passes
   *   over the data
   */
  at(step) {
    checkInteger('step', step, 0);
    const { epoch, rows } = this.#epochs.at(step);
    return {
      inputs: Array.from(rows, (row) => this.#rows[row].slice()),
      targets: Int32Array.from(rows, (row) => this.#targets[row]),
      epoch,
    };
  }
}

/**
 * @typedef {object} EvaluatedTextClassifier
 * What `evaluateSequences` uses of a text classifier; methods may also return promises.
 *
 * @property {{ readonly batchSize: number, readonly classes: number }} config batchSize and classes
 * @property {(batch: { inputs: Integers[], targets: Integers }) => { loss: number } | PromiseLike<{ loss: number }>} evaluate
 *   nats per sequence
 * @property {() => Floats | PromiseLike<Floats>} logits [n, classes] of the last call
 */

/**
 * @typedef {object} SequenceEvaluation
 * How well a text classifier does.
 *
 * @property {number} loss mean over the sequences, nats; classes are not weighted
 * @property {number} accuracy share of the sequences whose most likely class is their target
 * @property {number} macroF1 mean of `f1` over the classes that occur, in targets or predictions
 * @property {(number | null)[]} f1 [classes] harmonic mean of precision and recall of each class, 2·right / (targets +
 *   predictions); null for a class that occurs in neither
 * @property {Integers} predictions [n] the most likely class of each sequence, ties to the lower class
 * @property {number} count number of sequences
 */

/**
 * Loss, accuracy and F1 of a text classifier on any number of sequences.
 *
 * @param {EvaluatedTextClassifier} model a text classifier, on this thread or in a worker
 * @param {LabelledSequences} data any number of sequences
 * @param {{ signal?: Signal | undefined, onProgress?: ((done: { count: number, total: number }) => void) | undefined }} [options]
 *   signal: stops between two batches; onProgress: told after each batch how many sequences are done
 * @returns {Promise<SequenceEvaluation>}
 * @throws {TypeError | RangeError} naming the argument
 */
export async function evaluateSequences(model, data, options = {}) {
  const { signal: given, onProgress } = checkOptions('evaluateSequences', options, ['signal', 'onProgress']);
  const signal = checkSignal(given);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress, 'a function');
  signal?.throwIfAborted();
  checkModel(model, ['evaluate', 'logits']);
  const packed = readData(data);
  const { batchSize, classes } = model.config;
  const total = packed.lengths.length;
  const batches = partsOf(packed, batchSize).map(({ inputs, targets }) => ({
    batch: { inputs, targets: targets.slice() },
    size: targets.length,
  }));
  const predictions = new Int32Array(total);
  let at = 0;
  const use = (/** @type {Floats} */ logits) => {
    const found = mostLikely(logits, classes);
    predictions.set(found, at);
    at += found.length;
  };
  const report = onProgress && ((/** @type {number} */ count) => onProgress({ count, total }));
  const { loss, count } = await evaluateBatches(model, batches, use, signal, report);
  return { loss, ...scores(packed.targets, predictions, classes), predictions, count };
}

/**
 * @param {Int32Array} targets [n]
 * @param {Int32Array} predictions [n]
 * @param {number} classes
 */
function scores(targets, predictions, classes) {
  const [right, occurs] = [new Float64Array(classes), new Float64Array(classes)];
  targets.forEach((target, i) => {
    occurs[target]++;
    occurs[predictions[i]]++;
    if (predictions[i] === target) right[target]++;
  });
  const f1 = Array.from(right, (n, id) => (occurs[id] === 0 ? null : (2 * n) / occurs[id]));
  const known = f1.filter((score) => score !== null);
  return {
    accuracy: right.reduce((sum, n) => sum + n, 0) / targets.length,
    macroF1: known.reduce((sum, score) => sum + score, 0) / known.length,
    f1,
  };
}

/**
 * Confusion matrix of a classifier: how many sequences (or vectors) of each class were predicted to be of each class.
 *
 * @param {Ids} targets [n] class ids
 * @param {Ids} predictions [n] class ids, as `evaluateSequences` gives them
 * @param {number} classes number of classes
 * @returns {number[][]} [classes][classes] a row for each target, a column for each prediction
 * @throws {TypeError | RangeError} naming the argument
 */
export function confusionMatrix(targets, predictions, classes) {
  checkInteger('classes', classes, 1, MOST_CLASSES);
  const [wanted, found] = [toIntegers('targets', targets), toIntegers('predictions', predictions)];
  if (found.length !== wanted.length)
    refuseLength('predictions', `one number for each of the ${wanted.length} targets`, found);
  checkIds('targets', wanted, classes);
  checkIds('predictions', found, classes);
  const matrix = Array.from({ length: classes }, () => new Array(classes).fill(0));
  wanted.forEach((target, i) => {
    matrix[target][found[i]]++;
  });
  return matrix;
}
