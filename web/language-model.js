import {
  checkAttached,
  checkBoolean,
  checkClasses,
  checkFinite,
  checkIds,
  checkInteger,
  checkKeys,
  checkOptions,
  fail,
  refuse,
  refuseLength,
  rowWidth,
  toFloats,
  toIntegers,
  typedArrayName,
} from './check.js';
import { memoryName } from './checkpoint/names.js';
import { isStream } from './data-stream.js';
import { checkGenerate, endsWithAny } from './generation.js';
import { Model } from './model.js';
import { OPTIONS } from './options.js';
import { ProbeHistory } from './probe-history.js';
import { recordOf } from './run.js';
import { evaluateText, TextStreams } from './text.js';
import { isSource, sourceOf, train } from './training.js';

/** @import { GenerateOptions, MeasureOptions } from './option-types.js' */
/** @import { Checkpoint } from './checkpoint.js' */
/** @import { SavedTensor } from './checkpoint/safetensors.js' */
/** @import { LayerMeasures } from './measures.js' */
/** @import { Evaluation } from './text.js' */
/** @import { TrainedModel, Training } from './training.js' */
/** @import { Complete, Floats, Ids, LanguageConfig, LayerRouting, Source, StreamOf, TrainOptions, TrainProgress } from './types.js' */

/**
 * @typedef {object} Segment
 * A segment of B streams.
 *
 * @property {Ids} inputs [B, length] token ids, row-major
 * @property {Ids} targets [B, length] the next tokens
 * @property {number | undefined} [length] tokens per stream, 1 to contextLength; default: contextLength, or the length of
 *   the rows of inputs
 * @property {boolean | undefined} [carryMemory] continue from the memory that the last call left (default), with the same B; false
 *   starts from an empty memory
 */

/**
 * @typedef {object} GeneratedToken
 * A token of a generated text, and its routing.
 *
 * @property {number} token its id
 * @property {LayerRouting[]} routing of this token, one entry per layer
 */

/**
 * @typedef {object} SavedMemory
 * A copy of the Transformer-XL memory of a model; see `saveMemory`.
 *
 * @property {number} length remembered tokens per stream
 * @property {number} batch number of streams
 * @property {Float32Array[]} layers [batch, length, dModel] each
 */

const SAVED = ['length', 'batch', 'layers'];

/**
 * A Transformer-XL language model with mixtures of experts. Created by `engine.createLanguageModel()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Complete<LanguageConfig>, Segment>}
 */
export class LanguageModel extends Model {
  #probes = new ProbeHistory();

  /** The kind of model. @override */
  get kind() {
    return /** @type {const} */ ('language');
  }

  /**
   * @protected
   * @override
   * @param {Segment} segment
   */
  put(segment) {
    const { address, core } = this;
    const { vocabSize, contextLength, batchSize } = this.config;
    const { inputs, targets, length, carryMemory = true } = segment;
    const ids = toIntegers('inputs', inputs);
    const next = toIntegers('targets', targets);
    const width = rowWidth(inputs);
    const wanted = length === undefined ? (width ?? contextLength) : length;
    const t = checkInteger('length', wanted, 1, contextLength, ' (contextLength)');
    if (width !== undefined && t !== width) refuse('length', `${width} like the rows of inputs`, t);
    checkBoolean('carryMemory', carryMemory);
    const batch = ids.length / t;
    if (ids.length === 0 || !Number.isInteger(batch) || batch > batchSize) {
      refuseLength(
        'inputs',
        `batch x length numbers, batch 1 to ${batchSize} (batchSize) and length ${t}`,
        ids,
      );
    }
    if (next.length !== ids.length) refuseLength('targets', `as many numbers as inputs, ${ids.length}`, next);
    checkIds('inputs', ids, vocabSize);
    checkIds('targets', next, vocabSize);
    const held = core.call('model_memory_batch', address);
    if (carryMemory && core.call('model_memory_length', address) > 0 && held !== batch) {
      fail(
        `inputs must have ${held} streams like the memory that is carried on, got ${batch}; ` +
          'carryMemory: false starts from an empty memory',
      );
    }
    core.putIds(address, 'token', ids);
    core.putIds(address, 'target', next);
    return { batch, length: t, carryMemory };
  }

  /**
   * Trains on a text, which is cut into batchSize parallel streams; the memory is carried along each stream.
   *
   *     for await (const { step, loss } of model.train(tokens, { steps: 500, every: 10 })) console.log(step, loss);
   *
   * Yields to the event loop between steps, and stops when you leave the loop. The model may be used in the meantime:
   * `generate`, `measure` and `evaluateText` do not affect training; other calls that advance the memory, such as
   * `evaluate`, make the next training segment start with another memory.
   *
   * Tokens may also come in pieces, as a `ReadableStream` or an async iterable of arrays: a block of 8 segments for each of
   * batchSize streams is trained on at a time.
   * @param {Ids | Source<Segment & { epoch?: number | undefined }> | StreamOf<Segment | Ids | Uint8Array>} data tokens, a source
   *   of the segment of each step, or a stream of segments or of pieces of a text
   * @param {TrainOptions<Ids, Ids>} [options] how to train
   * @returns {Training<TrainProgress<Evaluation>>} progress events; `await` trains to the end and gives the last one
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options = {}) {
    const { validation, probe, probeClasses, signal } = checkOptions('train', options, OPTIONS.train);
    const { batchSize, contextLength } = this.config;
    const text = isSource(data) || isStream(data) ? undefined : this.#readTokens('data', data, 2 * batchSize);
    const held = validation === undefined ? undefined : this.#readTokens('validation', validation, 2);
    const probed = probe === undefined ? undefined : this.#readProbe(probe, probeClasses, 'probeClasses');
    return train(/** @type {TrainedModel<Segment>} */ (this), options, {
      source: text
        ? new TextStreams(text, { batchSize, length: contextLength })
        : sourceOf(/** @type {any} */ (data), this.config),
      data: text && recordOf('tokens', [text], text.length, { batchSize, length: contextLength }),
      adapt: (segment) => this.#adapt(segment),
      validate: held && (() => evaluateText(this, held, { signal })),
      measure: probed && (() => this.#measure(probed)),
    });
  }

  /**
   * The segment, without memory if the memory is that of another number of streams.
   * @param {Segment} segment
   * @returns {Segment}
   */
  #adapt(segment) {
    const { inputs, length = this.config.contextLength } = segment;
    if (rowWidth(inputs) !== undefined)
      return this.#adapt({ ...segment, inputs: toIntegers('inputs', inputs) });
    const held = this.core.call('model_memory_batch', this.address);
    return held * length === inputs?.length ? segment : { ...segment, carryMemory: false };
  }

  /**
   * Routing metrics of the text of a probe, with the current `topK`; see `LayerMeasures`. The text is read from an
   * empty memory; the memory of training is not affected. Afterwards `routing()` and `logits()` are those of the last
   * part of the probe. The routing of a probe is remembered, so that the next measurement of the same probe has a
   * switch rate.
   * @param {Ids} probe [N] tokens
   * @param {MeasureOptions} [options] classes of the tokens; see `characterClasses`
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { classes } = checkOptions('measure', options, OPTIONS.measure);
    return this.#measure(this.#readProbe(probe, classes, 'classes'));
  }

  /** @param {{ tokens: Int32Array, classes: Int32Array | undefined }} probe */
  #measure({ tokens: probe, classes }) {
    const { contextLength, experts: count } = this.config;
    const saved = this.saveMemory();
    try {
      const passes = [];
      for (let start = 0; start < probe.length; start += contextLength) {
        const inputs = probe.slice(start, start + contextLength);
        // Targets are required, but the loss is not used.
        this.evaluate({ inputs, targets: inputs, length: inputs.length, carryMemory: start > 0 });
        passes.push({ routing: this.routing(), similarity: this.expertSimilarity() });
      }
      return this.#probes.measure(probe, passes, { count, topK: this.topK, classes });
    } finally {
      this.restoreMemory(saved);
    }
  }

  /**
   * @param {unknown} probe
   * @param {unknown} given classes
   * @param {string} name of the classes
   */
  #readProbe(probe, given, name) {
    const tokens = this.#readTokens('probe', probe, 1);
    return { tokens, classes: given === undefined ? undefined : checkClasses(name, given, tokens.length) };
  }

  /**
   * @param {string} name
   * @param {unknown} given
   * @param {number} least
   */
  #readTokens(name, given, least) {
    const tokens = toIntegers(name, given);
    if (tokens.length < least) refuseLength(name, `${least} tokens or more`, tokens);
    checkIds(name, tokens, this.config.vocabSize);
    return tokens;
  }

  /** Clears the memory: the next call starts without context. */
  resetMemory() {
    this.core.call('model_reset_memory', this.address);
  }

  /**
   * A copy of the memory, for `restoreMemory`: an evaluation in the middle of training must restore the memory.
   * @returns {SavedMemory}
   */
  saveMemory() {
    const { core, address } = this;
    const { layers, memoryLength, dModel } = this.config;
    const length = core.call('model_memory_length', address);
    const batch = core.call('model_memory_batch', address);
    return {
      length,
      batch,
      layers: Array.from({ length: layers }, (_, layer) =>
        core.memoryRows(address, layer, { batch, length, memoryLength, dModel }),
      ),
    };
  }

  /**
   * Restores a saved memory.
   * @param {SavedMemory} saved by `saveMemory` of a model of the same sizes
   * @throws {TypeError | RangeError} naming the field; nothing was changed
   */
  restoreMemory(saved) {
    const { core, address } = this;
    const { layers, memoryLength, dModel, batchSize } = this.config;
    const { length, batch, layers: given } = checkKeys('saved', 'a saved memory', saved, SAVED);
    checkInteger('saved.length', length, 0, memoryLength, ' (memoryLength)');
    checkInteger('saved.batch', batch, 0, batchSize, ' (batchSize)');
    // Read once: a getter may give something else the next time.
    const all = Array.isArray(given) ? given.slice(0, layers + 1) : undefined;
    if (!all?.every((layer) => typedArrayName(layer) === 'Float32Array')) {
      throw new TypeError('saved.layers must be an array of Float32Array, as saveMemory() returns it');
    }
    const rows = all.map((layer, i) => toFloats(`saved.layers[${i}]`, layer));
    if (rows.length !== layers || rows.some((layer) => layer.length !== batch * length * dModel)) {
      throw new RangeError('saved must come from saveMemory() of a model of the same sizes');
    }
    if (length > 0 && batch === 0)
      throw new RangeError('saved.batch must be 1 or more if there are rows, got 0');
    rows.forEach((layer, index) => {
      checkFinite(`saved.layers[${index}]`, layer);
    });
    rows.forEach((layer, index) => {
      core.setMemoryRows(address, index, layer, { batch, length, memoryLength, dModel });
    });
    core.call('model_set_memory', address, length, batch);
  }

  /**
   * Continues a text, token by token. Keys and values of the last max(memoryLength, contextLength - 1) tokens are
   * cached, so that the cost of a token does not grow with the text. The memory of training is not affected. If the
   * model is trained, or generates another text, between two tokens, the cached tokens are read again; older ones are
   * lost.
   * @param {Int32Array | readonly number[]} promptTokens at least one
   * @param {GenerateOptions} [options] how to sample tokens, and where to stop
   * @returns {Generator<GeneratedToken, void, void>}
   * @throws {TypeError | RangeError} at once, naming the argument
   */
  generate(promptTokens, options = {}) {
    const window = this.core.call('generation_capacity', this.address) + 1;
    const checked = checkGenerate(checkOptions('generate', options, OPTIONS.generate), this.config.vocabSize);
    return this.#generate(this.#readPrompt('promptTokens', promptTokens), window, checked);
  }

  /**
   * Probabilities of the token that follows a text: softmax of the logits after its last token, from which `generate`
   * draws with the default options. The memory of training is not affected; the cache of generation is used, as another
   * call of `generate` would. Afterwards `routing()` and `logits()` are those of the last tokens of the text, at most
   * contextLength.
   * @param {Int32Array | readonly number[]} tokens the text, at least one token
   * @returns {Floats} [vocabSize], a copy
   * @throws {TypeError | RangeError} naming the argument
   */
  next(tokens) {
    const { address, core } = this;
    this.#begin(this.#readPrompt('tokens', tokens), core.nextSession());
    return core.nextProbabilities(address);
  }

  /**
   * @param {string} name
   * @param {unknown} given
   */
  #readPrompt(name, given) {
    const { vocabSize } = this.config;
    if (typedArrayName(given) !== 'Int32Array' && !Array.isArray(given)) {
      refuse(name, 'an Int32Array or an array of integers', given, TypeError);
    }
    checkAttached(name, given);
    const { length } = /** @type {number[]} */ (given);
    if (length === 0) refuseLength(name, '1 token or more', { length });
    const tokens = [];
    // By index: a list with holes is refused at the first one, however long it is.
    for (let i = 0; i < length; i++) {
      tokens.push(
        checkInteger(`${name}[${i}]`, /** @type {any} */ (given)[i], 0, vocabSize - 1, ' (vocabSize - 1)'),
      );
    }
    return tokens;
  }

  /**
   * @param {number[]} text
   * @param {number} window most tokens that are read again
   * @param {ReturnType<typeof checkGenerate>} options
   * @returns {Generator<GeneratedToken, void, void>}
   */
  *#generate(text, window, { maxTokens, seed, stop, sampling }) {
    const { core } = this;
    const session = core.nextSession();
    const longestStop = stop.reduce((most, { length }) => Math.max(most, length), 0);
    const repeated = new Set(sampling.repetitionPenalty === 1 ? [] : text);
    let state = BigInt(seed);
    let known = text;
    /** @type {number[]} */
    let end = [];
    for (let i = 0; i < maxTokens; i++) {
      const address = this.address;
      this.prepare();
      const ours = core.call('generation_session', address) === session;
      // The first token, or the cache holds another text, or the parameters have changed.
      if (!ours || core.call('generation_stale', address)) this.#begin(known, session);
      const drawn = core.sample(address, sampling, [...repeated], state);
      const { token } = drawn;
      state = drawn.state;
      this.#feed([token]);
      if (known.length > 2 * window) known = known.slice(-window);
      known.push(token);
      if (sampling.repetitionPenalty !== 1) repeated.add(token);
      if (longestStop > 0) end = [...end, token].slice(-longestStop);
      yield { token, routing: this.routing() };
      if (endsWithAny(end, stop)) return;
    }
  }

  /**
   * Fills the cache of generation with a text.
   * @param {number[]} text
   * @param {number} session
   */
  #begin(text, session) {
    this.prepare();
    this.core.call('generation_begin', this.address, session);
    this.#feed(text);
  }

  /** @param {number[]} tokens */
  #feed(tokens) {
    const { core, address } = this;
    const most = this.config.contextLength;
    for (let i = 0; i < tokens.length; i += most) {
      const part = tokens.slice(i, i + most);
      core.putIds(address, 'token', part);
      core.call('generation_feed', address, part.length);
    }
  }

  /**
   * @protected
   * @override
   * @returns {SavedTensor[]}
   */
  contextTensors() {
    const { length, batch, layers } = this.saveMemory();
    if (length === 0) return [];
    const shape = [batch, length, this.config.dModel];
    return layers.map((data, layer) => ({ name: memoryName(layer), shape, data }));
  }

  /** @protected @override */
  keepContext() {
    const saved = this.saveMemory();
    return () => this.restoreMemory(saved);
  }

  /**
   * @param {Checkpoint} checkpoint
   * @override
   * @ignore
   */
  restore(checkpoint) {
    super.restore(checkpoint);
    const saved = checkpoint.memory(this.config.layers, this.config.dModel);
    const { memoryLength, batchSize } = this.config;
    // A model that is opened with fewer streams or less memory than in the file starts with an empty memory.
    if (saved && saved.length <= memoryLength && saved.batch <= batchSize) this.restoreMemory(saved);
  }
}
