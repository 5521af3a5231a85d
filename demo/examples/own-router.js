// How many directions of a token does its router have to look at? Routers of rank 1, 2 and 4, written in JavaScript,
// beside the full matrix and the HyperRouter, on points of two spirals, three seeds each. The number of steps may be given.
//
//     npm install hyperrouter-wasm
//     node own-router.js
import { load } from 'hyperrouter-wasm';
import { lowRank } from './low-rank-router.js';

const STEPS = Number(process.argv[2] ?? 500);
const SEEDS = [1, 2, 3];
const CONFIG = {
  inputSize: 2,
  classes: 2,
  layers: 2,
  dModel: 16,
  dInner: 16,
  experts: 6,
  topK: 2,
  batchSize: 100,
};

/** Points of two spirals, a good two turns each. @param {number} count @param {number} offset of the angle */
function spirals(count, offset) {
  const targets = Int32Array.from({ length: count }, (_, i) => i % 2);
  const inputs = Float32Array.from({ length: 2 * count }, (_, at) => {
    const i = Math.floor(at / 2);
    const along = (i + offset) / count;
    const angle = 14 * along + Math.PI * (i % 2);
    return (at % 2 === 0 ? Math.cos(angle) : Math.sin(angle)) * (0.1 + along);
  });
  return { inputs, targets };
}

const data = spirals(400, 0);
const held = spirals(400, 0.5);
const engine = await load();
const routers = [
  lowRank(1),
  lowRank(2),
  lowRank(4),
  /** @type {const} */ ('smoe'),
  /** @type {const} */ ('hyperrouter'),
];
console.log(`${STEPS} steps, accuracy on points that were not trained on (seeds ${SEEDS.join(', ')}):`);
for (const router of routers) {
  const accuracies = [];
  for (const seed of SEEDS) {
    const model = engine.createClassifier({ ...CONFIG, router, seed });
    for await (const { validation } of model.train(data, {
      ...{ steps: STEPS, every: STEPS, seed, learningRate: 0.01 },
      ...{ validation: held, validateEvery: STEPS },
    })) {
      accuracies.push(validation?.accuracy ?? 0);
    }
    model.dispose();
  }
  const name = typeof router === 'string' ? router : router.name;
  console.log(
    `  ${name.padEnd(12)} ${accuracies.map((accuracy) => `${(100 * accuracy).toFixed(1)} %`.padStart(8)).join('')}`,
  );
}
engine.dispose();
