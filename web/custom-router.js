/**
 * Routers of the caller's own: a program that makes R and b of each layer from tensors that it declares. The engine
 * trains, clips and saves the tensors; the program says what R and b are, and carries their gradient on.
 */
import { checkKeys, checkName, checkNumber, fail, isUrl, refuse } from './check.js';
import { RouterError } from './errors.js';
import { list, quote, thrownText } from './message.js';

/** @import { Core, RawParameter } from './core.js' */
/** @import { CustomRouter, RouterSizes, RouterTensor, RouterTensors } from './types.js' */

/** Initial values by name: mean and standard deviation of a normal distribution. */
const INITIAL = { normal: [0, 0.02], zeros: [0, 0], ones: [1, 0] };

/** As HR_ROUTER_TENSORS_MAX and HR_ROUTER_TENSOR_SIZE_MAX in src/hyperrouter.h. */
export const MOST_TENSORS = 32;
const LARGEST_TENSOR = 2 ** 28;
const LONGEST_NAME = 100;

const KEYS = ['name', 'parameters', 'generate', 'backward'];
const TENSOR_NAME = /^[a-z_][\w.]{0,46}$/i;
const TENSOR_KEYS = ['name', 'shape', 'init', 'std', 'trainable'];

/**
 * A tensor as the engine takes it.
 * @typedef {{ name: string, shape: number[], trained: boolean, mean: number, deviation: number }} DeclaredTensor
 */

/**
 * @param {unknown} value of `config.router`
 * @returns {value is CustomRouter} whether it is no name; `checkRouter` says whether it can be used
 */
export const isCustom = (value) => typeof value === 'object' && value !== null;

/**
 * Whether a tensor belongs to the model: R and b of a custom router are made of others.
 * @param {{ role: string }} parameter
 */
export const isOwn = ({ role }) => role !== 'external';

/** A name for messages and files. @param {unknown} router of a configuration */
export const routerName = (router) => (isCustom(router) ? router.name : router);

/**
 * @param {unknown} value an object
 * @returns {CustomRouter}
 * @throws {TypeError | RangeError} naming the property
 */
export function checkRouter(value) {
  if (isUrl(value)) {
    const url = 'the router itself: only an engine in a worker loads a module';
    return refuse('config.router', url, value, TypeError);
  }
  const router = checkKeys('config.router', 'a router', value, KEYS);
  const { name, parameters, generate, backward } = router;
  if (typeof name !== 'string') refuse('config.router.name', 'a string', name, TypeError);
  const { length } = /** @type {string} */ (name);
  if (length === 0 || length > LONGEST_NAME || /\p{Cc}/u.test(/** @type {string} */ (name)))
    refuse('config.router.name', `1 to ${LONGEST_NAME} characters without control characters`, name);
  if (typeof generate !== 'function') refuse('config.router.generate', 'a function', generate, TypeError);
  for (const [key, method] of Object.entries({ parameters, backward })) {
    if (method !== undefined && typeof method !== 'function')
      refuse(`config.router.${key}`, 'a function, or absent', method, TypeError);
  }
  return /** @type {CustomRouter} */ (value);
}

/**
 * The tensors that a router has in each layer.
 * @param {CustomRouter} router checked
 * @param {{ experts: number, dModel: number }} sizes
 * @returns {DeclaredTensor[]}
 * @throws {TypeError | RangeError} naming the property
 * @throws {RouterError} `parameters` threw
 */
export function declareTensors(router, { experts, dModel }) {
  const declared = router.parameters
    ? attempt(router, 'parameters', () => router.parameters?.({ experts, dModel }))
    : [];
  const where = 'config.router.parameters()';
  if (!Array.isArray(declared)) return refuse(where, 'an array', declared, TypeError);
  if (declared.length > MOST_TENSORS)
    throw new RangeError(`${where} must give at most ${MOST_TENSORS} tensors, got ${declared.length}`);
  const tensors = Array.from(declared, (tensor, index) => declareTensor(`${where}[${index}]`, tensor));
  if (tensors.some(({ trained }) => trained) && !router.backward) {
    throw new TypeError(
      'config.router.backward must be a function, since parameters() declares tensors to train; a tensor with ' +
        'trainable: false needs none',
    );
  }
  return tensors;
}

/**
 * @param {string} where
 * @param {unknown} value
 * @returns {DeclaredTensor}
 */
function declareTensor(where, value) {
  const tensor = /** @type {RouterTensor} */ (checkKeys(where, 'a tensor', value, TENSOR_KEYS));
  const { name, shape, init = 'normal', std, trainable = true } = tensor;
  if (typeof name !== 'string') return refuse(`${where}.name`, 'a string', name, TypeError);
  if (!TENSOR_NAME.test(name)) refuse(`${where}.name`, 'up to 47 letters, digits, "_" and "."', name);
  const sizes = 'an array of one to three integers of at least 1';
  if (!Array.isArray(shape)) return refuse(`${where}.shape`, sizes, shape, TypeError);
  const elements = shape.reduce((product, size) => product * size, 1);
  if (shape.length < 1 || shape.length > 3 || !shape.every((size) => Number.isInteger(size) && size >= 1))
    fail(`${where}.shape must be ${sizes}, got ${list(shape)}`);
  if (elements > LARGEST_TENSOR)
    throw new RangeError(`${where}.shape must have at most ${LARGEST_TENSOR} elements, got ${elements}`);
  if (typeof trainable !== 'boolean') refuse(`${where}.trainable`, 'true or false', trainable, TypeError);
  checkName(`${where}.init`, init, Object.keys(INITIAL));
  if (std !== undefined) checkNumber(`${where}.std`, std, 0);
  if (std !== undefined && init !== 'normal')
    fail(`${where}.std must be left out if init is "${init}"`, TypeError);
  const [mean, usual] = INITIAL[init];
  return { name, shape, trained: trainable, mean, deviation: std ?? usual };
}

/**
 * @template T
 * @param {CustomRouter} router
 * @param {string} what it is asked to do
 * @param {() => T} call
 * @returns {T}
 */
function attempt(router, what, call) {
  try {
    return call();
  } catch (cause) {
    throw new RouterError(`router ${quote(router.name)}: ${what} threw: ${thrownText(cause)}`, { cause });
  }
}

/**
 * What one layer has of the router's in the engine's memory.
 * @typedef {{ tensors: Map<string, RawParameter>, weight: RawParameter, bias: RawParameter }} Layer
 */

/** Runs the program for one model. */
export class RouterProgram {
  #router;
  #core;
  #alive;
  /** @type {RouterSizes} */
  #sizes;
  /** @type {Layer[]} */
  #layers;
  #running = false;
  #stale = true;

  /**
   * @param {CustomRouter} router checked
   * @param {readonly string[]} names of the tensors that the router declares in each layer
   * @param {{ core: Core, readonly address: number, config: any }} model whose address throws if it was disposed
   */
  constructor(router, names, model) {
    const { core, address, config } = model;
    const { layers, experts, dModel } = config;
    this.#router = router;
    this.#core = core;
    this.#alive = () => model.address;
    this.#sizes = { experts, dModel, layer: 0 };
    const entries = new Map(core.parameters(address).map((entry) => [entry.name, entry]));
    this.#layers = Array.from({ length: layers }, (_, layer) => {
      const of = (/** @type {string} */ name) =>
        /** @type {RawParameter} */ (entries.get(`layers.${layer}.pos_ff.gate.${name}`));
      return {
        tensors: new Map(names.map((name) => [name, of(name)])),
        weight: of('generated.weight'),
        bias: of('generated.bias'),
      };
    });
  }

  /** Says that parameters have changed: R and b are generated again before they are used. */
  invalidate() {
    this.#stale = true;
  }

  /** Generates R and b, unless they are those of the parameters of now. */
  refresh() {
    if (this.#running) this.#fail('called the model that it is the router of');
    if (!this.#stale) return;
    const generated = this.#layers.map(({ tensors, weight, bias }, layer) => {
      const out = { weight: new Float32Array(weight.size), bias: new Float32Array(bias.size) };
      const given = { ...out };
      this.#run('generate', layer, this.#copies(tensors), out);
      this.#check('generate', layer, 'weight', given.weight, out.weight, weight.size);
      this.#check('generate', layer, 'bias', given.bias, out.bias, bias.size);
      return out;
    });
    this.#alive();
    this.#layers.forEach(({ weight, bias }, layer) => {
      this.#core.floats(weight.data, weight.size).set(generated[layer].weight);
      this.#core.floats(bias.data, bias.size).set(generated[layer].bias);
    });
    this.#stale = false;
  }

  /** Carries the gradient of R and b on to the tensors that they were made of. */
  backward() {
    if (!this.#router.backward) return;
    for (const [layer, { tensors, weight, bias }] of this.#layers.entries()) {
      const trained = [...tensors].filter(([, { role }]) => role === 'trained');
      const grads = Object.fromEntries(trained.map(([name, { size }]) => [name, new Float32Array(size)]));
      const given = { ...grads };
      const above = {
        weightGrad: this.#core.floats(weight.grad, weight.size).slice(),
        biasGrad: this.#core.floats(bias.grad, bias.size).slice(),
      };
      this.#run('backward', layer, this.#copies(tensors), above, grads);
      for (const [name, { size }] of trained)
        this.#check('backward', layer, `grads.${name}`, given[name], grads[name], size);
      this.#alive();
      for (const [name, { grad, size }] of trained) this.#core.floats(grad, size).set(grads[name]);
    }
  }

  /** @param {Map<string, RawParameter>} tensors @returns {RouterTensors} */
  #copies(tensors) {
    return Object.fromEntries(
      [...tensors].map(([name, { data, size }]) => [name, this.#core.floats(data, size).slice()]),
    );
  }

  /**
   * @param {'generate' | 'backward'} what
   * @param {number} layer
   * @param {...any} args
   */
  #run(what, layer, ...args) {
    const method = /** @type {(...args: any[]) => unknown} */ (this.#router[what]);
    const where = `${what} of layer ${layer}`;
    this.#running = true;
    let result;
    try {
      result = attempt(this.#router, where, () =>
        method.call(this.#router, ...args, { ...this.#sizes, layer }),
      );
    } finally {
      this.#running = false;
    }
    // What an arrow function happens to return, such as one of the arrays, is harmless.
    const isNew = typeof result === 'object' && result !== null && !ArrayBuffer.isView(result);
    const asynchronous = isNew && typeof (/** @type {any} */ (result).then) === 'function';
    if (asynchronous) this.#fail(`${where} must not be asynchronous`);
    if (isNew) this.#fail(`${where} must fill the arrays that it is given, and return nothing`);
  }

  /**
   * @param {string} what
   * @param {number} layer
   * @param {string} name of the array
   * @param {Float32Array} given
   * @param {Float32Array} found after the program ran
   * @param {number} size
   */
  #check(what, layer, name, given, found, size) {
    const where = `${what} of layer ${layer}`;
    if (found !== given) this.#fail(`${where} must fill ${name}, not put another array in its place`);
    if (found.length !== size) this.#fail(`${where} must fill ${name}, not transfer it`);
    const wrong = found.findIndex((number) => !Number.isFinite(number));
    if (wrong >= 0) this.#fail(`${where} wrote ${found[wrong]} to ${name}[${wrong}] of ${found.length}`);
  }

  /** @param {string} what went wrong @returns {never} */
  #fail(what) {
    throw new RouterError(`router ${quote(this.#router.name)}: ${what}`);
  }
}
