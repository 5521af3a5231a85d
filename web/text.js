/**
 * Helpers for texts: splitting, parallel streams for training, and evaluating a model. They take and return plain typed
 * arrays; nothing here touches the engine's memory.
 *
 * @module
 */
import {
  checkAttached,
  checkFunction,
  checkInteger,
  checkModel,
  checkNumber,
  checkOptions,
  checkShare,
  checkSignal,
  refuse,
  refuseLength,
  toIntegers,
  typedArrayName,
} from './check.js';
import { timeSlices } from './task.js';

/** @import { EvaluateTextOptions, SplitTextOptions, StreamsOptions } from './option-types.js' */
/** @import { Ids, Integers, Signal } from './types.js' */
/** @import { Vocabulary } from './vocabulary.js' */

/**
 * Splits a text into a training part and a validation part at its end. The parts are views of `tokens`, not copies.
 *
 * @template {{ length: number, subarray(begin?: number, end?: number): T }} T
 * @param {T} tokens  a typed array
 * @param {SplitTextOptions} [options] how to split
 * @returns {{ train: T, validation: T }}
 * @throws {TypeError | RangeError} naming the argument
 */
export function splitText(tokens, options = {}) {
  const { validation = 0.1 } = checkOptions('splitText', options, ['validation']);
  if (Array.isArray(tokens)) return splitText(/** @type {any} */ (toIntegers('tokens', tokens)), options);
  if (typedArrayName(tokens) === undefined || typeof tokens.subarray !== 'function')
    refuse('tokens', 'a typed array', tokens, TypeError);
  checkAttached('tokens', tokens);
  checkShare('validation', validation);
  const trainLength = Math.floor(tokens.length * (1 - validation));
  return { train: tokens.subarray(0, trainLength), validation: tokens.subarray(trainLength) };
}

/**
 * @typedef {object} TextSegment
 * A segment of all streams, as `model.trainStep` takes it. The arrays are new: you may keep or transfer them.
 *
 * @property {Integers} inputs        [streams, length]
 * @property {Integers} targets       [streams, length], the token after each input
 * @property {number} length          tokens per stream
 * @property {boolean} carryMemory    false for the first segment of an epoch: nothing comes before it
 * @property {number} epoch           completed passes over the text
 */

/**
 * Parallel streams of a text. The text is cut into streams of equal length, which are read in parallel, segment after
 * segment, as in the training of Transformer-XL: the model's memory holds what precedes a segment in its stream (Dai et
 * al., 2019, section 3.2). After the last segment, which may be shorter, the next epoch begins. The segment of a step
 * depends only on the number of the step, so that a run can be resumed at any step.
 *
 * The last `tokens.length mod batchSize` tokens are not used. `tokens` is not copied and must not change.
 */
export class TextStreams {
  #tokens;

  /**
   * @param {Ids} tokens token ids of the text
   * @param {StreamsOptions} options how to cut it
   * @throws {TypeError | RangeError} naming the argument; every stream needs at least two tokens
   */
  constructor(tokens, options) {
    const ids = toIntegers('tokens', tokens);
    const { batchSize, length } = checkOptions('TextStreams', options, ['batchSize', 'length']);
    checkInteger('batchSize', batchSize, 1);
    checkInteger('length', length, 1);
    if (ids.length < 2 * batchSize) {
      refuseLength('tokens', `${2 * batchSize} numbers or more for ${batchSize} streams (batchSize)`, ids);
    }
    this.#tokens = ids;
    /** Number of streams. */
    this.batchSize = batchSize;
    /** Tokens per segment; the last one of an epoch may be shorter. */
    this.length = length;
    /** Tokens per stream. */
    this.streamLength = Math.floor(ids.length / batchSize);
    /** Steps per epoch. */
    this.segments = Math.ceil((this.streamLength - 1) / length);
    /** Tokens that are predicted per epoch. */
    this.targetsPerPass = batchSize * (this.streamLength - 1);
  }

  /**
   * The segment of a step.
   * @param {number} step from 0
   * @returns {TextSegment}
   */
  at(step) {
    checkInteger('step', step, 0);
    const segment = step % this.segments;
    const start = segment * this.length;
    const length = Math.min(this.length, this.streamLength - 1 - start);
    const inputs = new Int32Array(this.batchSize * length);
    const targets = new Int32Array(this.batchSize * length);
    for (let stream = 0; stream < this.batchSize; stream++) {
      const from = stream * this.streamLength + start;
      inputs.set(this.#tokens.subarray(from, from + length), stream * length);
      targets.set(this.#tokens.subarray(from + 1, from + 1 + length), stream * length);
    }
    return { inputs, targets, length, carryMemory: segment > 0, epoch: Math.floor(step / this.segments) };
  }
}

/**
 * Converts a loss to bits per token, which are bits per byte if a token is a byte.
 *
 * @param {number} loss  nats per token
 * @returns {number} bits per token
 */
export function bitsPerToken(loss) {
  checkLoss(loss);
  return loss / Math.LN2;
}

/**
 * Converts a loss to bits per byte, which can be compared between vocabularies.
 *
 * @param {number} loss    nats per token
 * @param {number} tokens  number of tokens
 * @param {number} bytes   bytes of UTF-8 of their text
 * @returns {number} bits per byte
 */
export function bitsPerByte(loss, tokens, bytes) {
  checkLoss(loss);
  checkNumber('tokens', tokens, 0);
  checkNumber('bytes', bytes, 0);
  return (loss * tokens) / (bytes * Math.LN2);
}

/** @param {unknown} loss of a model that diverged, it is no finite number */
function checkLoss(loss) {
  if (typeof loss !== 'number') refuse('loss', 'a number', loss, TypeError);
}

/**
 * @typedef {object} EvaluatedModel
 * What `evaluateText` uses of a language model; methods may also return promises.
 *
 * @property {Readonly<Record<string, unknown>>} config batchSize and contextLength
 * @property {(segment: { inputs: Int32Array, targets: Int32Array, length: number, carryMemory: boolean }) =>
 *   { loss: number } | PromiseLike<{ loss: number }>} evaluate nats per token
 * @property {() => any} saveMemory a copy of the memory
 * @property {(memory: any) => any} restoreMemory restores it at the end
 */

/**
 * @typedef {object} Evaluation
 * Loss of a language model on a text.
 *
 * @property {number} loss mean over the predicted tokens, nats
 * @property {number} bitsPerToken the same in bits
 * @property {number | null} bitsPerByte bits per byte of the text as UTF-8; null without a vocabulary
 * @property {number} tokens number of predicted tokens
 */

/** Fewest segments per stream: each stream begins with an empty memory, which costs accuracy. */
const EVALUATION_SEGMENTS = 8;

const EVALUATION = ['batchSize', 'length', 'vocabulary', 'onProgress', 'signal'];

/**
 * Evaluates a model on a text, which is read from its beginning with the memory carried along. The model's own memory
 * is restored at the end, also if the evaluation fails or is aborted, so that it can be used in the middle of training.
 * Until the promise settles, nothing else may use the model.
 *
 * @param {EvaluatedModel} model a language model, on this thread or in a worker
 * @param {Ids} tokens  at least 2
 * @param {EvaluateTextOptions} [options] how to read the text
 * @returns {Promise<Evaluation>} rejects with the signal's reason (an AbortError by default) if aborted
 */
export async function evaluateText(model, tokens, options = {}) {
  const {
    signal: given,
    onProgress,
    vocabulary,
    ...sizes
  } = checkOptions('evaluateText', options, EVALUATION);
  const signal = checkSignal(given);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress, 'a function');
  if (vocabulary !== undefined) checkFunction('vocabulary.byteLength', vocabulary?.byteLength, 'a function');
  checkModel(model, ['evaluate', 'saveMemory', 'restoreMemory']);
  const { length = Number(model.config.contextLength) } = sizes;
  signal?.throwIfAborted();
  const ids = toIntegers('tokens', tokens);
  if (ids.length < 2) refuseLength('tokens', '2 numbers or more', ids);
  checkInteger('length', length, 1);
  const longEnough = Math.floor(ids.length / (EVALUATION_SEGMENTS * length));
  const batchSize = sizes.batchSize ?? Math.max(1, Math.min(Number(model.config.batchSize), longEnough));
  const streams = new TextStreams(ids, { batchSize, length });
  const memory = await model.saveMemory();
  try {
    let nats = 0;
    let count = 0;
    let bytes = 0;
    const pause = timeSlices();
    for (let step = 0; step < streams.segments; step++) {
      const { epoch: _, ...segment } = streams.at(step);
      const { loss } = await model.evaluate(segment);
      nats += loss * segment.targets.length;
      count += segment.targets.length;
      if (vocabulary)
        bytes += checkNumber('vocabulary.byteLength(tokens)', vocabulary.byteLength(segment.targets), 0);
      onProgress?.({ tokens: count, total: streams.targetsPerPass, loss: nats / count });
      await pause();
      signal?.throwIfAborted();
    }
    const loss = nats / count;
    return {
      loss,
      bitsPerToken: bitsPerToken(loss),
      bitsPerByte: vocabulary ? bitsPerByte(loss, count, bytes) : null,
      tokens: count,
    };
  } finally {
    await model.restoreMemory(memory);
  }
}
