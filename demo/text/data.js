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
 * A text that is longer than the page takes, of which the beginning may be learned.
 */
export class TooLongError extends TextError {
  /**
   * @param {string} name of the text
   * @param {number} bytes that it has
   * @param {() => Promise<Text>} beginning reads as much of it as the page takes
   */
  constructor(name, bytes, beginning) {
    super(`${name} has ${megabytes(bytes)}; the page takes texts of up to ${megabytes(largest)}.`);
    this.beginning = beginning;
  }
}

/** @type {Record<string, { name: string, load: () => Promise<{ default: string }> }>} */
const builtIn = {
  'moby-dick': { name: 'Moby-Dick', load: () => import('virtual:text/moby-dick') },
  names: { name: 'First names', load: () => import('virtual:text/names') },
};

/**
 * A text that comes with the page; loaded when it is asked for.
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
  if (file.size > largest) throw new TooLongError(file.name, file.size, () => beginningOf(file));
  return checked(file.name, utf8(file.name, new Uint8Array(await file.arrayBuffer())));
}

/**
 * As much of a file as the page takes.
 *
 * @param {File} file
 * @returns {Promise<Text>}
 */
async function beginningOf(file) {
  // What is no UTF-8 may grow when it becomes UTF-8, to three bytes for two; it is cut again then.
  const piece = new Uint8Array(await file.slice(0, largest).arrayBuffer());
  const bytes = utf8(file.name, wholeCharacters(piece));
  const name = `The beginning of ${file.name}`;
  return checked(name, bytes.length > largest ? wholeCharacters(bytes.subarray(0, largest)) : bytes);
}

/**
 * Without the bytes of a character of UTF-8 that the end has cut.
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
  if (bytes.length > largest) {
    const beginning = {
      name: `The beginning of ${name}`,
      bytes: wholeCharacters(bytes.subarray(0, largest)),
    };
    throw new TooLongError(name, bytes.length, async () => beginning);
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
  const utf16 = utf16Kind(bytes);
  // Half a surrogate pair becomes U+FFFD: one bad character is no reason to refuse a book.
  if (utf16) return new TextEncoder().encode(new TextDecoder(utf16).decode(bytes));
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
 * By the byte order mark; without one, by where the zeros are: every second byte of European text in UTF-16 is one.
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
 * @param {Uint8Array} bytes UTF-8
 * @returns {number} characters: bytes that are not the second, third or fourth of one
 */
export function charactersIn(bytes) {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
  return count;
}

/**
 * How many bytes or characters a text must have at least, so that every stream has one full segment to learn from and the held-out
 * tenth has something to test on.
 *
 * @param {{ batchSize: number, contextLength: number }} config
 */
export function leastTokens({ batchSize, contextLength }) {
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
