import { letterOf } from '../colours.js';

/**
 * The values of the room for CSV files, with all digits.
 *
 * @typedef {import('../export/csv.js').Row} Row
 * @typedef {import('./router.js').Matrix} Matrix
 */

/**
 * @param {import('./router.js').Linear} scores
 * @param {import('./router.js').Generator | null} generator
 * @returns {Row[]} one row per dimension of a token
 */
export function weightRows({ weight, bias }, generator) {
  const experts = Array.from({ length: weight.rows }, (_, expert) => expert);
  const v = generator?.embedding.data;
  return [
    ['column', ...(v ? ['v'] : []), ...experts.map((expert) => `R ${letterOf(expert)}`)],
    ...Array.from({ length: weight.columns }, (_, i) => [
      i + 1,
      ...(v ? [v[i]] : []),
      ...experts.map((expert) => weight.data[expert * weight.columns + i]),
    ]),
    ['b', ...(v ? [''] : []), ...bias.data],
  ];
}

/** @param {Matrix} effect [E, d + 1], b last @returns {Row[]} */
export function effectRows({ rows, columns, data }) {
  const experts = Array.from({ length: rows }, (_, expert) => expert);
  return [
    ['column', ...experts.map(letterOf)],
    ...Array.from({ length: columns }, (_, i) => [
      i === columns - 1 ? 'b' : i + 1,
      ...experts.map((expert) => data[expert * columns + i]),
    ]),
  ];
}

/** @param {Matrix} cosines below the diagonal @returns {Row[]} */
export function cosineRows({ rows, columns, data }) {
  return [
    ['expert', ...Array.from({ length: columns - 1 }, (_, column) => letterOf(column))],
    ...Array.from({ length: rows - 1 }, (_, i) => [
      letterOf(i + 1),
      ...Array.from({ length: i + 1 }, (_, column) => data[(i + 1) * columns + column]),
    ]),
  ];
}

/** @param {readonly import('./trajectory.js').TrajectoryPoint[]} trajectory @returns {Row[]} */
export function trajectoryRows(trajectory) {
  return [
    ['step', 'router drift', 'mean cosine of rows', 'distance of v from start', 'path length of v'],
    ...trajectory.map(({ step, drift, similarity, embedding, embeddingDistance, embeddingPath }) => [
      step,
      drift,
      similarity,
      embedding && embeddingDistance,
      embedding && embeddingPath,
    ]),
  ];
}
