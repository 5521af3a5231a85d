import { insideSettings } from '../inside/settings.js';
import { planeSettings } from '../plane/settings.js';
import { comparisonSettings } from '../routers/settings.js';
import { textSettings } from '../text/settings.js';
import { collapseSettings } from './collapse/settings.js';
import { namesOf, parts } from './hide.js';

/** @typedef {import('../schema.js').Setting} Setting */

/** Settings whose control is none of the usual ones. */
const special = ['data', 'gateLayer', 'prompt', 'start', 'study'];

/** @param {readonly Setting[]} settings @returns {string[]} keys of those that have a control to hide */
const withControl = (settings) =>
  settings.flatMap(({ key, control }) => (control !== 'none' || special.includes(key) ? [key] : []));

/**
 * What is wrong with the names of what a link hides. Those of every room are right: a lesson may lead there.
 *
 * @param {string} list
 * @param {readonly import('../schema.js').EngineField[]} fields of the engine's configuration
 * @returns {string[]} at most one problem
 */
export function problemsOf(list, fields) {
  const known = new Set([
    ...Object.keys(parts),
    ...withControl(planeSettings),
    ...withControl(textSettings),
    ...withControl(comparisonSettings(fields)),
    ...withControl(collapseSettings),
    ...withControl(insideSettings([{ value: '', label: '' }])),
  ]);
  const wrong = namesOf(list).filter((name) => !known.has(name));
  if (!wrong.length) return [];
  const others = new Intl.ListFormat('en').format(Object.keys(parts).sort());
  return [
    `The link hides ${wrong.map((name) => `“${name}”`).join(' and ')}, which the page does not have. ` +
      `It can hide settings, by their keys in the address (router, gate, topK …), and ${others}.`,
  ];
}
