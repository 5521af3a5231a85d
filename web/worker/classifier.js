import { Model, tabulate } from './model.js';

/** @import { Batch } from '../classifier.js' */
/** @import { VectorEvaluation } from '../data.js' */
/** @import { StepOptions } from '../language-model.js' */
/** @import { LayerMeasures } from '../measures.js' */
/** @import { TrainOptions, TrainProgress } from '../training.js' */
/** @import { ClassifierConfig } from '../types.js' */
/** @import { CallOptions } from './connection.js' */

/**
 * A classifier of vectors in a worker. Made by `engine.createClassifier()` or `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>>}
 */
export class Classifier extends Model {
  /**
   * Mean cross-entropy, without dropout and gradient.
   * @param {Batch & CallOptions} batch
   * @returns {Promise<{ loss: number }>} nats per vector
   */
  evaluate(batch) {
    return this.callWith('evaluate', [], batch);
  }

  /**
   * Fills the gradients and takes no step.
   * @param {Batch & CallOptions} batch
   * @returns {Promise<{ loss: number, gradNorm: number, auxiliaryLoss: number }>}
   */
  gradients(batch) {
    return this.callWith('gradients', [], batch);
  }

  /**
   * One step of Adam.
   * @param {Batch & StepOptions & CallOptions} options
   * @returns {Promise<{ loss: number, gradNorm: number, auxiliaryLoss: number }>}
   */
  trainStep(options) {
    return this.callWith('trainStep', [], options);
  }

  /**
   * Class probabilities.
   * @param {Float32Array} inputs [n, inputSize], n up to batchSize
   * @param {CallOptions} [options]
   * @returns {Promise<Float32Array>} [n, classes]
   */
  predict(inputs, options) {
    return this.call('predict', [inputs], options);
  }

  /**
   * Trains in the worker. Nothing is computed between a progress and the request for the next: take `every` large enough.
   * Other calls of the model are done between two steps.
   * @param {Batch} data any number of vectors
   * @param {TrainOptions<Batch, Batch | Float32Array> & CallOptions} options
   * @returns {AsyncGenerator<TrainProgress<VectorEvaluation>, void, void>} arguments are refused when the first progress
   *   is asked for
   */
  train(data, options) {
    const prepare = async () => {
      await this.call('state', []);
      return [data, tabulate(options, this.step)];
    };
    return this.stream('train', prepare, options);
  }

  /**
   * What the routing of vectors is measured by.
   * @param {Partial<Batch> | Float32Array} probe with targets, these are the classes
   * @param {{ classes?: Int32Array } & CallOptions} [options]
   * @returns {Promise<LayerMeasures[]>} one entry a layer
   */
  measure(probe, options = {}) {
    return this.callWith('measure', [probe], options);
  }
}
