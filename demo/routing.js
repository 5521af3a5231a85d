/**
 * The experts that the engine chose, as the worker sends them. The page never chooses experts itself: only the engine
 * knows which experts a gate chooses, and with what weights.
 *
 * @typedef {object} LayerRouting the routing of N tokens in one layer; K is the largest number of experts per token
 * @property {Int32Array | Int16Array} experts [N, K] ids of the chosen experts, largest weight first; padded with -1
 * @property {Float32Array} weights [N, K] of the chosen experts; padded with 0. A row need not sum to 1. An assignment that
 *   was dropped keeps its expert, with weight 0
 * @property {Float32Array} logits [N, E]
 */

/** The tensor of a router that balances the load: β, added to the scores for the choice of experts alone. */
export const balancingBias = 'gate.e_score_correction_bias';

/** Pads the experts of a token that has fewer than others. */
export const noExpert = -1;

/** Instead of a weight that a softmax has rounded to 0: only what was dropped has the weight 0. */
const leastWeight = 2 ** -149;

/**
 * What became of a token in a layer.
 *
 * routed: all experts that were chosen for it compute it; partly: some of these assignments were dropped; dropped: all
 * were; unchosen: no expert was chosen for it
 *
 * @typedef {'routed' | 'partly' | 'dropped' | 'unchosen'} Outcome
 */

/**
 * @param {Pick<LayerRouting, 'experts' | 'weights'>} routing
 * @param {number} at index of an assignment
 */
export const isDropped = ({ experts, weights }, at) => experts[at] >= 0 && weights[at] === 0;

/**
 * Assignments that each expert dropped, as `routing()` of the package gives them.
 *
 * @param {Pick<LayerRouting, 'experts' | 'weights'>} routing
 * @param {number} experts E
 * @returns {number[]} [E]
 */
export function droppedOf(routing, experts) {
  const dropped = new Array(experts).fill(0);
  routing.experts.forEach((/** @type {number} */ expert, /** @type {number} */ at) => {
    if (isDropped(routing, at)) dropped[expert]++;
  });
  return dropped;
}

/**
 * @param {Pick<LayerRouting, 'experts' | 'weights'>} routing
 * @param {number} row of the token
 * @param {number} topK K
 * @returns {Outcome}
 */
export function outcomeOf(routing, row, topK) {
  let [chosen, dropped] = [0, 0];
  for (let at = row * topK; at < (row + 1) * topK; at++) {
    chosen += Number(routing.experts[at] >= 0);
    dropped += Number(isDropped(routing, at));
  }
  if (!chosen) return 'unchosen';
  if (!dropped) return 'routed';
  return dropped < chosen ? 'partly' : 'dropped';
}

/** @param {Outcome} outcome @returns {boolean} whether no expert computes the token */
export const isWithoutExpert = (outcome) => outcome === 'dropped' || outcome === 'unchosen';

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
 * @param {readonly (LayerRouting & { dropped?: Int32Array })[]} from [n, own K] each, own K at most K; dropped: [E], none if
 *   it is not there
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
 * @param {LayerRouting & { dropped?: Int32Array }} from
 * @param {{ start: number, experts: number, topK: number }} place
 */
function putLayer({ experts: chosen, weights, logits }, from, { start, experts, topK }) {
  logits.set(from.logits, start * experts);
  const tokens = from.logits.length / experts;
  const own = from.experts.length / tokens;
  const drops = from.dropped?.some((count) => count > 0) ?? false;
  chosen.fill(noExpert, start * topK, (start + tokens) * topK);
  weights.fill(0, start * topK, (start + tokens) * topK);
  for (let token = 0; token < tokens; token++) {
    const row = (start + token) * topK;
    let count = 0;
    for (let i = token * own; i < (token + 1) * own; i++) {
      if (from.experts[i] < 0) continue;
      const weight = drops ? from.weights[i] : Math.max(from.weights[i], leastWeight);
      let at = row + count++;
      for (; at > row && weights[at - 1] < weight; at--) {
        weights[at] = weights[at - 1];
        chosen[at] = chosen[at - 1];
      }
      weights[at] = weight;
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
