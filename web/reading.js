/** Checks of what vocabularies take: text, tokens and JSON. */
import { checkInteger, checkObject, refuse } from './check.js';

/**
 * @param {number} token
 * @param {number} size of the vocabulary
 */
export function checkToken(token, size) {
  return checkInteger('token', token, 0, size - 1);
}

/**
 * @param {string | Uint8Array} text bytes are read as UTF-8
 * @returns {string}
 * @throws {TypeError}
 */
export function toText(text) {
  if (typeof text === 'string') return text;
  checkText(text);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw new TypeError('text must be UTF-8 for this vocabulary; ByteVocabulary takes any bytes');
  }
}

/** @param {string | Uint8Array} text */
export function checkText(text) {
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) {
    refuse('text', 'a string or a Uint8Array', text, TypeError);
  }
}

/** @param {string} character */
export function describe(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `${JSON.stringify(character)} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/**
 * @param {unknown} json an object, or its JSON text
 * @returns {Record<string, unknown>}
 * @throws {TypeError}
 */
export function readJSON(json) {
  let value = json;
  try {
    if (typeof json === 'string') value = JSON.parse(json);
  } catch (error) {
    throw new TypeError(`json must be the JSON of a vocabulary: ${error}`);
  }
  return checkObject('json', value);
}
