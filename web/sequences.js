/**
 * Token sequences of different lengths, with their classes: batching them, and evaluating a text classifier.
 *
 * @module
 */
import { checkInteger, checkKeys, checkModel, checkOptions, checkSignal } from './check.js';
import { countRight, evaluateBatches } from './evaluation.js';
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
 * Loss and accuracy of a text classifier.
 *
 * @property {number} loss mean over the sequences, nats; classes are not weighted
 * @property {number} accuracy share of the sequences whose most likely class is their target
 * @property {number} count number of sequences
 */

/**
 * Loss and accuracy of a text classifier on any number of sequences.
 *
 * @param {EvaluatedTextClassifier} model a text classifier, on this thread or in a worker
 * @param {LabelledSequences} data any number of sequences
 * @param {{ signal?: Signal | undefined }} [options] signal: stops between two batches
 * @returns {Promise<SequenceEvaluation>}
 * @throws {TypeError | RangeError} naming the argument
 */
export async function evaluateSequences(model, data, options = {}) {
  const signal = checkSignal(checkOptions('evaluateSequences', options, ['signal']).signal);
  signal?.throwIfAborted();
  checkModel(model, ['evaluate', 'logits']);
  const packed = readData(data);
  const { batchSize, classes } = model.config;
  const batches = partsOf(packed, batchSize).map(({ inputs, targets }) => ({
    batch: { inputs, targets: targets.slice() },
    size: targets.length,
  }));
  let right = 0;
  const use = (/** @type {Floats} */ logits, /** @type {{ targets: Integers }} */ { targets }) => {
    right += countRight(logits, targets, classes);
  };
  const { loss, count } = await evaluateBatches(model, batches, use, signal);
  return { loss, accuracy: right / count, count };
}
