import { frameBytes, frameViews } from './frame.js';

/**
 * @typedef {import('./run.js').RoutedText} RoutedText
 * @typedef {import('./frame.js').FrameViews} FrameViews
 * @typedef {import('../trainer/trainer-protocol.js').Written} Written
 */

/**
 * Collects what is written, in one growing text.
 *
 * @param {Int32Array} prompt
 * @param {number} maxTokens
 * @returns {(part: Written) => RoutedText}
 */
export function createSink(prompt, maxTokens) {
  const tokens = new Int32Array(prompt.length + maxTokens);
  tokens.set(prompt);
  let count = 0;
  /** @type {FrameViews | undefined} */
  let all;
  return (part) => {
    const { topK, experts } = part.shape;
    const whole = { ...part.shape, tokens: maxTokens };
    all ??= frameViews(new ArrayBuffer(frameBytes(whole)), whole);
    tokens.set(part.tokens, prompt.length + count);
    frameViews(part.buffer, part.shape).layers.forEach((layer, i) => {
      const of = /** @type {FrameViews} */ (all).layers[i];
      of.experts.set(layer.experts, count * topK);
      of.weights.set(layer.weights, count * topK);
      of.logits.set(layer.logits, count * experts);
    });
    count += part.tokens.length;
    return {
      tokens: tokens.subarray(0, prompt.length + count),
      from: prompt.length,
      shape: { ...part.shape, tokens: count },
      views: all,
    };
  };
}
