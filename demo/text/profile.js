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
 * @typedef {object} ClassRow
 * @property {number} id of the class
 * @property {number} tokens of this class that were read
 * @property {number[]} shares [E] of its assignments that each expert gets: sums to 1
 * @property {number[]} lifts [E] that share over the expert's share of everything; 1: no difference
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
 * Counts assignments by whatever the tokens are told apart by.
 *
 * @param {LayerSample} sample
 * @param {(index: number) => number} keyOf a token's; -1: of none
 */
function countBy({ tokens, experts, topK, count }, keyOf) {
  /** @type {Map<number, { times: number, assigned: number, first: number, by: Float64Array }>} */
  const counts = new Map();
  for (let i = 0; i < tokens.length; i++) {
    if (experts[i * topK] === unread) continue;
    const key = keyOf(i);
    if (key < 0) continue;
    let entry = counts.get(key);
    if (!entry) {
      entry = { times: 0, assigned: 0, first: i, by: new Float64Array(count) };
      counts.set(key, entry);
    }
    entry.times++;
    for (let k = i * topK; k < (i + 1) * topK; k++) {
      if (experts[k] < 0) continue;
      entry.by[experts[k]]++;
      entry.assigned++;
    }
  }
  return counts;
}

/**
 * Each expert's share of all that was read.
 *
 * @param {LayerSample} sample
 * @returns {number[]} [E]
 */
function loadOfSample(sample) {
  const all = countBy(sample, () => 0).get(0);
  return Array.from({ length: sample.count }, (_, expert) =>
    all?.assigned ? all.by[expert] / all.assigned : 0,
  );
}

/**
 * Which expert takes which class of characters.
 *
 * @param {LayerSample} sample
 * @returns {{ rows: ClassRow[], load: number[], tokens: number }} classes that occur, by their ids
 */
export function classTable(sample) {
  const load = loadOfSample(sample);
  const counts = countBy(sample, (i) => sample.classes[i]);
  const rows = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([id, { times, assigned, by }]) => {
      const shares = Array.from(by, (n) => (assigned ? n / assigned : 0));
      return { id, tokens: times, shares, lifts: shares.map((share, e) => (load[e] ? share / load[e] : 0)) };
    });
  return { rows, load, tokens: rows.reduce((sum, { tokens }) => sum + tokens, 0) };
}

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
  const size = 65536;
  const load = loadOfSample(sample);
  const characters = countBy(sample, (i) => tokens[i]);
  const pairs = countBy(sample, (i) => (i > 0 ? tokens[i - 1] * size + tokens[i] : -1));
  const best = (
    /** @type {typeof characters} */ counts,
    /** @type {number} */ expert,
    /** @type {number} */ width,
  ) =>
    [...counts.values()]
      .filter(({ times }) => times >= leastTimes)
      .map(({ times, assigned, first, by }) => {
        return {
          tokens: Array.from({ length: width }, (_, j) => tokens[first - width + 1 + j]),
          lift: by[expert] ? by[expert] / (assigned * load[expert]) : 0,
          times,
          share: by[expert] / times,
        };
      })
      .filter(({ lift }) => lift >= leastLift)
      .sort((a, b) => b.lift - a.lift || b.times - a.times)
      .slice(0, most);
  return load.map((part, expert) => ({
    load: part,
    characters: best(characters, expert, 1),
    pairs: best(pairs, expert, 2),
  }));
}
