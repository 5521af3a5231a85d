/** Node's worker threads. Not an import, so that bundlers for browsers ignore it. */

export const workerThreads = globalThis.process?.getBuiltinModule?.('node:worker_threads');

/**
 * A worker of Node, without the options of the process: some, such as --input-type, are refused for a file.
 * @param {URL} url
 */
export function nodeWorker(url) {
  return workerThreads && new workerThreads.Worker(url, { execArgv: [] });
}
