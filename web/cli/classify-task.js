/**
 * What `train` does with a text classifier: its data, its validation and its test, and the words for them.
 *
 * @module
 */
import { LABELS_KEY, VOCABULARY_KEY } from '../checkpoint/metadata.js';
import { withParts } from '../parts.js';
import { recordOf } from '../run.js';
import { evaluateSequences, SequenceBatches } from '../sequences.js';
import { readLabelled } from '../token-rows.js';
import { usageError } from './errors.js';
import { percent } from './output.js';

/** @typedef {import('./labelled-data.js').EncodedTexts} EncodedTexts */
/** @typedef {import('../sequences.js').SequenceEvaluation} SequenceEvaluation */

/**
 * @typedef {import('./trainer.js').Task<ReturnType<SequenceBatches['at']>, SequenceEvaluation>} Task
 */

/** @implements {Task} */
export class ClassifyTask {
  unit = 'texts';
  adapt = withParts;
  #vocabulary;
  #labels;
  #parts;

  /**
   * @param {object} run
   * @param {import('../index.js').TextClassifier} run.model
   * @param {import('../vocabulary.js').Vocabulary} run.vocabulary
   * @param {import('../labelled-text.js').Labels} run.labels
   * @param {import('./recipe.js').Recipe} run.recipe
   * @param {{ train: EncodedTexts, validation: EncodedTexts | null, test: EncodedTexts | null }} parts
   */
  constructor({ model, vocabulary, labels, recipe }, parts) {
    const { batchSize, seed } = model.config;
    if (recipe.patience > 0 && !parts.validation) {
      throw usageError('--patience needs held-out texts: --validation must be larger, or a file');
    }
    this.model = model;
    this.#vocabulary = vocabulary;
    this.#labels = labels;
    this.#parts = parts;
    this.source = new SequenceBatches(dataOf(parts.train), { batchSize, seed });
    /** Of the options of `train`. */
    this.options = { seed };
  }

  get validation() {
    return this.#parts.validation && dataOf(this.#parts.validation);
  }

  get passSteps() {
    return this.source.batches;
  }

  get amounts() {
    const count = (/** @type {EncodedTexts | null} */ part) =>
      (part?.inputs.length ?? 0).toLocaleString('en');
    const { train, validation, test } = this.#parts;
    return (
      `${count(train)} texts to train on, ${count(validation)} held out, ` +
      `${test ? `${count(test)} to test on, ` : ''}${this.#labels.names.length} labels`
    );
  }

  /** What is said before the first step. */
  get notes() {
    const { train, validation, test } = this.#parts;
    const parts = [train, validation, test].filter((part) => part !== null);
    const sum = (/** @type {'cut' | 'replaced'} */ key) => parts.reduce((n, part) => n + part[key], 0);
    const all = parts.reduce((n, { inputs }) => n + inputs.length, 0);
    const sizes = {
      train: train.inputs.length,
      validation: validation?.inputs.length ?? 0,
      test: test?.inputs.length ?? 0,
    };
    /** @type {import('./trainer.js').Note[]} */
    const notes = [
      {
        type: 'data',
        values: { ...sizes, labels: this.#labels.names, cut: sum('cut'), replaced: sum('replaced') },
        lines: changesOf(
          { cut: sum('cut'), replaced: sum('replaced'), all },
          this.model.config.contextLength,
        ),
      },
    ];
    const { transfer } = this.model;
    if (transfer)
      notes.unshift({ type: 'transfer', values: { ...transfer }, lines: transferLines(transfer) });
    return notes;
  }

  get canValidate() {
    return this.#parts.validation !== null;
  }

  get metadata() {
    return {
      [VOCABULARY_KEY]: JSON.stringify(this.#vocabulary),
      [LABELS_KEY]: JSON.stringify(this.#labels),
    };
  }

  get data() {
    const { batchSize, contextLength } = this.model.config;
    const { tokens, lengths, targets } = readLabelled('', dataOf(this.#parts.train), this.model.config);
    return recordOf('sequences', [tokens, lengths, targets], lengths.length, {
      batchSize,
      length: contextLength,
    });
  }

  stepValues() {
    return {};
  }

  /** @param {import('./trainer.js').EvaluateOptions} options */
  async validate(options) {
    return this.#evaluate(/** @type {EncodedTexts} */ (this.#parts.validation), options);
  }

  /** Evaluates the texts to test on, if there are any. */
  get test() {
    const { test } = this.#parts;
    return (
      test &&
      ((/** @type {import('./trainer.js').EvaluateOptions} */ options) => this.#evaluate(test, options))
    );
  }

  /**
   * @param {EncodedTexts} part
   * @param {import('./trainer.js').EvaluateOptions} options
   */
  #evaluate(part, { signal, onProgress }) {
    return evaluateSequences(this.model, dataOf(part), {
      signal,
      onProgress: ({ count, total }) => onProgress(count / total),
    });
  }

  /** @param {SequenceEvaluation} result */
  note({ loss, accuracy }) {
    return `loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}`;
  }

  /** @param {SequenceEvaluation} result */
  values({ loss, accuracy, macroF1, count }) {
    return { loss, accuracy, macroF1, texts: count };
  }

  /** @param {SequenceEvaluation} result */
  summary({ loss, accuracy, macroF1 }) {
    return `accuracy ${percent(accuracy)}, macro F1 ${macroF1.toFixed(4)}, loss ${loss.toFixed(4)}`;
  }
}

/** @param {EncodedTexts} part */
const dataOf = ({ inputs, targets }) => ({ inputs, targets });

/**
 * What became of texts that do not fit the model, in words.
 *
 * @param {{ cut: number, replaced: number, all: number }} counts
 * @param {number} contextLength
 * @returns {string[]} lines
 */
export function changesOf({ cut, replaced, all }, contextLength) {
  const of = (/** @type {number} */ n) => `${n.toLocaleString('en')} of ${all.toLocaleString('en')} texts`;
  return [
    ...(cut > 0 ? [`${of(cut)} are longer than --context-length ${contextLength} and are cut`] : []),
    ...(replaced > 0
      ? [`${of(replaced)} have characters that the vocabulary does not have; spaces stand for them`]
      : []),
  ];
}

/** @param {Readonly<import('../types.js').Transfer>} transfer */
function transferLines({ taken, notTaken, unused }) {
  return [
    `--from: ${taken.length} tensors are taken over`,
    ...(notTaken.length > 0
      ? [`new, since the file has none of this name and shape: ${notTaken.join(', ')}`]
      : []),
    ...(unused.length > 0 ? [`not used: ${unused.join(', ')}`] : []),
  ];
}
