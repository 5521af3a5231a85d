/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** @param {number} value */
export const count = (value) => whole.format(value);

/** @param {number} value 1,234,567 → 1.23M */
export const compact = (value) => short.format(value);

/**
 * With the sign of minus, and none where nothing is left of the number.
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
 * @param {'byte' | 'character' | 'point'} [per] what the loss is the mean over
 */
export const unitName = (unit, per = 'byte') => `${unit} per ${per}`;

/**
 * @param {number | undefined | null} nats
 * @param {Unit} unit
 */
export function loss(nats, unit) {
  return nats === undefined || nats === null || !Number.isFinite(nats) ? '–' : inUnit(nats, unit).toFixed(2);
}
