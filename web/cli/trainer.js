/**
 * A training run: steps, validations, saves, and their output.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { DivergedError } from '../index.js';
import { recordOf, runOf } from '../run.js';
import { bitsPerByte, evaluateText, splitText, TextStreams } from '../text.js';
import { train } from '../training.js';
import { CommandError, FAILURE, usageError } from './errors.js';
import { loadTable } from './experts.js';
import { TRAINING_KEY, VOCABULARY_KEY } from './files.js';
import { Interrupt } from './interrupt.js';
import { clock, TrainingProgress } from './progress.js';
import { inFlags, trainOptionsOf } from './recipe.js';

/** @typedef {import('./recipe.js').Recipe} Recipe */

/**
 * @typedef {object} Run
 * @property {import('../index.js').LanguageModel} model
 * @property {import('../vocabulary.js').Vocabulary} vocabulary
 * @property {Recipe} recipe
 * @property {Int32Array} tokens  the text
 * @property {boolean} resume     whether it goes on with the model's run
 */

/** After a periodic save that failed; doubled with each that fails too. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** One run, from the current step of its model to the last. */
export class Trainer {
  #model;
  #vocabulary;
  #recipe;
  #options;
  #streams;
  #validation;
  #training;
  /** The segment that was trained on last. @type {import('../text.js').TextSegment | undefined} */
  #segment;
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
   * @param {{ data: string[], name: string, modelOnly?: boolean, json?: boolean }} options  name: of the data
   * @param {import('./files/saver.js').Saver} saver
   * @param {import('./system.js').System} system
   */
  constructor({ model, vocabulary, recipe, tokens, resume }, options, saver, system) {
    const { train, validation } = splitText(tokens, { validation: recipe.validation });
    const { batchSize, contextLength } = model.config;
    if (train.length < 2 * batchSize) {
      throw usageError(
        `${options.name} is too short: it has ${train.length} tokens to train on, ` +
          `but --batch-size ${batchSize} needs at least ${2 * batchSize}`,
      );
    }
    if (recipe.patience > 0 && validation.length < 2) {
      throw usageError('--patience needs held-out text: --validation must be larger');
    }
    this.#model = model;
    this.#vocabulary = vocabulary;
    this.#recipe = recipe;
    this.#options = options;
    this.#streams = new TextStreams(train, { batchSize, length: contextLength });
    this.#validation = validation;
    this.#training = this.#prepare(train, resume);
    this.#progress = new TrainingProgress(system.stderr, recipe.steps);
    this.#interrupt = new Interrupt(system);
    this.#firstStep = model.step;
    this.#saver = saver;
    this.#system = system;
  }

  /**
   * @param {Int32Array} tokens  to train on
   * @param {boolean} resume
   */
  #prepare(tokens, resume) {
    const model = this.#model;
    const { batchSize, contextLength } = model.config;
    const { steps, patience, topK, topKSchedule } = this.#recipe;
    const options = { ...trainOptionsOf(this.#recipe), validation: this.#validation };
    try {
      // Version 0.1 saved the recipe only; its runs began with the model.
      if (resume) model.run ??= runOf(options, { run: null, step: 0, config: model.config }, null);
      if (topKSchedule === 'constant' && model.topK !== topK) model.topK = topK;
      const validates = this.#recipe.evalEvery > 0 && this.#validation.length >= 2;
      return train(/** @type {any} */ (model), /** @type {any} */ ({ ...options, resume }), {
        source: {
          at: (step) => {
            this.#segment = this.#streams.at(step);
            return this.#segment;
          },
        },
        data: recordOf('tokens', [tokens], tokens.length, { batchSize, length: contextLength }),
        // The last validation is that of what is saved, after it was saved, unless it decides on that.
        validate: validates
          ? async () => (model.step < steps || patience > 0 ? this.#validate() : null)
          : undefined,
      });
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
    } catch (error) {
      if (error instanceof DivergedError) throw await this.#rescue(error);
      throw error;
    } finally {
      this.#interrupt.release();
    }
  }

  #introduce() {
    const { parameterCount, trainableParameterCount, config } = this.#model;
    const passes = ((this.#recipe.steps - this.#firstStep) / this.#streams.segments).toFixed(1);
    const experts = config.router === 'dense' ? '' : ` of ${config.experts} experts`;
    this.#progress.note(
      `${config.router}: ${config.layers} layers${experts}, ` +
        `${parameterCount.toLocaleString('en')} parameters, ${trainableParameterCount.toLocaleString('en')} trained; ` +
        `${this.#recipe.variant}`,
    );
    const from = this.#firstStep > 0 ? `from step ${this.#firstStep} ` : '';
    this.#progress.note(
      `${this.#streams.targetsPerPass.toLocaleString('en')} tokens to train on, ` +
        `${this.#validation.length.toLocaleString('en')} held out; ${from}to step ${this.#recipe.steps}: ${passes} passes`,
    );
  }

  async #run() {
    const { saveEvery } = this.#recipe;
    const { signal } = this.#interrupt;
    try {
      for await (const event of this.#training) {
        this.#showStep(event);
        const { step, validation } = event;
        if (validation) {
          const { loss, bitsPerByte, tokens } = validation;
          this.#progress.note(
            `step ${step}  validation loss ${loss.toFixed(4)}  ${bitsPerByte?.toFixed(4)} bits/byte`,
          );
          this.#report('validation', { step, loss, bitsPerByte, tokens });
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
      throw error;
    }
    this.#progress.end();
    await this.#finish();
  }

  /** @param {import('../index.js').TrainProgress<import('../text.js').Evaluation>} event */
  #showStep({ step, epoch, loss, gradNorm, learningRate, topK, tokensPerSecond }) {
    // Of a step whose validation was interrupted, only the event was left to this run.
    const { targets } = this.#segment ?? this.#streams.at(step - 1);
    const seconds = tokensPerSecond > 0 ? targets.length / tokensPerSecond : 0;
    const bits = bitsPerByte(loss, targets.length, this.#vocabulary.byteLength(targets));
    this.#progress.step({ step, loss, bitsPerByte: bits, tokens: targets.length, seconds });
    this.#report('step', { step, epoch, loss, bitsPerByte: bits, gradNorm, learningRate, topK, seconds });
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} values
   */
  #report(type, values) {
    if (this.#options.json) this.#system.stdout.write(`${JSON.stringify({ type, ...values })}\n`);
  }

  /**
   * @param {(share: number) => void} [onSegment]
   * @returns {Promise<import('../text.js').Evaluation>}
   */
  async #validate(onSegment) {
    let shownAt = performance.now();
    return evaluateText(this.#model, this.#validation, {
      vocabulary: this.#vocabulary,
      signal: this.#interrupt.signal,
      onProgress: ({ tokens, total }) => {
        onSegment?.(tokens);
        if (performance.now() - shownAt < 200) return;
        shownAt = performance.now();
        this.#progress.busy(`validating ${Math.round((100 * tokens) / total)} %`);
      },
    });
  }

  /**
   * The last validation, of what was saved.
   *
   * @param {number} step  of the parameters
   * @param {(share: number) => void} onSegment
   * @returns {Promise<import('../text.js').Evaluation | null>} null if the text is too short, or on Ctrl-C
   */
  async #validateLast(step, onSegment) {
    if (this.#validation.length < 2) return null;
    try {
      const result = await this.#validate(onSegment);
      const { loss, bitsPerByte, tokens } = result;
      this.#report('validation', { step, loss, bitsPerByte, tokens });
      return result;
    } catch (error) {
      if (this.#interrupt.signal.aborted) return null;
      throw error;
    }
  }

  /** @param {{ optimizer: boolean }} options */
  #encode({ optimizer }) {
    return this.#model.saveCheckpoint({
      optimizer,
      metadata: {
        [VOCABULARY_KEY]: JSON.stringify(this.#vocabulary),
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
    const data = this.#options.data.map((name) => ` --data ${quote(name)}`).join('');
    const out = path === this.#saver.path ? '' : ` --out ${quote(this.#saver.path)}`;
    return `npx hyperrouter-wasm train${data} --resume ${quote(path)}${out}${extra}`;
  }

  /**
   * @param {DivergedError} error
   * @returns {Promise<CommandError>}
   */
  async #rescue(error) {
    this.#progress.end();
    const lower = this.#recipe.learningRate / 3;
    const clip = this.#recipe.clip === 0 ? ' --clip 0.25' : '';
    const advice = `--learning-rate ${Number(lower.toPrecision(1))}${clip}`;
    const diverged = `training diverged at step ${error.step}: the loss is no longer finite`;
    if (this.#model.step === 0) return new CommandError(`${diverged}; try ${advice}`, { cause: error });
    const { path, problem, optimizer } = await this.#saveLast({ finished: false });
    return new CommandError(
      `${diverged}; ${problem ? `${problem.message}; ` : ''}the parameters of step ${this.#model.step} are in ${path}. ` +
        `Try a new run with ${advice}` +
        (optimizer ? `, or continue from there with:\n  ${this.#resumeCommand(path, ` ${advice}`)}` : ''),
      { cause: error },
    );
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
    /** @type {Float64Array[]} */
    const loads = this.#model.routing().map(({ load }) => Float64Array.from(load));
    let before = 0;
    const best = this.#model.run?.best ?? null;
    const result = await this.#validateLast(best?.step ?? this.#model.step, (tokens) => {
      const share = before === 0 ? 1 : (tokens - before) / tokens;
      before = tokens;
      this.#model.routing().forEach(({ load }, layer) => {
        loads[layer] = loads[layer].map((mean, expert) => mean + share * (load[expert] - mean));
      });
    });
    this.#progress.end();
    if (this.#interrupt.signal.aborted) this.#system.exitCode = this.#interrupt.exitCode;
    this.#report('done', {
      step: this.#model.step,
      ...(best && { best: best.step }),
      seconds,
      validation: result && { loss: result.loss, bitsPerByte: result.bitsPerByte },
      load: loads.map((load) => Array.from(load)),
    });
    if (this.#options.json) return;
    const lines = [];
    if (best) {
      const { step, run } = this.#model;
      const early = run?.ended === 'patience' ? `stopped after step ${step} of ${this.#recipe.steps}: ` : '';
      lines.push(`${early}the best validation was that of step ${best.step}, whose parameters are saved`);
    }
    if (result)
      lines.push(
        `validation: ${result.bitsPerByte?.toFixed(4)} bits per byte, loss ${result.loss.toFixed(4)}`,
      );
    if (loads.length > 0) {
      lines.push(
        `expert load, % of the assignments ${result ? 'on the held-out text' : 'in the last step'}:`,
      );
      lines.push(...loadTable(loads));
    }
    lines.push(`saved ${path} (${(bytes / 1e6).toFixed(1)} MB) after ${clock(seconds)}`);
    await this.#system.stdout.write(`${lines.join('\n')}\n`);
  }
}

/**
 * @param {string} argument
 * @returns {string} quoted for a shell
 */
function quote(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
