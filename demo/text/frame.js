import { putRouting, widthOf } from '../routing.js';

/**
 * The routing of a text as one buffer, which is transferred to the page and back without a copy.
 *
 * Layout: for each layer, experts int32 [N, K], weights float32 [N, K] and logits float32 [N, E]; then, with P > 0
 * predictions, the most likely next tokens int32 [N, P], their probabilities float32 [N, P], and the loss at each token
 * float32 [N]; finally, if a sample of S tokens was read, its experts, int16 [layers, S, K of the sample].
 */

/**
 * @typedef {object} FrameShape
 * @property {number} tokens N
 * @property {number} layers layers with a router
 * @property {number} topK K: the largest number of experts per token
 * @property {number} experts E
 * @property {number} predictions P
 * @property {number[][] | undefined} [biases] β by layer, [E]; undefined: the load is not balanced by a bias
 * @property {{ tokens: number, step: number, topK: number }} [sample] S, the step at which it was read, and its K
 *
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 *
 * @typedef {object} Predictions
 * @property {Int32Array} next [N, P]
 * @property {Float32Array} nextProbabilities [N, P]
 * @property {Float32Array} losses [N] nats; NaN where the next token is not known
 *
 * @typedef {object} Routing
 * @property {LayerRouting[]} layers
 * @property {Int16Array} sample [layers, S, K of the sample]; padded with -1; `unread` where a token was not
 *   read
 *
 * @typedef {Routing & Predictions} FrameViews
 */

/** In place of the experts of a token that was not read. */
export const unread = -2;

/** @param {FrameShape} shape */
export function frameBytes({ tokens, layers, topK, experts, predictions, sample }) {
  const perToken = layers * (2 * topK + experts) + (predictions ? 2 * predictions + 1 : 0);
  return 4 * tokens * perToken + 2 * layers * sampleSize(sample);
}

/** @param {FrameShape['sample']} sample @returns {number} ids of one layer */
const sampleSize = (sample) => (sample ? sample.tokens * sample.topK : 0);

/**
 * Views of the parts of a buffer.
 *
 * @param {ArrayBuffer} buffer may be longer than needed
 * @param {FrameShape} shape
 * @returns {FrameViews}
 */
export function frameViews(buffer, shape) {
  const { tokens, topK, experts, predictions } = shape;
  let at = 0;
  const ints = (/** @type {number} */ n) => new Int32Array(buffer, advance(n), n);
  const floats = (/** @type {number} */ n) => new Float32Array(buffer, advance(n), n);
  function advance(/** @type {number} */ words) {
    const start = at;
    at += 4 * words;
    return start;
  }
  const layers = Array.from({ length: shape.layers }, () => ({
    experts: ints(tokens * topK),
    weights: floats(tokens * topK),
    logits: floats(tokens * experts),
  }));
  return {
    layers,
    next: ints(tokens * predictions),
    nextProbabilities: floats(tokens * predictions),
    losses: floats(predictions ? tokens : 0),
    sample: new Int16Array(buffer, at, shape.layers * sampleSize(shape.sample)),
  };
}

/**
 * Packs the routing of tokens that were generated one by one.
 *
 * @param {readonly { routing: readonly LayerRouting[] }[]} written at least one
 * @returns {{ shape: FrameShape, buffer: ArrayBuffer }}
 */
export function packRouting(written) {
  const [{ routing: first }] = written;
  const experts = first[0]?.logits.length ?? 0;
  const shape = {
    tokens: written.length,
    layers: first.length,
    topK: widthOf(
      written.flatMap(({ routing }) => routing),
      experts,
    ),
    experts,
    predictions: 0,
  };
  const buffer = new ArrayBuffer(frameBytes(shape));
  const { layers } = frameViews(buffer, shape);
  written.forEach(({ routing }, start) => {
    putRouting(layers, routing, { start, ...shape });
  });
  return { shape, buffer };
}

/**
 * Writes the P most likely next tokens, and the loss, at one token.
 *
 * @param {Predictions} views changed
 * @param {number} token which row to write
 * @param {Float32Array} logits [V] over the vocabulary
 * @param {number} target the actual next token, or -1
 * @param {number} predictions P
 */
export function writePrediction(views, token, logits, target, predictions) {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id] > max) max = logits[id];
  let sum = 0;

  // Sorted in arrays of their own: optimised code of Firefox 153 loses writes into parts of a longer
  // array here, and lists one token five times.
  const best = new Array(predictions).fill(-1);
  const largest = new Array(predictions).fill(-Infinity);
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    sum += Math.exp(logit - max);
    if (logit <= largest[predictions - 1]) continue;
    let place = predictions - 1;
    for (; place > 0 && largest[place - 1] < logit; place--) {
      largest[place] = largest[place - 1];
      best[place] = best[place - 1];
    }
    largest[place] = logit;
    best[place] = id;
  }
  const probabilities = largest.map((logit) => Math.exp(logit - max) / sum);
  views.next.set(best, token * predictions);
  views.nextProbabilities.set(probabilities, token * predictions);
  views.losses[token] = target < 0 ? Number.NaN : Math.log(sum) - (logits[target] - max);
}
