/** Executing the runs of a study, several at a time. */
import { availableParallelism, cpus } from 'node:os';
import { planRuns } from '../../study/index.js';
import { isCheckpoint, makeRun } from '../../study/study.js';
import { Interrupt } from '../interrupt.js';
import { baseSeed } from './base.js';
import { Pool } from './pool.js';
import { StudyProgress } from './progress.js';

/**
 * @typedef {import('../system.js').System} System
 * @typedef {import('../../study/types.js').StudyRun} StudyRun
 * @typedef {import('../study.js').StudyOptions} StudyOptions
 * @typedef {import('./folder.js').StudyFolder} StudyFolder
 * @typedef {import('./open.js').Opened} Opened
 */

/**
 * @param {Opened} opened
 * @param {StudyFolder} folder
 * @param {StudyOptions & { needed: (run: { variant: string, seed: number }) => boolean, kept: boolean, source: StudyFolder | null }} options
 * @param {System} system
 * @returns {Promise<boolean>} false: it was interrupted
 */
export async function execute({ study, base, record, files }, folder, options, system) {
  const { shard = { part: 1, of: 1 }, source, kept, needed } = options;
  const isOurs = (/** @type {{ variant: number, seed: number }} */ { variant, seed }) => {
    // A variant is tuned as a whole.
    const index = study.tune ? variant : variant * study.seeds.length + seed;
    const run = { variant: study.variants[variant].label, seed: study.seeds[seed] };
    return index % shard.of === shard.part - 1 && needed(run);
  };
  const known = kept ? await folder.listCheckpoints() : null;
  // Without its parameters, a run that should have kept them is not finished.
  const finished = (/** @type {string} */ id) =>
    known && !id.startsWith('tune-') && !known.has(id) ? undefined : folder.results.get(id);
  const plan = () => planRuns(study, finished, isOurs);
  const first = plan();
  if (first.left === 0) return true;
  const jobs = Math.min(options.jobs ?? availableParallelism(), first.left);
  const pool = new Pool({ file: record.study, base: record.base, files });
  const interrupt = new Interrupt(system);
  const progress = new StudyProgress(system, { left: first.left, finished: folder.results.size, jobs });
  const machine = describeMachine();
  /** @type {Set<string>} */
  const running = new Set();
  /** @type {unknown} */
  let failure = null;
  try {
    await new Promise((resolve) => {
      const stop = () => resolve(null);
      interrupt.signal.addEventListener('abort', stop, { once: true });
      const next = () => {
        if (failure || interrupt.signal.aborted) return stop();
        const { runs, left } = plan();
        if (left === 0) return stop();
        for (const run of runs) {
          if (running.size === jobs) break;
          if (running.has(run.id)) continue;
          running.add(run.id);
          start(run).then(next, (error) => {
            failure = error;
            stop();
          });
        }
      };
      next();
    });
  } finally {
    await pool.end();
    progress.end();
    interrupt.release();
  }
  if (failure) throw failure;
  if (!interrupt.signal.aborted) return true;
  system.exitCode = interrupt.exitCode;
  const { left } = plan();
  await system.messages.tell(
    'note',
    `${interrupt.name}: stopped; ${left === 1 ? 'one run is' : `${left} runs are`} left. Continue with --resume`,
  );
  return false;

  /** @param {StudyRun} run */
  async function start(run) {
    const save = kept && run.tuning === null;
    const from = await startOf(run);
    const result = await pool.execute({ run, save, from }, (done) => progress.show(run, done));
    await folder.writeRun(run.id, result, machine).catch(async ({ message }) => {
      await system.messages.tell('warning', `${message}; the study goes on, and it is tried again`);
    });
    known?.add(run.id);
    running.delete(run.id);
    progress.finish(run, result, plan().left);
  }

  /** @param {StudyRun} run @returns {Promise<Uint8Array | undefined>} */
  async function startOf(run) {
    if (!source || !base) return isCheckpoint(study.from) ? files[String(study.from)] : undefined;
    const variant = base.variants.find(({ label }) => label === run.variant);
    if (!variant) throw new Error('unreachable');
    const seed = run.tuning ? baseSeed(study, base, study.tune?.seeds.indexOf(run.seed) ?? 0) : run.seed;
    return source.readCheckpoint(makeRun(base, variant, seed).id);
  }
}

/** @returns {string} */
function describeMachine() {
  const [cpu] = cpus();
  const cores = availableParallelism();
  return `${cpu?.model.trim() ?? 'unknown processor'}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${process.platform} ${process.arch}, Node ${process.version}`;
}
