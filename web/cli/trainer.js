/**
 * A training run: steps, validations, saves, and their output.
 *
 * @module
 */
import { setImmediate } from 'node:timers/promises';
import { DivergedError } from '../index.js';
import { bitsPerByte, evaluateText, splitText, TextStreams } from '../text.js';
import { CommandError, usageError } from './errors.js';
import { loadTable } from './experts.js';
import { TRAINING_KEY, VOCABULARY_KEY, writeWhole } from './files.js';
import { Interrupt } from './interrupt.js';
import { clock, TrainingProgress } from './progress.js';
import { schedulesOf } from './recipe.js';

/** @typedef {import('./recipe.js').Recipe} Recipe */

/**
 * @typedef {object} Run
 * @property {import('../index.js').LanguageModel} model
 * @property {import('../vocabulary.js').Vocabulary} vocabulary
 * @property {Recipe} recipe
 * @property {Int32Array} tokens  the text
 */

/** One run, from the current step of its model to the last. */
export class Trainer {
  #model;
  #vocabulary;
  #recipe;
  #options;
  #streams;
  #validation;
  #schedules;
  #progress;
  #interrupt;
  #startedAt = performance.now();
  #firstStep;

  /**
   * @param {Run} run
   * @param {{ data: string, out: string, modelOnly?: boolean, json?: boolean }} options
   */
  constructor({ model, vocabulary, recipe, tokens }, options) {
    const { train, validation } = splitText(tokens, { validation: recipe.validation });
    const { batchSize, contextLength } = model.config;
    if (train.length < 2 * batchSize) {
      throw usageError(
        `${options.data} is too short: it has ${train.length} tokens to train on, ` +
          `but --batch-size ${batchSize} needs at least ${2 * batchSize}`,
      );
    }
    this.#model = model;
    this.#vocabulary = vocabulary;
    this.#recipe = recipe;
    this.#options = options;
    this.#streams = new TextStreams(train, { batchSize, length: contextLength });
    this.#validation = validation;
    this.#schedules = schedulesOf(recipe);
    this.#progress = new TrainingProgress(process.stderr, recipe.steps);
    this.#interrupt = new Interrupt();
    this.#firstStep = model.step;
  }

  async train() {
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
    const { steps, evalEvery, saveEvery } = this.#recipe;
    while (this.#model.step < steps) {
      this.#step();
      // The signal handlers run only when the event loop does.
      await setImmediate();
      if (this.#interrupt.signal.aborted) return this.#stop();
      const { step } = this.#model;
      if (evalEvery > 0 && step % evalEvery === 0 && step < steps) await this.#validate();
      if (this.#interrupt.signal.aborted) return this.#stop();
      if (saveEvery > 0 && step % saveEvery === 0 && step < steps) await this.#save({ finished: false });
    }
    this.#progress.end();
    await this.#finish();
  }

  #step() {
    const model = this.#model;
    const { inputs, targets, length, carryMemory, epoch } = this.#streams.at(model.step);
    const learningRate = this.#schedules.learningRate(model.step);
    const topK = this.#schedules.topK(model.step);
    if (model.topK !== topK) model.topK = topK;
    const before = performance.now();
    const { loss, gradNorm } = model.trainStep({
      inputs,
      targets,
      length,
      carryMemory,
      learningRate,
      clip: this.#recipe.clip,
    });
    const seconds = (performance.now() - before) / 1000;
    const bits = bitsPerByte(loss, targets.length, this.#vocabulary.byteLength(targets));
    const { step } = model;
    this.#progress.step({ step, loss, bitsPerByte: bits, tokens: targets.length, seconds });
    this.#report('step', { step, epoch, loss, bitsPerByte: bits, gradNorm, learningRate, topK, seconds });
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} values
   */
  #report(type, values) {
    if (this.#options.json) process.stdout.write(`${JSON.stringify({ type, ...values })}\n`);
  }

  /**
   * @param {(share: number) => void} [onSegment]
   * @returns {Promise<import('../text.js').Evaluation | null>} null if the text is too short, or on Ctrl-C
   */
  async #validate(onSegment) {
    if (this.#validation.length < 2) return null;
    let shownAt = performance.now();
    try {
      const result = await evaluateText(this.#model, this.#validation, {
        vocabulary: this.#vocabulary,
        signal: this.#interrupt.signal,
        onProgress: ({ tokens, total }) => {
          onSegment?.(tokens);
          if (performance.now() - shownAt < 200) return;
          shownAt = performance.now();
          this.#progress.busy(`validating ${Math.round((100 * tokens) / total)} %`);
        },
      });
      const { step } = this.#model;
      const { loss, bitsPerByte, tokens } = result;
      if (step < this.#recipe.steps) {
        this.#progress.note(
          `step ${step}  validation loss ${loss.toFixed(4)}  ${bitsPerByte?.toFixed(4)} bits/byte`,
        );
      }
      this.#report('validation', { step, loss, bitsPerByte, tokens });
      return result;
    } catch (error) {
      if (this.#interrupt.signal.aborted) return null;
      throw error;
    }
  }

  /** @param {{ finished: boolean }} options */
  async #save({ finished }) {
    const optimizer = !(finished && this.#options.modelOnly);
    const bytes = this.#model.saveCheckpoint({
      optimizer,
      metadata: {
        [VOCABULARY_KEY]: JSON.stringify(this.#vocabulary),
        [TRAINING_KEY]: JSON.stringify({ ...this.#recipe, resumable: optimizer }),
      },
    });
    await writeWhole(this.#options.out, bytes);
    this.#report('saved', { step: this.#model.step, path: this.#options.out, bytes: bytes.length });
    return bytes.length;
  }

  async #stop() {
    const { exitCode, name } = this.#interrupt;
    this.#progress.end();
    await this.#save({ finished: false });
    console.error(
      `${name}: stopped after step ${this.#model.step} of ${this.#recipe.steps}, saved ${this.#options.out}. Continue with:\n` +
        `  ${this.#resumeCommand()}`,
    );
    process.exitCode = exitCode;
  }

  /** @param {string} [extra] */
  #resumeCommand(extra = '') {
    const { data, out } = this.#options;
    return `npx hyperrouter-wasm train --data ${quote(data)} --resume ${quote(out)}${extra}`;
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
    const problem = `training diverged at step ${error.step}: the loss is no longer finite`;
    if (this.#model.step === 0) return new CommandError(`${problem}; try ${advice}`, { cause: error });
    await this.#save({ finished: false });
    return new CommandError(
      `${problem}; the parameters of step ${this.#model.step} are in ${this.#options.out}. Try a new run with ` +
        `${advice}, or continue from there with:\n  ${this.#resumeCommand(` ${advice}`)}`,
      { cause: error },
    );
  }

  async #finish() {
    const bytes = await this.#save({ finished: true });
    const seconds = (performance.now() - this.#startedAt) / 1000;
    /** @type {Float64Array[]} */
    const loads = this.#model.routing().map(({ load }) => Float64Array.from(load));
    let before = 0;
    const result = await this.#validate((tokens) => {
      const share = before === 0 ? 1 : (tokens - before) / tokens;
      before = tokens;
      this.#model.routing().forEach(({ load }, layer) => {
        loads[layer] = loads[layer].map((mean, expert) => mean + share * (load[expert] - mean));
      });
    });
    this.#progress.end();
    if (this.#interrupt.signal.aborted) process.exitCode = this.#interrupt.exitCode;
    this.#report('done', {
      step: this.#model.step,
      seconds,
      validation: result && { loss: result.loss, bitsPerByte: result.bitsPerByte },
      load: loads.map((load) => Array.from(load)),
    });
    if (this.#options.json) return;
    const lines = [];
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
    lines.push(`saved ${this.#options.out} (${(bytes / 1e6).toFixed(1)} MB) after ${clock(seconds)}`);
    console.log(lines.join('\n'));
  }
}

/**
 * @param {string} argument
 * @returns {string} quoted for a shell
 */
function quote(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
