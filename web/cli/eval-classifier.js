/**
 * `hyperrouter-wasm eval` of a text classifier: accuracy, F1 and what is taken for what.
 *
 * @module
 */
import { splitLabelledTexts } from '../labelled-text.js';
import { confusionMatrix, evaluateSequences } from '../sequences.js';
import { changesOf } from './classify-task.js';
import { usageError } from './errors.js';
import { measureEach, routingOf, table } from './evaluation.js';
import { fingerprint, joinFiles, readLabels } from './files.js';
import { columnsOf, encodeRows, readRows } from './labelled-data.js';
import { percent, printable, toJSON } from './output.js';

/** @typedef {import('../labelled-text.js').LabelledTexts} LabelledTexts */
/** @typedef {import('./eval.js').Evaluated} Evaluated */

/**
 * @param {import('../index.js').TextClassifier} model
 * @param {Evaluated} evaluated
 * @param {import('./system.js').System} system
 * @returns {Promise<string>}
 */
export async function evaluateClassifier(model, evaluated, system) {
  const { options, data, counts, vocabulary } = evaluated;
  const labels = readLabels(model, options.checkpoint);
  const { split, rows } = selectRows(evaluated);
  const { inputs, targets, cut, replaced } = encodeRows(
    rows,
    { vocabulary, labels, config: model.config },
    data.name,
  );
  const { topK: trained } = model;
  const results = await measureEach(model, counts, system, (onProgress) =>
    evaluateSequences(
      model,
      { inputs, targets },
      { onProgress: ({ count, total }) => onProgress(count / total) },
    ),
  );
  const { names } = labels;
  if (options.json) {
    return toJSON({
      ...{
        checkpoint: options.checkpoint,
        data: data.name,
        split,
        texts: inputs.length,
        cut,
        replaced,
        labels: names,
      },
      results: results.map(({ predictions, count, ...result }) => ({
        ...result,
        confusion: confusionMatrix(targets, predictions, names.length),
      })),
    });
  }
  const rowsOfTable = results.map(({ loss, accuracy, macroF1 }) => [
    ...[loss.toFixed(4), percent(accuracy), macroF1.toFixed(4)],
  ]);
  return [
    `${data.name}, ${split}: ${inputs.length.toLocaleString('en')} texts, ${names.length} labels`,
    ...changesOf({ cut, replaced, all: inputs.length }, model.config.contextLength),
    ...table(['loss', 'accuracy', 'macro F1'], rowsOfTable, results, trained),
    ...labelLines(names, targets, results),
    ...routingOf(results, trained),
  ].join('\n');
}

/**
 * @param {readonly string[]} names
 * @param {Int32Array} targets
 * @param {{ topK: number | null, f1: (number | null)[] }[]} results
 * @returns {string[]} lines: F1 of each label
 */
function labelLines(names, targets, results) {
  const counts = new Array(names.length).fill(0);
  for (const target of targets) counts[target]++;
  const shown = names.map(printable);
  const width = shown.reduce((most, { length }) => Math.max(most, length), 5);
  const heads = results.map(({ topK }) => (results.length > 1 ? `F1, k=${topK}` : 'F1').padStart(8));
  return [
    `  ${'label'.padEnd(width)}  ${'texts'.padStart(6)}  ${heads.join('  ')}`,
    ...shown.map((name, id) => {
      const scores = results.map(({ f1 }) => (f1[id]?.toFixed(4) ?? '–').padStart(8));
      return `  ${name.padEnd(width)}  ${String(counts[id]).padStart(6)}  ${scores.join('  ')}`;
    }),
  ];
}

/**
 * @param {Evaluated} evaluated
 * @returns {{ split: string, rows: LabelledTexts }}
 */
function selectRows({ options, data, training }) {
  const rows = readRows(data.files, columnsOf(options, training?.columns));
  const trainedOn = training?.text === fingerprint(joinFiles(data.files));
  const share = options.validation ?? training?.validation ?? 0.1;
  const split = options.split ?? (trainedOn && typeof share === 'number' ? 'validation' : 'all');
  if (split === 'all' && options.validation !== undefined) {
    throw usageError('--validation has no effect on all texts: --split validation evaluates a share of them');
  }
  if (split === 'all') return { split, rows };
  if (typeof share !== 'number') {
    throw usageError(
      `--split ${split}: the held-out texts of the run are those of another file; pass it with --data`,
    );
  }
  const seed = training?.splitSeed ?? 0;
  const part = splitLabelledTexts(rows, { validation: share, seed })[/** @type {'train'} */ (split)];
  if (part.texts.length === 0) {
    throw usageError(
      `the ${split} part of ${data.name} has no texts (--validation ${share}); try --split all`,
    );
  }
  const percentage = `${+(100 * share).toFixed(2)} %`;
  return {
    split: split === 'validation' ? `held-out ${percentage}` : `all but the held-out ${percentage}`,
    rows: part,
  };
}
