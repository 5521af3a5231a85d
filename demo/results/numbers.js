import { fixed } from '../format.js';
import { bandOf } from '../routers/bands.js';

/**
 * What the figures of a study show: its numbers, without how they are drawn.
 *
 * @typedef {import('./read.js').StudyResults} StudyResults
 * @typedef {import('./read.js').RunResult} RunResult
 * @typedef {import('./read.js').VariantResult} VariantResult
 * @typedef {{ mean: number | null, low: number | null, high: number | null }} Interval
 * @typedef {Interval & { agree: number, seeds: number, adjusted: { low: number | null, high: number | null } }} Difference
 *
 * @typedef {object} Measure
 * @property {string} key in the results
 * @property {string} words
 * @property {number} digits
 */

/** @type {readonly Measure[]} the first one that a study has is shown in figures; tables have all */
const measures = [
  { key: 'bitsPerByte', words: 'bits per byte', digits: 3 },
  { key: 'accuracy', words: 'accuracy', digits: 3 },
  { key: 'macroF1', words: 'macro F1', digits: 3 },
  { key: 'loss', words: 'loss in nats', digits: 3 },
];

/** @param {StudyResults} results @returns {Measure[]} those that its variants have */
export function measuresOf({ variants }) {
  return measures.filter(({ key }) => variants.some(({ validation }) => validation[key]));
}

/** @param {StudyResults} results */
export const nameOf = ({ study }) => String(study.name ?? 'study');

/** @param {number | null | undefined} value @param {number} digits */
export const say = (value, digits) => (value === null || value === undefined ? '–' : fixed(value, digits));

/** @param {number | null | undefined} value @param {number} digits */
export const signed = (value, digits) =>
  value === null || value === undefined ? '–' : `${value > 0 ? '+' : ''}${fixed(value, digits)}`;

/**
 * @param {{ low: number | null, high: number | null }} interval
 * @param {(value: number | null, digits: number) => string} format
 * @param {number} digits
 */
export const range = ({ low, high }, format, digits) =>
  low === null || high === null ? 'no interval' : `${format(low, digits)} to ${format(high, digits)}`;

/**
 * The held-out values of a variant, by seed.
 *
 * @param {StudyResults} results
 * @param {string} variant
 * @param {string} measure
 * @returns {number[]}
 */
export const valuesOf = ({ runs }, variant, measure) =>
  runs.flatMap((run) => {
    const value = run.variant === variant ? run.validation[measure] : null;
    return typeof value === 'number' ? [value] : [];
  });

/**
 * The differences of a variant from the first one, by seed.
 *
 * @param {StudyResults} results
 * @param {string} variant
 * @param {string} measure
 * @returns {number[]}
 */
export function differencesOf({ runs, variants }, variant, measure) {
  const [first] = variants;
  const bySeed = new Map(
    runs.flatMap((run) => (run.variant === first.variant ? [[run.seed, run.validation[measure]]] : [])),
  );
  return runs.flatMap((run) => {
    const [one, other] = [run.validation[measure], bySeed.get(run.seed)];
    return run.variant === variant && typeof one === 'number' && typeof other === 'number'
      ? [one - other]
      : [];
  });
}

/**
 * @param {VariantResult} variant
 * @param {string} measure
 * @returns {Difference | null}
 */
export const differenceOf = ({ againstFirst }, measure) => againstFirst?.[measure] ?? null;

/**
 * What a difference says, and no more than its interval does.
 *
 * @param {Difference} difference
 * @param {string} first label of the first variant
 * @param {number} digits
 */
export function verdictOf({ mean, adjusted, agree, seeds }, first, digits) {
  if (mean === null || adjusted.low === null || adjusted.high === null)
    return `too few seeds to tell it from ${first}`;
  if (adjusted.low <= 0 && adjusted.high >= 0) return `not told apart from ${first}`;
  const side = mean < 0 ? 'lower' : 'higher';
  return `${side} than ${first} by ${fixed(Math.abs(mean), digits)}, in ${agree} of ${seeds} seeds`;
}

/**
 * The learning curves of a variant: means over its seeds with their range.
 *
 * @param {StudyResults} results
 * @param {string} variant
 */
export function curvesOf({ runs }, variant) {
  const own = runs.filter((run) => run.variant === variant);
  const seriesOf = (/** @type {[number, number][]} */ points) => ({
    steps: points.map(([step]) => step),
    values: points.map(([, value]) => value),
  });
  const band = (/** @type {'training' | 'validations'} */ key) =>
    own.length ? bandOf(own.map((run) => seriesOf(run[key]))) : { steps: [], values: [] };
  return { training: band('training'), heldOut: band('validations') };
}

/** @param {StudyResults} results @returns {number[]} the numbers of experts per token with which variants were measured */
export function ksOf({ variants }) {
  const all = new Set(variants.flatMap(({ byTopK }) => Object.keys(byTopK).map(Number)));
  return [...all].sort((a, b) => a - b);
}

/**
 * Round numbers for an axis.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} [about] how many
 * @returns {number[]}
 */
export function ticksOf(low, high, about = 4) {
  const rough = (high - low) / about;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((one) => one * power >= rough) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(digits)));
}
