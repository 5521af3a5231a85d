import {
  CheckpointError,
  DisposedError,
  DivergedError,
  EngineError,
  OutOfMemoryError,
} from 'hyperrouter-wasm';

/**
 * The trainer protocol between the page and the worker that trains. The page sends requests with ids; the worker answers
 * each with any number of parts and then one result or one error, all with the id of the request.
 *
 * @typedef {import('../schema.js').EngineField} EngineField
 * @typedef {import('../schema.js').Router} Router
 *
 * @typedef {Record<string, string | number | boolean>} ModelConfig
 *
 * @typedef {'text' | 'plane' | 'curve'} TaskName text: a language model; plane: a classifier; curve: a regressor
 * @typedef {{ bytes: Uint8Array }} TextData UTF-8
 *
 * @typedef {object} PlaneData
 * @property {number} classes
 * @property {import('../plane/data.js').Vectors} train [N, 2]
 * @property {import('../plane/data.js').Vectors} heldOut [H, 2]
 * @property {number} batch points per training step
 * @property {number} seed of the order of the training points
 *
 * @typedef {{ inputs: Float32Array, targets: Float32Array }} Pairs [N] each: x and y of points
 *
 * @typedef {{ train: Pairs, heldOut: Pairs, batch: number, seed: number }} CurveData as `PlaneData`
 *
 * @typedef {{ train: number, heldOut: number, stepsPerPass: number }} PlaneSummary numbers of points
 *
 * @typedef {object} TextSummary
 * @property {import('../text/vocabulary.js').VocabularyJSON} vocabulary of the model
 * @property {import('../text/vocabulary.js').Unknown | null} unknown what it lacks of the text
 * @property {number} trainBytes
 * @property {number} heldOutBytes
 * @property {number} stepsPerPass steps per pass over the text
 * @property {Int32Array} probe [N] the passage whose routing is shown, from the start of the held-out part
 * @property {Uint8Array} probeClasses [N] ids of the package's `characterClassNames`
 * @property {Int32Array} sample [S] more of the held-out text, to measure specialisation
 * @property {Uint8Array} sampleClasses [S]
 * @property {UntrainedSample | null} untrained of a model that was trained before: the experts of an untrained one with
 *   its settings; null: the first moment of the run is untrained, or there was no memory for two models
 * @property {boolean} beganUntrained whether the first moment of the run is untrained
 *
 * @typedef {{ topK: number, experts: Int16Array }} UntrainedSample experts: [layers, S, K]
 *
 * @typedef {object} Summary a description of the worker's model
 * @property {ModelConfig} config
 * @property {number} topK current k; `config` has the initial one
 * @property {number} step
 * @property {number} parameterCount
 * @property {number} trainableParameterCount
 * @property {object} data description of the data, by task: `TextSummary`, `PlaneSummary`, also of a curve
 *
 * @typedef {object} MeasuresEntry routing metrics of the probe
 * @property {number} step
 * @property {import('hyperrouter-wasm').LayerMeasures[]} layers those with a router
 *
 * @typedef {object} Moment a snapshot of the routing of the probe, to go back to. The steps are the same in every run, with
 *   growing intervals
 * @property {number} step
 * @property {object} shape of the routing in `buffer`
 * @property {ArrayBuffer} buffer
 * @property {Record<string, Float32Array>[]} routers by layer, the learned tensors of its router by name, from `gate.`
 *   on; empty if there are none
 *
 * @typedef {object} Frame the news since the last frame
 * @property {number} step
 * @property {Float32Array} losses one per step, up to `step`
 * @property {{ step: number, loss: number }[]} heldOut
 * @property {MeasuresEntry[]} measures
 * @property {Moment[]} moments
 * @property {number} perSecond examples (tokens, points) per second of training
 * @property {object | null} shape of the routing in `buffer`, by task; null if nothing changed
 * @property {ArrayBuffer | null} buffer
 *
 * @typedef {object} Tensor
 * @property {string} name as in a checkpoint, from `gate.` on
 * @property {number[]} shape
 * @property {boolean} trainable
 * @property {Float32Array} data
 * @property {Float32Array | null} grad of the last step; null for frozen tensors
 *
 * @typedef {object} Written a part of a generated text
 * @property {Int32Array} tokens
 * @property {import('../text/frame.js').FrameShape} shape
 * @property {ArrayBuffer} buffer their routing
 *
 * @typedef {object} Requests
 * @property {{ threads?: number }} open threads: 1 by default
 * @property {{ task: TaskName, config: ModelConfig, learningRate: number, data: object | null, start?: Uint8Array }} build
 *   data: by task, `TextData`, `PlaneData` or `CurveData`; null: the data of the previous model; start: a checkpoint whose
 *   parameters the model begins with, instead of random ones
 * @property {{ step: number }} runTo
 * @property {{}} pause
 * @property {{ topK?: number, learningRate?: number, pace?: number }} tune
 *   pace: maximum steps per second; 0: no limit
 * @property {{ recycle: ArrayBuffer | null, whole: boolean }} frame
 *   recycle: the buffer of an earlier frame; whole: send the routing even if nothing changed
 * @property {{ prompt: Uint8Array, maxTokens: number, temperature: number, topP: number, seed: number }} generate
 * @property {{}} measure
 * @property {{ id: number }} cancel the request to cancel
 * @property {{ optimizer: boolean }} save
 * @property {{ layer: number }} inspect layer: counted from 0
 * @property {{ task: TaskName, bytes: Uint8Array, learningRate: number, data: object | null, missing?: object }} restore
 *   missing: what the file does not contain, by task
 * @property {{}} rewind
 *
 * @typedef {object} Results
 * @property {{ info: { variant: string, threads: number, threadsReason: string, version: string }, fields: Record<'language' | 'classifier', EngineField[]>, routers: Router[] }} open
 * @property {Summary} build
 * @property {{ step: number, reason: 'reached' | 'paused' }} runTo
 * @property {{ step: number }} pause
 * @property {{ step: number }} tune the last step with the previous settings
 * @property {Frame} frame
 * @property {{ reason: 'done' | 'cancelled' }} generate
 * @property {{ reason: 'done' | 'cancelled' }} measure
 * @property {{}} cancel
 * @property {{ bytes: Uint8Array }} save
 * @property {{ step: number, router: string, tensors: Tensor[] }} inspect
 * @property {Summary} restore
 * @property {Summary} rewind
 *
 * @typedef {object} Parts
 * @property {Written} generate
 * @property {{ topK: number, loss: number }} measure
 *
 * @typedef {keyof Requests} RequestType
 *
 * @typedef {{ [T in RequestType]: { id: number, type: T, body: Requests[T] } }[RequestType]} Request
 *
 * @typedef {{ name: string, message: string, step?: number, bytes?: number }} PackedError
 *
 * @typedef {{ id: number, kind: 'result', body: unknown }
 *   | { id: number, kind: 'part', body: unknown }
 *   | { id: number, kind: 'error', error: PackedError }} Reply
 */

/**
 * The keys of every request and their types; `?`: may be absent or null.
 *
 * @type {Record<RequestType, Record<string, string>>}
 */
const requestShapes = {
  open: { threads: 'number?' },
  build: {
    task: 'string',
    config: 'object',
    learningRate: 'number',
    data: 'object?',
    start: 'bytes?',
  },
  runTo: { step: 'number' },
  pause: {},
  tune: { topK: 'number?', learningRate: 'number?', pace: 'number?' },
  frame: { recycle: 'buffer?', whole: 'boolean' },
  generate: { prompt: 'bytes', maxTokens: 'number', temperature: 'number', topP: 'number', seed: 'number' },
  measure: {},
  cancel: { id: 'number' },
  save: { optimizer: 'boolean' },
  inspect: { layer: 'number' },
  restore: { task: 'string', bytes: 'bytes', learningRate: 'number', data: 'object?', missing: 'object?' },
  rewind: {},
};

/**
 * @param {unknown} value
 * @param {string} kind
 * @returns {boolean}
 */
function isOf(value, kind) {
  if (kind.endsWith('?')) {
    return value === undefined || value === null || isOf(value, kind.slice(0, -1));
  }
  if (kind === 'bytes') return value instanceof Uint8Array;
  if (kind === 'buffer') return value instanceof ArrayBuffer;
  return typeof value === kind && value !== null;
}

/**
 * @param {unknown} value
 * @returns {Request}
 * @throws {TypeError} if the value is not a request, saying why
 */
export function checkRequest(value) {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`a request must be an object, not ${value}`);
  const { id, type, body } = /** @type {Record<string, unknown>} */ (value);
  if (!Number.isSafeInteger(id)) throw new TypeError(`the id of a request must be an integer, not ${id}`);
  if (typeof type !== 'string' || !Object.hasOwn(requestShapes, type)) {
    throw new TypeError(
      `unknown request “${type}”; the requests are ${Object.keys(requestShapes).join(', ')}`,
    );
  }
  if (typeof body !== 'object' || body === null)
    throw new TypeError(`the body of ${type} must be an object, not ${body}`);
  const shape = requestShapes[/** @type {RequestType} */ (type)];
  for (const key of Object.keys(body)) {
    if (!Object.hasOwn(shape, key)) throw new TypeError(`${type} has no key “${key}”`);
  }
  for (const [key, kind] of Object.entries(shape)) {
    const part = /** @type {Record<string, unknown>} */ (body)[key];
    if (!isOf(part, kind)) throw new TypeError(`${type}.${key} is ${typeof part}; it must be ${kind}`);
  }
  return /** @type {Request} */ (value);
}

/** @type {Record<string, (message: string, packed: PackedError) => Error>} */
const errorClasses = {
  CheckpointError: (message) => new CheckpointError(message),
  DisposedError: (message) => new DisposedError(message),
  EngineError: (message) => new EngineError(message),
  OutOfMemoryError: (message, { bytes = 0 }) => new OutOfMemoryError(message, bytes),
  DivergedError: (message, { step = 0 }) => new DivergedError(message, step),
  RangeError: (message) => new RangeError(message),
  TypeError: (message) => new TypeError(message),
};

/**
 * @param {unknown} thrown
 * @returns {PackedError}
 */
export function packError(thrown) {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message } = thrown;
  if (thrown instanceof DivergedError) return { name, message, step: thrown.step };
  if (thrown instanceof OutOfMemoryError) return { name, message, bytes: thrown.bytes };
  return { name, message };
}

/**
 * @param {PackedError} packed
 * @returns {Error} of the class that was thrown on the other side
 */
export function unpackError(packed) {
  const make = Object.hasOwn(errorClasses, packed.name) ? errorClasses[packed.name] : undefined;
  if (make) return make(packed.message, packed);
  const error = new Error(packed.message);
  error.name = packed.name;
  return error;
}
