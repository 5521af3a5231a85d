// What is not sampled round by round: the time to load, and the sizes of the modules.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { VARIANTS } from './suites.js';

const ROOT = new URL('../../', import.meta.url);

/** @import { Host } from './hosts.js' */

/** @typedef {{ variant: string, raw: number, gzipped: number }} Size */

/** @returns {Size[]} */
export function moduleSizes() {
  return VARIANTS.flatMap((variant) => [variant, `${variant}.threads`]).map((variant) => {
    const bytes = readFileSync(new URL(`web/hyperrouter.${variant}.wasm`, ROOT));
    return { variant, raw: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
  });
}

/** @typedef {{ host: string, variant: string, samples: number[] }} Load  milliseconds */

/**
 * @param {Host[]} hosts
 * @param {number} rounds
 * @returns {Promise<Load[]>}
 */
export async function loadTimes(hosts, rounds) {
  const all = hosts.flatMap((host) =>
    VARIANTS.map((variant) => ({ host, variant, samples: /** @type {number[]} */ ([]) })),
  );
  for (let round = 0; round < rounds; round++) {
    for (const { host, variant, samples } of all) {
      if (host.load) samples.push(await host.load(variant));
    }
  }
  return all.map(({ host, variant, samples }) => ({ host: host.name, variant, samples }));
}
