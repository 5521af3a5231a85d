/** Checks of arguments, and the words for what is wrong with them. */

/** @param {unknown} value */
export function show(value) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'object'}` : `a ${typeof value}`;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} minimum
 * @param {number} maximum
 * @param {string} [why] what the maximum is
 * @returns {number}
 */
export function checkInteger(name, value, minimum, maximum, why = '') {
  if (typeof value !== 'number') throw new TypeError(`${name} must be an integer, got ${show(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${name} must be an integer from ${minimum} to ${maximum}${why}, got ${value}`);
  }
  return value;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @param {number} minimum
 * @param {number} [maximum]
 * @returns {number}
 */
export function checkNumber(name, value, minimum, maximum = Number.MAX_VALUE) {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${show(value)}`);
  if (!(value >= minimum && value <= maximum)) {
    const range = maximum === Number.MAX_VALUE ? `${minimum} or more` : `from ${minimum} to ${maximum}`;
    throw new RangeError(`${name} must be a finite number, ${range}; got ${value}`);
  }
  return value;
}

/**
 * @param {string} name
 * @param {Int32Array} ids
 * @param {number} limit
 */
export function checkIds(name, ids, limit) {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] < 0 || ids[i] >= limit) {
      throw new RangeError(`${name}[${i}] must be from 0 to ${limit - 1}, got ${ids[i]}`);
    }
  }
}

/**
 * @param {string} name
 * @param {unknown} classes
 * @param {number} count
 */
export function checkClasses(name, classes, count) {
  const ids = checkArray(name, classes, Int32Array);
  if (ids.length !== count) {
    throw new RangeError(`${name} must have one number for each of the ${count} tokens, got ${ids.length}`);
  }
  const bad = ids.findIndex((id) => id < 0);
  if (bad >= 0) throw new RangeError(`${name}[${bad}] must be 0 or more, got ${ids[bad]}`);
}

/**
 * @template {Float32ArrayConstructor | Int32ArrayConstructor} T
 * @param {string} name
 * @param {unknown} value
 * @param {T} type
 * @returns {InstanceType<T>}
 */
export function checkArray(name, value, type) {
  if (!(value instanceof type)) throw new TypeError(`${name} must be a ${type.name}, got ${show(value)}`);
  return /** @type {InstanceType<T>} */ (value);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export function checkObject(name, value) {
  if (value === null || typeof value !== 'object')
    throw new TypeError(`${name} must be an object, got ${show(value)}`);
  return /** @type {Record<string, unknown>} */ (value);
}
