import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { load } from 'hyperrouter-wasm';
import { cellOf, cellsOf } from '../../demo/text/cells.js';
import { describeCheckpoint } from '../../demo/text/checkpoint-file.js';
import { describeUnknown, maxSymbols, SymbolVocabulary, vocabularyKey } from '../../demo/text/vocabulary.js';
import { vocabularyOfFile } from '../../demo/text/vocabulary-file.js';
import { openTextModel } from '../../demo/trainer/text-model.js';

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);

describe('vocabularies', () => {
  const alphabet = ['<eos>', ' ', ...'abcdefghijklmnopqrstuvwxyz'];

  it('of all kinds survive JSON', () => {
    for (const vocabulary of [
      SymbolVocabulary.bytes(),
      SymbolVocabulary.ofText(encode('Žluťoučký kůň 🐎')),
      new SymbolVocabulary(alphabet),
      new SymbolVocabulary([101, 32, '<unk>', 195]),
    ]) {
      const again = SymbolVocabulary.fromJSON(JSON.parse(JSON.stringify(vocabulary)));
      assert.deepEqual(again.toJSON(), vocabulary.toJSON());
      assert.equal(again.ofBytes, vocabulary.ofBytes);
    }
    assert.deepEqual(SymbolVocabulary.bytes().toJSON(), { kind: 'byte' });
    assert.deepEqual(new SymbolVocabulary([...'ba']).toJSON(), { kind: 'character', characters: 'ba' });
  });

  it('encode and decode text, and know its length in bytes', () => {
    const vocabulary = SymbolVocabulary.ofText(encode('kůň 🐎'));
    const { tokens, unknown } = vocabulary.encode(encode('🐎 kůň'));
    assert.equal(unknown, null);
    assert.equal(tokens.length, 5);
    assert.equal(vocabulary.decode(tokens), '🐎 kůň');
    assert.equal(vocabulary.byteLength(tokens), encode('🐎 kůň').length);
    const bytes = SymbolVocabulary.bytes().encode(encode('ů'));
    assert.deepEqual([...bytes.tokens], [...encode('ů')]);
  });

  it('say which characters they lack, and what happened to them', () => {
    const { tokens, unknown } = new SymbolVocabulary(alphabet).encode(encode('Ah, ha!'));
    assert.deepEqual([...tokens].map((token) => alphabet[token]).join(''), 'ah ha');
    assert.deepEqual(unknown, { total: 7, lowered: 1, missing: 2, replaced: false, examples: [',', '!'] });
    assert.equal(
      describeUnknown('x.txt', /** @type {any} */ (unknown)),
      'x.txt has characters that are not in the model’s vocabulary: 14 % are capitals, replaced by lower-case letters; ' +
        '29 % (“,” “!”) were skipped.',
    );
    const replaced = new SymbolVocabulary([...alphabet, '<unk>']).encode(encode('a!'));
    assert.deepEqual([...replaced.tokens], [2, alphabet.length]);
    assert.match(describeUnknown('x', /** @type {any} */ (replaced.unknown)), /were replaced by <unk>\.$/);
    const bytes = new SymbolVocabulary([...encode('ah')]).encode(encode('Ah'));
    assert.deepEqual([[...bytes.tokens], bytes.unknown?.lowered], [[0, 1], 1]);
  });

  it('are read from files: JSON, one character or one byte number per line, with counts or without', () => {
    const kinds = /** @type {const} */ ([
      ['{"kind":"character","characters":"ab"}', { kind: 'character', characters: 'ab' }],
      ['{"kind":"byte"}', { kind: 'byte' }],
      ['b\na\n \n', { kind: 'character', characters: 'ba ' }],
      ['a 12\r\nb 7\r\n\\n 3', { kind: 'character', characters: 'ab\n' }],
      ['_\ne\nt', { kind: 'character', characters: ' et' }],
      ['<eos>\n_\n\u00e9', { kind: 'symbols', symbols: ['<eos>', ' ', 'é'] }],
      ['32 9\n101 8\n<eos> 1\n9', { kind: 'symbols', symbols: [32, 101, '<eos>', 9] }],
      ['1\n2', { kind: 'character', characters: '12' }],
    ]);
    for (const [content, json] of kinds)
      assert.deepEqual(vocabularyOfFile('v', content).toJSON(), json, content);
  });

  it('that are invalid say why', () => {
    const wrong = /** @type {const} */ ([
      ['', /^v: the file is empty/],
      ['the\nof', /“the” is more than one character; .* not words/],
      ['a\n\nb', /line 2 is empty; write \\n for a line break/],
      ['a\nb c', /line 2 is “b c”/],
      ['a\na', /has “a” twice/],
      ['{"kind":', /not valid JSON/],
      ['{"kind":"bpe","known":[1]}', /byte-pair encoding/],
      ['{"words":1}', /must be JSON from the package/],
      ['{"kind":"symbols","symbols":[300]}', /symbol 0 .* must be a byte/],
      [
        Array.from({ length: maxSymbols + 1 }, (_, i) => `w${i}`).join('\n'),
        /has 4,097 symbols; the limit is 4,096/,
      ],
    ]);
    for (const [content, message] of wrong) assert.throws(() => vocabularyOfFile('v', content), { message });
    assert.throws(() => SymbolVocabulary.ofText(encode('aaaa')), /at least two different characters/);
  });

  it('give their symbols to the cells of a text', () => {
    const { symbol } = new SymbolVocabulary(['é', ' ', '\n', '<eos>', '🐎']);
    const cells = cellsOf([0, 1, 2, 3, 4], symbol);
    assert.deepEqual(
      cells.map(({ glyph }) => glyph),
      ['é', '\u00a0', '↵', '◇', '🐎'],
    );
    assert.deepEqual(
      cells.map(({ name }) => name),
      ['é', 'space', 'line break', '<eos>', '🐎'],
    );
    assert.equal(cells[2].endsLine, true);
    assert.deepEqual(cellOf(1, symbol), { glyph: '␣', name: 'space' });
    const bytes = new SymbolVocabulary([0xaf, 0xc5, 97, '<unk>']).symbol;
    assert.deepEqual(
      cellsOf([1, 0, 2, 3, 1], bytes).map(({ glyph }) => glyph),
      ['ů', '', 'a', '◇', '·'],
    );
  });
});

describe('checkpoints without a configuration', () => {
  /** @type {import('../../demo/schema.js').Choice[]} */
  const routers = [
    { value: 'hyperrouter', label: 'HyperRouter', traits: ['routes', 'learns', 'hypernetwork'] },
    { value: 'smoe', label: 'SMoE', traits: ['routes', 'learns'] },
    { value: 'smoe-dropout', label: 'SMoE-Dropout', traits: ['routes'] },
    { value: 'dense', label: 'Dense', traits: [] },
  ];
  /** @param {Record<string, number[]>} shapes @param {Record<string, string>} [metadata] */
  function file(shapes, metadata) {
    let end = 0;
    const entries = Object.entries(shapes).map(([name, shape]) => {
      const begin = end;
      end += 4 * shape.reduce((product, length) => product * length, 1);
      return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }];
    });
    const header = encode(
      JSON.stringify({ ...(metadata && { __metadata__: metadata }), ...Object.fromEntries(entries) }),
    );
    const bytes = new Uint8Array(8 + header.length + end);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    return bytes;
  }
  const shapes = {
    'word_emb.emb_layers.0.weight': [27, 16],
    r_w_bias: [2, 8],
    'layers.0.dec_attn.qkv_net.weight': [48, 16],
    'layers.1.dec_attn.qkv_net.weight': [48, 16],
    'layers.0.pos_ff.experts.htoh4.weight': [4, 32, 16],
    'layers.0.pos_ff.gate.gate.weight': [4, 16],
  };

  it('give the part of their configuration that follows from shapes', () => {
    const described = describeCheckpoint('x', file(shapes), routers);
    assert.deepEqual(described.shapes, {
      vocabSize: 27,
      dModel: 16,
      layers: 2,
      heads: 2,
      dHead: 8,
      experts: 4,
      dInner: 32,
    });
    assert.deepEqual(
      [described.routers.map(({ value }) => value), described.hasConfig, described.hasVocabulary],
      [['smoe', 'smoe-dropout'], false, false],
    );
    const hyper = describeCheckpoint(
      'x',
      file({ ...shapes, 'layers.0.pos_ff.gate.hypernet.0.weight': [24, 16] }),
      routers,
    );
    assert.equal(hyper.routers.length, 1);
    assert.deepEqual([hyper.shapes.router, hyper.shapes.hyperSize], ['hyperrouter', 24]);
    const { 'layers.0.pos_ff.experts.htoh4.weight': _, ...rest } = shapes;
    const dense = describeCheckpoint(
      'x',
      file({ ...rest, 'layers.0.pos_ff.CoreNet.0.weight': [128, 16] }),
      routers,
    );
    assert.deepEqual([dense.shapes.router, dense.shapes.experts, dense.shapes.dInner], ['dense', 1, 128]);
    const own = describeCheckpoint(
      'x',
      file(shapes, { 'hyperrouter.config': '{}', [vocabularyKey]: '{}' }),
      routers,
    );
    assert.deepEqual([own.hasConfig, own.hasVocabulary], [true, true]);
  });

  it('are distinguished from other files', () => {
    const whole = file(shapes);
    const wrong = /** @type {[Uint8Array, RegExp][]} */ ([
      [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13), /^x is not a safetensors file\./],
      [new Uint8Array(), /^x is not a safetensors file\./],
      [
        Uint8Array.from([...encode('PK\x03\x04'), ...new Uint8Array(20)]),
        /PyTorch file\. Save the model with safetensors\.torch\.save_model/,
      ],
      [whole.subarray(0, whole.length - 100), /^x is truncated: it should have \d+ bytes but has \d+\.$/],
      [whole.subarray(0, 40), /^x is truncated/],
      [file({ 'input.weight': [2, 2] }), /^x holds a classifier/],
      [file({ weight: [2, 2] }), /word_emb\.emb_layers\.0\.weight is missing/],
    ]);
    const headers = [
      { __metadata__: null, ...{ 'word_emb.emb_layers.0.weight': { shape: [1, 2] } } },
      { 'word_emb.emb_layers.0.weight': { shape: [1, 2] }, 'layers.0.pos_ff.gate.hypernet.0.weight': {} },
      { 'word_emb.emb_layers.0.weight': { shape: [1, 2] }, r_w_bias: { shape: 5 } },
      { 'word_emb.emb_layers.0.weight': { shape: [1, 2], data_offsets: 3 } },
      { 'word_emb.emb_layers.0.weight': null },
    ];
    for (const header of headers)
      wrong.push([headerOnly(header), /^x is .* its header does not describe tensors\.$/]);
    const many = Object.fromEntries(Array.from({ length: 130_000 }, (_, i) => [i, { shape: [0] }]));
    wrong.push([headerOnly(many), /word_emb\.emb_layers\.0\.weight is missing/]);
    for (const [bytes, message] of wrong)
      assert.throws(() => describeCheckpoint('x', bytes, routers), { message });
  });
});

/** A safetensors file without data. @param {object} header */
function headerOnly(header) {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

describe('models that the page saves', () => {
  const run = promisify(execFile);
  const cli = fileURLToPath(new URL('../../web/cli.js', import.meta.url));

  it('are opened by the command line, with any vocabulary', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hyperrouter-saved-'));
    const engine = await load({ variant: 'simd' });
    try {
      for (const [symbols, prompt] of /** @type {[(string | number)[], string][]} */ ([
        [[...'abcdefgh ůk'], 'abe ůk'],
        [['<eos>', ...'abcdefgh '], 'Abe had a bad'],
        [['<unk>', ...encode('abcdefgh ů')], 'ab ů!'],
      ])) {
        const vocabulary = new SymbolVocabulary(symbols);
        const config = { vocabSize: vocabulary.size, layers: 1, heads: 1, dHead: 8, dModel: 8, dInner: 8 };
        const sizes = { experts: 2, topK: 1, hyperSize: 8, contextLength: 8, memoryLength: 8, batchSize: 1 };
        const fresh = engine.createLanguageModel(/** @type {any} */ ({ ...config, ...sizes }));
        const model = openTextModel(engine, fresh.saveCheckpoint(), { vocabulary: vocabulary.toJSON() });
        const path = join(folder, 'page.safetensors');
        await writeFile(path, model.saveCheckpoint({ metadata: model.metadata }));
        const options = ['--checkpoint', path, '--variant', 'simd'];
        const { stdout } = await run(process.execPath, [
          cli,
          'generate',
          ...options,
          '--prompt',
          prompt,
          '--max-tokens',
          '20',
        ]);
        assert.ok(stdout.toLowerCase().startsWith(prompt.toLowerCase().replace('!', '')), stdout);
        const text = join(folder, 'text.txt');
        await writeFile(text, 'abe had a bead '.repeat(40));
        const evaluated = await run(process.execPath, [
          cli,
          'eval',
          ...options,
          '--data',
          text,
          '--split',
          'all',
        ]);
        assert.match(evaluated.stdout, /all: 600 tokens\n.*bits\/byte\n +1 +\d/);
        fresh.dispose();
        model.dispose();
      }
    } finally {
      engine.dispose();
      await rm(folder, { recursive: true });
    }
  });
});
