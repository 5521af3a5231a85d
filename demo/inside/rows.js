import { letterOf } from '../colours.js';

/**
 * The numbers of the room as files have them: all digits.
 *
 * @typedef {import('../export/csv.js').Row} Row
 * @typedef {import('./router.js').Matrix} Matrix
 */

/**
 * @param {import('./router.js').Linear} scores
 * @param {import('./router.js').Generator | null} generator
 * @returns {Row[]} a row for each number of a token
 */
export function weightRows({ weight, bias }, generator) {
  const experts = Array.from({ length: weight.rows }, (_, expert) => expert);
  const v = generator?.embedding.data;
  return [
    ['number', ...(v ? ['v'] : []), ...experts.map((expert) => `R ${letterOf(expert)}`)],
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
    ['number', ...experts.map(letterOf)],
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

/** @param {readonly import('./course.js').Course[]} course @returns {Row[]} */
export function courseRows(course) {
  return [
    ['step', 'R from its start', 'mean cosine of its rows', 'v from its start', 'way of v'],
    ...course.map(({ step, moved, similarity, embedding, embeddingMoved, embeddingWay }) => [
      step,
      moved,
      similarity,
      embedding && embeddingMoved,
      embedding && embeddingWay,
    ]),
  ];
}
