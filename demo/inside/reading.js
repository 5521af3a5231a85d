/** How numbers of a router are read, in words and in colours. */

/** The values of the darkest colours: the same for every run and router, so that they can be compared. */
export const reaches = { embedding: 4, hidden: 1, frozen: 0.25, weights: 1, effect: 0.05, cosine: 1 };

/** @param {number} value as people read it */
export function number(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size < 1e-4 ? value.toExponential(1) : value.toPrecision(3);
  return text.replaceAll('-', '−');
}

/** @param {{ data: Float32Array }} of */
export function range({ data }) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of data) {
    low = Math.min(low, x);
    high = Math.max(high, x);
  }
  return `from ${number(low)} to ${number(high)}`;
}
