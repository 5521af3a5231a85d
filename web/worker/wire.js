/**
 * Serialises values and errors for messages between a page and its worker: arrays are transferred, errors keep their
 * class.
 */
import {
  CheckpointError,
  DisposedError,
  DivergedError,
  EngineError,
  OutOfMemoryError,
  RouterError,
} from '../errors.js';

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
  ...{ RangeError, RouterError, TypeError },
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
 * @returns {Error} of the same class and with the same fields as on the other side
 */
export function errorFromWire({ name, message, field, cause }) {
  if (name === 'AbortError') return new DOMException(message, name);
  const options = cause ? { cause: errorFromWire(cause) } : {};
  if (Object.hasOwn(CLASSES, name)) return new CLASSES[name](message, field ?? options);
  return Object.defineProperty(new Error(message, options), 'name', { value: name });
}

/**
 * Prepares a value for posting: a copy whose arrays can be transferred. An array that the caller keeps is copied once,
 * here; an array that is only a part of its buffer is copied too, because a buffer is transferred as a whole.
 *
 * @param {unknown} value of plain objects, arrays and typed arrays
 * @param {boolean} transfer whether the caller gives up the arrays
 * @param {Set<ArrayBuffer>} moved set to which the buffers to transfer are added
 * @returns {unknown}
 */
export function pack(value, transfer, moved) {
  if (ArrayBuffer.isView(value)) {
    const array = /** @type {Float32Array} */ (value);
    const whole = array.byteLength === array.buffer.byteLength && array.buffer instanceof ArrayBuffer;
    // slice() of Node's Buffer does not copy.
    const Type = array instanceof Uint8Array ? Uint8Array : /** @type {any} */ (array.constructor);
    const own = transfer && whole ? array : new Type(array);
    moved.add(/** @type {ArrayBuffer} */ (own.buffer));
    return own;
  }
  if (Array.isArray(value)) return value.map((item) => pack(item, transfer, moved));
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item, transfer, moved)]));
}
