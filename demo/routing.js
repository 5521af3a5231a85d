/**
 * The experts that the engine chose, as the worker sends them. The page never chooses experts itself: only the engine
 * knows which experts a gate chooses, and with what weights.
 *
 * @typedef {object} LayerRouting the routing of N tokens in one layer; K is the largest number of experts per token
 * @property {Int32Array | Int16Array} experts [N, K] ids of the chosen experts, largest weight first; padded with -1
 * @property {Float32Array} weights [N, K] of the chosen experts; padded with 0. A row need not sum to 1
 * @property {Float32Array} logits [N, E]
 */

/** Pads the experts of a token that has fewer than others. */
export const noExpert = -1;

/**
 * The largest number of experts per token in any of these routings.
 *
 * @param {readonly LayerRouting[]} routings results of the engine
 * @param {number} experts E
 */
export function widthOf(routings, experts) {
  let widest = 0;
  for (const { experts: chosen, logits } of routings) {
    if (logits.length) widest = Math.max(widest, (chosen.length * experts) / logits.length);
  }
  return widest;
}

/**
 * Copies the routing of some tokens, layer by layer, into rows that may be wider. Sorts the experts of a token by weight,
 * because a gate may return them in another order; experts of equal weight keep the engine's order.
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

/** With a smaller lead, the first two experts of a token count as tied. */
export const tieGap = 0.02;

/**
 * The lead of the first expert of a token over the second: the difference of their weights under a softmax over these
 * two.
 *
 * @param {number} first logit
 * @param {number} second logit
 */
export const leadOf = (first, second) => Math.tanh((first - second) / 2);

/**
 * Whether the first two experts of a token are tied, so that its colour would look like a choice where there is none.
 * Compares their weights, which every gate has; with a softmax over logits, this is the lead of `leadOf`.
 *
 * @param {LayerRouting} routing
 * @param {number} row of the token
 * @param {number} topK K
 */
export function isTied({ experts, weights }, row, topK) {
  if (topK < 2 || experts[row * topK + 1] < 0) return false;
  const [first, second] = [weights[row * topK], weights[row * topK + 1]];
  return first - second < tieGap * (first + second);
}
