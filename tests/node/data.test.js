import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Batches,
  BpeVocabulary,
  evaluateVectors,
  Standardizer,
  splitVectors,
  vocabularyFromJSON,
} from '../../web/index.js';
import { assertNear, liven, onEveryVariant, randomBatch, TINY_CLASSIFIER } from './helpers.js';

/** Vectors that know their number: [i, -i], class i. @param {number} count */
function numbered(count) {
  return {
    inputs: Float32Array.from({ length: 2 * count }, (_, i) => (i % 2 ? -1 : 1) * Math.floor(i / 2)),
    targets: Int32Array.from({ length: count }, (_, i) => i),
  };
}

/** @param {{ inputs: Float32Array, targets: Int32Array }} data */
function assertPaired({ inputs, targets }) {
  assert.equal(inputs.length, 2 * targets.length);
  for (const [i, target] of targets.entries()) {
    assert.deepEqual([inputs[2 * i], inputs[2 * i + 1]], [target, 0 - target]);
  }
}

describe('splitVectors', () => {
  it('holds out vectors at random, each in one part', () => {
    const data = numbered(20);
    data.inputs[1] = 0;
    const { train, validation } = splitVectors(data, { validation: 0.25 });
    assert.equal(validation.targets.length, 5);
    assertPaired(train);
    assertPaired(validation);
    const all = [...train.targets, ...validation.targets];
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      [...data.targets],
    );
    assert.notDeepEqual(all, [...data.targets]);
    assert.deepEqual(splitVectors(data, { validation: 0.25 }), { train, validation });
    assert.notDeepEqual(splitVectors(data, { validation: 0.25, seed: 1 }), { train, validation });
  });

  it('refuses values that are not data', () => {
    assert.throws(() => splitVectors(numbered(4), { validation: 1 }), RangeError);
    assert.throws(
      () => splitVectors({ inputs: new Float32Array(5), targets: new Int32Array(2) }),
      RangeError,
    );
    assert.throws(() => splitVectors(/** @type {any} */ ({ inputs: ['1'], targets: [1] })), TypeError);
    assert.throws(
      () => splitVectors(/** @type {any} */ ({ inputs: [1, 2], targets: [1], name: 'x' })),
      /data\.name is not a key/,
    );
  });
});

describe('Batches', () => {
  it('gives every vector once per epoch, in another order each time', () => {
    const data = numbered(10);
    const batches = new Batches(data, { batchSize: 4 });
    assert.equal(batches.batches, 3);
    const passes = [0, 1].map((pass) => {
      return [0, 1, 2].flatMap((step) => {
        const { inputs, targets, epoch } = batches.at(3 * pass + step);
        assert.equal(epoch, pass);
        assertPaired({ inputs: inputs.map((x) => x + 0), targets });
        return [...targets];
      });
    });
    for (const pass of passes)
      assert.deepEqual(
        pass.toSorted((a, b) => a - b),
        [...data.targets],
      );
    assert.notDeepEqual(passes[0], passes[1]);
  });

  it('depends only on the number of the step', () => {
    const [one, other] = [0, 1].map(() => new Batches(numbered(10), { batchSize: 3, seed: 5 }));
    const later = other.at(17);
    for (let step = 0; step < 17; step++) one.at(step);
    assert.deepEqual(one.at(17), later);
  });

  it('refuses invalid sizes and steps', () => {
    assert.throws(() => new Batches(numbered(4), { batchSize: 0 }), RangeError);
    assert.throws(() => new Batches(numbered(4), { batchSize: 2 }).at(-1), RangeError);
  });
});

describe('Standardizer', () => {
  it('gives mean 0 and deviation 1, and 0 where nothing varies', () => {
    const inputs = Float32Array.of(1, 5, 10, 3, 5, 20, 5, 5, 30);
    const standardizer = Standardizer.fit(inputs, 3);
    const out = standardizer.apply(inputs);
    for (const feature of [0, 2]) {
      const column = [0, 1, 2].map((row) => out[3 * row + feature]);
      assertNear(column.reduce((a, b) => a + b) / 3, 0, 1e-6, 'mean');
      assertNear(column.reduce((a, b) => a + b * b, 0) / 3, 1, 1e-6, 'variance');
    }
    assert.deepEqual([out[1], out[4], out[7]], [0, 0, 0]);
    const again = new Standardizer(JSON.parse(JSON.stringify(standardizer)));
    assert.deepEqual(again.apply(inputs), out);
  });

  it('refuses other sizes', () => {
    assert.throws(() => Standardizer.fit(new Float32Array(4), 3), RangeError);
    assert.throws(() => Standardizer.fit(new Float32Array(6), 3).apply(new Float32Array(4)), RangeError);
  });
});

/** Knows every character by its code, and two words. */
const WORDS = ['the ', 'cat'];
const tokenizer = {
  /** @param {string} text */
  encode(text) {
    return [...text.matchAll(/the |cat|./gsu)].map(([part]) => {
      const word = WORDS.indexOf(part);
      return word >= 0 ? 100_000 + word : Number(part.codePointAt(0));
    });
  },
  /** @param {number[]} tokens */
  decode: (tokens) => tokens.map((id) => WORDS[id - 100_000] ?? String.fromCodePoint(id)).join(''),
};

describe('BpeVocabulary', () => {
  it('is reduced to the tokens of a text', () => {
    const vocabulary = BpeVocabulary.fromText(tokenizer, 'the cat sees the café');
    assert.equal(vocabulary.size, 128 + 2 + 1);
    const tokens = vocabulary.encode('the cat');
    assert.equal(tokens.length, 2);
    assert.ok(tokens instanceof Int32Array && tokens.every((id) => id < vocabulary.size));
    assert.equal(vocabulary.decode(tokens), 'the cat');
    assert.equal(vocabulary.byteLength(vocabulary.encode('é')), 2);
    const decoder = vocabulary.decoder();
    assert.equal([...tokens].map((token) => decoder.push(token)).join('') + decoder.end(), 'the cat');
  });

  it('spells unknown words, and refuses unknown characters', () => {
    const vocabulary = BpeVocabulary.fromText(tokenizer, 'nothing');
    assert.equal(vocabulary.decode(vocabulary.encode('the cat')), 'the cat');
    assert.equal(vocabulary.encode('the cat').length, 7);
    assert.throws(() => vocabulary.encode('é'), /text has "é"/);
    assert.throws(() => vocabulary.decode([vocabulary.size]), RangeError);
  });

  it('is restored from JSON with its tokenizer', () => {
    const vocabulary = BpeVocabulary.fromText(tokenizer, 'the cat');
    const json = JSON.stringify(vocabulary);
    assert.deepEqual(BpeVocabulary.fromJSON(json, tokenizer).encode('the cat'), vocabulary.encode('the cat'));
    assert.throws(() => vocabularyFromJSON(json), /needs its tokenizer/);
    assert.throws(() => BpeVocabulary.fromJSON({ kind: 'byte' }, tokenizer), TypeError);
    assert.throws(() => new BpeVocabulary(/** @type {any} */ ({}), [1]), TypeError);
  });
});

onEveryVariant((bench) => {
  it('evaluateVectors: loss and accuracy over all batches', async () => {
    const model = liven(bench.classifier(TINY_CLASSIFIER));
    const data = randomBatch({ ...TINY_CLASSIFIER, batchSize: 19 }, 3);
    const { loss, accuracy, count } = await evaluateVectors(model, data);
    assert.equal(count, 19);
    let [nats, right] = [0, 0];
    data.targets.forEach((target, i) => {
      const p = model.predict(data.inputs.slice(3 * i, 3 * i + 3));
      nats -= Math.log(p[target]) / 19;
      right += Number(p.indexOf(Math.max(...p)) === target) / 19;
    });
    assertNear(loss, nats, 1e-5, 'loss');
    assertNear(accuracy, right, 1e-9, 'accuracy');
    const aborted = AbortSignal.abort();
    await assert.rejects(evaluateVectors(model, data, { signal: aborted }), { name: 'AbortError' });
  });
});
