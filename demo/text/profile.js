import { routingByClass } from 'hyperrouter-wasm';
import { unread } from './frame.js';

/**
 * What each expert specialises in, counted on the sample of the held-out text. A token counts once for each of its
 * experts, as in the load.
 *
 * @typedef {object} LayerSample the routing of one layer on a text
 * @property {ArrayLike<number>} tokens [S]
 * @property {ArrayLike<number>} classes [S]
 * @property {Int16Array} experts [S, K] chosen, padded with -1; `unread` where a token was not read
 * @property {number} topK K
 * @property {number} count E
 *
 * @typedef {import('hyperrouter-wasm').ClassRouting} ClassRow
 *
 * @typedef {object} Item a character or a pair of them
 * @property {number[]} tokens
 * @property {number} lift p(item given expert) / p(item)
 * @property {number} times number of occurrences
 * @property {number} share of its occurrences routed to the expert, alone or with others
 *
 * @typedef {{ load: number, characters: Item[], pairs: Item[] }} Profile of one expert
 */

/** The lift of rarer items may be chance. */
const minTimes = 12;
/** A smaller lift is no specialisation. */
const minLift = 1.2;

/**
 * The sample of one layer.
 *
 * @param {import('./run.js').RoutedText} routed
 * @param {{ sample: Int32Array, sampleClasses: Uint8Array }} data
 * @param {number} layer counted from 0
 * @returns {LayerSample | undefined} undefined: no sample
 */
export function layerSample({ shape, views }, { sample, sampleClasses }, layer) {
  if (!shape.sample?.tokens || layer >= shape.layers || sample.length !== shape.sample.tokens)
    return undefined;
  return sampleOf(
    { sample, sampleClasses },
    { topK: shape.sample.topK, experts: views.sample },
    shape.experts,
    layer,
  );
}

/**
 * @param {{ sample: Int32Array, sampleClasses: Uint8Array }} data
 * @param {{ topK: number, experts: Int16Array }} read experts: [layers, S, K]
 * @param {number} count E
 * @param {number} layer counted from 0
 * @returns {LayerSample}
 */
export function sampleOf({ sample, sampleClasses }, { topK, experts }, count, layer) {
  const size = sample.length * topK;
  // The counts outlive the picture, whose buffer goes back to the worker.
  const own = experts.slice(layer * size, (layer + 1) * size);
  return { tokens: sample, classes: sampleClasses, experts: own, topK, count };
}

/**
 * The routing, grouped by a key of the tokens.
 *
 * @param {LayerSample} sample
 * @param {(index: number) => number} keyOf key of a token; -1: skipped
 */
function routingBy({ tokens, experts, topK, count }, keyOf) {
  const keys = Array.from(tokens, (_, i) => (experts[i * topK] === unread ? -1 : keyOf(i)));
  return routingByClass(experts, keys, count);
}

/**
 * Each expert's share of all assignments, in double precision.
 *
 * @param {LayerSample} sample
 * @returns {number[]} [E]
 */
const loadOfSample = (sample) => routingBy(sample, () => 0)[0]?.shares ?? new Array(sample.count).fill(0);

/**
 * Routing by character class.
 *
 * @param {LayerSample} sample
 * @returns {{ rows: ClassRow[], load: number[], tokens: number }} the classes that occur, by id
 */
export function classTable(sample) {
  const rows = routingBy(sample, (i) => sample.classes[i]);
  const load = loadOfSample(sample);
  return { rows, load, tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0) };
}

/** Keys of pairs: one more than the first token, times this, and the second; so none is that of a token. */
const pairSize = 65536;
/** @param {number} first @param {number} second */
const pairOf = (first, second) => (first + 1) * pairSize + second;

/**
 * The characters, and the pairs that end in the routed character, with the highest lift for each expert.
 *
 * @param {LayerSample} sample
 * @param {number} most maximum number of each
 * @returns {Profile[]} one per expert
 */
export function profilesOf(sample, most) {
  const { tokens } = sample;
  const often = (/** @type {ClassRow} */ row) => row.tokens >= minTimes;
  const characters = routingBy(sample, (i) => tokens[i]).filter(often);
  const pairs = routingBy(sample, (i) => (i > 0 ? pairOf(tokens[i - 1], tokens[i]) : -1)).filter(often);
  /**
   * @param {readonly ClassRow[]} rows
   * @param {number} expert
   * @param {(id: number) => number[]} tokensOf
   * @returns {Item[]}
   */
  const best = (rows, expert, tokensOf) =>
    rows
      .filter(({ lifts }) => lifts[expert] >= minLift)
      .sort((a, b) => b.lifts[expert] - a.lifts[expert] || b.tokens - a.tokens)
      .slice(0, most)
      .map(({ id, tokens: times, assignments, lifts }) => ({
        tokens: tokensOf(id),
        lift: lifts[expert],
        times,
        share: assignments[expert] / times,
      }));
  return loadOfSample(sample).map((load, expert) => ({
    load,
    characters: best(characters, expert, (id) => [id]),
    pairs: best(pairs, expert, (id) => [Math.floor(id / pairSize) - 1, id % pairSize]),
  }));
}

/**
 * How much the routing tells of the character: their mutual information. Random routers have some, too, since each
 * character has a vector of its own; so it is compared with that of the untrained model on the same sample.
 *
 * @param {LayerSample} sample
 * @returns {number} bits
 */
export function informationOf(sample) {
  const load = loadOfSample(sample);
  const rows = routingBy(sample, (i) => sample.tokens[i]);
  const all = rows.reduce((sum, { assignments }) => sum + total(assignments), 0);
  let bits = 0;
  for (const { assignments } of rows) {
    const own = total(assignments);
    assignments.forEach((times, expert) => {
      if (times > 0) bits += (times / all) * Math.log2(times / (own * load[expert]));
    });
  }
  return bits;
}

/** @param {ArrayLike<number>} numbers */
const total = (numbers) => Array.from(numbers).reduce((sum, x) => sum + x, 0);

/**
 * What a character or a pair had of each expert in a sample.
 *
 * @param {LayerSample} sample
 * @returns {(tokens: readonly number[], expert: number) => { lift: number, share: number } | undefined}
 */
export function lookUp(sample) {
  const { tokens } = sample;
  const rows = new Map(
    [
      ...routingBy(sample, (i) => tokens[i]),
      ...routingBy(sample, (i) => (i > 0 ? pairOf(tokens[i - 1], tokens[i]) : -1)),
    ].map((row) => [row.id, row]),
  );
  return ([first, second], expert) => {
    const row = rows.get(second === undefined ? first : pairOf(first, second));
    return row && { lift: row.lifts[expert], share: row.assignments[expert] / row.tokens };
  };
}
