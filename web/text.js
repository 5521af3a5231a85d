/**
 * Texts as tokens: the held-out tail, the streams that training walks along, and the measure of a model on a text.
 * Plain typed arrays in and out; nothing here touches the engine's memory.
 *
 * @module
 */
import { checkArray, checkInteger, checkObject, checkShare, refuse, refuseLength } from './check.js';
import { timeSlices } from './task.js';

/** @import { Vocabulary } from './vocabulary.js' */

/**
 * Holds out the tail of a text. The two parts are views of `tokens`, not copies.
 *
 * @template {{ length: number, subarray(begin?: number, end?: number): T }} T
 * @param {T} tokens  a typed array
 * @param {{ validation?: number }} [options]  validation: the share to hold out, from 0 to below 1; default 0.1
 * @returns {{ train: T, validation: T }}
 */
export function splitText(tokens, { validation = 0.1 } = {}) {
  if (!ArrayBuffer.isView(tokens)) refuse('tokens', 'a typed array', tokens, TypeError);
  checkShare('validation', validation);
  const trainLength = Math.floor(tokens.length * (1 - validation));
  return { train: tokens.subarray(0, trainLength), validation: tokens.subarray(trainLength) };
}

/**
 * @typedef {object} TextSegment
 * A segment of all streams, as `model.trainStep` takes it. The arrays are new ones, free to be kept or transferred.
 *
 * @property {Int32Array} inputs      [streams, length]
 * @property {Int32Array} targets     [streams, length], the token after each input
 * @property {number} length          tokens of each stream
 * @property {boolean} carryMemory    false for the first segment of a pass: nothing came before it
 * @property {number} epoch           passes over the text completed before, from 0
 */

/**
 * Cuts a text into parallel streams of equal length and walks them side by side, segment after segment, as
 * Transformer-XL is trained: what precedes a segment in its stream is in the model's memory (Dai et al., 2019,
 * section 3.2). After the last segment, which is shorter if the length does not divide the stream, the next pass
 * begins. What a step sees depends on the number of the step alone, so that a run can be resumed at any step.
 *
 * The last `tokens.length mod batchSize` tokens are left out. `tokens` is not copied and must not change.
 */
export class TextStreams {
  #tokens;

  /**
   * @param {Int32Array} tokens ids of the whole text
   * @param {{ batchSize: number, length: number }} options  batchSize: number of streams; length: tokens a segment
   * @throws {TypeError | RangeError} naming the argument; there must be two tokens a stream
   */
  constructor(tokens, options) {
    checkArray('tokens', tokens, Int32Array);
    const { batchSize, length } = checkObject('options', options) && options;
    checkInteger('batchSize', batchSize, 1);
    checkInteger('length', length, 1);
    if (tokens.length < 2 * batchSize) {
      refuseLength('tokens', `${2 * batchSize} numbers or more for ${batchSize} streams (batchSize)`, tokens);
    }
    this.#tokens = tokens;
    /** Number of streams. */
    this.batchSize = batchSize;
    /** Tokens of a segment, at the most. */
    this.length = length;
    /** Tokens of each stream. */
    this.streamLength = Math.floor(tokens.length / batchSize);
    /** Steps of one pass over the text. */
    this.segments = Math.ceil((this.streamLength - 1) / length);
    /** Tokens that are predicted in one pass over the text. */
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
 * The loss in bits: the bits per byte where a token is a byte.
 *
 * @param {number} loss  nats per token
 * @returns {number} bits per token
 */
export function bitsPerToken(loss) {
  return loss / Math.LN2;
}

/**
 * The loss in bits per byte, which compares vocabularies.
 *
 * @param {number} loss    nats per token
 * @param {number} tokens  over how many tokens
 * @param {number} bytes   and how many bytes of UTF-8 these are
 * @returns {number} bits per byte
 */
export function bitsPerByte(loss, tokens, bytes) {
  return (loss * tokens) / (bytes * Math.LN2);
}

/**
 * @typedef {object} EvaluatedModel
 * What `evaluateText` needs of a language model; calls may also return promises.
 *
 * @property {Readonly<Record<string, unknown>>} config with batchSize and contextLength
 * @property {(segment: { inputs: Int32Array, targets: Int32Array, length: number, carryMemory: boolean }) =>
 *   { loss: number } | PromiseLike<{ loss: number }>} evaluate nats per token
 * @property {() => any} saveMemory the memory that is put back at the end
 * @property {(memory: any) => any} restoreMemory puts it back
 */

/**
 * @typedef {object} Evaluation
 * How well a language model foretells a text.
 *
 * @property {number} loss mean over the predicted tokens, nats
 * @property {number} bitsPerToken the same in bits
 * @property {number | null} bitsPerByte bits over the bytes of the text as UTF-8; null without a vocabulary
 * @property {number} tokens how many were predicted
 */

/** Streams are not made shorter than this many segments: each begins with nothing in its memory. */
const EVALUATION_SEGMENTS = 8;

/**
 * The loss of a model on a text that is walked from its beginning with the memory carried on. The memory that the
 * model had before is put back at the end, also when the evaluation fails or is stopped, so that a training run can
 * be measured in its middle. Until the promise is settled nothing else may use the model.
 *
 * @param {EvaluatedModel} model on this thread or in a worker
 * @param {Int32Array} tokens  at least 2
 * @param {object} [options] how to walk the text
 * @param {number} [options.batchSize]  streams; by default the model's batchSize, or fewer if the text is short
 * @param {number} [options.length]     tokens a segment; by default the model's contextLength
 * @param {Vocabulary} [options.vocabulary]  gives bitsPerByte
 * @param {(progress: { tokens: number, total: number, loss: number }) => void} [options.onProgress]  called after
 *   each segment, when `model.routing()` and `model.logits()` are that segment's; loss is the mean so far
 * @param {AbortSignal} [options.signal]  stops between two segments
 * @returns {Promise<Evaluation>} rejects with the signal's reason (an AbortError by default) when stopped
 */
export async function evaluateText(model, tokens, options = {}) {
  const { signal, onProgress, vocabulary } = options;
  const length = options.length ?? Number(model.config.contextLength);
  signal?.throwIfAborted();
  if (checkArray('tokens', tokens, Int32Array).length < 2)
    refuseLength('tokens', '2 numbers or more', tokens);
  const longEnough = Math.floor(tokens.length / (EVALUATION_SEGMENTS * length));
  const batchSize = options.batchSize ?? Math.max(1, Math.min(Number(model.config.batchSize), longEnough));
  const streams = new TextStreams(tokens, { batchSize, length });
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
      bytes += vocabulary?.byteLength(segment.targets) ?? 0;
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
