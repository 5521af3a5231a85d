/** Training data that come one after the other: from an async generator, a `ReadableStream`, an iterable. */
import { checkIds, checkObject, fail, refuse, toIntegers, typedArrayName } from './check.js';
import { TextStreams } from './text.js';

/** @import { TrainStep } from './types.js' */

/** Segments per stream of a text that comes in pieces: its streams begin anew after that, because a text without an end cannot be cut into parallel ones. */
const SEGMENTS = 8;

/**
 * @param {unknown} data
 * @returns {boolean} whether its items come one after the other
 */
export function isStream(data) {
  if (data === null || typeof data !== 'object' || Array.isArray(data) || ArrayBuffer.isView(data))
    return false;
  const { [Symbol.asyncIterator]: later, [Symbol.iterator]: now, getReader } = /** @type {any} */ (data);
  return [later, now, getReader].some((method) => typeof method === 'function');
}

/**
 * A source of the steps of a run, made of items that come one after the other. Where they end, they are asked for again,
 * as the next epoch; what can be read only once has none.
 */
export class DataStream {
  #steps;
  /** @type {AsyncIterator<unknown> | Iterator<unknown> | undefined} of the epoch that is being read */
  #items;
  #count = 0;
  /** @type {TrainStep | undefined} */
  #last;

  /**
   * @param {any} data
   * @param {{ vocabSize?: number, batchSize: number, contextLength?: number }} config of the model
   */
  constructor(data, config) {
    if (data.locked === true) fail('data is a stream that is locked: something else reads it', TypeError);
    this.#steps = this.#epochs(data, config);
  }

  /**
   * The data of a step. Those of the steps before it are passed over.
   * @param {number} step
   * @param {number} start step of the first item
   * @returns {Promise<TrainStep>}
   */
  async at(step, start) {
    for (; this.#count <= step - start; this.#count++) {
      const { done, value } = await this.#steps.next();
      if (done) {
        fail(`data ended after ${this.#count} steps; pass more, or fewer steps`);
      }
      this.#last = value;
    }
    return /** @type {TrainStep} */ (this.#last);
  }

  /** Ends the stream. What is still to come is not waited for. */
  close() {
    const ignore = () => {};
    for (const end of [() => this.#items?.return?.(), () => this.#steps.return()]) {
      try {
        Promise.resolve(end()).catch(ignore);
      } catch {
        // The training has ended already, with an error of its own if there was one.
      }
    }
  }

  /**
   * @param {any} data
   * @param {{ vocabSize?: number, batchSize: number, contextLength?: number }} config
   * @returns {AsyncGenerator<TrainStep, void, void>}
   */
  async *#epochs(data, { vocabSize, batchSize, contextLength = 1 }) {
    for (let epoch = 0, empty = false; !empty; epoch++) {
      empty = true;
      const items = open(data);
      this.#items = items;
      const steps =
        vocabSize === undefined ? batches(items) : segments(items, { vocabSize, batchSize, contextLength });
      for await (const step of steps) {
        empty = false;
        yield { ...step, epoch };
      }
    }
  }
}

/**
 * @param {any} data
 * @returns {AsyncIterator<unknown> | Iterator<unknown>}
 */
function open(data) {
  // Before the iterator, which some browsers do not have, and which cannot be ended while it waits.
  if (typeof data.getReader !== 'function')
    return checkIterator((data[Symbol.asyncIterator] ?? data[Symbol.iterator]).call(data));
  const reader = data.getReader();
  return {
    next: async () => {
      const result = await reader.read();
      if (result.done) reader.releaseLock();
      return result;
    },
    return: async () => {
      await reader.cancel();
      reader.releaseLock();
      return { done: true, value: undefined };
    },
  };
}

/** @param {any} items */
function checkIterator(items) {
  return typeof items?.next === 'function'
    ? items
    : refuse('iterator of data', 'an object', items, TypeError);
}

/**
 * @param {AsyncIterator<unknown> | Iterator<unknown>} items
 * @returns {AsyncGenerator<{ item: any, name: string }, void, void>}
 */
async function* each(items) {
  for (let index = 0; ; index++) {
    const result = /** @type {IteratorResult<unknown>} */ (await items.next());
    if (Object(result) !== result) refuse('next() of data', 'an object', result, TypeError);
    if (result.done) return;
    yield { item: result.value, name: `item ${index} of data` };
  }
}

/**
 * @param {AsyncIterator<unknown> | Iterator<unknown>} items
 * @returns {AsyncGenerator<TrainStep, void, void>}
 */
async function* batches(items) {
  for await (const { item, name } of each(items)) {
    yield/** @type {TrainStep} */ (/** @type {unknown} */ (checkObject(name, item)));
  }
}

/**
 * Segments, or what pieces of a text give: a block of it at a time is cut into parallel streams.
 * @param {AsyncIterator<unknown> | Iterator<unknown>} items
 * @param {{ vocabSize: number, batchSize: number, contextLength: number }} sizes
 * @returns {AsyncGenerator<TrainStep, void, void>}
 */
async function* segments(items, { vocabSize, batchSize, contextLength: length }) {
  const block = new Int32Array(batchSize * (SEGMENTS * length + 1));
  let held = 0;
  const cut = function* () {
    const tokens = block.slice(0, held);
    held = 0;
    if (tokens.length < 2 * batchSize) return;
    const streams = new TextStreams(tokens, { batchSize, length });
    for (let step = 0; step < streams.segments; step++) yield streams.at(step);
  };
  for await (const { item, name } of each(items)) {
    if (typeof item === 'string') refuse(name, 'tokens or bytes: a vocabulary encodes text', item, TypeError);
    if (!Array.isArray(item) && typedArrayName(item) === undefined) {
      yield/** @type {TrainStep} */ (/** @type {unknown} */ (checkObject(name, item)));
      continue;
    }
    const bytes = typedArrayName(item) === 'Uint8Array';
    const tokens = bytes ? Int32Array.from(item) : toIntegers(name, item);
    checkIds(name, tokens, vocabSize);
    for (let from = 0; from < tokens.length; ) {
      const part = tokens.subarray(from, from + block.length - held);
      block.set(part, held);
      held += part.length;
      from += part.length;
      if (held === block.length) yield* cut();
    }
  }
  yield* cut();
}
