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

/** @typedef {'bits' | 'nats'} Unit */

/**
 * @param {number} nats
 * @param {Unit} unit
 */
export const inUnit = (nats, unit) => (unit === 'bits' ? nats / Math.LN2 : nats);

/**
 * @param {Unit} unit
 * @param {'byte' | 'character' | 'piece' | 'point'} [per] what the loss is the mean over
 */
export const unitName = (unit, per = 'byte') => `${unit} per ${per}`;

/**
 * @param {number | undefined | null} nats
 * @param {Unit} unit
 */
export function loss(nats, unit) {
  return nats === undefined || nats === null || !Number.isFinite(nats) ? '–' : inUnit(nats, unit).toFixed(2);
}
