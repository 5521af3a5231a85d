/**
 * What the routing of a layer is measured by: pure functions of what `model.routing()` returns. N tokens, E experts, K
 * of them chosen for each token.
 *
 * @module
 */

/** @import { Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} LayerMeasures
 * The routing of one layer on a probe.
 *
 * @property {Float32Array} load [E] share of the assignments that each expert gets
 * @property {number} maxLoad see `maxLoad`: 1 (even) to E/K (the same K take all)
 * @property {number} loadVariation see `loadVariation`: 0 (even) to sqrt(E/K - 1)
 * @property {number} entropy see `routerEntropy`: 0 (certain) to 1 (undecided)
 * @property {number | null} switchRate see `switchRate`; null at the first look, or if topK is another than then
 * @property {number | null} expertSimilarity mean pairwise cosine between the experts' outputs on the probe: 1 is
 *   collapsed; null where there is only one expert
 * @property {number | null} specialisation see `specialisation`; null without classes
 */

/**
 * Share of the assignments that each expert gets: load_e = (assignments to e) / (N · K). It is f_e of the
 * load-balancing loss of Fedus et al., "Switch Transformers" (2022), section 2.2, counted over K experts a token.
 *
 * @param {Int32Array} experts [N, K] the chosen
 * @param {number} count E
 * @returns {Float32Array} [E] sums to 1
 */
export function expertLoad(experts, count) {
  const assignments = new Float64Array(count);
  for (const expert of experts) assignments[expert]++;
  return Float32Array.from(assignments, (n) => n / Math.max(1, experts.length));
}

/**
 * How many times its fair share the busiest expert gets: max_e load_e · E. It is the capacity factor that would drop no
 * token (Lepikhin et al., "GShard", 2021, section 2.2; Fedus et al. 2022, section 2.1).
 *
 * @param {ArrayLike<number>} load [E]
 * @returns {number} 1 (even) to E/K (the same K experts get all)
 */
export function maxLoad(load) {
  return Math.max(...Array.from(load)) * load.length;
}

/**
 * Coefficient of variation of the load: its standard deviation over its mean, sqrt(E · Σ (load_e - 1/E)²). Shazeer et
 * al., "Outrageously Large Neural Networks" (2017), section 4, whose losses are its square.
 *
 * @param {ArrayLike<number>} load [E]
 * @returns {number} 0 (even) to sqrt(E/K - 1)
 */
export function loadVariation(load) {
  const count = load.length;
  let squares = 0;
  for (let expert = 0; expert < count; expert++) squares += (load[expert] - 1 / count) ** 2;
  return Math.sqrt(count * squares);
}

/**
 * Indecision of the router: mean over tokens of -Σ p ln p / ln E, p the softmax over all E logits of the token. Do et
 * al., "HyperRouter" (2023), compare routers by the entropy of their output. The same number as `routing()[layer].entropy`.
 *
 * @param {Float32Array} logits [N, E] of the router
 * @param {number} count E
 * @returns {number} 0 (certain) to 1 (no preference)
 */
export function routerEntropy(logits, count) {
  if (logits.length === 0 || count < 2) return 0;
  let total = 0;
  for (let start = 0; start < logits.length; start += count) {
    const row = logits.subarray(start, start + count);
    const max = Math.max(...row);
    let [sum, weighted] = [0, 0];
    for (const logit of row) {
      const exp = Math.exp(logit - max);
      sum += exp;
      weighted += exp * (logit - max);
    }
    // -Σ p ln p with ln p = logit - max - ln sum
    total += Math.log(sum) - weighted / sum;
  }
  return total / (logits.length / count) / Math.log(count);
}

/**
 * Share of the tokens whose set of experts is another than at the last look; their order in the set plays no part.
 * Dai et al., "StableMoE" (2022), count this fluctuation between checkpoints.
 *
 * @param {Int32Array} before [N, K]
 * @param {Int32Array} now [N, K]
 * @param {number} topK K
 * @returns {number} 0 to 1
 */
export function switchRate(before, now, topK) {
  if (before.length !== now.length) {
    throw new RangeError(`before must be of as many assignments as now, ${now.length}; got ${before.length}`);
  }
  let changed = 0;
  for (let start = 0; start < now.length; start += topK) {
    const old = before.subarray(start, start + topK);
    if (now.subarray(start, start + topK).some((expert) => !old.includes(expert))) changed++;
  }
  return now.length === 0 ? 0 : changed / (now.length / topK);
}

/**
 * How far the class of a token tells its experts, and the reverse: mutual information over the smaller entropy,
 * Σ p(c,e) ln [p(c,e) / (p(c) p(e))] / min(H(c), H(e)), with p(c,e) the share of the assignments that are of a token of
 * class c to expert e. Normalised as U in Kvålseth, "Entropy and Correlation: Some Comments" (1987); the question
 * is that of Zoph et al., "ST-MoE" (2022), section 7. Few tokens a class make it too large.
 *
 * @param {Int32Array} experts [N, K]
 * @param {Int32Array} classes [N] of the tokens, from 0
 * @param {number} count E
 * @returns {number} 0 (independent, or only one class or expert) to 1 (one follows from the other)
 */
export function specialisation(experts, classes, count) {
  const topK = experts.length / classes.length;
  if (!Number.isInteger(topK)) {
    throw new RangeError(
      `classes must have one number for each token: ${experts.length} assignments cannot be of ${classes.length} tokens`,
    );
  }
  const classCount = classes.reduce((most, id) => Math.max(most, id + 1), 1);
  const joint = new Float64Array(classCount * count);
  const ofClass = new Float64Array(classCount);
  const ofExpert = new Float64Array(count);
  const share = 1 / experts.length;
  experts.forEach((expert, assignment) => {
    const id = classes[Math.floor(assignment / topK)];
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
 * @param {Int32Array} tokens [N]
 * @param {Vocabulary} vocabulary that they are of
 * @returns {Int32Array} [N] ids of `characterClassNames`
 */
export function characterClasses(tokens, vocabulary) {
  /** @type {Map<number, number>} */
  const known = new Map();
  return tokens.map((token) => {
    let id = known.get(token);
    if (id === undefined) {
      const text = vocabulary.decode([token]);
      const found = text === '\ufffd' ? -1 : CHARACTER_PATTERNS.findIndex((pattern) => pattern.test(text));
      id = found < 0 ? CHARACTER_PATTERNS.length : found;
      known.set(token, id);
    }
    return id;
  });
}
