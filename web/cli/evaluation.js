/**
 * What the evaluations of all kinds of model have in common: each number of experts per token, and the table of them.
 *
 * @module
 */
import { StatusLine } from './progress.js';
import { RoutingSummary, routingLines } from './routing.js';

/**
 * Evaluates a model with each number of experts per token.
 *
 * @template Result
 * @param {import('./files.js').TextModel} model
 * @param {(number | null)[]} counts
 * @param {import('./system.js').System} system
 * @param {(onProgress: (share: number) => void) => Promise<Result>} evaluate  tells after each pass which share is done
 */
export async function measureEach(model, counts, { stderr }, evaluate) {
  const status = new StatusLine(stderr);
  const results = [];
  for (const topK of counts) {
    if (topK !== null) model.topK = topK;
    const routing = new RoutingSummary();
    const result = await evaluate((share) => {
      routing.add(model.routing());
      status.show(`top-${topK ?? 'all'}: ${Math.round(100 * share)} %`);
    });
    results.push({ topK, ...result, routing: routing.measures });
  }
  status.clear();
  return results;
}

/**
 * @param {string[]} names  of the columns
 * @param {string[][]} rows
 * @param {{ topK: number | null }[]} results  of each row
 * @param {number} trained  experts per token in training
 * @returns {string[]} lines
 */
export function table(names, rows, results, trained) {
  const known = results.length > 1 && results.some(({ topK }) => topK === trained);
  const first = results.map(({ topK }) =>
    topK === null ? 'dense' : `${topK}${known && topK === trained ? '*' : ' '}`,
  );
  const widths = names.map((name) => Math.max(name.length, 8));
  const line = (/** @type {string} */ k, /** @type {string[]} */ cells) =>
    [k.padStart(6), ...cells.map((cell, i) => cell.padStart(widths[i]))].join('  ');
  return [
    line('top-k', names),
    ...rows.map((cells, i) => line(first[i], cells)),
    ...(known ? ['* as trained'] : []),
  ];
}

/**
 * @param {{ topK: number | null, routing: import('./routing.js').RoutingSummary['measures'] }[]} results
 * @param {number} trained
 * @returns {string[]} lines: those of the trained number of experts, or of the first one
 */
export function routingOf(results, trained) {
  const { topK, routing } = results.find((result) => result.topK === trained) ?? results[0];
  return routing.length === 0 ? [] : [`routing with top-k ${topK}:`, ...routingLines(routing)];
}
