/**
 * The colours of experts and of classes. Every expert also has a letter, every class a shape.
 *
 * The palette was chosen for the largest OKLab distance of its worst pair, times 100, with usual vision and under the
 * three colour vision deficiencies (Machado 2009, full severity): 14.7 among the first eight, 9.5 among all sixteen;
 * above 9 is safe for areas. An expert has its colour whatever their number, so that it keeps it when others come.
 */

/** @typedef {{ l: number, a: number, b: number }} OKLab */

const palette = [
  '#c3e41d',
  '#2f2087',
  '#5f7106',
  '#f49191',
  '#68130b',
  '#5978fd',
  '#c33ca0',
  '#5ecafa',
  '#260ef9',
  '#809900',
  '#411041',
  '#95124c',
  '#bcb60b',
  '#fb53b6',
  '#8608bc',
  '#a17467',
];

/**
 * Classes, of which the first two have hues that no expert of the first eight has and that are told apart without colour
 * vision: teal and orange; further ones are greys. Classes differ in shape too. Inks are for points, tints for areas.
 */
export const classInks = ['#0a6f6a', '#b4530a', '#4d4a45', '#857f74'];
export const classTints = ['#d2ebe7', '#f8dfc6', '#e2dfd9', '#bdb8af'];

/** Background of figures: light in dark mode too, because the palettes span dark to light. */
export const paper = '#fdfcfa';

/** Fill where the first two experts are tied. */
export const tie = '#d9d6cf';

/** Experts after the sixteen that have distinct colours. */
const beyond = '#a8a49c';

/**
 * The letter of an expert: A to Z, then A2, B2 …
 *
 * @param {number} expert
 */
export function letterOf(expert) {
  const round = Math.floor(expert / 26);
  return String.fromCharCode(65 + (expert % 26)) + (round ? String(round + 1) : '');
}

/**
 * The colour of an expert, which does not depend on how many there are.
 *
 * @param {number} expert
 */
export const colourOf = (expert) => palette[expert] ?? beyond;

/**
 * @param {string} hex
 * @returns {[number, number, number]} linear light, 0 … 1
 */
function linear(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  const part = (/** @type {number} */ shift) => {
    const c = ((value >> shift) & 255) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return [part(16), part(8), part(0)];
}

/** @param {number} c linear light */
function encoded(c) {
  const bounded = Math.min(1, Math.max(0, c));
  const s = bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
  return Math.round(s * 255);
}

/**
 * OKLab (Ottosson 2020).
 *
 * @param {string} hex
 * @returns {OKLab}
 */
function oklab(hex) {
  const [r, g, b] = linear(hex);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {
    l: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    a: 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    b: 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  };
}

/** @param {OKLab} lab */
function hexOf({ l, a, b }) {
  const l3 = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m3 = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s3 = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const rgb = [
    4.0767416621 * l3 - 3.3077115913 * m3 + 0.2309699292 * s3,
    -1.2684380046 * l3 + 2.6097574011 * m3 - 0.3413193965 * s3,
    -0.0041960863 * l3 - 0.7034186147 * m3 + 1.707614701 * s3,
  ];
  return `#${rgb.map((c) => encoded(c).toString(16).padStart(2, '0')).join('')}`;
}

/**
 * Mixes two colours in OKLab.
 *
 * @param {string} from
 * @param {string} to
 * @param {number} share of `to`, 0 … 1
 */
export function mix(from, to, share) {
  const p = oklab(from);
  const q = oklab(to);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => x + (y - x) * share;
  return hexOf({ l: at(p.l, q.l), a: at(p.a, q.a), b: at(p.b, q.b) });
}

/**
 * WCAG 2 contrast of two colours, 1 … 21.
 *
 * @param {string} one
 * @param {string} other
 */
export function contrast(one, other) {
  const luminance = (/** @type {string} */ hex) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = [luminance(one), luminance(other)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {string} fill */
export function textOn(fill) {
  return contrast(fill, '#000000') >= contrast(fill, '#ffffff') ? '#000000' : '#ffffff';
}

const levels = 24;

/** @type {Map<number, { fill: string, text: string }[][]>} by number of experts: [expert][level] */
const tables = new Map();

/** @param {number} experts */
function tableFor(experts) {
  const known = tables.get(experts);
  if (known) return known;
  const table = Array.from({ length: experts }, (_, expert) =>
    Array.from({ length: levels + 1 }, (_, level) => {
      const fill = mix(paper, colourOf(expert), level / levels);
      return { fill, text: textOn(fill) };
    }),
  );
  tables.set(experts, table);
  return table;
}

/**
 * The strength of a colour: the largest weight lies between 1/k and 1, and the palest colour must remain visible.
 *
 * @param {number} weight of the first expert
 * @param {number} topK
 */
export function strengthOf(weight, topK) {
  return topK < 2 ? 1 : 0.45 + (0.55 * (weight - 1 / topK)) / (1 - 1 / topK);
}

/**
 * The fill of a mark of an expert, and a text colour that is legible on it.
 *
 * @param {number} expert
 * @param {number} experts
 * @param {number} strength 0 (paper) … 1 (the expert's colour)
 */
export function fillOf(expert, experts, strength) {
  const level = Math.round(Math.min(1, Math.max(0, strength)) * levels);
  return tableFor(experts)[expert][level];
}
