import { reach } from '../plane/geometry.js';
import { normal, onCircle, randomFrom } from '../plane/random.js';

/** The choice of `data` for a curve, and that of `curve` for one that was drawn. */
export const curve = 'curve';
export const drawn = 'drawn';

/** Whether the data are points of a curve, which a regressor learns. @param {import('../schema.js').Values} values */
export const isCurve = ({ data }) => data === curve;

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
 * Points of a curve, in units of the map. What is added at random is added to y alone.
 *
 * @param {{ of: string, count: number, noise: number, seed: number }} options of: a key of `curves`
 * @returns {[x: number, y: number][]}
 */
export function curvePoints({ of, count, noise, seed }) {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => {
    const x = 2 * random() - 1;
    return [reach * x, reach * curves[of].y(x) + noise * normal(random)];
  });
}

/** The model's input at an x of the map: of the size that a layer norm gives. @param {number} x */
export const inputAt = (x) => x / 2;

/**
 * Points as a regressor learns them.
 *
 * @param {import('../plane/data.js').Vectors} points
 * @returns {{ inputs: Float32Array, targets: Float32Array }} [N] x; [N] y
 */
export const pairsOf = ({ inputs, targets }) => ({
  inputs: Float32Array.from(targets, (_, i) => inputAt(inputs[2 * i])),
  targets: Float32Array.from(targets, (_, i) => inputs[2 * i + 1]),
});
