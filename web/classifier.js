import { checkArray, checkClasses, checkIds, checkObject } from './check.js';
import { Batches, evaluateVectors, vectorSize } from './data.js';
import { Looks } from './looks.js';
import { Model } from './model.js';
import { isSource, train } from './training.js';

/**
 * A batch of n vectors.
 * @typedef {object} Batch
 * @property {Float32Array} inputs [n, inputSize], finite
 * @property {Int32Array} targets [n] class ids
 */

/** @import { VectorEvaluation } from './data.js' */
/** @import { StepOptions } from './language-model.js' */
/** @import { LayerMeasures } from './measures.js' */
/** @import { Source, TrainOptions, TrainProgress } from './training.js' */
/** @import { ClassifierConfig } from './types.js' */

/**
 * A classifier of vectors, whose layers are mixtures of experts. Made by `engine.createClassifier()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>>}
 */
export class Classifier extends Model {
  #looks = new Looks();

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
   * Trains on vectors in batches of batchSize, in a new order at each pass.
   *
   *     for await (const { step, loss } of model.train({ inputs, targets }, { steps: 500 })) console.log(step, loss);
   *
   * Gives way to the event loop between steps, and stops when the loop over it is left.
   * @param {Batch | Source<Batch & { epoch?: number }>} data any number of vectors, or what gives the batch of each step
   * @param {TrainOptions<Batch, Batch | Float32Array>} options
   * @returns {AsyncGenerator<TrainProgress<VectorEvaluation>, void, void>}
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options) {
    const { validation, probe, probeClasses, signal, seed } = checkObject('options', options) && options;
    const { batchSize } = this.config;
    if (!isSource(data)) this.#checkVectors('data', data);
    if (validation !== undefined) this.#checkVectors('validation', validation);
    if (probe !== undefined) this.#readProbe(probe, probeClasses, 'probeClasses');
    return train(this, options, {
      source: isSource(data) ? data : new Batches(data, { batchSize, seed }),
      validate: validation && (() => evaluateVectors(this, validation, { signal })),
      measure: probe && (() => this.measure(probe, { classes: probeClasses })),
    });
  }

  /**
   * What the routing of vectors is measured by, with `topK` as it is now; see `LayerMeasures`. `routing()` and `logits()`
   * are of the last part of the probe then. A probe is remembered, so that the next look at it gives the switch rate.
   * @param {Partial<Batch> | Float32Array} probe [N, inputSize]; with targets, these are the classes
   * @param {{ classes?: Int32Array }} [options] classes: [N] the class of each vector, for `specialisation`
   * @returns {LayerMeasures[]} one entry a layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { inputs, classes } = this.#readProbe(probe, options.classes, 'classes');
    const { inputSize, batchSize, experts: count } = this.config;
    const passes = [];
    for (let start = 0; start < inputs.length; start += batchSize * inputSize) {
      this.predict(inputs.slice(start, start + batchSize * inputSize));
      passes.push({ routing: this.routing(), similarity: this.expertSimilarity() });
    }
    return this.#looks.measure(inputs, passes, { count, topK: this.topK, classes });
  }

  /**
   * @param {Partial<Batch> | Float32Array} probe
   * @param {Int32Array | undefined} given classes
   * @param {string} name of the classes
   */
  #readProbe(probe, given, name) {
    const { inputSize } = this.config;
    const { inputs, targets } =
      probe instanceof Float32Array ? { inputs: probe } : checkObject('probe', probe);
    const vectors = checkArray('probe.inputs', inputs, Float32Array);
    if (vectors.length === 0 || vectors.length % inputSize !== 0) {
      throw new RangeError(
        `probe.inputs must have n x ${inputSize} numbers (inputSize), got ${vectors.length}`,
      );
    }
    checkFinite('probe.inputs', vectors);
    const classes = given ?? targets;
    if (classes !== undefined) {
      checkClasses(given ? name : 'probe.targets', classes, vectors.length / inputSize);
    }
    return { inputs: vectors, classes: /** @type {Int32Array | undefined} */ (classes) };
  }

  /**
   * @param {string} name
   * @param {Batch} data
   */
  #checkVectors(name, data) {
    const { inputSize, classes } = this.config;
    const size = vectorSize(data);
    if (size !== inputSize) {
      throw new RangeError(`${name}.inputs must have ${inputSize} numbers a target (inputSize), got ${size}`);
    }
    checkFinite(`${name}.inputs`, data.inputs);
    checkIds(`${name}.targets`, data.targets, classes);
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
    checkFinite('inputs', features);
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

/**
 * @param {string} name
 * @param {Float32Array} values
 */
function checkFinite(name, values) {
  let bad = 0;
  while (bad < values.length && Number.isFinite(values[bad])) bad++;
  if (bad < values.length)
    throw new RangeError(`${name}[${bad}] must be a finite number, got ${values[bad]}`);
}
