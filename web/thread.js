/**
 * Script of an additional thread: its own instance of the module on the engine's shared memory. It works for the
 * engine's thread team until that is dissolved.
 */

/** @import { WasmMemory, WasmModule } from './platform.js' */

/**
 * @typedef {object} ThreadStart
 * @property {WasmModule} module
 * @property {WasmMemory} memory shared
 * @property {number} team address
 * @property {number} thread number, from 1
 * @property {number} stack address of the end of the thread's stack, which grows down
 */

const port = globalThis.process?.getBuiltinModule?.('node:worker_threads').parentPort;
const scope = /** @type {any} */ (port ?? globalThis);

/** @param {ThreadStart} start */
async function serve({ module, memory, team, thread, stack }) {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  /** @type {WebAssembly.Global} */ (exports.__stack_pointer).value = stack;
  scope.postMessage('ready');
  /** @type {Function} */ (exports.team_serve)(team, thread);
}

if (port) {
  port.once('message', serve);
} else {
  // The engine waits for an answer or an error, and a rejected promise is neither.
  scope.onmessage = (/** @type {MessageEvent<ThreadStart>} */ { data }) => serve(data).catch(reportError);
  scope.onmessageerror = reportError;
}
