/**
 * The routing that the engine's gates of today would give: the softmax over the K largest logits.
 *
 * @param {Float32Array} logits [N, E]
 * @param {{ experts: number, topK: number }} shape
 * @returns {import('../../demo/routing.js').LayerRouting}
 */
export function topKOf(logits, { experts, topK }) {
  const count = logits.length / experts;
  const chosen = new Int16Array(count * topK);
  const weights = new Float32Array(count * topK);
  for (let row = 0; row < count; row++) {
    const own = Array.from({ length: experts }, (_, id) => logits[row * experts + id]);
    const ids = own.map((_, id) => id).sort((a, b) => own[b] - own[a] || a - b);
    const best = ids.slice(0, topK);
    const sum = best.reduce((total, id) => total + Math.exp(own[id] - own[ids[0]]), 0);
    best.forEach((id, k) => {
      chosen[row * topK + k] = id;
      weights[row * topK + k] = Math.exp(own[id] - own[ids[0]]) / sum;
    });
  }
  return { experts: chosen, weights, logits };
}
