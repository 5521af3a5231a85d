/** Milliseconds; by then the first model is there. */
const after = 4000;

/**
 * Lets the browser keep the page, once it has done what somebody is waiting for. Only the built page has files that
 * stay as they are.
 *
 * @param {() => void} onKept
 */
export function keepPage(onKept) {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  setTimeout(async () => {
    try {
      const kept = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
      await navigator.serviceWorker.ready;
      onKept();
      // Browsers look for a new version when they like to.
      await kept.update();
    } catch {
      // Private windows may forbid it; the page works all the same, with a network.
    }
  }, after);
}
