import { divide, Model } from './model.js';

/** @import { GeneratedToken, SavedMemory, Segment } from '../language-model.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { Evaluation } from '../text.js' */
/** @import { LanguageConfig, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A Transformer-XL language model in a worker. Made by `engine.createLanguageModel()` or `engine.loadCheckpoint()`.
 * @extends {Model<Required<LanguageConfig>, Segment>}
 */
export class LanguageModel extends Model {
  /**
   * Trains in the worker. Nothing is computed between a progress and the request for the next: take `every` large enough.
   * Other calls of the model are done between two steps.
   * @param {Int32Array} data tokens
   * @param {TrainOptions<Int32Array, Int32Array> & CallOptions} options steps at least
   * @returns {AsyncGenerator<TrainProgress<Evaluation>, void, void>} arguments are refused when the first progress is
   *   asked for
   */
  train(data, options) {
    return this.training(data, options);
  }

  /**
   * What the routing of a text is measured by; the memory of training stays as it is.
   * @param {Int32Array} probe [N] tokens
   * @param {{ classes?: Int32Array } & CallOptions} [options] classes: [N] the class of each token
   * @returns {Promise<LayerMeasures[]>} one entry a layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }

  /**
   * Empties the memory: the next call starts as if nothing had come before.
   * @returns {Promise<void>}
   */
  resetMemory() {
    return this.call('resetMemory', []);
  }

  /**
   * A copy of the memory, for `restoreMemory`.
   * @returns {Promise<SavedMemory>}
   */
  saveMemory() {
    return this.call('saveMemory', []);
  }

  /**
   * Puts a memory back.
   * @param {SavedMemory} saved by `saveMemory` of a model of the same sizes
   * @param {CallOptions} [options] of the call
   * @returns {Promise<void>}
   */
  restoreMemory(saved, options) {
    return this.call('restoreMemory', [saved], options);
  }

  /**
   * Continues a text, token by token. The next token is computed when it is asked for.
   * @param {Int32Array | number[]} promptTokens at least one
   * @param {{ maxTokens?: number, temperature?: number, topP?: number, seed?: number } & CallOptions} [options] as outside of
   *   a worker
   * @returns {AsyncGenerator<GeneratedToken, void, void>}
   */
  generate(promptTokens, options = {}) {
    return this.stream('generate', async () => [promptTokens, divide(options)[0]], options);
  }
}
