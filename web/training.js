/**
 * The training loop of language models and classifiers: `for await (const progress of model.train(data, options))`.
 *
 * @module
 */
import { checkInteger, checkKeys, checkName, checkNumber, checkSignal, refuse } from './check.js';
import { constantSchedule, cosineSchedule } from './schedules.js';
import { timeSlices } from './task.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { Schedule } from './schedules.js' */
/** @import { Source, TrainOptions, TrainProgress, TrainStep } from './types.js' */

/**
 * What the loop uses of a model.
 *
 * @template {TrainStep} Step
 * @typedef {object} TrainedModel
 * @property {number} step
 * @property {number} topK
 * @property {{ readonly experts: number }} config
 * @property {(options: Step & { learningRate: number, clip: number }) => { loss: number, gradNorm: number }} trainStep
 */

/**
 * How a model is trained: what differs between the kinds of model.
 *
 * @template {TrainStep} Step
 * @template Evaluation
 * @typedef {object} TrainingTask
 * @property {Source<Step>} source
 * @property {(step: Step) => Step} [adapt] adapts a step to the state of the model, which may have been used in between
 * @property {() => Promise<{ loss: number } & Evaluation>} [validate]
 * @property {() => LayerMeasures[]} [measure]
 */

const OPTIONS = [
  ...['steps', 'every', 'signal', 'learningRate', 'schedule', 'warmup', 'topKSchedule', 'clip', 'seed'],
  ...['validation', 'validateEvery', 'probe', 'probeClasses', 'measureEvery'],
];

/** Fast at the model sizes that suit a browser, and still stable for classifiers of few inputs. */
const LEARNING_RATE = 3e-3;
const CLIP = 0.25;
const WARMUP = 50;

/** Share of the steps between two validations or measurements. */
const CHECK_SHARE = 0.1;

/** Models in training. @type {WeakSet<object>} */
const inTraining = new WeakSet();

/**
 * @template T
 * @param {T} data
 * @returns {data is Extract<Exclude<T, ArrayBufferView>, Source<any>>}
 */
export function isSource(data) {
  return (
    data !== null &&
    typeof data === 'object' &&
    typeof (/** @type {{ at?: unknown }} */ (data).at) === 'function' &&
    !Array.isArray(data) &&
    !ArrayBuffer.isView(data)
  );
}

/**
 * Checks the options and fills in defaults.
 *
 * @param {TrainOptions<unknown, unknown>} options
 * @param {{ step: number, config: { readonly experts: number } }} model
 */
function readPlan(options, model) {
  checkKeys('options', 'train', options, OPTIONS);
  const { steps, every = 1, signal, clip = CLIP, topKSchedule } = options;
  checkInteger('steps', steps, 1);
  checkInteger('every', every, 1);
  checkNumber('clip', clip, 0);
  checkSignal(signal);
  if (topKSchedule !== undefined && typeof topKSchedule !== 'function') {
    refuse('topKSchedule', 'a function of the step', topKSchedule, TypeError);
  }
  const interval = Math.max(1, Math.ceil(steps * CHECK_SHARE));
  const { validateEvery = interval, measureEvery = interval } = options;
  checkInteger('validateEvery', validateEvery, 1);
  checkInteger('measureEvery', measureEvery, 1);
  const schedule = readSchedule(options, model.step);
  return { steps, every, signal, clip, topKSchedule, validateEvery, measureEvery, schedule };
}

/**
 * @param {TrainOptions<unknown, unknown>} options
 * @param {number} first step of this call
 * @returns {Schedule}
 */
function readSchedule({ schedule = 'cosine', learningRate, warmup, steps }, first) {
  if (typeof schedule === 'function') {
    if (learningRate !== undefined || warmup !== undefined) {
      throw new TypeError(
        'learningRate and warmup must be left out if schedule is a function, which gives the learning rate',
      );
    }
    return schedule;
  }
  checkName('schedule', schedule, ['cosine', 'constant'], ' or a function of the step');
  const shape = {
    learningRate: learningRate ?? LEARNING_RATE,
    warmup: warmup ?? Math.min(WARMUP, Math.floor(steps / 10)),
    steps,
  };
  const named = schedule === 'cosine' ? cosineSchedule(shape) : constantSchedule(shape);
  return (step) => named(step - first);
}

/**
 * Trains a model. Arguments are checked immediately; the first step is taken when the first progress event is
 * requested, and nothing runs between a progress event and the request for the next.
 *
 * @template {TrainStep} Step
 * @template Evaluation
 * @param {TrainedModel<Step>} model
 * @param {TrainOptions<unknown, unknown>} options
 * @param {TrainingTask<Step, Evaluation>} task
 * @returns {AsyncGenerator<TrainProgress<{ loss: number } & Evaluation>, void, void>}
 */
export function train(model, options, task) {
  return loop(model, readPlan(options, model), task);
}

/**
 * @template {TrainStep} Step
 * @template Evaluation
 * @param {TrainedModel<Step>} model
 * @param {ReturnType<typeof readPlan>} plan
 * @param {TrainingTask<Step, Evaluation>} task
 * @returns {AsyncGenerator<TrainProgress<{ loss: number } & Evaluation>, void, void>}
 */
async function* loop(model, plan, { source, adapt, validate, measure }) {
  const { steps, every, signal, clip, topKSchedule, schedule } = plan;
  signal?.throwIfAborted();
  if (inTraining.has(model)) throw new Error('the model is already in training; end that first');
  inTraining.add(model);
  try {
    const pause = timeSlices();
    // Since the last progress event.
    let [losses, taken, tokens, milliseconds] = [0, 0, 0, 0];
    for (let done = 1; done <= steps; done++) {
      const number = model.step;
      const learningRate = schedule(number);
      if (topKSchedule) {
        const topK = topKSchedule(number);
        if (topK !== model.topK) model.topK = topK;
      }
      const { epoch = 0, ...rest } = source.at(number);
      const step = /** @type {Step} */ (/** @type {unknown} */ (rest));
      const started = performance.now();
      const { loss, gradNorm } = model.trainStep({
        ...(adapt ? adapt(step) : step),
        learningRate,
        clip,
      });
      milliseconds += performance.now() - started;
      losses += loss;
      taken++;
      tokens += step.targets.length;
      await pause();
      signal?.throwIfAborted();
      const last = done === steps;
      const validation = validate && (last || done % plan.validateEvery === 0) ? await validate() : null;
      const measures = measure && (last || done % plan.measureEvery === 0) ? measure() : null;
      if (!(last || validation || measures || done % every === 0)) continue;
      yield {
        step: model.step,
        epoch,
        loss: losses / taken,
        // With a coarse clock no time may have passed.
        tokensPerSecond: (tokens * 1000) / Math.max(milliseconds, 0.01),
        gradNorm,
        learningRate,
        topK: model.topK,
        validationLoss: validation?.loss ?? null,
        validation,
        measures,
      };
      losses = taken = tokens = milliseconds = 0;
      // It may have been aborted while the caller had the progress event.
      if (!last) signal?.throwIfAborted();
    }
  } finally {
    inTraining.delete(model);
  }
}
