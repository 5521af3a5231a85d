/** Checks of the arguments of studies: what another function of them must have made is known by itself, not by its shape. */
import { checkObject, refuse } from '../check.js';

/** @import { RunResult } from './types.js' */

const made = { study: new WeakSet(), data: new WeakSet() };
const BY = { study: 'what readStudy returned', data: 'what readData returned' };

/**
 * @template {object} T
 * @param {keyof typeof made} name of the argument
 * @param {T} value that is returned to the caller
 */
export function remember(name, value) {
  made[name].add(value);
  return value;
}

/**
 * @param {keyof typeof made} name of the argument
 * @param {unknown} value
 */
export function checkMade(name, value) {
  if (!made[name].has(/** @type {object} */ (value))) refuse(name, BY[name], value, TypeError);
}

/** @param {unknown} engine */
export function checkEngine(engine) {
  const given = /** @type {Record<string, unknown> | null | undefined} */ (engine);
  const methods = ['configFields', 'createLanguageModel'];
  if (!methods.every((method) => typeof given?.[method] === 'function'))
    refuse('engine', 'an engine, from load of "hyperrouter-wasm"', engine, TypeError);
}

/**
 * Reads what lies deeper than is checked beforehand, such as the results of a file: where it is something else, JavaScript
 * only has an error of its own.
 *
 * @template T
 * @param {string} name
 * @param {string} may
 * @param {() => T} read that runs no function of the caller
 * @returns {T}
 */
export function readDeep(name, may, read) {
  try {
    return read();
  } catch (cause) {
    throw new TypeError(`${name} must be ${may}, in all its parts`, { cause });
  }
}

/**
 * The result of a run, from a file or the caller.
 *
 * @param {string} name
 * @param {unknown} value
 */
export function checkResult(name, value) {
  const result = checkObject(name, value);
  for (const key of ['variant', 'fingerprint'])
    if (typeof result[key] !== 'string') refuse(`${name}.${key}`, 'a string', result[key], TypeError);
  const { model, train } = checkObject(`${name}.settings`, result.settings);
  checkObject(`${name}.settings.model`, model);
  checkObject(`${name}.settings.train`, train);
  return /** @type {RunResult} */ (value);
}
