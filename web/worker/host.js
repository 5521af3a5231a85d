/**
 * The script of the worker: an engine that is called by messages. A program that creates the worker itself creates it
 * from this file, the exported `hyperrouter-wasm/worker-script`.
 *
 * @module
 */
import { isCustom, routerName } from '../custom-router.js';
import { DisposedError, RouterError } from '../errors.js';
import { load } from '../load.js';
import { show, thrownText } from '../message.js';
import { Model } from '../model.js';
import { TextClassifier } from '../text-classifier.js';
import { workerThreads } from '../workers.js';
import { Feed } from './feed.js';
import { errorToWire, pack } from './wire.js';

/** @import { AnyModel, Engine } from '../engine.js' */
/** @import { Classifier } from '../classifier.js' */
/** @import { Signal } from '../platform.js' */
/** @import { Call, Reply } from './connection.js' */
/** @import { Supply } from './feed.js' */

/** @typedef {(reply: Reply, transfer: ArrayBuffer[]) => void} Send */
/** @typedef {Iterator<unknown> | AsyncIterator<unknown>} AnyIterator */

/**
 * An iterator of a model, and its next value if that has been requested.
 * @typedef {object} Stream
 * @property {AnyModel} model
 * @property {AnyIterator} iterator
 * @property {{ signal: Signal, abort: (reason?: unknown) => void }} controller
 * @property {Feed} feed
 * @property {Promise<IteratorResult<unknown>>} [pending]
 */

const STREAMS = ['generate', 'train'];

/** An engine, with the models and streams that the page refers to by number. */
class Host {
  #send;
  /** @type {Engine | undefined} */
  #engine;
  /** @type {Map<number, AnyModel>} */
  #models = new Map();
  /** @type {Map<number, Stream>} */
  #streams = new Map();
  #lastId = 0;

  /** @param {Send} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {unknown} message a call, unless somebody else has sent it */
  async answer(message) {
    if (!isCall(message)) {
      const error = errorToWire(new TypeError('the message is not a call of this package'));
      return this.#send({ id: idOf(message), error }, []);
    }
    const { id, target, method, args } = message;
    /** @type {Reply} */
    let reply;
    /** @type {Set<ArrayBuffer>} */
    const moved = new Set();
    try {
      const model = target === 0 ? undefined : this.#model(target);
      const value = await (model ? this.#callModel(model, method, args) : this.#callEngine(method, args));
      // Everything that the engine returns is a copy already.
      reply = { id, value: pack(value, true, moved) };
    } catch (error) {
      reply = { id, error: errorToWire(error) };
    }
    this.#send({ ...reply, state: this.#state(target) }, [...moved]);
  }

  /** @param {number} target */
  #model(target) {
    const model = this.#models.get(target);
    if (!model) throw new DisposedError('the model was disposed');
    return model;
  }

  /** Properties that calls change. @param {number} target */
  #state(target) {
    try {
      const model = this.#models.get(target);
      if (model) return stateOf(model);
      return { memoryBytes: this.#engine?.memoryBytes };
    } catch {
      // The engine crashed; the reply itself says so.
      return undefined;
    }
  }

  /**
   * @param {string} method
   * @param {any[]} args
   */
  async #callEngine(method, args) {
    if (method === 'load') {
      this.#engine = await load(args[0]);
      const { info, routers, memoryBytes } = this.#engine;
      return { info, routers, memoryBytes };
    }
    if (method === 'abort') return void this.#streams.get(args[0])?.controller.abort();
    if (method === 'forget') return void this.#forget(args[0]);
    if (method === 'return') return this.#return(args[0]);
    const value = /** @type {any} */ (this.#engine)[method](...(await withRouter(args)));
    return value instanceof Model ? this.#describe(/** @type {AnyModel} */ (value)) : value;
  }

  /** @param {number} target */
  #forget(target) {
    const model = this.#models.get(target);
    for (const [id, stream] of this.#streams) {
      if (stream.model === model) void this.#return(id, new DisposedError('the model was disposed'));
    }
    model?.dispose();
    this.#models.delete(target);
  }

  /** @param {AnyModel} model */
  #describe(model) {
    const id = ++this.#lastId;
    this.#models.set(id, model);
    const { config, parameterCount, trainableParameterCount, memory, metadata } = model;
    return {
      id,
      kind: model.kind,
      transfer: model instanceof TextClassifier ? model.transfer : null,
      fixed: {
        config: { ...config, router: routerName(config.router) },
        ...{ parameterCount, trainableParameterCount, memory },
      },
      metadata,
      state: stateOf(model),
    };
  }

  /**
   * @param {AnyModel} model
   * @param {string} method
   * @param {any[]} args
   */
  async #callModel(model, method, args) {
    if (method === 'pull') return this.#pull(args[0], args[1]);
    if (method === 'setTopK') {
      model.topK = args[0];
      return;
    }
    if (method === 'state') return;
    const methods = /** @type {Record<string, (...args: any[]) => any>} */ (/** @type {unknown} */ (model));
    if (STREAMS.includes(method)) {
      return this.#open(model, (signal, feed) => methods[method](...withSignal(method, args, signal, feed)));
    }
    return methods[method](...args);
  }

  /**
   * @param {AnyModel} model
   * @param {(signal: AbortSignal, feed: Feed) => AnyIterator} start
   */
  #open(model, start) {
    const controller = new AbortController();
    const feed = new Feed();
    const iterator = start(controller.signal, feed);
    const id = ++this.#lastId;
    this.#streams.set(id, { model, iterator, controller, feed });
    return id;
  }

  /**
   * @param {number} id
   * @param {Supply | undefined} supply what the stream needed
   */
  async #pull(id, supply) {
    const stream = this.#streams.get(id);
    if (!stream) return { done: true };
    try {
      const pending = stream.pending ?? Promise.resolve(stream.iterator.next());
      stream.pending = pending;
      stream.feed.give(supply);
      const result = await Promise.race([pending, stream.feed.needed()]);
      if ('need' in result) return result;
      stream.pending = undefined;
      if (result.done) this.#streams.delete(id);
      return result;
    } catch (error) {
      this.#streams.delete(id);
      throw error;
    }
  }

  /**
   * @param {number} id
   * @param {Error} [reason]
   */
  async #return(id, reason) {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    if (!stream) return;
    stream.controller.abort(reason);
    // The abort is what it ends with.
    stream.pending?.catch(() => {});
    await stream.iterator.return?.();
  }
}

/** @param {any} message */
const idOf = (message) => (Number.isInteger(message?.id) ? message.id : -1);

/**
 * Methods that every object has are none of an engine or a model, and what they return cannot always be sent.
 * @param {any} message
 * @returns {message is Call}
 */
function isCall(message) {
  const { id, target, method, args } = message ?? {};
  const named = typeof method === 'string' && !(method in Object.prototype);
  return Number.isInteger(id) && Number.isInteger(target) && named && Array.isArray(args);
}

/**
 * The arguments of a call with the custom router that a configuration among them names.
 * @param {any[]} args
 */
async function withRouter(args) {
  return Promise.all(
    args.map(async (arg) =>
      arg?.router?.module === undefined ? arg : { ...arg, router: await loadRouter(arg.router.module) },
    ),
  );
}

/** @param {string} url of a module */
async function loadRouter(url) {
  let router;
  try {
    router = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)).default;
  } catch (cause) {
    throw new RouterError(`config.router cannot be loaded from ${url}: ${thrownText(cause)}`, { cause });
  }
  if (isCustom(router)) return router;
  throw new TypeError(`config.router must be the default export of the module ${url}, got ${show(router)}`);
}

/**
 * The arguments of a stream as the model takes them. Functions of the step stay on the page, which is asked for their
 * values.
 * @param {string} method
 * @param {any[]} args
 * @param {AbortSignal} signal
 * @param {Feed} feed
 */
function withSignal(method, args, signal, feed) {
  if (method !== 'train') return args;
  const [data, options, functions] = args;
  const asked = (/** @type {string} */ name) => (/** @type {number} */ step) => feed.value(name, step);
  const schedules = functions
    .filter((/** @type {string} */ name) => name !== 'data')
    .map((/** @type {string} */ name) => [name, asked(name)]);
  const source = functions.includes('data') ? { at: asked('data') } : data;
  return [source, { ...options, ...Object.fromEntries(schedules), signal }];
}

/** What calls change of a model. @param {AnyModel} model */
function stateOf({ step, topK, sparsityWeight, run }) {
  return { step, topK, sparsityWeight, run };
}

const node = workerThreads?.parentPort;
if (typeof globalThis.postMessage === 'function') {
  const scope = /** @type {{ postMessage: Send }} */ (/** @type {unknown} */ (globalThis));
  const host = new Host((reply, transfer) => scope.postMessage(reply, transfer));
  globalThis.addEventListener('message', ({ data }) => void host.answer(data));
} else if (node) {
  const host = new Host((reply, transfer) => node.postMessage(reply, transfer));
  node.on('message', (call) => void host.answer(call));
}
