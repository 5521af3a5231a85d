import { format } from 'd3-format';

// Formats numbers for people. Not with Intl, which takes tens of milliseconds to load on a slow phone.

/** A whole number: 1234567 → 1,234,567. */
export const count = format(',.0f');

/** 1234567 → 1.23M */
export const compact = format('.3~s');

/**
 * With a real minus sign, and without it if the number is rounded to zero.
 *
 * @param {number} value
 * @param {number} [digits] after the point
 */
export const fixed = (value, digits = 2) =>
  value
    .toFixed(digits)
    .replace(/^-(?=[0.]*$)/, '')
    .replace('-', '−');

/** @param {number} share 0 … 1 */
export function percent(share) {
  if (share > 0 && share < 0.005) return '<1 %';
  return `${Math.round(share * 100)} %`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 1)} MB`;
}

/**
 * @typedef {'bits' | 'nats' | 'squares'} Unit squares: the loss is a mean squared error, of numbers that are standardised
 * @typedef {'byte' | 'character' | 'piece' | 'point' | 'value'} Per what the loss is the mean over; value: what a regressor
 *   gives
 */

/**
 * The unit in which a room shows losses.
 *
 * @param {{ get: (key: string) => unknown }} state
 * @param {Per} per
 */
export const unitOf = (state, per) => /** @type {Unit} */ (per === 'value' ? 'squares' : state.get('unit'));

/**
 * @param {number} loss as the engine gives it, of predictions in nats
 * @param {Unit} unit
 */
export const inUnit = (loss, unit) => (unit === 'bits' ? loss / Math.LN2 : loss);

/**
 * @param {Unit} unit
 * @param {Per} [per]
 */
export const unitName = (unit, per = 'byte') =>
  unit === 'squares' ? 'mean squared error' : `${unit} per ${per}`;

/**
 * @param {number | undefined | null} value
 * @param {Unit} unit
 */
export function loss(value, unit) {
  if (value === undefined || value === null || !Number.isFinite(value)) return '–';
  // Small errors matter where the loss can come near 0.
  return inUnit(value, unit).toFixed(unit === 'squares' ? 3 : 2);
}
