/**
 * Contours by marching squares. Coordinates are in cells: the centre of the first is at 0.5, 0.5.
 *
 * @typedef {(x1: number, y1: number, x2: number, y2: number) => void} Draw draws a segment
 */

/**
 * The contour at 0.
 *
 * @param {ArrayLike<number>} values [size²]
 * @param {number} size cells per side
 * @param {Draw} draw
 */
export function zeroLines(values, size, draw) {
  for (let row = 0; row + 1 < size; row++) {
    for (let column = 0; column + 1 < size; column++) {
      const cell = row * size + column;
      const a = values[cell];
      const b = values[cell + 1];
      const c = values[cell + size + 1];
      const d = values[cell + size];
      if (a >= 0 !== b >= 0 || b >= 0 !== c >= 0 || c >= 0 !== d >= 0) {
        crossSquare([a, b, c, d], column + 0.5, row + 0.5, draw);
      }
    }
  }
}

/** The corners of a square, clockwise from the top left. */
const corners = /** @type {const} */ ([
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
]);

/**
 * @param {[number, number, number, number]} values at the corners, clockwise from the top left
 * @param {number} left
 * @param {number} top
 * @param {Draw} draw
 */
function crossSquare(values, left, top, draw) {
  /** @type {[number, number][]} */
  const crossings = [];
  for (let side = 0; side < 4; side++) {
    const [from, to] = [values[side], values[(side + 1) % 4]];
    if (from >= 0 === to >= 0) continue;
    const share = from / (from - to);
    const [x1, y1] = corners[side];
    const [x2, y2] = corners[(side + 1) % 4];
    crossings.push([left + x1 + (x2 - x1) * share, top + y1 + (y2 - y1) * share]);
  }
  // At a saddle all four sides are crossed: the mean of the corners decides which of them are connected.
  const middle = values[0] + values[1] + values[2] + values[3];
  if (crossings.length === 4 && values[0] >= 0 !== middle >= 0) {
    crossings.push(/** @type {[number, number]} */ (crossings.shift()));
  }
  for (let i = 0; i + 1 < crossings.length; i += 2) draw(...crossings[i], ...crossings[i + 1]);
}

/**
 * Routing boundaries: where two experts swap ranks, among those that the engine chose at one of the four places around.
 * Across such a line other experts are chosen, or the same ones in another order.
 *
 * @param {import('../routing.js').LayerRouting} routing of size² places
 * @param {{ size: number, experts: number, topK: number }} shape E up to 32
 * @param {Draw} draw
 */
export function routerLines({ experts: chosen, logits }, { size, experts, topK }, draw) {
  const near = setsOf(chosen, topK, size * size);
  for (let row = 0; row + 1 < size; row++) {
    for (let column = 0; column + 1 < size; column++) {
      const cell = row * size + column;
      const set = near[cell] | near[cell + 1] | near[cell + size + 1] | near[cell + size];
      for (let one = 0; one < experts; one++) {
        if (!(set & (1 << one))) continue;
        for (let other = one + 1; other < experts; other++) {
          if (!(set & (1 << other))) continue;
          const a = logits[cell * experts + one] - logits[cell * experts + other];
          const b = logits[(cell + 1) * experts + one] - logits[(cell + 1) * experts + other];
          const c = logits[(cell + size + 1) * experts + one] - logits[(cell + size + 1) * experts + other];
          const d = logits[(cell + size) * experts + one] - logits[(cell + size) * experts + other];
          if (a >= 0 !== b >= 0 || b >= 0 !== c >= 0 || c >= 0 !== d >= 0) {
            crossSquare([a, b, c, d], column + 0.5, row + 0.5, draw);
          }
        }
      }
    }
  }
}

/**
 * @param {ArrayLike<number>} chosen [N, K]
 * @param {number} topK K
 * @param {number} count N
 * @returns {Uint32Array} [N] the experts of each place, one bit each
 */
function setsOf(chosen, topK, count) {
  const sets = new Uint32Array(count);
  for (let i = 0; i < chosen.length; i++) {
    if (chosen[i] >= 0) sets[Math.floor(i / topK)] |= 1 << chosen[i];
  }
  return sets;
}
