/** Checkpoints that are broken or lie: each is refused with a CheckpointError, and nothing comes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CheckpointError } from '../../web/index.js';
import { liven, onEveryVariant, randomSegment, TINY, trainSome } from './helpers.js';
import {
  CONFIG,
  pieceOf,
  readSafetensors,
  sizeOf,
  withConfig,
  withHeader,
  withMetadata,
  withTensors,
  writeSafetensors,
  zeros,
} from './safetensors.js';

/** @import { FileTensor, Piece } from './safetensors.js' */

/**
 * @param {string} text JSON values without spaces inside
 * @returns {unknown[]}
 */
function valuesOf(text) {
  return text.split(/\s+/).map((value) => JSON.parse(value));
}

onEveryVariant((bench) => {
  /**
   * Opens what must not open, and makes sure that nothing came of it.
   * @param {Uint8Array} file
   * @param {string} what
   * @param {RegExp} [message]
   */
  const refuse = (file, what, message = /./) => {
    let error;
    try {
      bench.openLanguage(file);
    } catch (thrown) {
      error = thrown;
    }
    assert.ok(error instanceof CheckpointError, `${what}: ${error ?? 'it opened'}`);
    assert.match(error.message, message, what);
    bench.disposeModels();
  };

  /**
   * @param {string} name
   * @param {(file: Uint8Array) => void} check gets a good file
   * @param {boolean} [optimizer]
   */
  const check = (name, check, optimizer = false) => {
    test(name, () => {
      const model = liven(bench.language(TINY));
      if (optimizer) trainSome(model, 0, 1);
      const file = model.saveCheckpoint({ optimizer });
      const segment = { ...randomSegment(TINY, 1), carryMemory: false };
      const expected = model.evaluate(segment).loss;
      const before = bench.engine.memoryBytes;
      check(file);
      // Room for some models like this one, which has 150 kB.
      assert.ok(bench.engine.memoryBytes <= before + 2 ** 20, 'memory of the engine');
      assert.equal(bench.openLanguage(file).evaluate(segment).loss, expected, 'the engine still works');
    });
  };

  check('too short', (file) => {
    for (let length = 0; length < 8; length++) {
      refuse(file.subarray(0, length), `${length} bytes`, new RegExp(`has ${length} bytes: too short`));
    }
    refuse(file.subarray(0, 8), '8 bytes');
    refuse(new Uint8Array(8), 'a header of length 0');
    refuse(new Uint8Array(1000), 'zeros');
    refuse(new TextEncoder().encode('<!doctype html><title>404</title>'), 'a web page');
  });

  check('cut off anywhere', (file) => {
    const { headerBytes } = readSafetensors(file);
    for (let length = 8; length < file.length; length += length < headerBytes + 100 ? 13 : 997) {
      refuse(file.subarray(0, length), `cut to ${length} bytes`);
    }
    refuse(file.subarray(0, file.length - 1), 'one byte too few');
    const longer = new Uint8Array(file.length + 1);
    longer.set(file);
    refuse(longer, 'one byte too many');
  });

  check('a length of the header that lies', (file) => {
    const beyond = BigInt(file.length - 7);
    const lengths = [0n, 1n, beyond, 100_000_001n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];
    const { headerBytes } = readSafetensors(file);
    for (const length of [...lengths, BigInt(headerBytes - 8), BigInt(headerBytes + 8)]) {
      const lying = file.slice();
      new DataView(lying.buffer).setBigUint64(0, length, true);
      refuse(lying, `a header of ${length} bytes`);
      if (length > beyond) refuse(lying, `a header of ${length} bytes`, new RegExp(`${length} bytes`));
    }
  });

  check('a header that is not a JSON object', (file) => {
    const { data } = readSafetensors(file);
    const headers = ['', ' ', '{', '{}}', '{"a":}', 'null', '[]', '7', '"{}"', 'true', '{"a":1', 'NaN'];
    for (const header of headers) refuse(writeSafetensors(header, data), header, /header/);
    refuse(writeSafetensors('['.repeat(100_000), data), 'deep nesting', /header/);
    refuse(writeSafetensors(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, data), 'deep objects');
    refuse(writeSafetensors(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), data), 'not UTF-8', /header/);
    refuse(writeSafetensors('{}', new Uint8Array(0)), 'nothing in it');
    refuse(writeSafetensors('{}', data), 'data of no tensor');
  });

  check('tensors that are described wrongly', (file) => {
    const name = 'r_w_bias';
    for (const entry of valuesOf('null 7 [] "F32" {}')) {
      const lying = withHeader(file, (header) => {
        header[name] = entry;
      });
      refuse(lying, JSON.stringify(entry), /tensor "r_w_bias"/);
    }
    const members = {
      dtype: 'null 7 "" "f32" "F99" "F64" "I32" "U8" "constructor" "__proto__" ["F32"]',
      shape: `null "x" {} [] [15] [5,3] [3,5,1] [-3,-5] [3.5,5] ["3","5"] [[3],[5]] [null,5] [0,5]
          [2147483648,2147483648] [4294967296,4294967296] [4294967296,4294967296,0] [1e300,1e300]
          [9007199254740991,9007199254740991] [9007199254740992,1] [${'1,'.repeat(999)}1] [${'2,'.repeat(999)}2]`,
      data_offsets: `null 7 {} [] [0] [0,60,120] ["0","60"] [-60,0] [-1,59] [0.5,60.5] [60,0] [null,null]
          [0,1e300] [4294967296,4294967356] [9007199254740931,9007199254740991] [9007199254740992,9007199254741052]`,
    };
    for (const [member, wrong] of Object.entries(members)) {
      for (const value of [undefined, ...valuesOf(wrong)]) {
        const lying = withHeader(file, (header) => {
          header[name][member] = value;
        });
        refuse(lying, `${member} ${JSON.stringify(value)}`, /tensor "/);
      }
    }
  });

  check('tensors that overlap, leave gaps or lie outside', (file) => {
    const { entries, data } = readSafetensors(file);
    const names = Object.keys(entries);
    /**
     * @param {string} name
     * @param {number} by
     */
    const moved = (name, by) =>
      withHeader(file, (header) => {
        const { data_offsets: offsets } = /** @type {FileTensor} */ (header[name]);
        header[name].data_offsets = [offsets[0] + by, offsets[1] + by];
      });
    refuse(moved(names[1], -4), 'over the one before', /overlaps/);
    refuse(moved(names[1], 4), 'over the next', /overlaps|gap/);
    refuse(moved(names[0], 4), 'a gap at the start', /overlaps|gap/);
    refuse(moved(/** @type {string} */ (names.at(-1)), 4), 'behind the end', /should lie at bytes/);
    refuse(moved(names[1], 1e12), 'far behind the end', /should lie at bytes/);
    const twice = withHeader(file, (header) => {
      header.r_r_bias.data_offsets = header.r_w_bias.data_offsets;
    });
    refuse(twice, 'two in one place', /overlaps|gap/);
    const padded = writeSafetensors({ ...entries }, new Uint8Array([...data, 0, 0, 0, 0]));
    refuse(padded, 'bytes of no tensor', /bytes of data/);
    const inside = withTensors(file, (pieces) => {
      pieces.splice(2, 0, zeros('extra', [3]));
    });
    refuse(
      withHeader(inside, (header) => {
        delete header.extra;
      }),
      'a gap between two',
      /gap of 12 bytes/,
    );
  });

  check('tensors of another dtype or shape, well formed', (file) => {
    /** @type {[string, (piece: Piece) => void, RegExp][]} */
    const changes = [
      [
        'double',
        (p) => Object.assign(p, zeros(p.name, p.shape, 'F64', 8)),
        /dtype F32, F16 or BF16, got F64/,
      ],
      ['integers', (p) => Object.assign(p, { dtype: 'I32' }), /dtype F32, F16 or BF16, got I32/],
      [
        'transposed',
        (p) => Object.assign(p, { shape: p.shape.toReversed() }),
        /must have the shape \[19, 14\]/,
      ],
      [
        'flat',
        (p) => Object.assign(p, { shape: [sizeOf(p.shape)] }),
        /must have the shape \[19, 14\], got \[266\]/,
      ],
      ['one more', (p) => Object.assign(p, zeros(p.name, [20, 14])), /must have the shape .* got \[20, 14\]/],
      ['empty', (p) => Object.assign(p, zeros(p.name, [0, 14])), /must have the shape .* got \[0, 14\]/],
      ['a scalar', (p) => Object.assign(p, zeros(p.name, [])), /must have the shape .* got \[\]/],
    ];
    for (const [what, change, message] of changes) {
      const name = 'word_emb.emb_layers.0.weight';
      const wrong = withTensors(file, (pieces) => void change(pieceOf(pieces, name)));
      refuse(wrong, what, message);
      refuse(wrong, what, /word_emb\.emb_layers\.0\.weight/);
    }
  });

  check('tensors that are missing or too many', (file) => {
    for (const name of Object.keys(readSafetensors(file).entries)) {
      const without = withTensors(file, (pieces) => pieces.filter((piece) => piece.name !== name));
      refuse(without, `without ${name}`, /is missing/);
      refuse(without, `without ${name}`, new RegExp(`"${name.replaceAll('.', '\\.')}"`));
    }
    const names = [
      'extra',
      '',
      '__proto__',
      'layers.2.dec_attn.o_net.weight',
      'input.bias',
      'optimizer.m.no',
    ];
    for (const name of names) {
      refuse(
        withTensors(file, (pieces) => [...pieces, zeros(name, [2])]),
        `with ${JSON.stringify(name)}`,
        /tensor "/,
      );
    }
  });

  check('metadata and config that are wrong', (file) => {
    for (const value of [null, 7, 'x', [], ['a'], { a: 1 }, { a: null }, { [CONFIG]: {} }]) {
      const wrong = withHeader(file, (header) => {
        header.__metadata__ = value;
      });
      refuse(wrong, `__metadata__ ${JSON.stringify(value)}`);
    }
    const texts = ['', 'null', '[]', '7', '"x"', '{', 'undefined', '['.repeat(1e5)];
    for (const text of texts) refuse(withMetadata(file, { [CONFIG]: text }), `config ${text.slice(0, 30)}`);
    /** @type {[Record<string, unknown>, RegExp][]} */
    const configs = [
      [{ vocabSize: 0 }, /config\.vocabSize .*got 0/],
      [{ vocabSize: -1 }, /config\.vocabSize .*got -1/],
      [{ vocabSize: 1.5 }, /config\.vocabSize .*got 1\.5/],
      [{ vocabSize: '19' }, /config\.vocabSize .*got "19"/],
      [{ vocabSize: null }, /config\.vocabSize .*got null/],
      [{ layers: 1e9 }, /config\.layers .*got 1000000000/],
      [{ dModel: 15 }, /config\.dModel must be even/],
      [{ topK: 5 }, /config\.topK .*got 5/],
      [{ router: 'random' }, /config\.router .*got "random"/],
      [{ router: 0 }, /config\.router .*got 0/],
      [{ dropout: 1 }, /config\.dropout .*got 1/],
      [{ preLayerNorm: 1 }, /config\.preLayerNorm .*got 1/],
      [{ router: 'smoe-dropout', loadBalanceWeight: 1 }, /config\.loadBalanceWeight/],
      [{ gate: 'relu', capacityFactor: 1 }, /config\.capacityFactor/],
      [{ gate: 'random' }, /config\.gate .*got "random"/],
      [{ seed: -1 }, /config\.seed .*got -1/],
      [{ colour: 'red' }, /config\.colour is not a key/],
      [{ inputSize: 2 }, /config\.inputSize is not a key/],
    ];
    for (const [changes, message] of configs) {
      refuse(
        withConfig(file, changes),
        JSON.stringify(changes),
        /hyperrouter\.config in the file is invalid/,
      );
      refuse(withConfig(file, changes), JSON.stringify(changes), message);
    }
    refuse(
      withMetadata(file, { [CONFIG]: '{"__proto__":{"vocabSize":19}}' }),
      '__proto__',
      /config\.__proto__ is not a key/,
    );
    refuse(withMetadata(file, { [CONFIG]: '{"dropout":1e999}' }), 'infinity', /config\.dropout/);
  });

  check('a config that is not the one of the tensors', (file) => {
    for (const changes of [
      { layers: 1 },
      { layers: 3 },
      { dInner: 12 },
      { experts: 5 },
      { router: 'smoe' },
    ]) {
      refuse(withConfig(file, changes), JSON.stringify(changes), /tensor "/);
    }
  });

  check('a config that asks for much more memory than the file has tensors', (file) => {
    const huge = [
      { vocabSize: 100_000 },
      { dModel: 1024, dInner: 1024 },
      { vocabSize: 2 ** 20, dModel: 2 ** 9 },
      { vocabSize: 2 ** 20, dModel: 2 ** 14 },
      { layers: 128, dInner: 2 ** 16, experts: 1024 },
    ];
    for (const changes of huge) refuse(withConfig(file, changes), JSON.stringify(changes), /tensor "/);
    refuse(withMetadata(file, { [CONFIG]: '{}' }), 'defaults', /tensor "/);
  });

  check('steps and numbers of experts that are none', (file) => {
    const steps = ['', 'x', '-1', '1.5', '1e3', '0x10', ' 5', '5 ', 'NaN', 'Infinity', '9'.repeat(17)];
    for (const step of [...steps, '9007199254740992']) {
      refuse(withMetadata(file, { 'hyperrouter.step': step }), `step ${step}`, /hyperrouter\.step must be/);
    }
    for (const topK of ['', 'x', '0', '5', '-1', '1.5', '1e0']) {
      refuse(withMetadata(file, { 'hyperrouter.topK': topK }), `topK ${topK}`, /hyperrouter\.topK must be/);
    }
  });

  check(
    'optimizer state and memory that are incomplete or wrong',
    (file) => {
      const names = Object.keys(readSafetensors(file).entries);
      const state = names.filter((name) => /^(optimizer|state)\./.test(name));
      assert.ok(state.some((name) => name.startsWith('state.memory.1')));
      for (const name of state) {
        // The first layer's memory tells that there is one.
        if (name === 'state.memory.0') continue;
        const without = withTensors(file, (pieces) => pieces.filter((piece) => piece.name !== name));
        refuse(without, `without ${name}`, /is missing/);
      }
      for (const name of [
        'optimizer.m.r_w_bias',
        'optimizer.v.word_emb.emb_layers.0.weight',
        'state.memory.1',
      ]) {
        const half = withTensors(file, (pieces) => {
          const piece = pieceOf(pieces, name);
          Object.assign(piece, zeros(name, piece.shape, 'F16', 2));
        });
        refuse(half, `${name} in half precision`, /dtype F32, got F16/);
        const flat = withTensors(file, (pieces) => {
          const piece = pieceOf(pieces, name);
          piece.shape = [sizeOf(piece.shape)];
        });
        refuse(flat, `${name} flat`, /must have the shape/);
      }
      const frozen = withTensors(file, (pieces) => {
        pieces.push(zeros('optimizer.m.layers.0.pos_ff.gate.hypernet.0.bias', [9]));
      });
      refuse(frozen, 'moments of what is frozen', /is not a parameter of this model/);
    },
    true,
  );

  check(
    'a memory of no streams is refused, or it is none',
    (file) => {
      // A model that took over rows of no stream would refuse every batch.
      const odd = withTensors(file, (pieces) => {
        for (const name of ['state.memory.0', 'state.memory.1']) {
          Object.assign(pieceOf(pieces, name), zeros(name, [0, 3, TINY.dModel]));
        }
      });
      try {
        assert.ok(bench.openLanguage(odd).evaluate(randomSegment(TINY, 1)).loss > 0);
      } catch (error) {
        assert.ok(error instanceof CheckpointError, String(error));
      }
    },
    true,
  );
});
