import { distance, dot, norm } from './router.js';

/**
 * The way of a vector through a run, seen along two directions that never change: axes that are fitted to the path
 * would turn with every step.
 *
 * @typedef {{ step: number, x: number, y: number, distance: number }} PathPoint distance: from the start, in all
 *   dimensions
 */

/** @param {number} state @returns {() => number} -1 … 1, the same everywhere (mulberry32) */
function randomFrom(state) {
  let seed = state >>> 0;
  return () => {
    seed = (seed + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2147483648 - 1;
  };
}

/**
 * Two directions at right angles, drawn at random, the same for every run of this size.
 *
 * @param {number} size at least 2
 * @returns {[Float32Array, Float32Array]} of length 1
 */
export function directions(size) {
  const random = randomFrom(size);
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
 * @param {readonly { step: number, vector: Float32Array }[]} stops the first is the start
 * @returns {PathPoint[]} measured from the start
 */
export function pathOf(stops) {
  const [start] = stops;
  if (!start) return [];
  const [first, second] = directions(start.vector.length);
  return stops.map(({ step, vector }) => {
    const moved = vector.map((x, i) => x - start.vector[i]);
    return { step, x: dot(moved, first), y: dot(moved, second), distance: distance(vector, start.vector) };
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
