/**
 * The experts that the engine chose, as the worker sends them. The page never chooses itself: which experts a gate
 * takes, and with what weights, only the engine knows.
 *
 * @typedef {object} LayerRouting the routing of N tokens in one layer, K the most experts that any of them has
 * @property {Int32Array | Int16Array} experts [N, K] chosen, the largest weight first; filled up with -1
 * @property {Float32Array} weights [N, K] of the chosen; 0 where there is none. A row need not sum to 1
 * @property {Float32Array} logits [N, E]
 */

/** What stands in place of an expert where a token has fewer than others. */
export const noExpert = -1;

/**
 * The most experts that a token has in any of these.
 *
 * @param {readonly LayerRouting[]} routings of calls of the engine
 * @param {number} experts E
 */
export function widthOf(routings, experts) {
  let most = 0;
  for (const { experts: chosen, logits } of routings) {
    if (logits.length) most = Math.max(most, (chosen.length * experts) / logits.length);
  }
  return most;
}

/**
 * Copies the routing of some tokens, layer by layer, into rows that may be wider. The chosen of a token are put in order
 * of weight, because gates choose by other things too; of equal weights the engine's first stays first.
 *
 * @param {readonly LayerRouting[]} into [N, K] each
 * @param {readonly LayerRouting[]} from [n, own K] each, own K at most K
 * @param {object} place
 * @param {number} place.start the row of the first token
 * @param {number} place.experts E
 * @param {number} place.topK K
 */
export function putRouting(into, from, place) {
  for (let layer = 0; layer < from.length; layer++) putLayer(into[layer], from[layer], place);
}

/**
 * @param {LayerRouting} into
 * @param {LayerRouting} from
 * @param {{ start: number, experts: number, topK: number }} place
 */
function putLayer({ experts: chosen, weights, logits }, from, { start, experts, topK }) {
  logits.set(from.logits, start * experts);
  const tokens = from.logits.length / experts;
  const own = from.experts.length / tokens;
  chosen.fill(noExpert, start * topK, (start + tokens) * topK);
  weights.fill(0, start * topK, (start + tokens) * topK);
  for (let token = 0; token < tokens; token++) {
    const row = (start + token) * topK;
    let count = 0;
    for (let i = token * own; i < (token + 1) * own; i++) {
      if (from.experts[i] < 0) continue;
      let at = row + count++;
      for (; at > row && weights[at - 1] < from.weights[i]; at--) {
        weights[at] = weights[at - 1];
        chosen[at] = chosen[at - 1];
      }
      weights[at] = from.weights[i];
      chosen[at] = from.experts[i];
    }
  }
}

/** Below this, the first two experts of a token count as level. */
export const tieGap = 0.02;

/**
 * By how much the first expert of a token is ahead of the second: the difference of their shares if only these two
 * were asked.
 *
 * @param {number} first logit
 * @param {number} second logit
 */
export const leadOf = (first, second) => Math.tanh((first - second) / 2);

/**
 * Whether the first two experts that were chosen for a token are level: what looks like a choice then is none. Their
 * weights tell, whatever they were chosen by; a softmax of logits has the lead of `leadOf`.
 *
 * @param {LayerRouting} routing
 * @param {number} row of the token
 * @param {number} topK K
 */
export function isLevel({ experts, weights }, row, topK) {
  if (topK < 2 || experts[row * topK + 1] < 0) return false;
  const [first, second] = [weights[row * topK], weights[row * topK + 1]];
  return first - second < tieGap * (first + second);
}
