// Tables of what was measured.
import { PEAKS } from './kernels.js';
import { median, quantile } from './measure.js';

/** @import { Cell } from './suites.js' */
/** @import { Peak } from './sample.js' */

/** @type {Record<string, { title: string, unit: string, digits: number, value: (cell: Cell, ms: number) => number }>} */
const SUITES = {
  matmul: {
    title: 'Matrix products, rows × out × in (GFLOP/s)',
    unit: 'GFLOP/s',
    digits: 1,
    value: ({ flops = 0 }, ms) => flops / ms / 1e6,
  },
  moe: milliseconds('MoE layer, 1024 tokens, 16 experts, top-2, d 128, f 256 (ms)'),
  lm: milliseconds('Language model, training step of 16 × 64 tokens (ms)'),
  generation: {
    title: 'Generation (tokens/s)',
    unit: 'tokens/s',
    digits: 0,
    value: ({ tokens = 0 }, ms) => (1e3 * tokens) / ms,
  },
  experts: milliseconds('MoE layer against experts E, forward and backward (ms)'),
  topk: milliseconds('MoE layer against k, experts per token, forward and backward (ms)'),
  threads: milliseconds('Language model against threads, training step of 16 × 64 tokens (ms)'),
  context: milliseconds('Language model against context T, training step of 1024 tokens (ms)'),
};

/** @param {string} title */
function milliseconds(title) {
  return { title, unit: 'ms', digits: 2, value: (/** @type {Cell} */ _, /** @type {number} */ ms) => ms };
}

/** @typedef {{ median: number, low: number, high: number, samples: number }} Figure  low, high: quartiles */

/**
 * @param {number[]} values
 * @returns {Figure}
 */
export function figure(values) {
  return {
    median: median(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    samples: values.length,
  };
}

/** The cell's figure in its suite's unit. @param {Cell} cell */
export function cellFigure(cell) {
  const { value } = SUITES[cell.suite];
  return figure(cell.samples.map((ms) => value(cell, ms)));
}

/** What a cell reached of the register peak of the same rounds. @param {Cell} cell */
export function fraction({ flops = 0, samples, peaks }) {
  return figure(samples.map((ms, round) => flops / ms / 1e6 / peaks[round]));
}

/**
 * @param {Cell[]} cells
 * @returns {string}
 */
export function tables(cells) {
  const suites = [...new Set(cells.map(({ suite }) => suite))];
  return suites.map((suite) => suiteTable(cells.filter((cell) => cell.suite === suite))).join('\n');
}

/** @param {Cell[]} cells of one suite */
function suiteTable(cells) {
  const { title, digits } = SUITES[cells[0].suite];
  const rows = [...new Set(cells.map(({ row }) => row))];
  const columns = [...new Set(cells.map(column))];
  const lines = rows.map((row) => [
    row,
    ...columns.map((name) => {
      const cell = cells.find((it) => it.row === row && column(it) === name);
      if (!cell) return '';
      if (cell.samples.length === 0) return cell.error ? 'failed' : '–';
      const share =
        cell.suite === 'matmul' && cell.peaks.length > 0 ? ` ${percent(fraction(cell).median)}` : '';
      return `${spread(cellFigure(cell), digits)}${share}`;
    }),
  ]);
  const errors = new Set(
    cells.filter(({ error }) => error).map((cell) => `  ${column(cell)}: ${cell.error}`),
  );
  return `${title}\n${grid([['', ...columns], ...lines])}${[...errors].map((line) => `${line}\n`).join('')}`;
}

/** @param {{ host: { name: string }, contestant: string }} cell */
function column({ host, contestant }) {
  return contestant.startsWith('PyTorch') ? contestant : `${contestant}, ${host.name}`;
}

/** @param {Peak[]} peaks */
export function peakTable(peaks) {
  const rows = [
    ['', ...peaks.map(column)],
    ...PEAKS.map((name, i) => [name, ...peaks.map(({ kernels }) => spread(figure(kernels[i]), 1))]),
    ['best', ...peaks.map(({ gflops }) => spread(figure(gflops), 1))],
  ];
  return `Register peak (GFLOP/s)\n${grid(rows)}`;
}

/**
 * @param {Figure} figure
 * @param {number} digits
 */
function spread({ median, low, high }, digits) {
  return `${median.toFixed(digits)} [${low.toFixed(digits)} ${high.toFixed(digits)}]`;
}

/** @param {number} value */
export function percent(value) {
  return `${(100 * value).toFixed(0)}%`;
}

/**
 * Columns padded to their widest entry; the first to the left, the others to the right.
 * @param {string[][]} rows
 */
export function grid(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (/** @type {string[]} */ row) =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ');
  return `${rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n')}\n`;
}
