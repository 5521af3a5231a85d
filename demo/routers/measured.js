/**
 * What the routing of all models is measured by, each in a chart of its own with the same range in every run.
 *
 * @typedef {import('hyperrouter-wasm').LayerMeasures} LayerMeasures
 *
 * @typedef {object} Measure
 * @property {string} id
 * @property {string} title
 * @property {string} caption
 * @property {(layer: LayerMeasures) => number | null} value
 * @property {readonly [word: string, which: 'least' | 'most']} lead what is said of the one that is furthest on the
 *   side that is mostly wished for
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
    lead: ['surest', 'least'],
    range: share,
  },
  {
    id: 'max-load',
    title: 'Max load',
    caption: 'Load of the busiest expert, in multiples of the fair share: 1 (even) to E/K.',
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
      'Share of the probe whose set of experts changed since the last look, 50 steps ago (fewer at first).',
    value: ({ switchRate }) => switchRate,
    lead: ['steadiest', 'least'],
    range: share,
  },
  {
    id: 'similarity',
    title: 'Expert similarity',
    caption: 'Mean cosine between the outputs of two experts: 1, all do the same (collapse); 0, unrelated.',
    value: ({ expertSimilarity }) => expertSimilarity,
    lead: ['least alike', 'least'],
    range: () => [-0.5, 1],
  },
  {
    id: 'specialisation',
    title: 'Specialisation',
    caption: 'How much the kind of a character or point says about its expert: 0 nothing, 1 all.',
    value: ({ specialisation }) => specialisation,
    lead: ['says most', 'most'],
    range: share,
  },
];

/**
 * A measure of one layer over the steps.
 *
 * @param {Measure} measure
 * @param {readonly import('../trainer/trainer-protocol.js').MeasuresEntry[]} entries
 * @param {number} layer counted from 0
 * @returns {{ steps: number[], values: number[] }} without the looks that could not tell
 */
export function seriesOf({ value }, entries, layer) {
  const seen = entries.flatMap(({ step, layers }) => {
    const of = layers[layer] ? value(layers[layer]) : null;
    return of === null ? [] : [{ step, of }];
  });
  return { steps: seen.map(({ step }) => step), values: seen.map(({ of }) => of) };
}
