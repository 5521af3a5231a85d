import { reach } from '../plane/geometry.js';
import { decodePainted } from '../plane/painted.js';
import { normal, onCircle, randomFrom } from '../plane/random.js';
import { painted } from '../plane/settings.js';
import { inputAt } from './frame.js';

/** Points of a preset. */
const count = 120;
/** Standard deviation of what is added to y. */
const noise = 0.03;
/** With fewer, there is no curve to learn. */
export const minPoints = 8;

/** @param {number} turns at least −1 */
const sine = (turns) => onCircle(turns + 1)[1];

/** y of x, both from −1 to 1. @type {Record<string, { label: string, y: (x: number) => number }>} */
export const curves = {
  sine: { label: 'Sine', y: (x) => 0.8 * sine(0.75 * x) },
  steps: { label: 'Steps', y: (x) => [-0.7, 0.3, -0.2, 0.75][Math.min(3, Math.floor(2 * (x + 1)))] },
  absolute: { label: 'Absolute value', y: (x) => 1.5 * Math.abs(x) - 0.75 },
  zigzag: { label: 'Zigzag', y: (x) => 0.8 * (4 * Math.abs(((1.5 * x + 8.25) % 1) - 0.5) - 1) },
  regimes: { label: 'Two regimes', y: (x) => (x < 0 ? 0.5 + 0.6 * x : 0.6 * sine(1.5 * x) - 0.2) },
};

/**
 * The points of a preset, or those that were painted.
 *
 * @param {import('../schema.js').Values} values settings
 * @returns {import('../plane/painted.js').Point[]} in units of the figure
 */
export function pointsOf({ data, painted: code }) {
  if (data === painted) return decodePainted(String(code), 1).points;
  const { y } = curves[String(data)];
  const random = randomFrom(1);
  return Array.from({ length: count }, (_, i) => {
    const x = (2 * i + 1) / count - 1;
    return { x: reach * x, y: reach * (y(x) + noise * normal(random)), id: 0 };
  });
}

/**
 * The same for the model.
 *
 * @param {readonly import('../plane/painted.js').Point[]} points
 * @returns {import('../trainer/trainer-protocol.js').CurveData}
 */
export const pairsOf = (points) => ({
  inputs: Float32Array.from(points, ({ x }) => inputAt(x, reach)),
  targets: Float32Array.from(points, ({ y }) => y),
});
