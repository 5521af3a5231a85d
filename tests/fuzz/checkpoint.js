/**
 * The reader of safetensors files: files of the package whose structure was changed and whose bytes were changed after
 * that. A file opens, and then can be used and saved, or is refused by name.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { load } from '../../web/index.js';
import { readSafetensors } from '../node/safetensors.js';
import { creators, inputFor, kindsOf } from './values.js';

/** @import { Engine } from '../../web/index.js' */

/** @typedef {{ header: Record<string, any>, data: Uint8Array, length?: bigint, before: string, after: string }} Parts */
/** @typedef {{ a: number, b: number, value: any }} Choice */
/** @typedef {(parts: Parts, entry: any, choice: Choice & { name: string }) => void} Mutation */

const SMALL = {
  ...{ vocabSize: 7, inputSize: 3, classes: 3, layers: 2, heads: 1, dModel: 4, dHead: 3, dInner: 3 },
  ...{ experts: 3, topK: 2, hyperSize: 3, routerSize: 3, contextLength: 3, memoryLength: 4, batchSize: 2 },
};

const ERRORS = ['CheckpointError', 'OutOfMemoryError'];
const INTERNAL =
  /Cannot (read|convert|set|mix)|is not a function|of undefined|not iterable|out of bounds|should be a multiple/i;
const MOST_MEMORY = 2 ** 28;

/** One file of each kind of model with each of its routers, with all that can be saved. @param {Engine} engine */
function files(engine) {
  return kindsOf(engine).flatMap(({ kind, create, fields }) => {
    const router = fields.find(({ name }) => name === 'router');
    const config = Object.fromEntries(
      Object.entries(SMALL).filter(([key]) => fields.some(({ name }) => name === key)),
    );
    const routers = router?.choices ?? [];
    return routers.map((name) => {
      const model = /** @type {any} */ (engine)[create]({ ...config, router: name });
      model.trainStep({ ...inputFor(model, { kind }, 5), learningRate: 0.01 });
      const file = model.saveCheckpoint({ optimizer: true, metadata: { note: 'x' } });
      model.dispose();
      return file;
    });
  });
}

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'input.weight',
  'state.memory.0',
  'optimizer.m.',
  '\0',
];
const DTYPES = ['F16', 'BF16', 'F64', 'I64', 'BOOL', 'F4', 'f32', 'F32 ', '', '__proto__'];
const EXTRA = 'hyperrouter.';

/** A key of an object, by number. @param {object} object @param {number} index */
const keyOf = (object, index) => Object.keys(object)[index % Math.max(1, Object.keys(object).length)];

/** Sets own properties only, also `__proto__`. @param {object} object @param {string} key @param {unknown} value */
const put = (object, key, value) =>
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });

/** @type {Mutation[]} */
const MUTATIONS = [
  (_, entry, { a }) => put(entry, 'dtype', DTYPES[a % DTYPES.length]),
  (_, entry, { a, value }) => entry.shape?.splice?.(a % (entry.shape.length + 1), 1, value),
  (_, entry, { value }) => put(entry, 'shape', value),
  (_, entry) => put(entry, 'shape', [...entry.shape].reverse()),
  (_, entry, { a, value }) => put(entry.data_offsets, String(a % 2), value),
  (_, entry, { a, b }) => put(entry, 'data_offsets', [a % 64, b % 64]),
  ({ header }, _, { name, value }) => put(header, name, value),
  ({ header }, _, { name }) => delete header[name],
  ({ header }, entry, { a }) => put(header, NAMES[a % NAMES.length], entry),
  ({ header }, entry, { b }) => put(header, keyOf(header, b), entry),
  (parts, _, { a }) => {
    parts.data = parts.data.slice(0, a % (parts.data.length + 1));
  },
  (parts, _, { a }) => {
    parts.data = new Uint8Array([...parts.data, ...new Uint8Array(a % 32)]);
  },
  ({ header }, _, { value }) => put(header, '__metadata__', value),
  ({ header }, _, { b, value }) => {
    put(
      header.__metadata__,
      keyOf(header.__metadata__, b),
      typeof value === 'object' ? JSON.stringify(value) : String(value),
    );
  },
  ({ header }, _, { a, value }) => {
    const config = JSON.parse(header.__metadata__[`${EXTRA}config`]);
    put(config, keyOf(config, a), value);
    put(header.__metadata__, `${EXTRA}config`, JSON.stringify(config));
  },
  ({ header }, _, { a, value }) =>
    put(header.__metadata__, `${EXTRA}${['step', 'topK', 'sparsityWeight', 'router'][a % 4]}`, String(value)),
  (parts, _, { a, b }) => {
    parts.length = [0n, 7n, -1n, 2n ** 63n, 2n ** 32n, 100_000_001n, BigInt(b % 4096)][a % 7];
  },
  (parts, _, { a }) => {
    parts.before = [' ', '\ufeff', '[', '['.repeat(5000), '{"x":1}', '\0'][a % 6];
  },
  (parts, _, { a }) => {
    parts.after = [' ', '\0', '}', '{}', '\ud800', '\xff'][a % 6];
  },
];

/**
 * @param {Uint8Array} file
 * @param {(Choice & { kind: number })[]} choices
 */
function restructured(file, choices) {
  const at = 8 + readSafetensors(file).headerBytes;
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, at)));
  /** @type {Parts} */
  const parts = { header, data: file.slice(at), before: '', after: '' };
  for (const { kind, ...choice } of choices) {
    const name = keyOf(header, choice.a);
    try {
      // A copy: two changes with the same array would put it into itself.
      MUTATIONS[kind](parts, header[name], { ...choice, name, value: structuredClone(choice.value) });
    } catch (error) {
      // What an earlier change has replaced cannot be changed any more.
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    }
  }
  const json = new TextEncoder().encode(parts.before + JSON.stringify(header) + parts.after);
  const made = new Uint8Array(8 + json.length + parts.data.length);
  new DataView(made.buffer).setBigUint64(0, BigInt.asUintN(64, parts.length ?? BigInt(json.length)), true);
  made.set(json, 8);
  made.set(parts.data, 8 + json.length);
  return made;
}

/**
 * @param {Uint8Array} file
 * @param {{ at: number, byte: number, how: number }[]} changes
 */
function rewritten(file, changes) {
  let bytes = [...file];
  for (const { at, byte, how } of changes) {
    const place = at % Math.max(1, how % 2 ? bytes.length : Math.min(bytes.length, 2000));
    if (how < 4) bytes[place] = byte;
    else if (how < 6) bytes.splice(place, 1);
    else if (how < 8) bytes.splice(place, 0, byte);
    else if (how === 8) bytes = bytes.slice(0, place);
    else if (bytes[place] >= 0x30 && bytes[place] <= 0x39) bytes[place] = 0x30 + (byte % 10);
  }
  return Uint8Array.from(bytes);
}

const value = fc.oneof(
  fc.constantFrom(
    0,
    1,
    2,
    3,
    4,
    -1,
    0.5,
    255,
    2 ** 31,
    2 ** 53,
    1e300,
    5e-324,
    1e-30,
    null,
    '1',
    true,
    [],
    {},
  ),
  fc.constantFrom(
    [0],
    [2 ** 53],
    [1, 1],
    'dense',
    'hash',
    'relu',
    '1e3',
    '00',
    '9007199254740993',
    '__proto__',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const change = fc.record({ at: fc.nat(), byte: fc.nat(255), how: fc.nat(9) });
const choice = fc.record({ kind: fc.nat(MUTATIONS.length - 1), a: fc.nat(), b: fc.nat(), value });

/** @param {unknown} error @param {Record<string, unknown> | undefined} config given beside the file */
function assertRefusal(error, config) {
  assert.ok(error instanceof Error);
  const ofConfig =
    config && ['TypeError', 'RangeError'].includes(error.name) && /^config\b/.test(error.message);
  assert.ok(ERRORS.includes(error.name) || ofConfig, `${error.name}: ${error.message}\n${error.stack}`);
  assert.doesNotMatch(error.message, INTERNAL);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  assert.doesNotMatch(error.message, /[\0-\x1f\x7f]/);
  assert.ok(error.message.length <= 500, `a message of ${error.message.length} characters`);
}

/**
 * @param {Engine} engine
 * @param {any} model
 */
function use(engine, model) {
  const kind = { kind: model.kind };
  const input = { ...inputFor(model, kind, 7) };
  // The memory in a file may be that of another number of streams.
  if ('carryMemory' in input) input.carryMemory = false;
  const saved = model.saveCheckpoint({ optimizer: true });
  const again = engine.loadCheckpoint(saved);
  try {
    assert.deepEqual(again.saveCheckpoint({ optimizer: true }), saved, 'what was saved is opened as it was');
    model.evaluate(input);
    model.trainStep({ ...input, learningRate: 0.01 });
  } catch (error) {
    // Any finite numbers may be in a file, such as those whose products are not.
    if (/** @type {Error} */ (error).name !== 'DivergedError') throw error;
  } finally {
    again.dispose();
  }
}

export async function start() {
  let engine = await load({ variant: 'simd' });
  const bases = files(engine);
  assert.ok(bases.length >= 2 * creators(engine).length);
  const expected = reference(engine);
  let runs = 0;
  const property = fc.asyncProperty(
    ...[fc.nat(bases.length - 1), fc.array(choice, { maxLength: 4 }), fc.array(change, { maxLength: 4 })],
    fc.option(fc.record({ batchSize: fc.integer({ min: 0, max: 4 }), topK: value }, { requiredKeys: [] }), {
      nil: undefined,
    }),
    async (base, choices, changes, config) => {
      if (engine.memoryBytes > MOST_MEMORY || runs++ % 1000 === 999) {
        assert.equal(reference(engine), expected, 'the engine computes what it did before');
        engine.dispose();
        engine = await load({ variant: 'simd' });
      }
      const file = rewritten(restructured(bases[base], choices), changes);
      let model;
      try {
        model = engine.loadCheckpoint(file, /** @type {any} */ (config));
      } catch (error) {
        return assertRefusal(error, config);
      }
      try {
        if (model.memory.total < 2 ** 24) use(engine, model);
      } finally {
        model.dispose();
      }
      assert.equal(/** @type {any} */ ({}).layers, undefined, 'the prototype of objects is as it was');
    },
  );
  return { property, close: async () => engine.dispose() };
}

/** A number that depends on all of the engine. @param {Engine} engine */
function reference(engine) {
  const losses = kindsOf(engine).map(({ kind, create }) => {
    const model = /** @type {any} */ (engine)[create]({
      ...(create.includes('Language') ? { contextLength: 4 } : {}),
      batchSize: 2,
    });
    const { loss } = model.trainStep({ ...inputFor(model, { kind }, 3), learningRate: 0.01 });
    model.dispose();
    return loss;
  });
  return losses.join();
}
