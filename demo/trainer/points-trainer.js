import { gateOfOne, gatesOf } from '../gates.js';
import { capacity, mapBytes, mapViews } from '../plane/frame.js';
import { gridSize } from '../plane/geometry.js';
import { putRouting, widthOf } from '../routing.js';
import { isRouted } from '../schema.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('hyperrouter-wasm').Classifier} Classifier
 * @typedef {import('hyperrouter-wasm').Regressor} Regressor
 * @typedef {import('../plane/frame.js').MapShape} MapShape
 *
 * @typedef {import('./trainer-protocol.js').PlaneData | import('./trainer-protocol.js').CurveData} PointsData
 *
 * @typedef {object} Part the result of one call of the model
 * @property {number} start index of its first point
 * @property {Float32Array} outputs [n, C] class probabilities; [n] of a regressor
 * @property {import('hyperrouter-wasm').LayerRouting[]} routing by layer
 */

/** During training, a map must not take more time than the training itself; otherwise it may be finer. */
const training = { budget: 6e7, least: 32, most: 96 };
const paused = { budget: 3e8, least: 64, most: 192 };
/** Recorded moments take memory. */
const recorded = { budget: 6e7, least: 32, most: 48 };

/**
 * A model that learns points: what a classifier of the plane and a regressor of a curve have in common.
 *
 * @template {Classifier | Regressor} M
 * @template {PointsData} D
 * @extends {Trainer<M>}
 */
export class PointsTrainer extends Trainer {
  #engine;
  #batches;
  /** Whether the model has a router. */
  routes;
  /** The gate that routes a point that is alone. */
  #gateOfOne;
  /**
   * The same model, where each point is routed as if it were alone.
   *
   * @type {M | undefined}
   */
  #alone;
  /** @type {Map<number, Float32Array>} by size of the grid */
  #places = new Map();
  /** Places per side of the map, at least. */
  leastSize = 0;

  /**
   * @param {Engine} engine
   * @param {M} model owned by the trainer from now on
   * @param {D} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    this.#engine = engine;
    this.routes = isRouted(engine, model.config);
    this.#gateOfOne = gateOfOne(gatesOf(engine.configFields(model.kind)), model.config.gate);
    this.#batches = data.train.targets.length ? this.batchesOf(data) : null;
  }

  /**
   * @param {D} _data
   * @returns {{ batches: number, at: (step: number) => any }}
   */
  batchesOf(_data) {
    throw new Error('not of this task');
  }

  /**
   * A model of the same kind.
   *
   * @param {Engine} _engine
   * @param {any} _config
   * @returns {M}
   */
  createTwin(_engine, _config) {
    throw new Error('not of this task');
  }

  /**
   * The inputs of the model at the places of the map.
   *
   * @param {number} _size of the map
   * @returns {Float32Array}
   */
  placesOf(_size) {
    throw new Error('not of this task');
  }

  /**
   * What the shape of the map says of this task.
   *
   * @returns {{ classes: number, alone?: boolean }}
   */
  get kind() {
    throw new Error('not of this task');
  }

  /**
   * Puts what the model gives into the map.
   *
   * @param {import('../plane/frame.js').MapViews} _views
   * @param {{ grid: readonly Part[], points: readonly Part[] }} _parts
   */
  put(_views, _parts) {
    throw new Error('not of this task');
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
    const { loss } = /** @type {any} */ (this.model).trainStep({ ...batch, ...options });
    return { loss, examples: batch.targets.length };
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
    const { experts } = this.model.config;
    const size = Math.max(this.leastSize, gridSize(this.#cost(), limits));
    const places = this.#places.get(size) ?? this.placesOf(size);
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
      ...this.kind,
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
    const along = views.line?.places ?? views.places;
    for (const { start, routing } of grid) putRouting(along, routing, { start, ...shape });
    for (const { start, routing } of points) putRouting(views.points, routing, { start, ...shape });
    this.put(views, { grid, points });
    return { shape, buffer };
  }

  /**
   * The model for the places of the map. They are no tokens of the data: they must not compete for experts, and which of
   * them come first must not matter. So each is routed as a point that is alone: no assignment is ever dropped then, and
   * experts cannot choose among points.
   */
  #modelOfPlaces() {
    const { model } = this;
    const gate = /** @type {typeof model.config.gate} */ (this.#gateOfOne);
    if (gate === model.config.gate && !(Number(model.config.capacityFactor) > 0)) return model;
    this.#alone ??= this.createTwin(this.#engine, { ...model.config, gate, capacityFactor: 0 });
    this.#alone.topK = model.topK;
    for (const { name, data } of model.parameters()) this.#alone.setParameter(name, data);
    return this.#alone;
  }

  /** Multiplications for one place. */
  #cost() {
    const { layers, dModel, dInner, experts } = this.model.config;
    const used = this.routes ? this.model.topK : experts;
    return layers * dModel * (experts + 2 * used * dInner);
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
 * @param {Classifier | Regressor} model
 * @param {Float32Array} inputs [N, inputSize]
 * @param {number} [first] index of the first point
 * @returns {Part[]}
 */
function runOn(model, inputs, first = 0) {
  /** @type {Part[]} */
  const parts = [];
  const { inputSize } = model.config;
  for (let start = 0; inputSize * start < inputs.length; start += capacity) {
    const outputs = model.predict(inputs.slice(inputSize * start, inputSize * (start + capacity)));
    parts.push({ start: first + start, outputs, routing: model.routing() });
  }
  return parts;
}
