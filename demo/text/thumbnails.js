import { fillOf, paper, strengthOf } from '../colours.js';
import { frameViews } from './frame.js';

/** Characters per row. */
const width = 28;

/**
 * The passage that is shown, small: the chosen expert of each character in the first layer with a router.
 *
 * @param {import('./frame.js').FrameShape} shape
 * @param {ArrayBuffer} buffer
 * @returns {import('../session/runs.js').Thumbnail[]}
 */
export function probeThumbnails(shape, buffer) {
  const [layer] = frameViews(buffer, shape).layers;
  if (!layer) return [];
  const { tokens, topK, experts } = shape;
  const rows = Math.ceil(tokens / width);
  const fills = Array.from({ length: rows * width }, (_, token) => {
    const expert = token < tokens && topK ? layer.experts[token * topK] : -1;
    return expert < 0 ? paper : fillOf(expert, experts, strengthOf(layer.weights[token * topK], topK)).fill;
  });
  return [{ name: 'Chosen expert per token', width, fills }];
}
