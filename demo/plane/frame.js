/**
 * The maps of a model as one buffer, which is transferred to the page and back without a copy.
 *
 * Layout: class probabilities at each place of the grid, float32 [G·G, C]; for each layer with a router, weights and
 * logits at each place, float32 [G·G, K] and [G·G, E]; for each of these layers, the routing of the points: experts int32
 * [N, K], weights float32 [N, K], logits float32 [N, E]; the predicted class of each point, int32 [N]; finally, for each
 * layer, the experts at each place, int16 [G·G, K].
 */

/** Inputs per call of the model (its `batchSize`). A training step may use fewer points. */
export const capacity = 1024;

/**
 * @typedef {object} MapShape
 * @property {number} size G: cells per side of the grid
 * @property {number} classes C
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
 * @property {LayerRouting[]} places by layer, the routing at each place
 * @property {LayerRouting[]} points by layer, the routing of all points: the training points among themselves, the held-out
 *   points among themselves
 * @property {LayerRouting[]} layers by layer, the routing of the held-out points
 * @property {Int32Array} predicted [N]
 */

/** @param {MapShape} shape */
export function mapBytes({ size, classes, layers, experts, topK, points }) {
  const places = size * size;
  const words =
    places * (classes + layers * (topK + experts)) + layers * points * (2 * topK + experts) + points;
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
  const places = size * size;
  let at = 0;
  function advance(/** @type {number} */ bytes) {
    const start = at;
    at += bytes;
    return start;
  }
  const ints = (/** @type {number} */ n) => new Int32Array(buffer, advance(4 * n), n);
  const floats = (/** @type {number} */ n) => new Float32Array(buffer, advance(4 * n), n);
  const ids = (/** @type {number} */ n) => new Int16Array(buffer, advance(2 * n), n);
  const probabilities = floats(places * classes);
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
  const predicted = ints(points);
  return {
    probabilities,
    places: there.map((layer) => ({ experts: ids(places * topK), ...layer })),
    points: ofPoints,
    layers: ofPoints.map((all) => ({
      experts: all.experts.subarray(learned * topK),
      weights: all.weights.subarray(learned * topK),
      logits: all.logits.subarray(learned * experts),
    })),
    predicted,
  };
}
