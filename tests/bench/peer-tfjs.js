// TensorFlow.js on its WebAssembly and plain JavaScript backends, one thread: a mixture of experts by what it has. It
// has no products grouped by expert, the sum over segments has no WebAssembly kernel and the top k no gradient, so that
// every expert takes every token, and the weights of those not chosen, found ahead, are 0. Expert by expert was the
// fastest of three ways.
import { LEARNING_RATE } from './kernels.js';

/** @import { Task } from './measure.js' */
/** @import { LayerSizes } from './kernels.js' */

// By names that type checking does not follow: only who compares has the packages.
const PACKAGE = '@tensorflow/tfjs'; // with the backend cpu
const WASM = '@tensorflow/tfjs-backend-wasm';
const NOT_CHOSEN = -1e9;

/** @param {string} contestant */
export async function open(contestant) {
  const { default: tf } = await import(PACKAGE);
  await import(WASM);
  const backend = contestant.slice('tfjs-'.length);
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);

  /**
   * @param {LayerSizes} sizes
   * @returns {Promise<Task>} a step
   */
  async function layer({ tokens, d, f, experts, topK }) {
    await tf.setBackend(backend);
    const normal = (/** @type {number[]} */ shape, deviation = 0.02) => tf.randomNormal(shape, 0, deviation);
    const zeros = (/** @type {number[]} */ shape) => tf.variable(tf.zeros(shape));
    const gate = tf.variable(normal([d, experts]));
    const bias = zeros([experts]);
    const networks = Array.from({ length: experts }, () => ({
      w1: tf.variable(normal([d, f])),
      c1: zeros([f]),
      w2: tf.variable(normal([f, d])),
      c2: zeros([d]),
    }));
    // A variable, so that its gradient is computed like ours; the optimizer is not given it.
    const x = tf.variable(normal([tokens, d], 1));
    const target = normal([tokens, d], 1);
    const optimizer = tf.train.adam(LEARNING_RATE);
    const logitsOf = () => tf.add(tf.matMul(x, gate), bias);
    const loss = (/** @type {any} */ mask) => {
      const weights = tf.split(tf.softmax(tf.add(logitsOf(), mask)), experts, 1);
      const outputs = networks.map(({ w1, c1, w2, c2 }, id) => {
        const hidden = tf.relu(tf.add(tf.matMul(x, w1), c1));
        return tf.mul(tf.add(tf.matMul(hidden, w2), c2), weights[id]);
      });
      const y = outputs.reduce((sum, output) => tf.add(sum, output));
      return tf.mean(tf.square(tf.sub(y, target)));
    };
    const step = () => {
      const logits = logitsOf();
      const least = tf.slice(tf.topk(logits, topK).values, [0, topK - 1], [tokens, 1]);
      const mask = tf.mul(tf.cast(tf.less(logits, least), 'float32'), NOT_CHOSEN);
      const { grads } = tf.variableGrads(() => loss(mask));
      delete grads[x.name];
      optimizer.applyGradients(grads);
    };
    return {
      async run(iterations) {
        await tf.setBackend(backend);
        for (let i = 0; i < iterations; i++) tf.tidy(step);
      },
    };
  }
  return { layer };
}
