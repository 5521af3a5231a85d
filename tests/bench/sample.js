// Goes round all contestants, sampling each in turn, so that whatever else the machine does meets all alike.
import { PEAKS } from './kernels.js';
import { VARIANTS } from './suites.js';

/** @import { Cell, Group } from './suites.js' */
/** @import { Host } from './hosts.js' */

const PEAK_BUDGET_MS = 8;
const WARM_MS = 80;

/**
 * The register peak of a host and a variant, GFLOP/s.
 * @typedef {{ host: Host, contestant: string, gflops: number[], kernels: number[][] }} Peak  kernels: each one's, as PEAKS
 */

/**
 * @param {Group[]} groups
 * @param {number} rounds
 * @param {(done: string) => void} onProgress
 * @returns {Promise<Peak[]>}
 */
export async function sampleAll(groups, rounds, onProgress) {
  /** @type {Map<string, Peak>} */
  const peaks = new Map();
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const group of groups) {
      const { host, contestant, suite } = group[0];
      onProgress(
        `${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}: ${suite}, ${contestant} on ${host.name}`,
      );
      const peak = isVariant(contestant) ? await samplePeak(host, contestant) : undefined;
      for (const cell of group) await sampleCell(cell, round, peak && Math.max(...peak));
      if (peak === undefined || round === 0) continue;
      const key = `${host.name} ${contestant}`;
      const known = peaks.get(key) ?? { host, contestant, gflops: [], kernels: PEAKS.map(() => []) };
      known.gflops.push(Math.max(...peak));
      for (const [i, gflops] of peak.entries()) known.kernels[i].push(gflops);
      peaks.set(key, known);
    }
  }
  return [...peaks.values()];
}

/** @param {string} contestant */
function isVariant(contestant) {
  return VARIANTS.some((variant) => variant === contestant);
}

/** @type {Map<string, number>} operations of an iteration */
const peakFlops = new Map();

/**
 * @param {Host} host
 * @param {string} contestant
 * @returns {Promise<number[]>} GFLOP/s of each kernel
 */
async function samplePeak(host, contestant) {
  const gflops = [];
  for (const kernel of PEAKS.keys()) {
    const request = {
      contestant,
      task: 'peak',
      sizes: { kernel },
      warmMs: WARM_MS,
      budgetMs: PEAK_BUDGET_MS,
    };
    const { ms, notes } = await host.ask(request);
    const key = `${host.name} ${contestant}`;
    if (notes) peakFlops.set(key, notes.flops);
    gflops.push((peakFlops.get(key) ?? Number.NaN) / ms / 1e6);
  }
  return gflops;
}

/**
 * @param {Cell} cell
 * @param {number} round
 * @param {number} [peak]
 */
async function sampleCell(cell, round, peak) {
  if (cell.error || cell.samples.length >= cell.mostSamples) return;
  const { host, contestant, task, sizes, budgetMs } = cell;
  try {
    const { ms, notes } = await host.ask({
      contestant,
      task,
      sizes,
      budgetMs,
      warmMs: budgetMs > 1 ? WARM_MS : 0,
    });
    if (notes) cell.notes = notes;
    if (round === 0) return;
    cell.samples.push(ms);
    if (peak !== undefined) cell.peaks.push(peak);
  } catch (error) {
    cell.error = error instanceof Error ? error.message : String(error);
  }
}
