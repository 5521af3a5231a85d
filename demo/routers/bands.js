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
