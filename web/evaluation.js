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
 * @returns {Promise<{ loss: number, count: number }>} mean over the rows, and their number
 */
export async function evaluateBatches(model, batches, use, signal) {
  const pause = timeSlices();
  let [sum, count] = [0, 0];
  for (const { batch, size } of batches) {
    const { loss } = await model.evaluate(batch);
    const logits = await model.logits();
    sum += loss * size;
    count += size;
    use(logits, batch);
    await pause();
    signal?.throwIfAborted();
  }
  return { loss: sum / count, count };
}

/** @param {number} a @param {number} b */
const larger = (a, b) => Math.max(a, b);

/**
 * @param {Floats} logits [n, classes]
 * @param {Int32Array} targets [n]
 * @param {number} classes
 * @returns {number} of rows whose largest logit (ties to the lower class) is that of their target
 */
export function countRight(logits, targets, classes) {
  let right = 0;
  targets.forEach((target, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    if (row.indexOf(row.reduce(larger)) === target) right++;
  });
  return right;
}
