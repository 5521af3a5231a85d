/**
 * The mean and the range of several runs.
 *
 * @typedef {object} Series
 * @property {readonly number[]} steps ascending
 * @property {readonly number[]} values
 *
 * @typedef {Series & { low?: readonly number[], high?: readonly number[] }} Band values: means; low, high: minimum
 *   and maximum, absent for a single run
 */

/**
 * @param {readonly Series[]} runs
 * @returns {Band} at the steps that all runs have in common
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
 * @param {(value: number) => number} change monotonic
 * @returns {Band}
 */
export function mapBand({ steps, values, low, high }, change) {
  return { steps, values: values.map(change), low: low?.map(change), high: high?.map(change) };
}

/**
 * @param {readonly (number | null | undefined)[]} values
 * @returns {number | undefined} undefined if one is missing
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
 * The last value of a band in words, with its range.
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

/** @param {number} seeds @returns {string} for captions; empty for one seed */
export const bandWords = (seeds) => (seeds > 1 ? ` Mean of ${seeds} seeds; shaded: range.` : '');

/**
 * The mean held-out loss of a router for every k that all its runs have measured.
 *
 * @param {readonly (import('../session/session.js').LossByK | null)[]} scans
 * @returns {import('../session/session.js').LossByK | null} null if one is missing, or of another step
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

/** At earlier steps the models differ more than ever after. */
const firstGapStep = 50;

/**
 * The held-out loss of each model minus the mean over all models, at the steps at which all were evaluated.
 *
 * @template {string} R
 * @param {readonly { router: R, heldOut: readonly { step: number, loss: number }[] }[]} runs
 * @returns {{ router: R, steps: number[], values: number[] }[]} nats
 */
export function gapsOf(runs) {
  const losses = runs.map(({ heldOut }) => new Map(heldOut.map(({ step, loss }) => [step, loss])));
  const steps = [...(losses[0]?.keys() ?? [])].filter(
    (step) => step >= firstGapStep && losses.every((byStep) => byStep.has(step)),
  );
  const at = (/** @type {Map<number, number>} */ byStep, /** @type {number} */ step) =>
    Number(byStep.get(step));
  const means = steps.map(
    (step) => losses.reduce((sum, byStep) => sum + at(byStep, step), 0) / losses.length,
  );
  return runs.map(({ router }, run) => ({
    router,
    steps,
    values: steps.map((step, i) => at(losses[run], step) - means[i]),
  }));
}
