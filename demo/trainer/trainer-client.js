import { DisposedError, EngineError } from 'hyperrouter-wasm';
import { errorFromWire } from './trainer-protocol.js';

/**
 * @typedef {import('./trainer-protocol.js').Requests} Requests
 * @typedef {import('./trainer-protocol.js').Results} Results
 * @typedef {import('./trainer-protocol.js').Parts} Parts
 * @typedef {import('./trainer-protocol.js').RequestType} RequestType
 * @typedef {import('./trainer-protocol.js').Reply} Reply
 *
 * @typedef {object} Port what is used of a Worker
 * @property {(message: unknown, transfer: Transferable[]) => void} postMessage
 * @property {(type: 'message' | 'error' | 'messageerror', listener: (event: any) => void) => void} addEventListener
 * @property {() => void} [terminate]
 */

/**
 * The worker as seen from the page.
 *
 * @param {Port} port
 */
export function createClient(port) {
  /** @type {Map<number, { resolve: (body: any) => void, reject: (error: Error) => void, onPart?: (body: any) => void }>} */
  const waiting = new Map();
  let lastId = 0;
  let closed = false;

  port.addEventListener('message', ({ data }) => {
    const reply = /** @type {Reply} */ (data);
    const request = waiting.get(reply.id);
    if (!request) return;
    if (reply.kind === 'part') {
      request.onPart?.(reply.body);
      return;
    }
    waiting.delete(reply.id);
    if (reply.kind === 'error') request.reject(errorFromWire(reply.error));
    else request.resolve(reply.body);
  });
  for (const type of /** @type {const} */ (['error', 'messageerror'])) {
    port.addEventListener(type, (event) => {
      const error = new EngineError(`the worker stopped: ${event.message || type}`);
      rejectAll(error);
    });
  }

  /** @param {Error} error */
  function rejectAll(error) {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  /**
   * @template {RequestType} T
   * @param {T} type
   * @param {Requests[T]} body
   * @param {{ transfer?: Transferable[], onPart?: (part: T extends keyof Parts ? Parts[T] : never) => void }} [options]
   * @returns {Promise<Results[T]> & { id: number }} id: what `cancel` takes
   */
  function request(type, body, { transfer = [], onPart } = {}) {
    const id = ++lastId;
    /** @type {Promise<Results[T]>} */
    const promise = new Promise((resolve, reject) => waiting.set(id, { resolve, reject, onPart }));
    if (closed) rejectAll(new DisposedError('the worker was closed'));
    else port.postMessage({ id, type, body }, transfer);
    return Object.assign(promise, { id });
  }

  return {
    request,
    /** Ends the worker, with its engine and its model. What it was asked for is rejected. */
    close() {
      closed = true;
      port.terminate?.();
      rejectAll(new DisposedError('the worker was closed'));
    },
  };
}

/**
 * @typedef {ReturnType<typeof createClient> & { engine?: Results['open'] }} Client engine: what the worker's engine
 *   says of itself, where it is open
 */
