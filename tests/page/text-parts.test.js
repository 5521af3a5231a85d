import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { signal } from '@preact/signals';
import { load } from 'hyperrouter-wasm';
import { edgeFacts, goesTo, sumWords, tokenAt } from '../../demo/stage/token.js';
import { cellOf, cellsOf } from '../../demo/text/cells.js';
import { frameViews } from '../../demo/text/frame.js';
import { createPointed } from '../../demo/text/pointed.js';
import { SymbolVocabulary } from '../../demo/text/vocabulary.js';
import { createTextModel, openTextModel } from '../../demo/trainer/text-model.js';
import { TextTrainer } from '../../demo/trainer/text-trainer.js';

const words = 'The whale and the sea and the ship that sails the sea.\n\nÅhab’s 3 whales; ';
const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);
const text = { bytes: utf8(words.repeat(60)) };

describe('word pieces', () => {
  it('write any text of their characters, shorter than characters do', () => {
    const vocabulary = SymbolVocabulary.ofPieces(text.bytes);
    const { tokens, unknown } = vocabulary.encode(text.bytes);
    assert.equal(unknown, null);
    assert.equal(vocabulary.decode(tokens), words.repeat(60));
    assert.equal(vocabulary.byteLength(tokens), text.bytes.length);
    assert.ok(tokens.length < text.bytes.length / 3, `${tokens.length}`);
    const other = vocabulary.encode(utf8('sails as shale, Ω'));
    assert.equal(vocabulary.decode(other.tokens), 'sails as shale, '.replace(',', ''));
    assert.deepEqual(other.unknown?.examples, [',', 'Ω']);
    const again = SymbolVocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary.toJSON())));
    assert.equal(again.unit, 'piece');
    assert.deepEqual(again.encode(text.bytes).tokens, tokens);
  });

  it('are drawn whole, with a break before a word', () => {
    const symbols = [' the', 's', 'ea', '<eos>', ' '];
    const cells = cellsOf([1, 2, 0, 3, 4], (token) => symbols[token]);
    assert.deepEqual(
      cells.map(({ glyph, endsWord }) => [glyph, endsWord]),
      [
        ['s', false],
        ['ea', true],
        ['\u00a0the', false],
        ['◇', true],
        ['\u00a0', true],
      ],
    );
    assert.deepEqual(
      cellOf(0, (token) => symbols[token]),
      { glyph: '␣the', name: '␣the' },
    );
    assert.deepEqual(
      cellOf(3, (token) => symbols[token]),
      { glyph: '<eos>', name: '<eos>' },
    );
  });
});

describe('a token in the machine', () => {
  const routing = {
    experts: Int32Array.of(2, 0, -1, -1, 1, 0),
    weights: Float32Array.of(0.75, 0.25, 0, 0, 0.5, 0),
    logits: Float32Array.of(1, -2, 2, 0, 0, 0, 1, 3, 2),
  };
  const shape = { experts: 3, topK: 2 };

  it('has the experts and weights that the engine chose, also none and dropped ones', () => {
    const at = (/** @type {number} */ row) => goesTo('“a”', tokenAt(routing, shape, row).weights);
    assert.deepEqual(tokenAt(routing, shape, 0).weights, [0.25, undefined, 0.75]);
    assert.equal(at(0), '“a” goes to C 75 % and A 25 %');
    assert.equal(at(1), '“a” gets no expert');
    assert.equal(at(2), '“a” goes to B 50 % and A dropped');
  });

  it('tells of an edge what the router and the gate say', () => {
    const facts = (/** @type {number} */ expert, /** @type {number} */ row, /** @type {number} */ bias) =>
      Object.fromEntries(edgeFacts(tokenAt(routing, shape, row), expert, bias, false));
    assert.deepEqual(facts(2, 0, -0.5), {
      Logit: '2.00, the highest of 3',
      'Router probability': '72 %',
      'Bias β': '−0.50, added for the choice, not for the weight',
      Weight: '75 %',
    });
    assert.equal(facts(1, 0, 0).Logit, '−2.00, no. 3 of 3');
    assert.equal(facts(1, 0, 0).Weight, 'not chosen');
    assert.match(facts(0, 2, 0).Weight, /^dropped/);
    assert.deepEqual(edgeFacts(tokenAt(routing, shape, 0), 2, undefined, true), [
      ['Table entry', '2.00, the highest of 3'],
      ['Weight', '75 %'],
    ]);
  });

  it('says what is missing to 100 %', () => {
    assert.equal(sumWords([0.4, undefined, 0.35]), '75 % in all: the other experts’ shares are left out');
    for (const all of [
      [0.6, 0.4],
      [undefined, undefined],
      [0.5, 0],
      [1.2, undefined],
    ])
      assert.equal(sumWords(all), '');
  });

  it('is the one that is pointed at, or the last that was reached', () => {
    const routed = (/** @type {number} */ count) =>
      /** @type {any} */ ({ tokens: new Int32Array(count), from: 0 });
    const written = signal(/** @type {any} */ (null));
    const pointed = createPointed({ probe: signal(routed(9)), written });
    pointed.places.probe.cursor.value = 4;
    pointed.choose('written');
    assert.equal(pointed.shown.value.index, 4, 'nothing is written yet');
    written.value = routed(3);
    pointed.places.written.cursor.value = 7;
    assert.deepEqual([pointed.shown.value.text, pointed.shown.value.index], [written.value, 2]);
    pointed.places.probe.hovered.value = 1;
    assert.equal(pointed.shown.value.index, 1);
    pointed.places.probe.hovered.value = null;
    written.value = null;
    assert.equal(pointed.shown.value.index, 4);
  });
});

describe('the untrained model to compare with', () => {
  const config = /** @type {any} */ ({
    ...{ router: 'smoe', layers: 1, dModel: 16, dInner: 8, experts: 4, topK: 2, heads: 1, dHead: 8 },
    ...{ contextLength: 8, memoryLength: 8, batchSize: 2, seed: 3 },
  });
  /** @type {import('../../demo/trainer/trainer.js').Engine} */
  let engine;
  before(async () => {
    engine = await load();
  });
  after(() => engine.dispose());

  it('is read again for a model that was trained before: it chooses as that one did at step 0', async () => {
    const first = new TextTrainer(engine, createTextModel(engine, config, text), text, 0.003);
    assert.equal(first.dataSummary().untrained, null, 'its first moment is untrained');
    const { shape, buffer } = first.picture(null, true);
    const atFirst = frameViews(buffer, shape).sample.slice();
    for (let i = 0; i < 12; i++) await first.advance();
    const bytes = first.save({ optimizer: true });
    const second = new TextTrainer(engine, openTextModel(engine, bytes), text, 0.003);
    const { untrained, sample } = second.dataSummary();
    assert.equal(untrained?.experts.length, sample.length * 2);
    assert.deepEqual(untrained?.experts, atFirst);
    const now = second.picture(null, true);
    assert.notDeepEqual(frameViews(now.buffer, now.shape).sample.slice(), atFirst);
    first.dispose();
    second.dispose();
  });
});
