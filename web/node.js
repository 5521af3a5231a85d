/** What Node has and pages have not. Taken from the process, not imported: bundlers for pages need not know of it. */

export const workerThreads = globalThis.process?.getBuiltinModule?.('node:worker_threads');

/**
 * A worker of Node. Without the process's own options: --input-type, for one, is refused for a file.
 * @param {URL} url
 */
export function nodeWorker(url) {
  return workerThreads && new workerThreads.Worker(url, { execArgv: [] });
}
