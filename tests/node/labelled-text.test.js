/** Labelled texts: reading files, the order of labels, splitting by label, and cutting to the context. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteVocabulary, CharacterVocabulary, load } from '../../web/index.js';
import { encodeTexts, Labels, readLabelledTexts, splitLabelledTexts } from '../../web/labelled-text.js';
import { formatOfName } from '../../web/table-format.js';

const TEXTS = ['plain', 'with "quotes", a comma', 'two\nlines', 'schön 🙂'];
const LABELS = ['b', 'a', 'b', 'a'];

describe('reading', () => {
  it('the ending of a file says the format, in the command line as in studies', () => {
    const names = ['a.csv', 'b/c.d.TSV', 'c.tab', 'd.txt', 'e.jsonl', 'f.ndjson'];
    assert.deepEqual(names.map(formatOfName), ['csv', 'tsv', 'tsv', 'tsv', 'jsonl', 'jsonl']);
    assert.deepEqual(
      ['csv', 'a.xml', 'b.csv/rows', 'c.', 'd.constructor'].map(formatOfName),
      Array(5).fill(undefined),
    );
  });

  it('CSV, TSV and JSON lines give the same', () => {
    const quoted = TEXTS.map((text, i) => `7,"${text.replaceAll('"', '""')}",${LABELS[i]}\r\n`).join('');
    const objects = TEXTS.map((text, i) => JSON.stringify({ label: LABELS[i], text, more: [1] })).join(
      '\n\n',
    );
    const expected = { texts: TEXTS, labels: LABELS };
    const header = '\ufeffid,text,label\r\n';
    assert.deepEqual(readLabelledTexts(header + quoted, { format: 'csv' }), expected);
    assert.deepEqual(readLabelledTexts(quoted, { format: 'csv', text: 2, label: 3 }), expected);
    assert.deepEqual(readLabelledTexts(new TextEncoder().encode(objects), { format: 'jsonl' }), expected);
    const tabs = 'he said "no\t0\n"yes" was\t1\n';
    const read = { texts: ['he said "no', '"yes" was'], labels: ['0', '1'] };
    assert.deepEqual(readLabelledTexts(tabs, { format: 'tsv', text: 1, label: 2 }), read);
    assert.deepEqual(readLabelledTexts(`s\ty\n\n${tabs}`, { format: 'tsv', text: 's', label: 'y' }), read);
    const named = `s\ty\n${tabs}`;
    assert.deepEqual(
      readLabelledTexts(named, { format: 'tsv', text: 1, label: 2, header: true }),
      read,
      'a header is passed over where columns have numbers',
    );
    assert.deepEqual(readLabelledTexts(named, { format: 'tsv', text: 1, label: 2 }).texts[0], 's');
    const numbers = '{"s": "x", "y": 1}\n{"s": "y", "y": true}';
    assert.deepEqual(readLabelledTexts(numbers, { format: 'jsonl', text: 's', label: 'y' }).labels, [
      '1',
      'true',
    ]);
    assert.deepEqual(readLabelledTexts('text\nx\n', { format: 'csv', label: null }), {
      texts: ['x'],
      labels: [],
    });
  });

  it('says which line is wrong', () => {
    for (const [file, columns, message] of /** @type {[string, any, RegExp][]} */ ([
      ['text,label\na,b\nc,d,e\n', { format: 'csv' }, /^line 3 has another number of columns/],
      ['text,label\n"a,b\nc,d\n', { format: 'csv' }, /a quote that begins there is not closed/],
      [
        'text,label\na"b"c "d,1\n"x"y,1\n',
        { format: 'csv' },
        /^line \d: a quote inside of a field must be written twice/,
      ],
      ['text,label\n,b\n', { format: 'csv' }, /^line 2: the column "text" must be a text that is not empty/],
      ['text,label\na,\n', { format: 'csv' }, /^line 2: the column "label" must be a label/],
      ['text,class\na,b\n', { format: 'csv' }, /^line 2 has no column "label"; there is "text", "class"/],
      ['text,text\na,b\n', { format: 'csv' }, /^line 1: there are two columns "text"/],
      ['a\tb\n', { format: 'tsv', text: 1, label: 3 }, /^line 1 has no column 3; there is 1 to 2/],
      ['{"text": "a", "label": 1}\nnot', { format: 'jsonl' }, /^line 2 is not JSON/],
      ['[1]', { format: 'jsonl' }, /^line 1 must be a JSON object/],
      ['{"text": 1, "label": 1}', { format: 'jsonl' }, /^line 1: the column "text" must be a text/],
      ['{"text": "a", "label": null}', { format: 'jsonl' }, /^line 1: the column "label" must be a label/],
      ['text,label\n', { format: 'csv' }, /^the file has no rows/],
      ['a', { format: 'xml' }, /^format must be one of "csv", "tsv", "jsonl", got "xml"/],
      ['a', { format: 'jsonl', text: 1 }, /^text must be the name of a key/],
      ['a', { format: 'csv', text: 1 }, /^label must be a column like text/],
      ['a', { format: 'csv', text: 0, label: 1 }, /^text must be an integer of at least 1/],
      ['a', { format: 'csv', header: false }, /^header must be true or left out: columns given by name need/],
      ['a', { format: 'csv', header: 'no' }, /^header must be true or false/],
      ['{}', { format: 'jsonl', header: true }, /^header must be left out for JSON lines/],
      ['a', { format: 'csv', column: 1 }, /^options\.column is not a key of readLabelledTexts/],
    ])) {
      assert.throws(
        () => readLabelledTexts(file, columns),
        (/** @type {Error} */ error) => {
          assert.match(error.message, message);
          return true;
        },
      );
    }
  });
});

describe('labels', () => {
  it('have an order that does not depend on that of the data', () => {
    assert.deepEqual(Labels.of(['b', 'a', 'B', 'ä', 'a']).names, ['B', 'a', 'b', 'ä']);
    assert.deepEqual(Labels.of(['10', '9', '-1']).names, ['-1', '9', '10']);
    const labels = new Labels(JSON.parse(JSON.stringify(Labels.of(LABELS))));
    assert.deepEqual([...labels.encode(LABELS)], [1, 0, 1, 0]);
    assert.throws(() => labels.encode(['c']), /labels\[0\] must be one of the 2 labels, got "c"/);
    assert.throws(() => new Labels(['a', 'a']), /names must be different/);
    assert.throws(() => Labels.of(['a']), /2 labels or more, got 1/);
    assert.throws(() => new Labels(/** @type {any} */ ('ab')), TypeError);
  });

  it('keep their shares when texts are split', () => {
    const labels = Array.from({ length: 300 }, (_, i) => (i % 10 === 0 ? 'rare' : 'common'));
    const data = { texts: labels.map((label, i) => `${label} ${i}`), labels };
    const split = splitLabelledTexts(data, { validation: 0.2, test: 0.1, seed: 3 });
    const count = (/** @type {string[]} */ list) => list.filter((label) => label === 'rare').length;
    const sizes = [split.train, split.validation, split.test].map((part) => [
      part.texts.length,
      count(part.labels),
    ]);
    assert.deepEqual(sizes, [
      [210, 21],
      [60, 6],
      [30, 3],
    ]);
    const all = [...split.train.texts, ...split.validation.texts, ...split.test.texts];
    assert.deepEqual(all.sort(), [...data.texts].sort());
    assert.ok(split.train.texts.every((text, i) => text.startsWith(split.train.labels[i])));
    assert.deepEqual(splitLabelledTexts(data, { validation: 0.2, test: 0.1, seed: 3 }), split);
    assert.notDeepEqual(splitLabelledTexts(data, { validation: 0.2, test: 0.1, seed: 4 }), split);
    assert.equal(splitLabelledTexts(data).validation.texts.length, 30);
    assert.throws(
      () => splitLabelledTexts(data, { validation: 0.5, test: 0.5 }),
      /must leave something to train on/,
    );
    assert.throws(
      () => splitLabelledTexts({ texts: ['a'], labels: [] }),
      /one label for each of the 1 texts/,
    );
  });
});

it('texts become the inputs of a text classifier', async () => {
  const vocabulary = new ByteVocabulary();
  const { inputs, cut } = encodeTexts(TEXTS, vocabulary, { contextLength: 9 });
  assert.equal(cut, 2);
  assert.deepEqual(
    inputs.map(({ length }) => length),
    [5, 9, 9, 9],
  );
  assert.equal(vocabulary.decode(inputs[0]), 'plain');
  assert.throws(
    () => encodeTexts(['a', ''], vocabulary, { contextLength: 9 }),
    /texts\[1\] must have a token/,
  );
  const letters = new CharacterVocabulary('ab ');
  const limits = { contextLength: 9 };
  assert.throws(
    () => encodeTexts(['a', 'aé'], letters, limits),
    /^RangeError: texts\[1\] has "é" \(U\+00E9\) at index 1/,
  );
  const known = encodeTexts(['ab', 'éé', 'aé'], letters, limits, { replacement: ' ' });
  assert.deepEqual(known, {
    inputs: ['ab', '  ', 'a '].map((text) => letters.encode(text)),
    cut: 0,
    replaced: 2,
  });
  const engine = await load({ variant: 'simd' });
  const model = engine.createTextClassifier({ contextLength: 9, dModel: 8, dInner: 8, layers: 1 });
  const cases = /** @type {[() => unknown, RegExp][]} */ ([
    [
      () => encodeTexts(/** @type {any} */ ('ab'), vocabulary, { contextLength: 9 }),
      /^texts must be an array of strings, got "ab"/,
    ],
    [
      () => encodeTexts(/** @type {any} */ ([7]), vocabulary, { contextLength: 9 }),
      /^texts\[0\] must be a string, got 7/,
    ],
    [
      () => encodeTexts(TEXTS, /** @type {any} */ (undefined), { contextLength: 9 }),
      /^vocabulary\.encode must be a function/,
    ],
    [
      () => encodeTexts(TEXTS, vocabulary, /** @type {any} */ ({})),
      /^config\.contextLength must be an integer, got undefined/,
    ],
    [() => Labels.of(/** @type {any} */ ('ab')), /^labels must be an array of strings, got "ab"/],
    [() => Labels.of(/** @type {any} */ ([1, 2])), /^labels\[0\] must be a string, got 1/],
    [() => Labels.of(LABELS).encode(/** @type {any} */ ([null])), /^labels\[0\] must be a string, got null/],
    [() => splitLabelledTexts(/** @type {any} */ (null)), /^data must be an object, got null/],
    [
      () => splitLabelledTexts(/** @type {any} */ ({ texts: TEXTS, label: LABELS })),
      /^data\.label is not a key of labelled texts;.* the nearest is labels/,
    ],
  ]);
  for (const [call, message] of cases)
    assert.throws(
      call,
      (/** @type {Error} */ error) => error.name === 'TypeError' && message.test(error.message),
      String(message),
    );
  const targets = Labels.of(LABELS).encode(LABELS);
  assert.ok((await model.train({ inputs, targets }, { steps: 2 })).loss > 0);
  engine.dispose();
});
