import { Model } from './model.js';

/** @import { Batch } from '../classifier.js' */
/** @import { VectorEvaluation } from '../data.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { ClassifierConfig, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A classifier of vectors in a worker. Created by `engine.createClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>, Batch>}
 */
export class Classifier extends Model {
  /**
   * Class probabilities.
   * @param {Float32Array} inputs [n, inputSize], n up to batchSize
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Float32Array>} [n, classes]
   */
  predict(inputs, options) {
    return this.call('predict', [inputs], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress event and the request for the next: choose a large
   * `every`. Other calls of the model are executed between two steps.
   * @param {Batch} data any number of vectors
   * @param {TrainOptions<Batch, Batch | Float32Array> & CallOptions} options `steps` is required
   * @returns {AsyncGenerator<TrainProgress<VectorEvaluation>, void, void>} arguments are checked when the first
   *   progress event is requested
   */
  train(data, options) {
    return this.training(data, options);
  }

  /**
   * Routing metrics of the vectors of a probe.
   * @param {Partial<Batch> | Float32Array} probe [N, inputSize]; its targets, if any, are the classes
   * @param {{ classes?: Int32Array } & CallOptions} [options] classes: [N] the class of each vector
   * @returns {Promise<LayerMeasures[]>} one entry per layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
