import { balancingBias } from '../routing.js';

/**
 * A layer's router, computed step by step from its tensors, so that each step can be shown. Formulas: Do et al.,
 * "HyperRouter" (2023), section 3, as in their published code.
 *
 * @typedef {import('../trainer/trainer-protocol.js').Tensor} Tensor
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
 * @typedef {{ first: Linear, second: Linear }} Hypernetwork H1, a1 and H2, a2; frozen
 *
 * @typedef {object} Generator what generates R and b of a HyperRouter
 * @property {Hypernetwork} hypernetwork
 * @property {Matrix} embedding v [1, d]
 * @property {Matrix} hidden h = relu(H1 v + a1), [1, hyperSize]
 *
 * @typedef {import('./diagram.jsx').Role} Role
 *
 * @typedef {object} RouterParts
 * @property {readonly Tensor[]} tensors of the router
 * @property {Generator | null} generator
 * @property {Linear | null} scores R [E, d] and b [1, E]; null for a router without tensors of these shapes
 * @property {{ weight: Role, bias: Role }} roles of R and b
 * @property {ArrayLike<number>} [bias] β [E], which balances the load; no tensor of the router itself
 * @property {RouterGradient | null} gradient of the last step; null where none reached the router
 *
 * @typedef {{ of: 'v' | 'R' | 'b', values: Matrix }} RouterGradient the gradient of v [1, d], of R [E, d], or of b [1, E]
 */

/**
 * @param {readonly Tensor[]} all tensors of a layer's router; none for a dense layer
 * @param {number} experts E
 * @returns {RouterParts | null} null where there is no router
 */
export function routerParts(all, experts) {
  const bias = all.find(({ name }) => name === balancingBias)?.data;
  const parts = partsOf(
    all.filter(({ name }) => name !== balancingBias),
    experts,
  );
  return parts && { ...parts, ...(bias ? { bias } : {}) };
}

/**
 * @param {readonly Tensor[]} tensors
 * @param {number} experts E
 * @returns {RouterParts | null}
 */
function partsOf(tensors, experts) {
  if (!tensors.length) return null;
  const all = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const embedding = all.get('gate.embedding');
  if (embedding && all.has('gate.hypernet.0.weight')) {
    const hypernetwork = { first: linear(all, 'gate.hypernet.0'), second: linear(all, 'gate.hypernet.2') };
    return {
      tensors,
      ...generateRouter(hypernetwork, embedding.data, experts),
      roles: { weight: 'computed', bias: 'computed' },
      gradient: gradientOf('v', embedding, 1),
    };
  }
  const weight = all.get('gate.gate.weight');
  const bias = all.get('gate.gate.bias');
  if (weight?.shape[0] !== experts || bias?.shape[0] !== experts) {
    return {
      tensors,
      generator: null,
      scores: null,
      roles: { weight: 'frozen', bias: 'frozen' },
      gradient: null,
    };
  }
  return {
    tensors,
    generator: null,
    scores: { weight: matrix(weight.data, experts), bias: matrix(bias.data, 1) },
    roles: { weight: roleOf(weight), bias: roleOf(bias) },
    gradient: gradientOf('R', weight, experts) ?? gradientOf('b', bias, 1),
  };
}

/** @param {Tensor} tensor @returns {Role} */
const roleOf = ({ trainable }) => (trainable ? 'learned' : 'frozen');

/**
 * The router that a hypernetwork generates from an embedding: row e of reshape(H2 · relu(H1 · v + a1) + a2, [E, d + 1]) is
 * R_e and then b_e.
 *
 * @param {Hypernetwork} hypernetwork
 * @param {Float32Array} embedding v [d]
 * @param {number} experts E
 * @returns {{ generator: Generator, scores: Linear }}
 */
export function generateRouter(hypernetwork, embedding, experts) {
  const { first, second } = hypernetwork;
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
  const generator = { hypernetwork, embedding: matrix(embedding, 1), hidden: matrix(hidden, 1) };
  return { generator, scores: { weight: matrix(weight, experts), bias: matrix(bias, 1) } };
}

/**
 * The derivative of R and b with respect to one component of v: H2 · diag(h > 0) · column of H1.
 *
 * @param {Generator} generator
 * @param {number} index of the component, from 0
 * @param {number} experts E
 * @returns {Matrix} [E, d + 1], b last
 */
export function effectOf({ hypernetwork: { first, second }, hidden }, index, experts) {
  const { columns, data } = first.weight;
  const passed = hidden.data.map((x, i) => (x > 0 ? data[i * columns + index] : 0));
  return matrix(multiply(second.weight, passed), experts);
}

/**
 * R and b in one matrix.
 *
 * @param {Linear} scores
 * @returns {Matrix} [E, d + 1], b last
 */
export function withBias({ weight: { rows, columns, data }, bias }) {
  const all = new Float32Array(rows * (columns + 1));
  for (let row = 0; row < rows; row++) {
    all.set(data.subarray(row * columns, (row + 1) * columns), row * (columns + 1));
    all[row * (columns + 1) + columns] = bias.data[row];
  }
  return matrix(all, rows);
}

/**
 * @param {Matrix} weight [out, in]
 * @param {Float32Array} x [in]
 */
function multiply({ rows, columns, data }, x) {
  const y = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += data[row * columns + column] * x[column];
    y[row] = sum;
  }
  return y;
}

/**
 * @param {Linear} layer
 * @param {Float32Array} x
 */
const apply = ({ weight, bias }, x) => multiply(weight, x).map((y, i) => y + bias.data[i]);

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
export const matrix = (data, rows) => ({ rows, columns: data.length / rows, data });

/** @param {Matrix} of */
export function transposed({ rows, columns, data }) {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = data[row * columns + column];
  }
  return matrix(turned, columns);
}

/**
 * Null before the first step, and for frozen tensors.
 *
 * @param {RouterGradient['of']} of
 * @param {Tensor} tensor
 * @param {number} rows
 * @returns {RouterGradient | null}
 */
const gradientOf = (of, { grad }, rows) =>
  grad?.some((x) => x !== 0) ? { of, values: matrix(grad, rows) } : null;

/**
 * Cosines between the rows of a matrix.
 *
 * @param {Matrix} of
 * @returns {{ cosines: Matrix, mean: number | null }} [rows, rows], below the diagonal, NaN elsewhere; mean over
 *   all pairs, null for a single row
 */
export function rowSimilarity({ rows, columns, data }) {
  const row = (/** @type {number} */ i) => data.subarray(i * columns, (i + 1) * columns);
  const norms = Array.from({ length: rows }, (_, i) => norm(row(i)));
  const cosines = new Float32Array(rows * rows).fill(Number.NaN);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const cosine = dot(row(i), row(j)) / Math.max(1e-30, norms[i] * norms[j]);
      cosines[i * rows + j] = cosine;
      sum += cosine;
    }
  }
  return { cosines: matrix(cosines, rows), mean: rows > 1 ? sum / ((rows * (rows - 1)) / 2) : null };
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

/** Euclidean norm; of a matrix, the Frobenius norm. @param {ArrayLike<number>} a */
export const norm = (a) => Math.sqrt(dot(a, a));

/**
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function distance(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return Math.sqrt(sum);
}
