import { Batches, CheckpointError, Classifier, evaluateVectors } from 'hyperrouter-wasm';
import { gateFacts } from '../gates.js';
import { likeliestAt } from '../plane/fields.js';
import { capacity, mapBytes, mapViews } from '../plane/frame.js';
import { gridPlaces, gridSize } from '../plane/geometry.js';
import { putRouting, widthOf } from '../routing.js';
import { isRouted } from '../schema.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('../plane/frame.js').MapShape} MapShape
 *
 * @typedef {object} Part the result of one call of the model
 * @property {number} start index of its first point
 * @property {Float32Array} probabilities [n, C]
 * @property {import('hyperrouter-wasm').LayerRouting[]} routing by layer
 */

/** During training, a map must not take more time than the training itself; otherwise it may be finer. */
const training = { budget: 6e7, least: 32, most: 96 };
const paused = { budget: 3e8, least: 64, most: 192 };
/** Recorded moments take memory. */
const recorded = { budget: 6e7, least: 32, most: 48 };

/**
 * A classifier that learns points of the plane.
 *
 * @extends {Trainer<Classifier>}
 */
export class PlaneTrainer extends Trainer {
  #engine;
  #batches;
  #routes;
  /**
   * The same model, where each point is routed as if it were alone.
   *
   * @type {Classifier | undefined}
   */
  #alone;
  /** @type {Map<number, Float32Array>} by size of the grid */
  #places = new Map();

  /**
   * @param {Engine} engine
   * @param {Classifier} model owned by the trainer from now on
   * @param {import('./trainer-protocol.js').PlaneData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    this.#engine = engine;
    this.#routes = isRouted(engine, model.config);
    const { classes } = model.config;
    if (classes !== data.classes) {
      throw new RangeError(`the model has ${classes} classes, the data ${data.classes}`);
    }
    const { train, batch, seed } = data;
    this.#batches = train.targets.length ? new Batches(train, { batchSize: batch, seed }) : null;
  }

  /** @override */
  get guess() {
    return Math.log(this.model.config.classes);
  }

  /** @override */
  dataSummary() {
    const { train, heldOut } = this.data;
    return {
      train: train.targets.length,
      heldOut: heldOut.targets.length,
      stepsPerPass: this.#batches?.batches ?? 1,
    };
  }

  /**
   * @override
   * @param {{ learningRate: number, clip: number }} options
   */
  learn(options) {
    if (!this.#batches) throw new RangeError('there are no training points');
    const { epoch: _, ...batch } = this.#batches.at(this.model.step);
    const { loss } = this.model.trainStep({ ...batch, ...options });
    return { loss, examples: batch.targets.length };
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

  /**
   * @override
   * @param {ArrayBuffer | null} recycle
   * @param {boolean} exact while training is paused; then the map is finer
   */
  picture(recycle, exact) {
    return this.#draw(recycle, exact ? paused : training);
  }

  /** @override */
  snapshot() {
    return this.#draw(null, recorded);
  }

  /**
   * @param {ArrayBuffer | null} recycle
   * @param {{ budget: number, least: number, most: number }} limits
   * @returns {{ shape: MapShape, buffer: ArrayBuffer }}
   */
  #draw(recycle, limits) {
    const { classes, experts } = this.model.config;
    const size = gridSize(this.#cost(), limits);
    const places = this.#places.get(size) ?? gridPlaces(size);
    this.#places.set(size, places);
    const { train, heldOut } = this.data;
    // The largest number of experts per place is known only after all calls.
    const grid = runOn(this.#modelOfPlaces(), places);
    const points = [
      ...runOn(this.model, train.inputs),
      ...runOn(this.model, heldOut.inputs, train.targets.length),
    ];
    const shape = {
      size,
      classes,
      layers: grid[0].routing.length,
      experts,
      topK: widthOf(
        [...grid, ...points].flatMap(({ routing }) => routing),
        experts,
      ),
      heldOut: heldOut.targets.length,
      points: train.targets.length + heldOut.targets.length,
      biases: this.biases(),
    };
    const buffer = fit(recycle, mapBytes(shape));
    const views = mapViews(buffer, shape);
    for (const { start, probabilities, routing } of grid) {
      views.probabilities.set(probabilities, start * classes);
      putRouting(views.places, routing, { start, ...shape });
    }
    for (const { start, probabilities, routing } of points) {
      putRouting(views.points, routing, { start, ...shape });
      const count = probabilities.length / classes;
      for (let i = 0; i < count; i++) views.predicted[start + i] = likeliestAt(probabilities, i, classes);
    }
    return { shape, buffer };
  }

  /**
   * The model for the places of the map. They are no tokens of the data: they must not compete for experts, and which of
   * them come first must not matter. So each is routed as a point that is alone: no assignment is ever dropped then, and
   * experts cannot choose among points.
   */
  #modelOfPlaces() {
    const { model } = this;
    const { alone } = gateFacts(model.config.gate);
    if (!alone && !(Number(model.config.capacityFactor) > 0)) return model;
    const gate = /** @type {typeof model.config.gate} */ (alone ?? model.config.gate);
    this.#alone ??= this.#engine.createClassifier({ ...model.config, gate, capacityFactor: 0 });
    this.#alone.topK = model.topK;
    for (const { name, data } of model.parameters()) this.#alone.setParameter(name, data);
    return this.#alone;
  }

  /** Multiplications for one place. */
  #cost() {
    const { layers, dModel, dInner, experts } = this.model.config;
    const used = this.#routes ? this.model.topK : experts;
    return layers * dModel * (experts + 2 * used * dInner);
  }

  /**
   * @override
   * @param {Engine} engine
   * @param {Uint8Array} bytes
   */
  openModel(engine, bytes) {
    return openPlaneModel(engine, bytes);
  }

  /** @override */
  dispose() {
    this.#alone?.dispose();
    super.dispose();
  }
}

/**
 * Runs a model on points, in calls of at most its batch size.
 *
 * @param {Classifier} model
 * @param {Float32Array} inputs [N, 2]
 * @param {number} [first] index of the first point
 * @returns {Part[]}
 */
function runOn(model, inputs, first = 0) {
  /** @type {Part[]} */
  const parts = [];
  for (let start = 0; 2 * start < inputs.length; start += capacity) {
    const probabilities = model.predict(inputs.slice(2 * start, 2 * (start + capacity)));
    parts.push({ start: first + start, probabilities, routing: model.routing() });
  }
  return parts;
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
      : 'the file holds a language model; this room opens classifiers',
  );
}
