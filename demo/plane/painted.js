import { reach } from './geometry.js';

/**
 * Points that somebody painted, as a text for the address: three characters each, which are 18 bits: two of the class,
 * eight of y, eight of x.
 *
 * @typedef {{ x: number, y: number, id: number }} Point id: of the class, from 0
 */

/** More would make an address that some programs cut. */
export const mostPainted = 300;
export const charactersPerPoint = 3;

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const steps = 256;
const size = (2 * reach) / steps;

/** @param {number} value */
const toStep = (value) => Math.min(steps - 1, Math.max(0, Math.floor((value + reach) / size)));
/** @param {number} step */
const fromStep = (step) => (step + 0.5) * size - reach;

/**
 * Where a point comes to lie: painted points are on a grid.
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
 * @returns {{ points: Point[], wrong: number }} wrong: how many were left out, because they are no points, of no class,
 *   or too many
 */
export function decodePainted(code, classes) {
  /** @type {Point[]} */
  const points = [];
  const count = Math.ceil(code.length / charactersPerPoint);
  for (let i = 0; i < count && points.length < mostPainted; i++) {
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
