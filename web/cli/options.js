/**
 * Command-line options from declarations of fields, those of the engine and of a training run, so that help, defaults,
 * limits and checks have one source.
 *
 * @module
 */
import { InvalidArgumentError, Option } from 'commander';
import { usageError } from './errors.js';

/**
 * @typedef {object} Field
 * @property {string} name           as in JavaScript: camelCase
 * @property {'integer' | 'number' | 'boolean' | 'choice' | 'share'} type  share: a number, or a file
 * @property {any} [default]
 * @property {any} [classify]     default of text classifiers, if it is another one
 * @property {any} [fineTune]     default of those that start from a pretrained model, if it is another one
 * @property {number} [min]          inclusive
 * @property {number} [max]          inclusive, unless `exclusiveMax`
 * @property {boolean} [exclusiveMax]
 * @property {readonly string[]} [choices]
 * @property {string} summary
 */

/** Larger limits are those of the number type and are not shown. */
const NOTABLE_LIMIT = 2 ** 30;

/**
 * @param {string} name  camelCase
 * @returns {string} the option, such as --d-model
 */
export function flagOf(name) {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * @param {Field} field
 * @returns {string} the values it accepts, such as 'integer from 1 to 64'
 */
function rangeOf({ type, min = -Infinity, max = Infinity, exclusiveMax = false }) {
  const noun = type === 'share' ? 'number' : type;
  const from = min > -NOTABLE_LIMIT;
  const to = max < NOTABLE_LIMIT;
  return from && to
    ? `${noun} from ${min} ${exclusiveMax ? 'below' : 'to'} ${max}`
    : from
      ? `${noun} of at least ${min}`
      : noun;
}

/**
 * @param {Field} field
 * @returns {(text: string) => number}
 */
function parserOf(field) {
  const { type, min = -Infinity, max = Infinity, exclusiveMax = false } = field;
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    const fits = type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!fits || value < min || value > max || (exclusiveMax && value === max)) {
      throw new InvalidArgumentError(`It must be ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${rangeOf(field)}.`);
    }
    return value;
  };
}

/**
 * @param {Field} field
 * @returns {string} its defaults, such as ', default 1; with --classify 2'
 */
function defaultsIn({ default: plain, classify = plain, fineTune = classify }) {
  const parts = [
    plain === undefined ? '' : `, default ${plain}`,
    classify === plain ? '' : `; with --classify ${classify}`,
    fineTune === classify ? '' : `; with --from ${fineTune}`,
  ];
  return parts.join('');
}

/**
 * The option of a field. It has no default in Commander, so that one can tell whether it was given; the help text shows
 * the default.
 *
 * @param {Field} field
 * @param {string} group  heading in the help
 * @returns {Option}
 */
export function optionOf(field, group) {
  const flag = flagOf(field.name);
  const summary = field.summary.replace(/\.$/, '');
  const initial = defaultsIn(field);
  if (field.type === 'boolean') {
    const option = field.default
      ? new Option(flag.replace('--', '--no-'), `Without: ${summary}`)
      : new Option(flag, summary);
    // Commander gives --no-x a default of true, which looks as if it had been given.
    return option.default(undefined).helpGroup(group);
  }
  if (field.type === 'choice') {
    const choices = /** @type {string[]} */ (field.choices);
    return new Option(`${flag} <name>`, `${summary} (${choices.join(', ')}${initial})`)
      .argParser((text) => {
        if (!choices.includes(text))
          throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
        return text;
      })
      .helpGroup(group);
  }
  const parse = parserOf(field);
  const value = { integer: 'n', number: 'x', share: 'x or file' }[field.type];
  return new Option(`${flag} <${value}>`, `${summary} (${rangeOf(field)}${initial})`)
    .argParser((text) => (field.type === 'share' && isPath(text) ? text : parse(text)))
    .helpGroup(group);
}

/** @param {string} text @returns {boolean} whether it is no number */
const isPath = (text) => text.trim() !== '' && Number.isNaN(Number(text));

/**
 * @param {Record<string, unknown>} options  as parsed
 * @param {readonly Field[]} fields
 * @returns {Record<string, any>} those of the fields that were given
 */
export function givenOf(options, fields) {
  return Object.fromEntries(
    fields.filter(({ name }) => options[name] !== undefined).map(({ name }) => [name, options[name]]),
  );
}

/**
 * @param {readonly Field[]} fields
 * @returns {Record<string, any>}
 */
export function defaultsOf(fields) {
  return Object.fromEntries(fields.map((field) => [field.name, field.default]));
}

/**
 * @param {string} text  such as 1,2,4
 * @returns {number[]}
 */
export function parseCounts(text) {
  return text.split(',').map((part) => {
    const value = part.trim() === '' ? NaN : Number(part);
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new InvalidArgumentError('It must be a list of integers of at least 1, separated by commas.');
    }
    return value;
  });
}

/** @returns {Option} */
export function variantOption() {
  /** @type {Field} */
  const field = {
    name: 'variant',
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'simd', 'relaxed-simd'],
    summary: 'Variant of the engine; simd gives the same bits everywhere',
  };
  return optionOf(field, 'Options:');
}

/** @returns {Option} */
export function threadsOption() {
  return new Option(
    '--threads <number>',
    'Number of threads, or "auto" for one per core; results have the same bits',
  )
    .default(1)
    .argParser((text) => {
      if (text === 'auto') return text;
      const count = text.trim() === '' ? NaN : Number(text);
      if (!Number.isInteger(count) || count < 1 || count > 64) {
        throw new InvalidArgumentError('It must be "auto" or an integer from 1 to 64.');
      }
      return count;
    });
}

/** @returns {Option} */
export function configOption() {
  return new Option('--config <file>', 'JSON file with the configuration, for checkpoints without one');
}

/**
 * @param {string} summary
 * @returns {Option}
 */
export function dataOption(summary) {
  return new Option(
    '--data <file>',
    `${summary}; - reads standard input, a repeated --data joins files`,
  ).argParser((path, /** @type {string[]} */ before = []) => [...before, path]);
}

/** What a command line is told that lacks an option. */
const NEEDED = {
  data: 'it says which file to read',
  checkpoint: 'it says which model to open',
  out: 'it says where to save',
};

/**
 * Refuses a command line without options that it needs. Commander would do so before it names a misspelt one.
 *
 * @param {object} options  as parsed
 * @param {readonly (keyof typeof NEEDED)[]} names
 */
export function checkNeeded(options, names) {
  const missing = names.find((name) => !(name in options));
  if (missing) throw usageError(`--${missing} is missing: ${NEEDED[missing]}`);
}
