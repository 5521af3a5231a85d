/**
 * @typedef {object} Text
 * @property {string} name
 * @property {Uint8Array} bytes UTF-8
 */

/** A text that the page does not take. The message says why, and what it takes. */
export class TextError extends Error {
  name = 'TextError';
}

const largest = 20e6;

/** Texts of this size are kept over a reload of the tab; more does not fit into a browser's session storage. */
const largestKept = 2e6;
const storageKey = 'hyperrouter.text';

/**
 * The built-in text.
 *
 * @param {string} url one of the page's own files
 * @returns {Promise<Text>}
 */
export async function builtInText(url) {
  const response = await fetch(url);
  if (!response.ok) throw new TextError(`The text could not be loaded (${response.status}, ${url}).`);
  return { name: 'Moby-Dick', bytes: new TextEncoder().encode(plain(await response.text())) };
}

/**
 * Lines become paragraphs, and typographic signs those of a typewriter: then nearly every character is one byte,
 * and a colour belongs to a character.
 *
 * @param {string} text
 */
export function plain(text) {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/(?<=[^\n])\n(?=[^\n])/g, ' ')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/\s*—\s*/g, ' -- ')
    .replace(/ {2,}/g, ' ')
    .replace(/\n{2,}/g, '\n');
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
  if (file.size > largest) {
    throw new TextError(
      `${file.name} has ${megabytes(file.size)}; the page takes texts of up to ${megabytes(largest)}.`,
    );
  }
  return checked(file.name, utf8(file.name, new Uint8Array(await file.arrayBuffer())));
}

/** @param {number} bytes */
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @returns {Text}
 */
function checked(name, bytes) {
  if (bytes.length > largest) {
    throw new TextError(
      `${name} has ${megabytes(bytes.length)}; the page takes texts of up to ${megabytes(largest)}.`,
    );
  }
  if (bytes.length === 0)
    throw new TextError(`${name} is empty; a text of a few thousand characters is needed.`);
  return { name, bytes };
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes of a file in whatever encoding
 * @returns {Uint8Array} UTF-8 without a byte order mark
 */
function utf8(name, bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return new TextEncoder().encode(decode('utf-16le', bytes) ?? '');
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return new TextEncoder().encode(decode('utf-16be', bytes) ?? '');
  if (looksBinary(bytes)) {
    throw new TextError(
      `${name} is not a text: it is full of control characters. The page takes plain text (UTF-8).`,
    );
  }
  const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (decode('utf-8', bytes) !== undefined) return mark ? bytes.subarray(3) : bytes;
  return new TextEncoder().encode(decode('windows-1252', bytes) ?? '');
}

/**
 * Text of any encoding but UTF-16 has next to no control characters; random bytes have one in ten.
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
 * @returns {string | undefined} undefined where the bytes are not of this encoding
 */
function decode(encoding, bytes) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * How many bytes a text must have at least, so that every stream has one full segment to learn from and the held-out
 * tenth has something to test on.
 *
 * @param {{ batchSize: number, contextLength: number }} config
 */
export function leastBytes({ batchSize, contextLength }) {
  return Math.ceil((batchSize * (contextLength + 1)) / 0.9);
}

/**
 * Keeps a text for a reload of this tab.
 *
 * @param {Text} text
 */
export function keepText({ name, bytes }) {
  try {
    if (bytes.length > largestKept) sessionStorage.removeItem(storageKey);
    else sessionStorage.setItem(storageKey, JSON.stringify({ name, text: new TextDecoder().decode(bytes) }));
  } catch {
    // Storage may be full or forbidden; the text is then gone after a reload, and the page says so there.
  }
}

/** @returns {Text | undefined} */
export function keptText() {
  try {
    const { name, text } = JSON.parse(sessionStorage.getItem(storageKey) ?? '');
    return ownText(String(name), String(text));
  } catch {
    return undefined;
  }
}
