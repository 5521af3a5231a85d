import { checkFinite, checkKeys, checkOptions, refuseLength } from './check.js';
import { SCALE_KEY } from './checkpoint/metadata.js';
import { Standardizer } from './data.js';
import { isStream } from './data-stream.js';
import { CheckpointError } from './errors.js';
import { INPUT, optionsOf } from './options.js';
import { splitParts, withParts } from './parts.js';
import { evaluateRegression, RegressionBatches } from './regression.js';
import { recordOf } from './run.js';
import { isSource, sourceOf, train } from './training.js';
import { VectorModel } from './vector-model.js';

/** @import { Checkpoint } from './checkpoint.js' */
/** @import { RegressionEvaluation, RegressionData, TargetScale } from './regression.js' */
/** @import { TrainedModel, Training } from './training.js' */
/** @import { Complete, Floats, HeadRate, Ids, Numbers, RegressorConfig, Source, StepOptions, StreamOf, TrainOptions, TrainProgress } from './types.js' */

/**
 * A regressor of vectors whose layers are mixtures of experts. Created by `engine.createRegressor()` or
 * `engine.loadCheckpoint()`.
 *
 * The loss is the mean squared error over vectors and outputs, of standardised targets: `train` scales each output to mean 0
 * and standard deviation 1 over its data when the model has not been trained yet, so that a loss of 1 is what the mean would
 * give. The scale is saved with the model. Targets and predictions are always in their own units.
 * @extends {VectorModel<Complete<RegressorConfig>, RegressionData, StepOptions & HeadRate>}
 */
export class Regressor extends VectorModel {
  /** @type {Standardizer | null} */
  #scale = null;

  /** The kind of model. @override */
  get kind() {
    return /** @type {const} */ ('regressor');
  }

  /**
   * Mean and standard deviation of each output by which targets are standardised; null: they are not.
   * @returns {TargetScale | null}
   */
  targetScale() {
    return this.#scale?.toJSON() ?? null;
  }

  /**
   * Sets the scale of the targets. `train` does so by itself for a model without steps or scale; a scale must not change
   * later.
   * @param {Numbers} targets [n, outputs] of the training data, finite
   * @returns {TargetScale} as `targetScale()`
   * @throws {TypeError | RangeError} naming the argument
   */
  fitTargets(targets) {
    const { outputs } = this.config;
    this.#scale = Standardizer.fit(this.readRows('targets', targets, outputs, 'outputs'), outputs);
    return this.#scale.toJSON();
  }

  /**
   * Predictions of any number of vectors. Afterwards `routing()` and `logits()` are those of the last batchSize of them, or
   * what is left for the last batch.
   * @param {Numbers} inputs [n, inputSize]
   * @returns {Floats} [n, outputs], in the units of the targets
   * @throws {TypeError | RangeError} naming the argument
   */
  predict(inputs) {
    const predictions = this.predictRows(inputs, this.config.outputs, 'logits');
    return this.#scale?.invert(predictions) ?? predictions;
  }

  /**
   * Trains on vectors in batches of batchSize, reshuffled each epoch.
   *
   *     for await (const { step, loss } of model.train({ inputs, targets }, { steps: 500 })) console.log(step, loss);
   *
   * Yields to the event loop between steps, and stops when you leave the loop.
   * @param {RegressionData | Source<RegressionData & { epoch?: number | undefined }> | StreamOf<RegressionData>} data any number
   *   of vectors with their targets, or a source of the batch of each step or a stream of batches, whose targets are only
   *   standardised after `fitTargets`
   * @param {TrainOptions<RegressionData, Partial<RegressionData> | Numbers> & HeadRate} [options] how to train
   * @returns {Training<TrainProgress<RegressionEvaluation>>} progress events; `await` trains to the end and gives the last one
   * @throws {TypeError | RangeError} at once, naming the argument
   * @throws {DivergedError} from the generator: the loss or the gradient is not finite; the parameters are those after
   *   the last good step
   */
  train(data, options = {}) {
    const given = checkOptions('train', options, optionsOf(this.kind, 'train'));
    const { validation, probe, probeClasses, signal } = given;
    const { inputSize, outputs, batchSize } = this.config;
    const rest = splitParts(/** @type {typeof options} */ (given));
    const pairs = isSource(data) || isStream(data) ? undefined : this.#readData('data', data);
    const held = validation === undefined ? undefined : this.#readData('validation', validation);
    const probed = probe === undefined ? undefined : this.readProbe(probe, probeClasses, 'probeClasses');
    const training = train(/** @type {TrainedModel<any>} */ (/** @type {unknown} */ (this)), rest, {
      source: pairs
        ? ({ seed }) => new RegressionBatches(pairs, { inputSize, outputs, batchSize, seed })
        : sourceOf(/** @type {any} */ (data), { batchSize }),
      data:
        pairs &&
        recordOf('vectors', [pairs.inputs, pairs.targets], pairs.inputs.length / inputSize, {
          batchSize,
          length: 1,
        }),
      adapt: withParts,
      validate: held && (() => evaluateRegression(this, held, { signal })),
      measure: probed && (() => this.measureProbe(probed)),
    });
    if (pairs && this.step === 0 && !this.#scale) this.fitTargets(pairs.targets);
    return training;
  }

  /**
   * @param {string} name
   * @param {unknown} data
   */
  #readData(name, data) {
    return this.#readPairs(`${name}.`, checkKeys(name, 'data of a regressor', data, INPUT.regressor));
  }

  /**
   * @param {string} prefix of the names
   * @param {{ inputs?: unknown, targets?: unknown }} data read once: a getter may give something else the next time
   * @param {number} [most]
   */
  #readPairs(prefix, { inputs, targets }, most) {
    const { inputSize, outputs } = this.config;
    const vectors = this.readVectors(`${prefix}inputs`, inputs, most);
    const values = this.readRows(`${prefix}targets`, targets, outputs, 'outputs');
    const count = vectors.length / inputSize;
    if (values.length !== count * outputs) {
      refuseLength(
        `${prefix}targets`,
        `${outputs} numbers (outputs) for each of the ${count} inputs`,
        values,
      );
    }
    return { inputs: vectors, targets: values };
  }

  /**
   * @protected
   * @override
   * @param {RegressionData} batch
   */
  put(batch) {
    const { address, core } = this;
    const { inputs, targets } = this.#readPairs('', batch, this.config.batchSize);
    const values = this.#scale ? this.#scale.apply(targets) : targets;
    core.putValues(address, checkFinite('standardised targets', values));
    return this.putVectors(inputs);
  }

  /** @protected @override */
  stateMetadata() {
    /** @type {Record<string, string>} */
    const scale = this.#scale ? { [SCALE_KEY]: JSON.stringify(this.#scale) } : {};
    return scale;
  }

  /**
   * @param {Checkpoint} checkpoint
   * @override
   * @ignore
   */
  restore(checkpoint) {
    super.restore(checkpoint);
    const { scale } = checkpoint.state;
    if (scale !== undefined) this.#scale = readScale(scale, this.config.outputs);
  }
}

/**
 * @param {string} json
 * @param {number} outputs
 */
function readScale(json, outputs) {
  try {
    const scale = new Standardizer(JSON.parse(json));
    if (scale.mean.length === outputs) return scale;
  } catch (cause) {
    throw new CheckpointError(`${SCALE_KEY} in the file must be the mean and the deviation of each output`, {
      cause,
    });
  }
  throw new CheckpointError(`${SCALE_KEY} in the file must have ${outputs} means and deviations (outputs)`);
}
