/**
 * Messages to the script of the worker, malformed and in any order. The worker lives on: every call is answered once, and
 * what it answers to a right call afterwards is right.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { load } from '../../web/index.js';
import { configOf, inputFor, junk, kindsOf } from './values.js';

/** @typedef {{ id: any, target: any, method: any, args: any }} Message */

const SCRIPT = new URL('../../web/worker/host.js', import.meta.url);
/** A worker that is silent for so long hangs; a busy machine is not that slow. */
const PATIENCE = 60_000;
/** Of the right calls; those that are made up are other numbers. */
const FIRST_ID = 1e12;
const isOwn = (/** @type {any} */ { id }) => id > FIRST_ID && id < 2 * FIRST_ID;

/** Names of all that can be called. @param {any} engine */
async function methodsOf(engine) {
  const names = new Set(['load', 'abort', 'forget', 'return', 'next', 'setTopK', 'state', 'nothing']);
  const objects = [engine];
  for (const { create } of kindsOf(engine)) objects.push(engine[create]());
  for (let object of objects) {
    for (; object; object = Object.getPrototypeOf(object)) {
      for (const name of Object.getOwnPropertyNames(object)) names.add(name);
    }
  }
  return [...names].sort();
}

/** A worker and its replies. */
class Peer {
  #worker = new Worker(SCRIPT);
  /** @type {unknown} */
  failure;
  /** @type {any[]} */
  replies = [];
  #id = FIRST_ID;

  constructor() {
    this.#worker.on('message', (reply) => this.replies.push(reply));
    this.#worker.on('error', (error) => {
      this.failure = error;
    });
  }

  /** @param {unknown} message */
  post(message) {
    this.#worker.postMessage(message);
  }

  /** The answer to a right call. @param {number} target @param {string} method @param {...unknown} args */
  async call(target, method, ...args) {
    const id = ++this.#id;
    this.post({ id, target, method, args });
    return this.#until(() => this.replies.find((reply) => reply.id === id));
  }

  /** Answers to messages that were made up. */
  get others() {
    return this.replies.filter((reply) => !isOwn(reply)).length;
  }

  /** Waits for the answers to all messages but these. @param {number} count how many there are */
  async answered(count) {
    return this.#until(() => this.others >= count);
  }

  /** @template T @param {() => T} found */
  async #until(found) {
    const silent = AbortSignal.timeout(PATIENCE);
    for (;;) {
      const result = found();
      if (result) return result;
      if (this.failure) throw this.failure;
      await once(this.#worker, 'message', { signal: silent });
    }
  }

  async end() {
    await this.#worker.terminate();
  }
}

export async function start() {
  const engine = await load({ variant: 'simd' });
  const kinds = kindsOf(engine);
  const methods = await methodsOf(engine);
  engine.dispose();

  const inputs = fc.record({ kind: fc.nat(kinds.length - 1), seed: fc.nat(99) }).map(({ kind, seed }) => {
    const config = { vocabSize: 5, classes: 3, inputSize: 2, contextLength: 4, batchSize: 2 };
    const fields = kinds[kind].fields.map(({ name }) => name);
    const own = Object.fromEntries(Object.entries(config).filter(([key]) => fields.includes(key)));
    return { ...inputFor({ config: { batchSize: 2, ...own } }, kinds[kind], seed), learningRate: 0.01 };
  });
  const config = fc.oneof(...kinds.map(({ fields }) => configOf(fields)));
  const argument = fc.oneof(
    junk,
    fc.nat(8),
    inputs,
    config,
    fc.constantFrom('language', 'data', [0], { steps: 2 }),
  );
  const message = fc.record({
    id: fc.oneof({ weight: 9, arbitrary: fc.nat(99) }, junk),
    target: fc.oneof({ weight: 9, arbitrary: fc.nat(6) }, junk),
    method: fc.oneof(
      {
        weight: 9,
        arbitrary: fc.constantFrom(...methods, ...kinds.map(({ create }) => create), 'next', 'train'),
      },
      junk,
    ),
    args: fc.oneof({ weight: 9, arbitrary: fc.array(argument, { maxLength: 3 }) }, junk),
  });
  const anything = fc.oneof({ weight: 9, arbitrary: message }, junk, fc.dictionary(fc.string(), junk));

  /** @type {Peer | undefined} */
  let peer;
  const property = fc.asyncProperty(
    fc.boolean(),
    fc.array(anything, { maxLength: 30 }),
    async (loaded, messages) => {
      // A worker that holds many models, or whose engine was disposed, is not what it was.
      peer ??= new Peer();
      const { replies } = peer;
      replies.length = 0;
      try {
        if (loaded) await peer.call(0, 'load', { variant: 'simd' });
        for (const one of messages) peer.post(one);
        await peer.call(0, 'load', { variant: 'simd' });
        const { value } = await peer.call(0, kinds[0].create, { batchSize: 2 });
        const saved = await peer.call(value.id, 'saveCheckpoint', {});
        assert.ok(saved.value instanceof Uint8Array, JSON.stringify(saved.error));
        await peer.call(0, 'forget', value.id);
        await peer.call(0, 'dispose');
        // What is asked for the next value while another asks for it may get it with that one.
        const certain = messages.filter((one) => /** @type {any} */ (one)?.method !== 'next').length;
        await peer.answered(certain);
        assert.ok(peer.others <= messages.length, 'one answer to a message');
        assert.equal(peer.failure, undefined);
      } catch (error) {
        // Not for the next, smaller input.
        await peer.end();
        peer = undefined;
        throw error;
      }
    },
  );
  return {
    property,
    async close() {
      await peer?.end();
    },
  };
}
