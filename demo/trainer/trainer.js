import { constantSchedule, DivergedError } from 'hyperrouter-wasm';
import { balancingBias } from '../routing.js';
import { Rate } from './rate.js';

/**
 * @typedef {import('hyperrouter-wasm').Engine} Engine
 * @typedef {import('hyperrouter-wasm').LanguageModel | import('hyperrouter-wasm').Classifier | import('hyperrouter-wasm').Regressor} AnyModel
 * @typedef {import('./trainer-protocol.js').ModelConfig} ModelConfig
 * @typedef {import('./trainer-protocol.js').Summary} Summary
 * @typedef {import('./trainer-protocol.js').Frame} Frame
 * @typedef {import('./trainer-protocol.js').Moment} Moment
 * @typedef {import('./trainer-protocol.js').MeasuresEntry} MeasuresEntry
 * @typedef {import('./trainer-protocol.js').Tensor} Tensor
 *
 * @typedef {{ shape: object, buffer: ArrayBuffer }} Picture the routing of the probe, in the layout of the task
 */

const warmup = 30;
const clip = 1;
const measureEvery = 50;
const earlyMeasures = [5, 10, 20, 35];
const checkpointEvery = 200;
/**
 * Steps in a row with a loss far above that of uniform predictions, until training counts as diverged: a single batch can
 * have one, even on a task that is solved, and the next ones bring the model back.
 */
const patience = 20;
/** Of larger models no checkpoints are kept in memory. */
const maxCheckpointParameters = 4e6;
/** Ratio of the steps of consecutive moments: an hour of training has hardly more of them than a minute. */
const momentGrowth = 1.25;
/** Of the time, what pictures may take at most: a slow one comes less often, and training keeps its core. */
const pictureShare = 1 / 12;

/**
 * One training run: a model, its data, and the news for the next frame. It knows nothing of messages. Calls must not
 * overlap. Subclasses implement the tasks.
 *
 * @template {AnyModel} M
 */
export class Trainer {
  #engine;
  #schedule;

  /** @type {number[]} */
  #losses = [];
  /** @type {{ step: number, loss: number }[]} */
  #heldOutLosses = [];
  /** @type {MeasuresEntry[]} */
  #measures = [];
  /** @type {Moment[]} */
  #moments = [];
  #nextMoment = 0;
  /** Steps in a row with a loss far above that of uniform predictions. */
  #failing = 0;
  #rate = new Rate();
  #changed = true;
  /** Before this time, by `performance.now()`, another picture would take too much from training. */
  #nextPicture = 0;
  /** @type {{ step: number, bytes: Uint8Array }[]} */
  #checkpoints = [];

  /**
   * @param {Engine} engine
   * @param {M} model owned by the trainer from now on
   * @param {number} learningRate
   */
  constructor(engine, model, learningRate) {
    this.#engine = engine;
    this.model = model;
    this.#schedule = constantSchedule({ learningRate, warmup });
    this.#nextMoment = model.step;
  }

  /**
   * The loss of uniform predictions, in nats; of a regressor, that of the mean. With three times this loss, a model does not recover.
   *
   * @returns {number}
   */
  get guess() {
    throw new Error('not of this task');
  }

  /**
   * One training step.
   *
   * @param {{ learningRate: number, clip: number }} _options
   * @returns {{ loss: number, examples: number }}
   */
  learn(_options) {
    throw new Error('not of this task');
  }

  /**
   * @param {AbortSignal} [_signal]
   * @returns {Promise<number | null>} nats; null if nothing is held out
   */
  async heldOutLoss(_signal) {
    throw new Error('not of this task');
  }

  /**
   * The routing of the probe. This does not affect training.
   *
   * @param {ArrayBuffer | null} _recycle a buffer that may be written to
   * @param {boolean} _exact everything from this step; otherwise slow parts may be a few steps old
   * @returns {Picture}
   */
  picture(_recycle, _exact) {
    throw new Error('not of this task');
  }

  /** Steps between two moments, at least: more where one takes the time of several steps. */
  get momentGap() {
    return 1;
  }

  /**
   * The same for a recorded moment.
   *
   * @returns {Picture}
   */
  snapshot() {
    return this.picture(null, true);
  }

  /** @returns {import('hyperrouter-wasm').LayerMeasures[]} */
  measureProbe() {
    throw new Error('not of this task');
  }

  /**
   * Opens a checkpoint of this task.
   *
   * @param {Engine} _engine
   * @param {Uint8Array} _bytes
   * @returns {M}
   */
  openModel(_engine, _bytes) {
    throw new Error('not of this task');
  }

  /** @returns {object} a description of the data */
  dataSummary() {
    throw new Error('not of this task');
  }

  get step() {
    return this.model.step;
  }

  /** @returns {Summary} */
  summary() {
    const model = this.model;
    return {
      config: /** @type {ModelConfig} */ ({ ...model.config }),
      topK: model.topK,
      step: model.step,
      parameterCount: model.parameterCount,
      trainableParameterCount: model.trainableParameterCount,
      data: this.dataSummary(),
    };
  }

  /**
   * The bias on the choice of experts in each layer, where it balances the load.
   *
   * @returns {number[][] | undefined} [E] by layer
   */
  biases() {
    if (!(Number(this.model.config.balanceRate) > 0)) return undefined;
    return this.model
      .parameters()
      .flatMap(({ name, data }) => (name.endsWith(`.${balancingBias}`) ? [[...data]] : []));
  }

  /** @param {{ topK?: number, learningRate?: number }} change */
  tune({ topK, learningRate }) {
    if (learningRate !== undefined) this.#schedule = constantSchedule({ learningRate, warmup });
    if (topK !== undefined && topK !== this.model.topK) {
      this.model.topK = topK;
      this.#changed = true;
    }
  }

  /** Training begins, or goes on after a rest, which is no part of its rate. */
  begin() {
    this.#rate.begin();
  }

  /** One training step, at some steps followed by an evaluation on the held-out data and the probe. */
  async advance() {
    const model = this.model;
    if (model.step === 0) await this.#evaluate();
    // Where it is trained before anybody looks, its first moment is recorded here.
    if (model.step === this.#nextMoment) this.#recordMoment();
    // What a model is restored to must not be in the middle of a failure.
    if (model.step % checkpointEvery === 0 && this.#failing === 0) this.#recordCheckpoint();
    const { loss, examples } = this.learn({ learningRate: this.#schedule(model.step), clip });
    this.#rate.add(examples, performance.now());
    this.#losses.push(loss);
    this.#changed = true;
    this.#failing = loss > 3 * this.guess ? this.#failing + 1 : 0;
    if (this.#failing === patience) throw new DivergedError(this.divergedMessage(loss), model.step);
    const early = model.step < measureEvery && earlyMeasures.includes(model.step);
    if (early || model.step % measureEvery === 0) await this.#evaluate();
    if (model.step >= this.#nextMoment) this.#recordMoment();
  }

  /** @param {number} loss nats */
  divergedMessage(loss) {
    const bits = (/** @type {number} */ nats) => (nats / Math.LN2).toFixed(1);
    return (
      `the loss is ${bits(loss)} bits at step ${this.step}; ` + `uniform predictions have ${bits(this.guess)}`
    );
  }

  async #evaluate() {
    const loss = await this.heldOutLoss();
    if (loss !== null) this.#heldOutLosses.push({ step: this.step, loss });
    this.#measures.push({ step: this.step, layers: this.measureProbe() });
  }

  #recordMoment() {
    const { shape, buffer } = this.snapshot();
    /** @type {Moment['routers']} */
    const routers = [];
    for (const { name, trainable, data } of this.model.parameters()) {
      const [, layer, tensor] = name.match(/^layers\.(\d+)\.pos_ff\.(gate\..*)$/) ?? [];
      if (!tensor || !trainable) continue;
      routers[Number(layer)] ??= {};
      routers[Number(layer)][tensor] = data;
    }
    this.#moments.push({ step: this.step, shape, buffer, routers });
    // What the first step does is always recorded.
    const gap = this.step ? this.momentGap : 1;
    this.#nextMoment = Math.max(this.step + gap, Math.floor(this.step * momentGrowth));
  }

  #recordCheckpoint() {
    const { step, parameterCount } = this.model;
    if (parameterCount > maxCheckpointParameters || this.#checkpoints.at(-1)?.step === step) return;
    this.#checkpoints = [...this.#checkpoints.slice(-1), { step, bytes: this.save({ optimizer: true }) }];
  }

  /**
   * Restores the earlier of the last two checkpoints: the later one may already be diverging.
   */
  rewind() {
    const checkpoint = this.#checkpoints[0];
    if (!checkpoint) throw new RangeError('there is no earlier checkpoint');
    const model = this.openModel(this.#engine, checkpoint.bytes);
    this.model.dispose();
    this.model = model;
    this.#checkpoints = [checkpoint];
    this.#losses = [];
    this.#heldOutLosses = [];
    this.#measures = [];
    this.#moments = [];
    this.#nextMoment = model.step;
    this.#changed = true;
  }

  /**
   * The news since the last frame.
   *
   * @param {ArrayBuffer | null} recycle a buffer that may be written to
   * @param {boolean} whole send the routing even if nothing changed, or the last one was only just sent
   * @returns {Frame}
   */
  frame(recycle, whole) {
    // The first moment is the model as built or opened.
    if (this.step === this.#nextMoment) this.#recordMoment();
    const drawn = whole || (this.#changed && performance.now() >= this.#nextPicture);
    const frame = {
      step: this.step,
      losses: Float32Array.from(this.#losses),
      heldOut: this.#heldOutLosses,
      measures: this.#measures,
      moments: this.#moments,
      perSecond: this.#rate.perSecond,
      ...(drawn ? this.#timedPicture(recycle, whole) : { shape: null, buffer: null }),
    };
    this.#losses = [];
    this.#heldOutLosses = [];
    this.#measures = [];
    this.#moments = [];
    if (drawn) this.#changed = false;
    return frame;
  }

  /**
   * @param {ArrayBuffer | null} recycle
   * @param {boolean} exact
   */
  #timedPicture(recycle, exact) {
    const start = performance.now();
    const picture = this.picture(recycle, exact);
    const end = performance.now();
    // While training is paused, a picture takes time from nobody.
    this.#nextPicture = exact ? end : end + (end - start) * (1 / pictureShare - 1);
    return picture;
  }

  /**
   * The held-out loss for every k. The model's own k is restored afterwards.
   *
   * @param {AbortSignal} signal
   * @param {(point: { topK: number, loss: number }) => void} onPoint
   */
  async measure(signal, onPoint) {
    const model = this.model;
    const trained = model.topK;
    try {
      for (let topK = 1; topK <= Number(model.config.experts); topK++) {
        model.topK = topK;
        const loss = await this.heldOutLoss(signal);
        if (loss === null) throw new RangeError('there are no held-out data');
        onPoint({ topK, loss });
      }
    } finally {
      model.topK = trained;
    }
  }

  /**
   * The tensors of a layer's router, with their last gradients.
   *
   * @param {number} layer counted from 0
   * @returns {Tensor[]} copies
   */
  inspect(layer) {
    return this.model
      .parameters()
      .filter(({ name }) => name.startsWith(`layers.${layer}.pos_ff.gate.`))
      .map(({ name, shape, trainable, data, grad }) => ({
        name: name.slice(name.indexOf('gate.')),
        shape: [...shape],
        trainable,
        data: Float32Array.from(data),
        grad: grad ? Float32Array.from(grad) : null,
      }));
  }

  /** @param {{ optimizer: boolean }} options */
  save({ optimizer }) {
    return this.model.saveCheckpoint({ optimizer });
  }

  dispose() {
    this.model.dispose();
  }
}

/**
 * @param {ArrayBuffer | null} buffer
 * @param {number} bytes
 */
export function fit(buffer, bytes) {
  return buffer && buffer.byteLength >= bytes ? buffer : new ArrayBuffer(bytes);
}
