/**
 * Progress of a run: on a terminal one line that is updated, elsewhere a line every few seconds.
 *
 * @module
 */

import { printable } from './output.js';

const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5000;
/** Decay of the running means, which cover about 20 steps. */
const MEMORY = 0.95;

/**
 * @param {number} seconds
 * @returns {string} such as 1:05 or 2:03:09
 */
export function clock(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${two(s % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/**
 * @param {number} perSecond
 * @returns {string}
 */
export function rate(perSecond) {
  return perSecond >= 1e4 ? `${(perSecond / 1e3).toFixed(0)}k` : perSecond.toFixed(0);
}

/** A line that is updated in place on a terminal, and not shown elsewhere. */
export class StatusLine {
  #stream;
  #shown = false;

  /** @param {import('./output.js').Channel} stream */
  constructor(stream) {
    this.#stream = stream;
  }

  get isTerminal() {
    return this.#stream.isTTY;
  }

  /** @param {string} text */
  show(text) {
    if (!this.isTerminal) return;
    this.#stream.write(`\r\x1b[2K${printable(text).slice(0, Math.max(20, this.#stream.columns || 80) - 1)}`);
    this.#shown = true;
  }

  clear() {
    if (this.#shown) this.#stream.write('\r\x1b[2K');
    this.#shown = false;
  }

  /** @param {string} text  a line that stays */
  note(text) {
    this.clear();
    this.#stream.write(`${printable(text)}\n`);
  }
}

/**
 * Progress of a training run. Loss, speed and time left are running means.
 */
export class TrainingProgress {
  #line;
  #steps;
  #unit;
  #weight = 0;
  #loss = 0;
  #bits = 0;
  #count = 0;
  #seconds = 0;
  #shownAt = performance.now();
  #text = '';
  #stale = false;

  /**
   * @param {import('./output.js').Channel} stream
   * @param {number} steps  number of steps of the run
   * @param {string} unit   of what a step is trained on, in the plural
   */
  constructor(stream, steps, unit) {
    this.#line = new StatusLine(stream);
    this.#steps = steps;
    this.#unit = unit;
  }

  /**
   * @param {object} done
   * @param {number} done.step       steps taken
   * @param {number} done.loss       nats per token or text
   * @param {number | undefined} done.bitsPerByte  of a language model
   * @param {number} done.count      tokens or texts of this step
   * @param {number} done.seconds    duration of this step
   */
  step({ step, loss, bitsPerByte, count, seconds }) {
    this.#weight = MEMORY * this.#weight + 1;
    this.#loss = MEMORY * this.#loss + loss;
    this.#bits = MEMORY * this.#bits + (bitsPerByte ?? 0);
    this.#count = MEMORY * this.#count + count;
    this.#seconds = MEMORY * this.#seconds + seconds;
    const left = ((this.#steps - step) * this.#seconds) / this.#weight;
    const bits = bitsPerByte === undefined ? '' : `${(this.#bits / this.#weight).toFixed(3)} bits/byte  `;
    this.#text =
      `step ${step}/${this.#steps}  loss ${(this.#loss / this.#weight).toFixed(3)}  ${bits}` +
      `${rate(this.#count / this.#seconds)} ${this.#unit}/s  ${clock(left)} left`;
    this.#stale = true;
    const interval = this.#line.isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (step === this.#steps || performance.now() - this.#shownAt >= interval) this.#show();
  }

  #show() {
    if (this.#line.isTerminal) this.#line.show(this.#text);
    else if (this.#stale) this.#line.note(this.#text);
    this.#stale = false;
    this.#shownAt = performance.now();
  }

  /** @param {string} text  a line that stays; the progress continues below it */
  note(text) {
    this.#line.note(text);
    if (this.#line.isTerminal && this.#text) this.#line.show(this.#text);
  }

  /** @param {string} text  shown temporarily, on a terminal only */
  busy(text) {
    this.#line.show(text);
  }

  /** Leaves the last progress on the screen. */
  end() {
    if (this.#text && (this.#stale || this.#line.isTerminal)) this.#line.note(this.#text);
    else this.#line.clear();
    this.#stale = false;
    this.#text = '';
  }
}
