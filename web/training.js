/**
 * The training loop of language models and classifiers: `for await (const progress of model.train(data, options))`.
 *
 * @module
 */
import {
  checkFunction,
  checkInteger,
  checkName,
  checkNumber,
  checkObject,
  checkSignal,
  rowWidth,
} from './check.js';
import { constantSchedule, cosineSchedule } from './schedules.js';
import { timeSlices, unlessAborted } from './task.js';

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
 * @property {((step: Step) => Step) | undefined} [adapt] adapts a step to the state of the model, which may have been used in between
 * @property {(() => Promise<{ loss: number } & Evaluation>) | undefined} [validate]
 * @property {(() => LayerMeasures[]) | undefined} [measure]
 */

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
 * Checks the values of the options and fills in defaults.
 *
 * @param {TrainOptions<unknown, unknown>} options
 * @param {{ step: number, config: { readonly experts: number } }} model
 */
function readPlan(options, model) {
  const { steps, every = 1, signal, clip = CLIP, topKSchedule } = options;
  checkInteger('steps', steps, 1);
  checkInteger('every', every, 1);
  checkNumber('clip', clip, 0);
  checkSignal(signal);
  if (topKSchedule !== undefined) checkFunction('topKSchedule', topKSchedule, 'a function of the step');
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
 * Awaited only where there is something to wait for: a step would otherwise cost another turn.
 * @param {unknown} value
 * @returns {value is PromiseLike<any>}
 */
const isPromise = (value) => typeof (/** @type {any} */ (value)?.then) === 'function';

/**
 * Trains a model. Arguments are checked immediately; the first step is taken when the first progress event is
 * requested, and nothing runs between a progress event and the request for the next.
 *
 * @template {TrainStep} Step
 * @template Evaluation
 * @param {TrainedModel<Step>} model
 * @param {TrainOptions<unknown, unknown>} options
 * @param {TrainingTask<Step, Evaluation>} task
 * @returns {Training<TrainProgress<{ loss: number } & Evaluation>>}
 */
export function train(model, options, task) {
  return new Training(loop(model, readPlan(options, model), task));
}

/**
 * A training: an iterator of its progress events, and the promise of the last one. It begins with the first request for
 * either; `await` trains to the end.
 *
 * @template Event
 * @implements {PromiseLike<Event>}
 */
export class Training {
  /** @type {AsyncGenerator<Event, void, void>} */
  #events;
  /** @type {Event | undefined} */
  #last;
  /** @type {{ error: unknown } | undefined} */
  #failure;
  /** @type {Promise<Event> | undefined} */
  #end;

  /**
   * @param {AsyncGenerator<Event, void, void>} events
   * @ignore
   */
  constructor(events) {
    this.#events = events;
  }

  /**
   * The next progress event.
   * @returns {Promise<IteratorResult<Event, void>>}
   */
  async next() {
    try {
      const result = await this.#events.next();
      if (!result.done) this.#last = result.value;
      return result;
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /**
   * Ends the training after the step that is being taken.
   * @returns {Promise<IteratorResult<Event, void>>}
   */
  return() {
    return this.#events.return();
  }

  /**
   * Ends the training with an error.
   * @param {unknown} error to end with
   * @returns {Promise<IteratorResult<Event, void>>}
   */
  throw(error) {
    return this.#events.throw(error);
  }

  /** `for await (const progress of training)` */
  [Symbol.asyncIterator]() {
    return this;
  }

  /** `await using training = model.train(...)` */
  async [Symbol.asyncDispose]() {
    await this.return();
  }

  /**
   * Trains to the end, which is what `await` does.
   * @template [Value=Event], [Failed=never]
   * @param {((last: Event) => Value | PromiseLike<Value>) | null} [resolved] called with the last progress event
   * @param {((error: any) => Failed | PromiseLike<Failed>) | null} [rejected] called with the error
   * @returns {Promise<Value | Failed>}
   */
  // biome-ignore lint/suspicious/noThenProperty: `await` is what it is for
  then(resolved, rejected) {
    this.#end ??= this.#finish();
    return this.#end.then(resolved, rejected);
  }

  /**
   * As of a promise: trains to the end.
   * @template [Failed=never]
   * @param {((error: any) => Failed | PromiseLike<Failed>) | null} [rejected] called with the error
   * @returns {Promise<Event | Failed>}
   */
  catch(rejected) {
    return this.then(undefined, rejected);
  }

  /**
   * As of a promise: trains to the end.
   * @param {(() => void) | null} [settled] called at the end
   * @returns {Promise<Event>}
   */
  finally(settled) {
    return this.then().finally(settled);
  }

  /** The name of the class. */
  get [Symbol.toStringTag]() {
    return 'Training';
  }

  async #finish() {
    while (!(await this.next()).done);
    if (this.#failure) throw this.#failure.error;
    return /** @type {Event} */ (this.#last);
  }
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
      let learningRate = schedule(number);
      if (isPromise(learningRate)) learningRate = await unlessAborted(learningRate, signal);
      if (topKSchedule) {
        let topK = topKSchedule(number);
        if (isPromise(topK)) topK = await unlessAborted(topK, signal);
        if (topK !== model.topK) model.topK = topK;
      }
      let given = source.at(number);
      if (isPromise(given)) given = await unlessAborted(given, signal);
      signal?.throwIfAborted();
      const { epoch = 0, ...rest } = /** @type {Step} */ (checkObject(`data.at(${number})`, given));
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
      tokens += step.targets.length * (rowWidth(step.targets) ?? 1);
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
