import { load } from '../../web/index.js';
import {
  describeFile,
  executeRun,
  listRuns,
  makeResults,
  planRuns,
  readData,
  readStudy,
} from '../../web/study/index.js';

const text = new TextEncoder().encode(
  'Ships sail on the wide sea, and nobody knows their way. Some come back; others are lost.\n'.repeat(60),
);

const labelled = new TextEncoder().encode(
  Array.from({ length: 40 }, (_, i) => `${i % 2 ? 'the wide sea' : 'some way'} ${i}\t${i % 2}`).join('\n'),
);

const ships = {
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
};

const tuned = {
  ...{ name: 'tuned', task: 'classify', from: 'ships', data: 'rows.tsv', text: 1, label: 2, validation: 0.3 },
  ...{ train: { steps: 6 }, seeds: [1, 2], tune: { learningRate: [0.01, 0.03], seeds: [9] } },
};

/** Studies of a few milliseconds per run, their data, and their results: one of language models, and one that fine-tunes them. */
export async function sampleStudy() {
  const engine = await load({ variant: 'simd' });
  const study = readStudy(ships, engine);
  const files = { 'ships.txt': text };
  const data = readData(study, files);
  const finished = new Map();
  const kept = new Map();
  for (const run of listRuns(study)) {
    const { result, checkpoint } = await executeRun(engine, study, run, data, { save: true });
    finished.set(run.id, result);
    kept.set(`${run.variant} ${run.seed}`, checkpoint);
  }
  const results = makeResults(study, [await describeFile('ships.txt', text)], (id) => finished.get(id));

  const second = readStudy(tuned, engine, { base: study });
  const rows = readData(second, { 'rows.tsv': labelled });
  const fineTuned = new Map();
  for (;;) {
    const { runs } = planRuns(second, (id) => fineTuned.get(id));
    if (runs.length === 0) break;
    for (const run of runs) {
      const from = kept.get(`${run.variant} ${run.tuning ? 3 : run.seed}`);
      fineTuned.set(run.id, (await executeRun(engine, second, run, rows, { from })).result);
    }
  }
  engine.dispose();
  const described = [await describeFile('rows.tsv', labelled)];
  return {
    text,
    results,
    tuned: { rows: labelled, results: makeResults(second, described, (id) => fineTuned.get(id)) },
  };
}
