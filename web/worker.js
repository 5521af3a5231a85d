/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The engine in a worker: the same interface as `hyperrouter-wasm`, with promises, so that the page stays responsive.
 *
 * Properties are properties here too. `config`, `info`, `routers`, `parameterCount`, `trainableParameterCount` and
 * `memory` never change; `step`, `topK` and `memoryBytes` are as of the last reply. `topK` may be set, and applies to
 * all later calls.
 *
 * @module
 */
import { checkOptions, checkSignal, isUrl } from './check.js';
import { EngineError } from './errors.js';
import { absolute, isResponse, readResponse } from './source.js';
import { Connection } from './worker/connection.js';
import { Engine } from './worker/engine.js';
import { checkWorker, foreignWorker, nodeWorker } from './workers.js';

/** @import { LoadOptions as EngineOptions, WasmSource } from './load.js' */
/** @import { PlatformURL, PlatformWorker, Signal } from './platform.js' */

export * from './helpers.js';
export * from './worker/classifier.js';
export * from './worker/engine.js';
export * from './worker/language-model.js';
export * from './worker/regressor.js';
export * from './worker/text-classifier.js';

/**
 * @typedef {object} WorkerOptions
 * Options of `load` for the worker.
 *
 * @property {PlatformWorker | PlatformURL | string | undefined} [worker] a worker created from the exported `hyperrouter-wasm/worker-script`, or
 *   the URL of that script; needed only where a bundler does not find the file itself, or it is of another origin;
 *   default: the file of the package. The engine owns the worker and terminates it.
 * @property {Signal | undefined} [signal] aborts loading
 */

/**
 * @typedef {Omit<EngineOptions, 'createThread'> & WorkerOptions} LoadOptions
 * Options of `load`: those of `hyperrouter-wasm` and those for the worker.
 */

/**
 * Starts a worker and loads an engine in it. Engines are independent; there may be several.
 * @param {LoadOptions} [options] all optional
 * @returns {Promise<Engine>}
 * @throws {EngineError} if the worker cannot be started, and as `load` of `hyperrouter-wasm`
 */
export async function load(options = {}) {
  const keys = ['variant', 'threads', 'wasm', 'worker', 'signal'];
  const { worker, signal: given, wasm, ...rest } = checkOptions('load', options, keys);
  const signal = checkSignal(given);
  signal?.throwIfAborted();
  const source = wasm === undefined ? undefined : await portable(await wasm);
  const script = typeof worker === 'string' || isUrl(worker) ? String(worker) : 'its script';
  const hint = typeof Worker === 'function' ? `: ${SCRIPT}` : '';
  const connection = new Connection(startWorker(worker), `${script} cannot be loaded, or failed${hint}`);
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

/** What browsers demand of the script of a worker. */
const SCRIPT =
  'its script must be of the same origin as the page, and the page must allow it (worker-src); pass load({ worker }) ' +
  'with a URL of this origin, such as one of a Blob that imports the script';

/**
 * @param {PlatformWorker | PlatformURL | string | undefined} given
 * @returns {Worker}
 */
function startWorker(given) {
  const may = 'a Worker or the URL of its script';
  try {
    if (given === undefined) return ownWorker();
    if (typeof given !== 'string' && !isUrl(given)) return checkWorker('worker', may, given);
    if (typeof Worker === 'function') return new Worker(given, { type: 'module' });
    return scriptOfNode(absolute(given, 'worker', may));
  } catch (cause) {
    if (cause instanceof EngineError || cause instanceof TypeError) throw cause;
    throw new EngineError(`the worker cannot be started: ${SCRIPT}`, { cause });
  }
}

function ownWorker() {
  // Bundlers leave it empty in CommonJS and in scripts that are no modules.
  if (!import.meta.url) {
    throw new EngineError(
      "the worker's script cannot be found from a bundle that is no ES module, where import.meta.url is empty: pass " +
        'load({ worker, wasm })',
    );
  }
  const here = import.meta.url;
  if (typeof Worker !== 'function') return scriptOfNode(new URL('./worker/host.js', here));
  const foreign = foreignWorker('./worker/host.js', here, 'worker.js');
  // A literal so that bundlers find the script.
  return foreign ?? new Worker(new URL('./worker/host.js', import.meta.url), { type: 'module' });
}

/** @param {URL} url */
function scriptOfNode(url) {
  const worker = nodeWorker(url);
  if (!worker) throw new EngineError('workers are not supported here');
  return /** @type {Worker} */ (/** @type {unknown} */ (worker));
}

/**
 * The module in a form that can be posted.
 * @param {Awaited<WasmSource>} source
 */
async function portable(source) {
  if (isResponse(source)) return (await readResponse(source)).bytes;
  return typeof source === 'string' || isUrl(source) ? absolute(source).href : source;
}
