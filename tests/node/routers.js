/** Custom routers that tests share. */

/** @import { CustomRouter } from '../../web/types.js' */

/**
 * HyperRouter as a custom router: the same tensors under the same names, and so the same initial values.
 * @param {number} hyperSize
 * @returns {CustomRouter}
 */
export const customHyperRouter = (hyperSize) => ({
  name: 'hyperrouter-of-its-own',
  parameters: ({ experts, dModel }) => [
    { name: 'embedding', shape: [1, dModel], std: 1 },
    { name: 'hypernet.0.weight', shape: [hyperSize, dModel], trainable: false },
    { name: 'hypernet.0.bias', shape: [hyperSize], init: 'zeros', trainable: false },
    { name: 'hypernet.2.weight', shape: [experts * (dModel + 1), hyperSize], trainable: false },
    { name: 'hypernet.2.bias', shape: [experts * (dModel + 1)], init: 'zeros', trainable: false },
  ],
  generate(tensors, { weight, bias }, { dModel }) {
    const hidden = hiddenOf(tensors, hyperSize);
    const { 'hypernet.2.weight': w2, 'hypernet.2.bias': b2 } = tensors;
    for (let row = 0; row < b2.length; row++) {
      let sum = b2[row];
      for (let z = 0; z < hyperSize; z++) sum += w2[row * hyperSize + z] * hidden[z];
      const [expert, column] = [Math.floor(row / (dModel + 1)), row % (dModel + 1)];
      if (column === dModel) bias[expert] = sum;
      else weight[expert * dModel + column] = sum;
    }
  },
  backward(tensors, { weightGrad, biasGrad }, grads, { dModel }) {
    const hidden = hiddenOf(tensors, hyperSize);
    const { 'hypernet.0.weight': w1, 'hypernet.2.weight': w2, 'hypernet.2.bias': b2 } = tensors;
    const hiddenGrad = new Float64Array(hyperSize);
    for (let row = 0; row < b2.length; row++) {
      const [expert, column] = [Math.floor(row / (dModel + 1)), row % (dModel + 1)];
      const grad = column === dModel ? biasGrad[expert] : weightGrad[expert * dModel + column];
      for (let z = 0; z < hyperSize; z++) hiddenGrad[z] += w2[row * hyperSize + z] * grad;
    }
    for (let z = 0; z < hyperSize; z++) {
      if (hidden[z] <= 0) continue;
      for (let j = 0; j < dModel; j++) grads.embedding[j] += w1[z * dModel + j] * hiddenGrad[z];
    }
  },
});

/** @param {import('../../web/types.js').RouterTensors} tensors @param {number} hyperSize */
function hiddenOf({ embedding, 'hypernet.0.weight': w1, 'hypernet.0.bias': b1 }, hyperSize) {
  return Float64Array.from({ length: hyperSize }, (_, z) => {
    let sum = b1[z];
    for (let j = 0; j < embedding.length; j++) sum += w1[z * embedding.length + j] * embedding[j];
    return Math.max(0, sum);
  });
}

/**
 * `smoe` (or, frozen, `smoe-dropout`) as a custom router: R and b are tensors.
 * @param {boolean} [trainable]
 * @returns {CustomRouter}
 */
export const customMatrix = (trainable = true) => ({
  name: 'matrix',
  parameters: ({ experts, dModel }) => [
    { name: 'gate.weight', shape: [experts, dModel], trainable },
    { name: 'gate.bias', shape: [experts], init: 'zeros', trainable },
  ],
  generate(tensors, { weight, bias }) {
    weight.set(tensors['gate.weight']);
    bias.set(tensors['gate.bias']);
  },
  backward(_, { weightGrad, biasGrad }, grads) {
    if (!trainable) return;
    grads['gate.weight'].set(weightGrad);
    grads['gate.bias'].set(biasGrad);
  },
});

/** What a worker loads from this module. */
export default customHyperRouter(9);
