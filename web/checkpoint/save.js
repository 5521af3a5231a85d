/** Saving a model: the options, and the tensors that every model has. */
import { checkBoolean, checkName, checkObject, checkOptions, fail, refuse } from '../check.js';
import { quote } from '../message.js';
import { OPTIONS } from '../options.js';
import { isHalf, tooLarge } from './half.js';
import { RESERVED_METADATA } from './metadata.js';
import { momentName } from './names.js';

/** @import { Core, RawParameter } from '../core.js' */
/** @import { SaveOptions } from '../option-types.js' */
/** @import { SavedTensor } from './safetensors.js' */

/**
 * @param {SaveOptions} options
 * @param {Record<string, string>} own metadata of the model
 * @returns {{ optimizer: boolean, metadata: Record<string, string>, dtype: string }} dtype as in the file
 */
export function readSaveOptions(options, own) {
  const {
    optimizer = false,
    metadata = own,
    dtype = 'f32',
  } = checkOptions('saveCheckpoint', options, OPTIONS.saveCheckpoint);
  checkBoolean('optimizer', optimizer);
  checkName('dtype', dtype, ['f32', 'f16', 'bf16']);
  if (optimizer && dtype !== 'f32') refuse('dtype', '"f32" together with optimizer: true', dtype);
  checkObject('metadata', metadata);
  // What is checked is what is saved: a getter may give something else the next time.
  const entries = Object.entries(metadata);
  for (const [key, value] of entries) {
    if (typeof value !== 'string') refuse(`metadata[${quote(key)}]`, 'a string', value, TypeError);
    if (RESERVED_METADATA.includes(key))
      fail(`metadata["${key}"] needs another key: the file format uses this one`);
  }
  return { optimizer, metadata: Object.fromEntries(entries), dtype: dtype.toUpperCase() };
}

/**
 * @param {Core} core
 * @param {RawParameter[]} parameters
 * @param {string} dtype
 * @returns {SavedTensor[]} views of the memory
 */
export function savedParameters(core, parameters, dtype) {
  return parameters.map(({ name, shape, size, data: address }) => {
    const data = core.floats(address, size);
    const large = isHalf(dtype) ? tooLarge(data, dtype) : undefined;
    if (large) {
      const given = dtype.toLowerCase();
      refuse('dtype', `"f32": ${given} holds up to ${large.largest}, ${name} has ${large.value}`, given);
    }
    return { name, shape, data };
  });
}

/**
 * The optimizer's state.
 * @param {Core} core
 * @param {RawParameter[]} parameters
 * @returns {SavedTensor[]} views of the memory
 */
export function savedMoments(core, parameters) {
  const trained = parameters.filter(({ role }) => role === 'trained');
  return /** @type {const} */ (['m', 'v']).flatMap((moment) =>
    trained.map((parameter) => ({
      name: momentName(moment, parameter.name),
      shape: parameter.shape,
      data: core.floats(parameter[moment], parameter.size),
    })),
  );
}
