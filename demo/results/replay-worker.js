import { load } from 'hyperrouter-wasm';
import { executeRun, listRuns, makeResults, readData, readStudy } from 'hyperrouter-wasm/study';
import { firstDifference, partingOf } from './differ.js';

/**
 * Repeats a run of a study, by the code of the package that the command line runs too, and compares. It also checks that the
 * summary of results is that of their runs.
 *
 * @typedef {import('./read.js').StudyResults} StudyResults
 *
 * @typedef {object} ReplayRequest
 * @property {StudyResults} results
 * @property {StudyResults | null} base those of the study whose models are fine-tuned; null: none
 * @property {number | null} run index; null: only the summary is checked
 * @property {Record<string, Uint8Array>} files by their path in the study
 * @property {Record<string, Uint8Array>} baseFiles
 *
 * @typedef {{ kind: 'progress', step: number, steps: number }
 *   | { kind: 'done', parting: import('./differ.js').Parting | null }
 *   | { kind: 'failed', message: string }} ReplayReply
 */

/** Milliseconds between two messages of progress. */
const tellEvery = 100;

/** @type {{ postMessage: (message: ReplayReply) => void }} */
const page = /** @type {any} */ (globalThis);

globalThis.addEventListener('message', async (/** @type {MessageEvent<ReplayRequest>} */ { data }) => {
  try {
    const parting = data.run === null ? await checkSummary(data) : await replay(data, data.run);
    page.postMessage({ kind: 'done', parting });
  } catch (error) {
    page.postMessage({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
});

/** @param {StudyResults} results @param {StudyResults | null} base */
async function openStudies(results, base) {
  // The variant that has the same bits on every machine.
  const engine = await load({ variant: 'simd' });
  const from = base ? readStudy(base.study, engine) : undefined;
  return { engine, from, study: readStudy(results.study, engine, { base: from }) };
}

/**
 * @param {ReplayRequest} request
 * @param {number} index
 */
async function replay({ results, base, files, baseFiles }, index) {
  const there = results.runs[index];
  const { engine, study, from } = await openStudies(results, base);
  const isThis = (/** @type {{ variant: string, seed: number }} */ { variant, seed }) =>
    variant === there.variant && seed === there.seed;
  const run = listRuns(study, results.tuning).find(isThis);
  if (!run) throw new RangeError(`the study has no run of ${there.variant} with seed ${there.seed}`);
  const stepsBefore = base?.runs.find(isThis)?.steps ?? 0;
  let told = 0;
  const tell =
    (/** @type {number} */ before) =>
    (/** @type {{ step: number }} */ { step }) => {
      if (performance.now() - told < tellEvery) return;
      told = performance.now();
      page.postMessage({ kind: 'progress', step: before + step, steps: stepsBefore + there.steps });
    };
  const begun = from && (await trainBase());
  if (begun?.parting) return begun.parting;
  const { result } = await executeRun(engine, study, run, readData(study, files), {
    from: begun?.checkpoint ?? files[String(results.study.from)],
    onProgress: tell(stepsBefore),
  });
  return partingOf(result, there);

  /** The model that is fine-tuned, and where it is not that of its own results. */
  async function trainBase() {
    if (!from || !base) return undefined;
    const baseRun = listRuns(from, base.tuning).find(isThis);
    const baseThere = base.runs.find(isThis);
    if (!baseRun || !baseThere)
      throw new RangeError(
        `the study that it is fine-tuned from has no run of ${there.variant} with seed ${there.seed}`,
      );
    const options = { save: true, onProgress: tell(0) };
    const trained = await executeRun(engine, from, baseRun, readData(from, baseFiles), options);
    const parting = partingOf(trained.result, baseThere);
    return {
      checkpoint: trained.checkpoint ?? undefined,
      parting: parting && { ...parting, what: `${parting.what} of the model that it fine-tunes` },
    };
  }
}

/** @param {ReplayRequest} request */
async function checkSummary({ results, base }) {
  const { study } = await openStudies(results, base);
  const ids = new Map(
    listRuns(study, results.tuning).map(({ id, variant, seed }) => [id, `${seed} ${variant}`]),
  );
  const runs = new Map(results.runs.map((run) => [`${run.seed} ${run.variant}`, run]));
  const { variants } = makeResults(study, results.data, (id) => runs.get(ids.get(id) ?? ''));
  const path = firstDifference(variants, results.variants);
  return path && { what: `variants.${path.words}`, here: path.one, there: path.other };
}
