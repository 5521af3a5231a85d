/**
 * Reads texts and checkpoints, and writes checkpoints.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError } from '../index.js';
import { ByteVocabulary } from '../vocabulary.js';
import { CommandError, fileError, usageError } from './errors.js';
import { readVocabularyJSON } from './symbols.js';

/** Keys of a checkpoint's metadata that the command line writes; the demo page uses the first too. */
export const VOCABULARY_KEY = 'hyperrouter.vocabulary';
export const TRAINING_KEY = 'hyperrouter.training';

/**
 * @param {string} path
 * @returns {Promise<Uint8Array>}
 */
async function readBytes(path) {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileError('cannot read', path, error);
  }
}

/**
 * @param {string} path
 * @returns {Promise<Uint8Array>} at least one byte
 */
export async function readText(path) {
  const bytes = await readBytes(path);
  if (bytes.length === 0) throw new CommandError(`${path} is empty`);
  return bytes;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} hexadecimal
 */
export function fingerprint(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Fails if a file cannot be written to the path later.
 *
 * @param {string} path
 * @param {{ overwrite: boolean }} options
 */
export async function checkOutput(path, { overwrite }) {
  const folder = dirname(resolve(path));
  const folderStat = await stat(folder).catch(() => null);
  if (!folderStat?.isDirectory()) {
    throw new CommandError(`cannot write ${path}: the folder ${folder} does not exist`);
  }
  await access(folder, constants.W_OK).catch((error) => {
    throw fileError('cannot write to the folder', folder, error);
  });
  const fileStat = await stat(path).catch(() => null);
  if (fileStat?.isDirectory()) throw new CommandError(`cannot write ${path}: it is a folder`);
  if (fileStat && !overwrite) {
    throw usageError(
      `${path} already exists; --force overwrites it, --resume ${path} continues its training`,
    );
  }
}

/**
 * Writes a file atomically: at any moment the path has either the complete old or the complete new file.
 *
 * @param {string} path
 * @param {Uint8Array} bytes
 */
export async function writeWhole(path, bytes) {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError('cannot write', path, error);
  }
}

/**
 * @param {string} path
 * @returns {Promise<Record<string, unknown>>}
 */
async function readConfig(path) {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    const config = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config;
  } catch (error) {
    throw new CommandError(`${path} is not JSON: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
  throw new CommandError(`${path} is not a JSON object`);
}

/**
 * @typedef {object} OpenedCheckpoint
 * @property {import('../index.js').LanguageModel} model
 * @property {import('../vocabulary.js').Vocabulary} vocabulary
 * @property {unknown} training  the recipe that `train` stored; undefined if it did not write the file
 */

/**
 * @param {import('../index.js').Engine} engine
 * @param {string} path
 * @param {{ config?: string }} [options]  config: a JSON file, for checkpoints without a configuration
 * @returns {Promise<OpenedCheckpoint>}
 */
export async function openCheckpoint(engine, path, { config } = {}) {
  const bytes = await readBytes(path);
  const overrides = config === undefined ? undefined : await readConfig(config);
  /** @type {ReturnType<import('../index.js').Engine['loadCheckpoint']>} */
  let model;
  try {
    model = engine.loadCheckpoint(bytes, overrides);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, { cause: error });
  }
  if (!('generate' in model)) {
    throw new CommandError(`${path} is a classifier; this command is for language models`);
  }
  try {
    return {
      model,
      vocabulary: readVocabulary(model),
      training:
        model.metadata[TRAINING_KEY] === undefined ? undefined : JSON.parse(model.metadata[TRAINING_KEY]),
    };
  } catch (error) {
    throw new CommandError(`${path}: ${/** @type {Error} */ (error).message}`, { cause: error });
  }
}

/**
 * @param {import('../index.js').LanguageModel} model
 * @returns {import('../vocabulary.js').Vocabulary}
 */
function readVocabulary(model) {
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
