/** Yielding to the event loop: to input, rendering, an abort. */

/** Longest work between two yields: half a frame at 60 Hz. */
const SLICE_MS = 8;

/**
 * Resolves in a new task, after those that are waiting. Uses a message port, because browsers clamp nested timers.
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
 * Returns a function to await between two pieces of work: it yields to the event loop when the time slice is used up.
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

/**
 * What a promise gives, unless the signal is aborted first: what it waits for may never come.
 * @template T
 * @param {PromiseLike<T>} promise
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
export async function unlessAborted(promise, signal) {
  if (!signal) return promise;
  // After an abort nobody hears of its error.
  Promise.resolve(promise).catch(() => {});
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (aborted)]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Makes the iterator refuse what takes a list: Array.from would see an object without elements, and give an empty array.
 * @template {object} T
 * @param {T} iterator asynchronous
 * @param {string} method whose result it is
 * @returns {T}
 */
export function refuseAsList(iterator, method) {
  const value = () => {
    throw new TypeError(`the result of ${method} is asynchronous: use for await, or await Array.fromAsync()`);
  };
  return Object.defineProperty(iterator, Symbol.iterator, { value });
}
