/**
 * What a model makes of the plane, as one block of memory, so that it crosses to the page and back by transfer.
 *
 * Words of four bytes, in this order: class probabilities at each place of the grid float32 [G·G, C]; for each layer
 * with a router, its logits there float32 [G·G, E]; for each of these layers the routing of the held-out points, experts
 * int32 [H, K], weights float32 [H, K], logits float32 [H, E]; the likeliest class of every point int32 [N].
 */

/**
 * @typedef {object} MapShape
 * @property {number} size G: cells a side of the grid
 * @property {number} classes C
 * @property {number} layers that have a router
 * @property {number} experts E
 * @property {number} topK K
 * @property {number} heldOut H: points
 * @property {number} points N: all points, those that are held out last
 *
 * @typedef {import('../measures.js').LayerRouting} LayerRouting
 *
 * @typedef {object} MapViews
 * @property {Float32Array} probabilities [G·G, C]
 * @property {Float32Array[]} logits of each layer [G·G, E]
 * @property {LayerRouting[]} layers the routing of the held-out points
 * @property {Int32Array} predicted [N]
 */

/** @param {MapShape} shape */
export function mapBytes({ size, classes, layers, experts, topK, heldOut, points }) {
  const places = size * size * (classes + layers * experts);
  return 4 * (places + layers * heldOut * (2 * topK + experts) + points);
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
  function advance(/** @type {number} */ words) {
    const start = at;
    at += 4 * words;
    return start;
  }
  const ints = (/** @type {number} */ n) => new Int32Array(buffer, advance(n), n);
  const floats = (/** @type {number} */ n) => new Float32Array(buffer, advance(n), n);
  return {
    probabilities: floats(places * classes),
    logits: Array.from({ length: shape.layers }, () => floats(places * experts)),
    layers: Array.from({ length: shape.layers }, () => ({
      experts: ints(heldOut * topK),
      weights: floats(heldOut * topK),
      logits: floats(heldOut * experts),
    })),
    predicted: ints(points),
  };
}
