/** The report of a study in Markdown. */
import { checkObject } from '../check.js';
import { readDeep } from './arguments.js';

/** @import { Difference, Interval, StudyResults, Times } from './types.js' */

/** @typedef {{ name: string, label: string, digits: number, scale?: number, unit?: string, more?: boolean }} Measure more: more is better */

/** @type {Record<string, Measure>} */
const MEASURES = {
  loss: { name: 'loss', label: 'loss (nats)', digits: 4 },
  bitsPerByte: { name: 'bitsPerByte', label: 'bits per byte', digits: 4 },
  accuracy: { name: 'accuracy', label: 'accuracy (%)', digits: 2, scale: 100, more: true },
  macroF1: { name: 'macroF1', label: 'macro F1 (%)', digits: 2, scale: 100, more: true },
};

/** Routing measures, in words. */
const ROUTING = {
  entropy: 'router entropy',
  maxLoad: 'max load',
  loadVariation: 'load variation',
  expertSimilarity: 'expert similarity',
  specialisation: 'specialisation',
  expertsPerToken: 'experts per token',
  droppedShare: 'dropped share',
  withoutExpert: 'without expert',
};

/** @param {string} text of a cell */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) => [
  `| ${head.map(cell).join(' | ')} |`,
  `|${head.map((_, i) => (i === 0 ? ' --- |' : ' ---: |')).join('')}`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
  '',
];

/** @param {number} value @param {Measure} measure @param {boolean} [signed] */
function format(value, { digits, scale = 1 }, signed = false) {
  const text = (value * scale).toFixed(digits);
  const zero = Number(text) === 0;
  const shown = zero ? text.replace('-', '') : text.replace('-', '−');
  return signed && !zero && value > 0 ? `+${shown}` : shown;
}

/** @param {{ low: number | null, high: number | null }} interval @param {Measure} measure @param {boolean} [signed] */
function range({ low, high }, measure, signed) {
  if (low !== null && low === high) return 'equal in all seeds';
  return low === null || high === null
    ? '–'
    : `${format(low, measure, signed)} to ${format(high, measure, signed)}`;
}

/** @param {Interval | undefined} interval @param {Measure} measure */
function withRange(interval, measure) {
  if (!interval || interval.mean === null) return '–';
  const mean = format(interval.mean, measure);
  return interval.low === null ? mean : `${mean} (${range(interval, measure)})`;
}

/**
 * What a difference shows. "Better" and "worse" are said only where the interval, corrected for the number of comparisons, does
 * not contain 0.
 *
 * @param {Difference | undefined} difference
 * @param {Measure} measure
 */
function verdict(difference, { more = false }) {
  if (!difference || difference.mean === null) return 'not measured';
  const { mean, low, high, adjusted } = difference;
  if (low === null || adjusted.low === null || adjusted.high === null) return 'one seed: no interval';
  if (low === high)
    return mean === 0 ? 'the same in every seed' : 'differs equally in every seed: no interval';
  if (adjusted.low <= 0 && adjusted.high >= 0) return 'no difference shown';
  return mean < 0 === more ? 'worse' : 'better';
}

/**
 * Writes the report of a study.
 *
 * @param {StudyResults} results of the study
 * @param {Times | null} [times] how long its runs took; null: not known
 * @returns {string} Markdown
 */
export function writeReport(results, times = null) {
  checkObject('results', results);
  checkObject('results.study', results.study);
  if (times !== null) checkObject('times', times);
  const main = MEASURES[results.study.task === 'classify' ? 'accuracy' : 'loss'];
  const parts = readDeep('results', 'what makeResults returned', () => [
    ...introduction(results),
    ...comparison(results, main),
    ...byTopK(results, main),
    ...routing(results),
    ...parameters(results),
    ...tuning(results),
  ]);
  const last = readDeep('times', 'what machine.json has', () => time(results, times));
  return [...parts, ...last, ...repeating()].join('\n');
}

/** @param {StudyResults} results */
function introduction({ study, data, heldOut, runs, missing, variants, comparisons }) {
  const files = data.map(({ file, bytes }) => `\`${file}\` (${bytes.toLocaleString('en')} bytes)`).join(', ');
  const seeds = study.seeds ?? [1];
  const steps = [...new Set(runs.map(({ settings }) => settings.train.steps))];
  const lines = [
    `# ${study.name ?? 'study'}`,
    '',
    `${variants.length} ${variants.length === 1 ? 'variant' : 'variants'}, ` +
      `${seeds.length === 1 ? `one seed (${seeds[0]})` : `${seeds.length} seeds (${seeds.join(', ')})`}` +
      `${steps.length > 0 ? `, ${steps.join(' or ')} steps` : ''}. Data: ${files}.`,
    '',
  ];
  if (missing) {
    const list = missing.map(({ variant, seed }) => `${variant}, seed ${seed}`);
    const shown = list.length > 12 ? `${list.slice(0, 12).join('; ')}; …` : list.join('; ');
    lines.push(
      `**Not finished**: ${missing.length} of ${missing.length + runs.length} runs are missing (${shown}). The figures are those of the others.`,
      '',
    );
  }
  const diverged = runs.filter((run) => run.diverged);
  if (diverged.length > 0) {
    const list = diverged
      .map((run) => `${run.variant}, seed ${run.seed}, at step ${run.diverged}`)
      .join('; ');
    lines.push(`**Diverged**: ${list}. These runs are in no mean.`, '');
  }
  lines.push(
    `Measured on the ${describePart(heldOut.measured)}` +
      (heldOut.chosen
        ? `; what was tuned or stopped early was chosen on the ${describePart(heldOut.chosen)}.`
        : '.'),
    '',
  );
  const cut = Math.max(0, ...runs.map(({ texts }) => texts?.cut ?? 0));
  const replaced = Math.max(0, ...runs.map(({ texts }) => texts?.replaced ?? 0));
  if (cut > 0) lines.push(`${cut} texts are longer than the context, and were cut.`, '');
  if (replaced > 0) {
    lines.push(
      `In ${replaced} texts, characters that the vocabulary does not have were replaced by spaces.`,
      '',
    );
  }
  if (seeds.length === 1) lines.push('With one seed there are no intervals, and nothing is compared.', '');
  else {
    lines.push(
      'Ranges in brackets are 95 % t intervals of the mean over the seeds. Differences are paired: each seed of a variant with the same ' +
        `seed of the first one. The corrected interval holds for ${comparisons === 1 ? 'the one comparison' : `all ${comparisons} comparisons`} together ` +
        `(Bonferroni: each at ${level(comparisons)} %). Only where it does not contain 0 is a variant called better or worse.`,
      '',
    );
  }
  return lines;
}

/** @param {string} part */
const describePart = (part) =>
  `${part.replace('validation', 'validation data').replace(/^test$/, 'test data')}`;

/** @param {number} comparisons @returns {string} the level of each interval, in per cent */
const level = (comparisons) => Number((100 * (1 - 0.05 / comparisons)).toPrecision(5)).toString();

/** @param {StudyResults} results @param {Measure} main */
function comparison({ variants }, main) {
  const measured = Object.values(MEASURES).filter(({ name }) =>
    variants.some(({ validation }) => validation[name]),
  );
  if (measured.length === 0) return [];
  const lines = [
    '## Held-out results',
    '',
    ...table(
      ['variant', 'seeds', ...measured.map(({ label }) => label)],
      variants.map(({ variant, seeds, validation }) => [
        variant,
        String(seeds),
        ...measured.map((measure) => withRange(validation[measure.name], measure)),
      ]),
    ),
  ];
  if (variants.length < 2) return lines;
  const [first, ...others] = variants;
  lines.push(`## Differences from ${first.variant}`, '');
  lines.push(
    ...table(
      [`variant`, main.label, '95 % interval', 'corrected interval', 'seeds that agree', 'shown'],
      others.map(({ variant, againstFirst }) => differenceRow(variant, againstFirst?.[main.name], main)),
    ),
  );
  for (const measure of measured.filter(({ name }) => name !== main.name)) {
    const cells = others.map(({ variant, againstFirst }) => {
      const difference = againstFirst?.[measure.name];
      const mean = difference?.mean;
      return `${variant} ${typeof mean === 'number' ? `${format(mean, measure, true)} (${range(difference, measure, true)})` : '–'}`;
    });
    lines.push(`Differences in ${measure.label}, with their 95 % intervals: ${cells.join('; ')}.`, '');
  }
  return lines;
}

/** @param {string} label @param {Difference | undefined} difference @param {Measure} measure */
function differenceRow(label, difference, measure) {
  if (!difference || difference.mean === null)
    return [label, '–', '–', '–', '–', verdict(difference, measure)];
  return [
    label,
    format(difference.mean, measure, true),
    range(difference, measure, true),
    range(difference.adjusted, measure, true),
    `${difference.agree} of ${difference.seeds}`,
    verdict(difference, measure),
  ];
}

/** @param {StudyResults} results @param {Measure} main */
function byTopK({ variants, comparisons }, main) {
  const ks = [...new Set(variants.flatMap((variant) => Object.keys(variant.byTopK)))].sort(
    (a, b) => Number(a) - Number(b),
  );
  if (ks.length === 0) return [];
  const routed = variants.filter(({ byTopK }) => Object.keys(byTopK).length > 0);
  const lines = [
    `## ${main.more ? 'Accuracy' : 'Loss'} by experts per token (k)`,
    '',
    ...table(
      ['variant', ...ks.map((k) => `k = ${k}`)],
      routed.map(({ variant, byTopK }) => [
        variant,
        ...ks.map((k) => withRange(byTopK[k]?.[main.name], main)),
      ]),
    ),
  ];
  const compared = variants.filter(({ againstFirst }) => Object.keys(againstFirst?.byTopK ?? {}).length > 0);
  if (compared.length === 0) return lines;
  const family = comparisons * ks.length;
  lines.push(
    `Differences from ${variants[0].variant} in ${main.label}. The corrected intervals hold for all ${family} together (each at ${level(family)} %).`,
    '',
    ...table(
      ['variant', 'k', 'difference', '95 % interval', 'corrected interval', 'seeds that agree', 'shown'],
      compared.flatMap(({ variant, againstFirst }) =>
        Object.entries(againstFirst?.byTopK ?? {}).map(([k, differences]) => {
          const [label, ...rest] = differenceRow(variant, differences[main.name], main);
          return [label, k, ...rest];
        }),
      ),
    ),
  );
  return lines;
}

/** @param {StudyResults} results */
function routing({ variants }) {
  const routed = variants.filter((variant) => Object.keys(variant.routing).length > 0);
  if (routed.length === 0) return [];
  const names = Object.entries(ROUTING).filter(([name]) => routed.some((variant) => variant.routing[name]));
  const measure = { name: '', label: '', digits: 3 };
  return [
    '## Routing',
    '',
    'Means over layers and seeds, on the beginning of the measured data.',
    '',
    ...table(
      ['variant', ...names.map(([, label]) => label)],
      routed.map((variant) => [
        variant.variant,
        ...names.map(([name]) => {
          const mean = variant.routing[name]?.mean;
          return typeof mean === 'number' ? format(mean, measure) : '–';
        }),
      ]),
    ),
  ];
}

/** @param {StudyResults} results */
function parameters({ variants }) {
  const count = (/** @type {number | undefined} */ n) => (n === undefined ? '–' : n.toLocaleString('en'));
  return [
    '## Parameters',
    '',
    'Active are those that compute a token: of the experts as many as it is routed to; of a hypernetwork the R and b that it generates.',
    '',
    ...table(
      ['variant', 'total', 'active', 'trained'],
      variants.map(({ variant, parameters: n }) => [
        variant,
        count(n?.total),
        count(n?.active),
        count(n?.trainable),
      ]),
    ),
  ];
}

/** @param {StudyResults} results */
function tuning({ study, tuning: tuned }) {
  if (!tuned) return [];
  const { seeds, steps, search = 'grid' } = study.tune;
  const values = (/** @type {Record<string, unknown>} */ chosen) =>
    Object.entries(chosen)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ') || '–';
  return [
    '## Tuning',
    '',
    `For each variant, the values with the smallest mean held-out loss over ${seeds.length === 1 ? `seed ${seeds[0]}` : `the seeds ${seeds.join(', ')}`}` +
      `${steps ? `, after ${steps} steps` : ''} were taken (${search === 'grid' ? 'all combinations' : 'one key after the other'} of ${describeTried(study.tune)}). ` +
      'Keys that a variant sets itself, or that have no effect on it, are not tuned.',
    '',
    ...table(
      ['variant', 'chosen', 'loss', 'of', 'not tuned', 'at the edge of its list'],
      tuned.map(({ variant, chosen, points, skipped, edge }) => [
        variant,
        values(chosen),
        points.length > 0 ? lossOf(points, chosen) : '–',
        String(points.length),
        skipped.join(', ') || '–',
        edge.join(', ') || '–',
      ]),
    ),
  ];
}

/** @param {Record<string, any>} tune */
function describeTried(tune) {
  const keys = Object.keys(tune).filter((key) => !['seeds', 'steps', 'search'].includes(key));
  return keys.map((key) => `${key} ${tune[key].join(', ')}`).join('; ');
}

/** @param {{ values: Record<string, unknown>, loss: number | null }[]} points @param {Record<string, unknown>} chosen */
function lossOf(points, chosen) {
  const point = points.find(({ values }) => JSON.stringify(values) === JSON.stringify(chosen));
  return point && point.loss !== null ? point.loss.toFixed(4) : 'diverged';
}

/** @param {StudyResults} results @param {Times | null} times */
function time({ variants }, times) {
  if (!times || times.runs.length === 0) return [];
  const mean = (/** @type {number[]} */ values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = variants.flatMap(({ variant }) => {
    const seconds = times.runs
      .filter((run) => run.variant === variant && !run.id.startsWith('tune-'))
      .map((run) => run.seconds);
    return seconds.length > 0 ? [[variant, String(seconds.length), mean(seconds).toFixed(1)]] : [];
  });
  const total = times.runs.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    '## Time',
    '',
    `${(total / 3600).toFixed(2)} hours of one core in all, with tuning. Machines: ${times.machines.join('; ')}.`,
    '',
    ...table(['variant', 'runs', 'seconds a run'], rows),
  ];
}

/** @returns {string[]} */
function repeating() {
  return [
    '## Repeating it',
    '',
    '`results.json` has the study, the fingerprints of its data, and of each run all settings and the fingerprint of its final parameters. ' +
      '`npx hyperrouter-wasm study` with the same study and data gives the same file, to the last bit, on any machine.',
    '',
  ];
}
