import { signal } from '@preact/signals';
import { CheckpointFileError, describeCheckpoint, looksLikeCheckpoint } from './checkpoint-file.js';
import { checkSize } from './vocabulary.js';
import { vocabularyOfFile } from './vocabulary-file.js';

/**
 * @typedef {import('./checkpoint-file.js').Described} Described
 * @typedef {import('./checkpoint-file.js').Config} Config
 *
 * @typedef {object} Question what is needed before a model can be opened
 * @property {Described} described
 * @property {boolean} config whether its configuration is needed
 * @property {boolean} vocabulary whether its vocabulary is needed
 * @property {string} problem with the last answer, or empty
 */

/**
 * Opens a model from a file, with or without a vocabulary file.
 *
 * @param {import('../run.js').Run} run
 * @param {readonly import('../schema.js').Choice[]} routers of the engine
 */
export function createFileOpener(run, routers) {
  const question = signal(/** @type {Question | null} */ (null));
  /** @type {Uint8Array} */
  let bytes = new Uint8Array();
  let name = '';
  /** @type {import('./vocabulary.js').SymbolVocabulary | undefined} */
  let vocabulary;

  /** @param {readonly File[]} files */
  async function openFiles(files) {
    question.value = null;
    vocabulary = undefined;
    try {
      const read = await Promise.all(files.map(readFile));
      const models = read.filter(({ content }) => looksLikeCheckpoint(content));
      if (files.length > 2 || models.length > 1) {
        throw new CheckpointFileError('Open one model at a time, together with its vocabulary if needed.');
      }
      const model = models[0] ?? read.find(({ name }) => !/\.(json|txt)$/i.test(name));
      if (!model) {
        throw new CheckpointFileError(
          `${read[0].name} is not a model. Open a vocabulary together with its model.`,
        );
      }
      const described = describeCheckpoint(model.name, model.content, routers);
      const other = read.find((file) => file !== model);
      if (other) vocabulary = vocabularyFrom(other.name, other.content, described);
      ({ name, content: bytes } = model);
      await openOrAsk(described);
    } catch (error) {
      run.notify('problem', sentenceOf(error));
    }
  }

  /** @param {Described} described */
  async function openOrAsk(described) {
    checkSize(described.vocabSize);
    const needsVocabulary = !described.hasVocabulary && described.vocabSize !== 256 && !vocabulary;
    if (needsVocabulary || !described.hasConfig) {
      question.value = { described, config: !described.hasConfig, vocabulary: needsVocabulary, problem: '' };
    } else {
      await run.open(bytes, { name, missing: { vocabulary: vocabulary?.toJSON() } });
    }
  }

  /**
   * @param {Config} config the missing part of it
   * @param {File | undefined} file the vocabulary, if needed
   */
  async function answer(config, file) {
    const asked = question.peek();
    if (!asked) return;
    try {
      if (asked.vocabulary) {
        if (!file) throw new RangeError('Choose the vocabulary file.');
        const { name: own, content } = await readFile(file);
        vocabulary = vocabularyFrom(own, content, asked.described);
      }
    } catch (error) {
      question.value = { ...asked, problem: sentenceOf(error) };
      return;
    }
    question.value = null;
    const complete = asked.config ? { ...asked.described.shapes, ...config } : undefined;
    await run.open(bytes, { name, missing: { config: complete, vocabulary: vocabulary?.toJSON() } });
  }

  return {
    question,
    openFiles,
    answer,
    cancel: () => {
      question.value = null;
    },
  };
}

/** @typedef {ReturnType<typeof createFileOpener>} FileOpener */

/** @param {File} file */
async function readFile(file) {
  return { name: file.name, content: new Uint8Array(await file.arrayBuffer()) };
}

/**
 * @param {string} name
 * @param {Uint8Array} content
 * @param {Described} described
 */
function vocabularyFrom(name, content, { vocabSize }) {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new RangeError(`${name} is not a vocabulary: it is not UTF-8 text`);
  }
  const vocabulary = vocabularyOfFile(name, text);
  if (vocabulary.size === vocabSize) return vocabulary;
  throw new RangeError(`${name} has ${vocabulary.size} symbols, but the model has ${vocabSize}`);
}

/** @param {unknown} error */
function sentenceOf(error) {
  const message = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(message) ? message : `${message}.`;
}
