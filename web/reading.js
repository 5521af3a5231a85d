/** Checks of what vocabularies take: text, tokens and JSON. */
import { checkAttached, checkInteger, checkObject, checkOptions, refuse, toBytes } from './check.js';
import { clean } from './message.js';

/**
 * @param {number} token
 * @param {number} size of the vocabulary
 */
export function checkToken(token, size) {
  return checkInteger('token', token, 0, size - 1);
}

/** @typedef {string | Uint8Array | ArrayBuffer} Text bytes are read as UTF-8 */

/**
 * @param {Text} text
 * @returns {string}
 * @throws {TypeError}
 */
export function toText(text) {
  const known = readText(text);
  if (typeof known === 'string') return known;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(known);
  } catch {
    throw new TypeError('text must be UTF-8 for this vocabulary; ByteVocabulary takes any bytes');
  }
}

/** @param {Text} text */
export const readText = (text) =>
  typeof text === 'string' ? text : toBytes('text', text, 'a string, a Uint8Array or an ArrayBuffer');

/**
 * The options of `encode`.
 * @param {{ replacement?: string | undefined } | undefined} options
 * @returns {string | undefined}
 */
export function readReplacement(options = {}) {
  const { replacement } = checkOptions('encode', options, ['replacement']);
  return replacement === undefined || typeof replacement === 'string'
    ? replacement
    : refuse('replacement', 'a character', replacement, TypeError);
}

/**
 * Each of the tokens, checked.
 * @param {Iterable<number>} tokens
 * @param {number} size of the vocabulary
 */
export function readTokens(tokens, size) {
  const iterator = /** @type {any} */ (tokens)?.[Symbol.iterator];
  if (typeof iterator !== 'function') refuse('tokens', 'an array of token ids', tokens, TypeError);
  checkAttached('tokens', tokens);
  return Array.from(tokens, (token) => checkToken(token, size));
}

/** @param {string} character */
export function describe(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `${clean(JSON.stringify(character))} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
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
  } catch {
    refuse('json', 'the JSON of a vocabulary', json, TypeError);
  }
  return checkObject('json', value);
}
