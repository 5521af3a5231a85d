import {
  droppedShare,
  expertLoad,
  expertsPerToken,
  loadVariation,
  maxLoad,
  specialisation,
  switchRate,
  tokensWithoutExpert,
} from './measures.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { LayerRouting } from './types.js' */

/**
 * One pass of the engine over a part of a probe.
 * @typedef {{ routing: LayerRouting[], similarity: (number | null)[] }} ProbePass
 */

/** Probes whose last routing a model remembers. */
const MOST_PROBES = 8;

/** Measures the routing of probes and remembers it, so that the next measurement of a probe has a switch rate. */
export class ProbeHistory {
  /** @type {Map<string, { topK: number, layers: { experts: Int32Array, width: number }[] }>} */
  #last = new Map();

  /**
   * @param {Int32Array | Float32Array} probe
   * @param {ProbePass[]} passes over the parts of the probe, in order
   * @param {{ count: number, topK: number, classes?: Int32Array }} options count: E
   * @returns {LayerMeasures[]}
   */
  measure(probe, passes, { count, topK, classes }) {
    const key = fingerprint(probe);
    const last = this.#last.get(key);
    const layers = passes[0].routing.map((_, layer) => joinLayer(passes, layer, count));
    this.#last.delete(key);
    this.#last.set(key, { topK, layers: layers.map(({ experts, width }) => ({ experts, width })) });
    if (this.#last.size > MOST_PROBES)
      this.#last.delete(/** @type {string} */ (this.#last.keys().next().value));
    return layers.map(({ experts, weights, dropped, tokens, width, entropy, similarity }, layer) => {
      const load = expertLoad(experts, count);
      const before = last?.topK === topK ? last.layers[layer] : null;
      return {
        load,
        maxLoad: maxLoad(load),
        loadVariation: loadVariation(load),
        entropy,
        switchRate: before && switchRate(before.experts, experts, width, before.width),
        expertSimilarity: similarity,
        specialisation: classes ? specialisation(experts, classes, count) : null,
        expertsPerToken: expertsPerToken(weights, tokens),
        droppedShare: droppedShare(experts, dropped),
        withoutExpert: tokensWithoutExpert(weights, tokens),
      };
    });
  }
}

/**
 * The routing of a whole probe. Passes may differ in the number of experts per token: all rows get the width of the
 * widest.
 * @param {ProbePass[]} passes
 * @param {number} layer
 * @param {number} count E
 */
function joinLayer(passes, layer, count) {
  const parts = passes.map(({ routing, similarity }) => {
    const { experts, weights, logits, entropy, dropped } = routing[layer];
    const tokens = logits.length / count;
    const width = experts.length / tokens;
    return { experts, weights, entropy, dropped, tokens, width, similarity: similarity[layer] };
  });
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const width = parts.reduce((most, part) => Math.max(most, part.width), 1);
  const joined = new Int32Array(tokens * width).fill(-1);
  const weights = new Float32Array(tokens * width);
  const dropped = new Int32Array(count);
  let [start, entropy, similarity] = [0, 0, 0];
  for (const part of parts) {
    for (let token = 0; token < part.tokens; token++) {
      const row = part.experts.subarray(token * part.width, (token + 1) * part.width);
      joined.set(row, (start + token) * width);
      weights.set(
        part.weights.subarray(token * part.width, (token + 1) * part.width),
        (start + token) * width,
      );
    }
    part.dropped.forEach((n, expert) => {
      dropped[expert] += n;
    });
    start += part.tokens;
    // Both are means over the tokens of a pass.
    entropy += (part.entropy * part.tokens) / tokens;
    similarity += ((part.similarity ?? Number.NaN) * part.tokens) / tokens;
  }
  const known = Number.isNaN(similarity) ? null : similarity;
  return { experts: joined, weights, dropped, tokens, width, entropy, similarity: known };
}

/**
 * Identifies a probe by its contents: a worker gets a new copy each time.
 * @param {Int32Array | Float32Array} probe
 */
function fingerprint(probe) {
  const words = new Int32Array(probe.buffer, probe.byteOffset, probe.length);
  // FNV-1a over words, twice with different starts.
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const word of words) {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ (word >>> 7), 0x85ebca6b) + word;
  }
  return `${probe.length}:${a}:${b}`;
}
