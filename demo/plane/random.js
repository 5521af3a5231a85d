/**
 * Random numbers and points of a circle from sums, products and square roots only: these are the same to the last bit in
 * every browser, which `Math.sin` and the like need not be.
 */

/**
 * Numbers in [0, 1) (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Approximately standard normal: the sum of twelve uniform numbers, minus 6.
 *
 * @param {() => number} random
 * @returns {number} -6 … 6
 */
export function normal(random) {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return sum;
}

/**
 * The point of the unit circle at an angle in turns, by a power series within a quarter turn.
 *
 * @param {number} turns from 0
 * @returns {[number, number]} cosine and sine, accurate to 1e-13
 */
export function onCircle(turns) {
  const quarters = 4 * (turns - Math.floor(turns));
  const whole = Math.floor(quarters);
  const angle = (quarters - whole) * (Math.PI / 2);
  let [cos, sin, term] = [0, 0, 1];
  for (let n = 0; n < 20; n++) {
    const signed = n % 4 < 2 ? term : -term;
    if (n % 2) sin += signed;
    else cos += signed;
    term *= angle / (n + 1);
  }
  if (whole === 1) return [-sin, cos];
  if (whole === 2) return [-cos, -sin];
  if (whole === 3) return [sin, -cos];
  return [cos, sin];
}
