/**
 * Where the parts of the machine stand: shares of its width and height, so that the drawing stretches with the page.
 *
 * @typedef {{ x: number, y: number }} Spot 0 … 1
 */

/** Left and right edges of the columns. */
export const columns = /** @type {const} */ ({
  input: [0, 0.09],
  router: [0.14, 0.35],
  experts: [0.46, 0.8],
  sum: [0.89, 1],
});

/**
 * The middle of a row in a column of equal rows.
 *
 * @param {number} row
 * @param {number} rows
 */
export const rowMiddle = (row, rows) => (row + 0.5) / rows;

/**
 * A curve from one spot to another that leaves and arrives level, as an SVG path in a box of 1000 × 1000.
 *
 * @param {Spot} from
 * @param {Spot} to
 */
export function curve(from, to) {
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map((share) => Math.round(share * 1000));
  const middle = Math.round((x1 + x2) / 2);
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

/** Widths of edges, pixels: of one that carries nothing, and of the weights 0 and 1. */
const idleWidth = 1;
const widths = { least: 1.5, most: 11 };

/**
 * The width of an edge that carries a weight. A weight may be above 1 (the gate `relu`).
 *
 * @param {number | undefined} weight undefined: the expert was not chosen
 */
export const edgeWidth = (weight) =>
  weight === undefined
    ? idleWidth
    : widths.least + (widths.most - widths.least) * Math.sqrt(Math.min(1, Math.max(0, weight)));

/**
 * What a place sends to each expert: the weight, or undefined where the expert was not chosen.
 *
 * @param {{ experts: ArrayLike<number>, weights: ArrayLike<number> }} routing of one token
 * @param {number} count E
 * @returns {(number | undefined)[]} [E]
 */
export function weightsAt({ experts, weights }, count) {
  /** @type {(number | undefined)[]} */
  const sent = new Array(count).fill(undefined);
  for (let i = 0; i < experts.length; i++) {
    if (experts[i] >= 0 && experts[i] < count) sent[experts[i]] = weights[i];
  }
  return sent;
}
