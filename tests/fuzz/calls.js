/**
 * Sequences of calls, right and wrong ones, in two engines that must agree: in one thread and two, and on this thread
 * and in a worker. What they return and what they throw is the same, to the bit.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { load } from '../../web/index.js';
import { CALL, INPUT, OPTIONS, optionsOf } from '../../web/options.js';
import { load as loadInWorker } from '../../web/worker.js';
import { randomFloats, randomIds } from '../node/helpers.js';
import { configOf, inputFor, junk, kindsOf } from './values.js';

/** @typedef {{ op: string, at: number, seed: number, options: Record<string, any>, config: { kind: number, values: any }, args: any[] }} Step */
/** @typedef {Awaited<ReturnType<typeof load>> | Awaited<ReturnType<typeof loadInWorker>>} AnyEngine */
/** @typedef {{ kind: string, create: string }} Kind */
/** @typedef {{ model: any, kind: Kind, disposed?: boolean }} Made */

const MOST_MODELS = 3;
const MOST_MEMORY = 2 ** 28;
const ERRORS = /^(TypeError|RangeError|DivergedError|DisposedError|OutOfMemoryError|CheckpointError)$/;
const INTERNAL =
  /Cannot (read|convert|set|mix)|is not a function|of undefined|not iterable|out of bounds|the engine (refused|crashed)|went down/i;

/** Stands for as many numbers as a model has classes. */
const FOR_EACH_CLASS = 'for each class';

/** Values of options that mean something; others are drawn from `junk`. */
const GOOD = /** @type {Record<string, fc.Arbitrary<any>>} */ ({
  steps: fc.constantFrom(1, 2, 3),
  every: fc.constantFrom(1, 2),
  learningRate: fc.constantFrom(0, 1e-3, 0.1, 10, 1e30),
  clip: fc.constantFrom(0, 0.25, 1),
  seed: fc.nat(9),
  maxTokens: fc.nat(3),
  temperature: fc.constantFrom(0, 0.5, 1, 1e300),
  topP: fc.constantFrom(1, 0.5, 1e-3),
  topTokens: fc.constantFrom(1, 3),
  repetitionPenalty: fc.constantFrom(1, 1.5),
  stop: fc.constantFrom([[0]], [[1, 2]], [3]),
  warmup: fc.nat(2),
  schedule: fc.constantFrom('constant', 'cosine'),
  optimizer: fc.boolean(),
  resume: fc.boolean(),
  topKSchedule: fc.constantFrom('constant', 'linear_increase'),
  topKMin: fc.constantFrom(1, 2),
  topKMax: fc.constantFrom(1, 2, 3),
  headLearningRate: fc.constantFrom(0, 1e-3, 0.1),
  classWeights: fc.constantFrom(FOR_EACH_CLASS, undefined),
  dtype: fc.constantFrom('f32', 'f16', 'bf16'),
});
/** Options that are not drawn: a run must end, and these are data or cannot be sent. */
const LEFT_OUT = [
  'signal',
  'validation',
  'validateEvery',
  'patience',
  'probe',
  'probeClasses',
  'measureEvery',
];

/** A run of so many steps would not end. */
const wrong = junk.filter(
  (value) => value !== undefined && !(Number.isFinite(value) && Number(value) > 2 ** 20),
);

/** Options that are always given: a default would take long. */
const REQUIRED = ['steps', 'learningRate', 'maxTokens'];

const methods = /** @type {(keyof typeof OPTIONS)[]} */ (Object.keys(OPTIONS));
const kindNames = /** @type {(keyof typeof INPUT)[]} */ (Object.keys(INPUT));
const keys = [
  ...new Set(kindNames.flatMap((kind) => methods.flatMap((method) => optionsOf(kind, method)))),
].filter((key) => !LEFT_OUT.includes(key));
const options = fc.record(
  Object.fromEntries(
    keys.map((key) => [
      key,
      key in GOOD ? fc.oneof({ weight: 15, arbitrary: GOOD[key] }, { weight: 1, arbitrary: wrong }) : wrong,
    ]),
  ),
  { requiredKeys: REQUIRED },
);

/**
 * Some of the options of a step, of those that a method has.
 * @param {keyof typeof OPTIONS} method
 * @param {Made} made
 * @param {Step} step
 */
function optionsFor(method, { model, kind }, { options, seed }) {
  const names = optionsOf(/** @type {keyof typeof INPUT} */ (kind.kind), method);
  const known = Object.entries(options).filter(
    // Many do not go together, so that only some are given at once.
    ([key], i) =>
      names.includes(key) && (REQUIRED.includes(key) || (seed + i) % (key in GOOD ? 6 : 20) === 0),
  );
  const { classes = 1 } = model.config;
  return Object.fromEntries(
    known.map(([key, value]) => [
      key,
      value === FOR_EACH_CLASS ? new Float32Array(classes).fill(0.5) : value,
    ]),
  );
}

/** The engine of one side, its models and what it has answered. */
class Side {
  /** @type {Made[]} */
  models = [];
  /** @type {string[]} */
  log = [];
  /** @type {{ file: Uint8Array, kind: Kind }[]} */
  files = [];

  /** @param {AnyEngine} engine @param {Kind[]} kinds */
  constructor(engine, kinds) {
    this.engine = engine;
    this.kinds = kinds;
  }

  /** @param {Step} step */
  async take(step) {
    const chosen = this.models[step.at % Math.max(1, this.models.length)];
    try {
      const known = chosen || step.op === 'create' || step.op === 'open';
      this.#note(step.op, known ? await OPERATIONS[step.op](this, chosen, step) : undefined);
      if (known && chosen) this.#note('state', stateOf(chosen.model));
    } catch (error) {
      assert.ok(error instanceof Error, `${step.op} threw ${error}`);
      assert.match(error.name, ERRORS, `${step.op}: ${error.stack}`);
      assert.doesNotMatch(error.message, INTERNAL, `${step.op}: ${error.stack}`);
      // Of two reasons to refuse a call either may be named.
      if (chosen?.disposed) return this.#note(step.op, 'refused');
      // Calls of a worker have two more options.
      this.#note(step.op, `${error.name}: ${error.message.replace(`, ${CALL.join(', ')}`, '')}`);
    }
  }

  /** @param {string} what @param {unknown} value */
  #note(what, value) {
    this.log.push(`${what} ${JSON.stringify(value, exactly)}`);
  }

  async end() {
    for (const { model } of this.models) await model.dispose();
  }
}

/** @param {any} model */
const stateOf = ({ step, topK, sparsityWeight }) => ({ step, topK, sparsityWeight });

/** Numbers to the bit; long arrays by what they hash to. @param {string} _ @param {any} value */
function exactly(_, value) {
  if (typeof value === 'number' && (Object.is(value, -0) || !Number.isFinite(value)))
    return `${1 / value} ${value}`;
  if (!ArrayBuffer.isView(value)) return value;
  // WebAssembly leaves it open which of its bit patterns a NaN has.
  const same = value instanceof Float32Array ? value.map((x) => (Number.isNaN(x) ? Number.NaN : x)) : value;
  const bytes = new Uint8Array(same.buffer, same.byteOffset, same.byteLength);
  return `${value.constructor.name} ${value.byteLength} ${createHash('sha1').update(bytes).digest('hex')}`;
}

/** @param {any} stream @param {number} [most] */
async function all(stream, most = Number.POSITIVE_INFINITY) {
  const values = [];
  for await (const value of stream) {
    values.push(value);
    if (values.length >= most) break;
  }
  return values;
}

/**
 * Creates a model; a key that does not agree with the others is left out, since that is what most would come to.
 * @param {AnyEngine} engine @param {Kind} kind @param {any} values
 */
async function create(engine, kind, values) {
  const config = { ...values };
  for (;;) {
    try {
      return await /** @type {any} */ (engine)[kind.create](config);
    } catch (error) {
      const [, key] = /^config\.(\w+)/.exec(/** @type {Error} */ (error).message) ?? [];
      if (key === undefined || !(key in config)) throw error;
      delete config[key];
    }
  }
}

/** @type {Record<string, (side: Side, chosen: Made, step: Step) => any>} */
const OPERATIONS = {
  async create({ engine, kinds, models }, _, { config }) {
    if (models.length === MOST_MODELS) return;
    const kind = kinds[config.kind];
    const model = await create(engine, kind, config.values);
    models.push({ model, kind });
    return { config: model.config, count: model.parameterCount };
  },
  evaluate: (_, made, step) =>
    made.model.evaluate({
      ...inputFor(made.model, made.kind, step.seed),
      ...optionsFor('evaluate', made, step),
    }),
  gradients: (_, made, step) =>
    made.model.gradients({
      ...inputFor(made.model, made.kind, step.seed),
      ...optionsFor('gradients', made, step),
    }),
  trainStep: (_, made, step) =>
    made.model.trainStep({
      ...inputFor(made.model, made.kind, step.seed),
      ...optionsFor('trainStep', made, step),
    }),
  /** A part of the input, or an option, is something else. */
  wrong: (_, { model, kind }, step) => {
    const input = inputFor(model, kind, step.seed);
    const names = Object.keys(input);
    const name = step.seed % 7 === 0 ? 'learningRat' : names[step.seed % names.length];
    return model.trainStep({ ...input, learningRate: 1e-3, [name]: step.args[0] });
  },
  predict: (_, { model, kind }, step) => {
    if (!('predict' in model)) return;
    const { targets, ...input } = inputFor(model, kind, step.seed);
    return model.predict('lengths' in input ? input : input.inputs);
  },
  measure: (_, made, step) => {
    const { inputs, lengths } = inputFor(made.model, made.kind, step.seed);
    return made.model.measure(lengths ? { inputs, lengths } : inputs, optionsFor('measure', made, step));
  },
  async train(_, made, step) {
    const { model, kind } = made;
    const { config } = model;
    const options = optionsFor('train', made, step);
    const text = () => randomIds(4 * config.batchSize, config.vocabSize, step.seed);
    const { carryMemory, length, ...batch } = inputFor(model, kind, step.seed);
    const progress = await all(
      model.train('targets' in batch && kind.kind !== 'language' ? batch : text(), options),
      step.seed % 4 === 0 ? 1 : undefined,
    );
    return progress.map(({ loss, gradNorm, step }) => ({ loss, gradNorm, step }));
  },
  generate: (_, made, step) =>
    'generate' in made.model ? all(made.model.generate([0], optionsFor('generate', made, step))) : undefined,
  topK: (_, { model }, { args, seed }) => {
    model.topK = seed % 5 ? 1 + (seed % model.config.experts) : args[0];
  },
  parameters: (_, { model }) => model.parameters(),
  async setParameter(_, { model }, { seed, args }) {
    const all = await model.parameters();
    const { name, data } = all[seed % all.length];
    return model.setParameter(
      seed % 9 ? name : args[0],
      seed % 10 ? randomFloats(data.length, seed) : args[1],
    );
  },
  results: async (_, { model }, { seed }) => [
    await model.logits(),
    await model.routing(),
    await model.expertSimilarity(),
    await model.hiddenStates(seed % (model.config.layers + 1)),
  ],
  scale: (_, { model, kind }, { seed }) =>
    'fitTargets' in model && model.step === 0
      ? model.fitTargets(inputFor(model, kind, seed).targets)
      : undefined,
  memory: async (_, { model }, { seed, args }) => {
    if (!('saveMemory' in model)) return;
    const saved = await model.saveMemory();
    if (seed % 2) await model.resetMemory();
    await model.restoreMemory(seed % 5 ? saved : args[0]);
    return saved;
  },
  async save({ files }, made, step) {
    const file = await made.model.saveCheckpoint(optionsFor('saveCheckpoint', made, step));
    files.push({ file, kind: made.kind });
    return file;
  },
  async open({ engine, files, models }, _, { seed, args }) {
    if (files.length === 0 || models.length === MOST_MODELS) return;
    const { file, kind } = files[seed % files.length];
    const model = await engine.loadCheckpoint(seed % 9 ? file : args[0]);
    models.push({ model, kind });
    return model.config;
  },
  async dispose({ models }, chosen, { seed }) {
    chosen.disposed = true;
    await chosen.model.dispose();
    if (seed % 3 === 0) await chosen.model.dispose();
    if (seed % 4) models.splice(models.indexOf(chosen), 1);
  },
};

/** @param {any[]} kinds */
function stepOf(kinds) {
  const configs = kinds.map(({ fields }, kind) =>
    fc.record({ kind: fc.constant(kind), values: configOf(fields) }),
  );
  return fc.record({
    op: fc.constantFrom(...Object.keys(OPERATIONS), 'trainStep', 'trainStep', 'create'),
    ...{ at: fc.nat(MOST_MODELS), seed: fc.nat(5000), options, config: fc.oneof(...configs) },
    args: fc.tuple(junk, junk),
  });
}

const SIDES = [() => load({ variant: 'simd', threads: 2 }), () => loadInWorker({ variant: 'simd' })];

export async function start() {
  /** @type {AnyEngine[]} */
  let engines = [];
  const renew = async () => {
    for (const engine of engines) await engine.dispose();
    engines = await Promise.all([() => load({ variant: 'simd' }), ...SIDES].map((make) => make()));
  };
  await renew();
  const kinds = kindsOf(/** @type {any} */ (engines[0]));
  const property = fc.asyncProperty(
    ...[fc.nat(SIDES.length - 1), stepOf(kinds), fc.array(stepOf(kinds), { maxLength: 20 })],
    async (other, first, steps) => {
      if (engines.some((engine) => engine.memoryBytes > MOST_MEMORY)) await renew();
      const sides = [engines[0], engines[1 + other]].map((engine) => new Side(engine, kinds));
      try {
        for (const step of [{ ...first, op: 'create' }, ...steps]) {
          for (const side of sides) await side.take(step);
          assert.deepEqual(sides[1].log, sides[0].log, `engine ${1 + other} does as engine 0 does`);
        }
      } finally {
        for (const side of sides) await side.end();
      }
    },
  );
  return {
    property,
    async close() {
      for (const engine of engines) await engine.dispose();
    },
  };
}
