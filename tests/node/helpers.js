/** What the tests of the package share: engines, small models, data, and comparisons. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { Classifier, LanguageModel, load, TextClassifier } from '../../web/index.js';

/** @import { Engine, Regressor } from '../../web/index.js' */
/** @import { ClassifierConfig, LanguageConfig, RegressorConfig, TextClassifierConfig } from '../../web/types.js' */

/** @typedef {'simd' | 'relaxed-simd'} Variant */
/** @typedef {LanguageModel | Classifier | TextClassifier | Regressor} AnyModel */

// A module with one i8x16.relaxed_swizzle in it; not taken from the package, which is under test.
const RELAXED_PROBE = [
  [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  [10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11],
].flat();

/** Whether this Node runs the relaxed-simd variant. */
export const RELAXED = WebAssembly.validate(new Uint8Array(RELAXED_PROBE));

/** @type {{ variant: Variant, skip: false | string }[]} */
export const VARIANTS = [
  { variant: 'simd', skip: false },
  {
    variant: 'relaxed-simd',
    skip:
      !RELAXED &&
      `Node ${process.versions.node} has no relaxed SIMD without --experimental-wasm-relaxed-simd`,
  },
];

/**
 * What the tests of one variant work with: an engine, and the models of the running test, which are disposed after it.
 */
export class Bench {
  /** @type {Engine | undefined} */
  #engine;
  /** @type {AnyModel[]} */
  #models = [];

  /** @param {Variant} variant */
  constructor(variant) {
    this.variant = variant;
  }

  async load() {
    this.#engine = await load({ variant: this.variant });
  }

  /** There is one only while tests run. */
  get engine() {
    assert.ok(this.#engine);
    return this.#engine;
  }

  /** @param {LanguageConfig} config */
  language(config) {
    return this.#keep(this.engine.createLanguageModel(config));
  }

  /** @param {ClassifierConfig} config */
  classifier(config) {
    return this.#keep(this.engine.createClassifier(config));
  }

  /**
   * @param {TextClassifierConfig} config
   * @param {Uint8Array<ArrayBuffer>} [from]
   */
  textClassifier(config, from) {
    return this.#keep(this.engine.createTextClassifier(config, { from }));
  }

  /** @param {RegressorConfig} config */
  regressor(config) {
    return this.#keep(this.engine.createRegressor(config));
  }

  /**
   * @param {Uint8Array} file
   * @param {Partial<LanguageConfig>} [config]
   */
  openLanguage(file, config) {
    const model = this.#keep(this.engine.loadCheckpoint(file, config));
    assert.ok(model instanceof LanguageModel);
    return model;
  }

  /**
   * @param {Uint8Array} file
   * @param {Partial<ClassifierConfig>} [config]
   */
  openClassifier(file, config) {
    const model = this.#keep(this.engine.loadCheckpoint(file, config));
    assert.ok(model instanceof Classifier);
    return model;
  }

  /**
   * @param {Uint8Array} file
   * @param {Partial<TextClassifierConfig>} [config]
   */
  openTextClassifier(file, config) {
    const model = this.#keep(this.engine.loadCheckpoint(file, config));
    assert.ok(model instanceof TextClassifier);
    return model;
  }

  /**
   * @template {AnyModel} M
   * @param {M} model
   */
  #keep(model) {
    this.#models.push(model);
    return model;
  }

  disposeModels() {
    for (const model of this.#models) model.dispose();
    this.#models = [];
  }

  dispose() {
    this.disposeModels();
    this.engine.dispose();
  }
}

/**
 * Declares the same tests for every variant of the module, each with an engine of its own.
 * @param {(bench: Bench) => void} declare
 */
export function onEveryVariant(declare) {
  for (const { variant, skip } of VARIANTS) {
    describe(variant, { skip }, () => {
      const bench = new Bench(variant);
      before(() => bench.load());
      afterEach(() => bench.disposeModels());
      after(() => bench.dispose());
      declare(bench);
    });
  }
}

export const ROUTERS = /** @type {const} */ ([
  'hyperrouter',
  'smoe',
  'smoe-dropout',
  'dense',
  'cosine',
  'hash',
]);
/** The routers of a classifier of vectors, which has no token ids. */
export const VECTOR_ROUTERS = ROUTERS.filter((router) => router !== 'hash');
/** Those whose configuration says how their experts are chosen: any gate can. */
export const GATED_ROUTERS = ROUTERS.filter((router) => router !== 'hash' && router !== 'dense');
export const GATES = /** @type {const} */ ([
  'topk-softmax',
  'softmax-topk',
  'sigmoid',
  'expert-choice',
  'relu',
]);

/**
 * Sizes of which no two are equal, where that can be, and none is a multiple of a SIMD vector, so that nothing that is
 * mixed up fits by accident.
 * @satisfies {LanguageConfig}
 */
export const TINY = {
  vocabSize: 19,
  layers: 2,
  heads: 3,
  dModel: 14,
  dHead: 5,
  dInner: 11,
  experts: 4,
  topK: 2,
  hyperSize: 9,
  contextLength: 6,
  memoryLength: 7,
  batchSize: 3,
  seed: 20,
};

/** @satisfies {ClassifierConfig} */
export const TINY_CLASSIFIER = {
  inputSize: 3,
  classes: 5,
  layers: 2,
  dModel: 10,
  dInner: 13,
  experts: 4,
  topK: 2,
  hyperSize: 7,
  batchSize: 8,
  seed: 21,
};

/** @satisfies {TextClassifierConfig} */
export const TINY_TEXT_CLASSIFIER = {
  vocabSize: 19,
  classes: 3,
  layers: 2,
  heads: 3,
  dModel: 14,
  dHead: 5,
  dInner: 11,
  experts: 4,
  topK: 2,
  hyperSize: 9,
  contextLength: 9,
  batchSize: 5,
  headDropout: 0,
  seed: 22,
};

/** @satisfies {RegressorConfig} */
export const TINY_REGRESSOR = { ...omit(TINY_CLASSIFIER, 'classes'), outputs: 2, seed: 23 };

/**
 * @template {object} T
 * @template {keyof T} K
 * @param {T} object
 * @param {K} key
 * @returns {Omit<T, K>}
 */
function omit({ ...object }, key) {
  delete object[key];
  return object;
}

/** How freshly made parameters are scaled up by `liven`, by the end of the name. */
const LIVELY = /** @type {[RegExp, number][]} */ ([
  [/norm\.(weight|bias)$/, 1],
  [/gate\.embedding$/, 1],
  [/\.bias$|_bias$/, 1],
  [/./, 12],
]);

/**
 * Makes a fresh model's output vary: at N(0, 0.02²) all that it says is nearly uniform, which hides mistakes.
 * @template {AnyModel} M
 * @param {M} model
 * @returns {M}
 */
export function liven(model) {
  for (const { name, data } of model.parameters()) {
    const factor = LIVELY.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
    model.setParameter(
      name,
      data.map((value) => value * factor),
    );
  }
  return model;
}

/**
 * Numbers in [0, 1), the same for the same seed (mulberry32).
 * @param {number} seed
 */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * @param {number} count
 * @param {number} limit ids are below it
 * @param {number} seed
 */
export function randomIds(count, limit, seed) {
  const random = randomFrom(seed);
  return Int32Array.from({ length: count }, () => Math.floor(random() * limit));
}

/**
 * @param {number} count
 * @param {number} seed
 * @returns {Float32Array} numbers from -1 to 1
 */
export function randomFloats(count, seed) {
  const random = randomFrom(seed);
  return Float32Array.from({ length: count }, () => random() * 2 - 1);
}

/**
 * Random tokens for a language model, as many streams and positions as it takes.
 * @param {Required<Pick<LanguageConfig, 'vocabSize' | 'batchSize' | 'contextLength'>>} config
 * @param {number} seed
 */
export function randomSegment({ vocabSize, batchSize, contextLength }, seed) {
  const count = batchSize * contextLength;
  return {
    inputs: randomIds(count, vocabSize, seed),
    targets: randomIds(count, vocabSize, seed + 1000),
    length: contextLength,
  };
}

/**
 * @param {Required<Pick<ClassifierConfig, 'inputSize' | 'batchSize' | 'classes'>>} config
 * @param {number} seed
 */
export function randomBatch({ inputSize, batchSize, classes }, seed) {
  return {
    inputs: randomFloats(batchSize * inputSize, seed),
    targets: randomIds(batchSize, classes, seed + 1000),
  };
}

/**
 * Random sequences of all lengths, padded with ids that are none.
 * @param {Required<Pick<TextClassifierConfig, 'vocabSize' | 'batchSize' | 'contextLength' | 'classes'>>} config
 * @param {number} seed
 */
export function randomSequences({ vocabSize, batchSize, contextLength, classes }, seed) {
  const lengths = randomIds(batchSize, contextLength, seed + 2000).map((length) => length + 1);
  const inputs = randomIds(batchSize * contextLength, vocabSize, seed).map((id, at) =>
    at % contextLength < lengths[Math.floor(at / contextLength)] ? id : -7,
  );
  return { inputs, lengths, targets: randomIds(batchSize, classes, seed + 1000) };
}

/**
 * @param {Required<Pick<RegressorConfig, 'inputSize' | 'batchSize' | 'outputs'>>} config
 * @param {number} seed
 */
export function randomPairs({ inputSize, batchSize, outputs }, seed) {
  return {
    inputs: randomFloats(batchSize * inputSize, seed),
    targets: randomFloats(batchSize * outputs, seed + 1000),
  };
}

/**
 * Trains for some steps with everything on that a run has: memory, dropout, clipping, a growing number of experts.
 * @param {LanguageModel} model
 * @param {number} from
 * @param {number} to
 */
export function trainSome(model, from, to) {
  const losses = [];
  for (let step = from; step < to; step++) {
    model.topK = 1 + Math.floor(step / 2);
    const segment = randomSegment(TINY, 300 + step);
    const { loss, gradNorm } = model.trainStep({ ...segment, learningRate: 0.01, clip: 0.5 });
    losses.push(loss, gradNorm);
  }
  return losses;
}

/**
 * A model can be made and knows nothing yet.
 * @param {Engine} engine
 */
export function assertWorks(engine) {
  const model = engine.createLanguageModel(TINY);
  const { loss } = model.evaluate(randomSegment(TINY, 1));
  assert.ok(Math.abs(loss - Math.log(TINY.vocabSize)) < 0.5, `loss ${loss}`);
  model.dispose();
}

/** @param {Float32Array | Int32Array} values */
function bits(values) {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * @param {Float32Array | Int32Array} actual
 * @param {Float32Array | Int32Array} expected
 * @param {string} what
 */
export function assertSameBits(actual, expected, what) {
  assert.equal(actual.length, expected.length, `${what}: length`);
  if (bits(actual).equals(bits(expected))) return;
  const index = actual.findIndex((value, i) => !Object.is(value, expected[i]));
  assert.fail(`${what}: differs first at ${index}, ${actual[index]} instead of ${expected[index]}`);
}

/**
 * The parameters of a model by name.
 * @param {AnyModel} model
 */
export function parametersOf(model) {
  return new Map(model.parameters().map(({ name, data }) => [name, data]));
}

/**
 * @param {Map<string, Float32Array>} actual
 * @param {Map<string, Float32Array>} expected
 * @param {string} [what]
 */
export function assertSameParameters(actual, expected, what = 'parameters') {
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [name, data] of actual) {
    assertSameBits(data, /** @type {Float32Array} */ (expected.get(name)), `${what}: ${name}`);
  }
}

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @returns {number} the largest difference, relative to the largest of what is expected; NaN if one is NaN
 */
export function relativeError(actual, expected) {
  assert.equal(actual.length, expected.length);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return largest === 0 ? difference : difference / largest;
}

/**
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {number} tolerance relative to the largest number expected
 * @param {string} what
 */
export function assertClose(actual, expected, tolerance, what) {
  const error = relativeError(actual, expected);
  assert.ok(error <= tolerance, `${what}: off by ${error}, allowed is ${tolerance}`);
}

/**
 * @param {number} actual
 * @param {number} expected
 * @param {number} tolerance absolute
 * @param {string} what
 */
export function assertNear(actual, expected, tolerance, what) {
  const error = Math.abs(actual - expected);
  assert.ok(error <= tolerance, `${what}: ${actual} instead of ${expected}, allowed is ${tolerance}`);
}

/**
 * What a call throws.
 * @param {() => unknown} call
 * @returns {Error}
 */
export function errorOf(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof Error, `threw ${error}, which is no Error`);
    return error;
  }
  assert.fail('nothing was thrown');
}
