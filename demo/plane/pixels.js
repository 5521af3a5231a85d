import { classTints, colourOf, mix, paper, strengthOf, textOn, tie } from '../colours.js';
import { tied } from './fields.js';

/**
 * Fields as pixels, one per place, as 32-bit words of an ImageData.
 */

/** Fewer would be visible as steps. */
const levels = 96;

/**
 * A colour as a 32-bit word of an ImageData: little-endian, as every machine with WebAssembly is.
 *
 * @param {string} hex
 */
export function pixelOf(hex) {
  const rgb = Number.parseInt(hex.slice(1), 16);
  return (0xff000000 | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

/** @type {Map<number, { plain: Uint32Array, marked: Uint32Array }>} by the number of experts: [E, levels + 1] */
const tables = new Map();

/**
 * The colours of experts at every strength; `marked`: on the lines of a pattern.
 *
 * @param {number} experts
 */
function tableFor(experts) {
  const known = tables.get(experts);
  if (known) return known;
  const fills = Array.from({ length: experts * (levels + 1) }, (_, i) => {
    const expert = Math.floor(i / (levels + 1));
    return mix(paper, colourOf(expert), (i % (levels + 1)) / levels);
  });
  const table = {
    plain: Uint32Array.from(fills, pixelOf),
    marked: Uint32Array.from(fills, (fill) => pixelOf(mix(fill, textOn(fill), 0.35))),
  };
  tables.set(experts, table);
  return table;
}

/**
 * The owners of places: the expert's colour, paler with less weight; grey where two are tied; paper where there is no
 * owner.
 *
 * @param {Uint32Array} pixels written to
 * @param {{ first: Int16Array, weight: Float32Array }} owners
 * @param {{ size: number, experts: number, topK: number, patterns: boolean }} shape
 */
export function paintOwners(pixels, { first, weight }, { size, experts, topK, patterns }) {
  const { plain, marked } = tableFor(experts);
  const [grey, blank] = [pixelOf(tie), pixelOf(paper)];
  for (let i = 0; i < pixels.length; i++) {
    const owner = first[i];
    if (owner < 0) {
      pixels[i] = owner === tied ? grey : blank;
      continue;
    }
    const strength = Math.min(1, Math.max(0, strengthOf(weight[i], topK)));
    const at = owner * (levels + 1) + Math.round(strength * levels);
    const isMarked = patterns && patternAt(owner, i % size, Math.floor(i / size));
    pixels[i] = isMarked ? marked[at] : plain[at];
  }
}

/**
 * The weight of one expert at each place: from paper to its colour.
 *
 * @param {Uint32Array} pixels written to
 * @param {Float32Array} share [N] its weight
 * @param {{ expert: number, experts: number }} of
 */
export function paintWeights(pixels, share, { expert, experts }) {
  const { plain } = tableFor(experts);
  for (let i = 0; i < pixels.length; i++) {
    pixels[i] = plain[expert * (levels + 1) + Math.round(Math.min(1, share[i]) * levels)];
  }
}

/**
 * Class probabilities: a mix of the tints of the classes.
 *
 * @param {Uint32Array} pixels written to
 * @param {Float32Array} probabilities [N, C]
 * @param {number} classes C
 */
export function paintClasses(pixels, probabilities, classes) {
  const tints = classTints.map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
  for (let i = 0; i < pixels.length; i++) {
    let [r, g, b] = [0, 0, 0];
    for (let id = 0; id < classes; id++) {
      const p = probabilities[i * classes + id];
      r += p * tints[id][0];
      g += p * tints[id][1];
      b += p * tints[id][2];
    }
    pixels[i] = (0xff000000 | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
  }
}

/** Lines, dots and checks that tell sixteen experts apart without colour; coarse ones first. */
const patterns = /** @type {readonly ((x: number, y: number) => boolean)[]} */ ([
  () => false,
  (x, y) => (x + y) % 10 < 2,
  (x, y) => (x + 1000 - y) % 10 < 2,
  (x) => x % 8 < 2,
  (_, y) => y % 8 < 2,
  (x, y) => x % 8 < 3 && y % 8 < 3,
  (x, y) => x % 10 < 1 || y % 10 < 1,
  (x, y) => (x + y) % 12 < 1 || (x + 1000 - y) % 10 < 1,
  (x, y) => (x + y) % 5 < 1,
  (x, y) => (x + 1000 - y) % 5 < 1,
  (x) => x % 4 < 1,
  (_, y) => y % 4 < 1,
  (x, y) => x % 4 < 2 && y % 4 < 2,
  (x, y) => x % 12 < 6 === y % 12 < 6,
  (x, y) => x % 6 < 2 && (y + 3 * (Math.floor(x / 6) % 2)) % 6 < 4,
  (x, y) => (x + Math.abs((y % 12) - 6)) % 8 < 2,
]);

/**
 * Whether the pattern of an expert marks a pixel.
 *
 * @param {number} expert
 * @param {number} x
 * @param {number} y
 */
export const patternAt = (expert, x, y) => patterns[expert % patterns.length](x, y);
