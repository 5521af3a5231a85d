import { classTints, fillOf, mix, paper, strengthOf, tie } from '../colours.js';
import { owners, tied } from './fields.js';
import { mapViews } from './frame.js';

/** Cells per side. */
const cells = 64;
const shares = 16;
const classFills = Array.from({ length: shares + 1 }, (_, i) =>
  mix(classTints[0], classTints[1], i / shares),
);

/**
 * The maps of a model, small: the chosen expert of the first layer with a router, and the predicted class.
 *
 * @param {import('./frame.js').MapShape} shape
 * @param {ArrayBuffer} buffer
 * @returns {import('../session/runs.js').Thumbnail[]}
 */
export function mapThumbnails(shape, buffer) {
  const { size, classes, experts, topK } = shape;
  const { places, probabilities } = mapViews(buffer, shape);
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
