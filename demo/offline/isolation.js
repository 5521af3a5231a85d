/**
 * Whether the service worker isolates the page, so that threads can share memory. It takes effect with the next load.
 * Kept where the service worker can read it too: in a cache with this name, an entry that is there if isolation is off.
 */
export const settings = 'hyperrouter-settings';

const key = () => new URL('isolation', document.baseURI).href.replace(/[?#].*$/, '');

/** @returns {Promise<boolean>} true where nothing can be kept */
export async function isIsolationOn() {
  try {
    return !(await caches.has(settings)) || (await (await caches.open(settings)).match(key())) === undefined;
  } catch {
    return true;
  }
}

/** @param {boolean} on */
export async function setIsolation(on) {
  const cache = await caches.open(settings);
  if (on) await cache.delete(key());
  else await cache.put(key(), new Response('off'));
}

/**
 * When the page could not start: whether the isolation by the service worker may be why. Then it is off from now on, so
 * that the next load shows whether it was.
 */
export async function isolationBreaksPage() {
  if (!globalThis.crossOriginIsolated || !navigator.serviceWorker?.controller) return false;
  if (!(await isIsolationOn())) return false;
  return setIsolation(false).then(
    () => true,
    () => false,
  );
}

/** More threads do not help models of the page's size. */
const mostThreads = 8;

/**
 * How many threads a model that is trained alone gets. One core stays for the page, if there are more than two.
 *
 * @returns {Promise<number>}
 */
export async function threadsHere() {
  const cores = navigator.hardwareConcurrency ?? 1;
  // Browsers differ in what makes a page isolated, and in what it gets for it.
  if (typeof SharedArrayBuffer !== 'function' || !(await isIsolationOn())) return 1;
  return Math.min(mostThreads, cores > 2 ? cores - 1 : cores);
}
