/** The kept state of a run with patience: the elements of all tensors that training changes, one after the other. */
import { bestName } from '../checkpoint/names.js';
import { OutOfMemoryError } from '../errors.js';
import { changingTensors } from './tensors.js';

/** @import { SavedTensor } from '../checkpoint/safetensors.js' */
/** @import { Floats } from '../types.js' */
/** @import { ModelHandle } from './handle.js' */

/**
 * The elements of now.
 * @param {ModelHandle} model
 */
const views = (model) => changingTensors(model).map(({ data, size }) => model.core.floats(data, size));

/**
 * @param {ModelHandle} model
 * @param {Floats | undefined} kept an earlier state, which is overwritten
 * @param {Floats[]} [parts] elements of the tensors; those of now, unless they are given
 * @returns {Floats}
 * @throws {OutOfMemoryError} there is no memory for it
 */
export function keepState(model, kept, parts = views(model)) {
  const state = kept ?? allocate(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    state.set(part, at);
    at += part.length;
  }
  return state;
}

/**
 * Puts a state back.
 * @param {ModelHandle} model
 * @param {Floats} kept
 */
export function restoreState(model, kept) {
  let at = 0;
  for (const floats of views(model)) {
    floats.set(kept.subarray(at, at + floats.length));
    at += floats.length;
  }
  model.invalidate();
}

/**
 * A state as tensors of a file.
 * @param {ModelHandle} model
 * @param {Floats} kept
 * @returns {SavedTensor[]}
 */
export function savedState(model, kept) {
  let at = 0;
  return changingTensors(model).map(({ name, shape, size }) => {
    const data = kept.subarray(at, at + size);
    at += size;
    return { name: bestName(name), shape, data };
  });
}

/**
 * @param {number} size
 * @returns {Floats}
 */
function allocate(size) {
  try {
    return new Float32Array(size);
  } catch (cause) {
    const bytes = 4 * size;
    throw new OutOfMemoryError(`the best state needs ${bytes} bytes, which are not available`, bytes, {
      cause,
    });
  }
}
