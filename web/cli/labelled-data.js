/**
 * Labelled texts of the command line: files, columns, and what a text classifier reads of them.
 *
 * @module
 */
import { InvalidArgumentError, Option } from 'commander';
import { encodeTexts, readLabelledTexts } from '../labelled-text.js';
import { formatOfName } from '../table-format.js';
import { CommandError, usageError } from './errors.js';
import { STANDARD_INPUT } from './files.js';

/** @typedef {import('./files.js').ReadFile} ReadFile */
/** @typedef {import('../labelled-text.js').LabelledTexts} LabelledTexts */

/**
 * Where texts and labels are in a file.
 *
 * @typedef {object} Columns
 * @property {string} text     name or number of a column
 * @property {string} label
 * @property {boolean} header  whether the first row is to be passed over though columns have numbers
 * @property {'csv' | 'tsv' | 'jsonl'} [format]  if the name of a file does not say it
 */

/**
 * Texts as a classifier reads them.
 *
 * @typedef {object} EncodedTexts
 * @property {Int32Array[]} inputs
 * @property {Int32Array} targets
 * @property {number} cut       how many texts were too long
 * @property {number} replaced  in how many texts characters were replaced
 */

const FORMATS = ['csv', 'tsv', 'jsonl'];

/** Columns unless they are given. */
const COLUMNS = { text: 'text', label: 'label', header: false };

/**
 * @param {string} group  heading in the help
 * @param {{ labels?: boolean, lines?: boolean }} [options]  labels: whether there are some; lines: whether the file may have
 *   a text in each line
 */
export function columnOptions(group, { labels = true, lines = false } = {}) {
  const formats = lines ? ['lines', ...FORMATS] : FORMATS;
  const options = [
    new Option(
      '--text <column>',
      `Column of the texts: its name, or its number from 1 (default ${COLUMNS.text})`,
    ),
    new Option('--label <column>', `Column of the labels (default ${COLUMNS.label})`),
    new Option('--header', 'Pass over the first row though columns have numbers'),
    new Option(
      '--format <name>',
      `Format of the data (${formats.join(', ')}); by default the name of the file says it`,
    ).argParser((text) => {
      if (!formats.includes(text)) throw new InvalidArgumentError(`It must be one of ${formats.join(', ')}.`);
      return text;
    }),
  ];
  return options.filter(({ long }) => labels || long !== '--label').map((option) => option.helpGroup(group));
}

/**
 * @param {{ text?: string, label?: string, header?: boolean, format?: any }} options  of the command line
 * @param {Columns} [stored]  of the run of the model
 * @returns {Columns}
 */
export function columnsOf({ text, label, header, format }, stored) {
  const known = stored ?? COLUMNS;
  return {
    text: text ?? known.text,
    label: label ?? known.label,
    header: header ?? known.header,
    ...((format ?? stored?.format) && { format: format ?? stored?.format }),
  };
}

/** @param {unknown} value  out of a checkpoint */
export function areColumns(value) {
  const { text, label, header, format } = /** @type {Record<string, unknown>} */ (value ?? {});
  return (
    typeof text === 'string' &&
    typeof label === 'string' &&
    typeof header === 'boolean' &&
    (format === undefined || FORMATS.includes(String(format)))
  );
}

/**
 * @param {string} path
 * @param {Columns['format']} given
 */
function formatOf(path, given) {
  const format = given ?? formatOfName(path);
  if (format) return format;
  const why =
    path === STANDARD_INPUT
      ? 'it says whether standard input is'
      : `the name ${path} does not say whether it is`;
  throw usageError(`--format is missing: ${why} ${FORMATS.join(', ')}`);
}

/**
 * @param {readonly ReadFile[]} files
 * @param {Columns} columns
 * @param {{ labels?: boolean }} [options]
 * @returns {LabelledTexts} the rows of all
 */
export function readRows(files, columns, { labels = true } = {}) {
  const parts = files.map(({ name, path, bytes }) => {
    const format = formatOf(path, columns.format);
    const byName = format === 'jsonl' || !/^\d+$/.test(columns.text);
    const column = (/** @type {string} */ value) =>
      format !== 'jsonl' && /^\d+$/.test(value) ? Number(value) : value;
    try {
      return readLabelledTexts(bytes, {
        format,
        text: column(columns.text),
        label: labels ? column(columns.label) : null,
        ...(columns.header && format !== 'jsonl' && { header: true }),
      });
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      const missing = byName && format !== 'jsonl' && / has no column /.test(error.message);
      const advice = missing ? '; without a header, columns have numbers: --text 1 --label 2' : '';
      throw new CommandError(`${name}: ${error.message}${advice}`, { cause: error });
    }
  });
  return {
    texts: parts.flatMap(({ texts }) => texts),
    labels: parts.flatMap((part) => part.labels),
  };
}

/**
 * @param {LabelledTexts} rows
 * @param {object} model
 * @param {import('../vocabulary.js').Vocabulary} model.vocabulary
 * @param {import('../labelled-text.js').Labels} model.labels
 * @param {{ contextLength: number }} model.config
 * @param {string} name  of the data
 * @returns {EncodedTexts}
 */
export function encodeRows({ texts, labels: names }, { vocabulary, labels, config }, name) {
  try {
    return { ...encodeKnown(texts, vocabulary, config), targets: labels.encode(names) };
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    const message = error.message.replace(
      /^(text|label)s\[(\d+)\]/,
      (_, what, row) => `${what} ${Number(row) + 1}`,
    );
    throw new CommandError(`${name}: ${message}`, { cause: error });
  }
}

/**
 * Encodes texts; a space stands for a character that the vocabulary does not have, if it has that.
 *
 * @param {readonly string[]} texts
 * @param {import('../vocabulary.js').Vocabulary} vocabulary
 * @param {{ contextLength: number }} config
 */
export function encodeKnown(texts, vocabulary, config) {
  return encodeTexts(texts, vocabulary, config, hasSpace(vocabulary) ? { replacement: ' ' } : {});
}

/** @param {import('../vocabulary.js').Vocabulary} vocabulary */
function hasSpace(vocabulary) {
  if (!['character', 'pieces'].includes(vocabulary.kind)) return false;
  try {
    return vocabulary.encode(' ').length === 1;
  } catch {
    return false;
  }
}
