/**
 * The script of the worker: an engine that is called by messages. A program that creates the worker itself creates it
 * from this file, the exported `hyperrouter-wasm/worker-script`.
 *
 * @module
 */
import { show } from '../check.js';
import { isCustom, routerName } from '../custom-router.js';
import { RouterError } from '../errors.js';
import { LanguageModel } from '../language-model.js';
import { load } from '../load.js';
import { Model } from '../model.js';
import { workerThreads } from '../node.js';
import { errorToWire, pack } from './wire.js';

/** @import { Classifier } from '../classifier.js' */
/** @import { Engine } from '../engine.js' */
/** @import { Call, Reply } from './connection.js' */

/** @typedef {(reply: Reply, transfer: ArrayBuffer[]) => void} Send */
/** @typedef {Iterator<unknown> | AsyncIterator<unknown>} AnyIterator */

const STREAMS = ['generate', 'train'];

/** An engine, with the models and streams that the page refers to by number. */
class Host {
  #send;
  /** @type {Engine | undefined} */
  #engine;
  /** @type {Map<number, LanguageModel | Classifier>} */
  #models = new Map();
  /** @type {Map<number, { iterator: AnyIterator, controller: AbortController }>} */
  #streams = new Map();
  #lastId = 0;

  /** @param {Send} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Call} call */
  async answer({ id, target, method, args }) {
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
    if (!model) throw new Error(`there is no model ${target}`);
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
    const value = /** @type {any} */ (this.#engine)[method](...(await withRouter(args)));
    return value instanceof Model ? this.#describe(/** @type {LanguageModel | Classifier} */ (value)) : value;
  }

  /** @param {number} target */
  #forget(target) {
    this.#models.get(target)?.dispose();
    this.#models.delete(target);
  }

  /** @param {LanguageModel | Classifier} model */
  #describe(model) {
    const id = ++this.#lastId;
    this.#models.set(id, model);
    const { config, parameterCount, trainableParameterCount, memory, metadata } = model;
    return {
      id,
      kind: model instanceof LanguageModel ? 'language' : 'classifier',
      fixed: {
        config: { ...config, router: routerName(config.router) },
        ...{ parameterCount, trainableParameterCount, memory },
      },
      metadata,
      state: stateOf(model),
    };
  }

  /**
   * @param {LanguageModel | Classifier} model
   * @param {string} method
   * @param {any[]} args
   */
  async #callModel(model, method, args) {
    if (method === 'next') return this.#next(args[0]);
    if (method === 'return') return void (await this.#return(args[0]));
    if (method === 'setTopK') {
      model.topK = args[0];
      return;
    }
    if (method === 'state') return;
    const methods = /** @type {Record<string, (...args: any[]) => any>} */ (/** @type {unknown} */ (model));
    if (STREAMS.includes(method))
      return this.#open((signal) => methods[method](...withSignal(method, args, signal)));
    return methods[method](...args);
  }

  /** @param {(signal: AbortSignal) => AnyIterator} start */
  #open(start) {
    const controller = new AbortController();
    const iterator = start(controller.signal);
    const id = ++this.#lastId;
    this.#streams.set(id, { iterator, controller });
    return id;
  }

  /** @param {number} id */
  async #next(id) {
    const stream = this.#streams.get(id);
    if (!stream) return { done: true };
    try {
      const result = await stream.iterator.next();
      if (result.done) this.#streams.delete(id);
      return result;
    } catch (error) {
      this.#streams.delete(id);
      throw error;
    }
  }

  /** @param {number} id */
  async #return(id) {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    stream?.controller.abort();
    await stream?.iterator.return?.();
  }
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
    throw new RouterError(`config.router cannot be loaded from ${url}: ${cause}`, { cause });
  }
  if (isCustom(router)) return router;
  throw new TypeError(`config.router must be the default export of the module ${url}, got ${show(router)}`);
}

/**
 * The arguments of a stream as the model takes them. Functions of the step arrive as tables that begin at step `first`.
 * @param {string} method
 * @param {any[]} args
 * @param {AbortSignal} signal
 */
function withSignal(method, args, signal) {
  if (method !== 'train') return args;
  const [data, { first, tables, ...options }] = args;
  const schedules = Object.entries(tables).map(([name, table]) => {
    return [name, (/** @type {number} */ step) => table[Math.min(step - first, table.length - 1)]];
  });
  return [data, { ...options, ...Object.fromEntries(schedules), signal }];
}

/** What calls change of a model. @param {LanguageModel | Classifier} model */
function stateOf({ step, topK, sparsityWeight }) {
  return { step, topK, sparsityWeight };
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
