/** What a study that is being run says of its progress. */
import { clock, StatusLine } from '../progress.js';

/**
 * @typedef {import('../system.js').System} System
 * @typedef {import('../../study/types.js').StudyRun} StudyRun
 */

/** Which runs are finished, how far the others are, and how long it will take. */
export class StudyProgress {
  #line;
  #left;
  #startedAt = performance.now();
  #finished;
  #done = 0;
  /** @type {Map<string, { run: StudyRun, share: number }>} */
  #running = new Map();
  #shownAt = 0;

  /**
   * @param {System} system
   * @param {{ left: number, finished: number, jobs: number }} start
   */
  constructor(system, { left, finished, jobs }) {
    this.#line = new StatusLine(system.stderr);
    this.#finished = finished;
    this.#left = left;
    const before = finished > 0 ? `, ${finished} finished before` : '';
    this.#line.note(`${left} ${left === 1 ? 'run' : 'runs'}${before}; ${jobs} at a time`);
  }

  /**
   * @param {StudyRun} run
   * @param {{ step: number, steps: number }} done
   */
  show(run, { step, steps }) {
    this.#running.set(run.id, { run, share: step / steps });
    if (performance.now() - this.#shownAt < 200) return;
    this.#shownAt = performance.now();
    const each = [...this.#running.values()].map(
      ({ run, share }) => `${nameOf(run)} ${Math.round(100 * share)} %`,
    );
    this.#line.show(`${this.#finished} finished, ${this.#timeLeft()}; ${each.join('; ')}`);
  }

  #timeLeft() {
    const shares = [...this.#running.values()].reduce((sum, { share }) => sum + share, 0);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const perRun = seconds / Math.max(this.#done + shares, 1e-3);
    return `${clock((this.#left - shares) * perRun)} left`;
  }

  /**
   * @param {StudyRun} run
   * @param {import('./pool.js').Finished} finished
   * @param {number} left runs that are not finished
   */
  finish(run, { result, seconds }, left) {
    this.#running.delete(run.id);
    this.#finished++;
    this.#done++;
    this.#left = left;
    const { loss, accuracy } = result.validation;
    const figures = result.diverged
      ? `diverged at step ${result.diverged}`
      : `loss ${loss?.toFixed(4)}${typeof accuracy === 'number' ? `, accuracy ${(100 * accuracy).toFixed(1)} %` : ''}`;
    const rest = left > 0 ? `; ${left} to go, ${this.#timeLeft()}` : '';
    this.#line.note(`${nameOf(run)}: ${figures} (${clock(seconds)})${rest}`);
  }

  end() {
    this.#line.clear();
  }
}

/** @param {StudyRun} run */
function nameOf({ variant, seed, tuning }) {
  const tried = tuning
    ? ` (tuning: ${Object.entries(tuning)
        .map(([key, value]) => `${key} ${value}`)
        .join(', ')})`
    : '';
  return `${variant}, seed ${seed}${tried}`;
}
