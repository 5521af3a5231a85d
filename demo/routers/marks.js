/**
 * How the routers are told apart: by darkness, width, dash and mark. Hue belongs to experts.
 *
 * @typedef {object} Look
 * @property {string} colour custom property
 * @property {number} width of lines, pixels
 * @property {number[]} dash empty: solid
 * @property {'circle' | 'square'} mark of single values
 * @property {boolean} filled
 */

/** @type {Record<import('./settings.js').RouterName, Look>} */
export const looks = {
  hyperrouter: { colour: '--ink', width: 3, dash: [], mark: 'circle', filled: true },
  smoe: { colour: '--ink', width: 1.5, dash: [], mark: 'circle', filled: false },
  'smoe-dropout': { colour: '--ink', width: 1.75, dash: [7, 4], mark: 'square', filled: true },
  dense: { colour: '--muted', width: 2, dash: [1.5, 3.5], mark: 'square', filled: false },
};
