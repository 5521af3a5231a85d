/**
 * How large the models are, and how much of one works on a single token.
 *
 * @param {import('../worker/protocol.js').Summary} summary of a model
 * @param {Pick<import('./settings.js').RouterOption, 'traits'>} router of it
 * @returns {{ all: number, learned: number, active: number }} numbers (parameters); active: those that a token meets.
 *   The frozen hypernetwork makes a router once for all tokens; only that router is counted
 */
export function parametersOf({ config, topK, parameterCount, trainableParameterCount }, { traits }) {
  const size = (/** @type {string} */ key) => Number(config[key]);
  const [layers, d, inner, experts] = [size('layers'), size('dModel'), size('dInner'), size('experts')];
  let idle = 0;
  if (traits.includes('routes')) idle += layers * (experts - topK) * (2 * d * inner + inner + d);
  if (traits.includes('hypernetwork')) {
    const hidden = size('hyperSize');
    const made = experts * (d + 1);
    const maker = d + (d + 1) * hidden + (hidden + 1) * made;
    idle += layers * (maker - made);
  }
  return { all: parameterCount, learned: trainableParameterCount, active: parameterCount - idle };
}
