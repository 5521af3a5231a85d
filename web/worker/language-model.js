import { refuseAsList } from '../task.js';
import { Model, splitOptions } from './model.js';

/** @import { GenerateOptions, MeasureOptions } from '../option-types.js' */
/** @import { GeneratedToken, SavedMemory, Segment } from '../language-model.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { Evaluation } from '../text.js' */
/** @import { Training } from '../training.js' */
/** @import { Complete, Floats, Ids, LanguageConfig, Source, StreamOf, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A Transformer-XL language model in a worker. Created by `engine.createLanguageModel()` or `engine.loadCheckpoint()`.
 * @extends {Model<Complete<LanguageConfig>, Segment>}
 */
export class LanguageModel extends Model {
  /**
   * Trains in the worker. Nothing is computed between a progress event and the request for the next: choose a large
   * `every`. Other calls of the model are executed between two steps.
   * @param {Ids | Source<Segment & { epoch?: number | undefined }> | StreamOf<Segment | Ids | Uint8Array>} data tokens, a source
   *   of the segment of each step, or a stream of segments or of pieces of a text
   * @param {TrainOptions<Ids, Ids> & CallOptions} [options] how to train
   * @returns {Training<TrainProgress<Evaluation>>} progress events; `await` trains to the end and gives the last one.
   *   Arguments are checked when the first is requested
   */
  train(data, options = {}) {
    return this.training(data, options);
  }

  /**
   * Routing metrics of the text of a probe. The memory of training is not affected.
   * @param {Ids} probe [N] tokens
   * @param {MeasureOptions & CallOptions} [options] classes of the tokens
   * @returns {Promise<LayerMeasures[]>} one entry per layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }

  /**
   * Clears the memory: the next call starts without context.
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
   * Restores a saved memory.
   * @param {SavedMemory} saved by `saveMemory` of a model of the same sizes
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<void>}
   */
  restoreMemory(saved, options) {
    return this.call('restoreMemory', [saved], options);
  }

  /**
   * Continues a text, token by token. The next token is computed when it is requested.
   * @param {Int32Array | readonly number[]} promptTokens at least one
   * @param {GenerateOptions & CallOptions} [options] as on the main thread
   * @returns {AsyncGenerator<GeneratedToken, void, void>}
   */
  generate(promptTokens, options = {}) {
    const prepare = () => ({ args: [promptTokens, splitOptions(options)[0]] });
    return refuseAsList(this.stream('generate', options, prepare), 'generate');
  }

  /**
   * Probabilities of the token that follows a text. The memory of training is not affected.
   * @param {Int32Array | readonly number[]} tokens the text, at least one token
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Floats>} [vocabSize]
   */
  next(tokens, options) {
    return this.call('next', [tokens], options);
  }
}
