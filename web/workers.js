/** Workers, of browsers and of Node. */
import { refuse } from './check.js';

/** @import { PlatformWorker } from './platform.js' */

/** Node's worker threads. Not an import, so that bundlers for browsers ignore it. */
export const workerThreads = globalThis.process?.getBuiltinModule?.('node:worker_threads');

/**
 * A worker of Node, without the options of the process: some, such as --input-type, are refused for a file.
 * @param {URL} url
 */
export function nodeWorker(url) {
  return workerThreads && new workerThreads.Worker(url, { execArgv: [] });
}

/** @typedef {import('node:worker_threads').Worker} NodeWorker */

/**
 * Whether it is a worker of Node, which has other events.
 * @param {unknown} worker
 * @returns {worker is NodeWorker}
 */
export function isNodeWorker(worker) {
  const { on, addEventListener } = /** @type {Record<string, unknown>} */ (worker);
  return typeof on === 'function' && typeof addEventListener !== 'function';
}

/**
 * A worker that the caller has created.
 * @param {string} name of the argument
 * @param {string} may valid values
 * @param {PlatformWorker} worker
 * @returns {Worker}
 */
export function checkWorker(name, may, worker) {
  const given = /** @type {any} */ (worker);
  const fits = typeof given?.postMessage === 'function' && typeof given.terminate === 'function';
  return fits ? given : refuse(name, may, worker, TypeError);
}

/**
 * A worker whose script is of another origin, as of a package that a page imports from elsewhere. Browsers refuse to start
 * it, but not to import it.
 * @param {string} path of the script, relative to the module
 * @param {string} module address of the module
 * @param {string} file name of the module: in a bundle it is another, and the script is elsewhere
 * @returns {Worker | undefined} undefined if it is of this origin, or in a bundle
 */
export function foreignWorker(path, module, file) {
  const { origin, pathname, protocol } = new URL(module);
  const here = globalThis.location?.origin;
  // webpack puts the file of the source in its place.
  const own = /^https?:$/.test(protocol) && pathname.endsWith(`/${file}`);
  if (!own || here === undefined || here === origin) return undefined;
  const code = `import ${JSON.stringify(new URL(path, module).href)};`;
  const script = new Blob([code], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(script), { type: 'module' });
}
