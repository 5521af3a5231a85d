/**
 * The engine in a worker: the same names as in `hyperrouter-wasm`, every call a promise, so that no page stalls.
 *
 * What is a property there is one here. `config`, `info`, `routers`, `parameterCount`, `trainableParameterCount` and
 * `memory` never change; `step`, `topK` and `memoryBytes` are as of the last answer. `topK` may be set, and holds for
 * every call made after that.
 *
 * @module
 */
import { checkObject } from './check.js';
import { EngineError } from './errors.js';
import { nodeWorker } from './node.js';
import { absolute, readResponse } from './source.js';
import { Connection } from './worker/connection.js';
import { Engine } from './worker/engine.js';

/** @import { LoadOptions as EngineOptions, WasmSource } from './load.js' */

export * from './helpers.js';
export * from './worker/classifier.js';
export * from './worker/engine.js';
export * from './worker/language-model.js';

/**
 * @typedef {object} WorkerOptions
 * Options of `load` that are about the worker.
 *
 * @property {Worker | URL | string} [worker] a worker that was made of the exported `hyperrouter-wasm/worker-script`, or
 *   where that is; needed only where a bundler does not find it by itself. The engine takes the worker over: it ends
 *   with it.
 * @property {AbortSignal} [signal] stops the loading
 */

/**
 * @typedef {Omit<EngineOptions, 'createThread'> & WorkerOptions} LoadOptions
 * Options of `load`: those of `hyperrouter-wasm`, and those of the worker.
 */

/**
 * Starts a worker and loads an engine in it. Engines share nothing; several may live side by side.
 * @param {LoadOptions} [options] none are needed
 * @returns {Promise<Engine>}
 * @throws {EngineError} the worker does not start, or what `load` of `hyperrouter-wasm` throws
 */
export async function load(options = {}) {
  checkObject('options', options);
  const { worker, signal, wasm, ...rest } = options;
  signal?.throwIfAborted();
  const source = wasm === undefined ? undefined : await portable(await wasm);
  const connection = new Connection(startWorker(worker));
  const stop = () => void connection.close(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return new Engine(connection, await connection.call(0, 'load', [{ ...rest, wasm: source }], { signal }));
  } catch (error) {
    await connection.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * @param {Worker | URL | string | undefined} given
 * @returns {Worker}
 */
function startWorker(given) {
  try {
    if (given === undefined) return ownWorker();
    if (typeof given !== 'string' && !(given instanceof URL)) return given;
    if (typeof Worker === 'function') return new Worker(given, { type: 'module' });
    return scriptOfNode(new URL(given, import.meta.url));
  } catch (error) {
    throw new EngineError(`the worker does not start: ${error}`, { cause: error });
  }
}

function ownWorker() {
  // Written out so that bundlers find the script; only they and browsers may see it as it stands.
  if (typeof Worker === 'function') {
    return new Worker(new URL('./worker/host.js', import.meta.url), { type: 'module' });
  }
  const here = import.meta.url;
  return scriptOfNode(new URL('./worker/host.js', here));
}

/** @param {URL} url */
function scriptOfNode(url) {
  const worker = nodeWorker(url);
  if (!worker) throw new EngineError('there are no workers here');
  return /** @type {Worker} */ (/** @type {unknown} */ (worker));
}

/**
 * Where the module is, in a form that can be posted.
 * @param {Awaited<WasmSource>} source
 */
async function portable(source) {
  if (typeof Response === 'function' && source instanceof Response) return (await readResponse(source)).bytes;
  return typeof source === 'string' || source instanceof URL ? absolute(source).href : source;
}
