import { routersOf } from './settings.js';

/**
 * The line styles of the routers: darkness, width, dash and mark. Hue stands for experts.
 *
 * @typedef {object} Look
 * @property {string} colour custom property
 * @property {number} width of lines, pixels
 * @property {number[]} dash empty: solid
 * @property {'circle' | 'square'} mark of single values
 * @property {boolean} filled
 */

/**
 * In the order of the engine's routers; with more routers, styles repeat.
 *
 * @type {readonly Look[]}
 */
const looks = [
  { colour: '--ink', width: 3, dash: [], mark: 'circle', filled: true },
  { colour: '--ink', width: 1.5, dash: [], mark: 'circle', filled: false },
  { colour: '--ink', width: 1.75, dash: [7, 4], mark: 'square', filled: true },
  { colour: '--muted', width: 2, dash: [1.5, 3.5], mark: 'square', filled: false },
  { colour: '--muted', width: 3, dash: [], mark: 'circle', filled: true },
  { colour: '--ink', width: 1.75, dash: [11, 3, 2, 3], mark: 'circle', filled: false },
  { colour: '--muted', width: 1.75, dash: [7, 4], mark: 'square', filled: true },
  { colour: '--ink', width: 2.5, dash: [2, 5], mark: 'square', filled: false },
];

/** @param {number} index @returns {Look} */
export const lookAt = (index) => looks[index % looks.length];

/**
 * @param {readonly import('../schema.js').Setting[]} schema
 * @param {string} router its name
 * @returns {Look}
 */
export const lookOf = (schema, router) => lookAt(routersOf(schema).findIndex(({ name }) => name === router));
