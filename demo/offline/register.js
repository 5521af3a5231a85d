/** Milliseconds; by then, the first model has been built. */
const delay = 4000;

/** Only in the built page, whose files do not change. */
export const canRegister = import.meta.env.PROD && 'serviceWorker' in navigator;

/**
 * Makes the page available offline, when it has finished loading.
 *
 * @param {() => void} onReady
 */
export function registerServiceWorker(onReady) {
  if (!canRegister) return;
  setTimeout(async () => {
    try {
      const registration = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
      await navigator.serviceWorker.ready;
      onReady();
      // Otherwise the browser decides when to look for a new version.
      await registration.update();
    } catch {
      // Private windows may forbid service workers; the page still works online.
    }
  }, delay);
}
