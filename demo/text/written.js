import { putRouting } from '../routing.js';
import { frameBytes, frameViews } from './frame.js';

/**
 * @typedef {import('./run.js').RoutedText} RoutedText
 * @typedef {import('./frame.js').FrameViews} FrameViews
 * @typedef {import('../trainer/trainer-protocol.js').Written} Written
 */

/**
 * Collects generated parts in one growing text.
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
  let topK = 0;

  /**
   * Makes room for more experts per token. Earlier rows are kept.
   *
   * @param {import('./frame.js').FrameShape} shape
   */
  function widen(shape) {
    const before = all;
    const had = topK;
    topK = shape.topK;
    const whole = { ...shape, tokens: maxTokens };
    const wider = frameViews(new ArrayBuffer(frameBytes(whole)), whole);
    const written = before?.layers.map(({ experts, weights, logits }) => ({
      experts: experts.subarray(0, count * had),
      weights: weights.subarray(0, count * had),
      logits: logits.subarray(0, count * shape.experts),
    }));
    if (written) putRouting(wider.layers, written, { ...shape, start: 0 });
    all = wider;
  }

  return (part) => {
    if (!all || part.shape.topK > topK) widen(part.shape);
    const views = /** @type {FrameViews} */ (all);
    tokens.set(part.tokens, prompt.length + count);
    const { layers } = frameViews(part.buffer, part.shape);
    putRouting(views.layers, layers, { start: count, experts: part.shape.experts, topK });
    count += part.tokens.length;
    return {
      tokens: tokens.subarray(0, prompt.length + count),
      from: prompt.length,
      shape: { ...part.shape, topK, tokens: count },
      views,
    };
  };
}
