/**
 * The routing metrics, each with a chart of its own whose range is the same in every run.
 *
 * @typedef {import('hyperrouter-wasm').LayerMeasures} LayerMeasures
 *
 * @typedef {object} Measure
 * @property {string} id
 * @property {string} title
 * @property {string} caption
 * @property {(layer: LayerMeasures) => number | null} value
 * @property {readonly [word: string, which: 'least' | 'most']} lead label of the extreme value in the
 *   table of the models
 * @property {(size: { experts: number, topK: number }) => [number, number]} range
 */

/** @type {() => [number, number]} */
const share = () => [0, 1];

/** @type {readonly Measure[]} */
export const measured = [
  {
    id: 'entropy',
    title: 'Router entropy',
    caption: 'Entropy of the router’s probabilities: 0 (certain) to 1 (uniform).',
    value: ({ entropy }) => entropy,
    lead: ['most certain', 'least'],
    range: share,
  },
  {
    id: 'max-load',
    title: 'Max load',
    caption: 'Largest load, in multiples of an even load: 1 (even) to E/K.',
    value: ({ maxLoad }) => maxLoad,
    lead: ['most even', 'least'],
    range: ({ experts, topK }) => [1, Math.max(1.1, experts / topK)],
  },
  {
    id: 'variation',
    title: 'Load variation',
    caption: 'Standard deviation of the load over its mean: 0 (even) to √(E/K − 1).',
    value: ({ loadVariation }) => loadVariation,
    lead: ['most even', 'least'],
    range: ({ experts, topK }) => [0, Math.max(0.1, Math.sqrt(Math.max(0, experts / topK - 1)))],
  },
  {
    id: 'switching',
    title: 'Switch rate',
    caption:
      'Share of tokens whose set of experts changed since the last measurement, 50 steps before (fewer at first): 0 to 1.',
    value: ({ switchRate }) => switchRate,
    lead: ['most stable', 'least'],
    range: share,
  },
  {
    id: 'similarity',
    title: 'Expert similarity',
    caption: 'Mean cosine between the outputs of two experts: 1 (identical: collapse), 0 (unrelated).',
    value: ({ expertSimilarity }) => expertSimilarity,
    lead: ['least similar', 'least'],
    range: () => [-0.5, 1],
  },
  {
    id: 'specialisation',
    title: 'Specialisation',
    caption:
      'How much the class of a character or point says about its expert: 0 (nothing) to 1 (everything).',
    value: ({ specialisation }) => specialisation,
    lead: ['highest', 'most'],
    range: share,
  },
];

/**
 * A metric of one layer over the steps.
 *
 * @param {Measure} measure
 * @param {readonly import('../trainer/trainer-protocol.js').MeasuresEntry[]} entries
 * @param {number} layer counted from 0
 * @returns {{ steps: number[], values: number[] }} without measurements that gave no value
 */
export function seriesOf({ value }, entries, layer) {
  const seen = entries.flatMap(({ step, layers }) => {
    const of = layers[layer] ? value(layers[layer]) : null;
    return of === null ? [] : [{ step, of }];
  });
  return { steps: seen.map(({ step }) => step), values: seen.map(({ of }) => of) };
}
