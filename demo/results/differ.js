/**
 * Where a run that was repeated parts from the one in the results.
 *
 * @typedef {object} Parting
 * @property {string} what the number, in words
 * @property {unknown} here of the repeated run
 * @property {unknown} there in the results
 */

/** @type {Record<string, string>} */
const words = {
  training: 'training loss',
  validations: 'held-out loss',
  loss: 'loss',
  bitsPerByte: 'bits per byte',
  macroF1: 'macro F1',
  steps: 'number of steps',
};

/** In the order in which a run computes them. */
const order = [
  ...['settings', 'training', 'validations', 'steps', 'fingerprint'],
  ...['validation', 'byTopK', 'routing', 'parameters'],
];

/**
 * The first number that differs.
 *
 * @param {import('./read.js').RunResult} here
 * @param {import('./read.js').RunResult} there
 * @returns {Parting | null} null: the same bits
 */
export function partingOf(here, there) {
  // As it would be in a file.
  const ours = JSON.parse(JSON.stringify(here));
  for (const key of new Set([...order, ...Object.keys(there), ...Object.keys(ours)])) {
    const found = firstDifference(ours[key], /** @type {any} */ (there)[key]);
    if (found) return { what: inWords(key, found.path, ours), here: found.one, there: found.other };
  }
  return null;
}

/**
 * @param {unknown} one
 * @param {unknown} other
 * @param {readonly string[]} [path] that leads to them
 * @returns {{ path: readonly string[], words: string, one: unknown, other: unknown } | null} null: they are the same
 */
export function firstDifference(one, other, path = []) {
  if (!isTree(one) || !isTree(other))
    return Object.is(one, other) ? null : { path, words: path.join('.'), one, other };
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = firstDifference(one[key], other[key], [...path, key]);
    if (found) return found;
  }
  return null;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} also a list */
const isTree = (value) => typeof value === 'object' && value !== null;

/**
 * @param {string} key
 * @param {readonly string[]} path below it
 * @param {any} ours
 */
function inWords(key, path, ours) {
  if ((key === 'training' || key === 'validations') && path.length === 2) {
    const step = ours[key][Number(path[0])]?.[0];
    return path[1] === '0' ? `step of a ${words[key]}` : `${words[key]} at step ${step}`;
  }
  if (key === 'fingerprint') return 'fingerprint of the final parameters';
  if (key === 'byTopK' && path.length === 2)
    return `held-out ${words[path[1]] ?? path[1]} with k = ${path[0]}`;
  if (key === 'validation' && path.length === 1) return `held-out ${words[path[0]] ?? path[0]}`;
  return path.length ? [key, ...path].join('.') : (words[key] ?? key);
}
