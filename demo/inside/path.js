import { randomFrom } from '../plane/random.js';
import { dot, norm } from './router.js';

/**
 * The path of a vector during a run, projected onto two fixed directions: axes fitted to the path would turn with every
 * step.
 *
 * @typedef {{ x: number, y: number }} Point
 */

/**
 * Two random orthogonal directions, the same for every run of this size.
 *
 * @param {number} size at least 2
 * @returns {[Float32Array, Float32Array]} unit vectors
 */
export function directions(size) {
  const uniform = randomFrom(size);
  const random = () => 2 * uniform() - 1;
  const first = unit(Float32Array.from({ length: size }, random));
  const raw = Float32Array.from({ length: size }, random);
  const along = dot(raw, first);
  return [first, unit(raw.map((x, i) => x - along * first[i]))];
}

/** @param {Float32Array} vector */
function unit(vector) {
  const length = norm(vector);
  return vector.map((x) => x / length);
}

/**
 * @param {readonly Float32Array[]} vectors the first is the start
 * @returns {Point[]} relative to the start
 */
export function pathOf(vectors) {
  const [start] = vectors;
  if (!start) return [];
  const [first, second] = directions(start.length);
  return vectors.map((vector) => {
    const moved = vector.map((x, i) => x - start[i]);
    return { x: dot(moved, first), y: dot(moved, second) };
  });
}

/**
 * Half the width of a plot that holds all values: a power of two, so that it changes seldom and visibly.
 *
 * @param {Iterable<number>} values
 * @param {number} [least]
 */
export function reachOf(values, least = 2 ** -10) {
  let most = least;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return 2 ** Math.ceil(Math.log2(most));
}
