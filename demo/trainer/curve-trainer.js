import { CheckpointError, Regressor } from 'hyperrouter-wasm';
import { capacity, curveBytes, curveViews, places } from '../curve/frame.js';
import { putRouting } from '../routing.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('../curve/frame.js').CurveShape} CurveShape
 */

/** Added to the logit of an expert, it makes it the first one everywhere, whatever the others are. */
const certain = 1e6;

/**
 * A regressor that learns the points of a curve, all of them in each step.
 *
 * @extends {Trainer<Regressor>}
 */
export class CurveTrainer extends Trainer {
  #engine;
  /** The same model with one expert per token. @type {Regressor | undefined} */
  #alone;

  /**
   * @param {Engine} engine
   * @param {Regressor} model owned by the trainer from now on
   * @param {import('./trainer-protocol.js').CurveData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    this.#engine = engine;
    if (data.targets.length && !model.targetScale()) model.fitTargets(data.targets);
  }

  /** The loss of the mean: targets are standardised. @override */
  get guess() {
    return 1;
  }

  /** @override @param {number} loss */
  divergedMessage(loss) {
    return `the mean squared error is ${loss.toFixed(1)} at step ${this.step}; the mean of the points has 1`;
  }

  /** @override */
  dataSummary() {
    return { train: this.data.targets.length, heldOut: 0, stepsPerPass: 1 };
  }

  /**
   * @override
   * @param {{ learningRate: number, clip: number }} options
   */
  learn(options) {
    const { inputs, targets } = this.data;
    if (!targets.length) throw new RangeError('there are no points');
    const { loss } = this.model.trainStep({ inputs, targets, ...options });
    return { loss, examples: targets.length };
  }

  /** Nothing is held out: the figure shows every place between the points. @override */
  async heldOutLoss() {
    return null;
  }

  /** @override */
  measureProbe() {
    return [];
  }

  /**
   * @override
   * @param {ArrayBuffer | null} recycle
   * @returns {{ shape: CurveShape, buffer: ArrayBuffer }}
   */
  picture(recycle) {
    const { model } = this;
    const { experts } = model.config;
    const shape = { experts, topK: model.topK };
    const buffer = fit(recycle, curveBytes(shape));
    const views = curveViews(buffer, shape);
    views.output.set(model.predict(places));
    putRouting([views.routing], model.routing(), { start: 0, ...shape });
    const alone = this.#oneExpert();
    const bias = alone.parameters().find(({ name }) => name.endsWith('.gate.gate.bias'));
    if (!bias) throw new TypeError('the router must have a bias');
    for (let expert = 0; expert < experts; expert++) {
      alone.setParameter(
        bias.name,
        bias.data.map((value, i) => (i === expert ? certain : value)),
      );
      views.alone.set(alone.predict(places), expert * places.length);
    }
    return { shape, buffer };
  }

  /** The model with one expert per token, whose weight is 1, to see what each one gives without the others. */
  #oneExpert() {
    const { model } = this;
    this.#alone ??= this.#engine.createRegressor({ ...model.config, topK: 1, gate: 'topk-softmax' });
    if (this.data.targets.length && !this.#alone.targetScale()) this.#alone.fitTargets(this.data.targets);
    for (const { name, data } of model.parameters()) this.#alone.setParameter(name, data);
    return this.#alone;
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
    this.#alone?.dispose();
    super.dispose();
  }
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
  throw new CheckpointError('the file must hold a regressor of one input and one output');
}
