import { Batches, CheckpointError, Classifier, evaluateVectors } from 'hyperrouter-wasm';
import { capacity } from '../plane/capacity.js';
import { likeliestAt } from '../plane/fields.js';
import { mapBytes, mapViews } from '../plane/frame.js';
import { gridPlaces, gridSize } from '../plane/geometry.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('../plane/frame.js').MapShape} MapShape
 * @typedef {import('../plane/frame.js').MapViews} MapViews
 */

/** While it trains, the map must not take more time than the training; at rest it may be finer. */
const moving = { budget: 6e7, least: 32, most: 96 };
const resting = { budget: 3e8, least: 64, most: 192 };
/** Moments are kept, and need memory. */
const kept = { budget: 6e7, least: 32, most: 48 };

/**
 * A classifier that learns points of the plane.
 *
 * @extends {Trainer<Classifier>}
 */
export class PlaneTrainer extends Trainer {
  #batches;
  /** @type {Map<number, Float32Array>} by the size of the grid */
  #places = new Map();

  /**
   * @param {Engine} engine
   * @param {Classifier} model belongs to the trainer from here on
   * @param {import('./trainer-protocol.js').PlaneData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    const { classes } = model.config;
    if (classes !== data.classes) {
      throw new RangeError(`the model tells ${classes} classes apart, the points are of ${data.classes}`);
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
    if (!this.#batches) throw new RangeError('there are no points to learn from');
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
   * @param {boolean} exact asked for when nothing moves: then the map is finer
   */
  picture(recycle, exact) {
    return this.#draw(recycle, exact ? resting : moving);
  }

  /** @override */
  snapshot() {
    return this.#draw(null, kept);
  }

  /**
   * @param {ArrayBuffer | null} recycle
   * @param {{ budget: number, least: number, most: number }} limits
   * @returns {{ shape: MapShape, buffer: ArrayBuffer }}
   */
  #draw(recycle, limits) {
    const { classes, router, layers, experts } = this.model.config;
    const shape = {
      size: gridSize(this.#price(), limits),
      classes,
      layers: router === 'dense' ? 0 : layers,
      experts,
      topK: this.model.topK,
      heldOut: this.data.heldOut.targets.length,
      points: this.data.train.targets.length + this.data.heldOut.targets.length,
    };
    const buffer = fit(recycle, mapBytes(shape));
    const views = mapViews(buffer, shape);
    this.#seeGrid(views, shape);
    this.#seePoints(views, shape);
    return { shape, buffer };
  }

  /** Multiplications for one place. */
  #price() {
    const { layers, dModel, dInner, experts, router } = this.model.config;
    const asked = router === 'dense' ? experts : this.model.topK;
    return layers * dModel * (experts + 2 * asked * dInner);
  }

  /**
   * @param {MapViews} views written to
   * @param {MapShape} shape
   */
  #seeGrid(views, { size, classes, experts }) {
    const places = this.#places.get(size) ?? gridPlaces(size);
    this.#places.set(size, places);
    for (let start = 0; start < size * size; start += capacity) {
      const part = places.slice(2 * start, 2 * (start + capacity));
      views.probabilities.set(this.model.predict(part), start * classes);
      this.model.routing().forEach(({ logits }, layer) => {
        views.logits[layer].set(logits, start * experts);
      });
    }
  }

  /**
   * @param {MapViews} views written to
   * @param {MapShape} shape
   */
  #seePoints(views, { classes }) {
    const { train, heldOut: others } = this.data;
    const parts = [train.inputs, others.inputs];
    let at = 0;
    for (const inputs of parts) {
      // The routing that is shown is that of the held-out points alone.
      const shown = inputs === others.inputs;
      for (let start = 0; 2 * start < inputs.length; start += capacity) {
        const probabilities = this.model.predict(inputs.slice(2 * start, 2 * (start + capacity)));
        const count = probabilities.length / classes;
        for (let i = 0; i < count; i++) views.predicted[at + i] = likeliestAt(probabilities, i, classes);
        if (shown) this.#keepRouting(views, start);
        at += count;
      }
    }
  }

  /**
   * @param {MapViews} views written to
   * @param {number} start first point of the last call
   */
  #keepRouting(views, start) {
    this.model.routing().forEach(({ experts, weights, logits }, i) => {
      views.layers[i].experts.set(experts, start * this.model.topK);
      views.layers[i].weights.set(weights, start * this.model.topK);
      views.layers[i].logits.set(logits, start * this.model.config.experts);
    });
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
 * Opens a checkpoint that the page can go on with.
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
      ? `the classifier takes ${model.config.inputSize} numbers; a point of the plane has 2`
      : 'the file holds a language model; this room takes classifiers',
  );
}
