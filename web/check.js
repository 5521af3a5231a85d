/** Checks of arguments, and their error messages. */

/** @param {unknown} value */
export function show(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  return withArticle(typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value);
}

/** @param {string} name of a class */
function withArticle(name) {
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/**
 * @param {string} name of the argument
 * @param {string} may valid values
 * @param {unknown} value
 * @param {ErrorConstructor} [Type]
 * @returns {never}
 */
export function refuse(name, may, value, Type = RangeError) {
  throw new Type(`${name} must be ${may}, got ${show(value)}`);
}

/**
 * Refuses an argument that has the wrong number of numbers.
 * @param {string} name
 * @param {string} may valid sizes
 * @param {ArrayLike<unknown>} value
 * @returns {never}
 */
export function refuseLength(name, may, { length }) {
  throw new RangeError(`${name} must have ${may}, got ${length}`);
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
 * @param {number} share
 */
export function checkShare(name, share) {
  if (!(share >= 0 && share < 1)) refuse(name, 'a number from 0 to below 1', share);
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
 * @param {unknown} classes
 * @param {number} count
 */
export function checkClasses(name, classes, count) {
  const ids = checkArray(name, classes, Int32Array);
  if (ids.length !== count) refuseLength(name, `one number for each of the ${count} tokens`, ids);
  checkIds(name, ids, 2 ** 31);
}

/**
 * @template {Float32ArrayConstructor | Int32ArrayConstructor} T
 * @param {string} name
 * @param {unknown} value
 * @param {T} type
 * @returns {InstanceType<T>}
 */
export function checkArray(name, value, type) {
  if (!(value instanceof type)) refuse(name, withArticle(type.name), value, TypeError);
  return /** @type {InstanceType<T>} */ (value);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export function checkObject(name, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    refuse(name, 'an object', value, TypeError);
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * @param {string} name
 * @param {string} of what has these keys
 * @param {unknown} value
 * @param {string[]} keys that exist
 */
export function checkKeys(name, of, value, keys) {
  const unknown = Object.keys(checkObject(name, value)).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new TypeError(`${name}.${unknown} is not a key of ${of}; the keys are: ${keys.join(', ')}`);
}

/** @param {unknown} signal */
export function checkSignal(signal) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    refuse('signal', 'an AbortSignal', signal, TypeError);
  }
}
