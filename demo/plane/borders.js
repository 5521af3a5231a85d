import { leadOf, tieGap } from '../routing.js';
import { tied } from './fields.js';

/**
 * Owners between the places that the engine evaluated.
 *
 * @typedef {import('../routing.js').LayerRouting} LayerRouting
 * @typedef {import('./fields.js').Owners} Owners
 * @typedef {import('./fields.js').Contest} Contest
 * @typedef {{ size: number, experts: number, topK: number }} Shape size: G
 */

/**
 * The owners on a finer grid. Between four places with the same owner only its weight is interpolated. Elsewhere a
 * boundary runs between experts that the engine chose at these places. Logits are nearly linear between neighbours: where
 * their order agrees with the engine's choice, the boundary lies where the logits cross. Where it does not, because a
 * gate chooses by more than logits, the owners of the four places vote, weighted by nearness. At the engine's own places
 * the finer grid always agrees with the engine.
 *
 * @param {Owners & Contest} owned [G·G] as `owners` gives them
 * @param {LayerRouting} routing of these places
 * @param {Shape} shape
 * @param {number} factor how many times finer, an integer
 * @returns {Owners} [(G·factor)²]
 */
export function refineOwners(owned, routing, shape, factor) {
  const { size } = shape;
  const fine = size * factor;
  const first = new Int16Array(fine * fine);
  const weight = new Float32Array(fine * fine);
  const square = new Square(owned, routing, shape);
  const { places, near } = square;
  const marks = Array.from({ length: fine }, (_, i) => {
    const at = Math.min(size - 1, Math.max(0, (i + 0.5) / factor - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(size - 1, low + 1), share: at - low };
  });
  let to = 0;
  for (const { low, high, share: down } of marks) {
    let column = -1;
    for (const { low: left, high: right, share: across } of marks) {
      if (left !== column) {
        column = left;
        places[0] = low * size + left;
        places[1] = low * size + right;
        places[2] = high * size + left;
        places[3] = high * size + right;
        square.update();
      }
      near[0] = (1 - down) * (1 - across);
      near[1] = (1 - down) * across;
      near[2] = down * (1 - across);
      near[3] = down * across;
      square.decide();
      first[to] = square.first;
      weight[to] = square.weight;
      to++;
    }
  }
  return { first, weight };
}

/** Four neighbouring places, and the owners between them. One object is reused for all squares of the grid. */
class Square {
  #owned;
  #routing;
  #shape;
  /** Experts that may own a place between the four. */
  #candidates = new Int16Array(8);
  #count = 0;
  #rule = /** @type {'same' | 'logits' | 'nearness'} */ ('same');
  /** Rows of the four places. */
  places = new Int32Array(4);
  /** Interpolation weights of the four places; they sum to 1. */
  near = new Float64Array(4);
  /** The owner, and its weight. */
  first = 0;
  weight = 0;

  /**
   * @param {Owners & Contest} owned
   * @param {LayerRouting} routing
   * @param {Shape} shape
   */
  constructor(owned, routing, shape) {
    this.#owned = owned;
    this.#routing = routing;
    this.#shape = shape;
  }

  /** After `places` has changed. */
  update() {
    const { first, leading, rival } = this.#owned;
    const [a, b, c, d] = this.places;
    if (first[b] === first[a] && first[c] === first[a] && first[d] === first[a]) {
      this.#rule = 'same';
      return;
    }
    this.#count = 0;
    for (const place of this.places) {
      this.#add(leading[place]);
      this.#add(rival[place]);
    }
    this.#rule = this.places.every((place) => this.#logitsAgree(place)) ? 'logits' : 'nearness';
  }

  /** @param {number} id below 0: none */
  #add(id) {
    for (let i = 0; i < this.#count; i++) if (this.#candidates[i] === id) return;
    if (id >= 0) this.#candidates[this.#count++] = id;
  }

  /**
   * Whether the logits of the candidates at a place are in the order of the engine's choice.
   *
   * @param {number} place
   */
  #logitsAgree(place) {
    const { leading, rival } = this.#owned;
    if (leading[place] < 0) return false;
    const start = place * this.#shape.experts;
    const { logits } = this.#routing;
    let lead = 1;
    for (let i = 0; i < this.#count; i++) {
      const id = this.#candidates[i];
      if (id === leading[place]) continue;
      lead = Math.min(lead, leadOf(logits[start + leading[place]], logits[start + id]));
    }
    return lead >= 0 && lead < tieGap === rival[place] >= 0;
  }

  /** Sets the owner of the place with these interpolation weights. */
  decide() {
    if (this.#rule === 'logits') this.#decideByLogits();
    else this.#decideByNearness();
  }

  #decideByNearness() {
    const { first } = this.#owned;
    let most = 0;
    for (let i = 0; i < 4; i++) {
      let votes = 0;
      for (let j = 0; j < 4; j++) if (first[this.places[j]] === first[this.places[i]]) votes += this.near[j];
      if (votes <= most) continue;
      most = votes;
      this.first = first[this.places[i]];
    }
    this.weight = this.#meanWeight((place) => (first[place] === this.first ? this.#owned.weight[place] : 0));
  }

  #decideByLogits() {
    let [best, bestLogit, nextLogit] = [-1, -Infinity, -Infinity];
    for (let i = 0; i < this.#count; i++) {
      const logit = this.#logitOf(this.#candidates[i]);
      if (logit > bestLogit) {
        nextLogit = bestLogit;
        bestLogit = logit;
        best = this.#candidates[i];
      } else if (logit > nextLogit) nextLogit = logit;
    }
    this.first = leadOf(bestLogit, nextLogit) < tieGap ? tied : best;
    this.weight = this.#meanWeight((place) => this.#weightAt(place, best));
  }

  /** @param {number} id @returns {number} its interpolated logit */
  #logitOf(id) {
    const { experts } = this.#shape;
    let logit = 0;
    for (let i = 0; i < 4; i++) logit += this.near[i] * this.#routing.logits[this.places[i] * experts + id];
    return logit;
  }

  /**
   * @param {number} place
   * @param {number} id
   * @returns {number} 0 where it was not chosen
   */
  #weightAt(place, id) {
    const { topK } = this.#shape;
    const { experts, weights } = this.#routing;
    for (let i = place * topK; i < (place + 1) * topK; i++) if (experts[i] === id) return weights[i];
    return 0;
  }

  /**
   * The interpolated weight of an expert, from the places where it was chosen: elsewhere its weight would be unknown, not
   * 0.
   *
   * @param {(place: number) => number} weightAt
   */
  #meanWeight(weightAt) {
    let [sum, share] = [0, 0];
    for (let i = 0; i < 4; i++) {
      const weight = weightAt(this.places[i]);
      if (weight <= 0) continue;
      sum += this.near[i] * weight;
      share += this.near[i];
    }
    if (share > 0) return sum / share;
    return Math.max(...Array.from(this.places, weightAt));
  }
}
