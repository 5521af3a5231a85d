import {
  checkClasses,
  checkFinite,
  checkIds,
  checkKeys,
  checkOptions,
  refuseLength,
  toFloats,
  toIntegers,
  typedArrayName,
} from './check.js';
import { Batches, evaluateVectors } from './data.js';
import { isStream } from './data-stream.js';
import { Model } from './model.js';
import { INPUT, OPTIONS, optionsOf } from './options.js';
import { readClassWeights, splitParts, withParts } from './parts.js';
import { ProbeHistory } from './probe-history.js';
import { recordOf } from './run.js';
import { isSource, sourceOf, train } from './training.js';

/**
 * @typedef {object} Batch
 * A batch of n vectors.
 *
 * @property {Numbers} inputs [n, inputSize], finite
 * @property {Ids} targets [n] class ids
 */

/** @import { MeasureOptions } from './option-types.js' */
/** @import { VectorEvaluation } from './data.js' */
/** @import { LayerMeasures } from './measures.js' */
/** @import { Training } from './training.js' */
/** @import { ClassWeights, Complete, ClassifierConfig, Floats, HeadRate, Ids, Numbers, Source, StepOptions, StreamOf, TrainOptions, TrainProgress } from './types.js' */

/**
 * A classifier of vectors whose layers are mixtures of experts. Created by `engine.createClassifier()` or
 * `engine.loadCheckpoint()`.
 * @extends {Model<Complete<ClassifierConfig>, Batch & ClassWeights, StepOptions & HeadRate>}
 */
export class Classifier extends Model {
  #probes = new ProbeHistory();

  /** The kind of model. @override */
  get kind() {
    return /** @type {const} */ ('classifier');
  }

  /**
   * Class probabilities of any number of vectors. Afterwards `routing()` and `logits()` are those of the last batchSize of
   * them, or what is left for the last batch.
   * @param {Numbers} inputs [n, inputSize]
   * @returns {Floats} [n, classes]
   * @throws {TypeError | RangeError} naming the argument
   */
  predict(inputs) {
    const vectors = this.#readVectors('inputs', inputs);
    const { inputSize, batchSize, classes } = this.config;
    const probabilities = new Float32Array((vectors.length / inputSize) * classes);
    for (let start = 0; start * inputSize < vectors.length; start += batchSize) {
      const batch = this.#putVectors(vectors.slice(start * inputSize, (start + batchSize) * inputSize));
      this.prepare();
      probabilities.set(this.core.predict(this.address, batch), start * classes);
    }
    return probabilities;
  }

  /**
   * Trains on vectors in batches of batchSize, reshuffled each epoch.
   *
   *     for await (const { step, loss } of model.train({ inputs, targets }, { steps: 500 })) console.log(step, loss);
   *
   * Yields to the event loop between steps, and stops when you leave the loop.
   * @param {Batch | Source<Batch & { epoch?: number | undefined }> | StreamOf<Batch>} data any number of vectors, a source of
   *   the batch of each step, or a stream of batches
   * @param {TrainOptions<Batch, Partial<Batch> | Numbers> & HeadRate & ClassWeights} [options] how to train
   * @returns {Training<TrainProgress<VectorEvaluation>>} progress events; `await` trains to the end and gives the last one
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options = {}) {
    const given = checkOptions('train', options, optionsOf(this.kind, 'train'));
    const { validation, probe, probeClasses, signal } = given;
    const { batchSize, classes } = this.config;
    const vectors = isSource(data) || isStream(data) ? undefined : this.#readData('data', data);
    const held = validation === undefined ? undefined : this.#readData('validation', validation);
    const probed = probe === undefined ? undefined : this.#readProbe(probe, probeClasses, 'probeClasses');
    return train(this, splitParts(/** @type {typeof options} */ (given), classes), {
      adapt: withParts,
      source: vectors
        ? ({ seed }) => new Batches(vectors, { batchSize, seed })
        : sourceOf(/** @type {any} */ (data), { batchSize }),
      data:
        vectors &&
        recordOf('vectors', [vectors.inputs, vectors.targets], vectors.targets.length, {
          batchSize,
          length: 1,
        }),
      validate: held && (() => evaluateVectors(this, held, { signal })),
      measure: probed && (() => this.#measure(probed)),
    });
  }

  /**
   * Routing metrics of the vectors of a probe, with the current `topK`; see `LayerMeasures`. Afterwards `routing()` and
   * `logits()` are those of the last part of the probe. The routing of a probe is remembered, so that the next
   * measurement of the same probe has a switch rate.
   * @param {Partial<Batch> | Numbers} probe [N, inputSize]; its targets, if any, are the classes
   * @param {MeasureOptions} [options] classes of the vectors
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { classes } = checkOptions('measure', options, OPTIONS.measure);
    return this.#measure(this.#readProbe(probe, classes, 'classes'));
  }

  /** @param {{ inputs: Float32Array, classes: Int32Array | undefined }} probe */
  #measure({ inputs, classes }) {
    const { inputSize, batchSize, experts: count } = this.config;
    const passes = [];
    for (let start = 0; start < inputs.length; start += batchSize * inputSize) {
      this.predict(inputs.slice(start, start + batchSize * inputSize));
      passes.push({ routing: this.routing(), similarity: this.expertSimilarity() });
    }
    return this.#probes.measure(inputs, passes, { count, topK: this.topK, classes });
  }

  /**
   * @param {unknown} probe
   * @param {unknown} given classes
   * @param {string} name of the classes
   */
  #readProbe(probe, given, name) {
    const vectors = Array.isArray(probe) || typedArrayName(probe) === 'Float32Array';
    const { inputs, targets } = vectors
      ? { inputs: probe, targets: undefined }
      : checkKeys('probe', 'a probe', probe, INPUT.classifier);
    const numbers = this.#readVectors('probe.inputs', inputs);
    const count = numbers.length / this.config.inputSize;
    const ids = given ?? targets;
    const classes = ids && checkClasses(given ? name : 'probe.targets', ids, count);
    return { inputs: numbers, classes };
  }

  /**
   * @param {string} name
   * @param {unknown} given
   * @param {number} [most]
   */
  #readVectors(name, given, most = Infinity) {
    const { inputSize } = this.config;
    const inputs = toFloats(name, given, inputSize);
    const count = inputs.length / inputSize;
    if (count === 0 || !Number.isInteger(count) || count > most) {
      const range = most === Infinity ? '' : `, n from 1 to ${most} (batchSize)`;
      refuseLength(name, `n x ${inputSize} numbers (inputSize)${range}`, inputs);
    }
    return checkFinite(name, inputs);
  }

  /**
   * @param {string} name
   * @param {unknown} data
   */
  #readData(name, data) {
    return this.#readBatch(`${name}.`, checkKeys(name, 'data of a classifier', data, INPUT.classifier));
  }

  /**
   * @param {string} prefix of the names
   * @param {{ inputs?: unknown, targets?: unknown }} data read once: a getter may give something else the next time
   * @param {number} [most]
   */
  #readBatch(prefix, { inputs, targets }, most) {
    const vectors = this.#readVectors(`${prefix}inputs`, inputs, most);
    const count = vectors.length / this.config.inputSize;
    const name = `${prefix}targets`;
    const ids = toIntegers(name, targets);
    if (ids.length !== count) refuseLength(name, `one number for each of the ${count} inputs`, ids);
    checkIds(name, ids, this.config.classes);
    return { inputs: vectors, targets: ids };
  }

  /**
   * @protected
   * @override
   * @param {Batch & ClassWeights} batch
   */
  put({ inputs: given, targets: ids, classWeights }) {
    const { address, core, config } = this;
    const { inputs, targets } = this.#readBatch('', { inputs: given, targets: ids }, config.batchSize);
    const weights = readClassWeights(classWeights, config.classes);
    core.putIds(address, 'target', targets);
    core.setClassWeights(address, weights);
    return this.#putVectors(inputs);
  }

  /** @param {Float32Array} inputs checked */
  #putVectors(inputs) {
    this.core.putFeatures(this.address, inputs);
    return { batch: inputs.length / this.config.inputSize, length: 1, carryMemory: false };
  }
}
