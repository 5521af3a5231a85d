// The figures that the project holds itself to (medians, one thread where nothing else is said), and what was reached.
import { median } from './measure.js';
import { cellFigure, figure, fraction, grid } from './report.js';
import { VARIANTS } from './suites.js';

/** @import { Cell } from './suites.js' */
/** @import { Peak } from './sample.js' */
/** @import { Size } from './once.js' */

/**
 * @typedef {object} Goal
 * @property {string} name
 * @property {[number, number]} wanted  of simd and relaxed-simd
 * @property {boolean} atLeast          else at most
 * @property {(of: Measured) => number | undefined} reached
 *
 * @typedef {object} Measured  on one host, of one variant
 * @property {(suite: string, row: string | RegExp) => Cell[]} ours
 * @property {(contestant: string, suite: string, row: string) => Cell | undefined} theirs
 * @property {number | undefined} loadMs
 * @property {number | undefined} gzippedBytes
 */

/** @type {Goal[]} */
const GOALS = [
  {
    name: 'products of 64 rows and more, least fraction of the peak',
    wanted: [0.85, 0.92],
    atLeast: true,
    reached: ({ ours }) =>
      least(ours('matmul', /^(64|128|1024)×(256|512)×128 /).map((cell) => fraction(cell).median)),
  },
  {
    name: 'products of 16 rows, least fraction of the peak',
    wanted: [0.7, 0.8],
    atLeast: true,
    reached: ({ ours }) => least(ours('matmul', /^16×/).map((cell) => fraction(cell).median)),
  },
  {
    name: 'MoE layer step over its products at the peak',
    wanted: [1.4, 1.35],
    atLeast: false,
    reached: ({ ours }) => least(ours('moe', 'step').map((cell) => 1 / fraction(cell).median)),
  },
  { name: 'MoE layer step: PyTorch over ours', ...over('PyTorch', 'moe', 'step', [1.3, 1.4]) },
  {
    name: 'MoE layer: jax-js (no optimizer) over ours',
    ...over('jax-js', 'moe', 'gradients', [15, 15], 'step'),
  },
  { name: 'MoE layer step: TensorFlow.js wasm over ours', ...over('tfjs-wasm', 'moe', 'step', [70, 75]) },
  { name: 'language-model step: PyTorch over ours', ...over('PyTorch', 'lm', 'step', [1.5, 1.6]) },
  {
    name: '64 experts over 16, forward and backward',
    wanted: [1.3, 1.3],
    atLeast: false,
    reached({ ours }) {
      const [many] = ours('experts', 'E 64');
      const [few] = ours('experts', 'E 16');
      return many && few && ratio(many, few);
    },
  },
  {
    name: 'language-model step: one thread over two',
    wanted: [1.7, 1.7],
    atLeast: true,
    reached({ ours }) {
      const [one] = ours('threads', '1');
      const [two] = ours('threads', '2');
      return one && two && ratio(one, two);
    },
  },
  {
    name: 'generation, tokens/s',
    wanted: [10_000, 10_000],
    atLeast: true,
    reached: ({ ours }) => least(ours('generation', 'token').map((cell) => cellFigure(cell).median)),
  },
  {
    name: 'module, bytes gzipped',
    wanted: [40_000, 40_000],
    atLeast: false,
    reached: ({ gzippedBytes }) => gzippedBytes,
  },
  { name: 'compile and instantiate, ms', wanted: [15, 15], atLeast: false, reached: ({ loadMs }) => loadMs },
];

/**
 * @param {string} contestant
 * @param {string} suite
 * @param {string} row
 * @param {[number, number]} wanted
 * @param {string} [ownRow]
 * @returns {Omit<Goal, 'name'>}
 */
function over(contestant, suite, row, wanted, ownRow = row) {
  return {
    wanted,
    atLeast: true,
    reached({ ours, theirs }) {
      const [own] = ours(suite, ownRow);
      const other = theirs(contestant, suite, row);
      return own && other && ratio(other, own);
    },
  };
}

/**
 * Ratio of two times: round by round, or of the medians if one was sampled in fewer rounds.
 * @param {Cell} above
 * @param {Cell} below
 */
function ratio({ samples: above }, { samples: below }) {
  if (above.length !== below.length) return median(above) / median(below);
  return median(above.map((ms, round) => ms / below[round]));
}

/** @param {number[]} values */
function least(values) {
  return values.length > 0 ? Math.min(...values) : undefined;
}

/** @typedef {{ goal: string, host: string, variant: string, wanted: number, reached: number, met: boolean }} Outcome */

/**
 * @param {Cell[]} cells
 * @param {{ loads: { host: string, variant: string, samples: number[] }[], sizes: Size[] }} once
 * @returns {Outcome[]}
 */
export function outcomes(cells, { loads, sizes }) {
  const measured = cells.filter(({ samples }) => samples.length > 0);
  const hosts = new Set([
    ...measured
      .filter(({ contestant }) => VARIANTS.some((it) => it === contestant))
      .map(({ host }) => host.name),
    ...loads.map(({ host }) => host),
  ]);
  const all = [];
  for (const host of hosts) {
    for (const [index, variant] of VARIANTS.entries()) {
      /** @type {Measured} */
      const of = {
        ours: (suite, row) =>
          measured.filter(
            (cell) =>
              cell.host.name === host &&
              cell.contestant === variant &&
              cell.suite === suite &&
              (typeof row === 'string' ? cell.row === row : row.test(cell.row)),
          ),
        theirs: (contestant, suite, row) =>
          measured.find((cell) => cell.contestant === contestant && cell.suite === suite && cell.row === row),
        loadMs: loads
          .filter((it) => it.host === host && it.variant === variant)
          .map(({ samples }) => figure(samples).median)[0],
        gzippedBytes: sizes.find((size) => size.variant === variant)?.gzipped,
      };
      for (const { name, wanted, atLeast, reached } of GOALS) {
        const value = reached(of);
        if (value === undefined) continue;
        const met = atLeast ? value >= wanted[index] : value <= wanted[index];
        all.push({ goal: name, host, variant, wanted: wanted[index], reached: value, met });
      }
    }
  }
  return all;
}

/** @param {Outcome[]} all */
export function goalTable(all) {
  const columns = [...new Set(all.map(({ host, variant }) => `${variant}, ${host}`))];
  const goals = GOALS.filter(({ name }) => all.some(({ goal }) => goal === name));
  const rows = goals.map(({ name, wanted, atLeast }) => [
    name,
    `${atLeast ? '≥' : '≤'} ${wanted[0] === wanted[1] ? wanted[0] : wanted.join(' / ')}`,
    ...columns.map((column) => {
      const outcome = all.find((it) => it.goal === name && `${it.variant}, ${it.host}` === column);
      if (!outcome) return '';
      const digits = outcome.reached >= 1000 ? 0 : outcome.reached >= 10 ? 1 : 2;
      return `${outcome.reached.toFixed(digits)}${outcome.met ? '  ' : ' ✗'}`;
    }),
  ]);
  return `Goals (✗: not reached)\n${grid([['', 'simd / relaxed', ...columns], ...rows])}`;
}
