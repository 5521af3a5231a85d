/** Finding, compiling and starting the WebAssembly module. */

import { show } from './config.js';
import { Core } from './core.js';
import { Engine } from './engine.js';
import { EngineError } from './errors.js';

// Smallest modules with one instruction each; WebAssembly.validate tells whether the engine knows it.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
const SPLAT = [65, 0, 253, 15];
const SIMD_PROBE = [...HEAD, 8, 1, 6, 0, ...SPLAT, 11];
const RELAXED_PROBE = [...HEAD, 19, 1, 17, 0, ...SPLAT, ...SPLAT, ...SPLAT, 253, 133, 2, 11];

/** @typedef {'simd' | 'relaxed-simd'} Variant */
/** @typedef {string | URL | Response | ArrayBuffer | Uint8Array | WebAssembly.Module} WasmSource */

/**
 * @typedef {object} LoadOptions
 * @property {'auto' | Variant} [variant] `simd` runs everywhere and computes the same bits everywhere; `relaxed-simd` has
 *   fused multiply-add. `auto` (default) takes the latter where it runs.
 * @property {1 | 'auto'} [threads] one thread; there is no other choice yet
 * @property {WasmSource | Promise<WasmSource>} [wasm] where the module is: URL, response, bytes or compiled module.
 *   Default: the file beside this one.
 */

/** @param {number[]} probe */
function supports(probe) {
  return WebAssembly.validate(new Uint8Array(probe));
}

/**
 * Loads an engine. Engines share nothing; several may live side by side.
 * @param {LoadOptions} [options]
 * @returns {Promise<Engine>}
 * @throws {EngineError} no WebAssembly SIMD here, or what was found is not the module (the message says which URL
 *   answered with what)
 */
export async function load(options = {}) {
  if (options === null || typeof options !== 'object') {
    throw new TypeError(`options must be an object, got ${show(options)}`);
  }
  const { variant = 'auto', threads = 1, wasm } = options;
  if (!['auto', 'simd', 'relaxed-simd'].includes(variant)) {
    throw new RangeError(`variant must be "auto", "simd" or "relaxed-simd", got ${show(variant)}`);
  }
  if (threads !== 1 && threads !== 'auto') {
    throw new RangeError(`threads must be 1 or "auto", got ${show(threads)}`);
  }
  if (typeof WebAssembly !== 'object') throw new EngineError('there is no WebAssembly here');
  if (!supports(SIMD_PROBE))
    throw new EngineError('WebAssembly has no SIMD here, which the engine is made of');
  const relaxed = supports(RELAXED_PROBE);
  if (variant === 'relaxed-simd' && !relaxed && wasm === undefined) {
    throw new EngineError(
      'WebAssembly has no relaxed SIMD here; variant "simd" runs, and "auto" would have taken it',
    );
  }
  const chosen = variant === 'auto' ? (relaxed ? 'relaxed-simd' : 'simd') : variant;
  const module = await compile(wasm === undefined ? locate(chosen) : await wasm);
  let instance;
  try {
    instance = await WebAssembly.instantiate(module, {});
  } catch (error) {
    throw new EngineError(`the module does not start: ${error}`, { cause: error });
  }
  if (typeof instance.exports.relaxed !== 'function') {
    throw new EngineError('the module is not one of hyperrouter-wasm');
  }
  const core = new Core(instance);
  const found = core.call('relaxed') ? 'relaxed-simd' : 'simd';
  if (variant !== 'auto' && variant !== found) {
    throw new EngineError(`variant "${variant}" was asked for, but the given module is "${found}"`);
  }
  return new Engine(core, found);
}

/**
 * The URLs are written out so that bundlers find and copy the files.
 * @param {Variant} variant
 */
function locate(variant) {
  return variant === 'simd'
    ? new URL('./hyperrouter.simd.wasm', import.meta.url)
    : new URL('./hyperrouter.relaxed-simd.wasm', import.meta.url);
}

/**
 * @param {WasmSource} source
 * @returns {Promise<WebAssembly.Module>}
 */
async function compile(source) {
  if (/** @type {unknown} */ (source) instanceof WebAssembly.Module)
    return /** @type {WebAssembly.Module} */ (source);
  const { bytes, from } = await read(source);
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 97 || bytes[2] !== 115 || bytes[3] !== 109) {
    const start = new TextDecoder().decode(bytes.subarray(0, 24));
    throw new EngineError(
      `${from} is not WebAssembly: ${bytes.length} bytes that begin with ${JSON.stringify(start)}`,
    );
  }
  try {
    return await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  } catch (error) {
    throw new EngineError(`${from} does not compile here: ${error}`, { cause: error });
  }
}

/**
 * @param {unknown} source
 * @returns {Promise<{ bytes: Uint8Array, from: string }>}
 */
async function read(source) {
  if (source instanceof Uint8Array) return { bytes: source, from: 'wasm' };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), from: 'wasm' };
  if (typeof Response === 'function' && source instanceof Response) return readResponse(source);
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new TypeError(
      `wasm must be a URL, a Response, an ArrayBuffer, a Uint8Array or a WebAssembly.Module, got ${show(source)}`,
    );
  }
  const url = new URL(source, globalThis.location?.href ?? import.meta.url);
  // Node's fetch does not read files. Taken from the process rather than imported, so that bundlers for pages need not
  // know of it.
  const files = url.protocol === 'file:' && globalThis.process?.getBuiltinModule?.('node:fs/promises');
  try {
    if (files) return { bytes: await files.readFile(url), from: url.href };
    return await readResponse(await fetch(url));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(`${url.href} cannot be read: ${error}`, { cause: error });
  }
}

/** @param {Response} response */
async function readResponse(response) {
  const from = response.url || 'wasm';
  const type = response.headers.get('content-type') ?? 'no content type';
  if (!response.ok) throw new EngineError(`${from} answered with status ${response.status} (${type})`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), from: `${from} (${type})` };
}
