/** Calls that must be refused: with the right class and message, and without a trace. */
import assert from 'node:assert/strict';
import { errorOf } from './helpers.js';

/** @import { AnyModel } from './helpers.js' */

/**
 * A bad value, the class of the error (Error: RangeError or TypeError), and what its message says besides the name of
 * the argument.
 * @typedef {[value: any, type: ErrorConstructor | RangeErrorConstructor | TypeErrorConstructor, message: RegExp]} Bad
 */

/**
 * Everything that a bad call could change and that can be read.
 * @param {AnyModel} model
 */
export function stateOf(model) {
  return {
    parameters: model.parameters(),
    step: model.step,
    topK: model.topK,
    logits: model.logits(),
    routing: model.routing(),
    memory: 'saveMemory' in model ? model.saveMemory() : undefined,
    use: model.memory,
    metadata: { ...model.metadata },
  };
}

/**
 * @template {AnyModel} M
 * @param {M} model
 * @param {string} argument that the message must name
 * @param {Bad[]} bad
 * @param {(model: M, value: any) => unknown} call
 */
export function refuse(model, argument, bad, call) {
  const before = stateOf(model);
  for (const [value, type, message] of bad) {
    const what = `${argument} = ${(typeof value === 'bigint' ? `${value}` : `${JSON.stringify(value)}`).slice(0, 80)}`;
    const error = errorOf(() => call(model, value));
    const known =
      type === Error ? error instanceof RangeError || error instanceof TypeError : error.constructor === type;
    assert.ok(known, `${what}: ${error}`);
    assert.ok(error.message.startsWith(argument), `${what}: ${error.message}`);
    assert.match(error.message, message, what);
    assert.deepEqual(stateOf(model), before, what);
  }
}

/**
 * @param {string} article
 * @returns {Bad[]} whatever is no number
 */
export function noNumbers(article) {
  const values = [null, '1', true, 1n, [1], {}, () => 1];
  return values.map((value) => [value, TypeError, new RegExp(`must be ${article}, got `)]);
}

/**
 * @param {Int32Array} ids
 * @param {number} at
 * @param {number} id
 */
export function withId(ids, at, id) {
  const copy = ids.slice();
  copy[at] = id;
  return copy;
}

/** @type {Bad[]} */
export const BAD_ID_ARRAYS = [
  [undefined, TypeError, /must be an Int32Array or an array of numbers, got undefined/],
  [null, TypeError, /must be an Int32Array or an array of numbers, got null/],
  [['1', 2], TypeError, /\[0\] must be an integer, got "1"/],
  [Array(3), TypeError, /\[0\] must be an integer, got undefined/],
  [[1, Number.NaN], RangeError, /\[1\] must be an integer .*, got NaN/],
  [[[1, 2], [1]], RangeError, /\[1\] must have 2 numbers, as the first row, got 1/],
  [[[1, 2], 3], TypeError, /\[1\] must be an array of numbers, got 3/],
  ['text', TypeError, /must be an Int32Array or an array of numbers, got "text"/],
  [Uint8Array.of(1, 2), TypeError, /must be an Int32Array or an array of numbers, got an? Uint8Array/],
  [Float32Array.of(1, 2), TypeError, /must be an Int32Array or an array of numbers, got an? Float32Array/],
  [Uint32Array.of(1, 2), TypeError, /must be an Int32Array or an array of numbers, got an? Uint32Array/],
  [new ArrayBuffer(8), TypeError, /must be an Int32Array or an array of numbers, got an? ArrayBuffer/],
];

/** @type {Bad[]} */
export const BAD_RATES = [
  ...noNumbers('a finite number'),
  [Number.NaN, RangeError, /must be a finite number (of at least 0|from 0 to 1e\+30), got NaN/],
  [-1e-9, RangeError, /must be a finite number (of at least 0|from 0 to 1e\+30), got -1e-9/],
  [
    Number.POSITIVE_INFINITY,
    RangeError,
    /must be a finite number (of at least 0|from 0 to 1e\+30), got Infinity/,
  ],
];

/** @type {Bad[]} */
export const BAD_TOP_K = [
  [undefined, TypeError, /must be an integer, got undefined/],
  ...noNumbers('an integer'),
  ...[0, -1, 5, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((value) => {
    return /** @type {Bad} */ ([value, RangeError, new RegExp(`an integer from 1 to 4 .*, got ${value}$`)]);
  }),
];
