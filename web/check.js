/** Checks of arguments, and their error messages. */
import { clean, show, withArticle } from './message.js';
import { nearestHint } from './nearest.js';

/**
 * @param {string} message
 * @param {ErrorConstructor} [Type]
 * @returns {never}
 */
export function fail(message, Type = RangeError) {
  throw new Type(clean(message));
}

/**
 * @param {string} name of the argument
 * @param {string} may valid values
 * @param {unknown} value
 * @param {ErrorConstructor} [Type]
 * @returns {never}
 */
export function refuse(name, may, value, Type = RangeError) {
  const got = `, got ${show(value)}`;
  throw new Type(`${clean(`${name} must be ${may}`, 500 - got.length)}${got}`);
}

/**
 * Refuses an argument that has the wrong number of numbers.
 * @param {string} name
 * @param {string} may valid sizes
 * @param {ArrayLike<unknown>} value
 * @returns {never}
 */
export function refuseLength(name, may, { length }) {
  return fail(`${name} must have ${may}, got ${length}`);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} minimum
 * @param {number} [maximum]
 * @param {string} [why] name of the maximum, in brackets
 */
export function checkInteger(name, value, minimum, maximum, why) {
  return checkRange(name, 'an integer', Number.isSafeInteger(value), value, minimum, maximum, why);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} minimum
 * @param {number} [maximum]
 * @param {string} [why] name of the maximum, in brackets
 */
export function checkNumber(name, value, minimum, maximum, why) {
  return checkRange(name, 'a finite number', Number.isFinite(value), value, minimum, maximum, why);
}

/**
 * @param {string} name
 * @param {string} noun
 * @param {boolean} right whether the value is of the kind that the noun names
 * @param {unknown} value
 * @param {number} minimum
 * @param {number} [maximum]
 * @param {string} [why]
 */
function checkRange(name, noun, right, value, minimum, maximum = Infinity, why = '') {
  if (typeof value !== 'number') return refuse(name, noun, value, TypeError);
  if (right && value >= minimum && value <= maximum) return value;
  const range = maximum === Infinity ? `of at least ${minimum}` : `from ${minimum} to ${maximum}${why}`;
  return refuse(name, `${noun} ${range}`, value);
}

/**
 * @param {string} name
 * @param {unknown} share
 */
export function checkShare(name, share) {
  if (typeof share !== 'number') return refuse(name, 'a number from 0 to below 1', share, TypeError);
  return share >= 0 && share < 1 ? share : refuse(name, 'a number from 0 to below 1', share);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function checkBoolean(name, value) {
  return typeof value === 'boolean' ? value : refuse(name, 'true or false', value, TypeError);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {string} what it should do
 */
export function checkFunction(name, value, what) {
  return typeof value === 'function' ? value : refuse(name, what, value, TypeError);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {readonly string[]} names
 * @param {string} [more] other valid values
 */
export function checkName(name, value, names, more = '') {
  if (names.includes(/** @type {string} */ (value))) return /** @type {string} */ (value);
  return refuse(name, `one of ${names.map((choice) => `"${choice}"`).join(', ')}${more}`, value);
}

/**
 * @param {string} name
 * @param {Int32Array} ids
 * @param {number} limit
 */
export function checkIds(name, ids, limit) {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] < 0 || ids[i] >= limit) refuse(`${name}[${i}]`, `from 0 to ${limit - 1}`, ids[i]);
  }
}

/**
 * @param {string} name
 * @param {Float32Array} numbers
 */
export function checkFinite(name, numbers) {
  for (let i = 0; i < numbers.length; i++) {
    if (!Number.isFinite(numbers[i])) refuse(`${name}[${i}]`, 'a finite number', numbers[i]);
  }
  return numbers;
}

/**
 * @param {string} name
 * @param {unknown} classes
 * @param {number} count
 */
export function checkClasses(name, classes, count) {
  const ids = toIntegers(name, classes);
  if (ids.length !== count) refuseLength(name, `one number for each of the ${count} tokens`, ids);
  checkIds(name, ids, 2 ** 31);
  return ids;
}

const tagOf = /** @type {() => string | undefined} */ (
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Int8Array.prototype), Symbol.toStringTag)?.get
);

/**
 * The class of a typed array, also of one from another realm (a frame, a context of Node's vm); undefined if it is none.
 * @param {unknown} value
 */
export const typedArrayName = (value) => tagOf.call(/** @type {any} */ (value));

/**
 * Whether a buffer was transferred before. Node drops a message that would transfer it again, without a word.
 * @param {ArrayBufferLike | undefined} buffer
 */
export function isDetached(buffer) {
  if (buffer?.byteLength !== 0) return false;
  try {
    return new Uint8Array(buffer).length > 0;
  } catch {
    return true;
  }
}

/**
 * Refuses a typed array whose buffer was transferred, for which JavaScript has an error of its own.
 * @param {string} name
 * @param {unknown} value
 */
export function checkAttached(name, value) {
  if (typedArrayName(value) && isDetached(/** @type {Int32Array} */ (value).buffer))
    fail(`${name} was transferred before, and has no elements any more`, TypeError);
}

/**
 * Name of the class of an object of the platform, also of one from another realm.
 * @param {unknown} value
 */
export const tagName = (value) => Object.prototype.toString.call(value).slice(8, -1);

/**
 * Whether it is an address: `URL` exists in every realm.
 * @param {unknown} value
 * @returns {value is URL}
 */
export const isUrl = (value) => tagName(value) === 'URL';

/** @param {unknown} value @returns {value is ArrayLike<unknown>} */
const isArray = (value) => Array.isArray(value) || typedArrayName(value) !== undefined;

/**
 * How many numbers a row has; undefined if there are no rows.
 * @param {unknown} value
 */
export const rowWidth = (value) => (Array.isArray(value) && isArray(value[0]) ? value[0].length : undefined);

/**
 * @template {Float32ArrayConstructor | Int32ArrayConstructor} T
 * @param {string} name
 * @param {unknown} value a typed array of this type, of any realm; or an array of numbers, or of rows of them
 * @param {T} Type
 * @param {(name: string, value: unknown) => number} check of one number
 * @param {number} [width] numbers of a row
 * @returns {InstanceType<T>} the array itself if it is one of this realm, otherwise a copy
 */
function toArray(name, value, Type, check, width) {
  checkAttached(name, value);
  if (typedArrayName(value) === Type.name) {
    // Of the class itself: another one may have a length of its own, or that of another realm.
    const own =
      Object.getPrototypeOf(value) === Type.prototype &&
      !Object.hasOwn(/** @type {object} */ (value), 'length');
    return /** @type {InstanceType<T>} */ (own ? value : new Type(/** @type {any} */ (value)));
  }
  if (!Array.isArray(value)) {
    return refuse(name, `${withArticle(Type.name)} or an array of numbers`, value, TypeError);
  }
  const inRow = rowWidth(value);
  if (inRow === undefined) {
    // By index, because holes must be seen, and each number only once, because a getter may change its mind.
    const numbers = [];
    for (let i = 0; i < value.length; i++) numbers.push(check(`${name}[${i}]`, value[i]));
    return /** @type {InstanceType<T>} */ (Type.from(numbers));
  }
  const numbers = [];
  const [most, why] = width === undefined ? [inRow, ', as the first row'] : [width, ''];
  for (let i = 0; i < value.length; i++) {
    const row = value[i];
    if (!isArray(row)) return refuse(`${name}[${i}]`, 'an array of numbers', row, TypeError);
    if (row.length !== most) refuseLength(`${name}[${i}]`, `${most} numbers${why}`, row);
    for (let j = 0; j < most; j++) numbers.push(check(`${name}[${i}][${j}]`, row[j]));
  }
  return /** @type {InstanceType<T>} */ (Type.from(numbers));
}

/** @param {string} name @param {unknown} value */
const checkFloat = (name, value) => {
  if (typeof value !== 'number') return refuse(name, 'a finite number', value, TypeError);
  return Number.isFinite(Math.fround(value))
    ? value
    : refuse(name, 'a finite number (in single precision)', value);
};

/** @param {string} name @param {unknown} value */
const checkInt32 = (name, value) => checkInteger(name, value, -(2 ** 31), 2 ** 31 - 1);

/**
 * Floats from what a caller passes.
 * @param {string} name
 * @param {unknown} value
 * @param {number} [width] numbers of a row, if there are rows
 */
export const toFloats = (name, value, width) => toArray(name, value, Float32Array, checkFloat, width);

/**
 * Integers from what a caller passes.
 * @param {string} name
 * @param {unknown} value
 */
export const toIntegers = (name, value) => toArray(name, value, Int32Array, checkInt32);

/**
 * Numbers from an array of any class.
 * @param {string} name
 * @param {unknown} value
 * @param {string} may what each of them may be
 * @param {(number: unknown) => boolean} fits
 * @returns {number[]}
 */
function readList(name, value, may, fits) {
  checkAttached(name, value);
  const big = /^Big/.test(typedArrayName(value) ?? '');
  if (!isArray(value) || big) return refuse(name, 'an array of numbers', value, TypeError);
  // As in toArray.
  const numbers = [];
  for (let i = 0; i < value.length; i++) {
    const number = value[i];
    if (!fits(number))
      refuse(`${name}[${i}]`, may, number, typeof number === 'number' ? RangeError : TypeError);
    numbers.push(/** @type {number} */ (number));
  }
  return numbers;
}

/**
 * Finite numbers, in double precision.
 * @param {string} name
 * @param {unknown} value
 */
export const toNumbers = (name, value) => readList(name, value, 'a finite number', Number.isFinite);

/**
 * Ids from an array of any class.
 * @param {string} name
 * @param {unknown} value
 * @param {{ limit?: number, least?: number }} [range] least: by default all below 0 are allowed, which mean none
 */
export function toIds(name, value, { limit = Infinity, least = -Infinity } = {}) {
  const may = [
    'an integer',
    ...(least > -Infinity ? [`of at least ${least}`] : []),
    ...(limit < Infinity ? [`of at most ${limit - 1}`] : []),
    ...(least < 0 ? ['(below 0: none)'] : []),
  ];
  const fits = (/** @type {any} */ id) => Number.isSafeInteger(id) && id >= least && id < limit;
  return readList(name, value, may.join(' '), fits);
}

/**
 * The bytes of a file: those of a buffer or of an array of bytes, of any realm.
 * @param {string} name
 * @param {unknown} value
 * @param {string} [may] valid values
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function toBytes(name, value, may = 'a Uint8Array or an ArrayBuffer') {
  const tag = tagName(value);
  if (tag === 'ArrayBuffer' || tag === 'SharedArrayBuffer')
    return ownBytes(new Uint8Array(/** @type {any} */ (value)));
  if (typedArrayName(value) === 'Uint8Array') return ownBytes(/** @type {Uint8Array} */ (value));
  const hint = tag === 'File' || tag === 'Blob' || tag === 'Response' ? ' (await its arrayBuffer())' : '';
  return refuse(name, may + hint, value, TypeError);
}

/**
 * A view of this realm, for slices of Node's Buffer are views; a copy of shared memory, which decoders refuse.
 * @param {Uint8Array} bytes
 */
function ownBytes(bytes) {
  const { buffer, byteOffset, length } = bytes;
  if (tagName(buffer) === 'SharedArrayBuffer') return new Uint8Array(bytes);
  return new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, length);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export function checkObject(name, value) {
  // Not what has its contents elsewhere than in its keys: arrays, maps, promises.
  const plain = typeof value === 'object' && /^(Object|Module)$/.test(tagName(value));
  if (value === null || !plain) refuse(name, 'an object', value, TypeError);
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * An object of JSON.
 * @param {unknown} value
 * @returns {value is { [key: string]: any }}
 */
export const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param {string} name
 * @param {string} of what has these keys
 * @param {unknown} value
 * @param {readonly string[]} keys that exist
 */
export function checkKeys(name, of, value, keys) {
  const unknown = Object.keys(checkObject(name, value)).find((key) => !keys.includes(key));
  if (unknown !== undefined) refuseKey(`${name}.${clean(unknown, 60)}`, of, unknown, keys);
  return /** @type {any} */ (value);
}

/**
 * @param {string} where
 * @param {string} of what has these keys
 * @param {string} unknown
 * @param {readonly string[]} keys
 */
function refuseKey(where, of, unknown, keys) {
  if (keys.length === 0) fail(`${where} is not a key of ${of}, which has none`, TypeError);
  const end = nearestHint(unknown, keys);
  const all = clean(`${where} is not a key of ${of}; the keys are: ${keys.join(', ')}`, 500 - end.length);
  fail(`${all}${end}`, TypeError);
}

/**
 * @param {string} method
 * @param {unknown} options
 * @param {readonly string[]} keys
 */
export const checkOptions = (method, options, keys) => checkKeys('options', method, options, keys);

/**
 * @param {unknown} model
 * @param {string[]} methods that are used of it
 */
export function checkModel(model, methods) {
  const given = /** @type {Record<string, unknown> | null | undefined} */ (model);
  const fits = methods.every((method) => typeof given?.[method] === 'function') && given?.config;
  if (!fits) refuse('model', `a model with ${methods.join(' and ')}`, model, TypeError);
}

/**
 * @param {unknown} signal
 * @returns {AbortSignal | undefined}
 */
export function checkSignal(signal) {
  const given = /** @type {AbortSignal | undefined} */ (signal);
  const like = typeof given?.aborted === 'boolean' && typeof given.addEventListener === 'function';
  return given === undefined || like ? given : refuse('signal', 'an AbortSignal', signal, TypeError);
}
