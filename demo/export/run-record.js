/**
 * A run as plain data, to be kept as JSON: all that is needed to repeat it, and all that the page knows of it.
 *
 * @param {import('../run.js').Run} run
 */
export function runRecord(run) {
  const built = run.summary.peek();
  const { every, steps, train, smooth, heldOut } = run.losses.peek();
  return {
    task: run.task.name,
    settings: run.state.values.peek(),
    config: built?.config ?? null,
    parameterCount: built?.parameterCount ?? 0,
    trainableParameterCount: built?.trainableParameterCount ?? 0,
    data: built?.data ?? null,
    origin: run.origin.peek(),
    changes: run.changes.peek(),
    departures: run.departures.peek(),
    step: run.step.peek(),
    losses: { unit: `nats per ${run.task.per}`, every, steps, train, smooth },
    heldOut,
    measures: run.measures.peek().entries,
    loads: run.loads.peek().entries,
    lossByK: run.lossByK.peek(),
  };
}

/**
 * Several runs of one address, with what computed them. Numbers are written so that reading them gives the same bits.
 *
 * @param {readonly import('../run.js').Run[]} runs
 * @param {string} address
 */
export function runsAsJson(runs, address) {
  const info = runs.map(({ client }) => client.engine?.info).find(Boolean);
  const whole = {
    format: 'hyperrouter-wasm runs',
    formatVersion: 1,
    package: { name: 'hyperrouter-wasm', version: info?.version ?? null },
    engine: { variant: info?.variant ?? null, threads: info?.threads ?? null },
    address,
    runs: runs.map(runRecord),
  };
  return JSON.stringify(whole, plain, 1);
}

/**
 * Typed arrays as lists; JSON would make objects of them.
 *
 * @param {string} _key
 * @param {unknown} value
 */
function plain(_key, value) {
  return ArrayBuffer.isView(value) ? Array.from(/** @type {any} */ (value)) : value;
}
