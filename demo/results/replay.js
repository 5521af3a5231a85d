import { signal } from '@preact/signals';
import { nameOf } from './numbers.js';

/**
 * The runs of a study that are trained again in this tab, one at a time.
 *
 * @typedef {import('./read.js').StudyResults} StudyResults
 *
 * @typedef {{ kind: 'running', step: number, steps: number }
 *   | { kind: 'same' } | { kind: 'stopped', step: number }
 *   | { kind: 'parts', parting: import('./differ.js').Parting }
 *   | { kind: 'failed', message: string }} Replay of a run
 *
 * @typedef {object} Wanting what a run waits for
 * @property {number} run index
 * @property {import('./data.js').DataFile[]} missing data
 * @property {string} base name of the study whose models are fine-tuned, if its results are missing; otherwise empty
 * @property {string} problem with what was given
 */

/**
 * @param {StudyResults} results
 * @param {object} parts
 * @param {typeof import('./data.js').dataAtHand} parts.dataAtHand
 * @param {typeof import('./data.js').giveData} parts.giveData
 * @param {(name: string) => Promise<StudyResults | null>} [parts.findResults] of another study; null: not found
 * @param {(file: File) => Promise<StudyResults>} [parts.read] results from a file
 * @param {() => Worker} [parts.openWorker]
 */
export function createReplays(
  results,
  {
    dataAtHand,
    giveData,
    findResults = async () => null,
    read,
    openWorker = () => new Worker(new URL('./replay-worker.js', import.meta.url), { type: 'module' }),
  },
) {
  /** What became of each run, by its index. */
  const replays = signal(/** @type {Readonly<Record<number, Replay>>} */ ({}));
  /** The run that is trained now; null: none. */
  const current = signal(/** @type {number | null} */ (null));
  /** The run that was trained again last; null: none. */
  const last = signal(/** @type {number | null} */ (null));
  /** What a run waits for; null: nothing. */
  const wanting = signal(/** @type {Wanting | null} */ (null));
  /** Where the summary is not that of the runs; null: nowhere, as far as is known. */
  const summary = signal(/** @type {import('./differ.js').Parting | null} */ (null));
  /** Counts the runs that have ended: whatever is heard of them later does not matter. */
  let turn = 0;
  /** @type {Worker | null} */
  let worker = null;
  /** @type {StudyResults | null} */
  let base = null;
  /** Checks the summary, of a file. @type {(() => Promise<void>) | null} */
  let recheck = null;

  const from = String(results.study.from ?? '');
  const baseName = from.endsWith('.safetensors') ? '' : from;

  /** The results of the study whose models are fine-tuned, if there is one. @returns {Promise<boolean>} whether they are there */
  async function hasBase() {
    if (baseName) base ??= await findResults(baseName);
    return !baseName || base !== null;
  }

  /** @param {number} run @param {Replay} replay */
  function put(run, replay) {
    replays.value = { ...replays.peek(), [run]: replay };
  }

  /** @param {number} run @param {Replay} replay */
  function end(run, replay) {
    turn++;
    worker?.terminate();
    worker = null;
    current.value = null;
    last.value = run;
    put(run, replay);
  }

  /** @param {number} run @param {Omit<Wanting, 'run' | 'problem'>} what */
  function want(run, what) {
    current.value = null;
    const { [run]: _, ...rest } = replays.peek();
    replays.value = rest;
    wanting.value = { run, problem: '', ...what };
  }

  /** @param {number} run index */
  async function start(run) {
    if (current.peek() !== null) return;
    const mine = turn;
    wanting.value = null;
    current.value = run;
    put(run, { kind: 'running', step: 0, steps: results.runs[run].steps });
    try {
      const ready = await hasBase();
      if (mine !== turn) return;
      if (!ready) {
        want(run, { missing: [], base: baseName });
        return;
      }
      const own = await dataAtHand(results.data);
      const other = await dataAtHand(base?.data ?? []);
      if (mine !== turn) return;
      const missing = [...own.missing, ...other.missing];
      if (missing.length) {
        want(run, { missing, base: '' });
        return;
      }
      worker = openWorker();
      worker.addEventListener('message', ({ data }) => {
        if (mine === turn) hear(run, data);
      });
      worker.addEventListener('error', ({ message }) => {
        if (mine === turn)
          end(run, { kind: 'failed', message: message || 'the worker could not be started' });
      });
      worker.postMessage({ results, base, run, files: own.files, baseFiles: other.files });
    } catch (error) {
      if (mine !== turn) return;
      end(run, { kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** @param {number} run @param {import('./replay-worker.js').ReplayReply} reply */
  function hear(run, reply) {
    if (reply.kind === 'progress') put(run, { kind: 'running', step: reply.step, steps: reply.steps });
    else if (reply.kind === 'failed') end(run, { kind: 'failed', message: reply.message });
    else end(run, reply.parting ? { kind: 'parts', parting: reply.parting } : { kind: 'same' });
  }

  function stop() {
    const run = current.peek();
    if (run === null) return;
    const now = replays.peek()[run];
    end(run, { kind: 'stopped', step: now?.kind === 'running' ? now.step : 0 });
  }

  /** @param {readonly File[]} files that a run waits for */
  async function give(files) {
    const asked = wanting.peek();
    if (!asked) return;
    try {
      if (asked.base) await giveBase(asked, files[0]);
      else await giveFiles(asked, files);
    } catch (error) {
      wanting.value = { ...asked, problem: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @param {Wanting} asked @param {File} file */
  async function giveBase(asked, file) {
    const given = (await read?.(file)) ?? null;
    if (given && nameOf(given) !== asked.base) {
      wanting.value = {
        ...asked,
        problem: `${file.name} has the results of “${nameOf(given)}”, not of “${asked.base}”.`,
      };
      return;
    }
    base = given;
    recheck?.().catch(() => {});
    await start(asked.run);
  }

  /** @param {Wanting} asked @param {readonly File[]} files */
  async function giveFiles(asked, files) {
    const problems = await Promise.all(files.map((file) => giveData(file, asked.missing)));
    const { missing } = await dataAtHand(asked.missing);
    if (missing.length) wanting.value = { ...asked, missing, problem: problems.filter(Boolean).join(' ') };
    else await start(asked.run);
  }

  /**
   * Whether the summary of a file is that of its runs: both come from whoever made the file.
   *
   * @returns {() => void} ends it
   */
  function check() {
    let ended = false;
    /** @type {Worker | null} */
    let checker = null;
    const begin = async () => {
      // Its variants are those of the other study: without that one, there is nothing to check by.
      if (!(await hasBase()) || ended) return;
      checker = openWorker();
      checker.addEventListener('message', ({ data }) => {
        checker?.terminate();
        if (data.kind === 'done') summary.value = data.parting;
        if (data.kind === 'failed') summary.value = { what: data.message, here: undefined, there: undefined };
      });
      checker.postMessage({ results, base, run: null, files: {}, baseFiles: {} });
    };
    recheck = begin;
    begin().catch(() => {});
    return () => {
      ended = true;
      checker?.terminate();
    };
  }

  return {
    replays,
    current,
    last,
    wanting,
    summary,
    start,
    stop,
    give,
    check,
    forget: () => {
      wanting.value = null;
    },
  };
}

/** @typedef {ReturnType<typeof createReplays>} Replays */
