// What is measured: for every suite its rows, and the contestants of each row.
import { availableParallelism } from 'node:os';
import { FORMS, WORKS } from './kernels.js';

/** @import { Host } from './hosts.js' */

export const VARIANTS = /** @type {const} */ (['simd', 'relaxed-simd']);
/** The suites that sample() runs; `load` and `size` are measured apart (once.js). */
export const SAMPLED = /** @type {const} */ ([
  'matmul',
  'moe',
  'lm',
  'generation',
  'experts',
  'topk',
  'context',
  'threads',
]);

/**
 * One number that is measured, of one contestant on one host.
 * @typedef {object} Cell
 * @property {string} suite
 * @property {string} row
 * @property {Host} host
 * @property {string} contestant
 * @property {string} task
 * @property {any} sizes
 * @property {number} budgetMs      of a sample
 * @property {number} mostSamples
 * @property {number} [flops]       of an iteration
 * @property {number} [tokens]      of an iteration
 * @property {number[]} samples     milliseconds an iteration, a number a round
 * @property {number[]} peaks       GFLOP/s of the register peak of this host and variant in the same rounds
 * @property {Record<string, number>} [notes]
 * @property {string} [error]
 */

/** Cells that are sampled one after the other, behind the register peak of their variant. @typedef {Cell[]} Group */

/**
 * @typedef {object} Contestants
 * @property {Host[]} engines        hosts of our variants
 * @property {Host} [torch]
 * @property {Host} [peers]          the host of the JavaScript peers that are installed
 * @property {string[]} peerNames
 */

/** See torch_peer.py. */
const TORCH = ['PyTorch', 'PyTorch tuned'];

/** [rows, out, in] */
const SHAPES = [
  [64, 256, 128],
  [128, 256, 128],
  [1024, 512, 128],
  [16, 256, 128],
  [13, 256, 128],
  [1, 256, 128],
  [256, 128, 64],
  [1024, 256, 64],
];
const QUICK_SHAPES = SHAPES.filter(([rows, out]) => out === 256 && [1, 16, 64].includes(rows));

export const LAYER = { tokens: 1024, d: 128, f: 256, experts: 16, topK: 2 };
export const MODEL = {
  layers: 2,
  d: 64,
  heads: 4,
  dHead: 16,
  f: 128,
  experts: 8,
  topK: 2,
  batch: 16,
  length: 64,
  memory: 64,
  vocabulary: 256,
};

/** Operations of the products of the experts: one forward, two backward, of two matrices each. */
/** @param {{ tokens: number, d: number, f: number, topK: number, work: number }} sizes */
function layerFlops({ tokens, d, f, topK, work }) {
  return (work === 0 ? 4 : 12) * tokens * topK * d * f;
}

/**
 * @param {string[]} suites
 * @param {Contestants} contestants
 * @param {boolean} quick
 * @returns {Group[]}
 */
export function groups(suites, contestants, quick) {
  return suites.flatMap((suite) => SUITES[suite]?.(contestants, quick) ?? []);
}

/** @type {Record<string, (contestants: Contestants, quick: boolean) => Group[]>} */
const SUITES = {
  matmul(contestants, quick) {
    const rows = (quick ? QUICK_SHAPES : SHAPES).flatMap((shape) =>
      FORMS.map((form, index) => ({ row: `${shape.join('×')} ${form}`, shape, index })),
    );
    return everybody(contestants, ['PyTorch'], [], (host, contestant) =>
      rows.map(({ row, shape: [rows, out, inputs], index }) =>
        cell('matmul', row, host, contestant, 'product', {
          sizes: { rows, out, in: inputs, form: index },
          flops: 2 * rows * out * inputs,
          budgetMs: quick ? 10 : 15,
        }),
      ),
    );
  },

  moe(contestants, quick) {
    return everybody(contestants, TORCH, contestants.peerNames, (host, contestant) => {
      // Its step takes many seconds.
      if (quick && contestant === 'tfjs-cpu') return [];
      const peer = contestants.peerNames.includes(contestant);
      // jax-js takes no step of an optimizer: its time is that of the gradients.
      const works = WORKS.map((row, work) => ({ row, sizes: { ...LAYER, work } }));
      const own = peer
        ? works.filter(({ row }) => row === (contestant === 'jax-js' ? 'gradients' : 'step'))
        : works;
      return own.map(({ row, sizes }) =>
        cell('moe', row, host, contestant, 'layer', {
          sizes,
          flops: layerFlops(sizes),
          tokens: sizes.tokens,
          budgetMs: peer ? 1 : quick ? 60 : 100,
          mostSamples: peer ? (quick ? 1 : 3) : undefined,
        }),
      );
    });
  },

  lm(contestants, quick) {
    return everybody(contestants, TORCH, [], (host, contestant) => [
      cell('lm', 'step', host, contestant, 'language', {
        sizes: MODEL,
        tokens: MODEL.batch * MODEL.length,
        budgetMs: quick ? 80 : 150,
      }),
    ]);
  },

  generation(contestants, quick) {
    return everybody(contestants, [], [], (host, contestant) => [
      cell('generation', 'token', host, contestant, 'generation', {
        sizes: MODEL,
        tokens: 1,
        budgetMs: quick ? 40 : 60,
      }),
    ]);
  },

  experts(contestants, quick) {
    const counts = quick ? [16, 64] : [4, 16, 64];
    return layerSweep('experts', contestants, quick, counts, (experts) => ({ experts }));
  },

  topk(contestants, quick) {
    return layerSweep('topk', contestants, quick, quick ? [1, 2, 4] : [1, 2, 4, 8, 16], (topK) => ({ topK }));
  },

  threads(contestants, quick) {
    const most = quick ? 2 : Math.min(4, availableParallelism());
    const counts = Array.from({ length: Math.max(2, most) }, (_, i) => i + 1);
    return everybody(contestants, [], [], (host, contestant) =>
      counts.map((threads) =>
        cell('threads', String(threads), host, contestant, 'language', {
          sizes: { ...MODEL, threads },
          tokens: MODEL.batch * MODEL.length,
          budgetMs: quick ? 80 : 150,
        }),
      ),
    );
  },

  // As many tokens in every step: the streams are the fewer the longer they are.
  context(contestants, quick) {
    const lengths = quick ? [32, 128] : [16, 32, 64, 128, 256];
    const tokens = MODEL.batch * MODEL.length;
    return everybody(contestants, [], [], (host, contestant) =>
      lengths.map((length) =>
        cell('context', `T ${length}`, host, contestant, 'language', {
          sizes: { ...MODEL, length, batch: tokens / length },
          tokens,
          budgetMs: quick ? 50 : 80,
        }),
      ),
    );
  },
};

/**
 * Forward and backward pass of the layer with one size changed.
 * @param {string} suite
 * @param {Contestants} contestants
 * @param {boolean} quick
 * @param {number[]} values
 * @param {(value: number) => Partial<typeof LAYER>} change
 */
function layerSweep(suite, contestants, quick, values, change) {
  return everybody(contestants, [], [], (host, contestant) =>
    values.map((value) => {
      const sizes = { ...LAYER, ...change(value), work: 1 };
      const row = `${suite === 'experts' ? 'E' : 'k'} ${value}`;
      return cell(suite, row, host, contestant, 'layer', {
        sizes,
        flops: layerFlops(sizes),
        tokens: sizes.tokens,
        budgetMs: quick ? 50 : 80,
      });
    }),
  );
}

/**
 * The groups of our variants on every host, of PyTorch and of the other peers.
 * @param {Contestants} contestants
 * @param {readonly string[]} torchNames
 * @param {string[]} peers
 * @param {(host: Host, contestant: string) => Cell[]} cells
 */
function everybody({ engines, torch, peers: host }, torchNames, peers, cells) {
  const ours = engines.flatMap((engine) => VARIANTS.map((variant) => cells(engine, variant)));
  const theirs = torch ? torchNames.map((name) => cells(torch, name)) : [];
  const others = host ? peers.map((peer) => cells(host, peer)) : [];
  return [...ours, ...theirs, ...others].filter((group) => group.length > 0);
}

/**
 * @param {string} suite
 * @param {string} row
 * @param {Host} host
 * @param {string} contestant
 * @param {string} task
 * @param {{ sizes: any, budgetMs: number, mostSamples?: number, flops?: number, tokens?: number }} options
 * @returns {Cell}
 */
function cell(suite, row, host, contestant, task, { mostSamples = Number.POSITIVE_INFINITY, ...options }) {
  return { suite, row, host, contestant, task, mostSamples, ...options, samples: [], peaks: [] };
}
