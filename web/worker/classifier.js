import { Model } from './model.js';

/** @import { Batch } from '../classifier.js' */
/** @import { VectorEvaluation } from '../data.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { ClassifierConfig, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A classifier of vectors in a worker. Made by `engine.createClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>, Batch>}
 */
export class Classifier extends Model {
  /**
   * Class probabilities.
   * @param {Float32Array} inputs [n, inputSize], n up to batchSize
   * @param {CallOptions} [options] of the call
   * @returns {Promise<Float32Array>} [n, classes]
   */
  predict(inputs, options) {
    return this.call('predict', [inputs], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress and the request for the next: take `every` large enough.
   * Other calls of the model are done between two steps.
   * @param {Batch} data any number of vectors
   * @param {TrainOptions<Batch, Batch | Float32Array> & CallOptions} options steps at least
   * @returns {AsyncGenerator<TrainProgress<VectorEvaluation>, void, void>} arguments are refused when the first progress
   *   is asked for
   */
  train(data, options) {
    return this.training(data, options);
  }

  /**
   * What the routing of vectors is measured by.
   * @param {Partial<Batch> | Float32Array} probe with targets, these are the classes
   * @param {{ classes?: Int32Array } & CallOptions} [options] classes: [N] the class of each vector
   * @returns {Promise<LayerMeasures[]>} one entry a layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
