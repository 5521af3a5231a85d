/** Reading a study: checking it, its variants, and the list of its runs. */
import {
  checkBoolean,
  checkInteger,
  checkKeys,
  checkName,
  checkObject,
  checkOptions,
  checkShare,
  fail,
  refuse,
} from '../check.js';
import { fieldsInUse, traitsOf } from '../config.js';
import { faultOfJson, quote } from '../message.js';
import { nearestHint } from '../nearest.js';
import { optionsOf } from '../options.js';
import { splitParts } from '../parts.js';
import { runOf } from '../run.js';
import { checkEngine, checkMade, remember } from './arguments.js';

/** @import { ConfigField, ModelKind } from '../types.js' */
/** @import { Settings, Study, StudyEngine, StudyRun, Tuning, Variant } from './types.js' */

const KEYS = [
  ...['name', 'task', 'data', 'vocabulary', 'validation', 'test', 'text', 'label', 'from', 'model', 'train'],
  ...['vary', 'seeds', 'evaluate', 'tune', 'save', 'dtype'],
];
const TASKS = ['language', 'classify'];
const VOCABULARIES = ['byte', 'char', 'pieces'];

/** Determined by the data, or by the seeds of the study. */
const DERIVED = ['vocabSize', 'classes', 'seed'];

/** Options of `train` that a study gives itself, or that no file can have. */
const GIVEN = ['every', 'signal', 'resume', 'validation', 'probe', 'probeClasses', 'measureEvery', 'seed'];

/** Of a vocabulary of pieces, unless it is given. */
const PIECES = 512;

/** @param {'language' | 'classify'} task @returns {'language' | 'text-classifier'} the kind of its models */
export const kindOf = (task) => (task === 'language' ? 'language' : 'text-classifier');

/** @param {string | null} from @returns {boolean} whether it is a file, not the name of a study */
export const isCheckpoint = (from) => from?.endsWith('.safetensors') === true;

/**
 * Reads a study, and checks it as far as that is possible without its data: its keys, and the settings of all variants.
 *
 * @param {unknown} file the study as JSON text, or what it contains
 * @param {StudyEngine} engine by which settings are checked
 * @param {{ base?: Study | undefined }} [options] base: the study that `from` names, whose variants are fine-tuned
 * @returns {Study}
 * @throws {TypeError | RangeError} naming the key
 */
export function readStudy(file, engine, options = {}) {
  const { base } = checkOptions('readStudy', options, ['base']);
  checkEngine(engine);
  if (base !== undefined) checkMade('study', base);
  const json = checkKeys('study', 'a study', typeof file === 'string' ? parse(file) : file, KEYS);
  const { name = 'study', task = 'language' } = json;
  if (typeof name !== 'string' || !/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name))
    refuse('study.name', 'letters, digits, spaces, and . _ -', name);
  checkName('study.task', task, TASKS);
  checkTaskKeys(json, task);
  const kind = kindOf(task);
  const fields = engine.configFields(kind);
  const keys = {
    model: fields.map((field) => field.name).filter((key) => !DERIVED.includes(key)),
    train: optionsOf(kind, 'train').filter((key) => !GIVEN.includes(key)),
  };
  const data = readPaths('study.data', json.data);
  const model = checkSettings('study.model', 'a model', json.model, keys.model);
  const train = checkSettings('study.train', 'a training', json.train, keys.train);
  const from = readFrom(json.from, base);
  const tune = readTuning(json.tune, keys);
  const seeds = readSeeds('study.seeds', json.seeds ?? [1]);
  const twice = tune?.seeds.find((seed) => seeds.includes(seed));
  if (twice !== undefined) refuse('study.tune.seeds', 'other seeds than study.seeds', twice);
  const parts = readVariants(json.vary, { model, train, keys });
  const matched = base ? matchVariants(parts, base, json.vary !== undefined) : parts;
  const variants = matched
    .map((part) => withEffect(part, fields))
    .map((variant) => ({
      ...variant,
      tuned: tune ? tunedKeys(variant, tune, fields, keys) : [],
    }));
  const topK = readTopK(json.evaluate);
  /** @type {Study} */
  const study = {
    ...{ file: json, name, task, data, from, variants, seeds, topK, tune },
    vocabulary: readVocabulary(json.vocabulary),
    validation: readHeldOut('study.validation', json.validation ?? 0.1),
    test: json.test === undefined ? null : readHeldOut('study.test', json.test),
    chooses: tune !== null || variants.some((variant) => variant.train.patience > 0),
    text: readColumn('study.text', json.text ?? 'text'),
    label: readColumn('study.label', json.label ?? 'label'),
    save: checkBoolean('study.save', json.save ?? false),
    dtype: /** @type {Study['dtype']} */ (
      checkName('study.dtype', json.dtype ?? 'f32', ['f32', 'f16', 'bf16'])
    ),
  };
  if (study.validation === 0) refuse('study.validation', 'above 0: results are measured on held-out data', 0);
  if (base) checkSeeds(study, base);
  for (const variant of variants) checkVariant(study, variant, engine, fields);
  return remember('study', study);
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(`the study is not JSON${faultOfJson(text, error)}`, TypeError);
  }
}

/** @param {Record<string, any>} json @param {string} task */
function checkTaskKeys(json, task) {
  if (task === 'classify') {
    if (json.from !== undefined && json.vocabulary !== undefined)
      fail('study.vocabulary must be left out with study.from, whose vocabulary is taken', TypeError);
    return;
  }
  const key = ['text', 'label', 'from'].find((name) => json[name] !== undefined);
  if (key) fail(`study.${key} must be left out unless study.task is "classify"`, TypeError);
}

/** @param {string} name @param {unknown} value @returns {string[]} */
function readPaths(name, value) {
  const paths = Array.isArray(value) ? value : [value];
  const right = paths.length > 0 && paths.every((path) => typeof path === 'string' && path !== '');
  return right ? paths : refuse(name, 'a path, or an array of paths', value, TypeError);
}

/** @param {string} name @param {unknown} value @returns {number | string[]} */
const readHeldOut = (name, value) =>
  typeof value === 'number' ? checkShare(name, value) : readPaths(name, value);

/** @param {string} name @param {unknown} value @returns {string | number} */
function readColumn(name, value) {
  if (typeof value === 'number') return checkInteger(name, value, 1);
  return typeof value === 'string' && value !== ''
    ? value
    : refuse(name, 'the name or the number of a column', value, TypeError);
}

/** @param {unknown} value @returns {Study['vocabulary']} */
function readVocabulary(value = 'byte') {
  const name = 'study.vocabulary';
  const { kind, size } =
    typeof value === 'string'
      ? { kind: value, size: undefined }
      : checkKeys(name, 'a vocabulary', value, ['kind', 'size']);
  checkName(typeof value === 'string' ? name : `${name}.kind`, kind, VOCABULARIES);
  if (kind !== 'pieces') {
    if (size !== undefined) fail(`${name}.size must be left out unless its kind is "pieces"`, TypeError);
    return { kind };
  }
  return { kind, size: checkInteger(`${name}.size`, size ?? PIECES, 2, 65536) };
}

/** @param {string} name @param {string} of @param {unknown} value @param {string[]} keys @returns {Settings} */
function checkSettings(name, of, value, keys) {
  const settings = checkObject(name, value ?? {});
  for (const key of ['vocabSize', 'classes']) {
    if (key in settings) fail(`${name}.${key} must be left out: it is determined by the data`, TypeError);
  }
  if ('seed' in settings) fail(`${name}.seed must be left out: study.seeds are the seeds`, TypeError);
  return checkKeys(name, of, settings, keys);
}

/** @param {string} name @param {unknown} value @returns {number[]} */
function readSeeds(name, value) {
  if (!Array.isArray(value) || value.length === 0) refuse(name, 'an array of seeds', value, TypeError);
  const seeds = /** @type {unknown[]} */ (value).map((seed, i) =>
    checkInteger(`${name}[${i}]`, seed, 0, 4294967295),
  );
  seeds.forEach((seed, i) => {
    if (seeds.indexOf(seed) < i) fail(`${name}[${i}] must be another seed than those before it, got ${seed}`);
  });
  return seeds;
}

/** @param {unknown} value @returns {number[]} */
function readTopK(value) {
  const { topK = [] } = checkKeys('study.evaluate', 'an evaluation', value ?? {}, ['topK']);
  const name = 'study.evaluate.topK';
  if (!Array.isArray(topK)) refuse(name, 'an array of numbers of experts', topK, TypeError);
  const counts = /** @type {unknown[]} */ (topK).map((k, i) => checkInteger(`${name}[${i}]`, k, 1));
  return [...new Set(counts)].sort((a, b) => a - b);
}

/** @param {unknown} value @param {Study | undefined} base @returns {string | null} */
function readFrom(value, base) {
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '')
    return refuse('study.from', 'a checkpoint, or the name of a study', value, TypeError);
  if (base && base.task !== 'language')
    fail(`study.from must be a study of language models, and ${quote(value)} is none`);
  return value;
}

/**
 * @param {unknown} value
 * @param {{ model: string[], train: string[] }} keys
 * @returns {Tuning | null}
 */
function readTuning(value, keys) {
  if (value === undefined) return null;
  const name = 'study.tune';
  const known = [...keys.model, ...keys.train.filter((key) => key !== 'steps')];
  const options = ['seeds', 'steps', 'search'];
  const {
    seeds,
    steps,
    search = 'grid',
    ...values
  } = checkKeys(name, 'a tuning', value, [...options, ...known]);
  checkName(`${name}.search`, search, ['grid', 'coordinate']);
  if (Object.keys(values).length === 0)
    fail(`${name} must have a key whose values are tried, such as learningRate`);
  for (const [key, list] of Object.entries(values)) {
    if (!Array.isArray(list) || list.length === 0)
      refuse(`${name}.${key}`, 'an array of values to try', list, TypeError);
  }
  if (seeds === undefined) fail(`${name}.seeds must be given: other seeds than study.seeds`);
  if (steps !== undefined) checkInteger(`${name}.steps`, steps, 1);
  return { values, steps, search, seeds: readSeeds(`${name}.seeds`, seeds) };
}

/**
 * @typedef {object} Entry
 * @property {string} label
 * @property {Settings} values by key
 * @property {string} path
 */

/**
 * @param {unknown} vary
 * @param {{ model: Settings, train: Settings, keys: { model: string[], train: string[] } }} common
 * @returns {Variant[]}
 */
function readVariants(vary, { model, train, keys }) {
  const lists = Object.entries(checkObject('study.vary', vary ?? {})).map(([key, list]) =>
    readList(key, list, [...keys.model, ...keys.train]),
  );
  /** @type {Entry[][]} */
  const combinations = lists.reduce(
    (before, list) => before.flatMap((entries) => list.map((entry) => [...entries, entry])),
    /** @type {Entry[][]} */ ([[]]),
  );
  const variants = combinations.map((entries) => {
    /** @type {Settings} */
    const values = {};
    /** @type {Record<string, string>} */
    const own = {};
    for (const entry of entries) {
      for (const [key, value] of Object.entries(entry.values)) {
        if (key in values)
          fail(`${entry.path} must not set ${key}, which another list of study.vary sets too`, TypeError);
        values[key] = value;
        own[key] = entry.path;
      }
    }
    const pick = (/** @type {string[]} */ names) =>
      Object.fromEntries(Object.entries(values).filter(([key]) => names.includes(key)));
    return {
      label: entries.map(({ label }) => label).join(' · ') || String(model.router ?? 'hyperrouter'),
      model: { ...model, ...pick(keys.model) },
      train: { ...train, ...pick(keys.train) },
      own,
      begins: {},
      tuned: [],
    };
  });
  variants.forEach(({ label }, i) => {
    if (variants.findIndex((other) => other.label === label) < i)
      fail(`study.vary must give each variant its own label, but there are two ${quote(label)}`);
  });
  return variants;
}

/**
 * @param {string} key
 * @param {unknown} list
 * @param {string[]} known
 * @returns {Entry[]}
 */
function readList(key, list, known) {
  const name = `study.vary.${key}`;
  if (!Array.isArray(list) || list.length === 0) return refuse(name, 'an array of values', list, TypeError);
  return list.map((entry, i) => {
    const path = `${name}[${i}]`;
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      if (!known.includes(key)) {
        const why = DERIVED.includes(key)
          ? 'is determined by the study'
          : 'is no key of the model or the training';
        fail(`${name} ${why}${nearestHint(key, known)}`, TypeError);
      }
      return { path, label: labelOf(key, entry), values: { [key]: entry } };
    }
    const { label, ...values } = checkKeys(path, 'the model or the training', entry, [...known, 'label']);
    if (label !== undefined && (typeof label !== 'string' || label.trim() === ''))
      refuse(`${path}.label`, 'a short text', label, TypeError);
    const own = Object.entries(values).map(([name, value]) => labelOf(name, value));
    return { path, label: label ?? (own.join(', ') || 'as it is'), values };
  });
}

/** @param {string} key @param {unknown} value */
const labelOf = (key, value) => (typeof value === 'string' ? value : `${key} ${JSON.stringify(value)}`);

/**
 * The variants of a study that fine-tunes those of another.
 *
 * @param {Variant[]} variants of its own
 * @param {Study} base
 * @param {boolean} varied whether it has a list of its own
 * @returns {Variant[]}
 */
function matchVariants(variants, base, varied) {
  const labels = base.variants.map(({ label }) => label);
  const all = varied ? variants : labels.map((label) => ({ ...variants[0], label }));
  return all.map((variant) => {
    const begins = base.variants.find(({ label }) => label === variant.label)?.model;
    if (begins) return { ...variant, begins };
    return fail(
      `study.vary has the variant ${quote(variant.label)}, but the study ${quote(base.name)} that it is fine-tuned from has only ` +
        `${labels.map((name) => quote(name)).join(', ')}; without vary all of these are taken`,
    );
  });
}

/** Options of a training that need experts to choose. */
const OF_EXPERTS = ['topKSchedule', 'topKMin', 'topKMax'];

/**
 * A variant without settings that all variants have in common, but that would be refused of it, for they have no effect on it:
 * a loss that balances experts, of a model without experts.
 *
 * @param {Variant} variant
 * @param {ConfigField[]} fields
 * @returns {Variant}
 */
function withEffect(variant, fields) {
  const { model, train, own, begins } = variant;
  const whole = { ...begins, ...model };
  const used = fieldsInUse(fields, whole);
  const refused = fields.filter((field) => field.strict && !used.includes(field)).map(({ name }) => name);
  const rest = (/** @type {Settings} */ settings, /** @type {string[]} */ without) =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => key in own || !without.includes(key)));
  return {
    ...variant,
    model: rest(model, refused),
    train: traitsOf(fields, whole).includes('routes') ? train : rest(train, OF_EXPERTS),
  };
}

/** @param {Study} study @param {Study} base */
function checkSeeds(study, base) {
  const seed = study.seeds.find((wanted) => !base.seeds.includes(wanted));
  if (seed !== undefined)
    refuse('study.seeds', `among those of the study ${quote(base.name)}, ${base.seeds.join(', ')}`, seed);
}

/**
 * What is tuned for a variant: keys that it does not set itself, and that have an effect on it.
 *
 * @param {Variant} variant
 * @param {Tuning} tune
 * @param {ConfigField[]} fields
 * @param {{ model: string[] }} keys
 */
function tunedKeys({ own, model, begins }, tune, fields, keys) {
  const used = fieldsInUse(fields, { ...begins, ...model }).map(({ name }) => name);
  return Object.keys(tune.values).filter(
    (key) => !(key in own) && (!keys.model.includes(key) || used.includes(key)),
  );
}

/**
 * Refuses settings of a variant that the engine or `train` refuses, and k that it cannot be evaluated with.
 *
 * @param {Study} study
 * @param {Variant} variant
 * @param {StudyEngine} engine
 * @param {ConfigField[]} fields
 */
function checkVariant(study, variant, engine, fields) {
  const where = (/** @type {string} */ key) => {
    if (key in variant.own)
      return variant.own[key].replace(/^study\.vary\.(\w+)(\[\d+\])$/, (path, list) =>
        list === key ? path : `${path}.${key}`,
      );
    return ['model', 'train'].find((part) => key in (study.file[part] ?? {}))
      ? `study.${key in (study.file.model ?? {}) ? 'model' : 'train'}.${key}`
      : key;
  };
  const check = (
    /** @type {Settings} */ model,
    /** @type {Settings} */ train,
    /** @type {string} */ key = '',
  ) => {
    const whole = { ...variant.begins, ...model };
    const traits = traitsOf(fields, whole);
    try {
      // Of a file, the sizes are not known yet.
      const config = isCheckpoint(study.from)
        ? { experts: model.experts ?? 1024, topK: model.topK ?? 1, router: whole.router }
        : configOf(study, pickKnown(whole), engine);
      const { classWeights: _, ...rest } = train;
      runOf(
        /** @type {any} */ ({ ...splitParts(rest), validation: true }),
        { run: null, step: 0, config, routing: () => (traits.includes('routes') ? [{}] : []) },
        null,
      );
      return config;
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      const message = error.message.replace(/^(config\.)?(\w+)/, (_, __, name) =>
        name === key ? `study.tune.${key}` : where(name),
      );
      const own = study.variants.length > 1 ? ` (variant ${quote(variant.label)})` : '';
      return fail(`${message}${own}`, /** @type {any} */ (error.constructor));
    }
  };
  const known = fields.map(({ name }) => name);
  const pickKnown = (/** @type {Settings} */ settings) =>
    Object.fromEntries(Object.entries(settings).filter(([key]) => known.includes(key)));
  const config = check(variant.model, variant.train);
  for (const key of variant.tuned) {
    const ofModel = known.includes(key);
    for (const value of study.tune?.values[key] ?? []) {
      if (ofModel) check({ ...variant.model, [key]: value }, variant.train, key);
      else check(variant.model, { ...variant.train, [key]: value }, key);
    }
  }
  const most = study.topK.at(-1) ?? 0;
  if (
    !isCheckpoint(study.from) &&
    canVaryK(traitsOf(fields, { ...variant.begins, ...variant.model })) &&
    most > config.experts
  ) {
    refuse(
      'study.evaluate.topK',
      `up to ${config.experts} (experts of the variant ${quote(variant.label)})`,
      most,
    );
  }
}

/** @param {Study} study @param {Settings} model @param {StudyEngine} engine @returns {{ experts: number, topK: number, router: unknown }} */
function configOf(study, model, engine) {
  const created =
    study.task === 'language'
      ? engine.createLanguageModel(model)
      : engine.createTextClassifier({ ...model, classes: 2 });
  const { config } = created;
  created.dispose();
  return config;
}

/**
 * Whether a model can be evaluated with several numbers of experts per token: not without experts, nor where the number
 * comes from the logits alone.
 *
 * @param {readonly string[]} traits of its router and its gate
 */
export const canVaryK = (traits) => traits.includes('routes') && !traits.includes('sparsity');

/** @param {string} text */
const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 40);

/**
 * @param {Study} study
 * @param {Variant} variant
 * @param {number} seed
 * @param {{ chosen?: Settings, tuning?: Settings | null }} [values] tuning: values that are tried
 * @returns {StudyRun}
 */
export function makeRun(study, variant, seed, { chosen = {}, tuning = null } = {}) {
  const values = tuning ?? chosen;
  const options = optionsOf(kindOf(study.task), 'train');
  const pick = (/** @type {boolean} */ train) =>
    Object.fromEntries(Object.entries(values).filter(([key]) => options.includes(key) === train));
  const number = String(study.variants.indexOf(variant) + 1).padStart(2, '0');
  const tried =
    tuning &&
    Object.entries(tuning)
      .map(([key, value]) => slug(`${key}-${JSON.stringify(value)}`))
      .join('_');
  const name = `${number}-${slug(variant.label)}`;
  return {
    id: `${tuning ? 'tune-' : ''}${name}${tried ? `.${tried}` : ''}.seed-${seed}`,
    variant: variant.label,
    seed,
    model: { ...variant.model, ...pick(false) },
    train: {
      ...variant.train,
      ...pick(true),
      ...(tuning && study.tune?.steps && { steps: study.tune.steps }),
    },
    tuning,
  };
}

/**
 * The runs of a study whose results are compared.
 *
 * @param {Study} study that was read
 * @param {readonly { variant: string, chosen: Settings }[]} [tuning] what was chosen for each variant, as `results.tuning` has it
 * @returns {StudyRun[]} by variant, then by seed
 */
export function listRuns(study, tuning = []) {
  checkMade('study', study);
  if (!Array.isArray(tuning)) refuse('tuning', 'an array, as results.tuning is', tuning, TypeError);
  Array.from(tuning).forEach((entry, i) => {
    checkObject(`tuning[${i}].chosen`, checkObject(`tuning[${i}]`, entry).chosen);
  });
  return study.variants.flatMap((variant) => {
    const chosen = tuning.find((entry) => entry.variant === variant.label)?.chosen;
    return study.seeds.map((seed) => makeRun(study, variant, seed, { chosen }));
  });
}
