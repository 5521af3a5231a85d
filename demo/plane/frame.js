/**
 * What a model makes of the plane, as one block of memory, so that it crosses to the page and back by transfer.
 *
 * In this order: class probabilities at each place of the grid float32 [G·G, C]; for each layer with a router, its
 * weights and logits there float32 [G·G, K] and [G·G, E]; for each of these layers the routing of the held-out points,
 * experts int32 [H, K], weights float32 [H, K], logits float32 [H, E]; the likeliest class of every point int32 [N]; at
 * the end, for each layer the experts at each place int16 [G·G, K].
 */

/**
 * @typedef {object} MapShape
 * @property {number} size G: cells a side of the grid
 * @property {number} classes C
 * @property {number} layers that have a router
 * @property {number} experts E
 * @property {number} topK K: the most experts that a place or a point has
 * @property {number} heldOut H: points
 * @property {number} points N: all points, those that are held out last
 *
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 *
 * @typedef {object} MapViews
 * @property {Float32Array} probabilities [G·G, C]
 * @property {LayerRouting[]} places of each layer, the routing at each place
 * @property {LayerRouting[]} layers the routing of the held-out points
 * @property {Int32Array} predicted [N]
 */

/** @param {MapShape} shape */
export function mapBytes({ size, classes, layers, experts, topK, heldOut, points }) {
  const places = size * size;
  const words =
    places * (classes + layers * (topK + experts)) + layers * heldOut * (2 * topK + experts) + points;
  return 4 * words + 2 * places * layers * topK;
}

/**
 * The parts of a block, as views of it.
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
  const layers = Array.from({ length: shape.layers }, () => ({
    experts: ints(heldOut * topK),
    weights: floats(heldOut * topK),
    logits: floats(heldOut * experts),
  }));
  const predicted = ints(points);
  return {
    probabilities,
    places: there.map((layer) => ({ experts: ids(places * topK), ...layer })),
    layers,
    predicted,
  };
}
