import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ByteVocabulary,
  bitsPerByte,
  bitsPerToken,
  CharacterVocabulary,
  evaluateText,
  load,
  PieceVocabulary,
  splitText,
  TextStreams,
  vocabularyFromJSON,
} from '../../web/index.js';

const mixed = 'a\r\né — 漢字 😀\ufeffz\0';

/** @param {import('../../web/vocabulary.js').TokenDecoder} decoder @param {Iterable<number>} tokens */
function pieces(decoder, tokens) {
  return [...tokens].map((token) => decoder.push(token));
}

/** @param {number} count */
function range(count) {
  return Int32Array.from({ length: count }, (_, i) => i);
}

test('bytes: any text round-trips', () => {
  const bytes = new ByteVocabulary();
  assert.equal(bytes.size, 256);
  assert.deepEqual([...bytes.encode('aé')], [0x61, 0xc3, 0xa9]);
  assert.equal(bytes.decode(bytes.encode(mixed)), mixed);
  assert.deepEqual([...bytes.encode(Uint8Array.of(255, 0))], [255, 0]);
  assert.equal(bytes.encode('').length, 0);
  assert.equal(bytes.decode(bytes.encode('\ufeffx')), '\ufeffx', 'a byte order mark is text like any other');
  assert.equal(bytes.byteLength([1, 2, 3]), 3);
});

test('bytes: a character cut across tokens is printed once it is whole', () => {
  const bytes = new ByteVocabulary();
  const decoder = bytes.decoder();
  assert.deepEqual(pieces(decoder, bytes.encode('é😀a')), ['', 'é', '', '', '', '😀', 'a']);
  assert.equal(decoder.end(), '');
  assert.equal(pieces(bytes.decoder(), bytes.encode(mixed)).join(''), mixed);
});

test('bytes: invalid UTF-8 becomes U+FFFD, as soon as it is known', () => {
  const decoder = new ByteVocabulary().decoder();
  assert.deepEqual(pieces(decoder, [0xff, 0xe2, 0x82, 0x61]), ['\ufffd', '', '', '\ufffda']);
  assert.deepEqual(pieces(decoder, [0xe2, 0x82]), ['', '']);
  assert.equal(decoder.end(), '\ufffd');
  assert.equal(new ByteVocabulary().decode([0xff]), '\ufffd');
});

test('pieces are learned from frequent pairs, and never cross words', () => {
  const { pieces } = PieceVocabulary.fromText('the the the the then sea sea sea sea', { size: 40 }).toJSON();
  const characters = [...new Set('the then sea')].length;
  assert.deepEqual(pieces.slice(0, characters), [' ', 'a', 'e', 'h', 'n', 's', 't']);
  assert.ok(pieces.includes(' the') && pieces.includes(' sea'), pieces.join());
  assert.ok(pieces.every((piece) => piece.lastIndexOf(' ') <= 0));
  assert.ok(!pieces.includes('then'), 'it occurs only once');
});

test('pieces: any text of their characters round-trips, in fewer tokens than characters', () => {
  const sentence = 'The whale and the sea and the ship that sails the sea.\n\nÅhab’s 3 whales; ';
  const text = sentence.repeat(60);
  const vocabulary = PieceVocabulary.fromText(new TextEncoder().encode(text));
  const tokens = vocabulary.encode(text);
  assert.ok(tokens.length < text.length / 3, `${tokens.length}`);
  assert.equal(vocabulary.decode(tokens), text);
  assert.equal(vocabulary.byteLength(tokens), new TextEncoder().encode(text).length);
  const decoder = vocabulary.decoder();
  assert.equal(Array.from(tokens, decoder.push).join('') + decoder.end(), text);
  assert.equal(vocabulary.decode(vocabulary.encode('sails as shale')), 'sails as shale');
  const again = vocabularyFromJSON(JSON.stringify(vocabulary));
  assert.equal(again.kind, 'pieces');
  assert.deepEqual(again.encode(text), tokens);
  assert.ok(PieceVocabulary.fromText(text, { size: 30 }).size === 30);
});

test('pieces: two pairs may make the same piece, which is learned once', () => {
  const runs = Array.from({ length: 40 }, (_, i) => '-'.repeat(((i * 7) % 23) + 1)).join('\n');
  const text = runs.repeat(5);
  const vocabulary = PieceVocabulary.fromText(text, { size: 100 });
  assert.equal(vocabulary.decode(vocabulary.encode(text)), text);
});

test('pieces: what cannot be encoded or learned is refused', () => {
  const vocabulary = new PieceVocabulary(['a', 'b', ' ', 'ab']);
  assert.deepEqual([...vocabulary.encode('ab ba')], [3, 2, 1, 0]);
  assert.deepEqual([...vocabulary.encode('aé', { replacement: 'b' })], [3]);
  assert.throws(
    () => vocabulary.encode('b é'),
    /^RangeError: text has "é" \(U\+00E9\) at index 2; the vocabulary's 4 pieces/,
  );
  assert.throws(
    () => vocabulary.encode('a', { replacement: 'ab' }),
    /replacement must be a character of the voc/,
  );
  assert.throws(() => vocabulary.decode([4]), /token must be an integer from 0 to 3, got 4/);
  assert.throws(() => new PieceVocabulary(['a', 'a']), /pieces must have each piece once, got "a" twice/);
  assert.throws(() => new PieceVocabulary([]), /pieces.length must be an integer from 1/);
  assert.throws(() => new PieceVocabulary(/** @type {any} */ (['a', 3])), /pieces\[1\] must be a string/);
  assert.throws(() => PieceVocabulary.fromText(''), /text must have at least one character/);
  assert.throws(
    () => PieceVocabulary.fromText('a', { size: 0 }),
    /size must be an integer from 1 to 65536, got 0/,
  );
});

test('characters: ids follow the code points', () => {
  const vocabulary = CharacterVocabulary.fromText('banana 😀é');
  assert.equal(vocabulary.size, 6);
  assert.deepEqual(vocabulary.toJSON(), { kind: 'character', characters: ' abné😀' });
  assert.deepEqual([...vocabulary.encode('ab😀')], [1, 2, 5]);
  assert.equal(vocabulary.decode([5, 4, 0]), '😀é ');
  assert.equal(vocabulary.byteLength([5, 4, 0]), 7);
  assert.deepEqual(pieces(vocabulary.decoder(), [5, 1]), ['😀', 'a']);
  assert.deepEqual([...vocabulary.encode(new TextEncoder().encode('é'))], [4]);
});

test('characters: an unknown one is named with its place, or replaced', () => {
  const vocabulary = CharacterVocabulary.fromText('abc😀?');
  assert.throws(() => vocabulary.encode('a😀éb'), {
    name: 'RangeError',
    message: 'text has "é" (U+00E9) at index 3; the vocabulary\'s 5 characters do not include it',
  });
  assert.throws(() => vocabulary.encode('\n'), /"\\n" \(U\+000A\) at index 0/);
  assert.equal(vocabulary.decode(vocabulary.encode('aéb漢', { replacement: '?' })), 'a?b?');
  assert.throws(
    () => vocabulary.encode('a', { replacement: 'z' }),
    /replacement must be a character .*, got "z"/,
  );
});

test('vocabularies are restored from JSON', () => {
  const bytes = vocabularyFromJSON(JSON.parse(JSON.stringify(new ByteVocabulary())));
  assert.ok(bytes instanceof ByteVocabulary);
  const characters = CharacterVocabulary.fromText(mixed);
  const again = vocabularyFromJSON(JSON.stringify(characters));
  assert.ok(again instanceof CharacterVocabulary);
  assert.deepEqual(again.encode(mixed), characters.encode(mixed));
});

test('vocabularies refuse invalid input', () => {
  const bytes = new ByteVocabulary();
  const vocabulary = CharacterVocabulary.fromText('abc');
  assert.throws(() => bytes.encode(/** @type {any} */ (5)), {
    name: 'TypeError',
    message: /^text must be .*, got 5$/,
  });
  for (const token of [-1, 256, 1.5, NaN]) {
    assert.throws(() => bytes.decode([token]), { name: 'RangeError', message: /integer from 0 to 255/ });
    assert.throws(() => bytes.decoder().push(token), RangeError);
    assert.throws(() => bytes.byteLength([token]), RangeError);
  }
  assert.throws(() => vocabulary.decode([3]), {
    name: 'RangeError',
    message: 'token must be an integer from 0 to 2, got 3',
  });
  assert.throws(() => CharacterVocabulary.fromText(''), {
    name: 'RangeError',
    message: /one character, got ""/,
  });
  assert.throws(() => new CharacterVocabulary('aba'), {
    name: 'RangeError',
    message: /"a" \(U\+0061\) twice/,
  });
  assert.throws(() => CharacterVocabulary.fromText(Uint8Array.of(0xff)), {
    name: 'TypeError',
    message: /UTF-8/,
  });
  for (const bad of [
    '{',
    '[]',
    'null',
    '7',
    '"x"',
    '{}',
    '{"kind":"bpe"}',
    '{"kind":"character"}',
    '{"kind":"character","characters":""}',
    '{"kind":"character","characters":["a"]}',
  ]) {
    assert.throws(() => vocabularyFromJSON(bad), /TypeError|RangeError/, bad);
  }
});

test('the end is held out as a view', () => {
  const tokens = range(1003);
  const { train, validation } = splitText(tokens);
  assert.equal(train.length, 902);
  assert.equal(validation.length, 101);
  assert.equal(validation[0], 902);
  assert.equal(validation.buffer, tokens.buffer);
  assert.equal(splitText(tokens, { validation: 0 }).validation.length, 0);
  assert.equal(splitText(tokens, { validation: 0 }).train.length, 1003);
  for (const bad of [1, -0.1, NaN]) {
    assert.throws(() => splitText(tokens, { validation: bad }), {
      name: 'RangeError',
      message: /from 0 to below 1/,
    });
  }
});

test('streams: segments follow each other, targets are one ahead', () => {
  const streams = new TextStreams(range(23), { batchSize: 2, length: 4 });
  assert.equal(streams.streamLength, 11);
  assert.equal(streams.segments, 3);
  assert.deepEqual(streams.at(0), {
    inputs: Int32Array.of(0, 1, 2, 3, 11, 12, 13, 14),
    targets: Int32Array.of(1, 2, 3, 4, 12, 13, 14, 15),
    length: 4,
    carryMemory: false,
    epoch: 0,
  });
  assert.deepEqual(streams.at(2), {
    inputs: Int32Array.of(8, 9, 19, 20),
    targets: Int32Array.of(9, 10, 20, 21),
    length: 2,
    carryMemory: true,
    epoch: 0,
  });
  assert.deepEqual(streams.at(4), { ...streams.at(1), epoch: 1 });
  assert.equal(streams.at(3).carryMemory, false);
});

test('streams: every token of every stream is predicted once per epoch, at any length', () => {
  for (const [count, batchSize, length] of [
    [100, 3, 7],
    [64, 4, 5],
    [8, 4, 9],
    [50, 1, 49],
    [51, 1, 49],
    [2, 1, 1],
  ]) {
    const streams = new TextStreams(range(count), { batchSize, length });
    const inputs = [];
    for (let step = 0; step < streams.segments; step++) {
      const segment = streams.at(step);
      assert.ok(segment.length >= 1 && segment.length <= length);
      const next = segment.inputs.map((token) => token + 1);
      assert.deepEqual(segment.targets, next);
      inputs.push(...segment.inputs);
    }
    const expected = range(batchSize * streams.streamLength).filter(
      (i) => (i + 1) % streams.streamLength !== 0,
    );
    assert.deepEqual(Int32Array.from(inputs).sort(), expected);
    assert.equal(inputs.length, streams.targetsPerPass);
  }
});

test('streams: a text that is too short says how much is missing', () => {
  assert.throws(() => new TextStreams(range(31), { batchSize: 16, length: 8 }), {
    name: 'RangeError',
    message: 'tokens must have 32 numbers or more for 16 streams (batchSize), got 31',
  });
  assert.throws(
    () => new TextStreams(range(9), { batchSize: 0, length: 8 }),
    /^RangeError: batchSize .*, got 0$/,
  );
  assert.throws(
    () => new TextStreams(range(9), { batchSize: 1, length: 1.5 }),
    /^RangeError: length .*, got 1.5$/,
  );
  assert.throws(() => new TextStreams(/** @type {any} */ (['1', 2]), { batchSize: 1, length: 1 }), TypeError);
  const streams = new TextStreams(range(9), { batchSize: 1, length: 8 });
  for (const step of [-1, 0.5, NaN]) assert.throws(() => streams.at(step), /^RangeError: step must be/);
});

/** A model whose loss is the mean of its targets, and which keeps a diary. */
class DiaryModel {
  config = { batchSize: 4, contextLength: 8 };
  memory = 'of the training';
  /** @type {{ streams: number, length: number, carryMemory: boolean }[]} */
  calls = [];

  /** @param {{ inputs: Int32Array, targets: Int32Array, length: number, carryMemory: boolean }} segment */
  evaluate({ targets, length, carryMemory, ...rest }) {
    assert.deepEqual(Object.keys(rest), ['inputs'], 'a model refuses keys that it does not know');
    this.calls.push({ streams: targets.length / length, length, carryMemory });
    this.memory = 'of the evaluation';
    return { loss: targets.reduce((sum, token) => sum + token, 0) / targets.length };
  }

  saveMemory() {
    return this.memory;
  }

  /** @param {string} memory */
  restoreMemory(memory) {
    this.memory = memory;
  }
}

test('evaluation weights segments by their tokens and restores the memory', async () => {
  const model = new DiaryModel();
  /** @type {number[]} */
  const progress = [];
  const result = await evaluateText(model, range(21), {
    batchSize: 1,
    onProgress: ({ tokens, total }) => progress.push(tokens / total),
  });
  assert.deepEqual(model.calls, [
    { streams: 1, length: 8, carryMemory: false },
    { streams: 1, length: 8, carryMemory: true },
    { streams: 1, length: 4, carryMemory: true },
  ]);
  assert.equal(result.tokens, 20);
  assert.equal(result.loss, 10.5);
  assert.equal(result.bitsPerToken, 10.5 / Math.LN2);
  assert.equal(result.bitsPerByte, null);
  assert.deepEqual(progress, [0.4, 0.8, 1]);
  assert.equal(model.memory, 'of the training');
});

test('evaluation takes fewer streams of a short text', async () => {
  for (const [tokens, streams] of [
    [2, 1],
    [127, 1],
    [128, 2],
    [1000, 4],
  ]) {
    const model = new DiaryModel();
    await evaluateText(model, range(tokens));
    assert.equal(model.calls[0].streams, streams);
  }
  await assert.rejects(evaluateText(new DiaryModel(), range(1)), {
    name: 'RangeError',
    message: /2 numbers or more, got 1$/,
  });
});

test('evaluation counts bytes where tokens are characters', async () => {
  const vocabulary = CharacterVocabulary.fromText('aé');
  const tokens = vocabulary.encode('aéaéa');
  const result = await evaluateText(new DiaryModel(), tokens, { vocabulary });
  assert.equal(result.loss, 0.5);
  assert.equal(result.bitsPerByte, 2 / (6 * Math.LN2));
  assert.equal(bitsPerByte(0.5, 4, 6), result.bitsPerByte);
  assert.equal(bitsPerToken(Math.LN2), 1);
});

test('evaluation can be aborted and restores the memory', async () => {
  const model = new DiaryModel();
  const controller = new AbortController();
  const stopped = evaluateText(model, range(1000), {
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await assert.rejects(stopped, { name: 'AbortError' });
  assert.equal(model.calls.length, 1);
  assert.equal(model.memory, 'of the training');
  await assert.rejects(evaluateText(model, range(1000), { signal: controller.signal }), {
    name: 'AbortError',
  });
  assert.equal(model.calls.length, 1, 'a signal that is aborted already stops everything');
});

test('evaluation restores the memory when the model fails', async () => {
  const model = new DiaryModel();
  const fail = new Error('diverged');
  model.evaluate = () => {
    model.memory = 'broken';
    throw fail;
  };
  await assert.rejects(evaluateText(model, range(100)), fail);
  assert.equal(model.memory, 'of the training');
});

test('evaluation in the middle of a training run leaves no trace', async () => {
  const tokens = new ByteVocabulary().encode('one sheep, two sheep, three sheep. '.repeat(20));
  const engine = await load({ variant: 'simd' });
  /** @param {boolean} measured */
  const losses = async (measured) => {
    const model = engine.createLanguageModel({
      layers: 1,
      heads: 2,
      dModel: 16,
      dHead: 8,
      dInner: 16,
      contextLength: 16,
      memoryLength: 24,
      batchSize: 3,
      dropout: 0.1,
    });
    const streams = new TextStreams(tokens, { batchSize: 3, length: 16 });
    const result = [];
    for (let step = 0; step < 6; step++) {
      const { epoch: _, ...segment } = streams.at(step);
      result.push(model.trainStep({ ...segment, learningRate: 0.01 }).loss);
      if (measured) await evaluateText(model, tokens, { batchSize: 2 });
    }
    return result;
  };
  assert.deepEqual(await losses(true), await losses(false));
  engine.dispose();
});

test('evaluation yields to the event loop', async () => {
  const model = new DiaryModel();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const evaluate = model.evaluate.bind(model);
  model.evaluate = (segment) => {
    const end = performance.now() + 10;
    while (performance.now() < end);
    return evaluate(segment);
  };
  await evaluateText(model, range(400));
  clearInterval(timer);
  assert.ok(ticks >= 2);
});
