/**
 * The maps of a model as one buffer, which is transferred to the page and back without a copy.
 *
 * Layout: class probabilities at each place of the grid, float32 [G·G, C]; for each layer with a router, weights and
 * logits at each place, float32 [G·G, K] and [G·G, E]; for each of these layers, the routing of the points: experts int32
 * [N, K], weights float32 [N, K], logits float32 [N, E]; the predicted class of each point, int32 [N]; finally, for each
 * layer, the experts at each place, int16 [G·G, K].
 *
 * Of a regressor that learns a curve there are only the places of one row, [G] instead of [G·G]: y is what it gives. In the
 * place of the probabilities, its output float32 [G], and what each expert gives alone, float32 [E, G] or nothing; and there
 * are no predicted classes.
 */

/** Inputs per call of the model (its `batchSize`). A training step may use fewer points. */
export const capacity = 1024;

/**
 * @typedef {object} MapShape
 * @property {number} size G: cells per side of the grid
 * @property {number} classes C; 0: a curve
 * @property {boolean} [alone] of a curve: whether each expert has an output alone
 * @property {number} layers layers with a router
 * @property {number} experts E
 * @property {number} topK K: the most experts that a place or a point has
 * @property {number} heldOut H: points
 * @property {number} points N: all points, held-out ones last
 * @property {number[][] | undefined} [biases] β by layer, [E]; undefined: the load is not balanced by a bias
 *
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 *
 * @typedef {object} MapViews
 * @property {Float32Array} probabilities [G·G, C]
 * @property {LayerRouting[]} places by layer, the routing at each place; that of a curve is the same in every row
 * @property {Line | null} line null: the model is no regressor
 * @property {LayerRouting[]} points by layer, the routing of all points: the training points among themselves, the held-out
 *   points among themselves
 * @property {LayerRouting[]} layers by layer, the routing of the held-out points
 * @property {Int32Array} predicted [N]; of a curve, empty
 *
 * @typedef {object} Line what a regressor gives along x
 * @property {Float32Array} output [G]
 * @property {Float32Array} alone [E, G] of each expert alone, with weight 1; empty: not known
 * @property {LayerRouting[]} places by layer, the routing at each x
 */

/** @param {MapShape} shape */
function sizesOf({ size, classes, experts, alone }) {
  return classes
    ? { places: size * size, outputs: classes, alone: 0 }
    : { places: size, outputs: 1, alone: alone ? size * experts : 0 };
}

/** @param {MapShape} shape */
export function mapBytes(shape) {
  const { classes, layers, experts, topK, points } = shape;
  const { places, outputs, alone } = sizesOf(shape);
  const words =
    places * (outputs + layers * (topK + experts)) +
    alone +
    layers * points * (2 * topK + experts) +
    (classes ? points : 0);
  return 4 * words + 2 * places * layers * topK;
}

/**
 * Views of the parts of a buffer.
 *
 * @param {ArrayBuffer} buffer may be longer than needed
 * @param {MapShape} shape
 * @returns {MapViews}
 */
export function mapViews(buffer, shape) {
  const { size, classes, experts, topK, heldOut, points } = shape;
  const { places, outputs, alone: lone } = sizesOf(shape);
  let at = 0;
  function advance(/** @type {number} */ bytes) {
    const start = at;
    at += bytes;
    return start;
  }
  const ints = (/** @type {number} */ n) => new Int32Array(buffer, advance(4 * n), n);
  const floats = (/** @type {number} */ n) => new Float32Array(buffer, advance(4 * n), n);
  const ids = (/** @type {number} */ n) => new Int16Array(buffer, advance(2 * n), n);
  const output = floats(places * outputs);
  const alone = floats(lone);
  const there = Array.from({ length: shape.layers }, () => ({
    weights: floats(places * topK),
    logits: floats(places * experts),
  }));
  const ofPoints = Array.from({ length: shape.layers }, () => ({
    experts: ints(points * topK),
    weights: floats(points * topK),
    logits: floats(points * experts),
  }));
  const learned = points - heldOut;
  const predicted = ints(classes ? points : 0);
  const row = there.map((layer) => ({ experts: ids(places * topK), ...layer }));
  /** @type {LayerRouting[] | undefined} */
  let rows = classes ? row : undefined;
  return {
    probabilities: classes ? output : new Float32Array(),
    line: classes ? null : { output, alone, places: row },
    get places() {
      rows ??= row.map((routing) => inRows(routing, size));
      return rows;
    },
    points: ofPoints,
    layers: ofPoints.map((all) => ({
      experts: all.experts.subarray(learned * topK),
      weights: all.weights.subarray(learned * topK),
      logits: all.logits.subarray(learned * experts),
    })),
    predicted,
  };
}

/**
 * The routing of a row, in every row of the map.
 *
 * @param {LayerRouting} row
 * @param {number} size G
 * @returns {LayerRouting}
 */
function inRows({ experts, weights, logits }, size) {
  const all = {
    experts: new Int16Array(size * experts.length),
    weights: new Float32Array(size * weights.length),
    logits: new Float32Array(size * logits.length),
  };
  for (let i = 0; i < size; i++) {
    all.experts.set(experts, i * experts.length);
    all.weights.set(weights, i * weights.length);
    all.logits.set(logits, i * logits.length);
  }
  return all;
}
