import { CheckpointError, LanguageModel } from 'hyperrouter-wasm';
import { SymbolVocabulary, vocabularyKey } from '../text/vocabulary.js';

/** @typedef {import('./trainer.js').Engine} Engine */

/** Models with random parameters at step 0; one from a file may be at step 0 too. @type {WeakSet<LanguageModel>} */
const untrained = new WeakSet();

/** @param {LanguageModel} model @returns {boolean} whether the first moment of its run is, or was, untrained */
export const beganUntrained = (model) => untrained.has(model);

/**
 * A new model for a text.
 *
 * @param {Engine} engine
 * @param {{ tokens?: 'bytes' | 'characters' | 'pieces' }} config of the engine, without `vocabSize`; tokens: bytes by default
 * @param {import('./trainer-protocol.js').TextData} data source of the vocabulary unless tokens are bytes
 * @param {Uint8Array} [start] a checkpoint with the parameters and the vocabulary that the model begins with
 * @returns {LanguageModel}
 */
export function createTextModel(engine, { tokens, ...config }, data, start) {
  if (start) return openTextModel(engine, start, { config });
  const vocabulary = {
    bytes: () => SymbolVocabulary.bytes(),
    characters: () => SymbolVocabulary.ofText(data.bytes),
    pieces: () => SymbolVocabulary.ofPieces(data.bytes),
  }[tokens ?? 'bytes']();
  const model = engine.createLanguageModel(/** @type {any} */ ({ ...config, vocabSize: vocabulary.size }));
  model.metadata = { [vocabularyKey]: JSON.stringify(vocabulary.toJSON()) };
  untrained.add(model);
  return model;
}

/**
 * Opens a checkpoint that the page can continue to train.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @param {object} [missing] what the file does not contain
 * @param {import('./trainer-protocol.js').ModelConfig} [missing.config]
 * @param {import('../text/vocabulary.js').VocabularyJSON} [missing.vocabulary]
 * @returns {LanguageModel}
 * @throws {CheckpointError}
 */
export function openTextModel(engine, bytes, { config, vocabulary } = {}) {
  const model = engine.loadCheckpoint(bytes, config);
  try {
    if (!(model instanceof LanguageModel)) {
      throw new CheckpointError('the file holds a classifier; this room opens language models');
    }
    if (vocabulary) model.metadata = { ...model.metadata, [vocabularyKey]: JSON.stringify(vocabulary) };
    vocabularyOf(model);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * The vocabulary of a model.
 *
 * @param {LanguageModel} model
 * @returns {SymbolVocabulary}
 * @throws {CheckpointError}
 */
export function vocabularyOf({ metadata, config: { vocabSize } }) {
  if (metadata[vocabularyKey] === undefined) {
    if (vocabSize === 256) return SymbolVocabulary.bytes();
    throw new CheckpointError(`the model needs a vocabulary file for its ${vocabSize} symbols`);
  }
  let vocabulary;
  try {
    vocabulary = SymbolVocabulary.fromJSON(JSON.parse(metadata[vocabularyKey]));
  } catch (error) {
    throw new CheckpointError(error instanceof Error ? error.message : String(error), { cause: error });
  }
  if (vocabulary.size === vocabSize) return vocabulary;
  throw new CheckpointError(`the vocabulary has ${vocabulary.size} symbols, but the model has ${vocabSize}`);
}
