/**
 * The mean of several runs, and how far they spread.
 *
 * @typedef {object} Series
 * @property {readonly number[]} steps ascending
 * @property {readonly number[]} values
 *
 * @typedef {Series & { low?: readonly number[], high?: readonly number[] }} Band values: means; low, high: the least
 *   and the most, left out where there is one run only
 */

/**
 * @param {readonly Series[]} runs
 * @returns {Band} at the steps that all runs have
 */
export function bandOf(runs) {
  if (runs.length === 1) return { steps: runs[0].steps, values: runs[0].values };
  /** @type {{ steps: number[], values: number[], low: number[], high: number[] }} */
  const band = { steps: [], values: [], low: [], high: [] };
  const at = runs.map(() => 0);
  while (runs.length && runs.every(({ steps }, i) => at[i] < steps.length)) {
    const step = Math.max(...runs.map(({ steps }, i) => steps[at[i]]));
    const together = runs.every(({ steps }, i) => steps[at[i]] === step);
    if (together) {
      const values = runs.map((run, i) => run.values[at[i]]);
      band.steps.push(step);
      band.values.push(values.reduce((sum, value) => sum + value, 0) / values.length);
      band.low.push(Math.min(...values));
      band.high.push(Math.max(...values));
    }
    runs.forEach(({ steps }, i) => {
      if (together || steps[at[i]] < step) at[i]++;
    });
  }
  return band;
}

/**
 * @param {Band} band
 * @param {(value: number) => number} change that keeps the order of numbers
 * @returns {Band}
 */
export function mapBand({ steps, values, low, high }, change) {
  return { steps, values: values.map(change), low: low?.map(change), high: high?.map(change) };
}

/**
 * @param {readonly (number | null | undefined)[]} values
 * @returns {number | undefined} undefined where not all are there
 */
export function meanOf(values) {
  let sum = 0;
  for (const value of values) {
    if (value === null || value === undefined) return undefined;
    sum += value;
  }
  return values.length ? sum / values.length : undefined;
}

/**
 * The last value of a band in words, and how far the runs spread about it.
 *
 * @param {Band} band
 * @param {(value: number | undefined) => string} format
 */
export function lastInWords({ values, low, high }, format) {
  const spread = low?.length && high?.length ? ` (${format(low.at(-1))} to ${format(high.at(-1))})` : '';
  return `${format(values.at(-1))}${spread}`;
}

/**
 * @param {string} title
 * @param {Band} band
 * @returns {{ title: string, steps: readonly number[], values: readonly number[] }[]} columns of a table
 */
export function columnsOf(title, { steps, values, low, high }) {
  if (!low || !high) return [{ title, steps, values }];
  return [
    { title: `${title}, mean`, steps, values },
    { title: `${title}, lowest`, steps, values: low },
    { title: `${title}, highest`, steps, values: high },
  ];
}

/** @param {number} seeds @returns {string} a sentence on what is drawn; empty for one seed */
export const bandWords = (seeds) =>
  seeds > 1 ? ` Means of ${seeds} seeds; shaded from the lowest to the highest.` : '';

/**
 * The held-out loss for every k of a router: the mean over its runs, where all have come so far.
 *
 * @param {readonly (import('../session/session.js').LossByK | null)[]} scans
 * @returns {import('../session/session.js').LossByK | null} null where one of them has none
 */
export function meanScan(scans) {
  const [first, ...others] = scans;
  if (!first || others.some((scan) => scan?.step !== first.step)) return null;
  const points = first.points.flatMap(({ topK }) => {
    const loss = meanOf(scans.map((scan) => scan?.points.find((point) => point.topK === topK)?.loss));
    return loss === undefined ? [] : [{ topK, loss }];
  });
  return { step: first.step, points };
}

/** Earlier, the models are further apart than they ever are again. */
const firstGap = 50;

/**
 * By how much each model's held-out loss is above the mean of all, where all were looked at at the same step.
 *
 * @template {string} R
 * @param {readonly { router: R, heldOut: readonly { step: number, loss: number }[] }[]} runs
 * @returns {{ router: R, steps: number[], values: number[] }[]} nats
 */
export function gapsOf(runs) {
  const looks = runs.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss])));
  const steps = [...(looks[0]?.keys() ?? [])].filter(
    (step) => step >= firstGap && looks.every((look) => look.has(step)),
  );
  const at = (/** @type {Map<number, number>} */ look, /** @type {number} */ step) => Number(look.get(step));
  const means = steps.map((step) => looks.reduce((sum, look) => sum + at(look, step), 0) / looks.length);
  return runs.map(({ router }, run) => ({
    router,
    steps,
    values: steps.map((step, i) => at(looks[run], step) - means[i]),
  }));
}
