/**
 * Where to put letters: the cell of each expert's largest region that is furthest from the region's boundary.
 *
 * @param {ArrayLike<number>} owners [size²] the owner of each cell; below 0: none
 * @param {number} size cells per side
 * @returns {Map<number, { x: number, y: number, clearance: number }>} by owner, in cells; clearance: distance to
 *   the boundary
 */
export function largestRegions(owners, size) {
  const region = new Int32Array(size * size).fill(-1);
  /** @type {{ owner: number, cells: number[] }[]} */
  const regions = [];
  for (let cell = 0; cell < region.length; cell++) {
    if (owners[cell] < 0 || region[cell] >= 0) continue;
    regions.push({ owner: owners[cell], cells: flood(owners, size, cell, region, regions.length) });
  }
  /** @type {Map<number, { owner: number, cells: number[] }>} */
  const largest = new Map();
  for (const one of regions) {
    if (one.cells.length > (largest.get(one.owner)?.cells.length ?? 0)) largest.set(one.owner, one);
  }
  const clearance = clearanceOf(region, size);
  return new Map(Array.from(largest, ([owner, { cells }]) => [owner, innermost(cells, clearance, size)]));
}

/**
 * @param {ArrayLike<number>} owners
 * @param {number} size
 * @param {number} start
 * @param {Int32Array} region written to
 * @param {number} id
 */
function flood(owners, size, start, region, id) {
  const cells = [start];
  region[start] = id;
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at];
    const column = cell % size;
    const take = (/** @type {number} */ next) => {
      if (region[next] >= 0 || owners[next] !== owners[start]) return;
      region[next] = id;
      cells.push(next);
    };
    if (column > 0) take(cell - 1);
    if (column + 1 < size) take(cell + 1);
    if (cell >= size) take(cell - size);
    if (cell + size < size * size) take(cell + size);
  }
  return cells;
}

/**
 * Steps to the nearest cell of another region, or to the edge of the map, in two passes over the grid.
 *
 * @param {Int32Array} region
 * @param {number} size
 */
function clearanceOf(region, size) {
  const clearance = new Int32Array(size * size);
  const from = (/** @type {number} */ cell, /** @type {number} */ next) =>
    region[next] === region[cell] ? clearance[next] + 1 : 1;
  // Each pass reads the four neighbours that it has already visited.
  const through = (/** @type {number} */ cell, /** @type {1 | -1} */ back, /** @type {number} */ most) => {
    const line = cell + back * size;
    const sides = Math.min(from(cell, cell + back), from(cell, line));
    const corners = Math.min(from(cell, line - 1), from(cell, line + 1));
    clearance[cell] = Math.min(most, sides, corners);
  };
  for (let cell = 0; cell < clearance.length; cell++) {
    const atEdge = cell % size === 0 || cell < size || (cell + 1) % size === 0 || cell >= size * (size - 1);
    if (atEdge) clearance[cell] = 1;
    else through(cell, -1, size);
  }
  for (let cell = clearance.length - 1; cell >= 0; cell--) {
    if (clearance[cell] > 1) through(cell, 1, clearance[cell]);
  }
  return clearance;
}

/**
 * @param {number[]} cells
 * @param {Int32Array} clearance
 * @param {number} size
 */
function innermost(cells, clearance, size) {
  const most = cells.reduce((best, cell) => Math.max(best, clearance[cell]), 0);
  const best = cells.filter((cell) => clearance[cell] === most);
  // Of equally good cells the middle one: a letter must not jump from end to end.
  const cell = best[best.length >> 1];
  return { x: (cell % size) + 0.5, y: Math.floor(cell / size) + 0.5, clearance: most };
}
