// What a TypeScript program writes that knows neither the DOM nor Node, nor what is new in JavaScript; it is only compiled.
import {
  ByteVocabulary,
  load,
  Standardizer,
  type Training,
  type TrainProgress,
  type Vocabulary,
} from 'hyperrouter-wasm';
import { load as loadWorker } from 'hyperrouter-wasm/worker';

export async function direct(): Promise<unknown> {
  const nothing = undefined;
  const engine = await load({ threads: nothing, wasm: nothing });
  const model = engine.createLanguageModel({ vocabSize: 10, seed: nothing });
  const batchSize: number = model.config.batchSize;
  const last = await model.train([1, 2, 3], { steps: 1, signal: nothing, validation: nothing });
  const training: Training<TrainProgress> = model.train(Int32Array.of(1, 2), { steps: 2 });
  const promise: Promise<TrainProgress> = training;
  const events: AsyncIterable<TrainProgress> = training;
  for await (const { step } of model.train(Int32Array.of(1, 2), { steps: 2 })) step.toFixed();
  for (const { name } of engine.routers) engine.createClassifier({ router: name });
  const classifier = engine.createClassifier();
  const probabilities: Float32Array = classifier.predict([
    [1, 2],
    [3, 4],
  ]);
  classifier.evaluate({ inputs: [[1, 2]], targets: [0] });
  engine.loadCheckpoint(new ArrayBuffer(8));
  const file: Uint8Array = model.saveCheckpoint({ dtype: 'f16', optimizer: nothing, metadata: nothing });
  const tokens = [...model.generate([1], { maxTokens: nothing, topP: nothing })].map(({ token }) => token);
  const vocabulary: Vocabulary = new ByteVocabulary();
  const scaled: Float32Array = Standardizer.fit([[1, 2]], 2).apply([1, 2]);
  // @ts-expect-error there is no such option
  model.saveCheckpoint({ optimiser: true });
  // @ts-expect-error there is no such type
  model.saveCheckpoint({ dtype: 'f8' });
  return [batchSize, last.loss, promise, events, probabilities, file, tokens, vocabulary, scaled];
}

export async function worker(): Promise<number> {
  const engine = await loadWorker({ signal: undefined, worker: undefined });
  const model = await engine.createLanguageModel();
  await model.generate([1], { signal: undefined }).next();
  return (await model.train([1], { steps: 1, signal: undefined })).loss;
}
