/** The plane that is shown, and the grid of places that it is seen through. */

/** The map shows the plane from -reach to reach, both ways. */
export const reach = 6;

/**
 * The middle of each cell of a grid, row by row, from the top left.
 *
 * @param {number} size cells a side
 * @returns {Float32Array} [size², 2] x, y
 */
export function gridPlaces(size) {
  const places = new Float32Array(2 * size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const at = 2 * (row * size + column);
      places[at] = ((2 * column + 1) / size - 1) * reach;
      places[at + 1] = (1 - (2 * row + 1) / size) * reach;
    }
  }
  return places;
}

/**
 * The cell that a place lies in.
 *
 * @param {{ x: number, y: number }} place
 * @param {number} size cells a side
 */
export function cellAt({ x, y }, size) {
  const along = (/** @type {number} */ share) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
  return along((reach - y) / (2 * reach)) * size + along((x + reach) / (2 * reach));
}

/**
 * Keeps a place on the map.
 *
 * @param {{ x: number, y: number }} place
 */
export function onMap({ x, y }) {
  const kept = (/** @type {number} */ value) => Math.min(reach, Math.max(-reach, value));
  return { x: kept(x), y: kept(y) };
}

/**
 * The largest grid whose places can be computed for a price, in whole eights.
 *
 * @param {number} price of one place, in multiplications
 * @param {{ budget: number, least: number, most: number }} limits
 */
export function gridSize(price, { budget, least, most }) {
  const affordable = Math.floor(Math.sqrt(budget / price) / 8) * 8;
  return Math.min(most, Math.max(least, affordable));
}
