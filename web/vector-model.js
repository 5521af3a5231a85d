import {
  checkClasses,
  checkFinite,
  checkKeys,
  checkOptions,
  refuseLength,
  toFloats,
  typedArrayName,
} from './check.js';
import { Model } from './model.js';
import { INPUT, OPTIONS } from './options.js';
import { ProbeHistory } from './probe-history.js';

/** @import { LayerMeasures } from './measures.js' */
/** @import { MeasureOptions } from './option-types.js' */
/** @import { Complete, Floats, Numbers, SharedConfig, StepOptions } from './types.js' */

/** @typedef {{ inputs: Float32Array, classes: Int32Array | undefined }} Probe */

/**
 * What classifiers and regressors of vectors have in common.
 * @template {Complete<SharedConfig> & { inputSize: number }} Config
 * @template {{ inputs: Numbers }} Input
 * @template {StepOptions} Step
 * @extends {Model<Config, Input, Step>}
 */
export class VectorModel extends Model {
  #probes = new ProbeHistory();

  /**
   * Routing metrics of the vectors of a probe, with the current `topK`; see `LayerMeasures`. Afterwards `routing()` and
   * `logits()` are those of the last part of the probe. The routing of a probe is remembered, so that the next
   * measurement of the same probe has a switch rate.
   * @param {Partial<Input> | Numbers} probe [N, inputSize], or data with these inputs; the targets of a classifier, if any,
   *   are the classes
   * @param {MeasureOptions} [options] classes of the vectors
   * @returns {LayerMeasures[]} one entry per layer; layers without a router (dense) have none
   * @throws {TypeError | RangeError} naming the argument
   */
  measure(probe, options = {}) {
    const { classes } = checkOptions('measure', options, OPTIONS.measure);
    return this.measureProbe(this.readProbe(probe, classes, 'classes'));
  }

  /** @protected @param {Probe} probe */
  measureProbe({ inputs, classes }) {
    const { inputSize, batchSize, experts: count } = this.config;
    /** @type {{ routing: ReturnType<Model['routing']>, similarity: (number | null)[] }[]} */
    const passes = [];
    this.forEachBatch(inputs, batchSize * inputSize, () => {
      passes.push({ routing: this.routing(), similarity: this.expertSimilarity() });
    });
    return this.#probes.measure(inputs, passes, { count, topK: this.topK, classes });
  }

  /**
   * @protected
   * @param {unknown} probe
   * @param {unknown} given classes
   * @param {string} name of the classes
   * @returns {Probe}
   */
  readProbe(probe, given, name) {
    const vectors = Array.isArray(probe) || typedArrayName(probe) === 'Float32Array';
    const { inputs, targets } = vectors
      ? { inputs: probe, targets: undefined }
      : checkKeys('probe', 'a probe', probe, INPUT[this.kind]);
    const numbers = this.readVectors('probe.inputs', inputs);
    const ids = given ?? (this.kind === 'classifier' ? targets : undefined);
    const count = numbers.length / this.config.inputSize;
    const classes = ids && checkClasses(given ? name : 'probe.targets', ids, count);
    return { inputs: numbers, classes };
  }

  /**
   * What the model makes of any number of vectors.
   * @protected
   * @param {unknown} inputs
   * @param {number} columns numbers in a row of what it gives
   * @param {'probabilities' | 'logits'} rows
   * @returns {Floats}
   */
  predictRows(inputs, columns, rows) {
    const vectors = this.readVectors('inputs', inputs);
    const { inputSize, batchSize } = this.config;
    const all = new Float32Array((vectors.length / inputSize) * columns);
    this.forEachBatch(
      vectors,
      batchSize * inputSize,
      (numbers, start) => all.set(numbers, (start / inputSize) * columns),
      rows,
    );
    return all;
  }

  /**
   * @protected
   * @param {Float32Array} vectors
   * @param {number} size numbers in a batch
   * @param {(numbers: Floats, start: number) => void} use of what the model gives, from the number `start` of the vectors on
   * @param {'probabilities' | 'logits'} [rows]
   */
  forEachBatch(vectors, size, use, rows = 'logits') {
    for (let start = 0; start < vectors.length; start += size) {
      const pass = this.putVectors(vectors.slice(start, start + size));
      this.prepare();
      use(this.core.predict(this.address, pass, rows), start);
    }
  }

  /**
   * @protected
   * @param {string} name
   * @param {unknown} given
   * @param {number} [most]
   * @returns {Float32Array}
   */
  readVectors(name, given, most) {
    return this.readRows(name, given, this.config.inputSize, 'inputSize', most);
  }

  /**
   * @protected
   * @param {string} name
   * @param {unknown} given
   * @param {number} size numbers in a row
   * @param {string} key of the configuration that the size comes from
   * @param {number} [most] rows
   * @returns {Float32Array}
   */
  readRows(name, given, size, key, most = Infinity) {
    const numbers = toFloats(name, given, size);
    const count = numbers.length / size;
    if (count === 0 || !Number.isInteger(count) || count > most) {
      const range = most === Infinity ? '' : `, n from 1 to ${most} (batchSize)`;
      refuseLength(name, `n x ${size} numbers (${key})${range}`, numbers);
    }
    return checkFinite(name, numbers);
  }

  /** @protected @param {Float32Array} inputs checked */
  putVectors(inputs) {
    this.core.putFeatures(this.address, inputs);
    return { batch: inputs.length / this.config.inputSize, length: 1, carryMemory: false };
  }
}
