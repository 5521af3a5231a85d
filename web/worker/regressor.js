import { Model } from './model.js';

/** @import { LayerMeasures } from '../measures.js' */
/** @import { RegressionData, RegressionEvaluation, TargetScale } from '../regression.js' */
/** @import { Training } from '../training.js' */
/** @import { Complete, Floats, HeadRate, Ids, Numbers, RegressorConfig, Source, StepOptions, StreamOf, TrainOptions, TrainProgress } from '../types.js' */
/** @import { CallOptions } from './engine.js' */

/**
 * A regressor of vectors in a worker. Created by `engine.createRegressor()` or `engine.loadCheckpoint()`.
 * @extends {Model<Complete<RegressorConfig>, RegressionData, StepOptions & HeadRate>}
 */
export class Regressor extends Model {
  /**
   * Mean and standard deviation of each output by which targets are standardised; null: they are not.
   * @returns {Promise<TargetScale | null>}
   */
  targetScale() {
    return this.call('targetScale', []);
  }

  /**
   * Sets the scale of the targets.
   * @param {Numbers} targets [n, outputs] of the training data, finite
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<TargetScale>}
   */
  fitTargets(targets, options) {
    return this.call('fitTargets', [targets], options);
  }

  /**
   * Predictions of any number of vectors.
   * @param {Numbers} inputs [n, inputSize]
   * @param {CallOptions} [options] options of the call
   * @returns {Promise<Floats>} [n, outputs], in the units of the targets
   */
  predict(inputs, options) {
    return this.call('predict', [inputs], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress event and the request for the next: choose a large
   * `every`. Other calls of the model are executed between two steps.
   * @param {RegressionData | Source<RegressionData & { epoch?: number | undefined }> | StreamOf<RegressionData>} data
   *   any number of vectors with their targets, a source of the batch of each step, or a stream of batches
   * @param {TrainOptions<RegressionData, Partial<RegressionData> | Numbers> & HeadRate & CallOptions} [options] how to train
   * @returns {Training<TrainProgress<RegressionEvaluation>>} progress events; `await` trains to the end and gives the last
   *   one. Arguments are checked when the first is requested
   */
  train(data, options = {}) {
    return this.training(data, options);
  }

  /**
   * Routing metrics of the vectors of a probe.
   * @param {Partial<RegressionData> | Numbers} probe [N, inputSize]
   * @param {{ classes?: Ids | undefined } & CallOptions} [options] classes: [N] the class of each vector
   * @returns {Promise<LayerMeasures[]>} one entry per layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
