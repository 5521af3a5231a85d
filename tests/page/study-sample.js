import { load } from '../../web/index.js';
import {
  describeFile,
  executeRun,
  listRuns,
  makeResults,
  readData,
  readStudy,
} from '../../web/study/index.js';

const text = new TextEncoder().encode(
  'Ships sail on the wide sea, and nobody knows their way. Some come back; others are lost.\n'.repeat(60),
);

/** A study of a few milliseconds a run, its data, and its results. */
export async function sampleStudy() {
  const engine = await load({ variant: 'simd' });
  const study = readStudy(
    {
      name: 'ships',
      data: 'ships.txt',
      model: {
        layers: 1,
        dModel: 16,
        dInner: 16,
        heads: 2,
        dHead: 8,
        experts: 4,
        batchSize: 4,
        contextLength: 16,
      },
      train: { steps: 20, learningRate: 0.01, validateEvery: 10 },
      vary: { router: ['hyperrouter', 'smoe'] },
      seeds: [1, 2, 3],
      evaluate: { topK: [1, 2, 4] },
    },
    engine,
  );
  const files = { 'ships.txt': text };
  const data = readData(study, files);
  const finished = new Map();
  for (const run of listRuns(study)) {
    const { result } = await executeRun(engine, study, run, data);
    finished.set(run.id, result);
  }
  engine.dispose();
  const described = [await describeFile('ships.txt', text)];
  return { text, results: makeResults(study, described, (id) => finished.get(id)) };
}
