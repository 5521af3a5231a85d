/**
 * A layer's router, computed step by step out of its tensors, so that each step can be shown. Formulas: Do et al.,
 * "HyperRouter" (2023), section 3, as their published code has them.
 *
 * @typedef {import('../worker/protocol.js').Tensor} Tensor
 *
 * @typedef {object} Matrix
 * @property {number} rows
 * @property {number} columns
 * @property {Float32Array} data [rows, columns]
 *
 * @typedef {object} Linear a layer y = W x + bias
 * @property {Matrix} weight [out, in]
 * @property {Matrix} bias [1, out]
 *
 * @typedef {object} Hypernetwork what makes R and b of a hyperrouter
 * @property {Matrix} embedding v [1, d]
 * @property {Matrix | null} embeddingGradient of the last step
 * @property {Linear} first H1, a1
 * @property {Matrix} hidden h = relu(H1 v + a1), [1, hyperSize]
 * @property {Linear} second H2, a2
 *
 * @typedef {object} RouterParts
 * @property {'hyperrouter' | 'smoe' | 'smoe-dropout'} kind
 * @property {Hypernetwork | null} hypernetwork
 * @property {Matrix} weight R [E, d]
 * @property {Matrix} bias b [1, E]
 * @property {Matrix | null} weightGradient of the last step, where R is trained itself
 */

/**
 * @param {readonly Tensor[]} tensors of a layer's router; none for a dense layer
 * @param {number} experts E
 * @returns {RouterParts | null} null where there is no router
 */
export function routerParts(tensors, experts) {
  const all = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const embedding = all.get('gate.embedding');
  if (embedding) return generated(all, embedding, experts);
  const weight = all.get('gate.gate.weight');
  const bias = all.get('gate.gate.bias');
  if (!weight || !bias) return null;
  return {
    kind: weight.trainable ? 'smoe' : 'smoe-dropout',
    hypernetwork: null,
    weight: matrix(weight.data, experts),
    bias: matrix(bias.data, 1),
    weightGradient: weight.grad ? matrix(weight.grad, experts) : null,
  };
}

/**
 * @param {Map<string, Tensor>} all
 * @param {Tensor} v
 * @param {number} experts
 * @returns {RouterParts}
 */
function generated(all, v, experts) {
  const first = linear(all, 'gate.hypernet.0');
  const second = linear(all, 'gate.hypernet.2');
  const made = routerOf(v.data, first, second, experts);
  return {
    kind: 'hyperrouter',
    hypernetwork: {
      embedding: matrix(v.data, 1),
      embeddingGradient: v.grad ? matrix(v.grad, 1) : null,
      first,
      hidden: made.hidden,
      second,
    },
    weight: made.weight,
    bias: made.bias,
    weightGradient: null,
  };
}

/**
 * The router that a hypernetwork makes of an embedding: row e of reshape(H2 · relu(H1 · v + a1) + a2, [E, d + 1]) is
 * R_e and then b_e.
 *
 * @param {Float32Array} embedding v [d]
 * @param {Linear} first
 * @param {Linear} second
 * @param {number} experts E
 */
export function routerOf(embedding, first, second, experts) {
  const hidden = apply(first, embedding).map((x) => Math.max(0, x));
  const rows = apply(second, hidden);
  const width = rows.length / experts - 1;
  const weight = new Float32Array(experts * width);
  const bias = new Float32Array(experts);
  for (let expert = 0; expert < experts; expert++) {
    const from = expert * (width + 1);
    weight.set(rows.subarray(from, from + width), expert * width);
    bias[expert] = rows[from + width];
  }
  return { hidden: matrix(hidden, 1), weight: matrix(weight, experts), bias: matrix(bias, 1) };
}

/**
 * @param {Linear} layer
 * @param {Float32Array} x
 */
function apply({ weight, bias }, x) {
  const { rows, columns, data } = weight;
  const y = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = bias.data[row];
    for (let column = 0; column < columns; column++) sum += data[row * columns + column] * x[column];
    y[row] = sum;
  }
  return y;
}

/**
 * @param {Map<string, Tensor>} all
 * @param {string} name
 * @returns {Linear}
 */
function linear(all, name) {
  const weight = all.get(`${name}.weight`);
  const bias = all.get(`${name}.bias`);
  if (!weight || !bias) throw new RangeError(`the router has no tensors ${name}.weight and ${name}.bias`);
  return { weight: matrix(weight.data, weight.shape[0]), bias: matrix(bias.data, 1) };
}

/**
 * @param {Float32Array} data
 * @param {number} rows
 * @returns {Matrix}
 */
const matrix = (data, rows) => ({ rows, columns: data.length / rows, data });

/**
 * Cosines between the rows of a matrix.
 *
 * @param {Matrix} of
 * @returns {{ cosines: number[][], mean: number | null }} [rows, rows]; the mean over all pairs, null where there is none
 */
export function rowSimilarity({ rows, columns, data }) {
  const row = (/** @type {number} */ i) => data.subarray(i * columns, (i + 1) * columns);
  const norms = Array.from({ length: rows }, (_, i) => norm(row(i)));
  const cosines = Array.from({ length: rows }, (_, i) =>
    Array.from({ length: rows }, (_, j) => dot(row(i), row(j)) / Math.max(1e-30, norms[i] * norms[j])),
  );
  const pairs = cosines.flatMap((line, i) => line.slice(0, i));
  const mean = pairs.length ? pairs.reduce((sum, x) => sum + x, 0) / pairs.length : null;
  return { cosines, mean };
}

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Euclidean, or of Frobenius for a matrix. @param {ArrayLike<number>} a */
export const norm = (a) => Math.sqrt(dot(a, a));

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export const distance = (a, b) => norm(Float32Array.from(a, (x, i) => x - b[i]));

/**
 * How many numbers a layer's router has, for every kind of router.
 *
 * @param {{ experts: number, dModel: number, hyperSize: number }} sizes
 */
export function routerCounts({ experts, dModel, hyperSize }) {
  const weights = experts * (dModel + 1);
  const hypernetwork = hyperSize * (dModel + 1) + weights * (hyperSize + 1);
  return {
    hyperrouter: { embedding: dModel, hypernetwork, weights, learned: dModel },
    smoe: { embedding: 0, hypernetwork: 0, weights, learned: weights },
    'smoe-dropout': { embedding: 0, hypernetwork: 0, weights, learned: 0 },
  };
}
