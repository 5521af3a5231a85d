/** Files with numbers of 16 bits: every value, rounding, and models that are saved and opened. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { narrow, tooLarge, widen } from '../../web/checkpoint/half.js';
import { errorOf, liven, onEveryVariant, randomIds, TINY, TINY_CLASSIFIER } from './helpers.js';

const EVERY = Uint16Array.from({ length: 65536 }, (_, i) => i);

/** By the definitions of the formats. @type {Record<string, (bits: number) => number>} */
const VALUE = {
  F16: (bits) => decode(bits, 5, 10),
  BF16: (bits) => decode(bits, 8, 7),
};

/** @param {number} bits @param {number} exponentBits @param {number} mantissaBits */
function decode(bits, exponentBits, mantissaBits) {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = bits & (2 ** mantissaBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits);
  return sign * (1 + mantissa * 2 ** -mantissaBits) * 2 ** (exponent - bias);
}

for (const dtype of /** @type {const} */ (['F16', 'BF16'])) {
  const values = widen(new Uint8Array(EVERY.buffer), dtype);

  it(`${dtype}: every value is widened exactly, and narrowed to itself`, () => {
    values.forEach((value, bits) => {
      assert.ok(Object.is(value, VALUE[dtype](bits)), `${bits}: ${value}`);
    });
    const finite = EVERY.filter((bits) => Number.isFinite(values[bits]));
    assert.deepEqual(
      narrow(
        Float32Array.from(finite, (bits) => values[bits]),
        dtype,
      ),
      finite,
    );
  });

  it(`${dtype}: what lies between two values goes to the nearer one, from the middle to the even one`, () => {
    for (let bits = 0; Number.isFinite(values[bits + 1]); bits += 7) {
      const [low, high] = [values[bits], values[bits + 1]];
      const middle = (low + high) / 2;
      // Not below the numbers of a float itself.
      if (Math.fround(middle) !== middle || middle === low || middle === high) continue;
      const part = (high - low) / 8;
      const near = Float32Array.of(
        middle - part,
        middle,
        middle + part,
        part - middle,
        -middle,
        -middle - part,
      );
      const even = bits % 2 === 0 ? bits : bits + 1;
      const sign = 32768;
      const expected = [bits, even, bits + 1, sign + bits, sign + even, sign + bits + 1];
      assert.deepEqual([...narrow(near, dtype)], expected, `above ${low}`);
    }
  });

  it(`${dtype}: what is too large is found`, () => {
    const largest = values.filter(Number.isFinite).reduce((a, b) => Math.max(a, b));
    assert.equal(tooLarge(Float32Array.of(largest, -largest), dtype), undefined);
    const more = Math.fround(largest * (1 + 2 ** -12));
    assert.deepEqual(tooLarge(Float32Array.of(0, -more), dtype), { value: -more, largest });
  });
}

onEveryVariant((bench) => {
  for (const dtype of /** @type {const} */ (['f16', 'bf16'])) {
    const type = /** @type {'F16' | 'BF16'} */ (dtype.toUpperCase());

    it(`${dtype}: a finished model is saved in half the space and opens with the rounded numbers`, () => {
      const models = [
        liven(bench.language({ ...TINY, balanceRate: 0.1 })),
        liven(bench.classifier({ ...TINY_CLASSIFIER, router: 'smoe', gate: 'sigmoid' })),
      ];
      for (const model of models) {
        model.topK = 1;
        const file = model.saveCheckpoint({ dtype, metadata: { note: 'half' } });
        const header = JSON.parse(
          new TextDecoder().decode(file.subarray(8, 8 + new DataView(file.buffer).getUint32(0, true))),
        );
        const { __metadata__, ...tensors } = header;
        assert.equal(Object.keys(tensors).length, model.parameters().length);
        for (const tensor of Object.values(tensors)) assert.equal(tensor.dtype, type);
        const opened = bench.engine.loadCheckpoint(file);
        assert.deepEqual(opened.config, model.config);
        assert.equal(opened.topK, 1);
        assert.deepEqual(opened.metadata, { note: 'half' });
        const whole = model.parameters();
        opened.parameters().forEach(({ name, data }, i) => {
          assert.deepEqual(data, widen(new Uint8Array(narrow(whole[i].data, type).buffer), type), name);
        });
        const numbers = model.parameterCount;
        const saved = model.saveCheckpoint({ metadata: { note: 'half' } }).length - file.length;
        assert.ok(Math.abs(saved - 2 * numbers) < 200, `${saved} bytes of ${2 * numbers}`);
        // What was rounded once stays as it is.
        assert.deepEqual(opened.saveCheckpoint({ dtype }), file);
        opened.dispose();
      }
    });

    it(`${dtype}: not while it is in training, and not what it cannot hold`, () => {
      const model = bench.classifier(TINY_CLASSIFIER);
      const error = errorOf(() => model.saveCheckpoint({ dtype, optimizer: true }));
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, `dtype must be "f32" together with optimizer: true, got "${dtype}"`);
      model.setParameter('output.bias', new Float32Array(TINY_CLASSIFIER.classes).fill(3.4e38));
      assert.throws(() => model.saveCheckpoint({ dtype }), {
        name: 'RangeError',
        message: /^dtype must be "f32": b?f16 holds up to .*, output\.bias has 3\.39.*e\+38, got "/,
      });
      assert.ok(model.saveCheckpoint({ dtype: 'f32' }).length > 0);
      assert.throws(
        () => model.saveCheckpoint({ dtype: /** @type {any} */ ('F16') }),
        /dtype must be one of "f32", "f16", "bf16", got "F16"/,
      );
    });
  }

  it('an opened model goes on training', async () => {
    const model = bench.language(TINY);
    const opened = bench.openLanguage(model.saveCheckpoint({ dtype: 'bf16' }));
    await opened.train(randomIds(400, TINY.vocabSize, 7), { steps: 3 });
    assert.equal(opened.step, 3);
  });
});
