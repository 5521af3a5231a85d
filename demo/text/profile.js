import { routingByClass } from 'hyperrouter-wasm';
import { unread } from './frame.js';

/**
 * What each expert takes more of than others do, counted on the sample of the held-out text. A token counts once for
 * each of the experts that take it, as in the load.
 *
 * @typedef {object} LayerSample the routing of one layer on a text
 * @property {ArrayLike<number>} tokens [S]
 * @property {ArrayLike<number>} classes [S]
 * @property {Int16Array} experts [S, K] chosen, filled up with -1; `unread` where a token was not read
 * @property {number} topK K
 * @property {number} count E
 *
 * @typedef {import('hyperrouter-wasm').ClassRouting} ClassRow
 *
 * @typedef {object} Item a character or a pair of them
 * @property {number[]} tokens
 * @property {number} lift p(item given expert) / p(item)
 * @property {number} times that it was read
 * @property {number} share of its occurrences that the expert takes, alone or with others
 *
 * @typedef {{ load: number, characters: Item[], pairs: Item[] }} Profile of one expert
 */

/** What comes less often says little: its lift may be chance. */
const leastTimes = 12;
/** Below this there is nothing special to tell. */
const leastLift = 1.2;

/**
 * The part of a routed text's sample that belongs to a layer.
 *
 * @param {import('./run.js').RoutedText} routed
 * @param {{ sample: Int32Array, sampleClasses: Uint8Array }} data
 * @param {number} layer counted from 0
 * @returns {LayerSample | undefined} undefined where there is none
 */
export function layerSample({ shape, views }, { sample, sampleClasses }, layer) {
  if (!shape.sample?.tokens || layer >= shape.layers || sample.length !== shape.sample.tokens)
    return undefined;
  const { topK } = shape.sample;
  const size = sample.length * topK;
  return {
    tokens: sample,
    classes: sampleClasses,
    experts: views.sample.subarray(layer * size, (layer + 1) * size),
    topK,
    count: shape.experts,
  };
}

/**
 * The routing by whatever the tokens are told apart by.
 *
 * @param {LayerSample} sample
 * @param {(index: number) => number} keyOf a token's; -1: of none
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
 * Which expert takes which class of characters.
 *
 * @param {LayerSample} sample
 * @returns {{ rows: ClassRow[], load: number[], tokens: number }} classes that occur, by their ids
 */
export function classTable(sample) {
  const rows = routingBy(sample, (i) => sample.classes[i]);
  const load = loadOfSample(sample);
  return { rows, load, tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0) };
}

/** Keys of pairs: the first token times this, and the second. */
const pairSize = 65536;

/**
 * What is typical of each expert: the characters, and the pairs that end in the character it took, of the greatest
 * lift.
 *
 * @param {LayerSample} sample
 * @param {number} most of each
 * @returns {Profile[]} one an expert
 */
export function profilesOf(sample, most) {
  const { tokens } = sample;
  const often = (/** @type {ClassRow} */ row) => row.tokens >= leastTimes;
  const characters = routingBy(sample, (i) => tokens[i]).filter(often);
  const pairs = routingBy(sample, (i) => (i > 0 ? tokens[i - 1] * pairSize + tokens[i] : -1)).filter(often);
  /**
   * @param {readonly ClassRow[]} rows
   * @param {number} expert
   * @param {(id: number) => number[]} tokensOf
   * @returns {Item[]}
   */
  const best = (rows, expert, tokensOf) =>
    rows
      .filter(({ lifts }) => lifts[expert] >= leastLift)
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
    pairs: best(pairs, expert, (id) => [Math.floor(id / pairSize), id % pairSize]),
  }));
}
