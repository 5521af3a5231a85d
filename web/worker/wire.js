/**
 * Serialises values and errors for messages between a page and its worker: arrays are transferred, errors keep their
 * class.
 */
import { isDetached, tagName, typedArrayName } from '../check.js';
import {
  CheckpointError,
  DisposedError,
  DivergedError,
  EngineError,
  OutOfMemoryError,
  RouterError,
} from '../errors.js';
import { thrownText } from '../message.js';

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

/** @param {unknown} name @returns {name is string} */
const known = (name) => typeof name === 'string' && Object.hasOwn(CLASSES, name);

/**
 * @param {unknown} thrown
 * @returns {WireError}
 */
export function errorToWire(thrown) {
  const { name, cause, bytes, step } = /** @type {Record<string, any>} */ (thrown ?? {});
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: known(name) ? /** @type {Error} */ (thrown).message : thrownText(thrown),
    field: bytes ?? step,
    cause: cause === undefined ? undefined : errorToWire(cause),
  };
}

/**
 * @param {WireError} wire
 * @returns {Error} of the same class and with the same fields as on the other side
 */
export function errorFromWire({ name, message, field, cause }) {
  if (name === 'AbortError') return new DOMException(message, name);
  const options = cause ? { cause: errorFromWire(cause) } : {};
  if (known(name)) return new CLASSES[name](message, field ?? options);
  return Object.defineProperty(new Error(message, options), 'name', { value: name });
}

/** @param {ArrayBufferLike | undefined} buffer */
function checkAttached(buffer) {
  if (isDetached(buffer))
    throw new TypeError(
      'an array that was transferred before has no elements any more, and cannot be sent to the worker',
    );
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
  const type = typedArrayName(value);
  if (type) {
    const array = /** @type {Float32Array} */ (value);
    checkAttached(array.buffer);
    const Type = /** @type {any} */ (globalThis)[type];
    const whole = tagName(array.buffer) === 'ArrayBuffer' && array.byteLength === array.buffer.byteLength;
    // Of the class itself, for Node's Buffer is another one and its slice() does not copy.
    const own = transfer && whole ? array : new Type(array);
    moved.add(/** @type {ArrayBuffer} */ (own.buffer));
    return own;
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`a ${typeof value} cannot be sent to the worker`);
  }
  if (tagName(value) === 'ArrayBuffer') {
    const buffer = /** @type {ArrayBuffer} */ (value);
    checkAttached(buffer);
    if (transfer) moved.add(buffer);
  }
  if (Array.isArray(value)) return value.map((item) => pack(item, transfer, moved));
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item, transfer, moved)]));
}
