/** The results of a study: those of its runs, and what they say of its variants. */
import { checkFunction, refuse } from '../check.js';
import { quote } from '../message.js';
import { checkMade, checkResult, readDeep } from './arguments.js';
import { heldOutOf } from './data.js';
import { planRuns } from './plan.js';
import { meanInterval, pairedDifference } from './statistics.js';
import { listRuns } from './study.js';

/** @import { Comparison, DataFile, Finished, RunResult, Study, StudyResults, StudyRun, Summary, TunedVariant, VariantResult } from './types.js' */

/**
 * The results of a study.
 *
 * @param {Study} study that was read
 * @param {DataFile[]} data its files
 * @param {Finished} finished results of runs that are finished
 * @returns {StudyResults}
 */
export function makeResults(study, data, finished) {
  checkMade('study', study);
  checkFunction('finished', finished, 'a function that gives the result of a run');
  if (!Array.isArray(data)) refuse('data', 'an array of what describeFile returned', data, TypeError);
  /** @type {Finished} */
  const known = (id) => {
    const result = finished(id);
    return result && checkResult(`finished(${quote(id)})`, result);
  };
  const { tuning } = planRuns(study, known);
  const wanted = listRuns(study, tuning).map((run) => ({ run, result: known(run.id) }));
  return readDeep('finished(id)', 'the result of a run', () => summariseAll(study, data, tuning, wanted));
}

/**
 * @param {Study} study
 * @param {DataFile[]} data
 * @param {TunedVariant[]} tuning
 * @param {{ run: StudyRun, result: RunResult | undefined }[]} wanted
 * @returns {StudyResults}
 */
function summariseAll(study, data, tuning, wanted) {
  const runs = wanted.flatMap(({ result }) => result ?? []);
  const missing = wanted
    .filter(({ result }) => !result)
    .map(({ run }) => ({ variant: run.variant, seed: run.seed }));
  const comparisons = Math.max(1, study.variants.length - 1);
  const [first] = study.variants;
  const ofVariant = (/** @type {string} */ label) => runs.filter(({ variant }) => variant === label);
  return {
    format: 1,
    study: study.file,
    data,
    heldOut: heldOutOf(study),
    comparisons,
    ...(study.tune && { tuning }),
    runs,
    ...(missing.length > 0 && { missing }),
    variants: study.variants.map(({ label }) =>
      summarise(label, ofVariant(label), ofVariant(first.label), comparisons),
    ),
  };
}

/** @param {RunResult} run */
const isMeasured = (run) => !run.diverged;

/**
 * @param {string} label
 * @param {RunResult[]} all
 * @param {RunResult[]} first runs of the first variant
 * @param {number} comparisons
 * @returns {VariantResult}
 */
function summarise(label, all, first, comparisons) {
  const runs = all.filter(isMeasured);
  const ks = Object.keys(runs[0]?.byTopK ?? {});
  const diverged = all.length - runs.length;
  return {
    variant: label,
    seeds: runs.length,
    ...(diverged > 0 && { diverged }),
    validation: means(runs.map((run) => run.validation)),
    byTopK: Object.fromEntries(ks.map((k) => [k, means(runs.map((run) => run.byTopK[k]))])),
    routing: means(runs.map(({ routing }) => routing ?? {})),
    parameters: all[0]?.parameters ?? null,
    againstFirst:
      first[0]?.variant === label || first.length === 0 ? null : compare(runs, first, comparisons),
  };
}

/** @param {Record<string, unknown>[]} measured @returns {Summary} */
function means(measured) {
  const names = Object.keys(measured[0] ?? {}).filter((name) => name !== 'layers');
  /** @type {Summary} */
  const summary = {};
  for (const name of names) {
    const values = measured.map((values) => values[name]).filter((value) => typeof value === 'number');
    if (values.length > 0) summary[name] = meanInterval(values);
  }
  return summary;
}

/**
 * @param {RunResult[]} runs
 * @param {RunResult[]} first
 * @param {number} comparisons
 * @returns {Comparison | null}
 */
function compare(runs, first, comparisons) {
  const pairs = runs.flatMap((run) => {
    const other = first.find((candidate) => candidate.seed === run.seed && isMeasured(candidate));
    return other ? [{ run, other }] : [];
  });
  if (pairs.length === 0) return null;
  const differences = (
    /** @type {(run: RunResult) => Record<string, number | null>} */ measuresOf,
    /** @type {number} */ family,
  ) =>
    Object.fromEntries(
      Object.keys(measuresOf(pairs[0].run)).map((name) => {
        const values = (/** @type {'run' | 'other'} */ side) =>
          pairs.map((pair) => Number(measuresOf(pair[side])[name]));
        return [name, pairedDifference(values('run'), values('other'), family)];
      }),
    );
  const ks = Object.keys(pairs[0].run.byTopK).filter((k) => pairs[0].other.byTopK[k]);
  return {
    ...differences((run) => run.validation, comparisons),
    byTopK: Object.fromEntries(
      ks.map((k) => [k, differences((run) => run.byTopK[k], comparisons * ks.length)]),
    ),
  };
}

/**
 * Writes results as JSON: two spaces, numbers of an array on one line.
 *
 * @param {unknown} results or a part of them
 * @returns {string} with a line end
 */
export function formatResults(results) {
  const text = readDeep('results', 'what JSON can write', () => JSON.stringify(results, null, 2));
  if (text === undefined) refuse('results', 'what JSON can write', results, TypeError);
  // A string has no line end in JSON: what has one between brackets is an array.
  const lines = text.replace(
    /\[\n\s+(-?\d[^[\]{}"]*?)\n\s+\]/g,
    (_, numbers) => `[${numbers.replace(/,\n\s+/g, ', ')}]`,
  );
  return `${lines}\n`;
}
