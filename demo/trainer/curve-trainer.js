import { CheckpointError, evaluateRegression, RegressionBatches, Regressor } from 'hyperrouter-wasm';
import { inputAt } from '../curve/data.js';
import { gatesOf } from '../gates.js';
import { capacity } from '../plane/frame.js';
import { reach } from '../plane/geometry.js';
import { kindWords } from './plane-trainer.js';
import { PointsTrainer } from './points-trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('./trainer-protocol.js').CurveData} CurveData
 */

/** Added to the logit of an expert, it makes it the first one everywhere, whatever the others are. */
const certain = 1e6;
/** The tensors of the router of the only layer. */
const router = 'layers.0.pos_ff.gate.';

/**
 * A regressor that learns the points of a curve.
 *
 * @extends {PointsTrainer<Regressor, CurveData>}
 */
export class CurveTrainer extends PointsTrainer {
  #engine;
  /** A line needs more places than a map, and has only one row of them. @override */
  leastSize = 96;
  /** The same experts behind a router of which the bias decides. @type {Regressor | undefined} */
  #lone;

  /**
   * @param {Engine} engine
   * @param {Regressor} model owned by the trainer from now on
   * @param {CurveData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, data, learningRate);
    this.#engine = engine;
    const { targets } = data.train;
    if (targets.length && !model.targetScale()) model.fitTargets(targets);
  }

  /** @override @param {CurveData} data */
  batchesOf({ train, batch, seed }) {
    return new RegressionBatches(train, { inputSize: 1, outputs: 1, batchSize: batch, seed });
  }

  /** The loss of the mean: targets are standardised. @override */
  get guess() {
    return 1;
  }

  /** @override @param {number} loss */
  divergedMessage(loss) {
    return `the mean squared error is ${loss.toFixed(1)} at step ${this.step}; the mean of the points has 1`;
  }

  /**
   * @override
   * @param {AbortSignal} [signal]
   */
  async heldOutLoss(signal) {
    const { heldOut } = this.data;
    return heldOut.targets.length ? (await evaluateRegression(this.model, heldOut, { signal })).loss : null;
  }

  /** @override */
  measureProbe() {
    const { inputs } = this.data.heldOut;
    return inputs.length ? this.model.measure(inputs) : [];
  }

  /** @override @param {Engine} engine @param {Regressor['config']} config */
  createTwin(engine, config) {
    return this.#scaled(engine.createRegressor(config));
  }

  /** @param {Regressor} model */
  #scaled(model) {
    const { targets } = this.data.train;
    if (targets.length) model.fitTargets(targets);
    return model;
  }

  /** @override @param {number} size */
  placesOf(size) {
    return Float32Array.from({ length: size }, (_, i) => inputAt(((2 * i + 1) / size - 1) * reach));
  }

  /** With more layers, what an expert gives depends on those of the others. @override */
  get kind() {
    return { classes: 0, alone: this.routes && this.model.config.layers === 1 };
  }

  /** @override @type {PointsTrainer<Regressor, CurveData>['put']} */
  put({ line }, { grid }) {
    if (!line) return;
    for (const { start, outputs } of grid) line.output.set(outputs, start);
    const size = line.output.length;
    const { experts } = this.model.config;
    const places = this.placesOf(size);
    for (let expert = 0; expert * size < line.alone.length; expert++) {
      line.alone.set(this.#only(expert, experts).predict(places), expert * size);
    }
  }

  /**
   * The model with one expert everywhere, whose weight is 1, to see what it gives without the others.
   *
   * @param {number} expert
   * @param {number} experts
   */
  #only(expert, experts) {
    const { model } = this;
    const { inputSize, outputs, batchSize, layers, dModel, dInner, sharedExperts, preLayerNorm } =
      model.config;
    this.#lone ??= this.#scaled(
      this.#engine.createRegressor({
        ...{ inputSize, outputs, batchSize, layers, dModel, dInner, experts, sharedExperts, preLayerNorm },
        ...deciding(this.#engine),
        topK: 1,
      }),
    );
    if (expert === 0) {
      for (const { name, data } of model.parameters())
        if (!name.startsWith(router)) this.#lone.setParameter(name, data);
    }
    const bias = Float32Array.from({ length: experts }, (_, i) => (i === expert ? certain : 0));
    this.#lone.setParameter(`${router}gate.bias`, bias);
    return this.#lone;
  }

  /**
   * @override
   * @param {Engine} engine
   * @param {Uint8Array} bytes
   */
  openModel(engine, bytes) {
    return openCurveModel(engine, bytes);
  }

  /** @override */
  dispose() {
    this.#lone?.dispose();
    super.dispose();
  }
}

/**
 * A router whose R and b are tensors themselves, so that b can be set, and a gate that gives an only expert the weight 1.
 *
 * @param {Engine} engine
 */
function deciding(engine) {
  const router = engine.routers.find(
    ({ traits }) => traits.includes('matrix') && !traits.includes('hypernetwork'),
  );
  const gate = gatesOf(engine.configFields('regressor')).find(({ traits }) => traits.includes('normalised'));
  return { router: router?.name, gate: /** @type {Regressor['config']['gate']} */ (gate?.name) };
}

/**
 * Opens a checkpoint that the page can continue to train.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @returns {Regressor}
 * @throws {CheckpointError}
 */
export function openCurveModel(engine, bytes) {
  const model = engine.loadCheckpoint(bytes, { batchSize: capacity });
  if (model instanceof Regressor && model.config.inputSize === 1 && model.config.outputs === 1) return model;
  model.dispose();
  throw new CheckpointError(
    model instanceof Regressor
      ? `the regressor has inputSize ${model.config.inputSize} and outputs ${model.config.outputs}; a curve needs 1 and 1`
      : `the file holds ${kindWords[model.kind]}; for a curve it must be a regressor`,
  );
}
