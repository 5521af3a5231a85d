/** The visible part of the plane, and the grid of places on it. */

/** Both axes of the map run from -reach to reach. */
export const reach = 6;

/**
 * The centre of each cell of the grid, row by row, from the top left.
 *
 * @param {number} size cells per side
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
 * The cell that contains a place.
 *
 * @param {{ x: number, y: number }} place
 * @param {number} size cells per side
 */
export function cellAt({ x, y }, size) {
  const along = (/** @type {number} */ share) => Math.min(size - 1, Math.max(0, Math.floor(share * size)));
  return along((reach - y) / (2 * reach)) * size + along((x + reach) / (2 * reach));
}

/**
 * Clamps a place to the map.
 *
 * @param {{ x: number, y: number }} place
 */
export function onMap({ x, y }) {
  const clamp = (/** @type {number} */ value) => Math.min(reach, Math.max(-reach, value));
  return { x: clamp(x), y: clamp(y) };
}

/**
 * The size of the largest grid within a budget, a multiple of 8.
 *
 * @param {number} cost of one place, in multiplications
 * @param {{ budget: number, least: number, most: number }} limits
 */
export function gridSize(cost, { budget, least, most }) {
  const affordable = Math.floor(Math.sqrt(budget / cost) / 8) * 8;
  return Math.min(most, Math.max(least, affordable));
}
