/**
 * Checkpoints: safetensors files (8 bytes of header length, JSON header, aligned data), with the names and shapes of
 * the published PyTorch implementation.
 */
import { checkObject, fail, toBytes } from './check.js';
import { isCustom, routerName } from './custom-router.js';
import { CheckpointError, RouterError } from './errors.js';
import { fileKind } from './file-kinds.js';
import { isHalf, narrow, widen } from './half.js';
import { list, quote, show } from './message.js';
import { hasBest, parseRun } from './run.js';

/** @import { ConfigSchema, PlainConfig } from './config.js' */
/** @import { RawParameter } from './core.js' */
/** @import { SavedMemory } from './language-model.js' */
/** @import { Bytes, Floats, ModelKind, TrainingRun } from './types.js' */

/** As in the reference implementation: a longer header is corrupt or an attack. */
const MAX_HEADER_BYTES = 100_000_000;

/** The dtypes of safetensors. All but BOOL contain their number of bits. */
const DTYPE = /^(BOOL|[IU](8|16|32|64)|F(16|32|64)|BF16|F8_E4M3|F8_E5M2)$/;

/** Keys of the metadata that the format uses. */
export const RESERVED_METADATA = [
  'format',
  'hyperrouter.config',
  'hyperrouter.router',
  'hyperrouter.step',
  'hyperrouter.run',
  'hyperrouter.topK',
  'hyperrouter.sparsityWeight',
  'hyperrouter.targets',
];

/** Keys of a model's own metadata: its vocabulary and its labels, as the command line, studies and the page write them. */
export const VOCABULARY_KEY = 'hyperrouter.vocabulary';
export const LABELS_KEY = 'hyperrouter.labels';

/** Redundant tensors in files of the published code. */
const IGNORED = [/^crit\.out_layers\.0\.weight$/, /^pos_emb\.inv_freq$/];
/** Placeholder that the published HyperRouterGate overwrites at each step, beside its hypernetwork. */
const PLACEHOLDER = /^(layers\.\d+\.pos_ff\.gate)\.gate\.(weight|bias)$/;
/** As HR_SPARSITY_MAX in src/hyperrouter.h. */
const LARGEST_SPARSITY_WEIGHT = 1e30;
/** Of no effect in a model that is opened without `balanceRate`. */
const BIAS = /^layers\.\d+\.pos_ff\.gate\.e_score_correction_bias$/;
const OPTIMIZER = /^optimizer\.[mv]\./;
const BEST = /^best\./;
const MEMORY = /^state\.memory\.\d+$/;

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {string} dtype
 * @property {number[]} shape
 * @property {Uint8Array} bytes
 */

/** Sizes of a configuration that no tensor has. */
export const FREE_SIZES = ['batchSize', 'contextLength', 'memoryLength'];
/** A model takes this memory whatever its file is like, and this many times the file: far more than models in use. */
const FREE_BYTES = 2 ** 30;
const MEMORY_FACTOR = 10_000;
/** As in src/model.c. */
const ENGINE_BYTES = 2 ** 32;

/** In the configuration of a file, in the place of a custom router, whose name stands beside it. */
const CUSTOM = 'custom';

/**
 * The metadata that say what model a file is of.
 * @param {{ router?: unknown }} config
 * @returns {Record<string, string>}
 */
export function configMetadata(config) {
  const { router } = config;
  if (!isCustom(router)) return { 'hyperrouter.config': JSON.stringify(config) };
  return {
    'hyperrouter.config': JSON.stringify({ ...config, router: CUSTOM }),
    'hyperrouter.router': router.name,
  };
}

/**
 * Writes a safetensors file.
 * @param {{ name: string, shape: number[], data: Float32Array }[]} tensors
 * @param {Record<string, string>} metadata
 * @param {string} dtype F32, F16 or BF16
 * @returns {Bytes}
 */
export function encodeCheckpoint(tensors, metadata, dtype) {
  /** @type {Record<string, unknown>} */
  const header = { __metadata__: { format: 'pt', ...metadata } };
  const size = isHalf(dtype) ? 2 : 4;
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const begin = end;
    end += data.length * size;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  // The header is padded with spaces so that the data begins at a multiple of 8.
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors) {
    const { buffer, byteOffset, byteLength } = isHalf(dtype) ? narrow(data, dtype) : data;
    file.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file. The tensors are views of it.
 * @param {Uint8Array} file
 * @returns {{ tensors: Map<string, Tensor>, metadata: Record<string, string> }}
 * @throws {CheckpointError}
 */
export function decodeCheckpoint(file) {
  if (file.length < 8) {
    throw new CheckpointError(`the file has ${file.length} bytes: too short for a safetensors file`);
  }
  const headerBytes = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > file.length - 8) {
    refuseOther(file);
    throw new CheckpointError(
      `the header should have ${headerBytes} bytes, but only ${file.length - 8} follow its length ` +
        `(and a header may have ${MAX_HEADER_BYTES}): it is truncated or not a safetensors file`,
    );
  }
  const dataAt = 8 + Number(headerBytes);
  const header = parseHeader(file, file.subarray(8, dataAt));
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new CheckpointError('the header is invalid: __metadata__ must be an object of strings');
  }
  const data = file.subarray(dataAt);
  const tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, readEntry(name, entry, data));
  checkCoverage([...tensors.values()], data);
  return { tensors, metadata: /** @type {Record<string, string>} */ (metadata) };
}

/** @param {Uint8Array} file */
function refuseOther(file) {
  // A brace where the header begins: a safetensors file with a wrong length.
  const kind = file[8] === 0x7b ? undefined : fileKind(file);
  if (kind) throw new CheckpointError(`the file is not a safetensors file; it is ${kind}`);
}

/**
 * @param {Uint8Array} file
 * @param {Uint8Array} bytes of its header
 */
function parseHeader(file, bytes) {
  let header;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    refuseOther(file);
    throw new CheckpointError('the header is not JSON: it is damaged, or this is not a safetensors file', {
      cause,
    });
  }
  if (!isObject(header)) throw new CheckpointError(`the header must be a JSON object, got ${show(header)}`);
  return header;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @param {unknown} value @returns {value is number[]} */
function isCounts(value) {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * @param {string} name
 * @param {unknown} entry
 * @param {Uint8Array} data
 * @returns {Tensor}
 */
function readEntry(name, entry, data) {
  const tensor = `tensor ${quote(name)}`;
  if (!isObject(entry))
    throw new CheckpointError(`${tensor} must be described by an object, got ${show(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !DTYPE.test(dtype)) {
    throw new CheckpointError(`${tensor} has the unknown dtype ${show(dtype)}`);
  }
  if (!isCounts(shape)) throw new CheckpointError(`${tensor} must have a shape of non-negative integers`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new CheckpointError(`${tensor} must have two non-negative data_offsets`);
  }
  const [begin, end] = offsets;
  if (begin > end || end > data.length) {
    throw new CheckpointError(
      `${tensor} should lie at bytes ${begin} to ${end}, but the file holds ${data.length} bytes of data`,
    );
  }
  const size = Number(/\d+/.exec(dtype) ?? 8) / 8;
  const bytes = shape.reduce((product, length) => product * length, size);
  if (bytes !== end - begin) {
    throw new CheckpointError(
      `${tensor} of shape ${list(shape)} and dtype ${dtype} needs ${bytes} bytes, its offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, bytes: data.subarray(begin, end) };
}

/**
 * Each byte of the data must belong to exactly one tensor.
 * @param {Tensor[]} tensors
 * @param {Uint8Array} data
 */
function checkCoverage(tensors, data) {
  let end = 0;
  const sorted = tensors.sort(
    (a, b) => a.bytes.byteOffset - b.bytes.byteOffset || a.bytes.length - b.bytes.length,
  );
  for (const { name, bytes } of sorted) {
    const begin = bytes.byteOffset - data.byteOffset;
    if (begin !== end) {
      const what = begin < end ? 'overlaps another tensor' : `leaves a gap of ${begin - end} bytes before it`;
      throw new CheckpointError(`tensor ${quote(name)} ${what}`);
    }
    end = begin + bytes.length;
  }
  if (end !== data.length) {
    throw new CheckpointError(`the file holds ${data.length} bytes of data, its tensors need ${end}`);
  }
}

/**
 * Opens a file and checks everything that can be checked without the model.
 * @param {unknown} file
 * @param {Record<string, unknown>} given configuration of the caller
 * @param {ConfigSchema} schema
 * @returns {Checkpoint}
 */
export function openCheckpoint(file, given, schema) {
  const bytes = toBytes('bytes', file);
  checkObject('config', given);
  const { tensors, metadata } = decodeCheckpoint(bytes);
  const {
    'hyperrouter.config': json,
    'hyperrouter.router': router,
    'hyperrouter.step': step,
    'hyperrouter.run': run,
    'hyperrouter.topK': topK,
    'hyperrouter.sparsityWeight': sparsityWeight,
    format,
    ...rest
  } = metadata;
  /** @type {ModelKind} */
  const kind = kindOf(tensors, json, given);
  schema.checkKeys(kind, given);
  const stored =
    json === undefined ? undefined : parseConfig(json, kind, schema, { router, given: given.router });
  if (!stored && Object.keys(given).length === 0) {
    throw new CheckpointError(
      'the file has no hyperrouter.config in its metadata: pass the config of the model',
    );
  }
  if (stored) {
    for (const key of schema.shapeKeys(kind)) {
      if (given[key] !== undefined && given[key] !== stored[key]) {
        fail(
          `config.${key} is ${labelOf(stored[key])} in the file and sets the shape of its tensors; got ${labelOf(given[key])}`,
        );
      }
    }
  }
  const overrides = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const config = schema.resolve(kind, { ...stored, ...overrides });
  const current =
    overrides.topK === undefined ? readCount('hyperrouter.topK', topK, 1, Number(config.experts)) : undefined;
  const steps = readCount('hyperrouter.step', step, 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const weight =
    overrides.sparsityWeight === undefined
      ? readWeight('hyperrouter.sparsityWeight', sparsityWeight)
      : undefined;
  const checkpoint = new Checkpoint(
    tensors,
    kind,
    config,
    {
      step: steps,
      topK: current,
      sparsityWeight: weight,
      run: run === undefined ? null : readRun(run, steps, config),
    },
    rest,
  );
  // Before memory is allocated for tensors that the file may not contain.
  const parameters = schema.parameters(kind, config);
  for (const { tensor } of checkpoint.match(parameters)) checkNumbers(tensor, floatsOf(tensor));
  const free = FREE_SIZES.filter((key) => stored && key in stored && !(key in overrides));
  checkProportion(bytes, config, schema.memory(kind, config), free);
  checkpoint.best(parameters.filter(({ role }) => role !== 'frozen'));
  if (kind === 'language') checkpoint.memory(Number(config.layers), Number(config.dModel));
  return checkpoint;
}

/**
 * Refuses a small file that asks for a large memory, unless the caller has given the sizes.
 * @param {Uint8Array} file
 * @param {PlainConfig} config of the model
 * @param {number} needed bytes of the model
 * @param {string[]} sizes keys that come from the file, and that its tensors need not agree with
 */
export function checkProportion(file, config, needed, sizes) {
  // What no engine has is refused when the model is created.
  if (sizes.length === 0 || needed >= ENGINE_BYTES) return;
  if (needed <= FREE_BYTES + MEMORY_FACTOR * file.length) return;
  throw new CheckpointError(
    `the file has only ${file.length} bytes, but its model would take ${needed} bytes of memory with ` +
      `${sizes.map((key) => `${key} ${config[key]}`).join(', ')}; pass your own`,
  );
}

/**
 * @param {Map<string, Tensor>} tensors
 * @param {string | undefined} json configuration of the file
 * @param {Record<string, unknown>} given configuration of the caller
 * @returns {ModelKind}
 */
function kindOf(tensors, json, given) {
  if (tensors.has('project_head.0.weight')) return 'text-classifier';
  if (!tensors.has('input.weight')) return 'language';
  // Both have the same tensors; what is no JSON is refused later.
  const regresses = json === undefined ? given.outputs !== undefined : /"outputs"\s*:/.test(json);
  return regresses ? 'regressor' : 'classifier';
}

/** A value of a configuration in messages. @param {unknown} value */
const labelOf = (value) =>
  isCustom(value) ? `a router of its own, ${show(routerName(value))}` : show(value);

/**
 * @param {string} json
 * @param {ModelKind} kind
 * @param {ConfigSchema} schema
 * @param {{ router: string | undefined, given: unknown }} routers name of the file's own one; the caller's
 */
function parseConfig(json, kind, schema, { router, given }) {
  return checkStored(() => {
    const config = JSON.parse(json);
    if (isObject(config) && config.router === CUSTOM) config.router = ownRouter(router, given);
    return schema.resolve(kind, config);
  });
}

/**
 * Reads the configuration of a file, whose faults are the file's.
 * @template T
 * @param {() => T} read
 * @returns {T}
 * @throws {CheckpointError | RouterError}
 */
export function checkStored(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof RouterError) throw error;
    const message = error instanceof SyntaxError ? 'it is not JSON' : /** @type {Error} */ (error).message;
    throw new CheckpointError(`hyperrouter.config in the file is invalid: ${message}`, { cause: error });
  }
}

/**
 * The router of a file that was saved with one of the caller's own.
 * @param {string | undefined} name
 * @param {unknown} given
 */
function ownRouter(name, given) {
  if (!isCustom(given)) {
    throw new CheckpointError(
      `the router of the file is one of its author's own, ${show(name)}: pass that router as config.router` +
        (given === undefined ? '' : `, not ${show(given)}`),
    );
  }
  if (given.name !== name) {
    throw new CheckpointError(
      `the router of the file is ${show(name)}, config.router is ${show(given.name)}`,
    );
  }
  return given;
}

/**
 * @param {string} key
 * @param {string | undefined} text
 * @param {number} minimum
 * @param {number} maximum
 */
function readCount(key, text, minimum, maximum) {
  if (text === undefined) return undefined;
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= minimum && count <= maximum)) {
    throw new CheckpointError(`${key} must be an integer from ${minimum} to ${maximum}, got ${show(text)}`);
  }
  return count;
}

/**
 * @param {string} key
 * @param {string | undefined} text
 */
function readWeight(key, text) {
  if (text === undefined) return undefined;
  const weight = /^[\d.e+-]{1,40}$/.test(text) ? Number(text) : Number.NaN;
  if (!(weight >= 0 && weight <= LARGEST_SPARSITY_WEIGHT)) {
    throw new CheckpointError(
      `${key} must be a number from 0 to ${LARGEST_SPARSITY_WEIGHT}, got ${show(text)}`,
    );
  }
  return weight;
}

/**
 * @param {string} json
 * @param {number} step
 * @param {PlainConfig} config
 */
function readRun(json, step, { experts, classes = 0 }) {
  try {
    return parseRun(json, step, { experts: Number(experts), classes: Number(classes) });
  } catch (error) {
    const message = error instanceof SyntaxError ? 'it is not JSON' : /** @type {Error} */ (error).message;
    throw new CheckpointError(`hyperrouter.run in the file is invalid: ${message}`, { cause: error });
  }
}

/**
 * What is no number in a file would only be noticed later, as a loss that is none.
 * @param {Tensor} tensor
 * @param {Float32Array} numbers
 */
function checkNumbers({ name }, numbers) {
  // Adam takes the root of the second moments.
  const least = name.startsWith('optimizer.v.') ? 0 : Number.NEGATIVE_INFINITY;
  const bad = numbers.findIndex((value) => !(Number.isFinite(value) && value >= least));
  if (bad < 0) return;
  const what = least === 0 ? 'finite numbers of at least 0' : 'finite numbers';
  throw new CheckpointError(`tensor ${quote(name)} must have ${what}, got ${numbers[bad]} at index ${bad}`);
}

/** An opened file. */
export class Checkpoint {
  #tensors;

  /**
   * @param {Map<string, Tensor>} tensors
   * @param {ModelKind} kind
   * @param {PlainConfig} config
   * @param {{ step: number, topK: number | undefined, sparsityWeight: number | undefined, run: TrainingRun | null }} state
   *   of now; undefined: as configured
   * @param {Record<string, string>} metadata without the keys of the format
   */
  constructor(tensors, kind, config, { step, topK, sparsityWeight, run }, metadata) {
    this.#tensors = tensors;
    this.kind = kind;
    this.config = config;
    this.step = step;
    this.topK = topK;
    this.sparsityWeight = sparsityWeight;
    this.run = run;
    this.metadata = metadata;
  }

  /**
   * Finds the tensor of each parameter, and its moments if the file has any. State that the file does not have stays as
   * it begins.
   * @param {RawParameter[]} parameters of the model, or of one that would be created
   * @returns {{ to: number, tensor: Tensor }[]} addresses and what to write there
   * @throws {CheckpointError} if a tensor is missing, unknown, or of another shape or dtype
   */
  match(parameters) {
    const writes = [];
    const known = new Set();
    const withMoments = [...this.#tensors.keys()].some((name) => OPTIMIZER.test(name));
    for (const { name, shape, data, m, v, role } of parameters) {
      /** @type {[string, number][]} */
      const wanted = role === 'state' && !this.#tensors.has(name) ? [] : [[name, data]];
      if (withMoments && role === 'trained')
        wanted.push([`optimizer.m.${name}`, m], [`optimizer.v.${name}`, v]);
      for (const [tensor, to] of wanted) {
        writes.push({ to, tensor: this.#find(tensor, shape, tensor === name) });
        known.add(tensor);
      }
    }
    for (const name of this.#tensors.keys()) {
      const ignored =
        MEMORY.test(name) ||
        (hasBest(this.run) && BEST.test(name)) ||
        IGNORED.some((pattern) => pattern.test(name)) ||
        BIAS.test(name) ||
        known.has(name.replace(PLACEHOLDER, '$1.hypernet.0.weight'));
      if (!known.has(name) && !ignored) {
        throw new CheckpointError(`tensor ${quote(name)} is not a parameter of this model`);
      }
    }
    return writes;
  }

  /**
   * The kept state of a run with patience.
   * @param {RawParameter[]} parameters that training changes
   * @returns {Floats[] | undefined} their elements
   */
  best(parameters) {
    if (!hasBest(this.run)) return undefined;
    const names = new Set(parameters.map(({ name }) => `best.${name}`));
    const unknown = [...this.#tensors.keys()].find((name) => BEST.test(name) && !names.has(name));
    if (unknown !== undefined)
      throw new CheckpointError(
        `tensor ${quote(unknown)} is not the best state of a parameter of this model`,
      );
    return parameters.map(({ name, shape }) => {
      const tensor = this.#find(`best.${name}`, shape);
      const numbers = floatsOf(tensor);
      checkNumbers(tensor, numbers);
      return numbers;
    });
  }

  /**
   * The saved Transformer-XL memory.
   * @param {number} layers
   * @param {number} dModel
   * @returns {SavedMemory | undefined}
   */
  memory(layers, dModel) {
    const first = this.#tensors.get('state.memory.0');
    if (!first) return undefined;
    const [batch, length] = first.shape;
    if (first.shape.length !== 3 || batch === 0 || length === 0) {
      throw new CheckpointError(
        `tensor "state.memory.0" must have the shape [streams, tokens, ${dModel}], got ${list(first.shape)}`,
      );
    }
    const rows = Array.from({ length: layers }, (_, layer) => {
      const tensor = this.#find(`state.memory.${layer}`, [batch, length, dModel]);
      const numbers = floatsOf(tensor);
      checkNumbers(tensor, numbers);
      return numbers;
    });
    return { batch, length, layers: rows };
  }

  /**
   * @param {string} name
   * @param {number[]} shape
   * @param {boolean} [half] whether its numbers may have 16 bits
   */
  #find(name, shape, half = false) {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new CheckpointError(`tensor ${quote(name)} is missing`);
    if (tensor.dtype !== 'F32' && !(half && isHalf(tensor.dtype))) {
      const may = half ? 'F32, F16 or BF16' : 'F32';
      throw new CheckpointError(`tensor ${quote(name)} must have dtype ${may}, got ${tensor.dtype}`);
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((length, i) => length !== shape[i])) {
      throw new CheckpointError(
        `tensor ${quote(name)} must have the shape ${list(shape)}, got ${list(tensor.shape)}`,
      );
    }
    return tensor;
  }
}

/**
 * A copy of the elements of a tensor: in a file a tensor may begin at any byte, a typed array must be aligned.
 * @param {Tensor} tensor
 * @returns {Floats}
 */
export function floatsOf({ bytes, dtype }) {
  return isHalf(dtype) ? widen(bytes, dtype) : new Float32Array(new Uint8Array(bytes).buffer);
}
