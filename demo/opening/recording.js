import { letterOf } from '../colours.js';

/**
 * The moments of the opening run, as the build records them: small enough to come with the page's first script.
 *
 * @typedef {object} Recording
 * @property {number} experts
 * @property {Points} points
 * @property {RecordedMoment[]} moments
 *
 * @typedef {object} Points the held-out ones and those that are learned
 * @property {string} classes a digit for each
 * @property {number[]} places x and y of each point in turn, hundredths of the map's side
 *
 * @typedef {object} RecordedMoment
 * @property {number} step
 * @property {number} accuracy on the held-out points, 0 … 1
 * @property {string} owners a character for each place: the expert with the largest weight, as a letter that is small where
 *   its weight is too; a point where two are tied
 * @property {string} classes a digit for each place: the probability of the second class in ninths
 */

/** Places per side. */
export const ownersSize = 64;
export const classesSize = 32;

export const tiedPlace = '.';

/** With less, an expert is drawn paler. */
const surely = 0.75;

/**
 * @param {number} expert negative: two are tied, or there is none
 * @param {number} weight
 */
export function placeCode(expert, weight) {
  if (expert < 0) return tiedPlace;
  const letter = letterOf(expert);
  return weight < surely ? letter.toLowerCase() : letter;
}

/**
 * @param {string} code of a place
 * @returns {{ expert: number, sure: boolean } | null} null: tied
 */
export function placeOf(code) {
  if (code === tiedPlace) return null;
  const letter = code.toUpperCase();
  return { expert: letter.charCodeAt(0) - 'A'.charCodeAt(0), sure: letter === code };
}

/**
 * The moment to show at a step: the last one by then.
 *
 * @param {readonly RecordedMoment[]} moments
 * @param {number} step
 */
export const momentBy = (moments, step) => moments.findLast((moment) => moment.step <= step) ?? moments[0];
