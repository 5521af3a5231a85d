import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base';
import * as o200k from 'gpt-tokenizer/encoding/o200k_base';
import * as r50k from 'gpt-tokenizer/encoding/r50k_base';
import { BpeVocabulary, evaluateText, load, splitText } from '../../web/index.js';

const ENCODINGS = { r50k, cl100k, o200k };
const TEXT =
  'She sells sea shells by the sea shore.\r\n\tLe garçon déjà vu — 漢字かな交じり文 🤯🧑‍🚀 ﷽ \ufeffend\n';

for (const [name, tokenizer] of Object.entries(ENCODINGS)) {
  describe(`gpt-tokenizer, ${name}`, () => {
    const vocabulary = BpeVocabulary.fromText(tokenizer, TEXT);

    it('brings a text back, whole and token by token', () => {
      const tokens = vocabulary.encode(TEXT);
      assert.ok(tokens instanceof Int32Array && tokens.every((id) => id >= 0 && id < vocabulary.size));
      assert.ok(tokens.length < [...TEXT].length + 30 && vocabulary.size < 128 + 2 * tokens.length);
      assert.equal(vocabulary.decode(tokens), TEXT);
      assert.deepEqual(vocabulary.encode(new TextEncoder().encode(TEXT)), tokens);
      const decoder = vocabulary.decoder();
      const pieces = [...tokens].map((token) => decoder.push(token));
      assert.equal(pieces.join('') + decoder.end(), TEXT);
      assert.ok(pieces.every((piece) => !piece.includes('\ufffd')));
      assert.equal(vocabulary.byteLength(tokens), Buffer.byteLength(TEXT));
    });

    it('keeps nothing of a character that was cut for what is decoded next', () => {
      const cut = vocabulary.encode('🤯').slice(0, 1);
      const other = vocabulary.decoder();
      for (let i = 0; i < 2; i++) {
        assert.equal(vocabulary.decode(cut), '\ufffd');
        assert.equal(other.push(cut[0]), '');
        assert.equal(vocabulary.decode(vocabulary.encode('漢字')), '漢字');
        assert.equal(other.end(), '\ufffd');
        other.push(vocabulary.encode('a')[0]);
      }
      const [one, two] = [vocabulary.decoder(), vocabulary.decoder()];
      const said = ['', ''];
      for (const token of vocabulary.encode('🤯')) {
        said[0] += one.push(token);
        said[1] += two.push(token);
      }
      assert.deepEqual(said, ['🤯', '🤯']);
    });

    it('spells words that the text does not have, and names characters that it does not', () => {
      assert.equal(
        vocabulary.decode(vocabulary.encode('internationalisation 漢 déjà')),
        'internationalisation 漢 déjà',
      );
      assert.throws(() => vocabulary.encode('what 魚'), /^RangeError: text has "魚" \(U\+9B5A\)/);
    });

    it('comes back from JSON', () => {
      const again = BpeVocabulary.fromJSON(JSON.stringify(vocabulary), tokenizer);
      assert.deepEqual(again.encode(TEXT), vocabulary.encode(TEXT));
      assert.equal(again.size, vocabulary.size);
    });
  });
}

it('a model learns tokens of gpt-tokenizer, and writes text', async () => {
  // A text with words in it that is there.
  const path = createRequire(import.meta.url).resolve('gpt-tokenizer/package.json');
  const text = await readFile(path.replace('package.json', 'README.md'), 'utf8');
  const vocabulary = BpeVocabulary.fromText(o200k, text);
  const { train, validation } = splitText(vocabulary.encode(text), { validation: 0.1 });
  const engine = await load();
  const model = engine.createLanguageModel({
    ...{
      vocabSize: vocabulary.size,
      layers: 2,
      heads: 2,
      dModel: 32,
      dHead: 16,
      dInner: 64,
      experts: 4,
      topK: 2,
    },
    ...{ contextLength: 32, memoryLength: 32, batchSize: 8 },
  });
  const losses = [];
  for await (const { loss } of model.train(train, { steps: 60, every: 20 })) losses.push(loss);
  assert.ok(losses[0] < Math.log(vocabulary.size) && losses[2] < losses[0] - 0.5, `${losses}`);
  const { loss, bitsPerByte, bitsPerToken } = await evaluateText(model, validation, { vocabulary });
  assert.ok(loss < Math.log(vocabulary.size));
  assert.ok(bitsPerByte !== null && bitsPerByte < bitsPerToken && bitsPerByte > 0);
  const decoder = vocabulary.decoder();
  let written = '';
  for (const { token } of model.generate(train.slice(0, 10), { maxTokens: 40 }))
    written += decoder.push(token);
  written += decoder.end();
  assert.ok(written.length > 40, written);
  engine.dispose();
});
