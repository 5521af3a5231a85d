/**
 * Data of vectors: splitting, batching, standardising, and measuring a classifier on them; and tokenizers of other
 * packages as vocabularies. Typed arrays in, typed arrays out; nothing here touches the engine's memory.
 *
 * @module
 */
import { timeSlices } from './task.js';

/** @import { TokenDecoder, Vocabulary } from './text.js' */

/**
 * Vectors and their classes.
 *
 * @typedef {object} Vectors
 * @property {Float32Array} inputs [n, inputSize], row-major
 * @property {Int32Array} targets [n] class ids
 */

/**
 * Numbers in [0, 1), the same everywhere for the same seed (mulberry32).
 *
 * @param {number} seed
 * @returns {() => number}
 */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {number} count
 * @param {number} seed
 * @returns {Uint32Array} 0 to count - 1 in random order (Fisher-Yates)
 */
function shuffled(count, seed) {
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * @param {Vectors} data
 * @returns {number} numbers in a vector
 * @throws {TypeError | RangeError} if these are no vectors with classes
 */
export function vectorSize(data) {
  const { inputs, targets } = data ?? {};
  if (!(inputs instanceof Float32Array)) throw new TypeError('data.inputs must be a Float32Array');
  if (!(targets instanceof Int32Array)) throw new TypeError('data.targets must be an Int32Array');
  const size = inputs.length / targets.length;
  if (targets.length === 0 || size < 1 || !Number.isInteger(size)) {
    throw new RangeError(
      `data.inputs must have the same number of numbers for each of the ${targets.length} targets, got ${inputs.length}`,
    );
  }
  return size;
}

/**
 * @param {Vectors} data
 * @param {Uint32Array} rows
 * @param {number} size
 * @returns {Vectors} copies of these rows, in this order
 */
function take({ inputs, targets }, rows, size) {
  const taken = { inputs: new Float32Array(rows.length * size), targets: new Int32Array(rows.length) };
  rows.forEach((row, i) => {
    taken.inputs.set(inputs.subarray(row * size, (row + 1) * size), i * size);
    taken.targets[i] = targets[row];
  });
  return taken;
}

/**
 * Holds out vectors drawn at random. (Texts are held out by their tail: `splitText`.)
 *
 * @param {Vectors} data
 * @param {{ validation?: number, seed?: number }} [options] validation: the share to hold out, from 0 to below 1
 * @returns {{ train: Vectors, validation: Vectors }} copies
 */
export function splitVectors(data, { validation = 0.1, seed = 0 } = {}) {
  if (!(validation >= 0 && validation < 1)) {
    throw new RangeError(`validation must be a number from 0 to below 1, got ${validation}`);
  }
  const size = vectorSize(data);
  const count = data.targets.length;
  const order = shuffled(count, seed);
  const trainCount = Math.floor(count * (1 - validation));
  return {
    train: take(data, order.subarray(0, trainCount), size),
    validation: take(data, order.subarray(trainCount), size),
  };
}

/**
 * Cuts vectors into batches, pass after pass, each in a new order. What a step sees depends on the number of the step
 * alone, so that a run can be resumed at any step. The data are not copied and must not change.
 */
export class Batches {
  #data;
  #size;
  #seed;
  /** @type {{ epoch: number, order: Uint32Array } | undefined} the pass that was last asked for */
  #pass;

  /**
   * @param {Vectors} data
   * @param {{ batchSize: number, seed?: number }} options
   */
  constructor(data, { batchSize, seed = 0 }) {
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`batchSize must be an integer of at least 1, got ${batchSize}`);
    }
    this.#size = vectorSize(data);
    this.#data = data;
    this.#seed = seed;
    this.batchSize = batchSize;
    /** Steps of one pass over the data; the last batch may be smaller. */
    this.batches = Math.ceil(data.targets.length / batchSize);
  }

  /**
   * @param {number} step from 0
   * @returns {Vectors & { epoch: number }} new arrays; epoch: passes completed before, from 0
   */
  at(step) {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new RangeError(`step must be an integer of at least 0, got ${step}`);
    }
    const epoch = Math.floor(step / this.batches);
    if (this.#pass?.epoch !== epoch) {
      const seed = Math.imul(this.#seed + 1, 0x9e3779b1) ^ epoch;
      this.#pass = { epoch, order: shuffled(this.#data.targets.length, seed) };
    }
    const start = (step % this.batches) * this.batchSize;
    const rows = this.#pass.order.subarray(start, start + this.batchSize);
    return { ...take(this.#data, rows, this.#size), epoch };
  }
}

/**
 * Shifts and scales each feature to mean 0 and standard deviation 1 over the vectors that it was made from; a feature
 * that never varies becomes 0. Make it from the training data alone, apply it to all.
 */
export class Standardizer {
  /**
   * @param {{ mean: ArrayLike<number>, deviation: ArrayLike<number> }} values as `toJSON` gives them
   */
  constructor({ mean, deviation }) {
    if (mean.length === 0 || mean.length !== deviation.length) {
      throw new RangeError(
        `mean and deviation must be of the same length, got ${mean.length} and ${deviation.length}`,
      );
    }
    this.mean = Float64Array.from(mean);
    this.deviation = Float64Array.from(deviation);
  }

  /**
   * @param {Float32Array} inputs [n, inputSize]
   * @param {number} inputSize
   * @returns {Standardizer}
   */
  static fit(inputs, inputSize) {
    const count = inputs.length / inputSize;
    if (inputs.length === 0 || !Number.isInteger(count)) {
      throw new RangeError(`inputs must have n x ${inputSize} numbers (inputSize), got ${inputs.length}`);
    }
    const mean = new Float64Array(inputSize);
    const squares = new Float64Array(inputSize);
    for (let i = 0; i < inputs.length; i++) mean[i % inputSize] += inputs[i] / count;
    for (let i = 0; i < inputs.length; i++) squares[i % inputSize] += (inputs[i] - mean[i % inputSize]) ** 2;
    return new Standardizer({ mean, deviation: squares.map((sum) => Math.sqrt(sum / count)) });
  }

  /**
   * @param {Float32Array} inputs [n, inputSize]
   * @returns {Float32Array} a new array
   */
  apply(inputs) {
    const { mean, deviation } = this;
    const size = mean.length;
    if (inputs.length % size !== 0) {
      throw new RangeError(`inputs must have n x ${size} numbers, got ${inputs.length}`);
    }
    return inputs.map((value, i) => {
      const scale = deviation[i % size];
      return scale > 1e-12 ? (value - mean[i % size]) / scale : 0;
    });
  }

  toJSON() {
    return { mean: Array.from(this.mean), deviation: Array.from(this.deviation) };
  }
}

/**
 * What `evaluateVectors` needs of a classifier; calls may also return promises.
 *
 * @typedef {object} EvaluatedClassifier
 * @property {{ readonly batchSize: number, readonly classes: number }} config
 * @property {(batch: Vectors) => { loss: number } | PromiseLike<{ loss: number }>} evaluate
 * @property {() => Float32Array | PromiseLike<Float32Array>} logits
 *
 * @typedef {object} VectorEvaluation
 * @property {number} loss mean over the vectors, nats
 * @property {number} accuracy share of the vectors whose likeliest class is theirs
 * @property {number} count of the vectors
 */

/**
 * Loss and accuracy of a classifier on any number of vectors.
 *
 * @param {EvaluatedClassifier} model
 * @param {Vectors} data
 * @param {{ signal?: AbortSignal }} [options] signal: stops between two batches
 * @returns {Promise<VectorEvaluation>}
 */
export async function evaluateVectors(model, data, { signal } = {}) {
  signal?.throwIfAborted();
  const size = vectorSize(data);
  const { batchSize, classes } = model.config;
  const count = data.targets.length;
  const pause = timeSlices();
  let [nats, right] = [0, 0];
  for (let start = 0; start < count; start += batchSize) {
    const targets = data.targets.slice(start, start + batchSize);
    const inputs = data.inputs.slice(start * size, (start + targets.length) * size);
    const { loss } = await model.evaluate({ inputs, targets });
    const logits = await model.logits();
    nats += loss * targets.length;
    targets.forEach((target, i) => {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      if (row.indexOf(Math.max(...row)) === target) right++;
    });
    await pause();
    signal?.throwIfAborted();
  }
  return { loss: nats / count, accuracy: right / count, count };
}

/**
 * What is used of a byte-pair tokenizer: `gpt-tokenizer`, `js-tiktoken` and others have these two.
 *
 * @typedef {object} Tokenizer
 * @property {(text: string) => ArrayLike<number>} encode
 * @property {(tokens: number[]) => string} decode
 */

/**
 * A byte-pair vocabulary out of a tokenizer package, cut down to the tokens that a text really uses: of the 50,000 to
 * 200,000 of a published encoding, a text of a megabyte uses a tenth, and each costs a row of the embedding.
 *
 *     import * as tokenizer from 'gpt-tokenizer';
 *     const vocabulary = BpeVocabulary.fromText(tokenizer, text);
 *
 * @implements {Vocabulary}
 */
export class BpeVocabulary {
  kind = 'bpe';
  #tokenizer;
  /** @type {Int32Array} the tokenizer's ids, ascending */
  #known;
  /** @type {Map<number, number>} */
  #ids = new Map();

  /**
   * @param {Tokenizer} tokenizer
   * @param {ArrayLike<number>} known ids of the tokenizer that are in the vocabulary
   */
  constructor(tokenizer, known) {
    if (typeof tokenizer?.encode !== 'function' || typeof tokenizer.decode !== 'function') {
      throw new TypeError('tokenizer must have encode(text) and decode(tokens)');
    }
    this.#tokenizer = tokenizer;
    this.#known = Int32Array.from(new Set(Array.from(known))).sort();
    if (this.#known.length === 0) throw new RangeError('known must have at least one token');
    this.#known.forEach((id, index) => {
      this.#ids.set(id, index);
    });
    /** Number of tokens. */
    this.size = this.#known.length;
  }

  /**
   * The tokens of a text, and of every ASCII character, so that other text can be encoded too.
   *
   * @param {Tokenizer} tokenizer
   * @param {string} text
   */
  static fromText(tokenizer, text) {
    const known = new Set(Array.from(tokenizer.encode(text)));
    for (let code = 0; code < 128; code++) {
      for (const id of Array.from(tokenizer.encode(String.fromCharCode(code)))) known.add(id);
    }
    return new BpeVocabulary(tokenizer, [...known]);
  }

  /**
   * @param {unknown} json what `toJSON` gave, or its text
   * @param {Tokenizer} tokenizer the same as it was made with
   */
  static fromJSON(json, tokenizer) {
    const value = typeof json === 'string' ? JSON.parse(json) : json;
    if (value?.kind !== 'bpe' || !Array.isArray(value.known)) {
      throw new TypeError('json must describe a vocabulary of kind "bpe"');
    }
    return new BpeVocabulary(tokenizer, value.known);
  }

  /**
   * @param {string | Uint8Array} text
   * @returns {Int32Array} a token outside the vocabulary is written in its characters
   * @throws {RangeError} if one of these characters is outside too
   */
  encode(text) {
    const string = typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text);
    /** @type {number[]} */
    const tokens = [];
    for (const token of Array.from(this.#tokenizer.encode(string))) {
      const id = this.#ids.get(token);
      if (id !== undefined) tokens.push(id);
      else tokens.push(...this.#spell(token));
    }
    return Int32Array.from(tokens);
  }

  /** @param {number} token of the tokenizer */
  #spell(token) {
    return [...this.#tokenizer.decode([token])].flatMap((character) => {
      return Array.from(this.#tokenizer.encode(character), (part) => {
        const id = this.#ids.get(part);
        if (id === undefined) {
          throw new RangeError(
            `text has ${JSON.stringify(character)}, which no token of the vocabulary writes`,
          );
        }
        return id;
      });
    });
  }

  /** @param {number} token */
  #original(token) {
    if (!Number.isInteger(token) || token < 0 || token >= this.size) {
      throw new RangeError(`token must be an integer from 0 to ${this.size - 1}, got ${token}`);
    }
    return this.#known[token];
  }

  /** @param {Iterable<number>} tokens */
  decode(tokens) {
    return this.#tokenizer.decode(Array.from(tokens, (token) => this.#original(token)));
  }

  /** @returns {TokenDecoder} characters that are spread over tokens come when they are whole */
  decoder() {
    /** @type {number[]} */
    let waiting = [];
    return {
      push: (token) => {
        waiting.push(token);
        const text = this.decode(waiting);
        if (text.endsWith('\ufffd')) return '';
        waiting = [];
        return text;
      },
      end: () => (waiting.length > 0 ? this.decode(waiting) : ''),
    };
  }

  /** @param {Iterable<number>} tokens */
  byteLength(tokens) {
    return new TextEncoder().encode(this.decode(tokens)).length;
  }

  toJSON() {
    return { kind: /** @type {const} */ ('bpe'), known: Array.from(this.#known) };
  }
}
