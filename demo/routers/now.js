import { activeParameters } from 'hyperrouter-wasm/study';
import { compact, fixed, loss as lossText } from '../format.js';
import { meanOf } from './bands.js';
import { measured } from './measured.js';

/**
 * The table of current results.
 *
 * @typedef {import('../schema.js').EngineField} EngineField
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
 * @param {{ unit: import('../format.js').Unit, per: 'byte' | 'point', layer: number, fields: readonly EngineField[] }} shown
 *   layer: from 1
 * @returns {Row[]}
 */
export function rowsNow(groups, { unit, per, layer, fields }) {
  const built = groups.map(({ trainees: [{ summary }] }) => summary.value ?? undefined);
  /** @param {(trainee: import('./comparison.js').Trainee) => number | null | undefined} of */
  const means = (of) => groups.map(({ trainees }) => meanOf(trainees.map(of)));
  const perToken = means(({ measures }) =>
    meanOf(measures.value.entries.at(-1)?.layers.map(({ expertsPerToken }) => expertsPerToken) ?? []),
  );
  const active = built.map((model, i) => model && activeParameters(model, fields, perToken[i]));
  /** @param {(trainee: import('./comparison.js').Trainee) => number | undefined} of */
  const losses = (of) => means(of).map((nats) => lossText(nats, unit));
  return [
    { title: 'Parameters', values: built.map((model) => size(model?.parameterCount)) },
    { title: 'Trainable', values: built.map((model) => size(model?.trainableParameterCount)) },
    {
      title: per === 'byte' ? 'Active per character' : 'Active per point',
      values: built.map((model, i) =>
        model && active[i] === model.parameterCount ? 'all' : size(active[i]),
      ),
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
