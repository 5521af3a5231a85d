/**
 * From text to tokens and back: vocabularies, the held-out tail, the streams that training walks along, and the
 * measure of a model on a text. Plain typed arrays in and out; nothing here touches the engine's memory.
 *
 * @module
 */
import { timeSlices } from './task.js';

/**
 * Turns text into token ids and back. A vocabulary is immutable.
 *
 * @typedef {object} Vocabulary
 * @property {string} kind      what `vocabularyFromJSON` tells vocabularies apart by
 * @property {number} size      token ids are integers from 0 to size - 1
 * @property {(text: string | Uint8Array, options?: { replacement?: string }) => Int32Array} encode
 *   a new array of token ids; bytes are taken as UTF-8
 * @property {(tokens: Iterable<number>) => string} decode   the text of the tokens
 * @property {() => TokenDecoder} decoder                    for tokens that come one at a time
 * @property {(tokens: Iterable<number>) => number} byteLength   bytes of the tokens' text as UTF-8
 * @property {() => VocabularyJSON} toJSON                   what `vocabularyFromJSON` makes the same vocabulary from
 *
 * @typedef {object} TokenDecoder
 * @property {(token: number) => string} push   the text that the token completes; '' while a character is incomplete
 * @property {() => string} end                 what is left over: '', or U+FFFD for a character that never ended
 *
 * @typedef {{ kind: 'byte' } | { kind: 'character', characters: string } | { kind: 'bpe', known: number[] }} VocabularyJSON
 */

/**
 * @param {number} token
 * @param {number} size
 */
function checkToken(token, size) {
  if (!Number.isInteger(token) || token < 0 || token >= size) {
    throw new RangeError(`token must be an integer from 0 to ${size - 1}, got ${token}`);
  }
}

/**
 * @param {unknown} text
 * @returns {asserts text is string | Uint8Array}
 */
function checkText(text) {
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) {
    throw new TypeError(`text must be a string or a Uint8Array, got ${text === null ? 'null' : typeof text}`);
  }
}

/**
 * Every byte is a token: 256 of them, and any text or file whatever can be encoded.
 *
 * @implements {Vocabulary}
 */
export class ByteVocabulary {
  kind = /** @type {const} */ ('byte');
  size = 256;

  /**
   * @param {string | Uint8Array} text  a string is encoded as UTF-8; half a surrogate pair becomes U+FFFD
   * @returns {Int32Array} one token a byte
   */
  encode(text) {
    checkText(text);
    return new Int32Array(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  }

  /**
   * @param {Iterable<number>} tokens
   * @returns {string} bytes that are no UTF-8 become U+FFFD
   */
  decode(tokens) {
    const bytes = Uint8Array.from(tokens, (token) => {
      checkToken(token, 256);
      return token;
    });
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  /** @returns {TokenDecoder} */
  decoder() {
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
    const byte = new Uint8Array(1);
    return {
      push(token) {
        checkToken(token, 256);
        byte[0] = token;
        return utf8.decode(byte, { stream: true });
      },
      end: () => utf8.decode(),
    };
  }

  /** @param {Iterable<number>} tokens */
  byteLength(tokens) {
    let bytes = 0;
    for (const token of tokens) {
      checkToken(token, 256);
      bytes++;
    }
    return bytes;
  }

  /** @returns {VocabularyJSON} */
  toJSON() {
    return { kind: this.kind };
  }
}

/** @param {number} codePoint */
function utf8Length(codePoint) {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** @param {string} character */
function describeCharacter(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `${JSON.stringify(character)} (U+${code.toString(16).toUpperCase().padStart(4, '0')})`;
}

/**
 * Every Unicode code point of a text is a token; ids follow the order of the code points.
 *
 * @implements {Vocabulary}
 */
export class CharacterVocabulary {
  kind = /** @type {const} */ ('character');
  /** @type {string[]} */
  #characters;
  /** @type {Map<string, number>} */
  #ids = new Map();

  /**
   * @param {string} characters  each code point once, in the order of their ids
   * @throws {RangeError} if there is none, or one occurs twice
   */
  constructor(characters) {
    if (typeof characters !== 'string') {
      throw new TypeError(`characters must be a string, got ${typeof characters}`);
    }
    this.#characters = [...characters];
    if (this.#characters.length === 0) {
      throw new RangeError('characters is empty; a vocabulary needs at least one character');
    }
    this.#characters.forEach((character, id) => {
      if (this.#ids.has(character)) {
        throw new RangeError(`characters has ${describeCharacter(character)} twice; each may occur once`);
      }
      this.#ids.set(character, id);
    });
    /** Number of characters. */
    this.size = this.#characters.length;
  }

  /**
   * @param {string | Uint8Array} text
   * @returns {CharacterVocabulary} of all the code points that the text has
   * @throws {TypeError} if bytes are no UTF-8
   */
  static fromText(text) {
    const codes = [...new Set(toText(text))].map(
      (character) => /** @type {number} */ (character.codePointAt(0)),
    );
    return new CharacterVocabulary(
      codes
        .sort((a, b) => a - b)
        .map((code) => String.fromCodePoint(code))
        .join(''),
    );
  }

  /**
   * @param {string | Uint8Array} text
   * @param {{ replacement?: string }} [options]  replacement: what stands in for a character that the vocabulary
   *   does not have; it must be in the vocabulary itself
   * @returns {Int32Array} one token a code point
   * @throws {RangeError} if a character is unknown and there is no replacement
   * @throws {TypeError} if bytes are no UTF-8
   */
  encode(text, { replacement } = {}) {
    const string = toText(text);
    const substitute = replacement === undefined ? undefined : this.#ids.get(replacement);
    if (replacement !== undefined && substitute === undefined) {
      throw new RangeError(
        `replacement must be a character of the vocabulary, got ${JSON.stringify(replacement)}`,
      );
    }
    const tokens = new Int32Array(string.length);
    let count = 0;
    let index = 0;
    for (const character of string) {
      const id = this.#ids.get(character) ?? substitute;
      if (id === undefined) {
        throw new RangeError(
          `text has ${describeCharacter(character)} at index ${index}; ` +
            `the vocabulary's ${this.size} characters do not include it`,
        );
      }
      tokens[count++] = id;
      index += character.length;
    }
    return tokens.slice(0, count);
  }

  /**
   * @param {Iterable<number>} tokens
   * @returns {string}
   */
  decode(tokens) {
    let text = '';
    for (const token of tokens) {
      checkToken(token, this.size);
      text += this.#characters[token];
    }
    return text;
  }

  /** @returns {TokenDecoder} */
  decoder() {
    return { push: (token) => this.decode([token]), end: () => '' };
  }

  /** @param {Iterable<number>} tokens */
  byteLength(tokens) {
    let bytes = 0;
    for (const token of tokens) {
      checkToken(token, this.size);
      bytes += utf8Length(/** @type {number} */ (this.#characters[token].codePointAt(0)));
    }
    return bytes;
  }

  /** @returns {VocabularyJSON} */
  toJSON() {
    return { kind: this.kind, characters: this.#characters.join('') };
  }
}

/**
 * @param {string | Uint8Array} text
 * @returns {string}
 */
function toText(text) {
  checkText(text);
  if (typeof text === 'string') return text;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    throw new TypeError(
      'text is no UTF-8; a character vocabulary needs UTF-8, a byte vocabulary takes any bytes',
    );
  }
}

/**
 * The vocabulary that `toJSON` described.
 *
 * @param {unknown} json  the object, or its JSON text
 * @returns {Vocabulary}
 * @throws {TypeError | RangeError} if it describes no vocabulary
 */
export function vocabularyFromJSON(json) {
  let value = json;
  if (typeof json === 'string') {
    try {
      value = JSON.parse(json);
    } catch (error) {
      throw new TypeError(`vocabulary must be JSON: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError('vocabulary must be an object with the key "kind"');
  }
  const { kind, characters } = /** @type {{ kind?: unknown, characters?: unknown }} */ (value);
  if (kind === 'byte') return new ByteVocabulary();
  if (kind === 'character') return new CharacterVocabulary(/** @type {string} */ (characters));
  if (kind === 'bpe')
    throw new RangeError('a vocabulary of kind "bpe" needs its tokenizer: BpeVocabulary.fromJSON');
  throw new RangeError(`vocabulary.kind must be "byte" or "character", got ${JSON.stringify(kind)}`);
}

/**
 * Holds out the tail of a text. The two parts are views of `tokens`, not copies.
 *
 * @template {{ length: number, subarray(begin?: number, end?: number): T }} T
 * @param {T} tokens  a typed array
 * @param {{ validation?: number }} [options]  validation: the share to hold out, from 0 to below 1
 * @returns {{ train: T, validation: T }}
 */
export function splitText(tokens, { validation = 0.1 } = {}) {
  if (!(validation >= 0 && validation < 1)) {
    throw new RangeError(`validation must be a number from 0 to below 1, got ${validation}`);
  }
  const trainLength = Math.floor(tokens.length * (1 - validation));
  return { train: tokens.subarray(0, trainLength), validation: tokens.subarray(trainLength) };
}

/**
 * @param {string} name
 * @param {number} value
 */
function checkCount(name, value) {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} must be an integer of at least 1, got ${value}`);
  }
}

/**
 * A segment of all streams, as `model.trainStep` takes it. The arrays are new ones, free to be kept or transferred.
 *
 * @typedef {object} Segment
 * @property {Int32Array} inputs      [streams, length]
 * @property {Int32Array} targets     [streams, length], the token after each input
 * @property {number} length          tokens of each stream
 * @property {boolean} carryMemory    false for the first segment of a pass: nothing came before it
 * @property {number} epoch           passes over the text completed before, from 0
 */

/**
 * Cuts a text into parallel streams of equal length and walks them side by side, segment after segment, as
 * Transformer-XL is trained: what precedes a segment in its stream is in the model's memory (Dai et al., 2019,
 * section 3.2). After the last segment, which is shorter if the length does not divide the stream, the next pass
 * begins. What a step sees depends on the number of the step alone, so that a run can be resumed at any step.
 *
 * The last `tokens.length mod batchSize` tokens are left out. `tokens` is not copied and must not change.
 */
export class TextStreams {
  #tokens;

  /**
   * @param {Int32Array} tokens
   * @param {{ batchSize: number, length: number }} options  batchSize: number of streams; length: tokens a segment
   * @throws {RangeError} if the text has fewer than two tokens a stream
   */
  constructor(tokens, { batchSize, length }) {
    if (!(tokens instanceof Int32Array)) {
      throw new TypeError('tokens must be an Int32Array');
    }
    checkCount('batchSize', batchSize);
    checkCount('length', length);
    if (tokens.length < 2 * batchSize) {
      throw new RangeError(
        `tokens must be at least ${2 * batchSize} for ${batchSize} streams (batchSize), got ${tokens.length}`,
      );
    }
    this.#tokens = tokens;
    this.batchSize = batchSize;
    this.length = length;
    /** Tokens of each stream. */
    this.streamLength = Math.floor(tokens.length / batchSize);
    /** Steps of one pass over the text. */
    this.segments = Math.ceil((this.streamLength - 1) / length);
    /** Tokens that are predicted in one pass over the text. */
    this.targetsPerPass = batchSize * (this.streamLength - 1);
  }

  /**
   * @param {number} step  from 0
   * @returns {Segment}
   */
  at(step) {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new RangeError(`step must be an integer of at least 0, got ${step}`);
    }
    const segment = step % this.segments;
    const start = segment * this.length;
    const length = Math.min(this.length, this.streamLength - 1 - start);
    const inputs = new Int32Array(this.batchSize * length);
    const targets = new Int32Array(this.batchSize * length);
    for (let stream = 0; stream < this.batchSize; stream++) {
      const from = stream * this.streamLength + start;
      inputs.set(this.#tokens.subarray(from, from + length), stream * length);
      targets.set(this.#tokens.subarray(from + 1, from + 1 + length), stream * length);
    }
    return { inputs, targets, length, carryMemory: segment > 0, epoch: Math.floor(step / this.segments) };
  }
}

/**
 * The loss in bits: the bits per byte where a token is a byte.
 *
 * @param {number} loss  nats per token
 * @returns {number} bits per token
 */
export function bitsPerToken(loss) {
  return loss / Math.LN2;
}

/**
 * @param {number} loss    nats per token
 * @param {number} tokens  over how many tokens
 * @param {number} bytes   and how many bytes of UTF-8 these are
 * @returns {number} bits per byte
 */
export function bitsPerByte(loss, tokens, bytes) {
  return (loss * tokens) / (bytes * Math.LN2);
}

/**
 * What `evaluateText` needs of a language model; calls may also return promises.
 *
 * @typedef {object} EvaluatedModel
 * @property {Readonly<Record<string, unknown>>} config  with batchSize and contextLength
 * @property {(segment: { inputs: Int32Array, targets: Int32Array, length: number, carryMemory: boolean }) =>
 *   { loss: number } | PromiseLike<{ loss: number }>} evaluate
 * @property {() => any} saveMemory
 * @property {(memory: any) => any} restoreMemory
 *
 * @typedef {object} Evaluation
 * @property {number} loss                  mean over the predicted tokens, nats
 * @property {number} bitsPerToken
 * @property {number | null} bitsPerByte    null without a vocabulary
 * @property {number} tokens                how many were predicted
 */

/** Streams are not made shorter than this many segments: each begins with nothing in its memory. */
const EVALUATION_SEGMENTS = 8;

/**
 * The loss of a model on a text that is walked from its beginning with the memory carried on. The memory that the
 * model had before is put back at the end, also when the evaluation fails or is stopped, so that a training run can
 * be measured in its middle. Until the promise is settled nothing else may use the model.
 *
 * @param {EvaluatedModel} model
 * @param {Int32Array} tokens  at least 2
 * @param {object} [options]
 * @param {number} [options.batchSize]  streams; by default the model's batchSize, or fewer if the text is short
 * @param {number} [options.length]     tokens a segment; by default the model's contextLength
 * @param {Vocabulary} [options.vocabulary]  gives bitsPerByte
 * @param {(progress: { tokens: number, total: number, loss: number }) => void} [options.onProgress]  called after
 *   each segment, when `model.routing()` and `model.logits()` are that segment's; loss is the mean so far
 * @param {AbortSignal} [options.signal]  stops between two segments
 * @returns {Promise<Evaluation>} rejects with the signal's reason (an AbortError by default) when stopped
 */
export async function evaluateText(model, tokens, options = {}) {
  const { signal, onProgress, vocabulary } = options;
  const length = options.length ?? Number(model.config.contextLength);
  signal?.throwIfAborted();
  if (tokens.length < 2) {
    throw new RangeError(`tokens must be at least 2, got ${tokens.length}`);
  }
  const longEnough = Math.floor(tokens.length / (EVALUATION_SEGMENTS * length));
  const batchSize = options.batchSize ?? Math.max(1, Math.min(Number(model.config.batchSize), longEnough));
  const streams = new TextStreams(tokens, { batchSize, length });
  const memory = await model.saveMemory();
  try {
    let nats = 0;
    let count = 0;
    let bytes = 0;
    const pause = timeSlices();
    for (let step = 0; step < streams.segments; step++) {
      const { epoch: _, ...segment } = streams.at(step);
      const { loss } = await model.evaluate(segment);
      nats += loss * segment.targets.length;
      count += segment.targets.length;
      bytes += vocabulary?.byteLength(segment.targets) ?? 0;
      onProgress?.({ tokens: count, total: streams.targetsPerPass, loss: nats / count });
      await pause();
      signal?.throwIfAborted();
    }
    const loss = nats / count;
    return {
      loss,
      bitsPerToken: bitsPerToken(loss),
      bitsPerByte: vocabulary ? bitsPerByte(loss, count, bytes) : null,
      tokens: count,
    };
  } finally {
    await model.restoreMemory(memory);
  }
}
