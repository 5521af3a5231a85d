import {
  checkArray,
  checkBoolean,
  checkClasses,
  checkIds,
  checkInteger,
  checkNumber,
  checkObject,
  refuse,
  refuseLength,
} from './check.js';
import { Model } from './model.js';
import { ProbeHistory } from './probe-history.js';
import { evaluateText, TextStreams } from './text.js';
import { isSource, train } from './training.js';

/** @import { Checkpoint } from './checkpoint.js' */
/** @import { LayerMeasures } from './measures.js' */
/** @import { Evaluation } from './text.js' */
/** @import { TrainedModel } from './training.js' */
/** @import { LanguageConfig, LayerRouting, Source, TrainOptions, TrainProgress } from './types.js' */

/**
 * @typedef {object} Segment
 * A segment of B streams.
 *
 * @property {Int32Array} inputs [B, length] token ids, row-major
 * @property {Int32Array} targets [B, length] the next tokens
 * @property {number} [length] tokens per stream, 1 to contextLength (default)
 * @property {boolean} [carryMemory] continue from the memory that the last call left (default), with the same B; false
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

/**
 * A Transformer-XL language model with mixtures of experts. Created by `engine.createLanguageModel()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Required<LanguageConfig>, Segment>}
 */
export class LanguageModel extends Model {
  #probes = new ProbeHistory();

  /**
   * @protected
   * @override
   * @param {Segment} segment
   */
  put(segment) {
    checkObject('segment', segment);
    const { address, core } = this;
    const { vocabSize, contextLength, batchSize } = this.config;
    const { inputs, targets, length = contextLength, carryMemory = true } = segment;
    const ids = checkArray('inputs', inputs, Int32Array);
    const next = checkArray('targets', targets, Int32Array);
    const t = checkInteger('length', length, 1, contextLength, ' (contextLength)');
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
      throw new RangeError(
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
   * @param {Int32Array | Source<Segment & { targets: Int32Array, epoch?: number }>} data tokens, or a source of the
   *   segment of each step
   * @param {TrainOptions<Int32Array, Int32Array>} options `steps` is required
   * @returns {AsyncGenerator<TrainProgress<Evaluation>, void, void>}
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options) {
    const { validation, probe, probeClasses, signal } = checkObject('options', options) && options;
    const { batchSize, contextLength } = this.config;
    if (!isSource(data)) this.#checkTokens('data', data, 2 * batchSize);
    if (validation !== undefined) this.#checkTokens('validation', validation, 2);
    if (probe !== undefined) this.#checkProbe(probe, probeClasses, 'probeClasses');
    return train(/** @type {TrainedModel<Segment>} */ (this), options, {
      source: isSource(data) ? data : new TextStreams(data, { batchSize, length: contextLength }),
      adapt: (segment) => this.#adapt(segment),
      validate: validation && (() => evaluateText(this, validation, { signal })),
      measure: probe && (() => this.measure(probe, { classes: probeClasses })),
    });
  }

  /**
   * The segment, without memory if the memory is that of another number of streams.
   * @param {Segment} segment
   */
  #adapt(segment) {
    const { inputs, length = this.config.contextLength } = segment;
    const held = this.core.call('model_memory_batch', this.address);
    return held * length === inputs.length ? segment : { ...segment, carryMemory: false };
  }

  /**
   * Routing metrics of the text of a probe, with the current `topK`; see `LayerMeasures`. The text is read from an
   * empty memory; the memory of training is not affected. Afterwards `routing()` and `logits()` are those of the last
   * part of the probe. The routing of a probe is remembered, so that the next measurement of the same probe has a
   * switch rate.
   * @param {Int32Array} probe [N] tokens
   * @param {{ classes?: Int32Array }} [options] classes: [N] the class of each token, for `specialisation`; see
   *   `characterClasses`
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { classes } = checkObject('options', options) && options;
    this.#checkProbe(probe, classes, 'classes');
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
   * @param {Int32Array} probe
   * @param {Int32Array | undefined} classes
   * @param {string} name of the classes
   */
  #checkProbe(probe, classes, name) {
    this.#checkTokens('probe', probe, 1);
    if (classes !== undefined) checkClasses(name, classes, probe.length);
  }

  /**
   * @param {string} name
   * @param {Int32Array} tokens
   * @param {number} least
   */
  #checkTokens(name, tokens, least) {
    checkArray(name, tokens, Int32Array);
    if (tokens.length < least) refuseLength(name, `${least} tokens or more`, tokens);
    checkIds(name, tokens, this.config.vocabSize);
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
    const { length, batch, layers: rows } = /** @type {SavedMemory} */ (checkObject('saved', saved));
    checkInteger('saved.length', length, 0, memoryLength, ' (memoryLength)');
    checkInteger('saved.batch', batch, 0, batchSize, ' (batchSize)');
    if (!Array.isArray(rows) || rows.some((layer) => !(layer instanceof Float32Array))) {
      throw new TypeError('saved.layers must be an array of Float32Array, as saveMemory() returns it');
    }
    if (rows.length !== layers || rows.some((layer) => layer.length !== batch * length * dModel)) {
      throw new RangeError('saved must come from saveMemory() of a model of the same sizes');
    }
    if (length > 0 && batch === 0)
      throw new RangeError('saved.batch must be 1 or more if there are rows, got 0');
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
   * @param {Int32Array | number[]} promptTokens at least one
   * @param {object} [options] how to sample tokens
   * @param {number} [options.maxTokens] default 100
   * @param {number} [options.temperature] 0 always takes the most likely token; default 1
   * @param {number} [options.topP] nucleus sampling: sample from the smallest set of most likely tokens whose
   *   probabilities add up to this; default 1
   * @param {number} [options.seed] default 0; the same seed generates the same text
   * @returns {Generator<GeneratedToken, void, void>}
   * @throws {TypeError | RangeError} at once, naming the argument
   */
  generate(promptTokens, options = {}) {
    const {
      maxTokens = 100,
      temperature = 1,
      topP = 1,
      seed = 0,
    } = checkObject('options', options) && options;
    const window = this.core.call('generation_capacity', this.address) + 1;
    if (!(promptTokens instanceof Int32Array) && !Array.isArray(promptTokens)) {
      refuse('promptTokens', 'an Int32Array or an array of integers', promptTokens, TypeError);
    }
    if (promptTokens.length === 0) refuseLength('promptTokens', '1 token or more', promptTokens);
    const vocabSize = this.config.vocabSize;
    for (let i = 0; i < promptTokens.length; i++) {
      checkInteger(`promptTokens[${i}]`, promptTokens[i], 0, vocabSize - 1, ' (vocabSize - 1)');
    }
    checkInteger('maxTokens', maxTokens, 0);
    checkNumber('temperature', temperature, 0);
    checkNumber('topP', topP, Number.MIN_VALUE, 1);
    checkInteger('seed', seed, 0, 4294967295);
    return this.#generate(Array.from(promptTokens), window, { maxTokens, temperature, topP, seed });
  }

  /**
   * @param {number[]} text
   * @param {number} window most tokens that are read again
   * @param {{ maxTokens: number, temperature: number, topP: number, seed: number }} options
   * @returns {Generator<GeneratedToken, void, void>}
   */
  *#generate(text, window, { maxTokens, temperature, topP, seed }) {
    const { core } = this;
    const session = core.nextSession();
    let state = BigInt(seed);
    let known = text;
    for (let i = 0; i < maxTokens; i++) {
      const address = this.address;
      this.prepare();
      const ours = core.call('generation_session', address) === session;
      if (!ours || core.call('generation_stale', address)) {
        // The first token, or the cache holds another text, or the parameters have changed.
        core.call('generation_begin', address, session);
        this.#feed(known);
      }
      const drawn = core.sample(address, { temperature, topP }, state);
      const { token } = drawn;
      state = drawn.state;
      this.#feed([token]);
      if (known.length > 2 * window) known = known.slice(-window);
      known.push(token);
      yield { token, routing: this.routing() };
    }
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

  /** @protected @override */
  contextTensors() {
    const { length, batch, layers } = this.saveMemory();
    if (length === 0) return [];
    const shape = [batch, length, this.config.dModel];
    return layers.map((data, layer) => ({ name: `state.memory.${layer}`, shape, data }));
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
