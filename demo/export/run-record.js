/**
 * Runs as plain data for a JSON file: everything that is needed to repeat them, and everything the page knows about them.
 */

/**
 * @typedef {object} RunHistory the history of a run, as signals
 * @property {import('@preact/signals').ReadonlySignal<import('../trainer/trainer-protocol.js').Summary | null>} summary
 * @property {import('@preact/signals').ReadonlySignal<number>} step
 * @property {import('@preact/signals').ReadonlySignal<import('../history.js').LossHistory>} losses
 * @property {import('@preact/signals').ReadonlySignal<import('../history.js').MeasuresHistory>} measures
 * @property {import('@preact/signals').ReadonlySignal<import('../history.js').LoadHistory>} loads
 * @property {import('@preact/signals').ReadonlySignal<object | null>} lossByK
 *
 * @typedef {object} Engine
 * @property {{ variant: string, threads: number, version: string }} info
 */

/**
 * @param {RunHistory} history
 * @param {import('../run.js').Run['task']['per']} per what the loss is averaged over
 */
export function historyRecord({ summary, step, losses, measures, loads, lossByK }, per) {
  const { config, parameterCount, trainableParameterCount, data } = summary.peek() ?? {};
  const { every, steps, train, smooth, heldOut } = losses.peek();
  return {
    config,
    parameterCount,
    trainableParameterCount,
    data,
    step: step.peek(),
    losses: {
      unit: per === 'value' ? 'mean squared error, standardised' : `nats per ${per}`,
      every,
      steps,
      train,
      smooth,
    },
    heldOut,
    measures: measures.peek().entries,
    loads: loads.peek().entries,
    lossByK: lossByK.peek(),
  };
}

/** @param {import('../run.js').Run} run */
export function runRecord(run) {
  return {
    task: run.taskName(),
    settings: run.state.values.peek(),
    origin: run.origin.peek(),
    changes: run.changes.peek(),
    departures: run.departures.peek(),
    ...historyRecord(run, run.task.per),
  };
}

/**
 * The runs of one link, with the version of the engine that computed them. Reading the numbers gives the same bits.
 *
 * @param {{ records: readonly object[], address: string, engine: Engine | undefined }} what
 */
export function toJson({ records, address, engine }) {
  const { version, variant, threads } = engine?.info ?? {};
  const whole = {
    format: 'hyperrouter-wasm runs',
    formatVersion: 1,
    package: { name: 'hyperrouter-wasm', version },
    engine: { variant, threads },
    address,
    runs: records,
  };
  return JSON.stringify(whole, plain, 1);
}

/**
 * Writes typed arrays as lists; JSON.stringify would write them as objects.
 *
 * @param {string} _key
 * @param {unknown} value
 */
function plain(_key, value) {
  return ArrayBuffer.isView(value) ? Array.from(/** @type {any} */ (value)) : value;
}
