/**
 * Reads texts and checkpoints, and checks where one is to be written.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { LABELS_KEY, VOCABULARY_KEY } from '../checkpoint/metadata.js';
import { CheckpointError } from '../index.js';
import { Labels } from '../labelled-text.js';
import { faultOfJson } from '../message.js';
import { ByteVocabulary } from '../vocabulary.js';
import { CommandError, fileError, reasonOf, usageError } from './errors.js';
import { concatenate, MAX_JSON_BYTES, readBytes, readStream } from './files/read.js';
import { codeOf, resolveTarget } from './files/write.js';
import { readVocabularyJSON } from './symbols.js';

export { writeWhole } from './files/write.js';

/** @typedef {import('./files/read.js').FileSystem} FileSystem */

/** Of a text: its tokens take four bytes each in one array. */
const MAX_TEXT_BYTES = 2 ** 30 - 1;

/** Stands for standard input. */
export const STANDARD_INPUT = '-';

/** The key of a checkpoint's metadata that has the recipe of the run. */
export const TRAINING_KEY = 'hyperrouter.training';

/**
 * A file that was read.
 *
 * @typedef {object} ReadFile
 * @property {string} name  what to call it
 * @property {string} path
 * @property {Uint8Array} bytes
 */

/**
 * @param {readonly string[]} paths
 * @param {import('./system.js').System} system
 * @returns {Promise<{ files: ReadFile[], name: string }>} none empty; name: what to call them together
 */
export async function readFiles(paths, { fs, stdin }) {
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw usageError('--data - can be given once: standard input is read to its end');
  }
  const files = [];
  for (const path of paths) {
    const bytes =
      path === STANDARD_INPUT
        ? await readStream(stdin, MAX_TEXT_BYTES)
        : await readBytes(path, fs, MAX_TEXT_BYTES);
    if (bytes.length === 0) throw new CommandError(`${textName(path)} is empty`);
    files.push({ name: textName(path), path, bytes });
  }
  const name = paths.map(textName).join(', ');
  const length = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (length > MAX_TEXT_BYTES) {
    throw new CommandError(`${name} has ${length} bytes; a text may have ${MAX_TEXT_BYTES}`);
  }
  return { files, name };
}

/**
 * @param {readonly ReadFile[]} files
 * @returns {Uint8Array} the text of all, one after the other
 */
export function joinFiles(files) {
  return files.length === 1 ? files[0].bytes : concatenate(files.map(({ bytes }) => bytes));
}

/** @param {string} path */
function textName(path) {
  return path === STANDARD_INPUT ? 'standard input' : path;
}

/**
 * @param {import('../vocabulary.js').Vocabulary} vocabulary
 * @param {Uint8Array} text
 * @param {string} name
 * @returns {Int32Array}
 */
export function encodeText(vocabulary, text, name) {
  try {
    return vocabulary.encode(text);
  } catch (error) {
    throw new CommandError(`${name}: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} hexadecimal
 */
export function fingerprint(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Fails if a file could not be written to the path later.
 *
 * @param {string} path
 * @param {{ overwrite: boolean, data: readonly string[], others?: readonly string[] }} options  files that must not be
 *   overwritten: the text, and others that the run reads
 * @param {FileSystem} fs
 * @returns {Promise<string>} the file that the path names, where it is a link
 */
export async function checkOutput(path, { overwrite, data, others = [] }, fs) {
  const folder = dirname(path);
  const folderStat = await fs.stat(folder).catch((error) => {
    if (codeOf(error) === 'ENOENT') {
      throw new CommandError(`cannot write ${path}: the folder ${folder} does not exist`);
    }
    throw fileError('cannot write', path, error);
  });
  if (!folderStat.isDirectory()) throw new CommandError(`cannot write ${path}: ${folder} is not a folder`);
  try {
    const target = await resolveTarget(path, fs);
    const found = await fs.stat(target).catch((error) => {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (found) await checkReplaceable(path, target, found, overwrite, fs);
    for (const read of found ? [...data, ...others].filter((name) => name !== STANDARD_INPUT) : []) {
      const { dev, ino } = await fs.stat(read).catch(() => ({ dev: -1, ino: -1 }));
      if (dev === found?.dev && ino === found.ino) {
        const what = data.includes(read) ? 'the text to train on' : `also ${read}, which the run reads`;
        throw usageError(`--out ${path} is ${what}`);
      }
    }
    return target;
  } catch (error) {
    throw error instanceof CommandError ? error : fileError('cannot write', path, error);
  }
}

/**
 * @param {string} path
 * @param {string} target
 * @param {import('node:fs').Stats} found
 * @param {boolean} overwrite
 * @param {FileSystem} fs
 */
async function checkReplaceable(path, target, found, overwrite, fs) {
  const refuse = (/** @type {string} */ why) => new CommandError(`cannot write ${path}: ${why}`);
  if (found.isDirectory()) throw refuse('it is a folder');
  if (!found.isFile()) throw refuse('it is not a regular file');
  if (!overwrite) {
    throw usageError(
      `${path} already exists; --force overwrites it, --resume ${path} continues its training`,
    );
  }
  // It is replaced, not written to: a mount point cannot be, nor in a folder such as /tmp another user's file.
  if (await isMountPoint(target, fs)) throw refuse('it is a mount point; mount its folder instead');
  const folder = await fs.stat(dirname(target));
  const user = process.geteuid?.() ?? 0;
  const sticky = (folder.mode & 0o1000) !== 0;
  if (sticky && user !== 0 && user !== found.uid && user !== folder.uid) {
    throw refuse('it belongs to another user');
  }
  // A file that nobody may change, as after `chattr +i`, is refused with EPERM; one without the right to write with
  // EACCES, but can be replaced.
  await fs.open(target, 'r+').then(
    (file) => file.close(),
    (error) => {
      if (codeOf(error) === 'EPERM') throw refuse(reasonOf(error));
    },
  );
}

/**
 * @param {string} target
 * @param {FileSystem} fs
 */
async function isMountPoint(target, fs) {
  const mounts = await fs.readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return mounts.split('\n').some((line) => {
    const path = line
      .split(' ')[4]
      ?.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    return path === target;
  });
}

/**
 * Whether there is room for a file. One that could never be written is refused.
 *
 * @param {string} path
 * @param {string} target
 * @param {number} bytes
 * @param {FileSystem} fs
 * @returns {Promise<string | null>} a warning if the room is not there now
 */
export async function checkRoom(path, target, bytes, fs) {
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  const limits = await fs.readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, limit] = /^Max file size +(\d+)/m.exec(limits) ?? [];
  if (limit !== undefined && Number(limit) < bytes) {
    throw new CommandError(
      `cannot write ${path}: it will have ${size}, more than a file may have here (ulimit -f)`,
    );
  }
  const disk = await fs.statfs(dirname(target)).catch(() => null);
  // Some file systems do not say.
  if (!disk || disk.blocks === 0) return null;
  if (disk.blocks * disk.bsize < bytes) {
    throw new CommandError(`cannot write ${path}: it will have ${size}, more than the whole disk`);
  }
  const room = disk.bavail * disk.bsize;
  if (room >= bytes) return null;
  return `${path} will need ${size}, but only ${(room / 1e6).toFixed(1)} MB are free on its disk`;
}

/**
 * @param {string} path
 * @param {FileSystem} fs
 * @returns {Promise<Record<string, unknown>>}
 */
async function readConfig(path, fs) {
  const text = new TextDecoder().decode(await readBytes(path, fs, MAX_JSON_BYTES));
  try {
    const config = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
  } catch (error) {
    throw new CommandError(`${path} is not JSON${faultOfJson(text, error)}`, { cause: error });
  }
  throw new CommandError(`${path} is not a JSON object`);
}

/** What a model is called in messages. */
const KIND_NAMES = {
  language: 'a language model',
  'text-classifier': 'a text classifier',
  classifier: 'a classifier of vectors',
  regressor: 'a regressor',
};

/**
 * @typedef {import('../index.js').LanguageModel | import('../index.js').TextClassifier} TextModel
 * A model of texts: the kinds that the command line knows.
 */

/**
 * @template {TextModel} [Model=TextModel]
 * @typedef {object} OpenedCheckpoint
 * @property {Model} model
 * @property {import('../vocabulary.js').Vocabulary} vocabulary
 * @property {unknown} training  the recipe that `train` stored; undefined if it did not write the file
 */

/**
 * @template {TextModel['kind']} Kind
 * @param {import('../index.js').Engine} engine
 * @param {string} path
 * @param {FileSystem} fs
 * @param {readonly Kind[]} kinds  that the command takes
 * @param {{ config?: string }} [options]  config: a JSON file, for checkpoints without a configuration
 * @returns {Promise<OpenedCheckpoint<Extract<TextModel, { kind: Kind }>>>}
 */
export async function openCheckpoint(engine, path, fs, kinds, { config } = {}) {
  const bytes = await readBytes(path, fs);
  const overrides = config === undefined ? undefined : await readConfig(config, fs);
  /** @type {ReturnType<import('../index.js').Engine['loadCheckpoint']>} */
  let model;
  try {
    model = engine.loadCheckpoint(bytes, overrides);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, { cause: error });
  }
  if (!kinds.some((kind) => kind === model.kind)) {
    const taken = kinds.map((kind) => `${KIND_NAMES[kind].replace(/^an? /, '')}s`).join(' and ');
    throw new CommandError(`${path} is ${KIND_NAMES[model.kind]}; this command is for ${taken}`);
  }
  const opened = /** @type {Extract<TextModel, { kind: Kind }>} */ (model);
  try {
    return {
      model: opened,
      vocabulary: readVocabulary(opened),
      training: parseMetadata(model.metadata, TRAINING_KEY),
    };
  } catch (error) {
    throw new CommandError(`${path}: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}

/**
 * @param {Readonly<{ [key: string]: string }>} metadata
 * @param {string} key
 * @returns {any} undefined if there is no such key
 */
function parseMetadata(metadata, key) {
  if (metadata[key] === undefined) return undefined;
  try {
    return JSON.parse(metadata[key]);
  } catch (cause) {
    throw new Error(`its metadata ${key} is not JSON`, { cause });
  }
}

/**
 * @param {TextModel} model
 * @returns {import('../vocabulary.js').Vocabulary}
 */
export function readVocabulary(model) {
  const stored = model.metadata[VOCABULARY_KEY];
  const { vocabSize } = model.config;
  if (stored === undefined) {
    if (vocabSize === 256) return new ByteVocabulary();
    throw new Error(
      `the file has no vocabulary (metadata ${VOCABULARY_KEY}), and its ${vocabSize} tokens cannot be the 256 bytes`,
    );
  }
  const vocabulary = readVocabularyJSON(stored);
  if (vocabulary.size !== vocabSize) {
    throw new Error(`the vocabulary in the file has ${vocabulary.size} tokens, the model ${vocabSize}`);
  }
  return vocabulary;
}

/**
 * The labels of a text classifier's classes.
 *
 * @param {import('../index.js').TextClassifier} model
 * @param {string} path
 * @returns {Labels}
 */
export function readLabels(model, path) {
  const { classes } = model.config;
  try {
    const stored = parseMetadata(model.metadata, LABELS_KEY);
    // Of a classifier that a program trained, classes have numbers.
    if (stored === undefined) return new Labels(Array.from({ length: classes }, (_, id) => String(id)));
    const labels = new Labels(stored);
    if (labels.names.length === classes) return labels;
    throw new Error(`the file has ${labels.names.length} labels, the model ${classes} classes`);
  } catch (error) {
    throw new CommandError(`${path}: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}
