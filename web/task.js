/** Giving way to whatever waits in the event loop: input, rendering, an abort. */

/** How long is worked in one go: half of a frame at 60 Hz. */
const SLICE_MS = 8;

/**
 * A task of its own for whatever waits in the event loop. A message port, because browsers clamp nested timers.
 *
 * @returns {Promise<void>}
 */
export function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * Returns a function to be awaited between two pieces of work: it gives way when a slice of time is used up.
 *
 * @param {number} [milliseconds]
 * @returns {() => Promise<void> | undefined}
 */
export function timeSlices(milliseconds = SLICE_MS) {
  let end = performance.now() + milliseconds;
  return () => {
    if (performance.now() < end) return undefined;
    return nextTask().then(() => {
      end = performance.now() + milliseconds;
    });
  };
}
