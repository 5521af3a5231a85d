import { routerParts } from '../../inside/router.js';
import { mapViews } from '../../plane/frame.js';

/**
 * The vectors of tokens before the second router, for a model of width 3. They follow from the logits g = R x + b, which
 * the engine gives for every point: with at least as many experts as numbers in x, one x has these logits.
 *
 * @typedef {object} Tokens
 * @property {number} step
 * @property {Float32Array} x [N, 3] vectors
 * @property {Float32Array} R [E, 3] rows of the router
 * @property {Int32Array} experts [N, K] chosen, largest weight first
 * @property {number} topK K
 * @property {number} spread of the vectors, see `spreadOf`
 */

/** Width of the models: the layer norm leaves two of the three numbers free. */
export const width = 3;
/** The router that is shown, counted from 0: the first one behind a layer norm. */
export const layer = 1;

/**
 * @param {{ shape: any, buffer: ArrayBuffer, step: number }} picture of a model
 * @param {readonly import('../../trainer/trainer-protocol.js').Tensor[]} tensors of its router
 * @returns {Tokens}
 */
export function tokensOf({ shape, buffer, step }, tensors) {
  const { experts: chosen, logits } = mapViews(buffer, shape).points[layer];
  const scores = routerParts(tensors, shape.experts)?.scores;
  if (!scores) throw new RangeError('the router has no matrix R');
  const x = inputsOf(logits, scores.weight.data, scores.bias.data);
  return {
    step,
    x,
    R: Float32Array.from(scores.weight.data),
    // The buffer goes back to the worker.
    experts: Int32Array.from(chosen),
    topK: shape.topK,
    spread: spreadOf(x),
  };
}

/**
 * The vectors x with R x + b = g, by the normal equations.
 *
 * @param {ArrayLike<number>} logits [N, E]
 * @param {ArrayLike<number>} R [E, 3] of rank 3
 * @param {ArrayLike<number>} b [E]
 * @returns {Float32Array} [N, 3]
 */
export function inputsOf(logits, R, b) {
  const experts = b.length;
  const count = logits.length / experts;
  const column = (/** @type {number} */ i) =>
    Float64Array.from({ length: experts }, (_, e) => R[e * width + i]);
  const columns = [column(0), column(1), column(2)];
  const product = (/** @type {ArrayLike<number>} */ a, /** @type {ArrayLike<number>} */ c) => {
    let sum = 0;
    for (let e = 0; e < experts; e++) sum += a[e] * c[e];
    return sum;
  };
  const [r, s, t] = columns;
  const [a, d, f] = [product(r, r), product(s, s), product(t, t)];
  const [p, q, u] = [product(r, s), product(r, t), product(s, t)];
  // The inverse of a symmetric 3 × 3 matrix by its cofactors.
  const [m00, m01, m02] = [d * f - u * u, q * u - p * f, p * u - q * d];
  const [m11, m12, m22] = [a * f - q * q, p * q - a * u, a * d - p * p];
  const determinant = a * m00 + p * m01 + q * m02;
  const x = new Float32Array(width * count);
  const above = new Float64Array(experts);
  for (let n = 0; n < count; n++) {
    for (let e = 0; e < experts; e++) above[e] = logits[n * experts + e] - b[e];
    const [y, z, w] = [product(r, above), product(s, above), product(t, above)];
    x[width * n] = (m00 * y + m01 * z + m02 * w) / determinant;
    x[width * n + 1] = (m01 * y + m11 * z + m12 * w) / determinant;
    x[width * n + 2] = (m02 * y + m12 * z + m22 * w) / determinant;
  }
  return x;
}

/**
 * How many directions the vectors spread in: (Σ λ)² / Σ λ² of their variances λ along the main axes. 1: all on a line; 2:
 * the same in both directions of a plane.
 *
 * @param {Float32Array} x [N, 3]
 */
export function spreadOf(x) {
  const count = x.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < x.length; i++) mean[i % width] += x[i] / count;
  let [trace, squares] = [0, 0];
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += (x[width * n + i] - mean[i]) * (x[width * n + j] - mean[j]);
      if (i === j) trace += sum / count;
      squares += (sum / count) ** 2;
    }
  }
  return squares > 0 ? (trace * trace) / squares : 1;
}

/**
 * Where a vector is drawn: two fixed directions of the plane that a layer norm leaves, across (1, 1, 1).
 *
 * @param {ArrayLike<number>} x
 * @param {number} row
 * @returns {[number, number]}
 */
export function drawnAt(x, row) {
  const [a, b, c] = [x[width * row], x[width * row + 1], x[width * row + 2]];
  return [(a - b) / Math.SQRT2, (a + b - 2 * c) / Math.sqrt(6)];
}
