/**
 * Layout of the engine's structures in memory. wasm/exports.c asserts every offset, so that a wrong one does not
 * compile. Only core.js reads structures, with these functions.
 */

/** @import { DeclaredTensor } from './custom-router.js' */
/** @import { ConfigOption, Floats, Integers } from './types.js' */

/**
 * Views of the engine's memory.
 * @typedef {object} Views
 * @property {(address: number, bytes: number) => DataView} view
 * @property {(address: number) => string} string
 * @property {(address: number, length: number) => Integers} integers
 * @property {(address: number, length: number) => Floats} floats
 */

/**
 * Names of the traits in a bit set.
 * @typedef {(bits: number) => string[]} TraitNames
 */

/**
 * @typedef {object} RawField
 * @property {string} name
 * @property {string} summary
 * @property {'integer' | 'number' | 'boolean' | 'choice' | 'seed'} type
 * @property {number} offset in bytes, inside a configuration
 * @property {number} kinds bit set of kinds of model
 * @property {boolean} shapes whether it sets the shape of a tensor
 * @property {number} initial
 * @property {number} minimum
 * @property {number} maximum
 * @property {boolean} open whether the maximum itself is excluded
 * @property {string[]} requires traits without which it has no effect
 * @property {boolean} strict whether it must keep its default there
 * @property {RawOption[]} options of a choice
 */

/**
 * @typedef {ConfigOption & { number: number, kinds: number }} RawOption
 * An option with its number in the engine's configuration, and the bit set of the only kinds of model that can have it
 * (0: all).
 */

/**
 * What is wrong with a configuration.
 *
 * @typedef {object} RawConfigError
 * @property {RawField} field
 * @property {number} rule
 * @property {number} minimum
 * @property {number} maximum
 * @property {RawField | undefined} choice the field whose chosen option lacks a trait
 * @property {string[]} traits the missing trait
 */

/**
 * @typedef {object} RawParameter
 * @property {string} name
 * @property {number[]} shape
 * @property {number} size
 * @property {'trained' | 'frozen' | 'state' | 'external'} role who changes it, as hr_role in src/hyperrouter.h
 * @property {number} data address
 * @property {number} grad address, 0 if there is none
 * @property {number} m address, 0 unless it is trained
 * @property {number} v address, 0 unless it is trained
 */

/**
 * Routing of a layer, as copies.
 * @typedef {object} RawRouting
 * @property {Integers} experts [N, K]
 * @property {Floats} weights [N, K]
 * @property {Floats} logits [N, E]
 * @property {Integers} counts [E] assignments of each expert
 * @property {number} entropy
 * @property {Integers} dropped [E]
 */

const FIELD_TYPES = /** @type {const} */ (['integer', 'number', 'boolean', 'choice', 'seed']);

/** Roles of tensors, as in src/hyperrouter.h. */
const ROLES = /** @type {const} */ (['trained', 'frozen', 'state', 'external']);

/**
 * @param {Views} memory
 * @param {number} address of an `hr_field`
 * @param {TraitNames} traitNames
 * @returns {Omit<RawField, 'options'>}
 */
export function readField(memory, address, traitNames) {
  const view = memory.view(address, 64);
  return {
    name: memory.string(view.getUint32(0, true)),
    summary: memory.string(view.getUint32(4, true)),
    type: FIELD_TYPES[view.getInt32(8, true)],
    offset: view.getInt32(12, true),
    kinds: view.getInt32(16, true),
    shapes: view.getInt32(20, true) !== 0,
    initial: view.getFloat64(24, true),
    minimum: view.getFloat64(32, true),
    maximum: view.getFloat64(40, true),
    open: view.getInt32(48, true) !== 0,
    requires: traitNames(view.getInt32(52, true)),
    strict: view.getInt32(56, true) !== 0,
  };
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_option`
 * @param {number} number
 * @param {TraitNames} traitNames
 * @returns {RawOption}
 */
export function readOption(memory, address, number, traitNames) {
  const view = memory.view(address, 20);
  const [name, label, summary] = [0, 4, 8].map((at) => memory.string(view.getUint32(at, true)));
  const traits = traitNames(view.getInt32(12, true));
  return { name, label, summary, traits, number, kinds: view.getInt32(16, true) };
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_config`
 * @param {RawField} field
 * @param {number} number
 */
export function writeConfigField(memory, address, { type, offset }, number) {
  const view = memory.view(address + offset, 8);
  if (type === 'number') view.setFloat64(0, number, true);
  else if (type === 'seed') view.setUint32(0, number, true);
  else view.setInt32(0, number, true);
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_router_tensor`
 * @param {DeclaredTensor} tensor
 */
export function writeRouterTensor(memory, address, { name, shape, trained, mean, deviation }) {
  const view = memory.view(address, 80);
  const bytes = new TextEncoder().encode(name);
  for (let at = 0; at < 48; at++) view.setUint8(at, bytes[at] ?? 0);
  for (let i = 0; i < 3; i++) view.setInt32(48 + 4 * i, shape[i] ?? 0, true);
  view.setInt32(60, Number(trained), true);
  view.setFloat64(64, mean, true);
  view.setFloat64(72, deviation, true);
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_config_error`
 * @param {RawField[]} fields by index
 * @param {TraitNames} traitNames
 * @returns {RawConfigError}
 */
export function readConfigError(memory, address, fields, traitNames) {
  const view = memory.view(address, 32);
  return {
    field: fields[view.getInt32(0, true)],
    rule: view.getInt32(4, true),
    minimum: view.getFloat64(8, true),
    maximum: view.getFloat64(16, true),
    choice: fields[view.getInt32(24, true)],
    traits: traitNames(view.getInt32(28, true)),
  };
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_parameter`
 * @returns {RawParameter}
 */
export function readParameter(memory, address) {
  const view = memory.view(address, 116);
  const rank = view.getInt32(72, true);
  return {
    name: memory.string(address),
    shape: [76, 80, 84].slice(0, rank).map((at) => view.getInt32(at, true)),
    size: view.getInt32(88, true),
    role: ROLES[view.getInt32(92, true)],
    data: view.getUint32(100, true),
    grad: view.getUint32(104, true),
    m: view.getUint32(108, true),
    v: view.getUint32(112, true),
  };
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_result`
 */
export function readResult(memory, address) {
  const view = memory.view(address, 24);
  const [loss, auxiliaryLoss, gradNorm] = [0, 8, 16].map((at) => view.getFloat64(at, true));
  return { loss, auxiliaryLoss, gradNorm };
}

/**
 * @param {Views} memory
 * @param {number} address of an `hr_routing`
 * @returns {RawRouting}
 */
export function readRouting(memory, address) {
  const view = memory.view(address, 44);
  const [tokens, k, count] = [0, 4, 8].map((at) => view.getInt32(at, true));
  const [experts, weights, logits, counts] = [12, 16, 20, 24].map((at) => view.getUint32(at, true));
  return {
    experts: memory.integers(experts, tokens * k).slice(),
    weights: memory.floats(weights, tokens * k).slice(),
    logits: memory.floats(logits, tokens * count).slice(),
    counts: memory.integers(counts, count).slice(),
    entropy: view.getFloat64(32, true),
    dropped: memory.integers(view.getUint32(40, true), count).slice(),
  };
}
