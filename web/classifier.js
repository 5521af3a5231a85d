import { checkIds, checkKeys, checkOptions, refuseLength, toIntegers } from './check.js';
import { Batches, evaluateVectors } from './data.js';
import { isStream } from './data-stream.js';
import { INPUT, optionsOf } from './options.js';
import { readClassWeights, splitParts, withParts } from './parts.js';
import { recordOf } from './run.js';
import { isSource, sourceOf, train } from './training.js';
import { VectorModel } from './vector-model.js';

/**
 * @typedef {object} Batch
 * A batch of n vectors.
 *
 * @property {Numbers} inputs [n, inputSize], finite
 * @property {Ids} targets [n] class ids
 */

/** @import { VectorEvaluation } from './data.js' */
/** @import { Training } from './training.js' */
/** @import { ClassWeights, Complete, ClassifierConfig, Floats, HeadRate, Ids, Numbers, Source, StepOptions, StreamOf, TrainOptions, TrainProgress } from './types.js' */

/**
 * A classifier of vectors whose layers are mixtures of experts. Created by `engine.createClassifier()` or
 * `engine.loadCheckpoint()`.
 * @extends {VectorModel<Complete<ClassifierConfig>, Batch & ClassWeights, StepOptions & HeadRate>}
 */
export class Classifier extends VectorModel {
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
    return this.predictRows(inputs, this.config.classes, 'probabilities');
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
    const probed = probe === undefined ? undefined : this.readProbe(probe, probeClasses, 'probeClasses');
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
      measure: probed && (() => this.measureProbe(probed)),
    });
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
    const vectors = this.readVectors(`${prefix}inputs`, inputs, most);
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
    return this.putVectors(inputs);
  }
}
