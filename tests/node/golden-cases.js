/** What the golden cases share: reading them, and comparing gradients and training. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { assertClose, assertNear, parametersOf } from './helpers.js';
import { readSafetensors } from './safetensors.js';

/** @import { LanguageModel } from '../../web/index.js' */
/** @import { AnyModel } from './helpers.js' */

export const LOSS = 1e-5;
export const VALUES = 1e-4;
const TRAINED = 2e-4;

/**
 * @param {string} folder
 * @param {string} file
 */
export function read(folder, file) {
  return new Uint8Array(readFileSync(new URL(`../golden/${folder}/${file}`, import.meta.url)));
}

/** @param {string} folder */
export function expectedOf(folder) {
  return JSON.parse(new TextDecoder().decode(read(folder, 'expected.json')));
}

/**
 * @param {{ stream: number[][] }} expected
 * @param {LanguageModel} model
 * @param {number} index of the segment
 */
export function segmentOf({ stream }, { config }, index) {
  const length = config.contextLength;
  const [begin, end] = [index * length, (index + 1) * length];
  return {
    inputs: Int32Array.from(stream.flatMap((row) => row.slice(begin, end))),
    targets: Int32Array.from(stream.flatMap((row) => row.slice(begin + 1, end + 1))),
    length,
    carryMemory: index > 0,
  };
}

/**
 * @param {AnyModel} model
 * @param {string} folder
 */
export function assertGradients(model, folder) {
  const expected = readSafetensors(read(folder, 'grads.safetensors')).tensors;
  const trainable = model.parameters().filter((parameter) => parameter.trainable);
  assert.deepEqual(trainable.map(({ name }) => name).sort(), [...expected.keys()].sort());
  for (const { name, shape, grad } of trainable) {
    const tensor = /** @type {{ shape: number[], data: Float32Array }} */ (expected.get(name));
    assert.deepEqual(shape, tensor.shape, name);
    assertClose(/** @type {Float32Array} */ (grad), tensor.data, VALUES, `gradient of ${name}`);
  }
  for (const { grad, trainable: trained, name } of model.parameters()) {
    if (!trained) assert.equal(grad, null, name);
  }
}

/**
 * @param {AnyModel} model
 * @param {string} folder
 */
export function assertTrained(model, folder) {
  const before = readSafetensors(read(folder, 'model.safetensors')).tensors;
  const expected = readSafetensors(read(folder, 'after.safetensors')).tensors;
  for (const [name, data] of parametersOf(model)) {
    const wanted = /** @type {{ data: Float32Array }} */ (expected.get(name)).data;
    assert.equal(data.length, wanted.length, name);
    for (let i = 0; i < data.length; i++)
      assertNear(data[i], wanted[i], TRAINED, `${name}[${i}] after training`);
  }
  // The tolerance above tells training from standing still: the embedding at least moved by much more.
  const moved = [...before].some(([name, { data }]) => {
    const wanted = expected.get(name)?.data ?? data;
    return data.some((value, i) => Math.abs(value - wanted[i]) > 10 * TRAINED);
  });
  assert.ok(moved);
}
