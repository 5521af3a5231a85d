/** Text of error messages: short, on one line, and without characters that a terminal or a page would obey. */

const LONGEST_MESSAGE = 500;
const LONGEST_VALUE = 80;

/** Control and format characters, separators of lines, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** @param {string} character */
const escapeCharacter = (character) => `\\u${Number(character.codePointAt(0)).toString(16).padStart(4, '0')}`;

/**
 * @param {string} text
 * @param {number} [most] characters
 */
export function clean(text, most = LONGEST_MESSAGE) {
  // Before the search, so that a text of megabytes costs nothing.
  const line = text.slice(0, most + 1).replace(UNPRINTABLE, escapeCharacter);
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/**
 * A string in quotation marks, shortened.
 * @param {string} text
 */
export function quote(text) {
  const inside = (/** @type {string} */ part) => clean(JSON.stringify(part), Number.POSITIVE_INFINITY);
  if (text.length <= LONGEST_VALUE) return inside(text);
  return `${inside(text.slice(0, LONGEST_VALUE)).slice(0, -1)}…" (${text.length} characters)`;
}

/**
 * A list of numbers, shortened.
 * @param {readonly unknown[]} numbers
 */
export function list(numbers) {
  const most = 8;
  return `[${numbers.slice(0, most).map(String).join(', ')}${numbers.length > most ? ', …' : ''}]`;
}

/** @param {unknown} value */
export function show(value) {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return clean(`${value}n`, LONGEST_VALUE);
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return withArticle(typeof value);
  const { name } = /** @type {{ name?: unknown }} */ (value);
  const file = classOf(value);
  return withArticle(file) + (file === 'File' && typeof name === 'string' ? ` (${quote(name)})` : '');
}

/** @param {object} value */
function classOf(value) {
  const name = value.constructor?.name;
  return typeof name === 'string' && /^[\w$]{1,40}$/.test(name) ? name : 'object';
}

/** @param {string} name of a class */
export function withArticle(name) {
  return `${/^[aeio]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/**
 * What the user's own program threw, for a message.
 * @param {unknown} thrown
 */
export function thrownText(thrown) {
  const message = /** @type {{ message?: unknown }} */ (thrown)?.message;
  return clean(typeof message === 'string' ? message : String(thrown), 200);
}

/**
 * Where a text stops being JSON, as far as this JavaScript engine says it: in words of its own, which differ everywhere.
 * @param {string} text
 * @param {unknown} error that JSON.parse threw
 */
export function faultOfJson(text, error) {
  if (/end of|unterminated/i.test(String(error)) || text.trim() === '') return ': it ends too early';
  const place = /position (\d+)/.exec(String(error))?.[1];
  if (place === undefined) return '';
  const lines = text.slice(0, Number(place)).split('\n');
  return `: see line ${lines.length}, column ${lines[lines.length - 1].length + 1}`;
}
