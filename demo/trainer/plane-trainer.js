import { Batches, CheckpointError, Classifier, evaluateVectors } from 'hyperrouter-wasm';
import { likeliestAt } from '../plane/fields.js';
import { capacity } from '../plane/frame.js';
import { gridPlaces } from '../plane/geometry.js';
import { PointsTrainer } from './points-trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('./trainer-protocol.js').PlaneData} PlaneData
 */

/**
 * A classifier that learns points of the plane.
 *
 * @extends {PointsTrainer<Classifier, PlaneData>}
 */
export class PlaneTrainer extends PointsTrainer {
  /** @override @param {PlaneData} data */
  batchesOf({ classes, train, batch, seed }) {
    const own = this.model.config.classes;
    if (own !== classes) throw new RangeError(`the model has ${own} classes, the data ${classes}`);
    return new Batches(train, { batchSize: batch, seed });
  }

  /** @override */
  get guess() {
    return Math.log(this.model.config.classes);
  }

  /**
   * @override
   * @param {AbortSignal} [signal]
   */
  async heldOutLoss(signal) {
    const { heldOut } = this.data;
    return heldOut.targets.length ? (await evaluateVectors(this.model, heldOut, { signal })).loss : null;
  }

  /** @override */
  measureProbe() {
    const { inputs, targets } = this.data.heldOut;
    return targets.length ? this.model.measure(inputs, { classes: targets }) : [];
  }

  /** @override @param {Engine} engine @param {Classifier['config']} config */
  createTwin(engine, config) {
    return engine.createClassifier(config);
  }

  /** @override @param {number} size */
  placesOf(size) {
    return gridPlaces(size);
  }

  /** @override */
  get kind() {
    return { classes: this.model.config.classes };
  }

  /** @override @type {PointsTrainer<Classifier, PlaneData>['put']} */
  put({ probabilities, predicted }, { grid, points }) {
    const { classes } = this.model.config;
    for (const { start, outputs } of grid) probabilities.set(outputs, start * classes);
    for (const { start, outputs } of points) {
      const count = outputs.length / classes;
      for (let i = 0; i < count; i++) predicted[start + i] = likeliestAt(outputs, i, classes);
    }
  }

  /**
   * @override
   * @param {Engine} engine
   * @param {Uint8Array} bytes
   */
  openModel(engine, bytes) {
    return openPlaneModel(engine, bytes);
  }
}

/**
 * Opens a checkpoint that the page can continue to train.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @returns {Classifier}
 * @throws {CheckpointError}
 */
export function openPlaneModel(engine, bytes) {
  const model = engine.loadCheckpoint(bytes, { batchSize: capacity });
  if (model instanceof Classifier && model.config.inputSize === 2) return model;
  model.dispose();
  throw new CheckpointError(
    model instanceof Classifier
      ? `the classifier has inputSize ${model.config.inputSize}; points of the plane need 2`
      : `the file holds ${kindWords[model.kind]}; for these data it must be a classifier`,
  );
}

/** @type {Record<import('hyperrouter-wasm').ModelKind, string>} */
export const kindWords = {
  language: 'a language model',
  classifier: 'a classifier',
  'text-classifier': 'a classifier of texts',
  regressor: 'a regressor',
};
