/** Checks of the arguments of studies: what another function of them must have made is known by itself, not by its shape. */
import { refuse } from '../check.js';

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
