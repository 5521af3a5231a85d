/** Checkpoints: files of the published code, and what a file may be opened with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CheckpointError, OutOfMemoryError } from '../../web/index.js';
import {
  assertSameParameters,
  errorOf,
  liven,
  onEveryVariant,
  parametersOf,
  randomSegment,
  TINY,
} from './helpers.js';
import { CONFIG, pieceOf, withHeader, withTensors, zeros } from './safetensors.js';

/** @param {string} name */
function golden(name) {
  return new Uint8Array(readFileSync(new URL(`../golden/${name}/model.safetensors`, import.meta.url)));
}

onEveryVariant((bench) => {
  describe('files of the published code', () => {
    // Its state_dict has these besides, and no config.
    /** @param {Uint8Array} file */
    const published = (file) =>
      withTensors(file, (pieces, metadata) => {
        const { layers, dModel, experts, router } = JSON.parse(metadata[CONFIG]);
        delete metadata[CONFIG];
        const { bytes, shape } = pieceOf(pieces, 'word_emb.emb_layers.0.weight');
        pieces.unshift({ name: 'crit.out_layers.0.weight', dtype: 'F32', shape, bytes });
        pieces.unshift(zeros('pos_emb.inv_freq', [dModel / 2]));
        for (let i = 0; i < layers && router === 'hyperrouter'; i++) {
          pieces.push(zeros(`layers.${i}.pos_ff.gate.gate.weight`, [experts, dModel]));
          pieces.push(zeros(`layers.${i}.pos_ff.gate.gate.bias`, [experts]));
        }
      });

    for (const name of ['hyperrouter', 'hyperrouter-pre-layer-norm', 'smoe', 'smoe-dropout', 'dense']) {
      test(`${name}: opens with the config of the caller`, () => {
        const model = bench.openLanguage(golden(name));
        const opened = bench.openLanguage(published(golden(name)), model.config);
        assertSameParameters(parametersOf(opened), parametersOf(model));
        assert.deepEqual(opened.config, model.config);
        const segment = randomSegment(model.config, 1);
        assert.equal(opened.evaluate(segment).loss, model.evaluate(segment).loss);
      });
    }

    test('without __metadata__', () => {
      const { config } = bench.openLanguage(golden('hyperrouter'));
      const file = withHeader(published(golden('hyperrouter')), (header) => {
        delete header.__metadata__;
      });
      assert.equal(bench.openLanguage(file, config).config.router, 'hyperrouter');
    });

    test('without a config it cannot be opened', () => {
      const error = errorOf(() => bench.engine.loadCheckpoint(published(golden('hyperrouter'))));
      assert.ok(error instanceof CheckpointError);
      assert.match(error.message, /no hyperrouter\.config .* pass the config/);
    });

    test('a config other than that of the file', () => {
      const { config } = bench.openLanguage(golden('hyperrouter'));
      const file = published(golden('hyperrouter'));
      const wrong = [{ dInner: 25 }, { vocabSize: 31 }, { layers: 1 }, { layers: 3 }, { router: 'smoe' }];
      for (const change of wrong) {
        const open = () => bench.engine.loadCheckpoint(file, /** @type {any} */ ({ ...config, ...change }));
        assert.ok(errorOf(open) instanceof CheckpointError, JSON.stringify(change));
      }
    });
  });

  describe('what may be changed when opening', () => {
    test('batchSize, contextLength, memoryLength, topK, and what is for training only', () => {
      const model = liven(bench.language(TINY));
      const file = model.saveCheckpoint();
      const changes = {
        batchSize: 5,
        contextLength: 9,
        memoryLength: 3,
        topK: 4,
        dropout: 0.5,
        weightDecay: 0.25,
        seed: 99,
      };
      const opened = bench.openLanguage(file, changes);
      assert.deepEqual(opened.config, { ...model.config, ...changes });
      assert.equal(opened.topK, 4);
      assertSameParameters(parametersOf(opened), parametersOf(model));
      const segment = randomSegment(TINY, 1);
      opened.topK = TINY.topK;
      assert.equal(opened.evaluate(segment).loss, model.evaluate(segment).loss);
      const { inputs, targets } = randomSegment({ ...TINY, batchSize: 5, contextLength: 9 }, 2);
      assert.ok(Number.isFinite(opened.evaluate({ inputs, targets, length: 9, carryMemory: false }).loss));
    });

    test('undefined values mean the default', () => {
      const file = bench.language(TINY).saveCheckpoint();
      assert.equal(bench.openLanguage(file, { batchSize: undefined, dModel: undefined }).config.batchSize, 3);
    });

    test('keys that set shapes must agree with the file', () => {
      const model = bench.language(TINY);
      const file = model.saveCheckpoint();
      const keys = bench.engine.configFields('language').filter(({ shape }) => shape);
      assert.ok(keys.length >= 8);
      for (const { name, type } of keys) {
        const value = /** @type {Record<string, unknown>} */ (model.config)[name];
        const other = type === 'choice' ? 'smoe' : type === 'boolean' ? !value : Number(value) + 2;
        bench.openLanguage(file, { [name]: value });
        const error = errorOf(() => bench.engine.loadCheckpoint(file, { [name]: other }));
        assert.ok(error instanceof RangeError, `${name}: ${error}`);
        assert.ok(error.message.includes(`config.${name}`), error.message);
        assert.ok(error.message.includes(String(value)) && error.message.includes(String(other)));
      }
    });

    test('invalid values are refused as at creation', () => {
      const file = bench.language(TINY).saveCheckpoint();
      /** @type {[unknown, ErrorConstructor, RegExp][]} */
      const wrong = [
        [{ topK: 5 }, RangeError, /config\.topK must be from 1 to 4 .*got 5/],
        [{ topK: 0 }, RangeError, /config\.topK .*got 0/],
        [{ batchSize: 1.5 }, RangeError, /config\.batchSize must be an integer .*got 1\.5/],
        [{ batchSize: '3' }, TypeError, /config\.batchSize .*got "3"/],
        [{ contextLength: 0 }, RangeError, /config\.contextLength .*got 0/],
        [{ memoryLength: -1 }, RangeError, /config\.memoryLength .*got -1/],
        [{ colour: 1 }, TypeError, /config\.colour is not a key/],
        [null, TypeError, /config must be an object, got null/],
        [[], TypeError, /config must be an object, got an array/],
        [7, TypeError, /config must be an object, got 7/],
      ];
      for (const [config, type, message] of wrong) {
        assert.throws(
          () => bench.engine.loadCheckpoint(file, /** @type {any} */ (config)),
          (error) => {
            assert.ok(error instanceof type, `${error}`);
            assert.match(error.message, message);
            return true;
          },
        );
      }
    });

    test('bytes must be bytes', () => {
      for (const bytes of [undefined, null, 'file', 7, [1, 2], new Float32Array(9), {}]) {
        const error = errorOf(() => bench.engine.loadCheckpoint(/** @type {any} */ (bytes)));
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /^bytes must be a Uint8Array or an ArrayBuffer, got /);
      }
    });

    test('opening a model that is too large differs from opening a broken file', () => {
      const file = bench.language(TINY).saveCheckpoint();
      const before = bench.engine.memoryBytes;
      const error = errorOf(() => bench.engine.loadCheckpoint(file, { batchSize: 2 ** 20 }));
      assert.ok(error instanceof OutOfMemoryError, String(error));
      assert.ok(error.bytes > 2 ** 32);
      assert.equal(bench.engine.memoryBytes, before);
    });

    test('a small file does not get a large memory, unless the caller gives its sizes', () => {
      const config = { ...TINY, layers: 1, dModel: 2, dHead: 1, heads: 1, dInner: 1 };
      const file = withTensors(bench.language(config).saveCheckpoint(), (_, metadata) => {
        metadata[CONFIG] = metadata[CONFIG].replace('"batchSize":3', '"batchSize":700000');
      });
      const before = bench.engine.memoryBytes;
      for (const open of [
        () => bench.engine.loadCheckpoint(file),
        () => bench.engine.createTextClassifier({}, { from: file }),
      ]) {
        const error = errorOf(open);
        assert.ok(error instanceof CheckpointError, String(error));
        const why =
          /^the file has \d{4} bytes, but its model would take \d{10} bytes of memory with batchSize 700000, contextLength 6, .*; pass your own$/;
        assert.match(error.message, why);
      }
      const large = withTensors(bench.language(config).saveCheckpoint(), (_, metadata) => {
        metadata[CONFIG] = metadata[CONFIG]
          .replace('"dInner":1', '"dInner":50000')
          .replace('"experts":4', '"experts":400');
      });
      const error = errorOf(() => bench.engine.createTextClassifier({}, { from: large }));
      assert.match(error.message, /^the file has .* dInner 50000, .*experts 400/);
      assert.equal(bench.engine.memoryBytes, before);
      assert.equal(bench.openLanguage(file, { batchSize: 3 }).config.batchSize, 3);
    });
  });
});
