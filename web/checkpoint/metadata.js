/** What the metadata of a file say of its model: their keys, how they are written, and how they are read and checked. */
import { isCustom } from '../custom-router.js';
import { CheckpointError, RouterError } from '../errors.js';
import { show } from '../message.js';
import { parseRun } from '../run.js';

/** @import { ConfigSchema, PlainConfig } from '../config.js' */
/** @import { ModelKind, TrainingRun } from '../types.js' */

export const CONFIG_KEY = 'hyperrouter.config';
const ROUTER_KEY = 'hyperrouter.router';
const STEP_KEY = 'hyperrouter.step';
const RUN_KEY = 'hyperrouter.run';
const TOP_K_KEY = 'hyperrouter.topK';
const SPARSITY_KEY = 'hyperrouter.sparsityWeight';
/** The scale of a regressor's targets. */
export const SCALE_KEY = 'hyperrouter.targets';

/** Keys that the format uses. */
export const RESERVED_METADATA = [
  'format',
  ...[CONFIG_KEY, ROUTER_KEY, STEP_KEY, RUN_KEY, TOP_K_KEY, SPARSITY_KEY, SCALE_KEY],
];

/** Keys of a model's own metadata: its vocabulary and its labels, as the command line, studies and the page write them. */
export const VOCABULARY_KEY = 'hyperrouter.vocabulary';
export const LABELS_KEY = 'hyperrouter.labels';

/** As HR_SPARSITY_MAX in src/hyperrouter.h. */
const LARGEST_SPARSITY_WEIGHT = 1e30;

/** In the configuration of a file, in the place of a custom router, whose name stands beside it. */
export const CUSTOM = 'custom';

/**
 * The metadata that say what model a file is of, and in which state.
 * @param {{ config: { router?: unknown, topK: number, sparsityWeight: number }, topK: number, sparsityWeight: number, step: number, run: TrainingRun | null }} model
 * @param {boolean} optimizer whether training can be resumed from the file
 * @param {Record<string, string>} more of its kind of model
 * @returns {Record<string, string>}
 */
export function modelMetadata({ config, topK, sparsityWeight, step, run }, optimizer, more) {
  const { router } = config;
  return {
    [CONFIG_KEY]: JSON.stringify(isCustom(router) ? { ...config, router: CUSTOM } : config),
    ...(isCustom(router) && { [ROUTER_KEY]: router.name }),
    ...(topK !== config.topK && { [TOP_K_KEY]: String(topK) }),
    ...(optimizer && { [STEP_KEY]: String(step) }),
    ...(optimizer && run && { [RUN_KEY]: JSON.stringify(run) }),
    ...more,
    ...(config.sparsityWeight > 0 && { [SPARSITY_KEY]: String(sparsityWeight) }),
  };
}

/**
 * The metadata of a file without those of the format.
 * @param {Record<string, string>} metadata
 */
export const ownMetadata = (metadata) =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !RESERVED_METADATA.includes(key)));

/**
 * The configuration of the model of a file.
 * @param {Record<string, string>} metadata
 * @param {ModelKind} kind
 * @param {ConfigSchema} schema
 * @param {unknown} router that the caller passes
 * @returns {PlainConfig | undefined} undefined if the file has none
 * @throws {CheckpointError | RouterError}
 */
export function readConfig({ [CONFIG_KEY]: json, [ROUTER_KEY]: name }, kind, schema, router) {
  if (json === undefined) return undefined;
  return readStored(CONFIG_KEY, () => {
    const config = JSON.parse(json);
    if (config?.router === CUSTOM) config.router = ownRouter(name, router);
    return schema.resolve(kind, config);
  });
}

/**
 * The state of a model as its file says it; what is undefined is as configured, or not in the file.
 * @typedef {object} StoredState
 * @property {number} step
 * @property {number | undefined} topK
 * @property {number | undefined} sparsityWeight
 * @property {TrainingRun | null} run
 * @property {string | undefined} scale of a regressor's targets, as JSON
 */

/**
 * @param {Record<string, string>} metadata
 * @param {PlainConfig} config of the model
 * @param {Record<string, unknown>} given configuration of the caller, which the state yields to
 * @returns {StoredState}
 * @throws {CheckpointError}
 */
export function readState(metadata, config, given) {
  const topK =
    given.topK === undefined ? readCount(metadata, TOP_K_KEY, 1, Number(config.experts)) : undefined;
  const step = readCount(metadata, STEP_KEY, 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const sparsityWeight = given.sparsityWeight === undefined ? readWeight(metadata) : undefined;
  const run = readRun(metadata, step, config);
  return { step, topK, sparsityWeight, run, scale: metadata[SCALE_KEY] };
}

/**
 * Reads what a file says, whose faults are the file's.
 * @template T
 * @param {string} key
 * @param {() => T} read
 * @returns {T}
 * @throws {CheckpointError | RouterError}
 */
export function readStored(key, read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof CheckpointError || error instanceof RouterError) throw error;
    const message = error instanceof SyntaxError ? 'it is not JSON' : /** @type {Error} */ (error).message;
    throw new CheckpointError(`${key} in the file is invalid: ${message}`, { cause: error });
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
 * @param {Record<string, string>} metadata
 * @param {string} key
 * @param {number} minimum
 * @param {number} maximum
 */
function readCount(metadata, key, minimum, maximum) {
  const text = metadata[key];
  if (text === undefined) return undefined;
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= minimum && count <= maximum)) {
    throw new CheckpointError(`${key} must be an integer from ${minimum} to ${maximum}, got ${show(text)}`);
  }
  return count;
}

/** @param {Record<string, string>} metadata */
function readWeight({ [SPARSITY_KEY]: text }) {
  if (text === undefined) return undefined;
  const weight = /^[\d.e+-]{1,40}$/.test(text) ? Number(text) : Number.NaN;
  if (!(weight >= 0 && weight <= LARGEST_SPARSITY_WEIGHT)) {
    throw new CheckpointError(
      `${SPARSITY_KEY} must be a number from 0 to ${LARGEST_SPARSITY_WEIGHT}, got ${show(text)}`,
    );
  }
  return weight;
}

/**
 * @param {Record<string, string>} metadata
 * @param {number} step
 * @param {PlainConfig} config
 */
function readRun({ [RUN_KEY]: json }, step, { experts, classes = 0 }) {
  if (json === undefined) return null;
  const sizes = { experts: Number(experts), classes: Number(classes) };
  return readStored(RUN_KEY, () => parseRun(json, step, sizes));
}
