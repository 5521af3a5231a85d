/** Duration of a frame of the screen, milliseconds. */
const frame = 1000 / 60;
/** Shortest and longest interval between two updates of the figures, milliseconds. */
const [shortest, longest] = [160, 1000];
/** Lost time is measured over at least this many milliseconds and updates: over fewer, a single update would decide. */
const [shortestWindow, leastUpdates] = [500, 3];

/**
 * Adapts the interval between two updates of the figures so that the page keeps 55 frames per second: it grows on a slow
 * machine or with many figures. It measures the frames themselves, whatever is drawn in them.
 */
export function createPictureRate() {
  let interval = shortest;
  let last = Number.NEGATIVE_INFINITY;
  let from = 0;
  let lost = 0;

  return {
    /** Milliseconds between two updates. */
    interval: () => interval,

    /** Frames follow, and what was before them does not count. */
    begin() {
      last = Number.NEGATIVE_INFINITY;
    },

    /** Must be called in every frame. @param {number} now milliseconds */
    onFrame(now) {
      const gap = now - last;
      last = now;
      if (gap > longest) {
        // The tab was hidden, or this is the first frame.
        from = now;
        lost = 0;
        return;
      }
      if (gap > 1.2 * frame) lost += gap - frame;
      if (now - from < Math.max(shortestWindow, leastUpdates * interval)) return;
      const share = lost / (now - from);
      if (share > 1 / 13) interval = Math.min(longest, interval * 1.4);
      else if (share < 1 / 20) interval = Math.max(shortest, interval / 1.1);
      from = now;
      lost = 0;
    },
  };
}
