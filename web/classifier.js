import { checkArray, checkClasses, checkIds, checkObject, refuse, refuseLength } from './check.js';
import { Batches, evaluateVectors } from './data.js';
import { Model } from './model.js';
import { ProbeHistory } from './probe-history.js';
import { isSource, train } from './training.js';

/**
 * @typedef {object} Batch
 * A batch of n vectors.
 *
 * @property {Float32Array} inputs [n, inputSize], finite
 * @property {Int32Array} targets [n] class ids
 */

/** @import { VectorEvaluation } from './data.js' */
/** @import { LayerMeasures } from './measures.js' */
/** @import { ClassifierConfig, Source, TrainOptions, TrainProgress } from './types.js' */

/**
 * A classifier of vectors whose layers are mixtures of experts. Created by `engine.createClassifier()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Required<ClassifierConfig>, Batch>}
 */
export class Classifier extends Model {
  #probes = new ProbeHistory();

  /**
   * Class probabilities.
   * @param {Float32Array} inputs [n, inputSize], n up to batchSize
   * @returns {Float32Array} [n, classes]
   * @throws {TypeError | RangeError} naming the argument
   */
  predict(inputs) {
    const { batch } = this.#putVectors(inputs);
    this.prepare();
    return this.core.predict(this.address, batch);
  }

  /**
   * Trains on vectors in batches of batchSize, reshuffled each epoch.
   *
   *     for await (const { step, loss } of model.train({ inputs, targets }, { steps: 500 })) console.log(step, loss);
   *
   * Yields to the event loop between steps, and stops when you leave the loop.
   * @param {Batch | Source<Batch & { epoch?: number }>} data any number of vectors, or a source of the batch of each
   *   step
   * @param {TrainOptions<Batch, Batch | Float32Array>} options `steps` is required
   * @returns {AsyncGenerator<TrainProgress<VectorEvaluation>, void, void>}
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options) {
    const { validation, probe, probeClasses, signal, seed } = checkObject('options', options) && options;
    const { batchSize } = this.config;
    if (!isSource(data)) this.#checkData('data.', checkObject('data', data) && data);
    if (validation !== undefined) {
      this.#checkData('validation.', checkObject('validation', validation) && validation);
    }
    if (probe !== undefined) this.#readProbe(probe, probeClasses, 'probeClasses');
    return train(this, options, {
      source: isSource(data) ? data : new Batches(data, { batchSize, seed }),
      validate: validation && (() => evaluateVectors(this, validation, { signal })),
      measure: probe && (() => this.measure(probe, { classes: probeClasses })),
    });
  }

  /**
   * Routing metrics of the vectors of a probe, with the current `topK`; see `LayerMeasures`. Afterwards `routing()` and
   * `logits()` are those of the last part of the probe. The routing of a probe is remembered, so that the next
   * measurement of the same probe has a switch rate.
   * @param {Partial<Batch> | Float32Array} probe [N, inputSize]; its targets, if any, are the classes
   * @param {{ classes?: Int32Array }} [options] classes: [N] the class of each vector, for `specialisation`
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { inputs, classes } = this.#readProbe(
      probe,
      (checkObject('options', options) && options).classes,
      'classes',
    );
    const { inputSize, batchSize, experts: count } = this.config;
    const passes = [];
    for (let start = 0; start < inputs.length; start += batchSize * inputSize) {
      this.predict(inputs.slice(start, start + batchSize * inputSize));
      passes.push({ routing: this.routing(), similarity: this.expertSimilarity() });
    }
    return this.#probes.measure(inputs, passes, { count, topK: this.topK, classes });
  }

  /**
   * @param {Partial<Batch> | Float32Array} probe
   * @param {Int32Array | undefined} given classes
   * @param {string} name of the classes
   */
  #readProbe(probe, given, name) {
    const { inputs, targets } =
      probe instanceof Float32Array ? { inputs: probe } : checkObject('probe', probe);
    const count = this.#countVectors('probe.inputs', inputs);
    const classes = /** @type {Int32Array | undefined} */ (given ?? targets);
    if (classes !== undefined) checkClasses(given ? name : 'probe.targets', classes, count);
    return { inputs: /** @type {Float32Array} */ (inputs), classes };
  }

  /**
   * @param {string} name
   * @param {unknown} given
   * @param {number} [most]
   * @returns {number} number of vectors
   */
  #countVectors(name, given, most = Infinity) {
    const inputs = checkArray(name, given, Float32Array);
    const { inputSize } = this.config;
    const count = inputs.length / inputSize;
    if (count === 0 || !Number.isInteger(count) || count > most) {
      const range = most === Infinity ? '' : `, n from 1 to ${most} (batchSize)`;
      refuseLength(name, `n x ${inputSize} numbers (inputSize)${range}`, inputs);
    }
    const bad = inputs.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) refuse(`${name}[${bad}]`, 'a finite number', inputs[bad]);
    return count;
  }

  /**
   * @param {string} prefix of the names
   * @param {Batch} data
   * @param {number} [most]
   */
  #checkData(prefix, { inputs, targets }, most) {
    const count = this.#countVectors(`${prefix}inputs`, inputs, most);
    const name = `${prefix}targets`;
    const ids = checkArray(name, targets, Int32Array);
    if (ids.length !== count) refuseLength(name, `one number for each of the ${count} inputs`, ids);
    checkIds(name, ids, this.config.classes);
  }

  /**
   * @protected
   * @override
   * @param {Batch} batch
   */
  put(batch) {
    checkObject('batch', batch);
    const { address, core } = this;
    this.#checkData('', batch, this.config.batchSize);
    core.putIds(address, 'target', batch.targets);
    return this.#putVectors(batch.inputs);
  }

  /** @param {Float32Array} inputs */
  #putVectors(inputs) {
    const batch = this.#countVectors('inputs', inputs, this.config.batchSize);
    this.core.putFeatures(this.address, inputs);
    return { batch, length: 1, carryMemory: false };
  }
}
