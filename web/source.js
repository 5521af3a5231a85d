/** Reads and compiles the WebAssembly module. */
import { refuse } from './check.js';
import { EngineError } from './errors.js';

/** @import { WasmSource } from './load.js' */

/**
 * @param {WasmSource} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  if (/** @type {unknown} */ (source) instanceof WebAssembly.Module)
    return /** @type {WebAssembly.Module} */ (source);
  const { bytes, from } = await read(source);
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 97 || bytes[2] !== 115 || bytes[3] !== 109) {
    const start = new TextDecoder().decode(bytes.subarray(0, 24));
    throw new EngineError(
      `${from} is not WebAssembly: it has ${bytes.length} bytes and begins with ${JSON.stringify(start)}`,
    );
  }
  try {
    return await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  } catch (error) {
    throw new EngineError(`${from} cannot be compiled here: ${error}`, { cause: error });
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
  const url = absolute(source);
  // Node's fetch does not read files. Not an import, so that bundlers for browsers ignore it.
  const files = url.protocol === 'file:' && globalThis.process?.getBuiltinModule?.('node:fs/promises');
  try {
    if (files) return { bytes: await files.readFile(url), from: url.href };
    return await readResponse(await fetch(url));
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(`${url.href} cannot be read: ${error}`, { cause: error });
  }
}

/**
 * @param {unknown} source
 * @returns {URL} relative to the page, not to the script of a worker
 */
export function absolute(source) {
  if (typeof source !== 'string' && !(source instanceof URL)) {
    return refuse(
      'wasm',
      'a URL, a Response, an ArrayBuffer, a Uint8Array or a WebAssembly.Module',
      source,
      TypeError,
    );
  }
  const base = globalThis.location?.href ?? import.meta.url;
  return URL.canParse(source, base)
    ? new URL(source, base)
    : refuse('wasm', 'a URL', String(source), TypeError);
}

/** @param {Response} response */
export async function readResponse(response) {
  const from = response.url || 'wasm';
  const type = response.headers.get('content-type') ?? 'no content type';
  if (!response.ok) throw new EngineError(`${from} answered with status ${response.status} (${type})`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), from: `${from} (${type})` };
}
