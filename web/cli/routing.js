/**
 * Routing metrics of any number of passes, summed up as they are made.
 *
 * @module
 */
import { droppedShare, expertsPerToken, loadVariation, maxLoad, tokensWithoutExpert } from '../measures.js';
import { usageError } from './errors.js';

/** @typedef {ReturnType<import('../index.js').LanguageModel['routing']>} Routing */

/** Routing metrics of all tokens of several passes. */
export class RoutingSummary {
  /** @type {{ tokens: number, assignments: number[], entropy: number, computed: number, dropped: number, without: number }[]} */
  #layers = [];

  /** @param {Routing} routing of one pass */
  add(routing) {
    routing.forEach(({ experts, weights, logits, load, dropped, entropy }, index) => {
      const tokens = logits.length / load.length;
      const none = { tokens: 0, entropy: 0, computed: 0, dropped: 0, without: 0 };
      this.#layers[index] ??= { ...none, assignments: Array.from(load, () => 0) };
      const layer = this.#layers[index];
      const assigned = experts.reduce((count, id) => count + Number(id >= 0), 0);
      load.forEach((share, expert) => {
        layer.assignments[expert] += share * assigned;
      });
      layer.tokens += tokens;
      layer.entropy += entropy * tokens;
      layer.computed += expertsPerToken(weights, tokens) * tokens;
      layer.dropped += droppedShare(experts, dropped) * assigned;
      layer.without += tokensWithoutExpert(weights, tokens) * tokens;
    });
  }

  /** Metrics of each layer, by the names of `model.measure`. A dense model has none. */
  get measures() {
    return this.#layers.map(({ tokens, assignments, entropy, computed, dropped, without }) => {
      const assigned = assignments.reduce((sum, n) => sum + n, 0);
      const load = assignments.map((n) => n / Math.max(1, assigned));
      return {
        load,
        maxLoad: maxLoad(load),
        loadVariation: loadVariation(load),
        entropy: entropy / tokens,
        expertsPerToken: computed / tokens,
        droppedShare: dropped / Math.max(1, assigned),
        withoutExpert: without / tokens,
      };
    });
  }
}

/**
 * Whether tokens are routed: only layers with a router have routing.
 *
 * @param {{ routing: () => Routing }} model
 */
export const routes = (model) => model.routing().length > 0;

/**
 * Refuses an option that a model without experts has no use for.
 *
 * @param {string} option
 * @param {Parameters<typeof routes>[0]} model
 */
export function checkRoutes(option, model) {
  if (!routes(model)) throw usageError(`${option}: a dense model has no experts`);
}

/**
 * @param {RoutingSummary['measures']} measures
 * @returns {string[]} lines
 */
export function routingLines(measures) {
  return measures.map((layer, index) => {
    const extra = [
      layer.droppedShare > 0 ? `${(100 * layer.droppedShare).toFixed(1)} % of the assignments dropped` : '',
      layer.withoutExpert > 0
        ? `${(100 * layer.withoutExpert).toFixed(1)} % of the tokens without an expert`
        : '',
    ];
    const parts = [
      `router entropy ${layer.entropy.toFixed(3)}`,
      `load variation ${layer.loadVariation.toFixed(3)}`,
      `max load ${layer.maxLoad.toFixed(2)}`,
      `${layer.expertsPerToken.toFixed(2)} experts per token`,
      ...extra.filter(Boolean),
    ];
    return `  layer ${index}  ${parts.join(', ')}`;
  });
}
