import {
  ByteVocabulary,
  CheckpointError,
  constantSchedule,
  DivergedError,
  evaluateText,
  LanguageModel,
  splitText,
  TextStreams,
} from 'hyperrouter-wasm';
import { frameBytes, frameViews, writePrediction } from './frame.js';

/**
 * @typedef {import('./protocol.js').ModelConfig} ModelConfig
 * @typedef {import('./protocol.js').Summary} Summary
 * @typedef {import('./protocol.js').Frame} Frame
 * @typedef {import('./protocol.js').Written} Written
 * @typedef {import('./frame.js').FrameShape} FrameShape
 *
 * @typedef {import('hyperrouter-wasm').Engine} Engine
 * @typedef {import('hyperrouter-wasm').LanguageModel} Model
 */

const warmup = 30;
const clip = 1;
const heldOutEvery = 50;
const heldOutBytes = 4096;
const probeBytes = 420;
const predictions = 5;
const snapshotEvery = 200;
/** Larger models are not kept in memory a second and third time. */
const snapshotParameters = 4e6;

const vocabulary = new ByteVocabulary();

/** A model that knows nothing has ln 256 nats; one with three times as much does not find its way back. */
const hopeless = 3 * Math.log(vocabulary.size);

/**
 * @param {number} loss nats
 * @param {number} step
 */
function hopelessMessage(loss, step) {
  const bits = (loss / Math.LN2).toFixed(1);
  return `the loss is ${bits} bits per byte at step ${step}; a model that knows nothing has 8`;
}

/**
 * One training run: a model, the text it learns, and what the page has not heard of it yet. It knows nothing of
 * messages; whoever calls it lets one call end before the next.
 */
export class Trainer {
  #engine;
  #model;
  #streams;
  #heldOut;
  #trainBytes;
  #probe;
  #schedule;

  /** @type {number[]} */
  #losses = [];
  /** @type {{ step: number, loss: number }[]} */
  #heldOutLosses = [];
  #bytesPerSecond = 0;
  #changed = true;
  /** @type {{ step: number, bytes: Uint8Array }[]} */
  #snapshots = [];

  /**
   * @param {Engine} engine
   * @param {Model} model belongs to the trainer from here on
   * @param {Uint8Array} text
   * @param {number} learningRate
   */
  constructor(engine, model, text, learningRate) {
    this.#engine = engine;
    this.#model = model;
    this.text = text;
    const { train, validation } = splitText(vocabulary.encode(text));
    const { batchSize, contextLength } = model.config;
    this.#streams = new TextStreams(train, { batchSize, length: contextLength });
    this.#trainBytes = train.length;
    this.#heldOut = validation.subarray(0, heldOutBytes);
    this.#probe = probeOf(validation);
    this.#schedule = constantSchedule({ learningRate, warmup });
  }

  get step() {
    return this.#model.step;
  }

  /** @returns {Summary} */
  summary() {
    const model = this.#model;
    return {
      config: /** @type {ModelConfig} */ ({ ...model.config }),
      topK: model.topK,
      step: model.step,
      parameterCount: model.parameterCount,
      trainableParameterCount: model.trainableParameterCount,
      trainBytes: this.#trainBytes,
      heldOutBytes: this.text.length - this.#trainBytes,
      stepsPerPass: this.#streams.segments,
      probe: Uint8Array.from(this.#probe),
    };
  }

  /** @param {{ topK?: number, learningRate?: number }} change */
  tune({ topK, learningRate }) {
    if (learningRate !== undefined) this.#schedule = constantSchedule({ learningRate, warmup });
    if (topK !== undefined && topK !== this.#model.topK) {
      this.#model.topK = topK;
      this.#changed = true;
    }
  }

  /** One training step, and every now and then the loss on the held-out text. */
  async advance() {
    const model = this.#model;
    if (model.step === 0) await this.#measureHeldOut();
    if (model.step % snapshotEvery === 0) this.#keepSnapshot();
    const { epoch: _, ...segment } = this.#streams.at(model.step);
    const before = performance.now();
    const { loss } = model.trainStep({ ...segment, learningRate: this.#schedule(model.step), clip });
    const rate = segment.inputs.length / ((performance.now() - before) / 1000);
    this.#bytesPerSecond = this.#bytesPerSecond ? this.#bytesPerSecond * 0.9 + rate * 0.1 : rate;
    this.#losses.push(loss);
    this.#changed = true;
    if (loss > hopeless) throw new DivergedError(hopelessMessage(loss, model.step), model.step);
    const early = model.step < heldOutEvery && [5, 10, 20, 35].includes(model.step);
    if (early || model.step % heldOutEvery === 0) await this.#measureHeldOut();
  }

  async #measureHeldOut() {
    if (this.#heldOut.length < 2) return;
    const { loss } = await evaluateText(this.#model, this.#heldOut);
    this.#heldOutLosses.push({ step: this.#model.step, loss });
  }

  #keepSnapshot() {
    const { step, parameterCount } = this.#model;
    if (parameterCount > snapshotParameters || this.#snapshots.at(-1)?.step === step) return;
    this.#snapshots = [...this.#snapshots.slice(-1), { step, bytes: this.save({ optimizer: true }) }];
  }

  /**
   * Puts the model back to the earlier of its last two snapshots: the later one may already be on its way into
   * the divergence.
   */
  rewind() {
    const snapshot = this.#snapshots[0];
    if (!snapshot) throw new RangeError('there is no earlier state to go back to');
    const model = openModel(this.#engine, snapshot.bytes);
    this.#model.dispose();
    this.#model = model;
    this.#snapshots = [snapshot];
    this.#losses = [];
    this.#heldOutLosses = [];
    this.#changed = true;
  }

  /**
   * @param {ArrayBuffer | null} recycle a buffer that may be written to
   * @param {boolean} whole the routing even if nothing changed
   * @returns {Frame}
   */
  frame(recycle, whole) {
    const model = this.#model;
    const losses = Float32Array.from(this.#losses);
    const heldOut = this.#heldOutLosses;
    this.#losses = [];
    this.#heldOutLosses = [];
    const routing = this.#changed || whole ? this.#routeProbe(recycle) : { shape: null, buffer: null };
    this.#changed = false;
    return { step: model.step, losses, heldOut, bytesPerSecond: this.#bytesPerSecond, ...routing };
  }

  /**
   * Sends the probe text through the model, segment by segment. Training's memory stays as it was.
   *
   * @param {ArrayBuffer | null} recycle
   * @returns {{ shape: FrameShape, buffer: ArrayBuffer }}
   */
  #routeProbe(recycle) {
    const model = this.#model;
    const probe = this.#probe;
    const tokens = probe.length;
    const { contextLength, vocabSize, experts } = model.config;
    const saved = model.saveMemory();
    /** @type {FrameShape | undefined} */
    let shape;
    let buffer = recycle;
    try {
      for (let start = 0; start < tokens; start += contextLength) {
        const length = Math.min(contextLength, tokens - start);
        const inputs = probe.slice(start, start + length);
        // The last token has no successor; any target will do there, its loss is not shown.
        const targets = Int32Array.from({ length }, (_, i) => probe[start + i + 1] ?? 0);
        model.evaluate({ inputs, targets, length, carryMemory: start > 0 });
        const routing = model.routing();
        shape ??= { tokens, layers: routing.length, topK: model.topK, experts: Number(experts), predictions };
        buffer = fit(buffer, frameBytes(shape));
        const views = frameViews(buffer, shape);
        routing.forEach((layer, i) => {
          views.layers[i].experts.set(layer.experts, start * model.topK);
          views.layers[i].weights.set(layer.weights, start * model.topK);
          views.layers[i].logits.set(layer.logits, start * Number(experts));
        });
        const logits = model.logits();
        for (let i = 0; i < length; i++) {
          const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
          writePrediction(views, start + i, row, probe[start + i + 1] ?? -1, predictions);
        }
      }
    } finally {
      model.restoreMemory(saved);
    }
    if (!shape || !buffer) throw new RangeError('the held-out part of the text is empty');
    return { shape, buffer };
  }

  /**
   * The loss on the held-out text for every k that the model can be used with. The model's own k stays.
   *
   * @param {AbortSignal} signal
   * @param {(point: { topK: number, loss: number }) => void} onPoint
   */
  async measure(signal, onPoint) {
    const model = this.#model;
    const trained = model.topK;
    try {
      for (let topK = 1; topK <= Number(model.config.experts); topK++) {
        model.topK = topK;
        const { loss } = await evaluateText(model, this.#heldOut, { signal });
        onPoint({ topK, loss });
      }
    } finally {
      model.topK = trained;
    }
  }

  /**
   * Continues a text. Each call of `next` writes one token.
   *
   * @param {Uint8Array} prompt
   * @param {{ maxTokens: number, temperature: number, topP: number, seed: number }} options
   */
  write(prompt, { maxTokens, temperature, topP, seed }) {
    return this.#model.generate(vocabulary.encode(prompt), { maxTokens, temperature, topP, seed });
  }

  /** @param {{ optimizer: boolean }} options */
  save({ optimizer }) {
    return this.#model.saveCheckpoint({
      optimizer,
      metadata: { vocabulary: JSON.stringify(vocabulary.toJSON()) },
    });
  }

  dispose() {
    this.#model.dispose();
  }
}

/**
 * Opens a checkpoint that the page can go on with.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @returns {Model}
 * @throws {CheckpointError}
 */
export function openModel(engine, bytes) {
  const model = engine.loadCheckpoint(bytes);
  if (model instanceof LanguageModel && model.config.vocabSize === vocabulary.size) return model;
  model.dispose();
  throw new CheckpointError(
    model instanceof LanguageModel
      ? `the model has a vocabulary of ${model.config.vocabSize}; the page takes models of bytes, which have 256`
      : 'the file holds a classifier; the page takes language models',
  );
}

/**
 * @param {ArrayBuffer | null} buffer
 * @param {number} bytes
 */
function fit(buffer, bytes) {
  return buffer && buffer.byteLength >= bytes ? buffer : new ArrayBuffer(bytes);
}

/**
 * The piece of the held-out text whose routing is shown: from the first paragraph's beginning, cut at a word.
 *
 * @param {Int32Array} heldOut
 * @returns {Int32Array}
 */
function probeOf(heldOut) {
  const lineBreak = 0x0a;
  const space = 0x20;
  const paragraph = heldOut.subarray(0, 4 * probeBytes).indexOf(lineBreak) + 1;
  const start = heldOut.length - paragraph < probeBytes ? 0 : paragraph;
  const piece = heldOut.subarray(start, start + probeBytes);
  const end = piece.lastIndexOf(space);
  return piece.slice(0, end > probeBytes / 2 ? end : piece.length);
}
