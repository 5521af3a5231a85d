import { compact, fixed, loss as lossText } from '../format.js';
import { meanOf } from './bands.js';
import { measured } from './measured.js';

/**
 * The table of current results.
 *
 * @typedef {import('./settings.js').RouterOption} RouterOption
 *
 * @typedef {object} Row
 * @property {string} title
 * @property {string[]} values one for each router
 * @property {{ at: number, word: string }} [best] the router with the extreme value, and its label
 */

/** @param {number | undefined} value */
const size = (value) => (value === undefined ? '–' : compact(value));

/**
 * @param {readonly import('./groups.js').Group[]} groups
 * @param {{ unit: import('../format.js').Unit, per: 'byte' | 'point', layer: number, routers: readonly RouterOption[] }} shown
 *   layer: from 1
 * @returns {Row[]}
 */
export function rowsNow(groups, { unit, per, layer, routers }) {
  const sizes = groups.map(({ router, trainees: [{ summary }] }) => {
    const option = routers.find(({ name }) => name === router);
    return summary.value && option ? parametersOf(summary.value, option) : undefined;
  });
  /** @param {(trainee: import('./comparison.js').Trainee) => number | null | undefined} of */
  const means = (of) => groups.map(({ trainees }) => meanOf(trainees.map(of)));
  /** @param {(trainee: import('./comparison.js').Trainee) => number | undefined} of */
  const losses = (of) => means(of).map((nats) => lossText(nats, unit));
  return [
    { title: 'Parameters', values: sizes.map((of) => size(of?.all)) },
    { title: 'Trainable', values: sizes.map((of) => size(of?.learned)) },
    {
      title: per === 'byte' ? 'Active per character' : 'Active per point',
      values: sizes.map((of) => (of && of.active === of.all ? 'all' : size(of?.active))),
    },
    withBest('lowest', 'least', {
      title: 'Training loss',
      values: losses((trainee) => trainee.losses.value.smooth.at(-1)),
    }),
    withBest('lowest', 'least', {
      title: 'Held-out loss',
      values: losses((trainee) => trainee.losses.value.heldOut.at(-1)?.loss),
    }),
    ...measured.map(({ title, value, lead: [word, which] }) => {
      const now = means((trainee) => {
        const measures = trainee.measures.value.entries.at(-1)?.layers[layer - 1];
        return measures && value(measures);
      });
      return withBest(word, which, {
        title,
        values: now.map((mean) => (mean === undefined ? '–' : fixed(mean))),
      });
    }),
  ];
}

/**
 * Marks the smallest or largest value of a row, compared as displayed, unless several share it.
 *
 * @param {string} word
 * @param {'least' | 'most'} which
 * @param {Row} row
 * @returns {Row}
 */
export function withBest(word, which, row) {
  const all = row.values.map((text) => Number(text.replace('−', '-')));
  const numbers = all.filter(Number.isFinite);
  const extreme = which === 'least' ? Math.min(...numbers) : Math.max(...numbers);
  const alone = numbers.length > 1 && numbers.filter((value) => value === extreme).length === 1;
  return alone ? { ...row, best: { at: all.indexOf(extreme), word } } : row;
}

/**
 * The parameters of a model, and how many of them are used for a single token.
 *
 * @param {import('../trainer/trainer-protocol.js').Summary} summary of a model
 * @param {Pick<import('./settings.js').RouterOption, 'traits'>} router of it
 * @returns {{ all: number, learned: number, active: number }} active: parameters used for a token. A hypernetwork
 *   generates the router once for all tokens; only that router is counted
 */
export function parametersOf({ config, topK, parameterCount, trainableParameterCount }, { traits }) {
  const size = (/** @type {string} */ key) => Number(config[key]);
  const [layers, d, inner, experts] = [size('layers'), size('dModel'), size('dInner'), size('experts')];
  let idle = 0;
  if (traits.includes('routes')) idle += layers * (experts - topK) * (2 * d * inner + inner + d);
  if (traits.includes('hypernetwork')) {
    const hidden = size('hyperSize');
    const generated = experts * (d + 1);
    const generator = d + (d + 1) * hidden + (hidden + 1) * generated;
    idle += layers * (generator - generated);
  }
  return { all: parameterCount, learned: trainableParameterCount, active: parameterCount - idle };
}
