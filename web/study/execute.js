/** Executing a run of a study: training, and what is measured of the trained model. */
import { checkFunction, checkObject, checkOptions, fail, refuse } from '../check.js';
import { LABELS_KEY, VOCABULARY_KEY } from '../checkpoint/metadata.js';
import { traitsOf } from '../config.js';
import { DivergedError } from '../errors.js';
import { encodeTexts } from '../labelled-text.js';
import { characterClasses } from '../measures.js';
import { fingerprintOf, RUN_DEFAULTS } from '../run.js';
import { evaluateSequences } from '../sequences.js';
import { evaluateText } from '../text.js';
import { vocabularyFromJSON } from '../vocabulary.js';
import { activeParameters } from './active.js';
import { checkEngine, checkMade } from './arguments.js';
import { rounded } from './statistics.js';
import { canVaryK } from './study.js';

/** @import { Engine } from '../engine.js' */
/** @import { LabelledTexts } from '../labelled-text.js' */
/** @import { LanguageModel } from '../language-model.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { LabelledSequences } from '../sequences.js' */
/** @import { TextClassifier } from '../text-classifier.js' */
/** @import { Bytes, ConfigField, Signal } from '../types.js' */
/** @import { Vocabulary } from '../vocabulary.js' */
/** @import { Evaluation, LabelledData, RunResult, Settings, Study, StudyData, StudyRun, TextData } from './types.js' */

/** Points of a learning curve. */
const POINTS = 100;
/** Tokens, or sequences, whose routing is measured: it computes all experts for each. */
const PROBE = { tokens: 8192, sequences: 512 };
/** Digits of learning curves. */
const CURVE_DIGITS = 7;

/**
 * Executes a run.
 *
 * @param {Engine} engine its variant must be `simd`, which has the same bits on every machine
 * @param {Study} study that it is of
 * @param {StudyRun} run of `listRuns`
 * @param {StudyData} data of `readData`
 * @param {object} [options] what it begins with, and what is told
 * @param {Uint8Array | undefined} [options.from] the checkpoint that a classifier begins with
 * @param {boolean | undefined} [options.save] whether to return the final parameters as a checkpoint
 * @param {((progress: { step: number, steps: number, loss: number }) => void) | undefined} [options.onProgress] called as it trains
 * @param {Signal | undefined} [options.signal] stops it between two steps
 * @returns {Promise<{ result: RunResult, checkpoint: Bytes | null }>}
 * @throws {TypeError | RangeError} naming what does not fit
 */
export async function executeRun(engine, study, run, data, options = {}) {
  checkEngine(engine);
  checkMade('study', study);
  checkMade('data', data);
  checkObject('run', run);
  checkObject('run.model', run.model);
  checkObject('run.train', run.train);
  checkOptions('executeRun', options, ['from', 'save', 'onProgress', 'signal']);
  if (options.onProgress !== undefined)
    checkFunction('options.onProgress', options.onProgress, 'a function of the progress');
  if (engine.info.variant !== 'simd')
    refuse('variant', '"simd": results of another have other bits on other machines', engine.info.variant);
  const trial =
    data.task === 'language' ? textTrial(engine, run, data) : labelledTrial(engine, run, data, options);
  const { model } = trial;
  try {
    const fields = engine.configFields(model.kind);
    return await execute({ ...trial, fields }, study, run, options);
  } finally {
    model.dispose();
  }
}

/**
 * A model with its data: what differs between language models and classifiers.
 *
 * @typedef {object} Trial
 * @property {any} model
 * @property {any} train data
 * @property {any} choose data; null: nothing is chosen
 * @property {any} measure data
 * @property {(data: any, signal?: Signal) => Promise<Evaluation>} evaluate
 * @property {(data: any) => LayerMeasures[]} routing
 * @property {{ cut: number, replaced: number }} [texts]
 * @property {string} [from]
 *
 * @typedef {Trial & { fields: ConfigField[] }} KnownTrial with the fields of the model's configuration
 */

/** @param {Engine} engine @param {StudyRun} run @param {TextData} data @returns {Trial} */
function textTrial(engine, { model: config, seed }, { vocabulary, train, choose, measure }) {
  const model = engine.createLanguageModel({ ...config, vocabSize: vocabulary.size, seed });
  model.metadata = { [VOCABULARY_KEY]: JSON.stringify(vocabulary) };
  const evaluate = async (/** @type {Int32Array} */ tokens, /** @type {Signal | undefined} */ signal) => {
    const { loss, bitsPerByte } = await evaluateText(model, tokens, { vocabulary, signal });
    return { loss, bitsPerByte };
  };
  const routing = (/** @type {Int32Array} */ tokens) => {
    const probe = tokens.subarray(0, PROBE.tokens);
    return model.measure(probe, { classes: characterClasses(probe, vocabulary) });
  };
  return { model, train, choose, measure, evaluate, routing };
}

/**
 * @param {Engine} engine
 * @param {StudyRun} run
 * @param {LabelledData} data
 * @param {{ from?: Uint8Array | undefined }} options
 * @returns {Trial}
 */
function labelledTrial(engine, { model: config, seed }, data, { from }) {
  const { labels } = data;
  const given = { ...config, classes: labels.names.length, seed };
  if (data.vocabulary === null && from === undefined)
    fail('from must be the checkpoint to begin with', TypeError);
  const model = from
    ? engine.createTextClassifier(given, { from })
    : engine.createTextClassifier({ ...given, vocabSize: data.vocabulary?.size });
  try {
    const vocabulary = data.vocabulary ?? vocabularyOf(model);
    model.metadata = { [VOCABULARY_KEY]: JSON.stringify(vocabulary), [LABELS_KEY]: JSON.stringify(labels) };
    const texts = { cut: 0, replaced: 0 };
    const encode = (/** @type {LabelledTexts} */ part) => {
      // Of another vocabulary, characters may be missing.
      const options = data.vocabulary === null && vocabulary.kind !== 'byte' ? { replacement: ' ' } : {};
      const { inputs, cut, replaced } = encodeTexts(part.texts, vocabulary, model.config, options);
      texts.cut += cut;
      texts.replaced += replaced;
      return { inputs, targets: labels.encode(part.labels) };
    };
    const evaluate = async (
      /** @type {LabelledSequences} */ part,
      /** @type {Signal | undefined} */ signal,
    ) => {
      const { loss, accuracy, macroF1 } = await evaluateSequences(model, part, { signal });
      return { loss, accuracy, macroF1 };
    };
    const routing = (/** @type {{ inputs: Int32Array[], targets: Int32Array }} */ { inputs, targets }) =>
      model.measure({ inputs: inputs.slice(0, PROBE.sequences), targets: targets.slice(0, PROBE.sequences) });
    return {
      ...{ model, evaluate, routing, texts },
      train: encode(data.train),
      choose: data.choose && encode(data.choose),
      measure: encode(data.measure),
      ...(from && { from: fingerprintOf([new Int32Array(Uint8Array.from(from))]) }),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** @param {TextClassifier} model @returns {Vocabulary} */
function vocabularyOf({ metadata, config }) {
  const json = metadata[VOCABULARY_KEY];
  const vocabulary = vocabularyFromJSON(json ?? { kind: 'byte' });
  if (vocabulary.size !== config.vocabSize)
    fail(`the checkpoint must have a vocabulary of ${config.vocabSize} tokens, got ${vocabulary.size}`);
  return vocabulary;
}

/**
 * @param {KnownTrial} trial
 * @param {Study} study
 * @param {StudyRun} run
 * @param {Parameters<typeof executeRun>[4] & {}} options
 * @returns {Promise<{ result: RunResult, checkpoint: Bytes | null }>}
 */
async function execute(trial, study, run, { save = false, onProgress, signal }) {
  const { model, train, choose, measure } = trial;
  const { tuning } = run;
  const { validateEvery, ...rest } = run.train;
  const held = choose ?? measure;
  /** @type {RunResult['training']} */
  const training = [];
  /** @type {RunResult['validations']} */
  const validations = [];
  const steps = rest.steps ?? RUN_DEFAULTS.steps;
  // A run that only chooses is validated at its end, unless it stops early.
  const validates = tuning === null || rest.patience > 0;
  const options = validates && validateEvery !== undefined ? run.train : rest;
  const point = (/** @type {number} */ loss) => Number(loss.toPrecision(CURVE_DIGITS));
  let diverged = 0;
  let best = null;
  try {
    const events = model.train(train, {
      ...options,
      ...{ every: Math.ceil(steps / POINTS), signal },
      ...(trial.from !== undefined || study.task === 'classify' ? { seed: run.seed } : {}),
      ...(validates && { validation: held }),
    });
    for await (const event of events) {
      training.push([event.step, point(event.loss)]);
      if (event.validationLoss !== null) validations.push([event.step, point(event.validationLoss)]);
      best = event.best;
      onProgress?.({ step: event.step, steps, loss: event.loss });
    }
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    diverged = error.step;
  }
  /** @type {RunResult} */
  const result = {
    variant: run.variant,
    seed: run.seed,
    settings: {
      model: { ...model.config },
      train: trainSettings(model.run, options),
      ...(trial.from && { from: trial.from }),
    },
    ...(tuning && { tuning }),
    ...(trial.texts && { texts: trial.texts }),
    steps: model.step,
    ...(best && { best: best.step }),
    ...(diverged && { diverged }),
    training,
    validations,
    validation: { loss: null },
    byTopK: {},
    routing: null,
    parameters: { total: model.parameterCount, active: 0, trainable: model.trainableParameterCount },
    fingerprint: fingerprintOfModel(model),
  };
  if (!diverged) await measureModel(trial, study, run, result, signal);
  result.parameters.active = activeParameters(
    model,
    trial.fields,
    result.routing?.expertsPerToken ?? undefined,
  );
  const checkpoint = save ? model.saveCheckpoint({ dtype: study.dtype }) : null;
  return { result, checkpoint };
}

/**
 * @param {KnownTrial} trial
 * @param {Study} study
 * @param {StudyRun} run
 * @param {RunResult} result
 * @param {Signal | undefined} signal
 */
async function measureModel(trial, study, run, result, signal) {
  const { model, fields, choose, measure, evaluate, routing } = trial;
  if (run.tuning) {
    result.validation = await evaluate(choose ?? measure, signal);
    return;
  }
  result.validation = await evaluate(measure, signal);
  const { topK } = model;
  const traits = traitsOf(fields, model.config);
  for (const k of canVaryK(traits) ? study.topK : []) {
    model.topK = k;
    result.byTopK[k] = k === topK ? { ...result.validation } : await evaluate(measure, signal);
  }
  model.topK = topK;
  const layers = traits.includes('routes') ? routing(measure) : [];
  if (layers.length > 0) result.routing = summarise(layers);
}

/** @param {LayerMeasures[]} layers @returns {NonNullable<RunResult['routing']>} */
function summarise(layers) {
  // Nothing was measured before, from which it could have switched.
  const each = layers.map(({ switchRate: _, load, ...measures }) => ({
    ...Object.fromEntries(
      Object.entries(measures).map(([name, value]) => [name, value === null ? null : rounded(value)]),
    ),
    load: Array.from(load, (share) => rounded(share)),
  }));
  const means = Object.keys(each[0])
    .filter((name) => name !== 'load')
    .map((name) => {
      const values = each.map((layer) => /** @type {any} */ (layer)[name]);
      const known = values.every((value) => value !== null);
      return [name, known ? rounded(values.reduce((sum, value) => sum + value, 0) / values.length) : null];
    });
  return { ...Object.fromEntries(means), layers: each };
}

/**
 * What a run was trained with, as options of `train`.
 *
 * @param {import('../types.js').TrainingRun} run
 * @param {Settings} given
 * @returns {Settings}
 */
function trainSettings(run, given) {
  const { steps, schedule, warmup, floor, clip, topKSchedule, topKMin, topKMax, validateEvery, patience } =
    run;
  return {
    steps,
    learningRate: given.learningRate ?? run.learningRate,
    ...(given.headLearningRate !== undefined && { headLearningRate: given.headLearningRate }),
    ...{ schedule, warmup },
    ...(schedule === 'cosine' && { floor }),
    ...{ clip, topKSchedule },
    ...(topKSchedule === 'linear_increase' && { topKMin, topKMax }),
    ...{ validateEvery },
    ...(patience > 0 && { patience }),
    ...(given.classWeights && { classWeights: given.classWeights }),
  };
}

/** @param {LanguageModel | TextClassifier} model */
function fingerprintOfModel(model) {
  return fingerprintOf(
    model.parameters().flatMap(({ name, data }) => [Int32Array.from(name, (c) => c.charCodeAt(0)), data]),
  );
}
