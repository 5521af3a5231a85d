/** Looks at the routing of a probe, one after the other. */
import { expertLoad, loadVariation, maxLoad, specialisation, switchRate } from './measures.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { LayerRouting } from './types.js' */

/** Probes that a model remembers its last look at. */
const MOST_PROBES = 8;

/**
 * Remembers which experts took the tokens of a probe when it was last looked at.
 */
export class Looks {
  /** @type {Map<string, { topK: number, experts: Int32Array[] }>} */
  #last = new Map();

  /**
   * @param {Int32Array | Float32Array} probe
   * @param {{ routing: LayerRouting[], similarity: (number | null)[] }[]} passes of the engine over the parts of the
   *   probe, in their order
   * @param {{ count: number, topK: number, classes?: Int32Array }} options count: E
   * @returns {LayerMeasures[]}
   */
  measure(probe, passes, { count, topK, classes }) {
    const key = fingerprint(probe);
    const last = this.#last.get(key);
    const layers = passes[0].routing.map((_, layer) => joinLayer(passes, layer, topK));
    this.#last.delete(key);
    this.#last.set(key, { topK, experts: layers.map(({ experts }) => experts) });
    if (this.#last.size > MOST_PROBES)
      this.#last.delete(/** @type {string} */ (this.#last.keys().next().value));
    return layers.map(({ experts, entropy, similarity }, layer) => {
      const load = expertLoad(experts, count);
      return {
        load,
        maxLoad: maxLoad(load),
        loadVariation: loadVariation(load),
        entropy,
        switchRate: last?.topK === topK ? switchRate(last.experts[layer], experts, topK) : null,
        expertSimilarity: similarity,
        specialisation: classes ? specialisation(experts, classes, count) : null,
      };
    });
  }
}

/**
 * @param {{ routing: LayerRouting[], similarity: (number | null)[] }[]} passes
 * @param {number} layer
 * @param {number} topK
 */
function joinLayer(passes, layer, topK) {
  const size = passes.reduce((sum, { routing }) => sum + routing[layer].experts.length, 0);
  const experts = new Int32Array(size);
  let [at, entropy, similarity] = [0, 0, 0];
  for (const pass of passes) {
    const part = pass.routing[layer];
    experts.set(part.experts, at);
    at += part.experts.length;
    // Both are means over the tokens of a pass.
    entropy += (part.entropy * part.experts.length) / size;
    similarity += ((pass.similarity[layer] ?? Number.NaN) * part.experts.length) / size;
  }
  return { experts, topK, entropy, similarity: Number.isNaN(similarity) ? null : similarity };
}

/**
 * Tells probes apart by what is in them: a worker gets a new copy each time.
 *
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
