/** Finds, compiles and starts the WebAssembly module. */

import { checkFunction, checkName, checkOptions, fail, refuse } from './check.js';
import { Core } from './core.js';
import { Engine } from './engine.js';
import { EngineError } from './errors.js';
import { compile, refusedByPolicy } from './source.js';
import { startThreads } from './threads.js';

/** @import { PlatformResponse, PlatformURL, PlatformWorker, WasmInstance, WasmMemory, WasmModule } from './platform.js' */

// Minimal modules with one instruction each: WebAssembly.validate tells whether it is supported.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SPLAT = [65, 0, 253, 15];
const SIMD_PROBE = [...HEAD, 8, 1, 6, 0, ...SPLAT, 11];
const RELAXED_PROBE = [...HEAD, 19, 1, 17, 0, ...SPLAT, ...SPLAT, ...SPLAT, 253, 133, 2, 11];

/**
 * @typedef {'simd' | 'relaxed-simd'} Variant
 * The variants of the module.
 */

/**
 * @typedef {string | PlatformURL | PlatformResponse | ArrayBuffer | Uint8Array | WasmModule} WasmSource
 * The WebAssembly module: its URL, a response with it, its bytes, or a compiled module.
 */

/**
 * @typedef {object} LoadOptions
 * Options of `load`.
 *
 * @property {'auto' | Variant | undefined} [variant] `simd` computes the same bits on every machine; `relaxed-simd` uses fused
 *   multiply-add. `auto` takes the latter where it is supported; default 'auto'
 * @property {number | 'auto' | undefined} [threads] threads that share the work of a model; default 1, 1 to 64; 'auto': one per
 *   core, up to 8, if memory can be shared. Results have the same bits for any number. More than one needs shared
 *   memory: Node, or a cross-origin isolated page.
 * @property {WasmSource | PromiseLike<WasmSource> | undefined} [wasm] the module: URL, response, bytes or compiled module. Default: the
 *   file beside this one. With more than one thread, a module whose name ends in `.threads.wasm`.
 * @property {(() => PlatformWorker) | undefined} [createThread] creates a worker from the exported `hyperrouter-wasm/thread`; needed
 *   only where a bundler does not find the file itself; default: from the file beside this one
 */

/** @param {number[]} probe */
function supports(probe) {
  return WebAssembly.validate(new Uint8Array(probe));
}

/**
 * Loads an engine. Engines are independent; there may be several.
 * @param {LoadOptions} [options] all optional
 * @returns {Promise<Engine>}
 * @throws {TypeError | RangeError} naming the option
 * @throws {EngineError} no WebAssembly SIMD here, or the file is not the module (the message says which URL answered
 *   with what)
 */
export async function load(options = {}) {
  const { variant = 'auto', threads = 1, wasm, createThread } = checkOptions('load', options, LOAD);
  if (createThread !== undefined)
    checkFunction('createThread', createThread, 'a function that creates a worker');
  checkName('variant', variant, ['auto', 'simd', 'relaxed-simd']);
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    refuse('threads', `"auto" or an integer from 1 to ${MOST_THREADS}`, threads);
  }
  if (createThread !== undefined && options.threads === undefined)
    fail('createThread needs threads, whose default is 1: "auto" or an integer from 2', TypeError);
  if (typeof WebAssembly !== 'object') throw new EngineError('WebAssembly is not supported here');
  if (!supports(SIMD_PROBE))
    throw new EngineError('WebAssembly SIMD is not supported here; the engine needs it');
  const relaxed = supports(RELAXED_PROBE);
  if (variant === 'relaxed-simd' && !relaxed && wasm === undefined) {
    throw new EngineError('WebAssembly relaxed SIMD is not supported here; use variant "simd" or "auto"');
  }
  const chosen = variant === 'auto' ? (relaxed ? 'relaxed-simd' : 'simd') : variant;
  const { count, reason } = countThreads(threads);
  const module = await compile(wasm === undefined ? ownFile(chosen, count > 1) : await wasm);
  const memory = count > 1 ? sharedMemory() : undefined;
  const core = new Core(await instantiate(module, memory), memory);
  const found = core.call('relaxed') ? 'relaxed-simd' : 'simd';
  if (variant !== 'auto' && variant !== found) {
    throw new EngineError(`variant is "${variant}", but the given module is "${found}"`);
  }
  if (memory) await startThreads(core, module, memory, count, createThread);
  return new Engine(core, { variant: found, threads: count, threadsReason: reason });
}

const LOAD = ['variant', 'threads', 'wasm', 'createThread'];

const NOT_ISOLATED = 'the page is not cross-origin isolated (COOP and COEP headers)';

/** More threads than this do not help. */
const MOST_THREADS = 64;

/**
 * Decides the number of threads, and says why.
 * @param {number | 'auto'} threads
 * @returns {{ count: number, reason: string }}
 */
function countThreads(threads) {
  if (threads === 1) return { count: 1, reason: 'one thread, as requested' };
  const isolated = globalThis.crossOriginIsolated ?? true;
  const shared = typeof SharedArrayBuffer === 'function' && isolated;
  if (threads === 'auto') {
    if (!shared) return { count: 1, reason: `one thread: ${NOT_ISOLATED}` };
    const cores = globalThis.navigator?.hardwareConcurrency ?? coresOfNode();
    const count = Math.max(1, Math.min(8, cores));
    return {
      count,
      reason: `${plural(count, 'thread')}: the machine has ${plural(cores, 'core')}`,
    };
  }
  if (!shared) {
    throw new EngineError(
      `threads: ${threads} needs shared memory, but ${NOT_ISOLATED}; with "auto" it runs on one thread`,
    );
  }
  return { count: threads, reason: `${threads} threads, as requested` };
}

/** @param {number} count @param {string} noun */
function plural(count, noun) {
  return count === 1 ? `one ${noun}` : `${count} ${noun}s`;
}

function coresOfNode() {
  return globalThis.process?.getBuiltinModule?.('node:os').availableParallelism() ?? 1;
}

/** Memory that the instances share: 1 MiB at first, as the module declares. */
function sharedMemory() {
  return new WebAssembly.Memory({ initial: 16, maximum: 65535, shared: true });
}

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory | undefined} memory
 */
async function instantiate(module, memory) {
  const shares = WebAssembly.Module.imports(module).some(({ kind }) => kind === 'memory');
  if (shares !== (memory !== undefined)) {
    const must = shares
      ? 'must not be a .threads.wasm for one thread'
      : 'must be a .threads.wasm for more than one thread';
    throw new EngineError(`wasm ${must}`);
  }
  let instance;
  try {
    instance = await WebAssembly.instantiate(module, memory ? { env: { memory } } : {});
  } catch (cause) {
    const why = 'it is not from hyperrouter-wasm, or there is not enough memory';
    throw new EngineError(`the module cannot be started: ${refusedByPolicy(cause) ?? why}`, { cause });
  }
  if (typeof instance.exports.relaxed !== 'function') {
    throw new EngineError('the module is not from hyperrouter-wasm');
  }
  return instance;
}

/**
 * @param {Variant} variant
 * @param {boolean} threads
 */
function ownFile(variant, threads) {
  // Bundlers leave it empty in CommonJS and in scripts that are no modules.
  if (import.meta.url) return locate(variant, threads);
  throw new EngineError(
    'the .wasm file cannot be found from a bundle that is no ES module, where import.meta.url is empty: pass ' +
      'load({ wasm }) with its URL, its bytes or a compiled module',
  );
}

/**
 * URLs are written as literals so that bundlers find and copy the files.
 * @param {Variant} variant
 * @param {boolean} threads
 */
function locate(variant, threads) {
  if (threads) {
    return variant === 'simd'
      ? new URL('./hyperrouter.simd.threads.wasm', import.meta.url)
      : new URL('./hyperrouter.relaxed-simd.threads.wasm', import.meta.url);
  }
  return variant === 'simd'
    ? new URL('./hyperrouter.simd.wasm', import.meta.url)
    : new URL('./hyperrouter.relaxed-simd.wasm', import.meta.url);
}
