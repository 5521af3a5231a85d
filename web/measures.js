/**
 * Routing metrics: pure functions of what `model.routing()` returns. N tokens, E experts; each token has a row of K
 * expert ids. Where a gate gives tokens different numbers of experts, rows are filled up with -1: such entries are
 * skipped, and a token may have no expert at all.
 *
 * @module
 */

import {
  checkFunction,
  checkInteger,
  fail,
  refuse,
  toFloats,
  toIds,
  toIntegers,
  toNumbers,
} from './check.js';

/** @import { Floats, Ids, Integers, Numbers } from './types.js' */
/** @import { Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} LayerMeasures
 * Routing metrics of one layer on a probe.
 *
 * @property {Floats} load [E] see `expertLoad`: share of the assignments that each expert gets
 * @property {number} maxLoad see `maxLoad`: 1 (even) to E/K (the same K experts get everything)
 * @property {number} loadVariation see `loadVariation`: 0 (even) to sqrt(E/K - 1)
 * @property {number} entropy router entropy, see `routerEntropy`: 0 (certain) to 1 (uniform)
 * @property {number | null} switchRate see `switchRate`; null the first time a probe is measured, and after a change of
 *   topK
 * @property {number | null} expertSimilarity mean pairwise cosine between the experts' outputs on the probe: 1 means
 *   that they have collapsed into one; null if there is only one expert
 * @property {number | null} specialisation see `specialisation`; null without classes
 * @property {number} expertsPerToken see `expertsPerToken`
 * @property {number} droppedShare see `droppedShare`: 0 without a capacity limit
 * @property {number} withoutExpert see `tokensWithoutExpert`: 0 where every token gets `topK` experts
 */

/** More than any model has: an array of a wrong size may fill the memory. */
const MOST_EXPERTS = 2 ** 20;

/**
 * Expert load: share of the assignments that each expert gets, load_e = (assignments to e) / (all assignments). With K
 * experts per token there are N · K assignments. It is f_e of the load-balancing loss in Fedus et al., "Switch
 * Transformers" (2022), section 2.2, for any number of experts per token.
 *
 * @param {ArrayLike<number>} experts [N, K] chosen ids; -1: none
 * @param {number} count E
 * @returns {Floats} [E] sums to 1; all 0 if nothing was assigned
 */
export function expertLoad(experts, count) {
  checkInteger('count', count, 0, MOST_EXPERTS);
  const assignments = assignmentsOf(toIds('experts', experts, { limit: count }), count);
  const total = Math.max(1, sumOf(assignments));
  return Float32Array.from(assignments, (n) => n / total);
}

/**
 * Max load: how many times its fair share the busiest expert gets, max_e load_e · E. It equals the smallest capacity
 * factor that drops no token (Lepikhin et al., "GShard", 2021, section 2.2; Fedus et al. 2022, section 2.1).
 *
 * @param {ArrayLike<number>} load [E]
 * @returns {number} 1 (even) to E/K (the same K experts get everything); 0 if nothing was assigned
 */
export function maxLoad(load) {
  const shares = toNumbers('load', load);
  return shares.reduce(larger, 0) * shares.length;
}

/**
 * Load variation: coefficient of variation of the load, its standard deviation over its mean, sqrt(E · Σ (load_e -
 * 1/E)²). Shazeer et al., "Outrageously Large Neural Networks" (2017), section 4, use its square as a loss.
 *
 * @param {ArrayLike<number>} load [E]
 * @returns {number} 0 (even, or nothing was assigned) to sqrt(E/K - 1)
 */
export function loadVariation(load) {
  const shares = toNumbers('load', load);
  const count = shares.length;
  let [sum, squares] = [0, 0];
  for (const share of shares) {
    sum += share;
    squares += (share - 1 / count) ** 2;
  }
  return sum === 0 ? 0 : Math.sqrt(count * squares);
}

/**
 * Router probabilities of one token: the softmax over all E logits. The layer itself may weight the chosen experts
 * otherwise: see the guide on routers and gates.
 *
 * @param {Numbers} logits [N, E] of the router
 * @param {number} count E
 * @param {number} [token] its row, from 0 (default)
 * @returns {number[]} [E] sums to 1
 */
export function routerProbabilities(logits, count, token = 0) {
  const all = toFloats('logits', logits, checkInteger('count', count, 1, MOST_EXPERTS));
  const last = Math.floor(all.length / count) - 1;
  if (!(Number.isInteger(token) && token >= 0 && token <= last)) refuse('token', `from 0 to ${last}`, token);
  const row = Array.from(all.subarray(token * count, (token + 1) * count));
  const max = row.reduce(larger);
  const exps = row.map((logit) => Math.exp(logit - max));
  const sum = exps.reduce((total, exp) => total + exp, 0);
  return exps.map((exp) => exp / sum);
}

/** @param {number} a @param {number} b */
const larger = (a, b) => Math.max(a, b);

/**
 * Router entropy: mean over tokens of -Σ p ln p / ln E, where p is the softmax over all E logits of the token. Do et
 * al., "HyperRouter" (2023), compare routers by the entropy of their output. The same number as
 * `routing()[layer].entropy`.
 *
 * @param {Numbers} logits [N, E] of the router
 * @param {number} count E
 * @returns {number} 0 (certain) to 1 (uniform)
 */
export function routerEntropy(logits, count) {
  const all = toFloats('logits', logits, checkInteger('count', count, 1, MOST_EXPERTS));
  if (all.length === 0 || count < 2) return 0;
  let total = 0;
  for (let start = 0; start < all.length; start += count) {
    const row = all.subarray(start, start + count);
    const max = row.reduce(larger);
    let [sum, weighted] = [0, 0];
    for (const logit of row) {
      const exp = Math.exp(logit - max);
      sum += exp;
      weighted += exp * (logit - max);
    }
    // -Σ p ln p with ln p = logit - max - ln sum
    total += Math.log(sum) - weighted / sum;
  }
  return total / (all.length / count) / Math.log(count);
}

/**
 * Switch rate: share of the tokens whose set of experts differs between two measurements; the order within the set does
 * not count, and the empty set is a set too. Dai et al., "StableMoE" (2022), count this fluctuation between
 * checkpoints.
 *
 * @param {Ids} before [N, topKBefore] chosen ids; -1: none
 * @param {Ids} now [N, topK] chosen ids; -1: none
 * @param {number} topK K: length of a row of `now`
 * @param {number} [topKBefore] length of a row of `before`; default: topK
 * @returns {number} 0 to 1
 */
export function switchRate(before, now, topK, topKBefore = topK) {
  const [old, current] = [toIntegers('before', before), toIntegers('now', now)];
  checkInteger('topK', topK, 1);
  checkInteger('topKBefore', topKBefore, 1);
  const tokens = current.length / topK;
  if (old.length !== tokens * topKBefore) {
    fail(`before must be of as many tokens as now, ${tokens}; got ${old.length / topKBefore}`);
  }
  let changed = 0;
  for (let token = 0; token < tokens; token++) {
    const oldSet = old.subarray(token * topKBefore, (token + 1) * topKBefore);
    const newSet = current.subarray(token * topK, (token + 1) * topK);
    if (!includesAll(oldSet, newSet) || !includesAll(newSet, oldSet)) changed++;
  }
  return tokens === 0 ? 0 : changed / tokens;
}

/** @param {Int32Array} set @param {Int32Array} ids -1: none */
function includesAll(set, ids) {
  return ids.every((id) => id < 0 || set.includes(id));
}

/**
 * Specialisation: normalised mutual information between the class of a token and its experts, Σ p(c,e) ln [p(c,e) /
 * (p(c) p(e))] / min(H(c), H(e)), where p(c,e) is the share of the assignments that go from a token of class c to
 * expert e. The normalisation is U in Kvålseth, "Entropy and Correlation: Some Comments" (1987); Zoph et al., "ST-MoE"
 * (2022), section 7, ask the same question. With few tokens per class the estimate is too high.
 *
 * @param {Ids} experts [N, K] chosen ids; -1: none
 * @param {Ids} classes [N] of the tokens, from 0
 * @param {number} count E
 * @returns {number} 0 (independent, or only one class or expert) to 1 (one determines the other)
 */
export function specialisation(experts, classes, count) {
  checkInteger('count', count, 1, MOST_EXPERTS);
  const [chosen, classOf] = [toIds('experts', experts, { limit: count }), toIntegers('classes', classes)];
  const topK = rowLength(chosen, classOf);
  // By rank: ids may be large, and need no room.
  const ranks = new Map([...new Set(classOf)].sort((a, b) => a - b).map((id, rank) => [id, rank]));
  const classCount = ranks.size;
  const joint = new Float64Array(classCount * count);
  const ofClass = new Float64Array(classCount);
  const ofExpert = new Float64Array(count);
  const share = 1 / chosen.reduce((sum, id) => (id < 0 ? sum : sum + 1), 0);
  chosen.forEach((expert, assignment) => {
    if (expert < 0) return;
    const id = Number(ranks.get(classOf[Math.floor(assignment / topK)]));
    joint[id * count + expert] += share;
    ofClass[id] += share;
    ofExpert[expert] += share;
  });
  const smaller = Math.min(entropyOf(ofClass), entropyOf(ofExpert));
  if (smaller < 1e-12) return 0;
  const mutual = entropyOf(ofClass) + entropyOf(ofExpert) - entropyOf(joint);
  return Math.min(1, Math.max(0, mutual / smaller));
}

/** @param {Float64Array} shares sum to 1 */
function entropyOf(shares) {
  return shares.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
}

/**
 * @typedef {object} ClassRouting
 * How the tokens of one class are routed.
 *
 * @property {number} id of the class
 * @property {number} tokens of this class
 * @property {number[]} assignments [E] from tokens of this class to each expert; over `tokens`, it is the share of the
 *   tokens that the expert gets
 * @property {number[]} shares [E] p(expert | class): share of these assignments that each expert gets
 * @property {number[]} lifts [E] p(expert | class) / p(expert), which is p(class | expert) / p(class): 1 means no
 *   preference, 2 twice as many of the class as of everything; 0 for an expert without assignments
 */

/**
 * Routing by class: what each expert specialises in. The lift is the association of one class and one expert whose
 * logarithm is the pointwise mutual information of Church and Hanks, "Word Association Norms, Mutual Information, and
 * Lexicography" (1990); the mean of that over assignments is the mutual information in `specialisation`. The lift of a
 * rare class is mostly noise.
 *
 * @param {ArrayLike<number>} experts [N, K] chosen ids; -1: none
 * @param {ArrayLike<number>} classes [N] of the tokens: any integers from 0; -1: no class, the token counts in
 *   p(expert) alone
 * @param {number} count E
 * @returns {ClassRouting[]} one entry per class that occurs, by id
 */
export function routingByClass(experts, classes, count) {
  checkInteger('count', count, 1, MOST_EXPERTS);
  const [chosen, classOf] = [toIds('experts', experts, { limit: count }), toIds('classes', classes)];
  const topK = rowLength(chosen, classOf);
  /** @type {Map<number, { tokens: number, assignments: number[] }>} */
  const found = new Map();
  for (let token = 0; token < classOf.length; token++) {
    const id = classOf[token];
    if (id < 0) continue;
    let entry = found.get(id);
    if (!entry) {
      entry = { tokens: 0, assignments: new Array(count).fill(0) };
      found.set(id, entry);
    }
    entry.tokens++;
    for (let i = token * topK; i < (token + 1) * topK; i++) {
      if (chosen[i] >= 0) entry.assignments[chosen[i]]++;
    }
  }
  const all = assignmentsOf(chosen, count);
  const total = sumOf(all);
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([id, { tokens, assignments }]) => {
      const size = Math.max(1, sumOf(assignments));
      const shares = assignments.map((n) => n / size);
      const lifts = shares.map((share, expert) => (all[expert] ? (share * total) / all[expert] : 0));
      return { id, tokens, assignments, shares, lifts };
    });
}

/**
 * @param {number[]} experts
 * @param {number} count E
 */
function assignmentsOf(experts, count) {
  /** @type {number[]} */
  const assignments = new Array(count).fill(0);
  for (const id of experts) if (id >= 0) assignments[id]++;
  return assignments;
}

/** @param {number[]} numbers */
function sumOf(numbers) {
  return numbers.reduce((sum, n) => sum + n, 0);
}

/**
 * @param {number[]} experts [N, K]
 * @param {ArrayLike<number>} classes [N]
 * @returns {number} K
 */
function rowLength(experts, classes) {
  const topK = experts.length / classes.length;
  if (!Number.isInteger(topK)) {
    fail(
      `classes must have one number for each token: ${experts.length} assignments cannot be of ${classes.length} tokens`,
    );
  }
  return topK;
}

/**
 * Mean number of experts per token, without assignments that were dropped. Without a capacity limit, it is K where every
 * token gets K experts.
 *
 * @param {ArrayLike<number>} weights [N, K] as `routing()` gives them; 0: dropped, or none
 * @param {number} tokens N
 * @returns {number} 0 to E
 */
export function expertsPerToken(weights, tokens) {
  checkInteger('tokens', tokens, 0);
  let computed = 0;
  for (const weight of toNumbers('weights', weights)) if (weight !== 0) computed++;
  return computed / Math.max(1, tokens);
}

/**
 * Share of the assignments that were dropped, because the expert's capacity was reached. Fedus et al., "Switch Transformers"
 * (2022), section 2.2, report it as the fraction of dropped tokens.
 *
 * @param {ArrayLike<number>} experts [N, K] chosen ids; -1: none
 * @param {ArrayLike<number>} dropped [E] as `routing()` gives them
 * @returns {number} 0 to 1; 0 if nothing was assigned
 */
export function droppedShare(experts, dropped) {
  let assigned = 0;
  for (const id of toIds('experts', experts)) if (id >= 0) assigned++;
  const over = sumOf(toNumbers('dropped', dropped));
  return over / Math.max(1, assigned);
}

/**
 * Share of the tokens that no expert computes: those that chose none or that none chose, and those whose assignments were
 * all dropped. They pass the layer by its residual connection (and shared experts) alone.
 *
 * @param {ArrayLike<number>} weights [N, K] as `routing()` gives them; 0: dropped, or none
 * @param {number} tokens N
 * @returns {number} 0 to 1
 */
export function tokensWithoutExpert(weights, tokens) {
  const all = toNumbers('weights', weights);
  checkInteger('tokens', tokens, 0);
  if (all.length === 0) return Math.min(1, tokens);
  const width = all.length / Math.max(1, tokens);
  if (!Number.isInteger(width)) refuse('tokens', `a divisor of the ${all.length} weights`, tokens);
  let without = 0;
  for (let token = 0; token < tokens; token++) {
    let computed = false;
    for (let i = token * width; i < (token + 1) * width; i++) computed ||= all[i] !== 0;
    if (!computed) without++;
  }
  return without / Math.max(1, tokens);
}

/** The classes of `characterClasses`, by id. */
export const characterClassNames = Object.freeze(
  /** @type {const} */ ([
    'vowel',
    'consonant',
    'capital',
    'digit',
    'space',
    'line break',
    'punctuation',
    'other',
  ]),
);

const CHARACTER_PATTERNS = [
  /^[aeiou]/,
  /^\p{Ll}/u,
  /^\p{Lu}/u,
  /^\p{N}/u,
  /^[ \t\u00a0]/,
  /^[\n\r]/,
  /^[\p{P}\p{S}]/u,
];

/**
 * The class of each token by the first character of its text: what `measure` takes as classes of a text. Parts of a
 * character (bytes above 127) are 'other'.
 *
 * @param {Ids} tokens [N]
 * @param {Vocabulary} vocabulary that they are of
 * @returns {Integers} [N] ids of `characterClassNames`
 */
export function characterClasses(tokens, vocabulary) {
  /** @type {Map<number, number>} */
  const known = new Map();
  checkFunction('vocabulary.decode', vocabulary?.decode, 'a function, as of a vocabulary');
  return Int32Array.from(toIntegers('tokens', tokens), (token) => {
    let id = known.get(token);
    if (id === undefined) {
      const text = vocabulary.decode([token]);
      if (typeof text !== 'string') return refuse('vocabulary.decode(tokens)', 'a string', text, TypeError);
      const found = text === '\ufffd' ? -1 : CHARACTER_PATTERNS.findIndex((pattern) => pattern.test(text));
      id = found < 0 ? CHARACTER_PATTERNS.length : found;
      known.set(token, id);
    }
    return id;
  });
}
