/** The tensors of a model in the engine's memory. */
import { checkFinite, refuse, refuseLength, toFloats } from '../check.js';
import { isOwn } from '../custom-router.js';
import { nearestHint } from '../nearest.js';

/** @import { RawParameter } from '../core.js' */
/** @import { Numbers, Parameter } from '../types.js' */
/** @import { ModelHandle } from './handle.js' */

/**
 * Those that belong to the model.
 * @param {ModelHandle} model
 */
export const tensorsOf = ({ core, address }) => core.parameters(address).filter(isOwn);

/**
 * What training changes, besides the optimizer's state.
 * @param {ModelHandle} model
 */
export const changingTensors = (model) => tensorsOf(model).filter(({ role }) => role !== 'frozen');

/**
 * @param {ModelHandle} model
 * @returns {Parameter[]}
 */
export function copyTensors(model) {
  const { core } = model;
  return tensorsOf(model).map(({ name, shape, size, role, data, grad }) => ({
    name,
    shape,
    trainable: role === 'trained',
    data: core.floats(data, size).slice(),
    grad: grad ? core.floats(grad, size).slice() : null,
  }));
}

/**
 * @param {ModelHandle} model
 * @param {string} name
 * @param {Numbers} data
 */
export function setTensor(model, name, data) {
  const all = tensorsOf(model);
  const entry = all.find((parameter) => parameter.name === name);
  if (!entry) return refuseTensor(name, all);
  const floats = toFloats('data', data);
  if (floats.length !== entry.size) {
    refuseLength('data', `${entry.size} numbers (${entry.shape.join(' x ')})`, floats);
  }
  model.core.floats(entry.data, entry.size).set(checkFinite('data', floats));
  model.invalidate();
}

/**
 * @param {string} name
 * @param {RawParameter[]} tensors
 * @returns {never}
 */
function refuseTensor(name, tensors) {
  const names = tensors.map((tensor) => tensor.name);
  const list = names.length > 8 ? `${names.slice(0, 8).join(', ')}, … (see parameters())` : names.join(', ');
  const hint = typeof name === 'string' ? nearestHint(name, names) : '';
  return refuse('name', `one of ${list}${hint}`, name);
}

/**
 * Views of all that a step of training changes: the tensors, and their moments.
 * @param {ModelHandle} model
 */
export function steppedViews(model) {
  return changingTensors(model).flatMap(({ data, m, v, size, role }) =>
    (role === 'trained' ? [data, m, v] : [data]).map((at) => model.core.floats(at, size)),
  );
}
