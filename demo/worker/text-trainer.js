import {
  ByteVocabulary,
  CheckpointError,
  characterClasses,
  evaluateText,
  LanguageModel,
  splitText,
  TextStreams,
} from 'hyperrouter-wasm';
import { frameBytes, frameViews, writePrediction } from '../text/frame.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('../text/frame.js').FrameShape} FrameShape
 */

const heldOutBytes = 4096;
const probeBytes = 420;
const predictions = 5;

const vocabulary = new ByteVocabulary();

/**
 * A language model that learns a text, byte by byte.
 *
 * @extends {Trainer<LanguageModel>}
 */
export class TextTrainer extends Trainer {
  #streams;
  #heldOut;
  #trainBytes;
  #probe;
  #probeClasses;

  /**
   * @param {Engine} engine
   * @param {LanguageModel} model belongs to the trainer from here on
   * @param {import('./protocol.js').TextData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    const { train, validation } = splitText(vocabulary.encode(data.bytes));
    const { batchSize, contextLength } = model.config;
    this.#streams = new TextStreams(train, { batchSize, length: contextLength });
    this.#trainBytes = train.length;
    this.#heldOut = validation.subarray(0, heldOutBytes);
    this.#probe = probeOf(validation);
    if (!this.#probe.length) throw new RangeError('the held-out part of the text is empty');
    this.#probeClasses = characterClasses(this.#probe, vocabulary);
  }

  /** @override */
  get guess() {
    return Math.log(vocabulary.size);
  }

  /** @override */
  dataSummary() {
    return {
      trainBytes: this.#trainBytes,
      heldOutBytes: this.data.bytes.length - this.#trainBytes,
      stepsPerPass: this.#streams.segments,
      probe: Uint8Array.from(this.#probe),
      probeClasses: Uint8Array.from(this.#probeClasses),
    };
  }

  /**
   * @override
   * @param {{ learningRate: number, clip: number }} options
   */
  learn(options) {
    const { epoch: _, ...segment } = this.#streams.at(this.model.step);
    const { loss } = this.model.trainStep({ ...segment, ...options });
    return { loss, examples: segment.inputs.length };
  }

  /**
   * @override
   * @param {AbortSignal} [signal]
   */
  async heldOutLoss(signal) {
    if (this.#heldOut.length < 2) return null;
    return (await evaluateText(this.model, this.#heldOut, { signal })).loss;
  }

  /** @override */
  measureProbe() {
    return this.model.measure(this.#probe, { classes: this.#probeClasses });
  }

  /**
   * Sends the probe text through the model, segment by segment. Training's memory stays as it was.
   *
   * @override
   * @param {ArrayBuffer | null} recycle
   * @returns {{ shape: FrameShape, buffer: ArrayBuffer }}
   */
  picture(recycle) {
    const model = this.model;
    const { contextLength, experts } = model.config;
    const tokens = this.#probe.length;
    const saved = model.saveMemory();
    try {
      const layers = model.config.router === 'dense' ? 0 : model.config.layers;
      const shape = { tokens, layers, topK: model.topK, experts: Number(experts), predictions };
      const buffer = fit(recycle, frameBytes(shape));
      const views = frameViews(buffer, shape);
      for (let start = 0; start < tokens; start += contextLength) this.#readSegment(start, views);
      return { shape, buffer };
    } finally {
      model.restoreMemory(saved);
    }
  }

  /**
   * @param {number} start first token of the probe
   * @param {import('../text/frame.js').FrameViews} views written to
   */
  #readSegment(start, views) {
    const model = this.model;
    const probe = this.#probe;
    const { contextLength, vocabSize, experts } = model.config;
    const length = Math.min(contextLength, probe.length - start);
    const inputs = probe.slice(start, start + length);
    // The last token has no successor; any target will do there, its loss is not shown.
    const targets = Int32Array.from({ length }, (_, i) => probe[start + i + 1] ?? 0);
    model.evaluate({ inputs, targets, length, carryMemory: start > 0 });
    model.routing().forEach((layer, i) => {
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

  /**
   * Continues a text. Each call of `next` writes one token.
   *
   * @param {Uint8Array} prompt
   * @param {{ maxTokens: number, temperature: number, topP: number, seed: number }} options
   */
  write(prompt, { maxTokens, temperature, topP, seed }) {
    return this.model.generate(vocabulary.encode(prompt), { maxTokens, temperature, topP, seed });
  }

  /**
   * @override
   * @param {{ optimizer: boolean }} options
   */
  save({ optimizer }) {
    return this.model.saveCheckpoint({
      optimizer,
      metadata: { vocabulary: JSON.stringify(vocabulary.toJSON()) },
    });
  }

  /**
   * @override
   * @param {Engine} engine
   * @param {Uint8Array} bytes
   */
  openModel(engine, bytes) {
    return openTextModel(engine, bytes);
  }
}

/**
 * Opens a checkpoint that the page can go on with.
 *
 * @param {Engine} engine
 * @param {Uint8Array} bytes
 * @returns {LanguageModel}
 * @throws {CheckpointError}
 */
export function openTextModel(engine, bytes) {
  const model = engine.loadCheckpoint(bytes);
  if (model instanceof LanguageModel && model.config.vocabSize === vocabulary.size) return model;
  model.dispose();
  throw new CheckpointError(
    model instanceof LanguageModel
      ? `the model has a vocabulary of ${model.config.vocabSize}; the page takes models of bytes, which have 256`
      : 'the file holds a classifier; this room takes language models',
  );
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
