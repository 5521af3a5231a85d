/**
 * The moments of the opening run, as the build records them: small enough to come with the page's first script, also from a
 * host that does not compress it.
 *
 * @typedef {object} Recording
 * @property {number} experts
 * @property {string} router its label
 * @property {string} gate its label
 * @property {Points} points
 * @property {RecordedMoment[]} moments
 *
 * @typedef {object} Points those that are learned, then the held-out ones
 * @property {string} classes a digit for each
 * @property {number[]} places x and y of each point in turn, thousandths of the map's side
 * @property {number} train how many are learned
 *
 * @typedef {object} RecordedMoment
 * @property {number} step
 * @property {number} accuracy on the held-out points, 0 … 1
 * @property {number[]} load [E] on the held-out points
 * @property {(number | null)[]} weights [E] of the point in the middle; null: not chosen
 * @property {number[]} logits [E] of that point
 * @property {string} territories packed: for each expert in turn, its weight at each place; 0 where it is not chosen
 * @property {string} classes packed: the probability of the second class at each place
 */

/** Places per side. */
export const territorySize = 20;
export const classesSize = 40;

/** Shares are told apart in so many steps, a letter each. */
const steps = 25;
const letters = 'abcdefghijklmnopqrstuvwxyz';

/**
 * Shares as a text: a letter for each, and how often it comes in a row, if that is more than once.
 *
 * @param {ArrayLike<number>} shares 0 … 1
 */
export const pack = (shares) =>
  Array.from(shares, (share) => letters[Math.round(share * steps)])
    .join('')
    .replace(/(.)\1+/g, (row) => `${row[0]}${row.length}`);

/** @param {string} text @returns {Float32Array} shares, in steps of 1/25 */
export const unpack = (text) =>
  Float32Array.from(
    [...text.matchAll(/([a-z])(\d*)/g)].flatMap(([, letter, count]) =>
      new Array(Number(count || 1)).fill(letters.indexOf(letter) / steps),
    ),
  );

/**
 * The moment to show at a step: the last one by then.
 *
 * @param {readonly RecordedMoment[]} moments
 * @param {number} step
 */
export const momentBy = (moments, step) => moments.findLast((moment) => moment.step <= step) ?? moments[0];
