import { signal } from '@preact/signals';

/**
 * The runs of this visit: each time another model takes the place of one that has learned something, that one is kept.
 *
 * @typedef {import('../schema.js').Values} Values
 *
 * @typedef {object} Thumbnail a small picture of what a model does
 * @property {string} name
 * @property {number} width in cells
 * @property {readonly string[]} fills colours of the cells, row by row
 *
 * @typedef {object} KeptRun
 * @property {number} number from 1, in the order in which they were kept
 * @property {Values} values the settings that its model was built with
 * @property {Values} live the settings that could change in training, as they were at the end
 * @property {number} step
 * @property {import('../format.js').Per} per what its losses are averaged over
 * @property {import('../history.js').LossHistory} losses
 * @property {readonly Thumbnail[]} thumbnails
 * @property {boolean} compared whether its losses are in the chart
 * @property {KeptModel | null} model null: it was too large to keep, or it diverged
 *
 * @typedef {{ past: import('./session.js').Past, record: import('../record.js').PastRecord }} KeptModel
 */

const maxRuns = 8;
/** As many curves can be told apart. */
const maxCompared = 3;
/** Losses. Shorter curves are not worth comparing by themselves. */
const minCurve = 30;
/** Of a model: it is kept with its optimizer, that is twelve bytes for each parameter. */
const maxParameters = 2e6;
/** Of all models. Of the oldest runs beyond, only what was shown of them is kept. */
const maxBytes = 64e6;

/**
 * @param {(one: Values, other: Values) => boolean} isSame whether a model is built the same with both
 */
export function createRuns(isSame) {
  const runs = signal(/** @type {readonly KeptRun[]} the latest last */ ([]));
  let last = 0;

  return {
    runs,
    /** @param {number} parameters of a model */
    hasRoom: (parameters) => parameters <= maxParameters,

    /** @param {Omit<KeptRun, 'number' | 'compared'>} run */
    keep(run) {
      const others = runs
        .peek()
        .filter(({ values, step }) => step !== run.step || !isSame(values, run.values));
      const compared = run.losses.steps.length >= minCurve;
      const all = [...others, { ...run, number: ++last, compared }].slice(-maxRuns);
      runs.value = withinMemory(compared ? withFewCurves(all) : all);
    },

    /** The last run with these settings. @param {Values} values */
    findBy: (values) => runs.peek().findLast((run) => isSame(run.values, values)),

    /** @param {number} number */
    find: (number) => runs.peek().find((run) => run.number === number),

    /** @param {KeptRun} run */
    remove(run) {
      runs.value = runs.peek().filter(({ number }) => number !== run.number);
    },

    /**
     * @param {KeptRun} run
     * @param {boolean} compared
     */
    compare(run, compared) {
      const all = runs.peek().map((one) => (one.number === run.number ? { ...one, compared } : one));
      runs.value = withFewCurves(all, run.number);
    },
  };
}

/**
 * @param {readonly KeptRun[]} runs
 * @param {number} [chosen] its curve stays
 */
function withFewCurves(runs, chosen) {
  const compared = runs.filter((run) => run.compared && run.number !== chosen);
  const most = maxCompared - Number(runs.some((run) => run.compared && run.number === chosen));
  const dropped = new Set(compared.slice(0, Math.max(0, compared.length - most)));
  return runs.map((run) => (dropped.has(run) ? { ...run, compared: false } : run));
}

/** @param {readonly KeptRun[]} runs */
function withinMemory(runs) {
  let bytes = 0;
  return runs
    .toReversed()
    .map((run) => {
      bytes += run.model?.past.bytes.length ?? 0;
      return bytes > maxBytes ? { ...run, model: null } : run;
    })
    .toReversed();
}
