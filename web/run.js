/**
 * A run of `model.train`: what determines its result besides the data, and how far it is. Every default of a run is
 * declared here, for the package and the command line alike. It is plain JSON, which a checkpoint with `optimizer: true`
 * contains, so that an interrupted run can be resumed from the file.
 */
import { checkBoolean, checkInteger, checkKeys, checkName, checkNumber, fail, refuse } from './check.js';
import { LARGEST_RATE, readClassWeights } from './parts.js';
import { constantSchedule, cosineSchedule, topKSchedule, topKSchedules } from './schedules.js';

/** @import { Schedule } from './schedules.js' */
/** @import { DataRecord, TrainingRun, TrainOptions } from './types.js' */

/** What a run has unless it is given. The rate is fast at the model sizes that suit a browser, and stable for classifiers of few inputs. */
export const RUN_DEFAULTS = Object.freeze({
  steps: 1000,
  schedule: /** @type {const} */ ('cosine'),
  learningRate: 3e-3,
  floor: 0,
  clip: 0.25,
  topKSchedule: /** @type {const} */ ('constant'),
  topKMin: 1,
  every: 1,
  seed: 0,
  patience: 0,
});

/**
 * What the command line gives a text classifier that starts from nothing, besides the defaults of models and runs: found
 * on SST-2 and BANKING77, thousands of sentences. The best of its validations is kept.
 */
export const CLASSIFY_DEFAULTS = Object.freeze({
  model: Object.freeze({ dModel: 128, batchSize: 32, dropout: 0.1 }),
  vocabulary: /** @type {const} */ ('pieces'),
  vocabSize: 8192,
  steps: 1500,
  learningRate: 2e-3,
  clip: 1,
  evalEvery: 100,
  patience: 5,
});

/** The same for one that starts from a pretrained language model, whose sizes and vocabulary it has. */
export const FINE_TUNE_DEFAULTS = Object.freeze({
  model: Object.freeze({ batchSize: 32, dropout: 0.1 }),
  steps: 2000,
  learningRate: 2e-3,
  headLearningRate: 4e-3,
});

/**
 * Steps of warm-up unless they are given.
 * @param {number} steps of the run
 */
export const defaultWarmup = (steps) => Math.min(50, Math.floor(steps / 10));

/** Share of the steps between two validations or measurements, unless it is given. */
const CHECK_SHARE = 0.1;

/** In the place of a schedule that is a function, which no file can contain. */
const FUNCTION = 'function';
const SCHEDULES = ['cosine', 'constant'];

const DATA_KINDS = /** @type {const} */ (['tokens', 'vectors', 'sequences']);

/** @type {Record<keyof TrainingRun, (value: any, run: any) => unknown>} */
const CHECKS = {
  start: (value) => checkInteger('start', value, 0),
  steps: (value) => checkInteger('steps', value, 1),
  schedule: (value) => checkName('schedule', value, [...SCHEDULES, FUNCTION]),
  learningRate: (value) =>
    checkNumber('learningRate', value, 0, LARGEST_RATE) > 0 ||
    refuse('learningRate', 'a finite number above 0', value),
  warmup: (value, run) =>
    checkInteger('warmup', value, 0, run.schedule === 'cosine' ? run.steps : Infinity, ' (steps)'),
  floor: (value, run) => checkNumber('floor', value, 0, run.learningRate, ' (learningRate)'),
  topKSchedule: (value) => checkName('topKSchedule', value, [...topKSchedules, FUNCTION]),
  topKMax: (value) => checkInteger('topKMax', value, 1),
  topKMin: (value, run) => checkInteger('topKMin', value, 1, run.topKMax, ' (topKMax)'),
  clip: (value) => checkNumber('clip', value, 0),
  every: (value) => checkInteger('every', value, 1),
  validateEvery: (value) => checkInteger('validateEvery', value, 1),
  measureEvery: (value) => checkInteger('measureEvery', value, 1),
  seed: (value) => checkInteger('seed', value, 0, 4294967295),
  patience: (value) => checkInteger('patience', value, 0),
  shares: (value) => value === null || checkShares(value),
  classWeights: (value) => value === null || checkWeights(value),
  data: (value) => value === null || checkData(value),
  losses: (value) => checkNumber('losses', value, -Number.MAX_VALUE),
  taken: (value) => checkInteger('taken', value, 0),
  due: (value) => value === null || checkDue(value),
  best: (value) => value === null || checkBest(value),
  waited: (value) => checkInteger('waited', value, 0),
  ended: (value) => value === null || checkName('ended', value, ['steps', 'patience']),
};
const KEYS = /** @type {(keyof TrainingRun)[]} */ (Object.keys(CHECKS));

/** @param {any} value */
function checkShares(value) {
  const shares = checkKeys('shares', 'shares', value, ['body', 'head']);
  checkNumber('shares.body', shares.body, 0, 1);
  checkNumber('shares.head', shares.head, 0);
}

/** @param {any} value */
function checkWeights(value) {
  if (!Array.isArray(value)) refuse('classWeights', 'an array of numbers', value);
  readClassWeights(value, value.length);
}

/** @param {any} value */
function checkData(value) {
  const data = checkKeys('data', 'the data', value, ['kind', 'count', 'fingerprint', 'batchSize', 'length']);
  checkName('data.kind', data.kind, DATA_KINDS);
  for (const key of ['count', 'batchSize', 'length']) checkInteger(`data.${key}`, data[key], 1);
  if (!/^[0-9a-f]{16}$/.test(data.fingerprint))
    refuse('data.fingerprint', '16 hexadecimal digits', data.fingerprint);
}

/** @param {any} value */
function checkDue(value) {
  const due = checkKeys('due', 'a step', value, ['epoch', 'gradNorm', 'learningRate']);
  checkInteger('due.epoch', due.epoch, 0);
  for (const key of ['gradNorm', 'learningRate']) checkNumber(`due.${key}`, due[key], 0);
}

/** @param {any} value */
function checkBest(value) {
  const best = checkKeys('best', 'a validation', value, ['step', 'loss']);
  checkInteger('best.step', best.step, 0);
  checkNumber('best.loss', best.loss, -Number.MAX_VALUE);
}

/**
 * Whether there is a best state besides the parameters: at its end a run has put it back.
 * @param {TrainingRun | null} run
 */
export const hasBest = (run) => run !== null && run.best !== null && run.ended === null;

/**
 * A run as a file contains it.
 * @param {string} json
 * @param {number} step of the model
 * @param {{ experts: number, classes: number }} config of the model; classes: 0 if it has none
 * @returns {TrainingRun}
 * @throws {TypeError | RangeError | SyntaxError} naming the field
 */
export function parseRun(json, step, { experts, classes }) {
  const run = checkKeys('run', 'a run', JSON.parse(json), KEYS);
  for (const key of KEYS) CHECKS[key](run[key], run);
  checkInteger('start', run.start, 0, step, ' (hyperrouter.step)');
  checkInteger('topKMax', run.topKMax, 1, experts, ' (experts)');
  if (run.best) checkInteger('best.step', run.best.step, 0, step, ' (hyperrouter.step)');
  readClassWeights(run.classWeights ?? undefined, classes);
  if (run.best && run.patience === 0) refuse('patience', '1 or more where there is a best validation', 0);
  return run;
}

/**
 * The options as numbers and names of a run.
 * @param {TrainOptions<unknown, unknown>} options
 * @returns {Partial<TrainingRun>}
 */
function given(options) {
  const { schedule, topKSchedule: growth } = options;
  const values = Object.entries(options).filter(
    ([key, value]) => KEYS.includes(/** @type {any} */ (key)) && value !== undefined,
  );
  return {
    ...Object.fromEntries(values),
    ...(schedule !== undefined && { schedule: nameOf('schedule', schedule, SCHEDULES) }),
    ...(growth !== undefined && { topKSchedule: nameOf('topKSchedule', growth, topKSchedules) }),
  };
}

/**
 * @param {string} option
 * @param {unknown} value
 * @param {readonly string[]} names
 */
const nameOf = (option, value, names) =>
  typeof value === 'function' ? FUNCTION : checkName(option, value, names, ' or a function of the step');

/**
 * What a run needs to know of a model.
 * @typedef {object} RunModel
 * @property {TrainingRun | null} run the last run
 * @property {number} step
 * @property {{ readonly experts: number, readonly topK: number, readonly router: unknown }} config
 * @property {() => unknown[]} routing empty if the model has no router
 */

/**
 * Refuses options that would have no effect.
 * @param {TrainOptions<unknown, unknown>} options
 * @param {TrainingRun} run
 * @param {RunModel} model
 * @param {DataRecord | null} data
 */
function checkEffect(options, run, model, data) {
  /** @param {readonly (keyof typeof options)[]} names @param {string} why */
  const without = (names, why) => {
    if (names.some((name) => options[name] !== undefined))
      fail(`${names.join(' and ')} must be left out ${why}`, TypeError);
  };
  if (run.schedule === FUNCTION)
    without(['learningRate', 'warmup', 'floor'], 'if schedule is a function, which gives the learning rate');
  if (run.schedule === 'constant') without(['floor'], 'if schedule is "constant"');
  if (run.topKSchedule !== 'linear_increase')
    without(['topKMin', 'topKMax'], 'unless topKSchedule is "linear_increase"');
  if (run.topKSchedule !== 'constant' && !model.routing()[0])
    without(['topKSchedule'], `if config.router is "${model.config.router}", which has no experts to choose`);
  if (data?.kind === 'tokens') without(['seed'], 'if data is a text, which is read in its order');
  else if (data === null) without(['seed'], 'if data is a source or a stream, which has an order of its own');
  if (CHECKS.patience(run.patience, run) && options.validation === undefined)
    fail('patience needs validation: the data whose loss it watches', TypeError);
  if (options.validateEvery !== undefined && options.validation === undefined)
    fail('validateEvery needs validation: the data whose loss is computed so often', TypeError);
  if (options.probeClasses !== undefined && options.probe === undefined)
    fail('probeClasses needs probe: the data whose classes they are', TypeError);
  if (options.measureEvery !== undefined && options.probe === undefined)
    fail('measureEvery needs probe: the data whose routing is measured so often', TypeError);
}

/**
 * The run of a call of `train`: a new one, or the one that is resumed.
 * @param {TrainOptions<unknown, unknown>} options
 * @param {RunModel} model
 * @param {DataRecord | null} data
 * @returns {TrainingRun}
 * @throws {TypeError | RangeError} naming the option
 */
export function runOf(options, model, data) {
  const { resume = false } = options;
  checkBoolean('resume', resume);
  const { topK, experts } = model.config;
  const own = given(options);
  const run = resume ? resumed(own, model, data) : begun(own, model.step, topK, data);
  checkEffect(options, run, model, data);
  // Those that a function replaces have values all the same, which are not read.
  const named = run.schedule === FUNCTION ? { ...run, learningRate: 1, warmup: 0, floor: 0 } : run;
  for (const key of KEYS) CHECKS[key](named[key], named);
  checkInteger('topKMax', run.topKMax, 1, experts, ' (experts)');
  return named;
}

/**
 * @param {Partial<TrainingRun>} own
 * @param {number} start
 * @param {number} topK
 * @param {DataRecord | null} data
 * @returns {TrainingRun}
 */
function begun(own, start, topK, data) {
  const { steps = RUN_DEFAULTS.steps } = own;
  checkInteger('steps', steps, 1);
  const interval = Math.max(1, Math.ceil(steps * CHECK_SHARE));
  return {
    ...RUN_DEFAULTS,
    ...{
      start,
      warmup: defaultWarmup(steps),
      topKMax: topK,
      shares: null,
      classWeights: null,
      validateEvery: interval,
      measureEvery: interval,
    },
    ...{ data, losses: 0, taken: 0, due: null, best: null, waited: 0, ended: null },
    ...own,
  };
}

/**
 * @param {Partial<TrainingRun>} own
 * @param {{ run: TrainingRun | null, step: number }} model
 * @param {DataRecord | null} data
 * @returns {TrainingRun}
 */
function resumed(own, { run, step }, data) {
  if (!run) {
    return fail(
      'resume: the model has no run that was interrupted: train() has not trained it, or its checkpoint was saved ' +
        'without optimizer: true',
    );
  }
  for (const option of /** @type {const} */ (['schedule', 'topKSchedule'])) {
    if (run[option] !== FUNCTION || own[option] !== undefined) continue;
    fail(`${option} must be passed again: it was a function, which is not kept with the run`, TypeError);
  }
  if (own.seed !== undefined && own.seed !== run.seed)
    refuse('seed', `${run.seed}, the seed of the run that is resumed`, own.seed);
  if (run.shares && !own.shares && (own.learningRate !== undefined || own.schedule === FUNCTION)) {
    const what =
      own.schedule === FUNCTION ? 'schedule must be a name' : 'headLearningRate must be passed too';
    fail(`${what}: the run that is resumed has a rate of the body and one of the head`, TypeError);
  }
  checkSameData(data, run.data);
  const { steps = run.steps } = own;
  checkInteger('steps', steps, 1);
  const done = step - run.start;
  if (run.ended === 'patience' || (run.ended && run.best)) {
    return fail(
      `resume: the run has ended with its best state, of step ${run.best?.step}; train() without resume begins another`,
    );
  }
  if (run.ended && done >= steps)
    return fail(`resume: the run is finished, it has taken its ${done} steps; a larger steps continues it`);
  if (!run.due && done >= steps) refuse('steps', `more than the ${done} that the run has taken`, steps);
  // A named schedule in the place of a function begins with the defaults.
  const { learningRate, floor } = RUN_DEFAULTS;
  const fresh = run.schedule === FUNCTION ? { learningRate, floor, warmup: defaultWarmup(steps) } : {};
  const going = { ...run, ...fresh, ...own, ended: null };
  return going.patience > 0 ? going : { ...going, best: null, waited: 0 };
}

/**
 * @param {DataRecord | null} data
 * @param {DataRecord | null} before
 */
function checkSameData(data, before) {
  // The data of a source or a stream cannot be compared.
  if (!data || !before) return;
  for (const [key, option] of /** @type {const} */ ([
    ['batchSize', 'batchSize'],
    ['length', 'contextLength'],
  ])) {
    if (data[key] !== before[key])
      refuse(`config.${option}`, `${before[key]}, as in the run that is resumed`, data[key]);
  }
  const label = (/** @type {DataRecord} */ { kind, count, fingerprint }) =>
    `${count} ${kind} (fingerprint ${fingerprint})`;
  if (label(data) !== label(before))
    fail(`data must be that of the run that is resumed: ${label(before)}, got ${label(data)}`);
}

/**
 * Learning rate and experts per token of a run, as functions of `model.step`.
 * @param {TrainingRun} run
 * @param {TrainOptions<unknown, unknown>} options with the functions
 * @returns {{ learningRate: Schedule, topK: Schedule | undefined }} topK undefined: unchanged
 */
export function schedulesOf(run, options) {
  const { learningRate, steps, warmup, floor, topKMin: kMin, topKMax: kMax } = run;
  const rate =
    run.schedule === 'cosine'
      ? cosineSchedule({ learningRate, steps, warmup, floor })
      : constantSchedule({ learningRate, warmup });
  const growth = topKSchedule({ kMin, kMax, steps });
  /** @param {string} name @param {Schedule | string | undefined} option @param {Schedule} named */
  const choose = (name, option, named) =>
    name === FUNCTION
      ? /** @type {Schedule} */ (option)
      : (/** @type {number} */ step) => named(step - run.start);
  return {
    learningRate: choose(run.schedule, options.schedule, rate),
    topK:
      run.topKSchedule === 'constant' ? undefined : choose(run.topKSchedule, options.topKSchedule, growth),
  };
}

/**
 * What data a run is trained on.
 * @param {typeof DATA_KINDS[number]} kind
 * @param {(Int32Array | Float32Array)[]} arrays
 * @param {number} count of tokens, vectors or sequences
 * @param {{ batchSize: number, length: number }} sizes of a step
 * @returns {DataRecord}
 */
export const recordOf = (kind, arrays, count, { batchSize, length }) => ({
  ...{ kind, count, fingerprint: fingerprintOf(arrays), batchSize, length },
});

/**
 * A number that tells data apart: 64 bits, in hexadecimal digits.
 * @param {(Int32Array | Float32Array)[]} arrays
 */
export function fingerprintOf(arrays) {
  let [low, high] = [0x811c9dc5, 0x9e3779b9];
  for (const { buffer, byteOffset, length } of arrays) {
    const words = new Int32Array(buffer, byteOffset, length);
    for (let i = 0; i < length; i++) {
      low = Math.imul(low ^ words[i], 0x01000193);
      low ^= low >>> 15;
      high = Math.imul(high ^ words[i] ^ (high >>> 13), 0x85ebca6b);
    }
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
