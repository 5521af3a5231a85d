/** Reads and compiles the WebAssembly module. */
import { isUrl, refuse, tagName, toBytes, typedArrayName } from './check.js';
import { EngineError } from './errors.js';
import { fileKind } from './file-kinds.js';
import { quote } from './message.js';

/** @import { WasmSource } from './load.js' */
/** @import { PlatformResponse, PlatformURL, WasmModule } from './platform.js' */

/**
 * @param {WasmSource} source
 * @returns {Promise<WasmModule>}
 */
export async function compile(source) {
  if (isModule(source)) return source;
  const { bytes, from } = await read(source);
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 97 || bytes[2] !== 115 || bytes[3] !== 109) {
    const start = quote(new TextDecoder().decode(bytes.slice(0, 24)));
    const kind = fileKind(bytes);
    throw new EngineError(
      `${from} is not WebAssembly: it has ${bytes.length} bytes and begins with ${start}${kind ? `: ${kind}` : ''}`,
    );
  }
  try {
    return await WebAssembly.compile(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  } catch (cause) {
    const why = refusedByPolicy(cause) ?? 'it is damaged, or needs what this JavaScript engine does not have';
    throw new EngineError(`${from} cannot be compiled here: ${why}`, { cause });
  }
}

/**
 * Whether the page forbids to compile, which only the text of the error tells.
 * @param {unknown} error
 * @returns {string | undefined} what to do
 */
export function refusedByPolicy(error) {
  const { message } = /** @type {{ message?: unknown }} */ (error ?? {});
  const policy = /unsafe-eval|Content Security Policy/i.test(String(message));
  return policy ? "the page's Content-Security-Policy needs 'wasm-unsafe-eval' in script-src" : undefined;
}

/** @param {unknown} value @returns {value is WasmModule} */
const isModule = (value) => tagName(value) === 'WebAssembly.Module';

/** @param {unknown} value @returns {value is PlatformResponse} */
export const isResponse = (value) => tagName(value) === 'Response';

/**
 * @param {unknown} source
 * @returns {Promise<{ bytes: Uint8Array, from: string }>}
 */
async function read(source) {
  if (typedArrayName(source) === 'Uint8Array' || tagName(source) === 'ArrayBuffer') {
    return { bytes: toBytes('wasm', source), from: 'wasm' };
  }
  if (isResponse(source)) return readResponse(source);
  const url = absolute(source);
  // Node's fetch does not read files. Not an import, so that bundlers for browsers ignore it.
  const files = url.protocol === 'file:' && globalThis.process?.getBuiltinModule?.('node:fs/promises');
  try {
    if (files) return { bytes: await files.readFile(url), from: url.href };
    return await readResponse(await fetch(url));
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError(`${url.href} cannot be read: ${unreadable(cause)}`, { cause });
  }
}

/** @param {unknown} error of a file system or of fetch */
function unreadable(error) {
  const { code } = /** @type {{ code?: unknown }} */ (error ?? {});
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this file may not be read';
  if (code === 'EISDIR') return 'this is a folder';
  const network = 'the request failed (no network, no such host, or another origin without CORS)';
  return typeof code === 'string' ? `the system says ${code}` : network;
}

/**
 * @param {unknown} source
 * @param {string} [name] of the argument
 * @param {string} [may] valid values
 * @returns {PlatformURL} relative to the page, not to the script of a worker
 */
export function absolute(
  source,
  name = 'wasm',
  may = 'a URL, a Response, an ArrayBuffer, a Uint8Array or a WebAssembly.Module',
) {
  if (typeof source !== 'string' && !isUrl(source)) return refuse(name, may, source, TypeError);
  const base = globalThis.location?.href ?? import.meta.url;
  const address = String(source);
  return URL.canParse(address, base) ? new URL(address, base) : refuse(name, 'a URL', address, TypeError);
}

/** @param {PlatformResponse} response */
export async function readResponse(response) {
  const from = response.url || 'wasm';
  const type = response.headers.get('content-type') ?? 'no content type';
  if (!response.ok) throw new EngineError(`${from} answered with status ${response.status} (${type})`);
  if (response.bodyUsed)
    throw new EngineError(`${from} has been read already: pass a new response, or its clone()`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), from: `${from} (${type})` };
}
