import { isWithoutExpert, outcomeOf } from '../routing.js';
import { reach } from './geometry.js';

/**
 * What became of the data points in a layer: those that no expert computes, and those of which an assignment was dropped.
 *
 * @typedef {import('../routing.js').Outcome} Outcome
 *
 * @typedef {object} RoutedPoints
 * @property {{ topK: number }} shape
 * @property {import('../routing.js').LayerRouting} routing [N, K]
 * @property {import('./data.js').PlaneData} data
 *
 * @typedef {object} Outcomes
 * @property {Outcome[]} of by point
 * @property {number} without how many no expert computes
 * @property {number} partly how many have lost some of their experts
 */

/** @param {Pick<RoutedPoints, 'shape' | 'routing' | 'data'>} points @returns {Outcomes} */
export function pointOutcomes({ shape, routing, data }) {
  const of = Array.from(data.all.targets, (_, row) => outcomeOf(routing, row, shape.topK));
  const count = (/** @type {(outcome: Outcome) => boolean} */ is) => of.filter(is).length;
  return { of, without: count(isWithoutExpert), partly: count((outcome) => outcome === 'partly') };
}

/** Points further away from the cursor than this are not meant, in units of the map. */
const near = reach / 24;

/**
 * The point at a place.
 *
 * @param {import('./data.js').PlaneData} data
 * @param {{ x: number, y: number }} place
 * @returns {number} its index; below 0: none
 */
export function pointAt({ all }, place) {
  let [best, distance] = [-1, near];
  for (let i = 0; i < all.targets.length; i++) {
    const away = Math.hypot(all.inputs[2 * i] - place.x, all.inputs[2 * i + 1] - place.y);
    if (away <= distance) [best, distance] = [i, away];
  }
  return best;
}
