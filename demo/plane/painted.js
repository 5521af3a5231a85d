import { reach } from './geometry.js';

/**
 * Painted points, encoded as text for the address. Each takes three characters, that is 18 bits: two for the class, eight
 * for y, eight for x.
 *
 * @typedef {{ x: number, y: number, id: number }} Point id: class id
 */

/** With more, some programs would truncate the address. */
export const maxPainted = 300;
export const charactersPerPoint = 3;

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const steps = 256;
const size = (2 * reach) / steps;

/** @param {number} value */
const toStep = (value) => Math.min(steps - 1, Math.max(0, Math.floor((value + reach) / size)));
/** @param {number} step */
const fromStep = (step) => (step + 0.5) * size - reach;

/**
 * A point on the grid of painted points.
 *
 * @param {Point} point
 * @returns {Point}
 */
export const snapped = ({ x, y, id }) => ({ x: fromStep(toStep(x)), y: fromStep(toStep(y)), id });

/** @param {readonly Point[]} points */
export function encodePainted(points) {
  return points
    .map(({ x, y, id }) => {
      const bits = (id << 16) | (toStep(y) << 8) | toStep(x);
      return digits[bits >> 12] + digits[(bits >> 6) & 63] + digits[bits & 63];
    })
    .join('');
}

/**
 * @param {string} code
 * @param {number} classes
 * @returns {{ points: Point[], wrong: number }} wrong: how many were skipped: unreadable, of an unknown class,
 *   or beyond the limit
 */
export function decodePainted(code, classes) {
  /** @type {Point[]} */
  const points = [];
  const count = Math.ceil(code.length / charactersPerPoint);
  for (let i = 0; i < count && points.length < maxPainted; i++) {
    const values = Array.from(code.substr(i * charactersPerPoint, charactersPerPoint), (c) =>
      digits.indexOf(c),
    );
    if (values.length < charactersPerPoint || values.includes(-1)) continue;
    const bits = (values[0] << 12) | (values[1] << 6) | values[2];
    const id = bits >> 16;
    if (id < classes) points.push({ x: fromStep(bits & 255), y: fromStep((bits >> 8) & 255), id });
  }
  return { points, wrong: count - points.length };
}
