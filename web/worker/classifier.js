import { Model } from './model.js';

/** @import { MeasureOptions } from '../option-types.js' */
/** @import { Batch } from '../classifier.js' */
/** @import { VectorEvaluation } from '../data.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { Training } from '../training.js' */
/** @import { ClassifierConfig, ClassWeights, Complete, Floats, HeadRate, Ids, Numbers, Source, StepOptions, StreamOf, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A classifier of vectors in a worker. Created by `engine.createClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Complete<ClassifierConfig>, Batch & ClassWeights, StepOptions & HeadRate>}
 */
export class Classifier extends Model {
  /**
   * Class probabilities of any number of vectors.
   * @param {Numbers} inputs [n, inputSize]
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Floats>} [n, classes]
   */
  predict(inputs, options) {
    return this.call('predict', [inputs], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress event and the request for the next: choose a large
   * `every`. Other calls of the model are executed between two steps.
   * @param {Batch | Source<Batch & { epoch?: number | undefined }> | StreamOf<Batch>} data any number of vectors, a source of
   *   the batch of each step, or a stream of batches
   * @param {TrainOptions<Batch, Partial<Batch> | Numbers> & HeadRate & ClassWeights & CallOptions} [options] how to train
   * @returns {Training<TrainProgress<VectorEvaluation>>} progress events; `await` trains to the end and gives the last one.
   *   Arguments are checked when the first is requested
   */
  train(data, options = {}) {
    return this.training(data, options);
  }

  /**
   * Routing metrics of the vectors of a probe.
   * @param {Partial<Batch> | Numbers} probe [N, inputSize]; its targets, if any, are the classes
   * @param {MeasureOptions & CallOptions} [options] classes of the vectors
   * @returns {Promise<LayerMeasures[]>} one entry per layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
