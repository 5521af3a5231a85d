/** Checkpoints: the layout of what is saved, and what comes back out of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { load } from '../../web/index.js';
import {
  assertSameBits,
  assertSameParameters,
  liven,
  onEveryVariant,
  parametersOf,
  ROUTERS,
  randomBatch,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
  trainSome,
} from './helpers.js';
import { CONFIG, readSafetensors, sizeOf, withTensors } from './safetensors.js';

/** @import { LanguageModel } from '../../web/index.js' */
/** @import { LanguageConfig } from '../../web/types.js' */

/**
 * Names and shapes as the specification lists them.
 * @param {Required<LanguageConfig>} config
 * @returns {Record<string, number[]>}
 */
function publishedShapes(config) {
  const {
    vocabSize: v,
    layers,
    heads,
    dModel: d,
    dHead,
    dInner: f,
    experts: e,
    router,
    hyperSize: z,
    routerSize: w,
  } = config;
  const width = heads * dHead;
  /** @type {Record<string, number[]>} */
  const shapes = {
    'word_emb.emb_layers.0.weight': [v, d],
    r_w_bias: [heads, dHead],
    r_r_bias: [heads, dHead],
    'crit.out_layers.0.bias': [v],
  };
  for (let i = 0; i < layers; i++) {
    const attention = `layers.${i}.dec_attn`;
    shapes[`${attention}.qkv_net.weight`] = [3 * width, d];
    shapes[`${attention}.o_net.weight`] = [d, width];
    shapes[`${attention}.r_net.weight`] = [width, d];
    shapes[`${attention}.layer_norm.weight`] = [d];
    shapes[`${attention}.layer_norm.bias`] = [d];
    Object.assign(
      shapes,
      feedforwardShapes(`layers.${i}.pos_ff`, { d, f, e, z, w, v, router: String(router) }),
    );
  }
  return shapes;
}

/**
 * @param {string} at
 * @param {{ d: number, f: number, e: number, z: number, w: number, v: number, router: string }} sizes
 * @returns {Record<string, number[]>}
 */
function feedforwardShapes(at, { d, f, e, z, w, v, router }) {
  const norm = { [`${at}.layer_norm.weight`]: [d], [`${at}.layer_norm.bias`]: [d] };
  if (router === 'dense') {
    return {
      ...norm,
      [`${at}.CoreNet.0.weight`]: [e * f, d],
      [`${at}.CoreNet.0.bias`]: [e * f],
      [`${at}.CoreNet.3.weight`]: [d, e * f],
      [`${at}.CoreNet.3.bias`]: [d],
    };
  }
  /** @type {Record<string, Record<string, number[]>>} */
  const gates = {
    hyperrouter: {
      [`${at}.gate.embedding`]: [1, d],
      [`${at}.gate.hypernet.0.weight`]: [z, d],
      [`${at}.gate.hypernet.0.bias`]: [z],
      [`${at}.gate.hypernet.2.weight`]: [e * (d + 1), z],
      [`${at}.gate.hypernet.2.bias`]: [e * (d + 1)],
    },
    cosine: {
      [`${at}.gate.cosine_projector.weight`]: [w, d],
      [`${at}.gate.cosine_projector.bias`]: [w],
      [`${at}.gate.sim_matrix`]: [w, e],
      [`${at}.gate.temperature`]: [1],
    },
    hash: { [`${at}.gate.table`]: [v, e] },
  };
  const gate = gates[router] ?? { [`${at}.gate.gate.weight`]: [e, d], [`${at}.gate.gate.bias`]: [e] };
  return {
    ...norm,
    ...gate,
    [`${at}.experts.htoh4.weight`]: [e, f, d],
    [`${at}.experts.htoh4.bias`]: [e, f],
    [`${at}.experts.h4toh.weight`]: [e, d, f],
    [`${at}.experts.h4toh.bias`]: [e, d],
  };
}

/**
 * What the safetensors format demands of a file, and what its readers do well with.
 * @param {Uint8Array} file
 */
function assertLayout(file) {
  const { headerBytes, entries, data } = readSafetensors(file);
  assert.equal(file.length, 8 + headerBytes + data.length);
  assert.equal(file[8], '{'.charCodeAt(0), 'the header begins with {');
  assert.equal(headerBytes % 8, 0, 'the data begins at a multiple of 8');
  let end = 0;
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    assert.equal(dtype, 'F32', name);
    assert.equal(offsets[0], end, `${name} begins where the tensor before it ends`);
    assert.equal(offsets[1] - offsets[0], 4 * sizeOf(shape), name);
    end = offsets[1];
  }
  assert.equal(end, data.length, 'the tensors cover the data');
}

onEveryVariant((bench) => {
  describe('what is saved', () => {
    for (const router of ROUTERS) {
      test(`${router}: layout, names, shapes and values`, () => {
        const model = bench.language({ ...TINY, router });
        const file = model.saveCheckpoint();
        assertLayout(file);
        const { metadata, tensors } = readSafetensors(file);
        const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
        const wanted = publishedShapes(model.config);
        assert.deepEqual(Object.keys(shapes).sort(), Object.keys(wanted).sort());
        assert.deepEqual(shapes, wanted);
        for (const { name, shape, data } of model.parameters()) {
          assert.deepEqual(shape, shapes[name], name);
          assertSameBits(data, /** @type {{ data: Float32Array }} */ (tensors.get(name)).data, name);
        }
        assert.deepEqual(JSON.parse(metadata[CONFIG]), model.config);
        assert.equal(metadata.format, 'pt', 'what Python tools look for');
        assert.equal(
          model.parameterCount,
          Object.values(wanted).reduce((sum, shape) => sum + sizeOf(shape), 0),
        );
      });
    }

    test('classifier: layout, names, shapes and values', () => {
      const model = bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe' });
      const file = model.saveCheckpoint();
      assertLayout(file);
      const { layers, dModel: d, dInner: f, experts: e, inputSize, classes } = TINY_CLASSIFIER;
      /** @type {Record<string, number[]>} */
      const wanted = {
        'input.weight': [d, inputSize],
        'input.bias': [d],
        'output.weight': [classes, d],
        'output.bias': [classes],
      };
      for (let i = 0; i < layers; i++) {
        Object.assign(
          wanted,
          feedforwardShapes(`layers.${i}.pos_ff`, { d, f, e, z: 0, w: 0, v: 0, router: 'smoe' }),
        );
      }
      const { tensors } = readSafetensors(file);
      const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
      assert.deepEqual(Object.keys(shapes).sort(), Object.keys(wanted).sort());
      assert.deepEqual(shapes, wanted);
    });

    test('optimizer state: the moments of what is trained, the step and the memory', () => {
      const model = bench.language({ ...TINY, router: 'hyperrouter' });
      trainSome(model, 0, 2);
      const file = model.saveCheckpoint({ optimizer: true });
      assertLayout(file);
      const { tensors, metadata } = readSafetensors(file);
      const trainable = model.parameters().filter((parameter) => parameter.trainable);
      const names = [...tensors.keys()].filter((name) => name.startsWith('optimizer.'));
      const wanted = trainable.flatMap(({ name }) => [`optimizer.m.${name}`, `optimizer.v.${name}`]);
      assert.deepEqual(names.sort(), wanted.sort());
      for (const { name, shape } of trainable) {
        assert.deepEqual(tensors.get(`optimizer.m.${name}`)?.shape, shape);
        assert.ok(tensors.get(`optimizer.v.${name}`)?.data.every((value) => value >= 0));
      }
      assert.equal(metadata['hyperrouter.step'], '2');
    });

    test('without optimizer state there is nothing besides the parameters', () => {
      const model = bench.language(TINY);
      trainSome(model, 0, 2);
      const { tensors, metadata } = readSafetensors(model.saveCheckpoint());
      assert.deepEqual(
        [...tensors.keys()],
        model.parameters().map(({ name }) => name),
      );
      assert.equal(metadata['hyperrouter.step'], undefined);
    });

    test('saving changes nothing', () => {
      const model = bench.language(TINY);
      trainSome(model, 0, 1);
      const before = parametersOf(model);
      const memory = model.saveMemory();
      const file = model.saveCheckpoint({ optimizer: true });
      assert.deepEqual(model.saveCheckpoint({ optimizer: true }), file);
      assertSameParameters(parametersOf(model), before);
      assert.deepEqual(model.saveMemory(), memory);
      assert.equal(model.step, 1);
    });
  });

  describe('what comes back', () => {
    for (const router of ROUTERS) {
      test(`${router}: the same bits and losses`, () => {
        const model = liven(bench.language({ ...TINY, router, preLayerNorm: router === 'smoe' }));
        const file = model.saveCheckpoint();
        const opened = bench.openLanguage(file);
        assertSameParameters(parametersOf(opened), parametersOf(model));
        assert.deepEqual(opened.config, model.config);
        assert.equal(opened.parameterCount, model.parameterCount);
        assert.equal(opened.trainableParameterCount, model.trainableParameterCount);
        for (let seed = 0; seed < 3; seed++) {
          const segment = randomSegment(TINY, seed);
          assert.equal(opened.evaluate(segment).loss, model.evaluate(segment).loss);
        }
        assertSameBits(opened.logits(), model.logits(), 'logits');
        assert.deepEqual(opened.saveCheckpoint(), file);
      });
    }

    test('classifier: the same bits and probabilities', () => {
      const model = liven(bench.classifier(TINY_CLASSIFIER));
      const batch = randomBatch(TINY_CLASSIFIER, 1);
      model.trainStep({ ...batch, learningRate: 0.01 });
      const opened = bench.openClassifier(model.saveCheckpoint({ optimizer: true }));
      assertSameParameters(parametersOf(opened), parametersOf(model));
      assertSameBits(opened.predict(batch.inputs), model.predict(batch.inputs), 'probabilities');
      assert.equal(opened.step, 1);
      model.trainStep({ ...batch, learningRate: 0.01 });
      opened.trainStep({ ...batch, learningRate: 0.01 });
      assertSameParameters(parametersOf(opened), parametersOf(model), 'after one more step');
    });

    test('a file at any byte of a larger array', () => {
      const model = bench.language(TINY);
      const file = model.saveCheckpoint();
      for (const offset of [1, 2, 3, 4, 7]) {
        const larger = new Uint8Array(file.length + 20).fill(0xff);
        larger.set(file, offset);
        const opened = bench.openLanguage(larger.subarray(offset, offset + file.length));
        assertSameParameters(parametersOf(opened), parametersOf(model));
      }
    });

    test('a Buffer, as readFileSync gives it', () => {
      const model = bench.language(TINY);
      const opened = bench.openLanguage(Buffer.from(model.saveCheckpoint()));
      assertSameParameters(parametersOf(opened), parametersOf(model));
    });

    test('the file is not kept: it may change after it was opened', () => {
      const model = bench.language(TINY);
      const file = model.saveCheckpoint();
      const opened = bench.openLanguage(file);
      file.fill(0);
      assertSameParameters(parametersOf(opened), parametersOf(model));
    });

    test('tensors in another order, a header without padding', () => {
      const model = bench.language(TINY);
      const file = withTensors(model.saveCheckpoint(), (pieces) => pieces.reverse());
      assertSameParameters(parametersOf(bench.openLanguage(file)), parametersOf(model));
    });

    test('metadata', () => {
      const metadata = {
        vocabulary: '{"kind":"character","characters":" abné漢😀\\u0000"}',
        'a "quoted" key': '\\ \n \u2028',
        empty: '',
        constructor: 'a name that objects have',
      };
      const model = bench.language(TINY);
      model.metadata = metadata;
      const opened = bench.openLanguage(model.saveCheckpoint());
      assert.deepEqual(opened.metadata, metadata);
      assert.deepEqual(bench.openLanguage(opened.saveCheckpoint()).metadata, metadata);
      const other = bench.openLanguage(model.saveCheckpoint({ metadata: { other: 'x' } }));
      assert.deepEqual(other.metadata, { other: 'x' });
      assertLayout(model.saveCheckpoint());
    });

    test('metadata cannot break the file', () => {
      const model = bench.language(TINY);
      for (const key of [CONFIG, 'hyperrouter.step', 'hyperrouter.topK']) {
        let file;
        try {
          file = model.saveCheckpoint({ metadata: { [key]: 'nonsense' } });
        } catch (error) {
          // Refusing a key of the engine is as good as ignoring it.
          assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
          assert.ok(error.message.includes(key));
          continue;
        }
        assertSameParameters(parametersOf(bench.openLanguage(file)), parametersOf(model), key);
      }
    });

    test('the number of experts per token, if it differs from the config', () => {
      const model = bench.language(TINY);
      model.topK = 4;
      assert.equal(bench.openLanguage(model.saveCheckpoint()).topK, 4);
      assert.equal(bench.openLanguage(model.saveCheckpoint(), { topK: 1 }).topK, 1);
      assert.equal(bench.openLanguage(model.saveCheckpoint()).config.topK, TINY.topK);
    });
  });

  describe('a run that was interrupted', () => {
    const base = { ...TINY, topK: 3, dropout: 0.2, attentionDropout: 0.1, weightDecay: 0.01 };
    /** @type {Record<string, LanguageConfig>} */
    const runs = {
      hyperrouter: { ...base, router: 'hyperrouter' },
      smoe: { ...base, router: 'smoe', loadBalanceWeight: 0.01, routerZWeight: 0.001, preLayerNorm: true },
      'smoe-dropout': { ...base, router: 'smoe-dropout', beta1: 0.8, beta2: 0.95, epsilon: 1e-6 },
      dense: { ...base, router: 'dense' },
    };
    for (const [name, config] of Object.entries(runs)) {
      test(`${name}: continues with the same bits`, async () => {
        const steps = 7;
        const whole = bench.language(config);
        const losses = trainSome(whole, 0, steps);
        for (const cut of [0, 3, 4]) {
          const first = bench.language(config);
          const before = trainSome(first, 0, cut);
          const file = first.saveCheckpoint({ optimizer: true });
          const fresh = await load({ variant: bench.variant });
          const second = /** @type {LanguageModel} */ (fresh.loadCheckpoint(file));
          assert.equal(second.step, cut);
          assert.equal(second.topK, first.topK);
          assert.deepEqual(second.saveMemory(), first.saveMemory());
          assert.deepEqual([...before, ...trainSome(second, cut, steps)], losses);
          assertSameParameters(parametersOf(second), parametersOf(whole), `cut at ${cut}`);
          // The bytes hold the moments, the memory and the step too.
          assert.deepEqual(
            second.saveCheckpoint({ optimizer: true }),
            whole.saveCheckpoint({ optimizer: true }),
          );
          fresh.dispose();
        }
      });
    }

    test('it would show: without the optimizer state the run is another one', () => {
      const whole = bench.language(runs.hyperrouter);
      trainSome(whole, 0, 4);
      const first = bench.language(runs.hyperrouter);
      trainSome(first, 0, 2);
      const second = bench.openLanguage(first.saveCheckpoint());
      assert.equal(second.step, 0);
      assert.equal(second.saveMemory().length, 0);
      trainSome(second, 2, 4);
      assert.throws(() => assertSameParameters(parametersOf(second), parametersOf(whole)), /differs first/);
    });

    test('a memory that was not full yet, or of fewer streams than planned', () => {
      const model = liven(bench.language(TINY));
      const segment = { inputs: Int32Array.of(1, 2, 3, 4), targets: Int32Array.of(2, 3, 4, 5), length: 2 };
      model.evaluate(segment);
      const opened = bench.openLanguage(model.saveCheckpoint({ optimizer: true }));
      const { length, batch } = opened.saveMemory();
      assert.deepEqual([length, batch], [2, 2]);
      assert.equal(opened.evaluate(segment).loss, model.evaluate(segment).loss);
    });

    test('opened with less memory or fewer streams it starts with an empty memory', () => {
      const model = bench.language(TINY);
      trainSome(model, 0, 2);
      const file = model.saveCheckpoint({ optimizer: true });
      assert.equal(bench.openLanguage(file).saveMemory().length, TINY.memoryLength);
      assert.equal(bench.openLanguage(file, { memoryLength: 20 }).saveMemory().length, TINY.memoryLength);
      for (const config of [{ memoryLength: 6 }, { memoryLength: 0 }, { batchSize: 2 }]) {
        const opened = bench.openLanguage(file, config);
        assert.equal(opened.saveMemory().length, 0);
        assert.equal(opened.step, 2);
      }
    });
  });
});
