import { signal } from '@preact/signals';

/**
 * The history of a run in bounded space: when a list is full, neighbours are merged (losses) or every second entry is
 * dropped (loads), so that two hours of training take no more memory than two minutes.
 */

const maxLosses = 2048;
const maxLoads = 256;
const maxMeasures = 512;
const maxHeldOut = 1024;

/**
 * @typedef {object} LossHistory
 * @property {number} every steps per training point
 * @property {number[]} steps last step of each training point
 * @property {number[]} train mean loss over these steps, nats
 * @property {number[]} smooth the same, smoothed
 * @property {number} pending sum of the losses of the next, incomplete point
 * @property {number} pendingCount
 * @property {{ step: number, loss: number }[]} heldOut
 *
 * @typedef {{ step: number, layers: number[][] }} LoadEntry the load of every expert in every layer
 * @typedef {{ every: number, entries: LoadEntry[] }} LoadHistory
 *
 * @typedef {import('./trainer/trainer-protocol.js').MeasuresEntry} MeasuresEntry
 * @typedef {{ every: number, entries: MeasuresEntry[] }} MeasuresHistory
 */

/** @typedef {{ losses: LossHistory, loads: LoadHistory, measures: MeasuresHistory }} PastHistory */

/** @returns {LossHistory} */
export function createLossHistory() {
  return { every: 1, steps: [], train: [], smooth: [], pending: 0, pendingCount: 0, heldOut: [] };
}

/**
 * @param {LossHistory} history changed
 * @param {number} lastStep the step of the last of the losses
 * @param {ArrayLike<number>} losses one per step, without gaps
 */
export function addLosses(history, lastStep, losses) {
  for (let i = 0; i < losses.length; i++) {
    history.pending += losses[i];
    history.pendingCount++;
    if (history.pendingCount < history.every) continue;
    addPoint(history, lastStep - losses.length + 1 + i, history.pending / history.pendingCount);
    history.pending = 0;
    history.pendingCount = 0;
  }
}

/**
 * @param {LossHistory} history
 * @param {number} step
 * @param {number} loss
 */
function addPoint(history, step, loss) {
  history.steps.push(step);
  history.train.push(loss);
  history.smooth.push(smoothed(history.smooth.at(-1), loss, history.every, step));
  if (history.steps.length < maxLosses) return;
  history.every *= 2;
  history.steps = history.steps.filter((_, i) => i % 2 === 1);
  history.train = pairMeans(history.train);
  history.smooth = history.smooth.filter((_, i) => i % 2 === 1);
}

/**
 * A running mean over about the last tenth of the run, at most over 50 steps: short at first, where the loss falls
 * fast.
 *
 * @param {number | undefined} before
 * @param {number} loss
 * @param {number} every
 * @param {number} step
 */
function smoothed(before, loss, every, step) {
  if (before === undefined) return loss;
  const span = Math.min(50, Math.max(1, step / 10));
  const keep = Math.exp(-every / span);
  return before * keep + loss * (1 - keep);
}

/** @param {number[]} values */
function pairMeans(values) {
  /** @type {number[]} */
  const means = [];
  for (let i = 1; i < values.length; i += 2) means.push((values[i - 1] + values[i]) / 2);
  return means;
}

/**
 * @param {LossHistory} history changed
 * @param {readonly { step: number, loss: number }[]} points
 */
export function addHeldOut(history, points) {
  history.heldOut.push(...points);
  // Always keep the last one, which the page shows as the current loss.
  while (history.heldOut.length > maxHeldOut) {
    history.heldOut = history.heldOut.filter((_, i, all) => (all.length - 1 - i) % 2 === 0);
  }
}

/**
 * The losses at a step.
 *
 * @param {LossHistory} history
 * @param {number} step
 * @returns {{ train: number | undefined, heldOut: { step: number, loss: number } | undefined }} train: smoothed; heldOut:
 *   the last one by then
 */
export function lossesAt({ steps, smooth, heldOut }, step) {
  const after = steps.findIndex((last) => last >= step);
  return {
    train: steps.length && step > 0 ? smooth.at(after) : undefined,
    heldOut: heldOut.findLast((one) => one.step <= step),
  };
}

/** @returns {LoadHistory} */
export function createLoadHistory() {
  return { every: 1, entries: [] };
}

/**
 * @param {LoadHistory} history changed
 * @param {LoadEntry} entry
 */
export function addLoad(history, entry) {
  addEntry(history, entry, maxLoads);
}

/** @returns {MeasuresHistory} */
export function createMeasuresHistory() {
  return { every: 1, entries: [] };
}

/**
 * @param {MeasuresHistory} history changed
 * @param {MeasuresEntry} entry
 */
export function addMeasures(history, entry) {
  addEntry(history, entry, maxMeasures);
}

/**
 * @template {{ step: number }} T
 * @param {{ every: number, entries: T[] }} history changed
 * @param {T} entry
 * @param {number} max entries
 */
function addEntry(history, entry, max) {
  const last = history.entries.at(-1);
  if (last && entry.step < last.step + history.every) return;
  history.entries.push(entry);
  if (history.entries.length < max) return;
  history.entries = history.entries.filter((_, i) => i % 2 === 0);
  history.every = Math.max(1, Math.round((entry.step - history.entries[0].step) / history.entries.length));
}

/**
 * The history of one model's training, as signals.
 */
export function createHistory() {
  const losses = signal(createLossHistory());
  const loads = signal(createLoadHistory());
  const measures = signal(createMeasuresHistory());

  return {
    signals: { losses, loads, measures },

    /** Starts the history of another model. @param {PastHistory} [past] what is known of it already */
    begin(past) {
      losses.value = past?.losses ?? createLossHistory();
      loads.value = past?.loads ?? createLoadHistory();
      measures.value = past?.measures ?? createMeasuresHistory();
    },

    /** @returns {PastHistory} the history so far; it must not grow any more */
    past: () => ({ losses: losses.peek(), loads: loads.peek(), measures: measures.peek() }),

    /**
     * @param {import('./trainer/trainer-protocol.js').Frame} frame
     * @param {readonly LoadEntry[]} load of its moments, and of the frame itself if it came with routing
     */
    add(frame, load) {
      const history = losses.peek();
      addLosses(history, frame.step, frame.losses);
      addHeldOut(history, frame.heldOut);
      losses.value = { ...history };
      if (frame.measures.length) {
        const measured = measures.peek();
        for (const entry of frame.measures) addMeasures(measured, entry);
        measures.value = { ...measured };
      }
      if (!load.length) return;
      const loaded = loads.peek();
      for (const entry of load) addLoad(loaded, entry);
      loads.value = { ...loaded };
    },
  };
}
