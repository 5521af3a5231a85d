/**
 * What `train` does with a language model: its data, its validation, and the words for both.
 *
 * @module
 */
import { VOCABULARY_KEY } from '../checkpoint/metadata.js';
import { recordOf } from '../run.js';
import { bitsPerByte, evaluateText, splitText, TextStreams } from '../text.js';
import { usageError } from './errors.js';

/**
 * @typedef {import('./trainer.js').Task<import('../text.js').TextSegment, import('../text.js').Evaluation>} Task
 */

/** @implements {Task} */
export class LanguageTask {
  unit = 'tokens';
  options = {};
  adapt = undefined;
  test = null;
  notes = /** @type {import('./trainer.js').Note[]} */ ([]);
  #vocabulary;
  #train;

  /**
   * @param {object} run
   * @param {import('../index.js').LanguageModel} run.model
   * @param {import('../vocabulary.js').Vocabulary} run.vocabulary
   * @param {import('./recipe.js').Recipe} run.recipe
   * @param {Int32Array} tokens  the text
   * @param {string} name        of the text
   */
  constructor({ model, vocabulary, recipe }, tokens, name) {
    const { train, validation } = splitText(tokens, { validation: Number(recipe.validation) });
    const { batchSize, contextLength } = model.config;
    if (train.length < 2 * batchSize) {
      throw usageError(
        `${name} is too short: it has ${train.length} tokens to train on, ` +
          `but --batch-size ${batchSize} needs at least ${2 * batchSize}`,
      );
    }
    if (recipe.patience > 0 && validation.length < 2) {
      throw usageError('--patience needs held-out text: --validation must be larger');
    }
    this.model = model;
    this.validation = validation;
    this.#vocabulary = vocabulary;
    this.#train = train;
    this.source = new TextStreams(train, { batchSize, length: contextLength });
  }

  get passSteps() {
    return this.source.segments;
  }

  get amounts() {
    const count = (/** @type {number} */ n) => n.toLocaleString('en');
    return `${count(this.source.targetsPerPass)} tokens to train on, ${count(this.validation.length)} held out`;
  }

  get canValidate() {
    return this.validation.length >= 2;
  }

  get metadata() {
    return { [VOCABULARY_KEY]: JSON.stringify(this.#vocabulary) };
  }

  get data() {
    const { batchSize, contextLength } = this.model.config;
    return recordOf('tokens', [this.#train], this.#train.length, { batchSize, length: contextLength });
  }

  /** @param {number} loss @param {import('../text.js').TextSegment} segment */
  stepValues(loss, { targets }) {
    return { bitsPerByte: bitsPerByte(loss, targets.length, this.#vocabulary.byteLength(targets)) };
  }

  /** @param {import('./trainer.js').EvaluateOptions} options */
  async validate({ signal, onProgress }) {
    return evaluateText(this.model, this.validation, {
      vocabulary: this.#vocabulary,
      signal,
      onProgress: ({ tokens, total }) => onProgress(tokens / total),
    });
  }

  /** @param {import('../text.js').Evaluation} result */
  note({ loss, bitsPerByte: bits }) {
    return `loss ${loss.toFixed(4)}  ${bits?.toFixed(4)} bits/byte`;
  }

  /** @param {import('../text.js').Evaluation} result */
  values({ loss, bitsPerByte: bits, tokens }) {
    return { loss, bitsPerByte: bits, tokens };
  }

  /** @param {import('../text.js').Evaluation} result */
  summary({ loss, bitsPerByte: bits }) {
    return `${bits?.toFixed(4)} bits per byte, loss ${loss.toFixed(4)}`;
  }
}
