import { signal } from '@preact/signals';
import { openingEnd, openingPace } from './settings.js';

/**
 * The time of the opening run: first its recorded moments play, at the pace of the training that takes over.
 *
 * @param {{ calm: boolean, now?: () => number }} parts calm: shows the end at once
 */
export function createOpening({ calm, now = () => performance.now() }) {
  const start = now();
  const step = signal(calm ? openingEnd : 0);
  let last = openingEnd;
  let taken = false;

  return {
    calm,
    step,

    /** Must be called in every frame. */
    onFrame() {
      if (!calm) step.value = Math.min(last, Math.floor(((now() - start) / 1000) * openingPace));
    },

    /**
     * The step at which training takes over: what is recorded stays there until then. Only the first caller gets it.
     *
     * @returns {number | undefined}
     */
    take() {
      if (taken) return undefined;
      taken = true;
      this.onFrame();
      last = step.peek();
      return last;
    },
  };
}

/** @typedef {ReturnType<typeof createOpening>} Opening */
