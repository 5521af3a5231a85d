// What is timed through the package's own interface: a language model's training step and its generation.

/** @import { Task } from './measure.js' */

/**
 * @typedef {object} LanguageSizes
 * @property {number} layers
 * @property {number} d
 * @property {number} heads
 * @property {number} dHead
 * @property {number} f
 * @property {number} experts
 * @property {number} topK
 * @property {number} batch
 * @property {number} length
 * @property {number} memory
 * @property {number} vocabulary
 * @property {number} [threads]
 */

/** @param {LanguageSizes} sizes */
function config({ layers, d, heads, dHead, f, experts, topK, batch, length, memory, vocabulary }) {
  return {
    vocabSize: vocabulary,
    layers,
    heads,
    dModel: d,
    dHead,
    dInner: f,
    experts,
    topK,
    router: /** @type {const} */ ('hyperrouter'),
    hyperSize: d,
    contextLength: length,
    memoryLength: memory,
    batchSize: batch,
    dropout: 0,
    seed: 1,
  };
}

/** Tokens drawn evenly by a linear congruential generator. @param {number} count @param {number} vocabulary */
function randomTokens(count, vocabulary) {
  let state = 1;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * vocabulary);
  });
}

/**
 * @param {import('../../web/engine.js').Engine} engine
 * @param {LanguageSizes} sizes
 * @returns {Task} an iteration is a training step with the memory full and carried on
 */
export function languageStep(engine, sizes) {
  const model = engine.createLanguageModel(config(sizes));
  const { batch, length, vocabulary } = sizes;
  const inputs = randomTokens(batch * length, vocabulary);
  const targets = randomTokens(batch * length + 1, vocabulary).subarray(1);
  const step = { inputs, targets, length, carryMemory: true, learningRate: 1e-5, clip: 0.25 };
  return {
    run(iterations) {
      for (let i = 0; i < iterations; i++) model.trainStep(step);
    },
    notes: { bytes: model.memory.total },
  };
}

/**
 * @param {import('../../web/engine.js').Engine} engine
 * @param {LanguageSizes} sizes
 * @returns {Task} an iteration is a token, with the memory full
 */
export function generation(engine, sizes) {
  const model = engine.createLanguageModel(config(sizes));
  const prompt = randomTokens(sizes.memory + sizes.length, sizes.vocabulary);
  const tokens = model.generate(prompt, { maxTokens: Number.MAX_SAFE_INTEGER, temperature: 1, seed: 1 });
  return {
    run(iterations) {
      for (let i = 0; i < iterations; i++) tokens.next();
    },
  };
}
