import { computed, effect, signal } from '@preact/signals';

/**
 * Plays the run of a figure of the article: only while the figure is in view, up to a step, and with reduced motion only
 * when it is asked for.
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
 */
export function createPlayer({ run, limit, calm }) {
  /** Whether the reader wants it to play. */
  const wanted = signal(!calm);
  const inView = signal(false);
  const over = computed(() => run.step.value >= limit);
  const stop = effect(() => {
    const status = run.status.value;
    const plays = wanted.value && inView.value && !over.value;
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
