import { computed, effect, signal } from '@preact/signals';

/**
 * Plays the run of a figure of the article: only while the figure is in view and the tab is not hidden, up to a step, and
 * with reduced motion only when it is asked for.
 *
 * @typedef {object} Played
 * @property {import('@preact/signals').ReadonlySignal<string>} status
 * @property {import('@preact/signals').ReadonlySignal<number>} step
 * @property {() => unknown} start
 * @property {() => unknown} pause
 *
 * @param {object} parts
 * @param {Played} parts.run
 * @param {number} parts.limit the step at which there is nothing new to see
 * @param {boolean} parts.calm whether reduced motion is preferred
 * @param {Pick<Document, 'hidden' | 'addEventListener'>} [parts.page]
 */
export function createPlayer({ run, limit, calm, page = document }) {
  /** Whether the reader wants it to play. */
  const wanted = signal(!calm);
  const inView = signal(false);
  // A figure stays in view when its tab is hidden.
  const hidden = signal(page.hidden);
  page.addEventListener('visibilitychange', () => {
    hidden.value = page.hidden;
  });
  const over = computed(() => run.step.value >= limit);
  const stop = effect(() => {
    const status = run.status.value;
    const plays = wanted.value && inView.value && !hidden.value && !over.value;
    // What it does changes what it reads.
    if (status === 'ready' && plays) queueMicrotask(run.start);
    if (status === 'running' && !plays) queueMicrotask(run.pause);
  });
  return {
    wanted,
    inView,
    over,
    toggle: () => {
      wanted.value = !wanted.peek();
    },
    stop,
  };
}

/** @typedef {ReturnType<typeof createPlayer>} Player */
