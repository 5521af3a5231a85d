/** What is to be run next: first the runs that tune a variant, then those whose results are compared. */
import { checkFunction } from '../check.js';
import { checkMade } from './arguments.js';
import { makeRun } from './study.js';

/** @import { Finished, Plan, Settings, Study, StudyRun, TunedVariant, Variant } from './types.js' */

/**
 * What is to be run next.
 *
 * @param {Study} study that was read
 * @param {Finished} finished gives the results of finished runs
 * @param {(index: { variant: number, seed: number }) => boolean} [isOurs] which runs are wanted, by their places in variants and
 *   seeds; default: all
 * @returns {Plan}
 */
export function planRuns(study, finished, isOurs = () => true) {
  checkMade('study', study);
  checkFunction('finished', finished, 'a function that gives the result of a run');
  checkFunction('isOurs', isOurs, 'a function that says whether a run is wanted');
  /** @type {Plan} */
  const plan = { runs: [], tuning: [], left: 0 };
  study.variants.forEach((variant, index) => {
    const seeds = study.seeds.filter((_, seed) => isOurs({ variant: index, seed }));
    if (seeds.length === 0) return;
    const { pending, more, tuned } = planTuning(study, variant, finished);
    plan.runs.push(...pending);
    plan.left += pending.length + more;
    if (tuned && study.tune) plan.tuning.push(tuned);
    for (const seed of seeds) {
      const run = makeRun(study, variant, seed, { chosen: tuned?.chosen });
      if (finished(run.id)) continue;
      plan.left++;
      if (tuned) plan.runs.push(run);
    }
  });
  return plan;
}

/**
 * @param {Study} study
 * @param {Variant} variant
 * @param {Finished} finished
 * @returns {{ pending: StudyRun[], more: number, tuned: TunedVariant | null }} more: runs that are known after those
 */
function planTuning(study, variant, finished) {
  const { tune } = study;
  const keys = variant.tuned;
  const skipped = Object.keys(tune?.values ?? {}).filter((key) => !keys.includes(key));
  /** @type {TunedVariant} */
  const tuned = { variant: variant.label, chosen: {}, points: [], skipped, edge: [] };
  if (!tune || keys.length === 0) return { pending: [], more: 0, tuned };
  const stages = tune.search === 'grid' ? [keys] : keys.map((key) => [key]);
  for (const [number, stage] of stages.entries()) {
    /** @type {Settings[]} */
    const points = stage.reduce(
      (before, key) =>
        before.flatMap((point) => tune.values[key].map((value) => ({ ...point, [key]: value }))),
      [tuned.chosen],
    );
    const tried = points.map((values) => {
      const runs = tune.seeds.map((seed) => makeRun(study, variant, seed, { tuning: values }));
      return { values, runs, results: runs.map(({ id }) => finished(id)) };
    });
    const pending = tried.flatMap(({ runs, results }) => runs.filter((_, i) => !results[i]));
    if (pending.length > 0) {
      const later = stages.slice(number + 1).map(([key]) => tune.values[key].length * tune.seeds.length);
      return { pending, more: later.reduce((sum, count) => sum + count, 0), tuned: null };
    }
    const measured = tried.map(({ values, results }) => {
      const losses = results.map((result) => result?.validation.loss ?? null);
      const known = losses.filter((loss) => loss !== null);
      const mean = known.reduce((sum, loss) => sum + loss, 0) / losses.length;
      return { values, losses, loss: known.length === losses.length ? mean : null };
    });
    tuned.points.push(...measured);
    // The first of equal ones; where all diverged, the first.
    const best = measured.reduce((a, b) => ((b.loss ?? Infinity) < (a.loss ?? Infinity) ? b : a));
    tuned.chosen = best.values;
  }
  tuned.edge = keys.filter((key) => {
    const values = tune.values[key];
    const at = values.indexOf(tuned.chosen[key]);
    return values.length > 2 && (at === 0 || at === values.length - 1);
  });
  return { pending: [], more: 0, tuned };
}
