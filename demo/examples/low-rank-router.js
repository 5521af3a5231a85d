// A router of your own, as a module: import it, or give its URL to a model in a worker.
//
// R = U V of rank 2: a token is first reduced to two numbers, V x, and each expert looks at these alone. U and V have
// 2 (E + d) numbers where R has E d. How many directions does routing need? own-router.js compares ranks.

/**
 * @param {number} rank
 * @returns {import('hyperrouter-wasm').CustomRouter}
 */
export const lowRank = (rank) => ({
  name: `low-rank-${rank}`,
  parameters: ({ experts, dModel }) => [
    { name: 'u', shape: [experts, rank], std: 1 },
    { name: 'v', shape: [rank, dModel] },
    { name: 'bias', shape: [experts], init: 'zeros' },
  ],
  generate({ u, v, bias }, out, { dModel }) {
    out.bias.set(bias);
    out.weight.forEach((_, at) => {
      const [expert, i] = [Math.floor(at / dModel), at % dModel];
      for (let r = 0; r < rank; r++) out.weight[at] += u[expert * rank + r] * v[r * dModel + i];
    });
  },
  backward({ u, v }, { weightGrad, biasGrad }, grads, { dModel }) {
    grads.bias.set(biasGrad);
    weightGrad.forEach((grad, at) => {
      const [expert, i] = [Math.floor(at / dModel), at % dModel];
      for (let r = 0; r < rank; r++) {
        grads.u[expert * rank + r] += grad * v[r * dModel + i];
        grads.v[r * dModel + i] += grad * u[expert * rank + r];
      }
    });
  },
});

export default lowRank(2);
