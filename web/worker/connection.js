/**
 * Calls to a worker and their replies. Not built on a messaging library: pulled streams, errors of the same class,
 * transferred arrays and a worker that dies would have to be added to it, and they are most of this file.
 */
import { checkBoolean, checkSignal } from '../check.js';
import { DisposedError, EngineError } from '../errors.js';
import { unlessAborted } from '../task.js';
import { isNodeWorker } from '../workers.js';
import { errorFromWire, pack } from './wire.js';

/** @import { CallOptions } from './engine.js' */
/** @import { PlatformWorker } from '../platform.js' */
/** @import { NodeWorker } from '../workers.js' */
/** @import { WireError } from './wire.js' */

/**
 * A call of a method of the engine (target 0) or of a model.
 * @typedef {{ id: number, target: number, method: string, args: unknown[] }} Call
 */

/**
 * @typedef {object} Reply
 * @property {number} id
 * @property {unknown} [value]
 * @property {WireError} [error]
 * @property {Record<string, any>} [state] state of the target after the call
 */

/**
 * What a stream in the worker asks of the page: the value of a function of the step.
 * @typedef {{ name: string, step: number }} Need
 */

/** @typedef {(need: Need) => Promise<unknown>} Answer */

/** @typedef {{ onState?: (state: Record<string, any>) => void }} Listener */

export class Connection {
  /** @type {Worker} */
  #worker;
  #lastId = 0;
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: unknown) => void } & Listener>} */
  #waiting = new Map();
  /** @type {Error | undefined} why the connection has ended */
  #end;
  /** Ends what waits for the page rather than for the worker. */
  #closing = new AbortController();

  /**
   * @param {PlatformWorker} worker owned by the connection from now on
   * @param {string} failed why a worker may stop that has never answered
   */
  constructor(worker, failed) {
    this.#worker = /** @type {Worker} */ (worker);
    let reason = failed;
    listen(this.#worker, {
      message: (reply) => {
        reason = 'its script failed';
        this.#answer(reply);
      },
      end: (cause, message = reason) => {
        void this.close(new EngineError(`the worker stopped: ${message}`, { cause }));
      },
    });
    this.#keepAlive(false);
  }

  get usable() {
    return this.#end === undefined;
  }

  /** Throws if the connection has ended. */
  check() {
    if (this.#end) throw this.#end;
  }

  /**
   * @template T
   * @param {number} target
   * @param {string} method
   * @param {unknown[]} args
   * @param {CallOptions & Listener} [options]
   * @returns {Promise<T>}
   */
  async call(target, method, args, { signal, transfer = false, onState } = {}) {
    checkSignal(signal);
    checkBoolean('transfer', transfer);
    signal?.throwIfAborted();
    this.check();
    const id = ++this.#lastId;
    /** @type {Set<ArrayBuffer>} */
    const moved = new Set();
    const call = { id, target, method, args: pack(args, transfer, moved) };
    try {
      this.#worker.postMessage(call, [...moved]);
    } catch (cause) {
      throw new TypeError(`an argument of ${method} cannot be sent to the worker`, { cause });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onState });
      this.#keepAlive(true);
    });
  }

  /**
   * An iterator in the worker, from which one value at a time is requested.
   * @template T
   * @param {number} target
   * @param {string} method
   * @param {unknown[]} args
   * @param {CallOptions & Listener & { answer?: Answer }} [options]
   * @returns {AsyncGenerator<T, void, void>}
   */
  async *stream(target, method, args, { signal, transfer, onState, answer } = {}) {
    const stream = await this.call(target, method, args, { signal, transfer, onState });
    const abort = () => this.call(0, 'abort', [stream]).catch(() => {});
    signal?.addEventListener('abort', abort, { once: true });
    let done = false;
    /** @type {unknown} */
    let supply;
    try {
      for (;;) {
        signal?.throwIfAborted();
        /** @type {IteratorResult<T> & { need?: Need }} */
        const result = await this.call(target, 'pull', [stream, supply], { onState });
        supply = undefined;
        if (result.need && answer) {
          supply = await unlessAborted(unlessAborted(answer(result.need), signal), this.#closing.signal);
          continue;
        }
        done = Boolean(result.done);
        if (result.done) return;
        yield result.value;
      }
    } catch (error) {
      // The caller's own reason instead of the copy from the worker.
      if (/** @type {Error} */ (error)?.name === 'AbortError') signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      // A model that was disposed has ended its streams.
      if (!done && !this.#end) await this.call(0, 'return', [stream], {}).catch(() => {});
    }
  }

  /**
   * Terminates the worker. Pending and later calls reject with the reason.
   * @param {Error} [reason]
   */
  async close(reason = new DisposedError('the engine was disposed')) {
    if (this.#end) return;
    this.#end = reason;
    this.#closing.abort(reason);
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
    await this.#worker.terminate();
  }

  /** @param {Reply} reply */
  #answer({ id, value, error, state }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#keepAlive(false);
    if (state) waiting.onState?.(state);
    if (error) waiting.reject(errorFromWire(error));
    else waiting.resolve(value);
  }

  /**
   * Lets a Node process end when no call is pending, even if the engine was not disposed.
   * @param {boolean} keep
   */
  #keepAlive(keep) {
    const worker = /** @type {{ ref?: () => void, unref?: () => void }} */ (
      /** @type {unknown} */ (this.#worker)
    );
    if (keep) worker.ref?.();
    else worker.unref?.();
  }
}

/**
 * Listens to a worker of a browser or of Node.
 * @param {Worker | NodeWorker} worker
 * @param {{ message: (data: any) => void, end: (cause: unknown, message?: string) => void }} listener
 */
function listen(worker, { message, end }) {
  if (isNodeWorker(worker)) {
    worker.on('message', message);
    worker.on('error', (error) => end(error));
    worker.on('messageerror', (error) => end(error, 'a reply cannot be read'));
    worker.on('exit', (code) => end(undefined, `it ended with code ${code}`));
    return;
  }
  worker.addEventListener('message', ({ data }) => message(data));
  worker.addEventListener('messageerror', () => end(undefined, 'a reply cannot be read'));
  worker.addEventListener('error', (event) => {
    event.preventDefault?.();
    end(event.error ?? (event.message || undefined));
  });
}
