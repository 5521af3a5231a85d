// What every bundler and runtime gets: the package as its README says, on this thread and in a worker.
import { load } from 'hyperrouter-wasm';
import { load as loadWorker } from 'hyperrouter-wasm/worker';

/**
 * Trains the same classifier on both sides, and tells what came out.
 * @param {import('hyperrouter-wasm/worker').LoadOptions} [options]
 * @param {import('hyperrouter-wasm').LoadOptions} [here] where they differ on this thread
 */
export async function tryPackage(options = {}, here = {}) {
  const { worker: _, ...rest } = options;
  const engine = await load({ ...rest, ...here, threads: 1 });
  const there = await loadWorker(options);
  const result = {
    here: await lossesOf(engine),
    there: await lossesOf(there),
    threads: there.info.threads,
    variant: there.info.variant,
  };
  engine.dispose();
  await there.dispose();
  return result;
}

/** @param {any} engine */
async function lossesOf(engine) {
  const count = 64;
  const inputs = Float32Array.from({ length: 2 * count }, (_, i) => Math.cos(i * i));
  const targets = Int32Array.from({ length: count }, (_, i) => Number(inputs[2 * i] * inputs[2 * i + 1] > 0));
  const model = await engine.createClassifier({
    inputSize: 2,
    classes: 2,
    layers: 2,
    dModel: 16,
    dInner: 16,
    experts: 4,
    topK: 2,
    batchSize: 32,
  });
  const losses = [];
  for await (const { loss } of model.train({ inputs, targets }, { steps: 20, every: 5 })) losses.push(loss);
  const measures = await model.measure({ inputs, targets });
  await model.dispose();
  return { losses, load: Array.from(measures[0].load) };
}
