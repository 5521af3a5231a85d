/** Finding, compiling and starting the WebAssembly module. */

import { checkKeys, checkName, refuse } from './check.js';
import { Core } from './core.js';
import { Engine } from './engine.js';
import { EngineError } from './errors.js';
import { compile } from './source.js';
import { startThreads } from './threads.js';

// Smallest modules with one instruction each; WebAssembly.validate tells whether the engine knows it.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SPLAT = [65, 0, 253, 15];
const SIMD_PROBE = [...HEAD, 8, 1, 6, 0, ...SPLAT, 11];
const RELAXED_PROBE = [...HEAD, 19, 1, 17, 0, ...SPLAT, ...SPLAT, ...SPLAT, 253, 133, 2, 11];

/**
 * @typedef {'simd' | 'relaxed-simd'} Variant
 * The modules there are.
 */

/**
 * @typedef {string | URL | Response | ArrayBuffer | Uint8Array | WebAssembly.Module} WasmSource
 * Where the WebAssembly module is: its URL, the answer to a request for it, its bytes, or what was compiled of them.
 */

/**
 * @typedef {object} LoadOptions
 * Options of `load`.
 *
 * @property {'auto' | Variant} [variant] `simd` runs everywhere and computes the same bits everywhere; `relaxed-simd` has
 *   fused multiply-add. `auto` (default) takes the latter where it runs.
 * @property {number | 'auto'} [threads] threads that share the work of a model, 1 (default) to 64; `auto`: one for each
 *   core, up to 8, where memory can be shared. The bits of what is computed do not depend on it. More than one needs
 *   shared memory: Node, or a page that is cross-origin isolated.
 * @property {WasmSource | Promise<WasmSource>} [wasm] where the module is: URL, response, bytes or compiled module.
 *   Default: the file beside this one. With threads, a module whose name ends in `.threads.wasm`.
 * @property {() => Worker} [createThread] makes a worker from the exported `./thread`; needed only where a bundler does
 *   not find it by itself
 */

/** @param {number[]} probe */
function supports(probe) {
  return WebAssembly.validate(new Uint8Array(probe));
}

/**
 * Loads an engine. Engines share nothing; several may live side by side.
 * @param {LoadOptions} [options] none are needed
 * @returns {Promise<Engine>}
 * @throws {TypeError | RangeError} naming the option
 * @throws {EngineError} no WebAssembly SIMD here, or what was found is not the module (the message says which URL
 *   answered with what)
 */
export async function load(options = {}) {
  checkKeys('options', 'load', options, ['variant', 'threads', 'wasm', 'createThread']);
  const { variant = 'auto', threads = 1, wasm, createThread } = options;
  checkName('variant', variant, ['auto', 'simd', 'relaxed-simd']);
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    refuse('threads', `"auto" or an integer from 1 to ${MOST_THREADS}`, threads);
  }
  if (typeof WebAssembly !== 'object') throw new EngineError('there is no WebAssembly here');
  if (!supports(SIMD_PROBE))
    throw new EngineError('WebAssembly has no SIMD here, which the engine is made of');
  const relaxed = supports(RELAXED_PROBE);
  if (variant === 'relaxed-simd' && !relaxed && wasm === undefined) {
    throw new EngineError('WebAssembly has no relaxed SIMD here; variant "simd" runs, and "auto" takes it');
  }
  const chosen = variant === 'auto' ? (relaxed ? 'relaxed-simd' : 'simd') : variant;
  const { count, reason } = countThreads(threads);
  const module = await compile(wasm === undefined ? locate(chosen, count > 1) : await wasm);
  const memory = count > 1 ? sharedMemory() : undefined;
  const core = new Core(await instantiate(module, memory), memory);
  const found = core.call('relaxed') ? 'relaxed-simd' : 'simd';
  if (variant !== 'auto' && variant !== found) {
    throw new EngineError(`variant "${variant}" was asked for, but the given module is "${found}"`);
  }
  if (memory) await startThreads(core, module, memory, count, createThread);
  return new Engine(core, { variant: found, threads: count, threadsReason: reason });
}

const NOT_ISOLATED = 'the page is not cross-origin isolated (COOP and COEP headers)';

/** Threads beyond this share nothing worth it. */
const MOST_THREADS = 64;

/**
 * How many threads there will be, and why.
 * @param {number | 'auto'} threads
 * @returns {{ count: number, reason: string }}
 */
function countThreads(threads) {
  if (threads === 1) return { count: 1, reason: 'one thread, as asked for' };
  const isolated = globalThis.crossOriginIsolated ?? true;
  const shared = typeof SharedArrayBuffer === 'function' && isolated;
  if (threads === 'auto') {
    if (!shared) return { count: 1, reason: `one thread: ${NOT_ISOLATED}` };
    const cores = globalThis.navigator?.hardwareConcurrency ?? coresOfNode();
    const count = Math.max(1, Math.min(8, cores));
    return { count, reason: `${count === 1 ? 'one thread' : `${count} threads`}: there are ${cores} cores` };
  }
  if (!shared) {
    throw new EngineError(
      `threads: ${threads} needs shared memory, but ${NOT_ISOLATED}; "auto" takes one thread`,
    );
  }
  return { count: threads, reason: `${threads} threads, as asked for` };
}

function coresOfNode() {
  return globalThis.process?.getBuiltinModule?.('node:os').availableParallelism() ?? 1;
}

/** A memory for instances to share: 1 MiB to begin with, as the module asks for. */
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
    const may = shares ? 'no .threads.wasm for one thread' : 'a .threads.wasm for more than one thread';
    throw new EngineError(`wasm must be ${may}`);
  }
  let instance;
  try {
    instance = await WebAssembly.instantiate(module, memory ? { env: { memory } } : {});
  } catch (error) {
    throw new EngineError(`the module does not start: ${error}`, { cause: error });
  }
  if (typeof instance.exports.relaxed !== 'function') {
    throw new EngineError('the module is not one of hyperrouter-wasm');
  }
  return instance;
}

/**
 * The URLs are written out so that bundlers find and copy the files.
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
