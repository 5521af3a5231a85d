/** A frame of the screen, milliseconds. */
const frame = 1000 / 60;
/** Pictures of a run come at most and at least so often, milliseconds. */
const [shortest, longest] = [160, 1000];
const window = 500;

/**
 * How often pictures of a run may come, so that the screen keeps 50 frames a second: on a slow machine, or with many
 * views, they come more rarely. It watches the frames, whatever is drawn in them.
 */
export function createPictureRate() {
  let interval = shortest;
  let last = Number.NEGATIVE_INFINITY;
  let from = 0;
  let lost = 0;

  return {
    /** Milliseconds from one picture to the next. */
    interval: () => interval,

    /** To be called at every frame. @param {number} now milliseconds */
    onFrame(now) {
      const gap = now - last;
      last = now;
      if (gap > longest) {
        // Nobody looked, or the watch has just begun.
        from = now;
        lost = 0;
        return;
      }
      if (gap > 1.2 * frame) lost += gap - frame;
      if (now - from < window) return;
      const share = lost / (now - from);
      if (share > 1 / 8) interval = Math.min(longest, interval * 1.4);
      else if (share < 1 / 12) interval = Math.max(shortest, interval / 1.1);
      from = now;
      lost = 0;
    },
  };
}
