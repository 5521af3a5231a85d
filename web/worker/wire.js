/** What crosses between a page and its worker: arrays that move instead of being copied, and errors of their class. */
import { CheckpointError, DisposedError, DivergedError, EngineError, OutOfMemoryError } from '../errors.js';

/**
 * @typedef {object} WireError
 * @property {string} name
 * @property {string} message
 * @property {number} [field] `bytes` of an OutOfMemoryError, `step` of a DivergedError
 * @property {WireError} [cause]
 */

/** @type {Record<string, new (message: string, more: any) => Error>} */
const CLASSES = {
  ...{ CheckpointError, DisposedError, DivergedError, EngineError, OutOfMemoryError },
  ...{ RangeError, TypeError },
};

/**
 * @param {unknown} thrown
 * @returns {WireError}
 */
export function errorToWire(thrown) {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, cause } = thrown;
  const { bytes, step } = /** @type {{ bytes?: number, step?: number }} */ (thrown);
  return { name, message, field: bytes ?? step, cause: cause === undefined ? undefined : errorToWire(cause) };
}

/**
 * @param {WireError} wire
 * @returns {Error} of the class that was thrown on the other side, with the same fields
 */
export function errorFromWire({ name, message, field, cause }) {
  if (name === 'AbortError') return new DOMException(message, name);
  const options = cause ? { cause: errorFromWire(cause) } : {};
  if (Object.hasOwn(CLASSES, name)) return new CLASSES[name](message, field ?? options);
  return Object.defineProperty(new Error(message, options), 'name', { value: name });
}

/**
 * Makes a value ready to be posted: a copy whose arrays can be transferred. An array that the caller keeps is copied
 * here, once; an array that is only a part of its buffer is copied too, since the buffer moves as a whole.
 *
 * @param {unknown} value of plain objects, arrays and typed arrays
 * @param {boolean} give whether the arrays are given away
 * @param {Set<ArrayBuffer>} moved buffers to transfer, added to
 * @returns {unknown}
 */
export function pack(value, give, moved) {
  if (ArrayBuffer.isView(value)) {
    const array = /** @type {Float32Array} */ (value);
    const whole = array.byteLength === array.buffer.byteLength && array.buffer instanceof ArrayBuffer;
    // slice() of Node's Buffer is no copy.
    const Type = array instanceof Uint8Array ? Uint8Array : /** @type {any} */ (array.constructor);
    const own = give && whole ? array : new Type(array);
    moved.add(/** @type {ArrayBuffer} */ (own.buffer));
    return own;
  }
  if (Array.isArray(value)) return value.map((item) => pack(item, give, moved));
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item, give, moved)]));
}
