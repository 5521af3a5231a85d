/**
 * Makes vocabularies of texts.
 *
 * @module
 */
import { constants } from 'node:buffer';
import { PieceVocabulary } from '../pieces.js';
import { ByteVocabulary, CharacterVocabulary } from '../vocabulary.js';
import { CommandError } from './errors.js';

/**
 * @param {{ vocabulary?: 'byte' | 'char' | 'pieces', vocabSize?: number }} options
 * @param {Uint8Array} text
 * @param {string} path
 * @returns {import('../vocabulary.js').Vocabulary}
 */
export function makeVocabulary({ vocabulary: kind, vocabSize: size }, text, path) {
  if (kind === 'byte') return new ByteVocabulary();
  try {
    return kind === 'char' ? CharacterVocabulary.fromText(text) : PieceVocabulary.fromText(text, { size });
  } catch (error) {
    const problem =
      text.length > constants.MAX_STRING_LENGTH
        ? `has ${text.length} bytes, too many for --vocabulary ${kind}`
        : 'is not UTF-8 text';
    throw new CommandError(`${path} ${problem}; --vocabulary byte takes any file`, { cause: error });
  }
}
