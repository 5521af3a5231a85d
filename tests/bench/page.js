// Contestants in a page: run.js calls these functions through the browser's driver.
import { Contestants } from './contestants.js';
import { loadTime } from './load.js';

/** @param {string} path */
async function read(path) {
  const response = await fetch(new URL(`../../${path}`, import.meta.url));
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const contestants = new Contestants(read, () => performance.now());

Object.assign(globalThis, {
  answer: (/** @type {import('./contestants.js').Request} */ request) =>
    contestants.answer(request).catch((error) => ({ error: String(error?.message ?? error) })),
  load: async (/** @type {string} */ variant) => loadTime(await read(`web/hyperrouter.${variant}.wasm`)),
});
