/** What the evaluations of models of vectors and of sequences have in common. */
import { timeSlices } from './task.js';

/** @import { Floats, Signal } from './types.js' */

/**
 * Evaluates a model batch by batch, and yields to the event loop between them.
 *
 * @template Batch
 * @param {{ evaluate: (batch: Batch) => { loss: number } | PromiseLike<{ loss: number }>, logits: () => Floats | PromiseLike<Floats> }} model
 * @param {Iterable<{ batch: Batch, size: number }>} batches size: rows of the batch
 * @param {(logits: Floats, batch: Batch) => void} use of the logits of a batch
 * @param {Signal | undefined} signal stops between two batches
 * @param {((count: number) => void) | undefined} [onProgress] told the number of rows after each batch
 * @returns {Promise<{ loss: number, count: number }>} mean over the rows, and their number
 */
export async function evaluateBatches(model, batches, use, signal, onProgress) {
  const pause = timeSlices();
  let [sum, count] = [0, 0];
  for (const { batch, size } of batches) {
    const { loss } = await model.evaluate(batch);
    const logits = await model.logits();
    sum += loss * size;
    count += size;
    use(logits, batch);
    onProgress?.(count);
    await pause();
    signal?.throwIfAborted();
  }
  return { loss: sum / count, count };
}

/** @param {number} a @param {number} b */
const larger = (a, b) => Math.max(a, b);

/**
 * @param {Floats} logits [n, classes]
 * @param {number} classes
 * @returns {number[]} [n] the class of the largest logit of each row, ties to the lower class
 */
export function mostLikely(logits, classes) {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(row.reduce(larger));
  });
}

/**
 * @param {Floats} logits [n, classes]
 * @param {Int32Array} targets [n]
 * @param {number} classes
 * @returns {number} of rows whose most likely class is their target
 */
export function countRight(logits, targets, classes) {
  const predictions = mostLikely(logits, classes);
  return targets.reduce((right, target, i) => right + Number(predictions[i] === target), 0);
}
