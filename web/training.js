/**
 * The training loop of all kinds of model: `for await (const progress of model.train(data, options))`.
 *
 * @module
 */
import { checkInteger, checkKeys, checkSignal, rowWidth } from './check.js';
import { DataStream } from './data-stream.js';
import { INPUT } from './options.js';
import { runOf, schedulesOf } from './run.js';
import { refuseAsList, timeSlices, unlessAborted } from './task.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { DataRecord, ModelKind, Source, TrainingRun, TrainOptions, TrainProgress, TrainStep } from './types.js' */

/**
 * What the loop uses of a model.
 *
 * @template {TrainStep} Step
 * @typedef {object} TrainedModel
 * @property {ModelKind} kind
 * @property {number} step
 * @property {number} topK
 * @property {TrainingRun | null} run the last run
 * @property {{ readonly experts: number, readonly topK: number, readonly router: unknown }} config
 * @property {() => unknown[]} routing empty if the model has no router
 * @property {(options: Step & { learningRate: number, clip: number }) => { loss: number, gradNorm: number }} trainStep
 * @property {() => void} keepBest keeps a copy of what training changes
 * @property {() => void} restoreBest puts it back
 * @property {() => void} forgetBest
 */

/**
 * @template {TrainStep} Step
 * @typedef {object} StepSource
 * @property {(step: number, start: number) => Step | PromiseLike<Step>} at start: the step at which the run began
 * @property {() => void} [close] nothing more is needed
 */

/**
 * How a model is trained: what differs between the kinds of model.
 *
 * @template {TrainStep} Step
 * @template Evaluation
 * @typedef {object} TrainingTask
 * @property {StepSource<Step> | ((run: TrainingRun) => StepSource<Step>)} source of the data of each step
 * @property {DataRecord | null} [data] what the data are, if that is known
 * @property {((step: Step, run: TrainingRun) => Step) | undefined} [adapt] adapts a step to its run, and to the state of the
 *   model, which may have been used in between
 * @property {(() => Promise<({ loss: number } & Evaluation) | null>) | undefined} [validate] null: not now
 * @property {(() => LayerMeasures[]) | undefined} [measure]
 */

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
 * @param {any} data a source or a stream
 * @param {{ vocabSize?: number, batchSize: number, contextLength?: number }} config of the model
 */
export const sourceOf = (data, config) => (isSource(data) ? data : new DataStream(data, config));

/**
 * Checks the values of the options and fills in defaults.
 *
 * @param {TrainOptions<unknown, unknown>} options
 * @param {TrainedModel<any>} model
 * @param {Pick<TrainingTask<any, any>, 'source' | 'data'>} task
 */
function readPlan(options, model, { source, data = null }) {
  checkSignal(options.signal);
  const run = runOf(options, model, data);
  const { learningRate, topK } = schedulesOf(run, options);
  return {
    ...{ run, learningRate, topK, signal: options.signal, fresh: options.resume !== true },
    source: typeof source === 'function' ? source(run) : source,
  };
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
  return new Training(loop(model, readPlan(options, model, task), task));
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
    refuseAsList(this, 'train');
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
async function* loop(model, plan, { adapt, validate, measure }) {
  const { run, source, signal, fresh, learningRate: rateAt, topK: topKAt } = plan;
  signal?.throwIfAborted();
  if (inTraining.has(model)) throw new Error('the model is already in training; end that first');
  inTraining.add(model);
  try {
    if (fresh) run.start = model.step;
    if (fresh || run.patience === 0) model.forgetBest();
    // The memory is taken now rather than in the middle of the run.
    if (run.patience > 0 && !run.best) model.keepBest();
    model.run = run;
    const pause = timeSlices();
    let [tokens, milliseconds] = [0, 0];
    /** @param {number} every */
    const isDue = (every) => {
      const done = model.step - run.start;
      return done >= run.steps || done % every === 0;
    };
    while (run.ended === null) {
      if (run.due === null) {
        const number = model.step;
        let learningRate = rateAt(number);
        if (isPromise(learningRate)) learningRate = await unlessAborted(learningRate, signal);
        if (topKAt) {
          let topK = topKAt(number);
          if (isPromise(topK)) topK = await unlessAborted(topK, signal);
          if (topK !== model.topK) model.topK = topK;
        }
        let given = source.at(number, run.start);
        if (isPromise(given)) given = await unlessAborted(given, signal);
        signal?.throwIfAborted();
        const name = `data.at(${number})`;
        const { epoch = 0, ...rest } = checkKeys(name, 'a step', given, INPUT[model.kind]);
        checkInteger(`${name}.epoch`, epoch, 0);
        const step = /** @type {Step} */ (/** @type {unknown} */ (rest));
        const started = performance.now();
        const { loss, gradNorm } = model.trainStep({
          ...(adapt ? adapt(step, run) : step),
          learningRate,
          clip: run.clip,
        });
        milliseconds += performance.now() - started;
        run.losses += loss;
        run.taken++;
        tokens += step.targets.length * (rowWidth(step.targets) ?? 1);
        const due = isDue(run.every) || (validate && isDue(run.validateEvery));
        if (due || (measure && isDue(run.measureEvery))) run.due = { epoch, gradNorm, learningRate };
        await pause();
        signal?.throwIfAborted();
      }
      if (run.due === null) continue;
      // What interrupts it from here on leaves the event to the run that is resumed.
      const validation = validate && isDue(run.validateEvery) ? await validate() : null;
      const measures = measure && isDue(run.measureEvery) ? measure() : null;
      if (validation) watch(model, run, validation.loss);
      const event = {
        step: model.step,
        ...run.due,
        loss: run.losses / run.taken,
        // With a coarse clock no time may have passed.
        tokensPerSecond: (tokens * 1000) / Math.max(milliseconds, 0.01),
        topK: model.topK,
        validationLoss: validation?.loss ?? null,
        validation,
        best: run.best && { ...run.best },
        measures,
      };
      if (isDue(Infinity)) run.ended = 'steps';
      else if (run.patience > 0 && run.waited >= run.patience) run.ended = 'patience';
      if (run.ended && run.best && run.best.step !== model.step) model.restoreBest();
      if (run.ended) model.forgetBest();
      run.due = null;
      run.losses = run.taken = tokens = milliseconds = 0;
      yield event;
      // It may have been aborted while the caller had the progress event.
      if (!run.ended) signal?.throwIfAborted();
    }
  } finally {
    inTraining.delete(model);
    source.close?.();
  }
}

/**
 * Keeps the best state of a run with patience.
 * @param {TrainedModel<any>} model
 * @param {TrainingRun} run
 * @param {number} loss of a validation
 */
function watch(model, run, loss) {
  if (run.patience === 0) return;
  run.waited++;
  if (run.best && !(loss < run.best.loss)) return;
  if (!Number.isFinite(loss)) return;
  model.keepBest();
  run.best = { step: model.step, loss };
  run.waited = 0;
}
