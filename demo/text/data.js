import { count as withCommas } from '../format.js';

/**
 * @typedef {object} Text
 * @property {string} name
 * @property {Uint8Array} bytes UTF-8
 */

/** A text that the page cannot use. The message says why. */
export class TextError extends Error {
  name = 'TextError';
}

const maxBytes = 20e6;

/** Texts up to this size survive a reload of the tab; more does not fit into session storage. */
const maxStoredBytes = 2e6;
const storageKey = 'hyperrouter.text';

/**
 * The text is too long; its beginning can be used instead.
 */
export class TooLongError extends TextError {
  /**
   * @param {string} name of the text
   * @param {number} bytes its size
   * @param {() => Promise<Text>} beginning reads as much of it as allowed
   */
  constructor(name, bytes, beginning) {
    super(`${name} has ${megabytes(bytes)}; the limit is ${megabytes(maxBytes)}.`);
    this.beginning = beginning;
  }
}

/** @type {Record<string, { name: string, load: () => Promise<{ default: string }> }>} */
const builtIn = {
  'moby-dick': { name: 'Moby-Dick', load: () => import('virtual:text/moby-dick') },
  'moby-dick-rest': { name: 'Moby-Dick', load: () => import('virtual:text/moby-dick-rest') },
  names: { name: 'First names', load: () => import('virtual:text/names') },
};

/**
 * A built-in text, loaded on demand.
 *
 * @param {string} id a choice of the setting `text`
 * @returns {Promise<Text>}
 */
export async function builtInText(id) {
  const { name, load } = builtIn[id];
  try {
    return { name, bytes: new TextEncoder().encode((await load()).default) };
  } catch (error) {
    throw new TextError(`${name} could not be loaded: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {Text}
 * @throws {TextError}
 */
export function ownText(name, text) {
  return checked(name, new TextEncoder().encode(text));
}

/**
 * @param {File} file
 * @returns {Promise<Text>}
 * @throws {TextError}
 */
export async function textOfFile(file) {
  if (file.size > maxBytes) throw new TooLongError(file.name, file.size, () => beginningOf(file));
  return checked(file.name, utf8(file.name, new Uint8Array(await file.arrayBuffer())));
}

/**
 * The first part of a file, as much as the limit allows.
 *
 * @param {File} file
 * @returns {Promise<Text>}
 */
async function beginningOf(file) {
  // Other encodings may grow when converted to UTF-8, to three bytes for two; then the text is cut again.
  const piece = new Uint8Array(await file.slice(0, maxBytes).arrayBuffer());
  const bytes = utf8(file.name, wholeCharacters(piece));
  const name = `Beginning of ${file.name}`;
  return checked(name, bytes.length > maxBytes ? wholeCharacters(bytes.subarray(0, maxBytes)) : bytes);
}

/**
 * Drops an incomplete UTF-8 character at the end.
 *
 * @param {Uint8Array} bytes
 */
function wholeCharacters(bytes) {
  let start = bytes.length - 1;
  while (start > bytes.length - 4 && start > 0 && (bytes[start] & 0xc0) === 0x80) start--;
  const length = bytes[start] >= 0xf0 ? 4 : bytes[start] >= 0xe0 ? 3 : bytes[start] >= 0xc0 ? 2 : 1;
  return bytes.subarray(0, start + length > bytes.length ? start : bytes.length);
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @returns {Text}
 */
function checked(name, bytes) {
  if (bytes.length > maxBytes) {
    const beginning = {
      name: `Beginning of ${name}`,
      bytes: wholeCharacters(bytes.subarray(0, maxBytes)),
    };
    throw new TooLongError(name, bytes.length, async () => beginning);
  }
  if (bytes.length === 0)
    throw new TextError(`${name} is empty. Use a text of at least a few thousand characters.`);
  return { name, bytes };
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes of a file in any encoding
 * @returns {Uint8Array} UTF-8 without a byte order mark
 */
function utf8(name, bytes) {
  const utf16 = utf16Kind(bytes);
  // A lone surrogate becomes U+FFFD: one bad character is no reason to reject a book.
  if (utf16) return new TextEncoder().encode(new TextDecoder(utf16).decode(bytes));
  if (looksBinary(bytes)) {
    throw new TextError(
      `${name} is not plain text: it contains too many control characters. Use plain text (UTF-8).`,
    );
  }
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (decode('utf-8', bytes) !== undefined) return mark ? bytes.subarray(3) : bytes;
  return new TextEncoder().encode(decode('windows-1252', bytes) ?? '');
}

/**
 * Detected by the byte order mark or, without one, by zeros: every second byte of European text in UTF-16 is 0.
 *
 * @param {Uint8Array} bytes
 * @returns {'utf-16le' | 'utf-16be' | undefined}
 */
function utf16Kind(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const start = bytes.subarray(0, 2000);
  const zeros = [0, 0];
  start.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2]++;
  });
  if (zeros[1] > start.length / 4 && zeros[0] === 0) return 'utf-16le';
  if (zeros[0] > start.length / 4 && zeros[1] === 0) return 'utf-16be';
  return undefined;
}

/**
 * Text in encodings other than UTF-16 has hardly any control characters; of random bytes one in ten is one.
 *
 * @param {Uint8Array} bytes
 */
function looksBinary(bytes) {
  let controls = 0;
  for (const byte of bytes) {
    if (byte === 0) return true;
    if (byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1b) controls++;
  }
  return controls > bytes.length / 1000;
}

/**
 * @param {string} encoding
 * @param {Uint8Array} bytes
 * @returns {string | undefined} undefined if the bytes are invalid in this encoding
 */
function decode(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * @param {Uint8Array} bytes UTF-8
 * @returns {number} the number of characters: bytes that are not continuation bytes
 */
export function charactersIn(bytes) {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
  return count;
}

/**
 * The minimum length of a text in tokens: enough for one full sequence in each row of the batch, and a held-out tenth.
 *
 * @param {{ batchSize: number, contextLength: number }} config
 */
export function minTokens({ batchSize, contextLength }) {
  return Math.ceil((batchSize * (contextLength + 1)) / 0.9);
}

/** More than a word piece has on average, so that a text that is long enough in characters is so in pieces. */
const charactersPerPiece = 5;

/**
 * @param {Text} text
 * @param {{ batchSize: number, contextLength: number, tokens?: unknown }} config tokens: 'bytes' by default
 * @throws {TextError} if the text is too short
 */
export function requireLength({ name, bytes }, config) {
  const min = minTokens(config) * (config.tokens === 'pieces' ? charactersPerPiece : 1);
  const unit = config.tokens === 'bytes' || config.tokens === undefined ? 'byte' : 'character';
  const length = unit === 'byte' ? bytes.length : charactersIn(bytes);
  if (length >= min) return;
  throw new TextError(
    `${name} is too short: at least ${withCommas(min)} ${unit}s are needed with batch size ${config.batchSize} and ` +
      `context length ${config.contextLength}; it has ${withCommas(length)}.`,
  );
}

/**
 * Stores a text, so that it survives a reload of this tab.
 *
 * @param {Text} text
 */
export function storeText({ name, bytes }) {
  try {
    if (bytes.length > maxStoredBytes) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, JSON.stringify({ name, text: new TextDecoder().decode(bytes) }));
  } catch {
    // Storage may be full or forbidden. Then the text is lost on a reload, and the page says so.
  }
}

/** @returns {Text | undefined} */
export function storedText() {
  try {
    const { name, text } = JSON.parse(sessionStorage.getItem(storageKey) ?? '');
    return ownText(String(name), String(text));
  } catch {
    return undefined;
  }
}
