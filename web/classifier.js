import { checkArray, checkIds, checkObject, Model } from './model.js';

/**
 * A batch of n vectors.
 * @typedef {object} Batch
 * @property {Float32Array} inputs [n, inputSize], finite
 * @property {Int32Array} targets [n] class ids
 */

/** @import { StepOptions } from './language-model.js' */
/** @import { ClassifierConfig } from './types.js' */

/**
 * A classifier of vectors, whose layers are mixtures of experts. Made by `engine.createClassifier()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>>}
 */
export class Classifier extends Model {
  /**
   * Mean cross-entropy, without dropout and gradient.
   * @param {Batch} batch
   * @returns {{ loss: number }} nats per vector
   * @throws {TypeError | RangeError} naming the argument; nothing was changed
   */
  evaluate(batch) {
    const { loss } = this.run('evaluate', this.#put(batch, true));
    return { loss };
  }

  /**
   * Fills the gradients (`parameters()[i].grad`) and takes no step. With dropout, where it is configured.
   * @param {Batch} batch
   * @returns {{ loss: number, gradNorm: number, auxiliaryLoss: number }} nats per vector; the norm over all gradients;
   *   the weighted load-balancing and z-loss, which are not in `loss`
   */
  gradients(batch) {
    const { loss, gradNorm, auxiliary } = this.run('gradients', this.#put(batch, true));
    return { loss, gradNorm, auxiliaryLoss: auxiliary };
  }

  /**
   * One step of Adam.
   * @param {Batch & StepOptions} options
   * @returns {{ loss: number, gradNorm: number, auxiliaryLoss: number }} as `gradients`; gradNorm is before clipping
   * @throws {DivergedError} the loss or the gradient is not finite; parameters are unchanged
   */
  trainStep(options) {
    checkObject('options', options);
    const step = this.checkStep(options);
    const { loss, gradNorm, auxiliary } = this.run('train_step', this.#put(options, true), ...step);
    return { loss, gradNorm, auxiliaryLoss: auxiliary };
  }

  /**
   * Class probabilities.
   * @param {Float32Array} inputs [n, inputSize], n up to batchSize
   * @returns {Float32Array} [n, classes]
   */
  predict(inputs) {
    const { batch } = this.#put({ inputs }, false);
    this.core.call('model_predict', this.address, batch, 1, 0);
    const count = batch * this.config.classes;
    return this.core.floats(this.core.address('model_probabilities', this.address), count).slice();
  }

  /**
   * Checks a batch and copies it into the engine.
   * @param {Partial<Batch>} given
   * @param {boolean} withTargets
   */
  #put(given, withTargets) {
    const { inputs, targets } = checkObject('batch', given);
    const address = this.address;
    const { inputSize, batchSize, classes } = this.config;
    const features = checkArray('inputs', inputs, Float32Array);
    const batch = features.length / inputSize;
    if (features.length === 0 || !Number.isInteger(batch) || batch > batchSize) {
      throw new RangeError(
        `inputs must have n x ${inputSize} numbers (inputSize), n from 1 to ${batchSize} (batchSize); got ${features.length}`,
      );
    }
    let bad = 0;
    while (bad < features.length && Number.isFinite(features[bad])) bad++;
    if (bad < features.length) throw new RangeError(`inputs[${bad}] must be a finite number, got ${features[bad]}`);
    if (withTargets) {
      const ids = checkArray('targets', targets, Int32Array);
      if (ids.length !== batch) {
        throw new RangeError(
          `targets must have one number for each of the ${batch} inputs, got ${ids.length}`,
        );
      }
      checkIds('targets', ids, classes);
      this.core.integers(this.core.address('model_target_buffer', address), batch).set(ids);
    }
    this.core.floats(this.core.address('model_feature_buffer', address), features.length).set(features);
    return { batch, length: 1, carryMemory: false };
  }
}
