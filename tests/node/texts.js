/** What the tests of generation share. */
import { TINY } from './helpers.js';

/** @import { LanguageModel } from '../../web/index.js' */

/** Texts of this length are seen as a whole. */
export const CONTEXT = 24;
export const SIZES = { ...TINY, contextLength: CONTEXT, memoryLength: 10 };
export const PROMPT = [3, 1, 4];
export const TEXT = { maxTokens: CONTEXT - PROMPT.length - 1, seed: 5 };

/**
 * @param {LanguageModel} model
 * @param {Int32Array | number[]} prompt
 * @param {Parameters<LanguageModel['generate']>[1]} [options]
 */
export function tokensOf(model, prompt, options) {
  return [...model.generate(prompt, options)].map(({ token }) => token);
}

/** @param {ArrayLike<number>} row */
export function argmax(row) {
  return Array.from(row).reduce((best, value, i) => (value > row[best] ? i : best), 0);
}

/**
 * The logits behind the last token of a text, as evaluate computes them.
 * @param {LanguageModel} model
 * @param {number[]} text
 */
export function lastLogits(model, text) {
  const inputs = Int32Array.from(text);
  model.evaluate({ inputs, targets: inputs, length: text.length, carryMemory: false });
  return model.logits().slice(-model.config.vocabSize);
}
