/** Small things to learn: a language and two classifications. */
import { randomFrom } from './helpers.js';

/** @import { Classifier } from '../../web/index.js' */

export const SYMBOLS = 12;
/** The sizes of a model that learns the language below. */
export const LEARNER = {
  vocabSize: SYMBOLS,
  layers: 1,
  heads: 2,
  dModel: 16,
  dHead: 8,
  dInner: 24,
  experts: 4,
  topK: 2,
  hyperSize: 16,
  contextLength: 12,
  memoryLength: 12,
  batchSize: 8,
};

/**
 * A language in which the symbol `lag` places back decides which comes next, nine times out of ten; all are equally
 * frequent. Its unigram entropy is ln 12 = 2.48 nats, the entropy of the next symbol 0.52 to one who looks that far.
 * @param {number} length
 * @param {number} seed
 * @param {number} lag
 */
export function speak(length, seed, lag) {
  const random = randomFrom(seed);
  const text = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const next = i < lag ? i : (5 * text[i - lag] + 1) % SYMBOLS;
    text[i] = random() < 0.9 ? next : Math.floor(random() * SYMBOLS);
  }
  return text;
}

/**
 * The segments of such texts, one for each stream, in order.
 * @param {number} seed
 * @param {number} count of segments
 * @param {{ batchSize: number, contextLength: number }} [sizes]
 * @param {number} [lag]
 */
export function* segmentsOf(seed, count, { batchSize, contextLength } = LEARNER, lag = 2) {
  const streams = Array.from({ length: batchSize }, (_, b) =>
    speak(count * contextLength + 1, seed + b, lag),
  );
  /** @param {number} from */
  const cut = (from) =>
    Int32Array.from(streams.flatMap((text) => [...text.subarray(from, from + contextLength)]));
  for (let at = 0; at < count * contextLength; at += contextLength) {
    yield { inputs: cut(at), targets: cut(at + 1), length: contextLength };
  }
}

/**
 * @param {number} seed
 * @param {number} count
 */
export function twoMoons(seed, count) {
  const random = randomFrom(seed);
  const inputs = new Float32Array(2 * count);
  const targets = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const angle = random() * Math.PI;
    targets[i] = i % 2;
    inputs[2 * i] = (targets[i] ? 1 - Math.cos(angle) : Math.cos(angle)) + (random() - 0.5) * 0.2;
    inputs[2 * i + 1] = (targets[i] ? 0.5 - Math.sin(angle) : Math.sin(angle)) + (random() - 0.5) * 0.2;
  }
  return { inputs, targets };
}

/**
 * @param {number} seed
 * @param {number} count
 */
export function xor(seed, count) {
  const random = randomFrom(seed);
  const inputs = Float32Array.from({ length: 2 * count }, () => random() * 2 - 1);
  const targets = Int32Array.from({ length: count }, (_, i) => Number(inputs[2 * i] * inputs[2 * i + 1] > 0));
  return { inputs, targets };
}

/**
 * Share of the inputs whose class is the most likely one.
 * @param {Classifier} model
 * @param {{ inputs: Float32Array, targets: Int32Array }} batch
 */
export function accuracy(model, { inputs, targets }) {
  const probabilities = model.predict(inputs);
  return targets.filter((target, i) => probabilities[2 * i + target] > 0.5).length / targets.length;
}
