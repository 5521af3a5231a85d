// The exports of bench.c, as tasks.

/** @import { Task } from './measure.js' */

export const FORMS = /** @type {const} */ (['forward', 'gradient of input', 'gradient of weight']);
export const WORKS = /** @type {const} */ (['forward', 'gradients', 'step']);

/** The kernels of the register peak in bench.c: 12 sums; 6 sums and 6 products, in two orders. */
export const PEAKS = /** @type {const} */ (['chain', 'pairs, add first', 'pairs, multiply first']);

/** So small that training changes neither the routing nor the speed. */
export const LEARNING_RATE = 1e-6;

/** @typedef {{ rows: number, in: number, out: number, form: number }} ProductSizes */
/** @typedef {{ tokens: number, d: number, f: number, experts: number, topK: number, work: number }} LayerSizes */

export class Kernels {
  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    const exports = /** @type {any} */ (instance.exports);
    exports._initialize?.();
    /** @type {Record<string, (...args: number[]) => number>} */
    this.exports = exports;
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes of a bench module */
  static async open(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Kernels(instance);
  }

  /**
   * @param {{ kernel: number }} which see PEAKS
   * @returns {Task} an iteration is `flops` operations
   */
  peak({ kernel }) {
    const { peak_flops, peak_run } = this.exports;
    const factor = kernel === 0 ? 0.999 : 1;
    return { run: (iterations) => peak_run(kernel, iterations, factor), notes: { flops: peak_flops() } };
  }

  /**
   * @param {ProductSizes} sizes
   * @returns {Task}
   */
  product({ rows, in: inputs, out, form }) {
    const { product_create, product_run, product_error } = this.exports;
    const product = create('product', product_create(form, rows, inputs, out));
    const error = product_error(product);
    if (!(error < 1e-4)) throw new Error(`the product is wrong: relative error ${error}`);
    return { run: (iterations) => product_run(product, iterations), notes: { error } };
  }

  /**
   * @param {LayerSizes} sizes
   * @returns {Task}
   */
  layer({ tokens, d, f, experts, topK, work }) {
    const { layer_create, layer_run, layer_largest_load } = this.exports;
    const layer = create('layer', layer_create(tokens, d, f, experts, topK));
    const loss = layer_run(layer, 1, work, LEARNING_RATE);
    if (!Number.isFinite(loss)) throw new Error(`the loss of the layer is ${loss}`);
    return {
      run: (iterations) => layer_run(layer, iterations, work, LEARNING_RATE),
      notes: { largestLoad: layer_largest_load(layer) },
    };
  }
}

/**
 * @param {string} what
 * @param {number} address
 */
function create(what, address) {
  if (address === 0) throw new Error(`no memory for the ${what}`);
  return address;
}
