/** Reading a study, what it is trained on, and the study that it is fine-tuned from. */
import { dirname, join, resolve } from 'node:path';
import { load } from '../../index.js';
import { faultOfJson, quote } from '../../message.js';
import { describeFile, filesOf, readData, readStudy } from '../../study/index.js';
import { isCheckpoint } from '../../study/study.js';
import { CommandError, USAGE, usageError } from '../errors.js';
import { MAX_JSON_BYTES, readBytes } from '../files/read.js';

/**
 * @typedef {import('../system.js').System} System
 * @typedef {import('../../study/types.js').Study} Study
 * @typedef {import('./folder.js').Record} Record
 */

/**
 * @param {string} path
 * @param {System} system
 */
async function readStudyFile(path, { fs }) {
  const text = new TextDecoder().decode(await readBytes(path, fs, MAX_JSON_BYTES));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CommandError(`${path} is not JSON${faultOfJson(text, cause)}`, {
      exitCode: USAGE,
      cause,
    });
  }
}

/**
 * @param {string} path  of the study
 * @param {any} json
 * @param {System} system
 * @returns {Promise<{ path: string, json: any } | null>} the study that it is fine-tuned from
 */
async function findBaseFile(path, json, system) {
  const from = json?.from;
  if (typeof from !== 'string' || isCheckpoint(from)) return null;
  const named = (await studiesBeside(path, system)).filter(
    ({ name, json: { name: own } }) => own === from || name === `${from}.json`,
  );
  if (named.length > 1) {
    const places = named.map((candidate) => candidate.path).join(' and ');
    throw usageError(`study.from is ${quote(from)}, which are two studies: ${places}`);
  }
  if (named.length === 1) return named[0];
  throw usageError(
    `study.from must be a checkpoint (.safetensors) or the name of a study in the folder of ${path}, got ${quote(from)}`,
  );
}

/**
 * @param {string} path
 * @param {System} system
 * @returns {Promise<{ name: string, path: string, json: any }[]>} other JSON files with data in the folder of a study
 */
async function studiesBeside(path, system) {
  const folder = dirname(path);
  const names = (await system.fs.readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const found = [];
  for (const name of names) {
    const place = join(folder, name);
    if (resolve(place) === resolve(path)) continue;
    const json = await readStudyFile(place, system).catch(() => null);
    if (json?.data !== undefined) found.push({ name, path: place, json });
  }
  return found;
}

/**
 * Whether another study of the folder is fine-tuned from this one.
 *
 * @param {string} path
 * @param {Study} study
 * @param {System} system
 */
export async function isNeeded(path, { name }, system) {
  const others = await studiesBeside(path, system);
  const file = path.split(/[\\/]/).at(-1);
  return others.some(({ json }) => json.from === name || `${json.from}.json` === file);
}

/**
 * What the engine or the package refuses of a study, as an error of the command line.
 *
 * @template T
 * @param {string} path
 * @param {() => T} read
 * @returns {T}
 */
function inFile(path, read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, { exitCode: USAGE, cause: error });
  }
}

/**
 * @typedef {object} Opened
 * @property {Study} study
 * @property {Study | undefined} base
 * @property {{ path: string, json: any } | null} baseFile
 * @property {Record} record
 * @property {{ [path: string]: Uint8Array }} files
 */

/**
 * @param {string} path
 * @param {System} system
 * @returns {Promise<Opened>}
 */
export async function openStudy(path, system) {
  const json = await readStudyFile(path, system);
  const baseFile = await findBaseFile(path, json, system);
  const engine = await load({ variant: 'simd' });
  try {
    const base = baseFile ? inFile(baseFile.path, () => readStudy(baseFile.json, engine)) : undefined;
    const study = inFile(path, () => readStudy(json, engine, { base }));
    /** @type {{ [path: string]: Uint8Array }} */
    const files = {};
    for (const file of filesOf(study)) files[file] = await readBytes(join(dirname(path), file), system.fs);
    inFile(path, () => readData(study, files));
    const data = await Promise.all(Object.entries(files).map(([file, bytes]) => describeFile(file, bytes)));
    const record = { study: json, ...(baseFile && { base: baseFile.json }), data };
    return { study, base, baseFile, record, files };
  } finally {
    engine.dispose();
  }
}

/** @param {string} path @param {Record} record @returns {Promise<Study>} */
export async function reread(path, { study, base }) {
  const engine = await load({ variant: 'simd' });
  try {
    return inFile(join(path, 'study.json'), () =>
      readStudy(study, engine, { base: base && readStudy(base, engine) }),
    );
  } finally {
    engine.dispose();
  }
}
