import { characterClasses, evaluateText, OutOfMemoryError, splitText, TextStreams } from 'hyperrouter-wasm';
import { putRouting, widthOf } from '../routing.js';
import { isRouted } from '../schema.js';
import { frameBytes, frameViews, writePrediction } from '../text/frame.js';
import { vocabularyKey } from '../text/vocabulary.js';
import { Sample } from './sample.js';
import { beganUntrained, openTextModel, vocabularyOf } from './text-model.js';
import { fit, Trainer } from './trainer.js';

/**
 * @typedef {import('hyperrouter-wasm').LanguageModel} LanguageModel
 * @typedef {import('../text/vocabulary.js').SymbolVocabulary} SymbolVocabulary
 * @typedef {import('./trainer.js').Engine} Engine
 * @typedef {import('../text/frame.js').FrameShape} FrameShape
 */

const heldOutTokens = 4096;
const probeTokens = 420;
const predictions = 5;

/**
 * Trains a language model on bytes or characters of a text. The vocabulary is in the model's metadata, as in its
 * checkpoints.
 *
 * @extends {Trainer<LanguageModel>}
 */
export class TextTrainer extends Trainer {
  #streams;
  #heldOut;
  #trainTokens;
  #probe;
  #probeClasses;
  #sample;
  #untrained;
  #vocabulary;
  #unknown;
  #tokens;
  #routes;

  /**
   * @param {Engine} engine
   * @param {LanguageModel} model owned by the trainer from now on
   * @param {import('./trainer-protocol.js').TextData} data
   * @param {number} learningRate
   */
  constructor(engine, model, data, learningRate) {
    super(engine, model, learningRate);
    this.data = data;
    this.#routes = isRouted(engine, model.config);
    const vocabulary = vocabularyOf(model);
    const { tokens, unknown } = vocabulary.encode(data.bytes);
    const { batchSize, contextLength } = model.config;
    requireKnown(unknown);
    this.#vocabulary = vocabulary;
    this.#unknown = unknown;
    this.#tokens = tokens;
    const { train, validation } = splitText(tokens);
    this.#streams = new TextStreams(train, { batchSize, length: contextLength });
    this.#trainTokens = train.length;
    this.#heldOut = validation.subarray(0, heldOutTokens);
    this.#probe = probeOf(validation, vocabulary);
    if (!this.#probe.length) throw new RangeError('the held-out part of the text is empty');
    this.#probeClasses = classesOf(this.#probe, vocabulary);
    if (this.#heldOut.length > 1 && this.#layers) {
      const config = { ...model.config, layers: this.#layers };
      this.#sample = new Sample(this.#heldOut, config);
      // The first moment of a new model is untrained; of one that comes from a file there is no such moment.
      if (!beganUntrained(model))
        this.#untrained = readUntrained(engine, model, new Sample(this.#heldOut, config));
    }
  }

  /** Number of layers with a router. */
  get #layers() {
    return this.#routes ? this.model.config.layers : 0;
  }

  /** @override */
  get guess() {
    return Math.log(this.#vocabulary.size);
  }

  /** @override */
  get momentGap() {
    // Reading the probe takes about as long as a step.
    return 5;
  }

  /**
   * With the sample as it was at the last evaluation, which its shape says: to read it again takes longer than a step.
   *
   * @override
   */
  snapshot() {
    return this.picture(null, false);
  }

  /** @override */
  dataSummary() {
    const vocabulary = this.#vocabulary;
    const trainBytes = vocabulary.byteLength(this.#tokens.subarray(0, this.#trainTokens));
    return {
      vocabulary: vocabulary.toJSON(),
      unknown: this.#unknown,
      trainBytes,
      heldOutBytes: vocabulary.byteLength(this.#tokens) - trainBytes,
      stepsPerPass: this.#streams.segments,
      probe: this.#probe.slice(),
      probeClasses: Uint8Array.from(this.#probeClasses),
      sample: Int32Array.from(this.#sample?.tokens ?? []),
      sampleClasses: Uint8Array.from(classesOf(this.#sample?.tokens ?? new Int32Array(), vocabulary)),
      untrained: this.#untrained ?? null,
      beganUntrained: beganUntrained(this.model),
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
    const sample = this.#sample;
    if (!sample) return (await evaluateText(this.model, this.#heldOut, { signal })).loss;
    // The sample is the same text, so it costs nothing extra.
    const { batchSize } = sample;
    let segment = 0;
    sample.begin(this.model);
    const onProgress = () => sample.record(segment++, this.model.routing());
    try {
      return (await evaluateText(this.model, this.#heldOut, { signal, batchSize, onProgress })).loss;
    } catch (error) {
      sample.read = undefined;
      throw error;
    }
  }

  /** @override */
  measureProbe() {
    return this.model.measure(this.#probe, { classes: this.#probeClasses });
  }

  /**
   * Evaluates the probe, segment by segment. The model's memory is restored afterwards.
   *
   * @override
   * @param {ArrayBuffer | null} recycle
   * @param {boolean} exact
   * @returns {{ shape: FrameShape, buffer: ArrayBuffer }}
   */
  picture(recycle, exact) {
    const model = this.model;
    const { contextLength, experts } = model.config;
    const tokens = this.#probe.length;
    const sample = this.#sampleOf(exact);
    const saved = model.saveMemory();
    try {
      // The largest number of experts per token is known only at the end.
      const predicted = {
        next: new Int32Array(tokens * predictions),
        nextProbabilities: new Float32Array(tokens * predictions),
        losses: new Float32Array(tokens),
      };
      /** @type {{ start: number, routing: import('../routing.js').LayerRouting[] }[]} */
      const segments = [];
      for (let start = 0; start < tokens; start += contextLength) {
        segments.push({ start, routing: this.#readSegment(start, predicted) });
      }
      const shape = {
        tokens,
        layers: this.#layers,
        topK: widthOf(
          segments.flatMap(({ routing }) => routing),
          Number(experts),
        ),
        experts: Number(experts),
        predictions,
        biases: this.biases(),
        sample: sample && { tokens: sample.tokens.length, step: sample.read?.step ?? 0, topK: sample.topK },
      };
      const buffer = fit(recycle, frameBytes(shape));
      const views = frameViews(buffer, shape);
      if (sample) views.sample.set(sample.experts);
      views.next.set(predicted.next);
      views.nextProbabilities.set(predicted.nextProbabilities);
      views.losses.set(predicted.losses);
      for (const { start, routing } of segments) {
        putRouting(views.layers, routing, { start, ...shape });
      }
      return { shape, buffer };
    } finally {
      model.restoreMemory(saved);
    }
  }

  /**
   * @param {boolean} exact read by the current model; otherwise at the last evaluation
   */
  #sampleOf(exact) {
    const { step, topK } = this.model;
    const sample = this.#sample;
    const read = sample?.read;
    if (sample && (read?.topK !== topK || (exact && read.step !== step))) sample.readWith(this.model);
    return sample;
  }

  /**
   * @param {number} start index in the probe
   * @param {import('../text/frame.js').Predictions} predicted written to
   */
  #readSegment(start, predicted) {
    const model = this.model;
    const probe = this.#probe;
    const { contextLength, vocabSize } = model.config;
    const length = Math.min(contextLength, probe.length - start);
    const inputs = probe.slice(start, start + length);
    // The last token has no successor; its target is arbitrary, and its loss is not shown.
    const targets = Int32Array.from({ length }, (_, i) => probe[start + i + 1] ?? 0);
    model.evaluate({ inputs, targets, length, carryMemory: start > 0 });
    const logits = model.logits();
    for (let i = 0; i < length; i++) {
      const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
      writePrediction(predicted, start + i, row, probe[start + i + 1] ?? -1, predictions);
    }
    return model.routing();
  }

  /**
   * Generates a continuation. Each call of `next` generates one token.
   *
   * @param {Uint8Array} prompt UTF-8
   * @param {{ maxTokens: number, temperature: number, topP: number, seed: number }} options
   */
  generate(prompt, { maxTokens, temperature, topP, seed }) {
    return this.model.generate(this.#vocabulary.encode(prompt).tokens, {
      maxTokens,
      temperature,
      topP,
      seed,
    });
  }

  /**
   * @override
   * @param {{ optimizer: boolean }} options
   */
  save({ optimizer }) {
    return this.model.saveCheckpoint({
      optimizer,
      metadata: { [vocabularyKey]: JSON.stringify(this.#vocabulary.toJSON()) },
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
 * What a model with these settings knew before it was trained: the experts that it chose for the sample.
 *
 * @param {Engine} engine
 * @param {LanguageModel} trained
 * @param {Sample} sample
 * @returns {import('./trainer-protocol.js').UntrainedSample | undefined} undefined: there is no memory for two models
 */
function readUntrained(engine, { config }, sample) {
  try {
    const model = engine.createLanguageModel({ ...config });
    sample.readWith(model);
    model.dispose();
    return { topK: sample.topK, experts: sample.experts };
  } catch (error) {
    if (error instanceof OutOfMemoryError) return undefined;
    throw error;
  }
}

/** With a smaller share of known characters, a text is probably in another alphabet. */
const minKnown = 0.5;

/**
 * @param {import('../text/vocabulary.js').Unknown | null} unknown
 */
function requireKnown(unknown) {
  if (!unknown || unknown.missing <= (1 - minKnown) * unknown.total) return;
  const examples = unknown.examples.map((example) => `“${example}”`).join(' ');
  throw new RangeError(
    `the model's vocabulary lacks most of the text: ${unknown.missing} of ${unknown.total} characters, such as ` +
      `${examples}. Choose a text in its alphabet first, then open the model`,
  );
}

/**
 * @param {Int32Array} tokens
 * @param {SymbolVocabulary} vocabulary
 */
const classesOf = (tokens, vocabulary) =>
  characterClasses(
    tokens,
    /** @type {any} */ ({
      // The class of a word piece is that of its word, not that of the space before it.
      decode: (/** @type {number[]} */ ids) => vocabulary.decode(ids).replace(/^ (?=\S)/, ''),
    }),
  );

/**
 * The probe: the passage of the held-out text whose routing is shown. It starts with a paragraph and ends with a word.
 *
 * @param {Int32Array} heldOut
 * @param {SymbolVocabulary} vocabulary
 * @returns {Int32Array}
 */
function probeOf(heldOut, vocabulary) {
  const paragraph = heldOut.subarray(0, 4 * probeTokens).indexOf(vocabulary.tokenOf('\n')) + 1;
  const start = heldOut.length - paragraph < probeTokens ? 0 : paragraph;
  const piece = heldOut.subarray(start, start + probeTokens);
  const end = piece.lastIndexOf(vocabulary.tokenOf(' '));
  return piece.slice(0, end > probeTokens / 2 ? end : piece.length);
}
