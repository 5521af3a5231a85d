/**
 * A training run: steps, validations, saves, and their output.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { DivergedError } from '../index.js';
import { splitParts } from '../parts.js';
import { runOf } from '../run.js';
import { train } from '../training.js';
import { CommandError, FAILURE } from './errors.js';
import { loadTable } from './experts.js';
import { TRAINING_KEY } from './files.js';
import { Interrupt } from './interrupt.js';
import { heard, printable, toJSON } from './output.js';
import { clock, TrainingProgress } from './progress.js';
import { inFlags, trainOptionsOf } from './recipe.js';
import { RoutingSummary, routes } from './routing.js';

/** @typedef {import('./recipe.js').Recipe} Recipe */

/**
 * @typedef {object} EvaluateOptions
 * @property {AbortSignal} signal
 * @property {(share: number) => void} onProgress  told after each pass which share is done
 */

/**
 * What is said before the first step.
 *
 * @typedef {object} Note
 * @property {string} type     of its JSON object
 * @property {object} values   of its JSON object
 * @property {string[]} lines  in words
 */

/**
 * What a run trains on, and how it is judged: what differs between the kinds of model.
 *
 * @template {{ targets: Int32Array }} [Batch=any], [Result=any]
 * @typedef {object} Task
 * @property {import('./files.js').TextModel} model
 * @property {{ at: (step: number) => Batch }} source  of the batch of each step
 * @property {import('../types.js').DataRecord} data   what the data are
 * @property {number} passSteps     steps per pass over the data
 * @property {string} unit          of what a step is trained on, in the plural
 * @property {string} amounts       of the data, in words
 * @property {readonly Note[]} notes
 * @property {object} options       of `train`, besides those of the recipe
 * @property {((step: any, run: import('../types.js').TrainingRun) => any) | undefined} adapt
 * @property {unknown} validation   held-out data
 * @property {boolean} canValidate  whether there are enough
 * @property {(options: EvaluateOptions) => Promise<Result>} validate
 * @property {((options: EvaluateOptions) => Promise<Result>) | null} test  on data that are used for nothing else
 * @property {(loss: number, batch: Batch) => { bitsPerByte?: number }} stepValues  of the JSON object of a step
 * @property {(result: Result) => Record<string, unknown>} values   of the JSON object of a result
 * @property {(result: Result) => string} note      a result in a line of the progress
 * @property {(result: Result) => string} summary   a result in a line of its own
 * @property {Record<string, string>} metadata      of the checkpoint
 */

/**
 * @typedef {object} Run
 * @property {Task} task
 * @property {Recipe} recipe
 * @property {boolean} resume     whether it goes on with the model's run
 */

/** What a resumed run needs besides the file. @typedef {{ data: string[], validation?: unknown, test?: string }} Inputs */

/** After a periodic save that failed; doubled with each that fails too. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** One run, from the current step of its model to the last. */
export class Trainer {
  #model;
  #task;
  #recipe;
  #options;
  #training;
  /** What was trained on last. @type {{ targets: Int32Array } | undefined} */
  #batch;
  #progress;
  #interrupt;
  #startedAt = performance.now();
  #firstStep;
  #saver;
  #system;
  /** Of periodic saves that failed: when to try again, and after how long once more. */
  #retry = { at: Infinity, after: RETRY_MS };

  /**
   * @param {Run} run
   * @param {Inputs & { modelOnly?: boolean, json?: boolean }} options
   * @param {import('./files/saver.js').Saver} saver
   * @param {import('./system.js').System} system
   */
  constructor({ task, recipe, resume }, options, saver, system) {
    this.#model = task.model;
    this.#task = task;
    this.#recipe = recipe;
    this.#options = options;
    this.#training = this.#prepare(resume);
    this.#progress = new TrainingProgress(system.stderr, recipe.steps, task.unit);
    this.#interrupt = new Interrupt(system);
    this.#firstStep = task.model.step;
    this.#saver = saver;
    this.#system = system;
  }

  /** @param {boolean} resume */
  #prepare(resume) {
    const model = this.#model;
    const task = this.#task;
    const { steps, patience, topK, topKSchedule, evalEvery } = this.#recipe;
    try {
      const given = { ...trainOptionsOf(this.#recipe), ...task.options, validation: task.validation };
      const options = /** @type {any} */ (splitParts(/** @type {any} */ (given)));
      // Version 0.1 saved the recipe only; its runs began with the model.
      if (resume)
        model.run ??= runOf(
          options,
          { run: null, step: 0, config: model.config, routing: () => model.routing() },
          null,
        );
      if (topKSchedule === 'constant' && model.topK !== topK) model.topK = topK;
      return train(
        /** @type {any} */ (model),
        { ...options, resume },
        {
          source: {
            at: (step) => {
              this.#batch = task.source.at(step);
              return this.#batch;
            },
          },
          data: task.data,
          adapt: task.adapt,
          // The last validation is that of what is saved, after it was saved, unless it decides on that.
          validate:
            evalEvery > 0 && task.canValidate
              ? async () => (model.step < steps || patience > 0 ? this.#evaluate('validating') : null)
              : undefined,
        },
      );
    } catch (error) {
      throw inFlags(error);
    }
  }

  async train() {
    const { stdout, stderr, messages } = this.#system;
    messages.file = { folders: this.#saver.folders, name: this.#saver.nameWith('') };
    for (const channel of [stdout, stderr]) {
      channel.onFailure((reason) => {
        messages.tell('warning', `cannot write to ${channel.name}: ${reason}; the run goes on`);
      });
    }
    this.#introduce();
    try {
      await this.#run();
    } finally {
      this.#interrupt.release();
    }
  }

  #introduce() {
    const { parameterCount, trainableParameterCount, config } = this.#model;
    const passes = ((this.#recipe.steps - this.#firstStep) / this.#task.passSteps).toFixed(1);
    const experts = routes(this.#model) ? ` of ${config.experts} experts` : '';
    this.#progress.note(
      `${config.router}: ${config.layers} layers${experts}, ` +
        `${parameterCount.toLocaleString('en')} parameters, ${trainableParameterCount.toLocaleString('en')} trained; ` +
        `${this.#recipe.variant}`,
    );
    const from = this.#firstStep > 0 ? `from step ${this.#firstStep} ` : '';
    this.#progress.note(`${this.#task.amounts}; ${from}to step ${this.#recipe.steps}: ${passes} passes`);
    for (const { type, values, lines } of this.#task.notes) {
      for (const line of lines) this.#progress.note(line);
      this.#report(type, /** @type {Record<string, unknown>} */ (values));
    }
  }

  async #run() {
    const { saveEvery } = this.#recipe;
    const { signal } = this.#interrupt;
    try {
      for await (const event of this.#training) {
        this.#showStep(event);
        const { step, validation } = event;
        if (validation) {
          this.#progress.note(`step ${step}  validation ${this.#task.note(validation)}`);
          this.#report('validation', { step, ...this.#task.values(validation) });
        }
        if (this.#model.run?.ended) break;
        // The signal handlers run only when the event loop does.
        await setImmediate();
        if (signal.aborted) return this.#stop();
        const due = saveEvery > 0 && step % saveEvery === 0;
        if (due || performance.now() >= this.#retry.at) await this.#savePeriodically(due);
      }
    } catch (error) {
      // It was interrupted in a validation, with which the run goes on when it is resumed.
      if (signal.aborted && error === signal.reason) return this.#stop();
      throw await this.#rescue(/** @type {Error} */ (error));
    }
    this.#progress.end();
    await this.#finish();
  }

  /** @param {import('../index.js').TrainProgress<any>} event */
  #showStep({ step, epoch, loss, gradNorm, learningRate, topK, tokensPerSecond }) {
    // Of a step whose validation was interrupted, only the event was left to this run.
    const batch = this.#batch ?? this.#task.source.at(step - 1);
    const count = batch.targets.length;
    const seconds = tokensPerSecond > 0 ? count / tokensPerSecond : 0;
    const values = this.#task.stepValues(loss, batch);
    this.#progress.step({ step, loss, bitsPerByte: values.bitsPerByte, count, seconds });
    this.#report('step', { step, epoch, loss, ...values, gradNorm, learningRate, topK, seconds });
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} values
   */
  #report(type, values) {
    if (this.#options.json) this.#system.stdout.write(`${toJSON({ type, ...values })}\n`);
  }

  /**
   * @param {'validating' | 'testing'} doing
   * @param {RoutingSummary} [routing]  to which the passes are added
   */
  async #evaluate(doing, routing) {
    let shownAt = performance.now();
    const evaluate = doing === 'validating' ? this.#task.validate : this.#task.test;
    return evaluate?.call(this.#task, {
      signal: this.#interrupt.signal,
      onProgress: (share) => {
        routing?.add(this.#model.routing());
        if (performance.now() - shownAt < 200) return;
        shownAt = performance.now();
        this.#progress.busy(`${doing} ${Math.round(100 * share)} %`);
      },
    });
  }

  /**
   * The last validation, and the test, of what was saved.
   *
   * @param {'validating' | 'testing'} doing
   * @param {number} step  of the parameters
   * @param {RoutingSummary} [routing]
   * @returns {Promise<any>} null if there are no data, or on Ctrl-C
   */
  async #evaluateLast(doing, step, routing) {
    if (doing === 'validating' ? !this.#task.canValidate : !this.#task.test) return null;
    if (this.#interrupt.signal.aborted) return null;
    try {
      const result = await this.#evaluate(doing, routing);
      const type = doing === 'validating' ? 'validation' : 'test';
      this.#report(type, { step, ...this.#task.values(result) });
      return result;
    } catch (error) {
      if (this.#interrupt.signal.aborted) return null;
      throw error;
    }
  }

  /**
   * @param {string} path  where the model is
   * @param {number} step  of its parameters
   * @param {RoutingSummary} routing
   */
  async #evaluateSaved(path, step, routing) {
    try {
      const result = await this.#evaluateLast('validating', step, routing);
      return [result, await this.#evaluateLast('testing', step)];
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new CommandError(`${message}; the model of step ${step} is in ${path}`, { cause: error });
    }
  }

  /** @param {{ optimizer: boolean }} options */
  #encode({ optimizer }) {
    return this.#model.saveCheckpoint({
      optimizer,
      metadata: {
        ...this.#task.metadata,
        [TRAINING_KEY]: JSON.stringify({ ...this.#recipe, resumable: optimizer }),
      },
    });
  }

  /**
   * A save that fails does not end the run: the model is still there, and the disk may have room again.
   *
   * @param {boolean} due  it is not a save that is tried again
   */
  async #savePeriodically(due) {
    const { step } = this.#model;
    const { path } = this.#saver;
    try {
      const bytes = this.#encode({ optimizer: true });
      await this.#saver.save(bytes);
      this.#report('saved', { step, path, bytes: bytes.length });
      if (this.#retry.at < Infinity) this.#progress.note(`step ${step}  saved ${path} again`);
      this.#retry = { at: Infinity, after: RETRY_MS };
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      const { after } = this.#retry;
      if (due) {
        this.#progress.note(`warning: step ${step}: ${message}; training goes on, and it is tried again`);
        this.#report('warning', { step, message });
      }
      this.#retry = { at: performance.now() + after, after: Math.min(2 * after, MAX_RETRY_MS) };
    }
  }

  /**
   * The last save of the run.
   *
   * @param {{ finished: boolean }} options
   * @returns {Promise<import('./files/saver.js').Saved & { optimizer: boolean }>}
   */
  async #saveLast({ finished }) {
    const { step } = this.#model;
    try {
      const { bytes, optimizer, problem } = this.#encodeLast(!(finished && this.#options.modelOnly));
      const saved = await this.#saver.saveSomewhere(bytes);
      this.#report('saved', { step, path: saved.path, bytes: saved.bytes });
      return { ...saved, problem: saved.problem ?? problem, optimizer };
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      throw new CommandError(`the model of step ${step} is lost: ${message}`, { cause: error });
    }
  }

  /**
   * A model without its optimizer is better than none.
   *
   * @param {boolean} optimizer
   */
  #encodeLast(optimizer) {
    try {
      return { bytes: this.#encode({ optimizer }), optimizer, problem: null };
    } catch (cause) {
      if (!optimizer) throw cause;
      const problem = new Error("there is no memory to save the optimizer's state", { cause });
      return { bytes: this.#encode({ optimizer: false }), optimizer: false, problem };
    }
  }

  async #stop() {
    const { exitCode, name } = this.#interrupt;
    this.#progress.end();
    const { path, problem, optimizer } = await this.#saveLast({ finished: false });
    this.#system.exitCode = exitCode;
    const { messages } = this.#system;
    const message =
      `${problem ? `${problem.message}. ` : ''}${name}: stopped after step ${this.#model.step} of ` +
      `${this.#recipe.steps}, saved ${path}.` +
      (optimizer ? ` Continue with:\n  ${this.#resumeCommand(path)}` : '');
    if (problem) await messages.insist('error', message);
    else await messages.tell('note', message);
  }

  /**
   * @param {string} path  of the saved run
   * @param {string} [extra]
   */
  #resumeCommand(path, extra = '') {
    const { validation, test } = this.#options;
    const data = [
      ...this.#options.data.map((name) => ` --data ${quote(name)}`),
      ...(typeof validation === 'string' ? [` --validation ${quote(validation)}`] : []),
      ...(test === undefined ? [] : [` --test ${quote(test)}`]),
    ].join('');
    const out = path === this.#saver.path ? '' : ` --out ${quote(this.#saver.path)}`;
    return `npx hyperrouter-wasm train${data} --resume ${quote(path)}${out}${extra}`;
  }

  /**
   * The model of a run that failed is saved.
   *
   * @param {Error} error
   * @returns {Promise<Error>} which says where it is
   */
  async #rescue(error) {
    this.#progress.end();
    if (error instanceof DivergedError) return this.#rescueDiverged(error);
    const { step } = this.#model;
    if (step === this.#firstStep) return error;
    const { saved, resume } = await this.#saveFailed();
    const command = resume && `. Continue from there with:\n  ${resume}`;
    return new CommandError(`after step ${step}: ${error.message}; ${saved}${command}`, { cause: error });
  }

  /** @param {DivergedError} error */
  async #rescueDiverged(error) {
    const lower = this.#recipe.learningRate / 3;
    const clip = this.#recipe.clip === 0 ? ' --clip 0.25' : '';
    const advice = `--learning-rate ${Number(lower.toPrecision(1))}${clip}`;
    const diverged = `training diverged at step ${error.step}: the loss is no longer finite`;
    if (this.#model.step === 0) return new CommandError(`${diverged}; try ${advice}`, { cause: error });
    const { saved, resume } = await this.#saveFailed(` ${advice}`);
    const command = resume && `, or continue from there with:\n  ${resume}`;
    return new CommandError(`${diverged}; ${saved}. Try a new run with ${advice}${command}`, {
      cause: error,
    });
  }

  /**
   * @param {string} [extra]  options of the command that continues it
   * @returns {Promise<{ saved: string, resume: string }>} in words, and that command; empty if it cannot be continued
   */
  async #saveFailed(extra) {
    const { path, problem, optimizer } = await this.#saveLast({ finished: false });
    return {
      saved: `${problem ? `${problem.message}; ` : ''}the parameters of step ${this.#model.step} are in ${path}`,
      resume: optimizer ? this.#resumeCommand(path, extra) : '',
    };
  }

  async #finish() {
    const { path, bytes, problem } = await this.#saveLast({ finished: true });
    if (problem) {
      const { step } = this.#model;
      await this.#system.messages.insist(
        'error',
        `${problem.message}; the model of step ${step} is in ${path}`,
      );
      this.#system.exitCode = FAILURE;
    }
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const best = this.#model.run?.best ?? null;
    const routing = new RoutingSummary();
    const last = new RoutingSummary();
    last.add(this.#model.routing());
    const step = best?.step ?? this.#model.step;
    const [result, test] = await this.#evaluateSaved(path, step, routing);
    const loads = (result ? routing : last).measures.map(({ load }) => load);
    this.#progress.end();
    if (this.#interrupt.signal.aborted) this.#system.exitCode = this.#interrupt.exitCode;
    this.#report('done', {
      step: this.#model.step,
      ...(best && { best: best.step }),
      seconds,
      validation: result && this.#task.values(result),
      ...(test && { test: this.#task.values(test) }),
      load: loads,
    });
    if (this.#options.json) return;
    const lines = [];
    if (best) {
      const { step, run } = this.#model;
      const early = run?.ended === 'patience' ? `stopped after step ${step} of ${this.#recipe.steps}: ` : '';
      lines.push(`${early}the best validation was that of step ${best.step}, whose parameters are saved`);
    }
    if (result) lines.push(`validation: ${this.#task.summary(result)}`);
    if (test) lines.push(`test: ${this.#task.summary(test)}`);
    if (loads.length > 0) {
      lines.push(
        `expert load, % of the assignments ${result ? 'on the held-out text' : 'in the last step'}:`,
      );
      lines.push(...loadTable(loads));
    }
    lines.push(`saved ${path} (${(bytes / 1e6).toFixed(1)} MB) after ${clock(seconds)}`);
    await heard(this.#system.stdout.write(`${printable(lines.join('\n'))}\n`));
  }
}

/**
 * @param {string} argument
 * @returns {string} quoted for a shell
 */
function quote(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
