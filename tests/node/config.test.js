/** Configurations: what the engine says of each key, and what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LanguageModel, Regressor, TextClassifier } from '../../web/index.js';
import { errorOf, onEveryVariant } from './helpers.js';

/** @import { AnyModel } from './helpers.js' */

/** The keys of the documentation, and whether they set the shape of a tensor. */
const SHARED = {
  layers: true,
  dModel: true,
  dInner: true,
  experts: true,
  topK: false,
  router: true,
  hyperSize: true,
  batchSize: false,
  preLayerNorm: true,
  gate: false,
  routerSize: true,
  routerScale: false,
  routerNoise: true,
  sharedExperts: true,
  capacityFactor: false,
  balanceRate: false,
  sparsityWeight: false,
  dropout: false,
  loadBalanceWeight: false,
  routerZWeight: false,
  beta1: false,
  beta2: false,
  epsilon: false,
  weightDecay: false,
  seed: false,
};
const KEYS = {
  language: {
    ...SHARED,
    vocabSize: true,
    heads: true,
    dHead: true,
    contextLength: false,
    memoryLength: false,
    attentionDropout: false,
  },
  classifier: { ...SHARED, inputSize: true, classes: true },
  'text-classifier': {
    ...SHARED,
    vocabSize: true,
    classes: true,
    heads: true,
    dHead: true,
    contextLength: false,
    attentionDropout: false,
    headDropout: false,
  },
  regressor: { ...SHARED, inputSize: true, outputs: true },
};

/** @param {string} kind of model */
const readsTokens = (kind) => kind === 'language' || kind === 'text-classifier';

/** Sizes that make creation at the ends of other ranges cheap. */
const SMALL = {
  language: { vocabSize: 8, dModel: 8, dInner: 8, contextLength: 4, memoryLength: 4, batchSize: 2 },
  classifier: { inputSize: 2, dModel: 8, dInner: 8, batchSize: 2 },
  'text-classifier': { vocabSize: 8, dModel: 8, dInner: 8, contextLength: 4, batchSize: 2 },
  regressor: { inputSize: 2, dModel: 8, dInner: 8, batchSize: 2 },
};

/**
 * The loss of a model on its own largest batch of zeros.
 * @param {AnyModel} model
 */
function lossOf(model) {
  if (model instanceof LanguageModel) {
    const ids = new Int32Array(model.config.batchSize * model.config.contextLength);
    return model.trainStep({ inputs: ids, targets: ids, learningRate: 0.001 }).loss;
  }
  if (model instanceof TextClassifier) {
    const { batchSize, contextLength } = model.config;
    const inputs = new Int32Array(batchSize * contextLength);
    const lengths = new Int32Array(batchSize).fill(contextLength);
    return model.trainStep({ inputs, lengths, targets: new Int32Array(batchSize), learningRate: 0.001 }).loss;
  }
  const { batchSize, inputSize } = model.config;
  const inputs = new Float32Array(batchSize * inputSize);
  if (model instanceof Regressor) {
    const targets = new Float32Array(batchSize * model.config.outputs).fill(1);
    return model.trainStep({ inputs, targets, learningRate: 0.001 }).loss;
  }
  return model.trainStep({ inputs, targets: new Int32Array(batchSize), learningRate: 0.001 }).loss;
}

onEveryVariant((bench) => {
  /** @type {Record<keyof typeof KEYS, (config: any) => AnyModel>} */
  const creators = {
    language: (config) => bench.language(config),
    classifier: (config) => bench.classifier(config),
    'text-classifier': (config) => bench.textClassifier(config),
    regressor: (config) => bench.regressor(config),
  };
  for (const kind of /** @type {const} */ (['language', 'classifier', 'text-classifier', 'regressor'])) {
    const create = creators[kind];
    /**
     * @param {any} config
     * @param {RangeErrorConstructor | TypeErrorConstructor} type
     * @param {RegExp} message
     */
    const refuseConfig = (config, type, message) => {
      const before = bench.engine.memoryBytes;
      const error = errorOf(() => create(config));
      assert.equal(error.constructor, type, String(error));
      assert.match(error.message, message);
      assert.equal(bench.engine.memoryBytes, before);
    };

    test(`${kind}: configFields describes every key`, () => {
      const fields = bench.engine.configFields(kind);
      assert.deepEqual(
        Object.fromEntries(fields.map(({ name, shape }) => [name, shape]).sort()),
        Object.fromEntries(Object.entries(KEYS[kind]).sort()),
      );
      for (const { name, summary, type, default: value, min, max, choices } of fields) {
        assert.match(summary, /^[A-Z].{5,}\.$/, name);
        if (type === 'boolean') assert.equal(typeof value, 'boolean', name);
        else if (type === 'choice') assert.ok(choices?.includes(String(value)), name);
        else assert.ok(Number(min) <= Number(value) && Number(value) <= Number(max), name);
        if (type === 'integer') assert.ok([value, min, max].every(Number.isInteger), name);
      }
    });

    test(`${kind}: fields that must be even say so`, () => {
      const even = bench.engine.configFields(kind).filter(({ multipleOf }) => multipleOf !== undefined);
      // A position has as many sines as cosines.
      const expected = readsTokens(kind) ? [['dModel', 2, 2]] : [];
      assert.deepEqual(
        even.map(({ name, min, multipleOf }) => [name, min, multipleOf]),
        expected,
      );
    });

    test(`${kind}: the defaults are a model`, () => {
      const model = create({});
      const defaults = bench.engine.configFields(kind).map(({ name, default: value }) => [name, value]);
      assert.deepEqual(model.config, Object.fromEntries(defaults));
      assert.ok(lossOf(model) > 0);
    });

    test(`${kind}: the ends of the ranges are accepted, where this is cheap`, () => {
      const cheap = ['topK', 'epsilon', 'weightDecay', 'seed', 'loadBalanceWeight', 'routerZWeight'];
      for (const { name, min, max, exclusiveMax } of bench.engine.configFields(kind)) {
        if (min === undefined || max === undefined) continue;
        const gate = name === 'sparsityWeight' ? { gate: 'relu' } : {};
        const base = { ...SMALL[kind], topK: 1, router: 'smoe', ...gate };
        const lowest = create({ ...base, [name]: min });
        assert.ok(Number.isFinite(lossOf(lowest)), `${name} = ${min}`);
        const largest = exclusiveMax ? max * (1 - 1e-9) : max;
        if (cheap.includes(name) || exclusiveMax) {
          const highest = create({ ...base, [name]: largest, ...(name === 'topK' ? { experts: max } : {}) });
          assert.equal(/** @type {any} */ (highest.config)[name], largest);
        }
        bench.disposeModels();
      }
    });

    test(`${kind}: the config of a model is a complete copy`, () => {
      const given = { ...SMALL[kind], seed: 7 };
      const model = create(given);
      given.dModel = 100;
      assert.equal(model.config.dModel, 8);
      assert.equal(model.config.seed, 7);
      assert.deepEqual(Object.keys(model.config).sort(), Object.keys(KEYS[kind]).sort());
      assert.throws(() => {
        /** @type {any} */ (model.config).dModel = 100;
      }, TypeError);
    });

    test(`${kind}: every key outside its range or of another type`, () => {
      for (const field of bench.engine.configFields(kind)) {
        const { name, type, min, max, exclusiveMax } = field;
        const named = new RegExp(`^config\\.${name} must be `);
        const others = [null, {}, [], () => 1, 1n, ...(type === 'choice' ? [] : ['1'])];
        const foreign = type === 'boolean' ? [0, 1] : [true];
        for (const value of [...others, ...foreign]) {
          refuseConfig({ [name]: value }, type === 'choice' ? RangeError : TypeError, named);
        }
        if (type === 'boolean') continue;
        if (type === 'choice') {
          const names = field.choices?.join('|');
          const message = new RegExp(`must be one of ("(${names})"(, )?)+, got "HyperRouter"`);
          refuseConfig({ [name]: 'HyperRouter' }, RangeError, message);
          refuseConfig({ [name]: '' }, RangeError, named);
          continue;
        }
        assert.ok(min !== undefined && max !== undefined);
        const outside = [min - 1, -1, exclusiveMax ? max : max + 1, Number.NaN];
        const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
        for (const value of [...outside, ...infinite, ...(type === 'integer' ? [min + 0.5] : [])]) {
          const range = `from ${min} ${exclusiveMax ? 'below' : 'to'} ${max}, got ${value}$`;
          refuseConfig({ [name]: value }, RangeError, named);
          refuseConfig({ [name]: value }, RangeError, new RegExp(range.replaceAll('+', '\\+')));
        }
      }
    });

    test(`${kind}: keys that do not go together`, () => {
      refuseConfig(
        { experts: 4, topK: 5 },
        RangeError,
        /config\.topK must be from 1 to 4 \(experts\), got 5/,
      );
      refuseConfig({ experts: 1 }, RangeError, /config\.topK must be from 1 to 1 \(experts\), got 2/);
      for (const name of ['loadBalanceWeight', 'routerZWeight']) {
        for (const router of ['smoe-dropout', 'dense']) {
          const able = '"hyperrouter" or "smoe" or "cosine"';
          const message = new RegExp(`config\\.${name} must be 0 unless router is ${able}, got 0\\.1`);
          refuseConfig({ router, [name]: 0.1 }, RangeError, message);
        }
        const able = '"topk-softmax" or "softmax-topk" or "sigmoid"';
        const message = new RegExp(`config\\.${name} must be 0 unless gate is ${able}, got 0\\.1`);
        refuseConfig({ gate: 'relu', [name]: 0.1 }, RangeError, message);
      }
      for (const [config, message] of /** @type {const} */ ([
        [{ gate: 'relu', capacityFactor: 1 }, /config\.capacityFactor must be 0 unless gate is .*, got 1/],
        [{ gate: 'expert-choice', balanceRate: 0.1 }, /config\.balanceRate must be 0 unless gate is/],
        [{ sparsityWeight: 0.1 }, /config\.sparsityWeight must be 0 unless gate is "relu", got 0\.1/],
        [{ router: 'cosine', routerNoise: true }, /config\.routerNoise must be false unless router is/],
        [{ router: 'dense', sharedExperts: 1 }, /config\.sharedExperts must be 0 unless router is/],
        [{ router: 'dense', routerScale: 2 }, /config\.routerScale must be 1 unless router is/],
        [{ router: 'dense', gate: 'sigmoid' }, /config\.gate must be topk-softmax unless router is/],
        [{ capacityFactor: -1 }, /config\.capacityFactor must be a number from 0 to 1000000, got -1/],
      ])) {
        refuseConfig(config, RangeError, message);
      }
      if (readsTokens(kind)) {
        const message = /config\.gate must be topk-softmax unless router is "hyperrouter" or /;
        refuseConfig({ router: 'hash', gate: 'sigmoid' }, RangeError, message);
      } else {
        refuseConfig(
          { router: 'hash' },
          RangeError,
          /config\.router must be another for a classifier or regressor.*"hash" needs token ids/,
        );
      }
      if (readsTokens(kind)) refuseConfig({ dModel: 15 }, RangeError, /config\.dModel must be even, got 15/);
    });

    test(`${kind}: unknown keys`, () => {
      const foreign = readsTokens(kind) ? ['inputSize', 'outputs'] : ['vocabSize', 'heads', 'memoryLength'];
      for (const name of [...foreign, 'topk', 'd_model', 'colour', '', 'constructor', 'kind']) {
        const named = new RegExp(`^config\\.${name} is not a key of a .*; the keys are: .*dModel, .*topK`);
        refuseConfig({ [name]: 1 }, TypeError, named);
      }
      refuseConfig(JSON.parse('{"__proto__":{}}'), TypeError, /config\.__proto__ is not a key/);
    });

    test(`${kind}: values that are not a configuration`, () => {
      for (const value of [null, new Map(), 7, 'text', [], [1], true, () => ({})]) {
        refuseConfig(value, TypeError, /^config must be an object, got /);
      }
    });

    test(`${kind}: undefined means the default`, () => {
      const names = bench.engine.configFields(kind).map(({ name }) => name);
      const model = create(Object.fromEntries(names.map((name) => [name, undefined])));
      assert.deepEqual(model.config, create({}).config);
    });
  }

  test('configFields of another kind', () => {
    for (const kind of [undefined, null, 'Language', 'toString', 0]) {
      const error = errorOf(() => bench.engine.configFields(/** @type {any} */ (kind)));
      assert.ok(error instanceof RangeError);
      assert.match(
        error.message,
        /^kind must be one of "language", "classifier", "text-classifier", "regressor", got /,
      );
    }
  });
});
