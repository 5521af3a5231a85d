// What a TypeScript program writes; it is only compiled.
import {
  type AnyModel,
  ByteVocabulary,
  CheckpointError,
  type ClassifierConfig,
  characterClasses,
  cosineSchedule,
  type Engine,
  type EngineInfo,
  type LanguageConfig,
  LanguageModel,
  type LayerMeasures,
  type LayerRouting,
  load,
  splitText,
  type TrainOptions,
  type TrainProgress,
  topKSchedule,
  type Vocabulary,
} from 'hyperrouter-wasm';
import { load as loadWorker, type LanguageModel as RemoteModel } from 'hyperrouter-wasm/worker';

const vocabulary: Vocabulary = new ByteVocabulary();

// What a program keeps of the interface by name.
export interface State {
  info: EngineInfo;
  config: LanguageConfig | ClassifierConfig;
  options: TrainOptions<Int32Array, Int32Array>;
  progress: TrainProgress | null;
  routing: LayerRouting[];
  measures: LayerMeasures[];
}

export async function direct(text: string, file: Uint8Array): Promise<string> {
  const engine: Engine = await load({ variant: 'auto', threads: 'auto' });
  const threads: number = engine.info.threads;
  const model: LanguageModel = engine.createLanguageModel({
    vocabSize: 256,
    router: 'hyperrouter',
    experts: 8,
    topK: 2,
  });
  const { train, validation } = splitText(vocabulary.encode(text), { validation: 0.1 });
  const controller = new AbortController();
  const probe = validation.slice(0, 500);
  const options = {
    steps: 100,
    every: 10,
    signal: controller.signal,
    schedule: cosineSchedule({ learningRate: 3e-3, steps: 100 }),
    topKSchedule: topKSchedule({ kMin: 1, kMax: 4, steps: 100 }),
    validation,
    probe,
    probeClasses: characterClasses(probe, vocabulary),
  };
  for await (const { step, loss, validationLoss, validation: held, measures } of model.train(
    train,
    options,
  )) {
    const best: number = Math.min(loss, validationLoss ?? loss);
    const bits: number | undefined = held?.bitsPerToken;
    const busiest: number[] = measures?.map((layer) => layer.maxLoad) ?? [];
    if (step + best + (bits ?? 0) + busiest.length > 1e9) controller.abort();
  }
  const { loss, gradNorm } = model.trainStep({
    inputs: train,
    targets: train,
    length: 8,
    learningRate: 1e-3,
    clip: 1,
  });
  const load2: Float32Array | undefined = model.routing()[0]?.load;
  let out = `${loss}${gradNorm}${threads}${load2?.length}`;
  for (const { token, routing } of model.generate([1, 2], {
    maxTokens: 5,
    temperature: 0.8,
    topP: 0.9,
    seed: 1,
  })) {
    out += vocabulary.decode([token]) + routing.length;
  }
  try {
    const opened: AnyModel = engine.loadCheckpoint(file, { batchSize: 1 });
    if (opened instanceof LanguageModel) opened.resetMemory();
    else if (opened.kind === 'classifier') opened.predict(new Float32Array(2));
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
  }
  // @ts-expect-error there is no such router
  engine.createLanguageModel({ router: 'switch' });
  // @ts-expect-error a text is no tokens
  model.train(text, { steps: 1 });
  // What is returned can be saved and sent as it is.
  const download = new Blob([model.saveCheckpoint(), model.logits()]);
  const answer = new Response(model.saveCheckpoint({ dtype: 'bf16' }));
  engine.dispose();
  return out + download.size + answer.status;
}

export async function worker(tokens: Int32Array): Promise<Uint8Array> {
  const engine = await loadWorker({ worker: new URL('https://example.org/host.js') });
  const model: RemoteModel = await engine.createLanguageModel({ vocabSize: 256 });
  for await (const { step, tokensPerSecond } of model.train(tokens, { steps: 10, transfer: true })) {
    if (step + tokensPerSecond < 0) break;
  }
  for await (const { token } of model.generate([1], { maxTokens: 3 })) token.toFixed();
  model.topK = 1;
  const measures = await model.measure(tokens);
  const rate: number | null | undefined = measures[0]?.switchRate;
  const classifier = await engine.createClassifier({ inputSize: 2, classes: 2 });
  const probabilities: Float32Array = await classifier.predict(new Float32Array(2), { transfer: true });
  // @ts-expect-error it is a promise
  probabilities.set(classifier.predict(new Float32Array(2)));
  const file = await model.saveCheckpoint({ optimizer: rate === null });
  await engine.dispose();
  return file;
}
