// The benchmark: npm run bench -- [options], or node tests/bench/run.js after node wasm/build.js
//
//   --only matmul,moe,…   suites: matmul moe lm generation experts topk context threads load size (all)
//   --quick               under a minute: fewer shapes, rounds and samples
//   --browser             in Chromium too
//   --cpu                 time of the processor in each process instead of time, for a machine that has other work too
//                         (a page knows no such clock)
//   --rounds N            how often everything is sampled (9; quick: 3)
//   --json [FILE]         the figures as JSON, instead of the tables or to a file beside them
//
// Every contestant lives in a process of its own and waits for its turn; the rounds go through all of them, and a
// figure is the median over the rounds. Peers are used if they are there: PyTorch of /usr/bin/python3
// (apt-get install python3-torch libopenblas0-pthread), and the packages of tests/bench/package.json
// (npm ci --prefix tests/bench). A current Node comes with npm ci --prefix tests/current-node.
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildModules } from './build.js';
import { goalTable, outcomes } from './goals.js';
import { nodeHosts, pageHost, torchHost } from './hosts.js';
import { PEAKS } from './kernels.js';
import { loadTimes, moduleSizes } from './once.js';
import { cellFigure, figure, fraction, grid, peakTable, tables } from './report.js';
import { sampleAll } from './sample.js';
import { groups, SAMPLED } from './suites.js';

const ALL = [...SAMPLED, 'load', 'size'];

const args = process.argv.slice(2);
// --json stands alone or with a file.
const jsonAt = args.indexOf('--json');
const jsonFile =
  jsonAt >= 0 && args[jsonAt + 1] && !args[jsonAt + 1].startsWith('-') ? args[jsonAt + 1] : undefined;
if (jsonAt >= 0) args.splice(jsonAt, jsonFile ? 2 : 1);
const { values: options } = parseArgs({
  args,
  options: {
    only: { type: 'string', default: ALL.join(',') },
    quick: { type: 'boolean', default: false },
    browser: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    rounds: { type: 'string' },
  },
});
const chosen = options.only.split(',');
const unknown = chosen.find((suite) => !ALL.includes(suite));
if (unknown) throw new Error(`There is no suite ${unknown}; there are ${ALL.join(', ')}`);
const rounds = Number(options.rounds ?? (options.quick ? 3 : 9));
const clock = options.cpu ? 'cpu' : 'wall';
const quiet = jsonAt >= 0 && !jsonFile;

buildModules();
const nodes = nodeHosts(clock);
const torch = await torchHost(clock);
const page = options.browser ? await pageHost() : undefined;
const engines = page ? [...nodes, page] : nodes;
const peerNames = installed('@tensorflow/tfjs', ['tfjs-wasm', 'tfjs-cpu']).concat(
  installed('@jax-js/jax', ['jax-js']),
);
const loadBefore = loadavg()[0];

const plan = groups(chosen, { engines, torch, peers: nodes.at(-1), peerNames }, options.quick);
const peaks = await sampleAll(plan, rounds, progress);
const cells = plan.flat();
const loads = chosen.includes('load') ? await loadTimes(engines, rounds) : [];
const sizes = chosen.includes('size') ? moduleSizes() : [];
progress('');
for (const host of [...engines, torch]) await host?.close();

const results = outcomes(cells, { loads, sizes });
if (!quiet) {
  const about = torch ? `, ${torch.version} with ${torch.about.blas.at(-1) ?? 'no BLAS'}` : '';
  console.log(`${cpus()[0].model}, ${engines.map((it) => `${it.name} (${it.version})`).join(', ')}${about}`);
  console.log(
    `${options.cpu ? 'processor time; ' : ''}${rounds} rounds; medians, quartiles in brackets; load average ${loadBefore.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after\n`,
  );
  if (peaks.length > 0) console.log(peakTable(peaks));
  console.log(tables(cells));
  if (loads.length > 0) {
    const rows = loads.map(({ host, variant, samples }) => [
      `${variant}, ${host}`,
      figure(samples).median.toFixed(1),
    ]);
    console.log(`Compile and instantiate in a new process (ms)\n${grid(rows)}`);
  }
  if (sizes.length > 0) {
    const rows = sizes.map(({ variant, raw, gzipped }) => [variant, String(raw), String(gzipped)]);
    console.log(`Modules (bytes)\n${grid([['', 'raw', 'gzipped'], ...rows])}`);
  }
  console.log(goalTable(results));
}
if (jsonAt >= 0) {
  const json = JSON.stringify(record(), null, 2);
  if (jsonFile) writeFileSync(jsonFile, `${json}\n`);
  else console.log(json);
}

/**
 * @param {string} name
 * @param {string[]} contestants
 */
function installed(name, contestants) {
  return existsSync(new URL(`./node_modules/${name}/package.json`, import.meta.url)) ? contestants : [];
}

/** One line that is overwritten, where somebody watches. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function record() {
  return {
    machine: cpus()[0].model,
    hosts: engines.map(({ name, version }) => ({ name, version })),
    torch: torch?.about,
    rounds,
    clock,
    load: [loadBefore, loadavg()[0]],
    peaks: peaks.map(({ host, contestant, gflops, kernels }) => ({
      host: host.name,
      contestant,
      gflops: figure(gflops),
      kernels: Object.fromEntries(PEAKS.map((name, i) => [name, figure(kernels[i])])),
    })),
    cells: cells.map(({ host, samples, peaks: _, mostSamples: __, ...cell }) => ({
      ...cell,
      host: host.name,
      ms: samples.length > 0 ? figure(samples) : null,
      ...(samples.length > 0 && { value: cellFigure(/** @type {any} */ ({ ...cell, samples })) }),
      ...(_.length > 0 &&
        cell.flops && { fractionOfPeak: fraction(/** @type {any} */ ({ ...cell, samples, peaks: _ })) }),
      samples,
    })),
    loads,
    sizes,
    goals: results,
  };
}
