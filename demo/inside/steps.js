/** @typedef {{ row: number, column: number }} Cell of a matrix */

/**
 * Where a key leads to, past what is empty; undefined for keys that do not move.
 *
 * @param {string} key
 * @param {Cell | null} from
 * @param {import('./router.js').Matrix} matrix
 * @returns {Cell | undefined}
 */
export function destination(key, from, { rows, columns, data }) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  if (key === 'Home' || key === 'End' || (!from && key in steps)) {
    const told = (/** @type {number} */ x) => !Number.isNaN(x);
    const index = key === 'End' ? data.findLastIndex(told) : data.findIndex(told);
    return { row: Math.floor(index / columns), column: index % columns };
  }
  const step = steps[/** @type {keyof typeof steps} */ (key)];
  if (!step || !from) return undefined;
  const within = (/** @type {number} */ value, /** @type {number} */ count) =>
    Math.min(count - 1, Math.max(0, value));
  const to = { row: within(from.row + step[0], rows), column: within(from.column + step[1], columns) };
  return Number.isNaN(data[to.row * columns + to.column]) ? from : to;
}
