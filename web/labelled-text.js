/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Labelled texts for text classifiers: reading CSV, TSV and JSON lines, splitting them, and turning them into tokens and
 * class ids. Exported as `hyperrouter-wasm/labelled-text`.
 *
 * @module
 */
import { parse } from 'csv-parse/browser/esm/sync';
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkKeys,
  checkName,
  checkOptions,
  checkShare,
  fail,
  refuse,
  toIntegers,
} from './check.js';
import { quote } from './message.js';
import { readText } from './reading.js';
import { shuffled } from './shuffle.js';

/** @import { Integers } from './types.js' */
/** @import { Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} LabelledTexts
 * Texts with their labels.
 *
 * @property {string[]} texts [n], none empty
 * @property {string[]} labels [n]; empty if no column of labels was read
 */

/**
 * @typedef {object} TextColumns
 * Where texts and labels are.
 *
 * @property {'csv' | 'tsv' | 'jsonl'} format comma-separated with quotes (RFC 4180), tab-separated without, or one JSON object
 *   per line
 * @property {string | number | undefined} [text] the column of the texts: its name, or its number, from 1; default 'text'
 * @property {string | number | null | undefined} [label] that of the labels, which may be numbers; default 'label'; null: there
 *   is none
 * @property {boolean | undefined} [header] whether the first row has the names of the columns; default: whether columns are
 *   given by name. Not for JSON lines
 */

const FORMATS = ['csv', 'tsv', 'jsonl'];

/**
 * Reads labelled texts. Columns given by name need a header (or are keys of JSON objects); with columns given by number, the
 * first row is data unless `header` is true. Empty lines are skipped.
 *
 * @param {string | Uint8Array | ArrayBuffer} file its text, or its bytes in UTF-8
 * @param {TextColumns} columns where texts and labels are
 * @returns {LabelledTexts}
 * @throws {TypeError | RangeError} naming the argument, or the line of the file
 */
export function readLabelledTexts(file, columns) {
  const keys = ['format', 'text', 'label', 'header'];
  const options = checkOptions('readLabelledTexts', columns, keys);
  const { format, text = 'text', label = 'label', header = typeof text === 'string' } = options;
  checkName('format', format, FORMATS);
  checkBoolean('header', header);
  if (format === 'jsonl' && options.header !== undefined)
    fail('header must be left out for JSON lines, which name every value', TypeError);
  if (typeof text === 'string' && !header)
    refuse('header', 'true or left out: columns given by name need a header', header);
  checkColumn('text', text, format);
  if (label !== null) checkColumn('label', label, format);
  if (label !== null && typeof label !== typeof text) {
    fail(`label must be a column like text, both by name or both by number, got ${quote(String(label))}`);
  }
  const given = readText(file);
  const decoded = typeof given === 'string' ? given : new TextDecoder().decode(given);
  const rows =
    format === 'jsonl'
      ? objectRows(decoded)
      : tableRows(decoded, format, { header, named: typeof text === 'string' });
  if (rows.length === 0) fail('the file has no rows');
  /** @type {LabelledTexts} */
  const read = { texts: [], labels: [] };
  for (const row of rows) {
    const value = cell(row, text, rows[0]);
    if (typeof value !== 'string' || value === '') {
      fail(`line ${row.line}: ${nameOf(text)} must be a text that is not empty`);
    }
    read.texts.push(/** @type {string} */ (value));
    if (label === null) continue;
    const given = cell(row, label, rows[0]);
    if (!/^(string|number|boolean)$/.test(typeof given) || given === '') {
      fail(`line ${row.line}: ${nameOf(label)} must be a label: a text or a number`);
    }
    read.labels.push(String(given));
  }
  return read;
}

/** @typedef {{ line: number, values: Record<string, unknown> }} Row a row of a file, and its line, from 1 */

/** @param {string | number} column */
const nameOf = (column) => (typeof column === 'number' ? `column ${column}` : `the column ${quote(column)}`);

/**
 * @param {string} name
 * @param {unknown} column
 * @param {string} format
 */
function checkColumn(name, column, format) {
  if (typeof column === 'number') {
    if (format === 'jsonl') refuse(name, 'the name of a key: JSON objects have no columns by number', column);
    return void checkInteger(name, column, 1);
  }
  if (typeof column !== 'string' || column === '')
    refuse(name, 'the name or the number of a column', column, TypeError);
}

/**
 * @param {Row} row
 * @param {string | number} column
 * @param {Row} first
 */
function cell({ line, values }, column, first) {
  if (Object.hasOwn(values, column)) return values[column];
  const names = Object.keys(first.values);
  const there =
    typeof column === 'number'
      ? `1 to ${names.length}`
      : names
          .slice(0, 20)
          .map((name) => quote(name))
          .join(', ');
  return fail(
    `line ${line} has no ${typeof column === 'number' ? nameOf(column) : `column ${quote(column)}`}; there is ${there}`,
  );
}

/** @param {string} text @returns {Row[]} */
function objectRows(text) {
  /** @type {Row[]} */
  const rows = [];
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .forEach((written, index) => {
      if (written.trim() === '') return;
      const line = index + 1;
      let values;
      try {
        values = JSON.parse(written);
      } catch {
        fail(`line ${line} is not JSON; each line must be an object`);
      }
      if (typeof values !== 'object' || values === null || Array.isArray(values))
        fail(`line ${line} must be a JSON object`);
      rows.push({ line, values });
    });
  return rows;
}

/**
 * @param {string} text
 * @param {string} format
 * @param {{ header: boolean, named: boolean }} first whether there is a header, and whether columns are given by its names
 * @returns {Row[]}
 */
function tableRows(text, format, { header, named }) {
  const options = {
    bom: true,
    delimiter: format === 'csv' ? ',' : '\t',
    // Text with tabs between has no quoting: a quote is one of the text.
    quote: format === 'csv' ? '"' : null,
    info: /** @type {const} */ (true),
    skip_empty_lines: true,
  };
  /** @type {{ info: { lines: number }, record: string[] }[]} */
  let records;
  try {
    records = /** @type {any} */ (parse(text, options));
  } catch (error) {
    return fail(explain(/** @type {any} */ (error)));
  }
  // A quoted text may have lines of its own: what the parser tells is the last one.
  const lines = records.map(({ info }) => info.lines);
  const first = header ? (records.shift()?.record ?? []) : undefined;
  const names = named ? first : undefined;
  const twice = names?.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) fail(`line ${lines[0]}: there are two columns ${quote(twice)}`);
  return records.map(({ record }, i) => ({
    line: lines[i + (header ? 1 : 0)],
    values: Object.fromEntries(record.map((value, at) => [names ? names[at] : at + 1, value])),
  }));
}

/** What is wrong, in words of our own. @param {{ code?: string, lines?: number }} error */
function explain({ code, lines }) {
  const where = `line ${lines}`;
  if (code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH')
    return `${where} has another number of columns than the first; a text with a comma needs quotes in CSV`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return `${where}: a quote that begins there is not closed`;
  return `${where}: a quote inside of a field must be written twice, and the field must stand in quotes`;
}

/**
 * @param {string} name
 * @param {readonly string[]} value
 * @returns {string[]} a copy: what is checked is what is used
 */
function readStrings(name, value) {
  if (!Array.isArray(value)) return refuse(name, 'an array of strings', value, TypeError);
  // By index, because holes must be seen.
  return Array.from({ length: value.length }, (_, i) => {
    const text = value[i];
    return typeof text === 'string' ? text : refuse(`${name}[${i}]`, 'a string', text, TypeError);
  });
}

/** The labels of a data set, in an order: class ids are places in it. Save it with the model, as JSON in its metadata. */
export class Labels {
  /** @type {Map<string, number>} */
  #ids;

  /**
   * @param {readonly string[]} names all labels, in their order
   * @throws {TypeError | RangeError} if they are no different texts
   */
  constructor(names) {
    const all = readStrings('names', names);
    if (all.length < 2) fail(`names must have 2 labels or more, got ${all.length}`);
    this.#ids = new Map(all.map((name, id) => [name, id]));
    if (this.#ids.size < all.length) fail('names must be different');
    /**
     * The label of each class id.
     * @type {readonly string[]}
     */
    this.names = Object.freeze(all);
  }

  /**
   * The labels that occur: numbers by size, other labels in the order of their characters. So files with the same labels
   * give the same order.
   * @param {readonly string[]} labels [n] such as those of the training data
   * @returns {Labels}
   * @throws {TypeError | RangeError} if they are no texts, or fewer than two different ones
   */
  static of(labels) {
    const names = [...new Set(readStrings('labels', labels))];
    const numeric = names.every((name) => name.trim() !== '' && Number.isFinite(Number(name)));
    // Not by locale, which differs from machine to machine.
    const byText = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : 1);
    return new Labels(names.sort(numeric ? (a, b) => Number(a) - Number(b) || byText(a, b) : byText));
  }

  /**
   * Class ids of labels.
   * @param {readonly string[]} labels [n]
   * @returns {Integers} [n]
   * @throws {TypeError | RangeError} naming the label that is none of them
   */
  encode(labels) {
    return Int32Array.from(readStrings('labels', labels), (label, i) => {
      const id = this.#ids.get(label);
      return id ?? fail(`labels[${i}] must be one of the ${this.names.length} labels, got ${quote(label)}`);
    });
  }

  /** The names, for the constructor. @returns {string[]} */
  toJSON() {
    return [...this.names];
  }
}

/**
 * Splits labelled texts at random, keeping the share of each label.
 *
 * @param {LabelledTexts} data all texts with their labels
 * @param {object} [options] how to split
 * @param {number | undefined} [options.validation] share to hold out for validation, 0 to below 1; default 0.1
 * @param {number | undefined} [options.test] share to hold out for a test, 0 (default) to below 1
 * @param {number | undefined} [options.seed] seed of the random choice, 0 (default) to 4294967295
 * @returns {{ train: LabelledTexts, validation: LabelledTexts, test: LabelledTexts }} each in the order of the data
 * @throws {TypeError | RangeError} naming the option
 */
export function splitLabelledTexts(data, options = {}) {
  const keys = ['validation', 'test', 'seed'];
  const { validation = 0.1, test = 0, seed = 0 } = checkOptions('splitLabelledTexts', options, keys);
  checkShare('validation', validation);
  checkShare('test', test);
  checkInteger('seed', seed, 0, 4294967295);
  if (validation + test >= 1)
    fail(`validation and test must leave something to train on, got ${validation} and ${test}`);
  const given = /** @type {LabelledTexts} */ (checkKeys('data', 'labelled texts', data, ['texts', 'labels']));
  const texts = readStrings('data.texts', given.texts);
  const labels = readStrings('data.labels', given.labels);
  if (texts.length !== labels.length) {
    fail(`data.labels must have one label for each of the ${texts.length} texts, got ${labels.length}`);
  }
  /** @type {Map<string, number[]>} */
  const rowsOf = new Map();
  labels.forEach((label, row) => {
    const rows = rowsOf.get(label);
    if (rows) rows.push(row);
    else rowsOf.set(label, [row]);
  });
  // 0: to train on, 1: validation, 2: test.
  const parts = new Uint8Array(labels.length);
  [...rowsOf.values()].forEach((rows, index) => {
    const order = shuffled(rows.length, Math.imul(seed + 1, 0x9e3779b1) ^ index);
    const [first, second] = [
      Math.round(rows.length * validation),
      Math.round(rows.length * (validation + test)),
    ];
    order.subarray(0, second).forEach((at, i) => {
      parts[rows[at]] = i < first ? 1 : 2;
    });
  });
  const part = (/** @type {number} */ wanted) => ({
    texts: texts.filter((_, row) => parts[row] === wanted),
    labels: labels.filter((_, row) => parts[row] === wanted),
  });
  return { train: part(0), validation: part(1), test: part(2) };
}

/**
 * Encodes texts as the inputs of a text classifier. What is longer than its context is cut at the end.
 *
 * @param {readonly string[]} texts [n], none empty
 * @param {Pick<Vocabulary, 'encode'>} vocabulary that of the model
 * @param {{ contextLength: number }} config of the model
 * @param {{ replacement?: string | undefined }} [options] replacement: a character of the vocabulary that stands for those that
 *   it does not have; by default these are refused
 * @returns {{ inputs: Integers[], cut: number, replaced: number }} inputs: [n] of 1 to contextLength tokens; how many texts
 *   were cut, and in how many characters were replaced
 * @throws {TypeError | RangeError} naming the argument, or the text that has no tokens
 */
export function encodeTexts(texts, vocabulary, config, options = {}) {
  const { replacement } = checkOptions('encodeTexts', options, ['replacement']);
  const all = readStrings('texts', texts);
  checkFunction('vocabulary.encode', vocabulary?.encode, 'a function');
  const contextLength = checkInteger('config.contextLength', config?.contextLength, 1);
  let [cut, replaced] = [0, 0];
  const answer = (/** @type {unknown} */ tokens) => toIntegers('vocabulary.encode(text)', tokens);
  /** @param {string} text @param {number} i */
  const encode = (text, i) => {
    try {
      return answer(vocabulary.encode(text));
    } catch (error) {
      if (replacement === undefined) throw prefixed(`texts[${i}]`, error);
      replaced++;
      return answer(vocabulary.encode(text, { replacement }));
    }
  };
  const inputs = all.map((text, i) => {
    const tokens = encode(text, i);
    if (tokens.length === 0) fail(`texts[${i}] must have a token or more, got ${quote(text)}`);
    if (tokens.length > contextLength) cut++;
    return tokens.slice(0, contextLength);
  });
  return { inputs, cut, replaced };
}

/** @param {string} where @param {unknown} error of a vocabulary, whose message begins with the argument's name */
function prefixed(where, error) {
  if (error instanceof RangeError) return new RangeError(error.message.replace(/^text\b/, where));
  return error;
}
