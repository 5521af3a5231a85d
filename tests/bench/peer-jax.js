// jax-js on its WebAssembly device (one thread in Node): a mixture of experts by what it has. It has no products
// grouped by expert, so that every expert takes every token, and the weights of those not chosen are 0. All experts'
// hidden layers side by side, two wide products, were the fastest of three ways. Without an optimizer.

/** @import { Task } from './measure.js' */
/** @import { LayerSizes } from './kernels.js' */

// By a name that type checking does not follow: only who compares has the package.
const PACKAGE = '@jax-js/jax';
const NOT_CHOSEN = -1e9;

export async function open() {
  const { defaultDevice, init, jit, lax, nn, numpy: np, random, tree, valueAndGrad } = await import(PACKAGE);
  await init('wasm');
  defaultDevice('wasm');

  /** @param {number} seed @param {number[]} shape @param {number} deviation */
  const normal = (seed, shape, deviation) => random.normal(random.key(seed), shape).mul(deviation);

  /**
   * @param {LayerSizes} sizes
   * @returns {Task} forward and backward pass
   */
  function layer({ tokens, d, f, experts, topK }) {
    const parameters = {
      gate: normal(1, [d, experts], 0.02),
      bias: np.zeros([experts]),
      w1: normal(2, [d, experts * f], 0.02),
      c1: np.zeros([experts * f]),
      w2: normal(3, [experts * f, d], 0.02),
      c2: np.zeros([experts, d]),
    };
    const x = normal(4, [tokens, d], 1);
    const target = normal(5, [tokens, d], 1);
    // Arrays are counted by reference: a function uses up its arguments, and .ref keeps them.
    const loss = (/** @type {typeof parameters} */ own, /** @type {any} */ x, /** @type {any} */ target) => {
      const logits = np.matmul(x.ref, own.gate).add(own.bias);
      const [top, ids] = lax.topK(lax.stopGradient(logits.ref), topK);
      ids.dispose();
      const chosen = np.greaterEqual(logits.ref, top.slice([], [topK - 1, topK]));
      const weights = nn.softmax(np.where(chosen, logits, NOT_CHOSEN));
      const hidden = nn.relu(np.matmul(x, own.w1).add(own.c1)).reshape([tokens, experts, f]);
      const weighted = hidden.mul(weights.ref.reshape([tokens, experts, 1])).reshape([tokens, experts * f]);
      const y = np.matmul(weighted, own.w2).add(np.matmul(weights, own.c2));
      return np.square(y.sub(target)).mean();
    };
    const gradients = jit(valueAndGrad(loss, { argnums: [0, 1] }));
    return {
      async run(iterations) {
        for (let i = 0; i < iterations; i++) {
          const [value, grads] = gradients(tree.ref(parameters), x.ref, target.ref);
          for (const array of [value, ...tree.leaves(grads)]) {
            await array.blockUntilReady();
            array.dispose();
          }
        }
      },
    };
  }
  return { layer };
}
