/**
 * Runs that train text classifiers: their data and their models.
 *
 * @module
 */
import { Labels, splitLabelledTexts } from '../labelled-text.js';
import { quote } from '../message.js';
import { CLASSIFY_DEFAULTS, FINE_TUNE_DEFAULTS } from '../run.js';
import { ClassifyTask } from './classify-task.js';
import { CommandError, usageError } from './errors.js';
import { readBytes } from './files/read.js';
import { fingerprint, joinFiles, readFiles, readLabels, readVocabulary } from './files.js';
import { columnsOf, encodeRows, readRows } from './labelled-data.js';
import { makeVocabulary } from './vocabularies.js';

/** @typedef {import('../labelled-text.js').LabelledTexts} LabelledTexts */
/** @typedef {import('./system.js').System} System */
/** @typedef {import('./runs.js').Start} Start */

/**
 * Labelled texts, and what to call them.
 *
 * @typedef {{ rows: LabelledTexts, name: string }} Part
 */

/**
 * @param {import('../index.js').Engine} engine
 * @param {Start} start
 * @param {System} system
 * @returns {Promise<import('./runs.js').Started>}
 */
export async function startClassifier(engine, { options, data, chosen, given, config }, system) {
  const columns = columnsOf(options);
  const { all, ...parts } = await readParts({ options, data }, columns, chosen, system);
  const labels = labelsOf(all);
  await warnOfHeader(all, system);
  const { model, vocabulary } =
    options.from === undefined
      ? newModel(engine, parts.train, chosen, {
          ...CLASSIFY_DEFAULTS.model,
          ...config,
          classes: labels.names.length,
        })
      : await tunedModel(
          engine,
          options.from,
          given,
          { ...FINE_TUNE_DEFAULTS.model, ...config, classes: labels.names.length },
          system,
        );
  const encoded = encodeParts(parts, { model, vocabulary, labels });
  const pretrained = options.from === undefined ? {} : { vocabulary: undefined, vocabSize: undefined };
  return {
    model,
    more: {
      task: 'classify',
      columns,
      ...pretrained,
      ...(parts.fingerprint && { validation: parts.fingerprint }),
      // Of very few texts none may be held out, and patience was not asked for.
      ...(!parts.validation && given.patience === undefined && { patience: 0 }),
    },
    makeTask: (recipe) => new ClassifyTask({ model, vocabulary, labels, recipe }, encoded),
  };
}

/**
 * @param {object} opened
 * @param {import('../index.js').TextClassifier} opened.model
 * @param {import('../vocabulary.js').Vocabulary} opened.vocabulary
 * @param {import('./recipe.js').Recipe} opened.recipe
 * @param {string} opened.path
 * @param {Pick<Start, 'options' | 'data' | 'given'>} inputs
 * @param {System} system
 */
export async function resumeClassifier(
  { model, vocabulary, recipe, path },
  { options, data, given },
  system,
) {
  const file = typeof recipe.validation === 'string';
  if (file !== (typeof given.validation === 'string')) {
    throw usageError(
      file
        ? `the run in ${path} has its held-out texts in a file: pass it again with --validation`
        : `the run in ${path} holds out a share of its texts, not a file`,
    );
  }
  const validation = file ? given.validation : recipe.validation;
  const columns = columnsOf(options, recipe.columns);
  const { all: _, ...parts } = await readParts({ options, data }, columns, { ...recipe, validation }, system);
  if (file && parts.fingerprint !== recipe.validation) {
    throw usageError(
      `${given.validation} has not the held-out texts that the run in ${path} was started with`,
    );
  }
  const labels = readLabels(model, path);
  return new ClassifyTask(
    { model, vocabulary, labels, recipe },
    encodeParts(parts, { model, vocabulary, labels }),
  );
}

/**
 * @param {Pick<Start, 'options' | 'data'>} inputs
 * @param {import('./labelled-data.js').Columns} columns
 * @param {{ validation: number | string, splitSeed?: number }} split  a share, or the path of a file
 * @param {System} system
 * @returns {Promise<{ all: Part, train: Part, validation: Part | null, test: Part | null, fingerprint: string | null }>}
 *   fingerprint: of the file of held-out texts
 */
async function readParts({ options, data }, columns, { validation, splitSeed = 0 }, system) {
  const all = { rows: readRows(data.files, columns), name: data.name };
  const test = options.test === undefined ? null : (await readPart(options.test, columns, system)).part;
  if (typeof validation === 'string') {
    const held = await readPart(validation, columns, system);
    return { all, train: all, validation: held.part, test, fingerprint: held.fingerprint };
  }
  const split = splitLabelledTexts(all.rows, { validation, seed: splitSeed });
  const part = (/** @type {LabelledTexts} */ rows) => ({ rows, name: all.name });
  const held = split.validation.texts.length > 0 ? part(split.validation) : null;
  return { all, train: part(split.train), validation: held, test, fingerprint: null };
}

/**
 * @param {string} path
 * @param {import('./labelled-data.js').Columns} columns
 * @param {System} system
 */
async function readPart(path, columns, system) {
  const { files, name } = await readFiles([path], system);
  return { part: { rows: readRows(files, columns), name }, fingerprint: fingerprint(joinFiles(files)) };
}

/** @param {Part} part */
function labelsOf({ rows, name }) {
  try {
    return Labels.of(rows.labels);
  } catch (error) {
    const message = `${name}: all texts have the label ${quote(rows.labels[0])}; there must be 2 labels or more`;
    throw new CommandError(message, { cause: error });
  }
}

/**
 * A header that is read as data adds a class.
 *
 * @param {Part} part
 * @param {System} system
 */
async function warnOfHeader({ rows: { labels }, name }, { messages }) {
  const [first] = labels;
  if (labels.length < 3 || labels.indexOf(first, 1) >= 0) return;
  await messages.tell(
    'warning',
    `${name}: only the first row has the label ${quote(first)}; if it is a header, --header passes over it`,
  );
}

/**
 * @param {import('../index.js').Engine} engine
 * @param {Part} train
 * @param {import('./recipe.js').Recipe} chosen
 * @param {Record<string, any>} config
 */
function newModel(engine, { rows, name }, chosen, config) {
  const vocabulary = makeVocabulary(chosen, new TextEncoder().encode(rows.texts.join('\n')), name);
  return { model: engine.createTextClassifier({ ...config, vocabSize: vocabulary.size }), vocabulary };
}

/**
 * @param {import('../index.js').Engine} engine
 * @param {string} path
 * @param {Record<string, any>} given
 * @param {Record<string, any>} config
 * @param {System} system
 */
async function tunedModel(engine, path, given, config, { fs }) {
  for (const [name, flag] of [
    ['vocabulary', '--vocabulary'],
    ['vocabSize', '--vocab-size'],
  ]) {
    if (name in given)
      throw usageError(`${flag} has no effect with --from: the vocabulary is that of ${path}`);
  }
  const from = await readBytes(path, fs);
  try {
    const model = engine.createTextClassifier(config, { from });
    return { model, vocabulary: readVocabulary(model) };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw error;
    const { message } = /** @type {Error} */ (error);
    throw new CommandError(`${path}: ${message}`, { cause: error });
  }
}

/**
 * @param {{ train: Part, validation: Part | null, test: Part | null }} parts
 * @param {object} run
 * @param {import('../index.js').TextClassifier} run.model
 * @param {import('../vocabulary.js').Vocabulary} run.vocabulary
 * @param {Labels} run.labels
 */
function encodeParts({ train, validation, test }, { model, vocabulary, labels }) {
  const encode = (/** @type {Part} */ { rows, name }) =>
    encodeRows(rows, { vocabulary, labels, config: model.config }, name);
  return { train: encode(train), validation: validation && encode(validation), test: test && encode(test) };
}
