import { DisposedError, EngineError } from 'hyperrouter-wasm';
import { unpackError } from './trainer-protocol.js';

/**
 * @typedef {import('./trainer-protocol.js').Requests} Requests
 * @typedef {import('./trainer-protocol.js').Results} Results
 * @typedef {import('./trainer-protocol.js').Parts} Parts
 * @typedef {import('./trainer-protocol.js').RequestType} RequestType
 * @typedef {import('./trainer-protocol.js').Reply} Reply
 *
 * @typedef {object} Port the part of `Worker` that is used
 * @property {(message: unknown, transfer: Transferable[]) => void} postMessage
 * @property {(type: 'message' | 'error' | 'messageerror', listener: (event: any) => void) => void} addEventListener
 * @property {() => void} [terminate]
 */

/**
 * The page's side of the trainer protocol.
 *
 * @param {Port} port
 */
export function createTrainerClient(port) {
  /** @type {Map<number, { resolve: (body: any) => void, reject: (error: Error) => void, onPart?: (body: any) => void }>} */
  const waiting = new Map();
  let lastId = 0;
  /** @type {Error | undefined} why no request is possible any more */
  let closedBy;
  /** @type {(error: Error) => void} */
  let lose;
  /** @type {Promise<Error>} */
  const lost = new Promise((resolve) => {
    lose = resolve;
  });

  port.addEventListener('message', ({ data }) => {
    const reply = /** @type {Reply} */ (data);
    const request = waiting.get(reply.id);
    if (!request) return;
    if (reply.kind === 'part') {
      request.onPart?.(reply.body);
      return;
    }
    waiting.delete(reply.id);
    if (reply.kind === 'error') request.reject(unpackError(reply.error));
    else request.resolve(reply.body);
  });
  for (const type of /** @type {const} */ (['error', 'messageerror'])) {
    port.addEventListener(type, (event) => {
      const error = new EngineError(`the worker stopped: ${event.message || type}`);
      end(error);
      lose(error);
    });
  }

  /** @param {Error} error */
  function end(error) {
    closedBy ??= error;
    port.terminate?.();
    for (const { reject } of waiting.values()) reject(closedBy);
    waiting.clear();
  }

  /**
   * @template {RequestType} T
   * @param {T} type
   * @param {Requests[T]} body
   * @param {{ transfer?: Transferable[], onPart?: (part: T extends keyof Parts ? Parts[T] : never) => void }} [options]
   * @returns {Promise<Results[T]> & { id: number }} id: for `cancel`
   */
  function request(type, body, { transfer = [], onPart } = {}) {
    const id = ++lastId;
    /** @type {Promise<Results[T]>} */
    const promise = new Promise((resolve, reject) => {
      if (closedBy) {
        reject(closedBy);
        return;
      }
      waiting.set(id, { resolve, reject, onPart });
      port.postMessage({ id, type, body }, transfer);
    });
    return Object.assign(promise, { id });
  }

  return {
    request,
    /** Resolves to the reason if the worker stops; not if it is closed. */
    lost,
    /** Ends the worker with its engine and model. Pending requests are rejected. */
    close: () => end(new DisposedError('the worker was closed')),
  };
}

/**
 * @typedef {ReturnType<typeof createTrainerClient> & { engine?: Results['open'] }} TrainerClient engine: description
 *   of the worker's engine, once it is open
 */
