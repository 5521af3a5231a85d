/** A small file must not make its model take a large memory. */
import { CheckpointError } from '../errors.js';

/** @import { PlainConfig } from '../config.js' */

/** Sizes of a configuration that no tensor has. */
const FREE_SIZES = ['batchSize', 'contextLength', 'memoryLength'];
/** A model takes this memory whatever its file is like, and this many times the file: far more than models in use. */
const FREE_BYTES = 2 ** 30;
const MEMORY_FACTOR = 10_000;
/** As in src/model.c. */
const ENGINE_BYTES = 2 ** 32;

/**
 * Refuses a small file that asks for a large memory, unless the caller has given the sizes.
 * @param {Uint8Array} file
 * @param {PlainConfig} config of the model
 * @param {number} needed bytes of the model
 * @param {Record<string, unknown>} stored configuration of the file
 * @param {Record<string, unknown>} given configuration of the caller
 * @param {string[]} [sizes] more keys that its tensors need not agree with
 */
export function checkProportion(file, config, needed, stored, given, sizes = []) {
  const free = [...FREE_SIZES, ...sizes].filter((key) => key in stored && !(key in given));
  // What no engine has is refused when the model is created.
  if (free.length === 0 || needed >= ENGINE_BYTES) return;
  if (needed <= FREE_BYTES + MEMORY_FACTOR * file.length) return;
  throw new CheckpointError(
    `the file has ${file.length} bytes, but its model would take ${needed} bytes of memory with ` +
      `${free.map((key) => `${key} ${config[key]}`).join(', ')}; pass your own`,
  );
}
