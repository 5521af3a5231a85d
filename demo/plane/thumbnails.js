import { classTints, colourOf, fillOf, mix, paper, strengthOf, tie } from '../colours.js';
import { stretchesOf } from '../curve/stretches.js';
import { owners, tied } from './fields.js';
import { mapViews } from './frame.js';
import { reach } from './geometry.js';

/** Cells per side. */
const cells = 64;
const shares = 16;
const classFills = Array.from({ length: shares + 1 }, (_, i) =>
  mix(classTints[0], classTints[1], i / shares),
);

/**
 * The maps of a model, small: the chosen expert of the first layer with a router, and the predicted class; or the curve.
 *
 * @param {import('./frame.js').MapShape} shape
 * @param {ArrayBuffer} buffer
 * @returns {import('../session/runs.js').Thumbnail[]}
 */
export function mapThumbnails(shape, buffer) {
  const { size, classes, experts, topK } = shape;
  const views = mapViews(buffer, shape);
  if (views.line) return [{ name: 'Curve', width: cells, fills: curveFills(views.line, shape) }];
  const { places, probabilities } = views;
  const [layer] = places;
  const rows = rowsOf(size);
  const { first, weight } = layer ? owners(routingOf(layer, shape, rows), shape) : { first: [], weight: [] };
  const expertFills = Array.from(first, (expert, i) => {
    if (expert < 0) return expert === tied ? tie : paper;
    return fillOf(expert, experts, strengthOf(weight[i], topK)).fill;
  });
  const classAt = (/** @type {number} */ place) => {
    const of = probabilities.subarray(place * classes, (place + 1) * classes);
    return classes === 2 ? classFills[Math.round(of[1] * shares)] : classTints[of.indexOf(Math.max(...of))];
  };
  return [
    ...(layer ? [{ name: 'Chosen expert', width: cells, fills: expertFills }] : []),
    { name: 'Predicted class', width: cells, fills: rows.map(classAt) },
  ];
}

/**
 * The output, in the colours of the experts with the largest weight.
 *
 * @param {import('./frame.js').Line} line
 * @param {import('./frame.js').MapShape} shape
 */
function curveFills({ output, places: [routing] }, { size, topK }) {
  const fills = new Array(cells * cells).fill(paper);
  const down = (/** @type {number} */ y) => Math.round(((reach - y) / (2 * reach)) * cells);
  const stretches = routing ? stretchesOf(routing.experts, topK) : [{ expert: -1, from: 0, to: size }];
  for (const { expert, from, to } of stretches) {
    for (let at = from; at < to; at++) {
      const [here, next] = [down(output[at]), down(output[Math.min(at + 1, size - 1)])];
      const column = Math.floor(((at + 0.5) * cells) / size);
      // As far as the next place, so that a steep line has no gaps.
      for (let row = Math.min(here, next) - 1; row <= Math.max(here, next) + 1; row++) {
        if (row >= 0 && row < cells) fills[row * cells + column] = expert < 0 ? tie : colourOf(expert);
      }
    }
  }
  return fills;
}

/**
 * The places of the map that the cells show.
 *
 * @param {number} size places per side
 */
function rowsOf(size) {
  const along = (/** @type {number} */ i) => Math.floor(((i + 0.5) * size) / cells);
  return Array.from(
    { length: cells * cells },
    (_, i) => along(Math.floor(i / cells)) * size + along(i % cells),
  );
}

/**
 * The routing of some places.
 *
 * @param {import('../routing.js').LayerRouting} layer
 * @param {{ experts: number, topK: number }} shape
 * @param {readonly number[]} rows
 * @returns {import('../routing.js').LayerRouting}
 */
function routingOf({ experts, weights, logits }, { experts: count, topK }, rows) {
  const some = {
    experts: new Int16Array(rows.length * topK),
    weights: new Float32Array(rows.length * topK),
    logits: new Float32Array(rows.length * count),
  };
  rows.forEach((row, i) => {
    some.experts.set(experts.subarray(row * topK, (row + 1) * topK), i * topK);
    some.weights.set(weights.subarray(row * topK, (row + 1) * topK), i * topK);
    some.logits.set(logits.subarray(row * count, (row + 1) * count), i * count);
  });
  return some;
}
