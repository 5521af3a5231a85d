/**
 * Where the parts of the machine stand: shares of its width and height, so that the drawing stretches with the page.
 *
 * @typedef {{ x: number, y: number }} Spot 0 … 1
 *
 * @typedef {object} Columns left and right edges, 0 … 1
 * @property {readonly [number, number]} input
 * @property {readonly [number, number]} router
 * @property {readonly [number, number]} experts
 * @property {readonly [number, number]} sum
 * @property {readonly [number, number]} [output] where there is none, it is a picture beside the machine
 */

/** For a point of the plane: an expert is a small map. @type {Columns} */
export const columns = {
  input: [0, 0.09],
  router: [0.13, 0.36],
  experts: [0.46, 0.8],
  sum: [0.89, 1],
};

/** For a token of a text: an expert is a row of characters, and what may come next is a list. @type {Columns} */
export const textColumns = {
  input: [0, 0.13],
  router: [0.16, 0.28],
  experts: [0.37, 0.69],
  sum: [0.78, 0.83],
  output: [0.87, 1],
};

/** The same on a narrow screen, where the list stands below. @type {Columns} */
export const narrowTextColumns = {
  input: [0, 0.1],
  router: [0.12, 0.33],
  experts: [0.46, 0.78],
  sum: [0.88, 1],
};

/**
 * The columns and the gaps between them as tracks of a grid.
 *
 * @param {Columns} all
 */
export function tracksOf(all) {
  const edges = Object.values(all).flat();
  return edges
    .slice(1)
    .map((edge, i) => `minmax(0, ${Math.round(1000 * (edge - edges[i]))}fr)`)
    .join(' ');
}

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
