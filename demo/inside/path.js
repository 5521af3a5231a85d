import { randomFrom } from '../plane/random.js';
import { dot, norm } from './router.js';

/**
 * The way of a vector through a run, seen along two directions that never change: axes that are fitted to the path
 * would turn with every step.
 *
 * @typedef {{ x: number, y: number }} Point
 */

/**
 * Two directions at right angles, drawn at random, the same for every run of this size.
 *
 * @param {number} size at least 2
 * @returns {[Float32Array, Float32Array]} of length 1
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
 * @returns {Point[]} measured from the start
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
 * The half-width of a picture that holds all values: a power of two, so that it changes seldom and by a jump that is
 * seen.
 *
 * @param {Iterable<number>} values
 * @param {number} [least]
 */
export function reachOf(values, least = 2 ** -10) {
  let most = least;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return 2 ** Math.ceil(Math.log2(most));
}
