/** Whatever is passed, the message is the package's own: short, on one line, naming what was wrong. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as direct from '../../web/index.js';
import { encodeTexts, Labels, readLabelledTexts, splitLabelledTexts } from '../../web/labelled-text.js';
import * as studies from '../../web/study/index.js';
import * as twin from '../../web/worker.js';
import { errorOf, randomBatch, randomIds, randomSegment, TINY, TINY_CLASSIFIER } from './helpers.js';

const { meanInterval, pairedDifference, tQuantile } = studies;

const LONG = 'x'.repeat(1e6);
const NASTY = '\u001b]0;owned\u0007\u001b[2J\n\r\u202eevil\u0085\u2028';

/** What somebody may pass by mistake. */
const JUNK = [
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 40,
    7n,
    '',
    'text',
    LONG,
    NASTY,
  ],
  ...[
    Symbol('s'),
    () => 1,
    {},
    [],
    [undefined],
    [null],
    ['a'],
    [Number.NaN],
    [[1], [1, 2]],
    [{}],
    [[[1]]],
    [Symbol('s')],
    [7n, 0],
    [0, null],
    [[0, Symbol('s')]],
    [Object.create(null)],
    Array(3),
  ],
  ...[new Map(), new Date(0), /x/, Promise.resolve(), new Error('e'), new (class Own {})(), new (class {})()],
  ...[new Float32Array(3), new Int32Array(5), new Uint8Array(9), new Float64Array(2), new BigInt64Array(2)],
  ...[transferred()],
  ...[new ArrayBuffer(8), new SharedArrayBuffer(8), new DataView(new ArrayBuffer(8)), new Blob(['x'])],
  ...[
    { [NASTY]: 1 },
    { [LONG]: 1 },
    Object.create(null),
    { length: 3 },
    new URL('http://localhost/'),
    new Proxy({}, {}),
  ],
];

/** An array whose buffer has been given away. */
function transferred() {
  const array = new Int32Array(8);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** Messages of JavaScript itself. */
const FOREIGN =
  /Cannot (read|destructure|convert|mix|set|access|perform)|is not (a function|iterable|a constructor|defined|an object|extensible)|reading '|of undefined|\[object |Invalid (typed array|array|DataView|time|URL|string)|call stack|out of (range|bounds)|should be a multiple|Unexpected|JSON at|allocation failed|could not be cloned|must be an instance|argument must be|detached/i;

/** @param {unknown} error @param {string} what */
function assertOwn(error, what) {
  assert.ok(error instanceof Error, `${what}: ${String(error).slice(0, 200)}`);
  const { name, message } = error;
  assert.ok(!FOREIGN.test(message), `${what}: ${name}: ${message}\n${error.stack}`);
  assert.ok(message.length <= 500, `${what}: ${message.length} characters`);
  assert.doesNotMatch(message, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, what);
}

/** @param {unknown} value */
const label = (value) => {
  try {
    return (
      typeof value === 'object' && value
        ? `${value.constructor?.name} ${JSON.stringify(value)}`
        : String(value)
    ).slice(0, 40);
  } catch {
    return typeof value;
  }
};

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const BATCH = randomBatch(TINY_CLASSIFIER, 1);
const SEGMENT = randomSegment(TINY, 1);
const tokenizer = {
  encode: (/** @type {string} */ text) => [...text].map((c) => Number(c.codePointAt(0))),
  decode: (/** @type {number[]} */ ids) => String.fromCodePoint(...ids),
};

/** @param {unknown[]} items */
async function* later(items) {
  yield* items;
}

/** Functions of any module, with each argument in turn replaced by junk. @type {Record<string, [call: (...args: any[]) => any, ...args: any[]]>} */
const HELPERS = {
  splitText: [direct.splitText, TOKENS, {}],
  'splitText validation': [(v) => direct.splitText(TOKENS, { validation: v }), 0.1],
  splitVectors: [direct.splitVectors, BATCH, {}],
  'splitVectors inputs': [
    (inputs, targets) => direct.splitVectors({ inputs, targets }),
    BATCH.inputs,
    BATCH.targets,
  ],
  Batches: [(d, o) => new direct.Batches(d, o), BATCH, { batchSize: 2 }],
  'Batches options': [(batchSize, seed) => new direct.Batches(BATCH, { batchSize, seed }), 2, 0],
  'Batches at': [(s) => new direct.Batches(BATCH, { batchSize: 2 }).at(s), 0],
  TextStreams: [(t, o) => new direct.TextStreams(t, o), TOKENS, { batchSize: 1, length: 3 }],
  'TextStreams options': [(batchSize, length) => new direct.TextStreams(TOKENS, { batchSize, length }), 1, 3],
  'TextStreams at': [(s) => new direct.TextStreams(TOKENS, { batchSize: 1, length: 3 }).at(s), 0],
  Standardizer: [(v) => new direct.Standardizer(v), { mean: [0], deviation: [1] }],
  'Standardizer values': [(mean, deviation) => new direct.Standardizer({ mean, deviation }), [0], [1]],
  fit: [direct.Standardizer.fit, BATCH.inputs, 3],
  apply: [(x) => direct.Standardizer.fit(BATCH.inputs, 3).apply(x), BATCH.inputs],
  cosineSchedule: [direct.cosineSchedule, { learningRate: 1, steps: 3 }],
  'cosineSchedule options': [
    (learningRate, steps, warmup, floor) => direct.cosineSchedule({ learningRate, steps, warmup, floor }),
    1,
    3,
    1,
    0,
  ],
  constantSchedule: [direct.constantSchedule, { learningRate: 1 }],
  topKSchedule: [direct.topKSchedule, { kMax: 2, steps: 3 }],
  'topKSchedule options': [
    (kMin, kMax, steps, kind) => direct.topKSchedule({ kMin, kMax, steps, kind }),
    1,
    2,
    3,
    'constant',
  ],
  'step of a schedule': [
    (cosine, constant, topK) => {
      direct.cosineSchedule({ learningRate: 1, steps: 9, warmup: 3 })(cosine);
      direct.constantSchedule({ learningRate: 1, warmup: 3 })(constant);
      direct.topKSchedule({ kMax: 2, steps: 3 })(topK);
    },
    ...[0, 0, 0],
  ],
  bitsPerToken: [direct.bitsPerToken, 1],
  bitsPerByte: [direct.bitsPerByte, 1, 1, 1],
  'byte encode': [(t, o) => new direct.ByteVocabulary().encode(t, o), 'a', {}],
  'byte decode': [(t) => new direct.ByteVocabulary().decode(t), [1]],
  'byte decoder': [(t) => new direct.ByteVocabulary().decoder().push(t), 1],
  'byte length': [(t) => new direct.ByteVocabulary().byteLength(t), [1]],
  CharacterVocabulary: [(c) => new direct.CharacterVocabulary(c), 'abc'],
  fromText: [direct.CharacterVocabulary.fromText.bind(direct.CharacterVocabulary), 'abc'],
  'character encode': [(t, o) => new direct.CharacterVocabulary('abc').encode(t, o), 'a', {}],
  'character replacement': [
    (r) => new direct.CharacterVocabulary('abc').encode('a', { replacement: r }),
    'b',
  ],
  PieceVocabulary: [(p) => new direct.PieceVocabulary(p), ['a']],
  'pieces fromText': [(t, o) => direct.PieceVocabulary.fromText(t, o), ...['abc', {}]],
  'character decode': [(t) => new direct.CharacterVocabulary('abc').decode(t), [1]],
  vocabularyFromJSON: [direct.vocabularyFromJSON, '{"kind":"byte"}'],
  'vocabulary characters': [
    (characters) => direct.vocabularyFromJSON({ kind: 'character', characters }),
    'ab',
  ],
  BpeVocabulary: [(t, k) => new direct.BpeVocabulary(t, k), tokenizer, [97, 98]],
  'BpeVocabulary.fromText': [direct.BpeVocabulary.fromText, tokenizer, 'ab'],
  'BpeVocabulary.fromJSON': [direct.BpeVocabulary.fromJSON, { kind: 'bpe', known: [97] }, tokenizer],
  'bpe encode': [(t, o) => new direct.BpeVocabulary(tokenizer, [97, 98]).encode(t, o), 'ab', {}],
  'bpe decode': [(t) => new direct.BpeVocabulary(tokenizer, [97, 98]).decode(t), [0]],
  expertLoad: [direct.expertLoad, [0, 1], 2],
  maxLoad: [direct.maxLoad, [0.5, 0.5]],
  loadVariation: [direct.loadVariation, [0.5, 0.5]],
  routerProbabilities: [direct.routerProbabilities, new Float32Array(4), 2, 0],
  routerEntropy: [direct.routerEntropy, new Float32Array(4), 2],
  switchRate: [direct.switchRate, new Int32Array(4), new Int32Array(4), 2, 2],
  specialisation: [direct.specialisation, new Int32Array(4), new Int32Array(4), 2],
  routingByClass: [direct.routingByClass, new Int32Array(4), new Int32Array(4), 2],
  expertsPerToken: [direct.expertsPerToken, [1, 0], 2],
  droppedShare: [direct.droppedShare, [0, 1], [0, 0]],
  tokensWithoutExpert: [direct.tokensWithoutExpert, [1, 0], 2],
  characterClasses: [direct.characterClasses, [1], new direct.ByteVocabulary()],
  meanInterval: [meanInterval, [1, 2], {}],
  'meanInterval options': [(comparisons, level) => meanInterval([1, 2], { comparisons, level }), 1, 0.9],
  pairedDifference: [pairedDifference, [1, 2], [2, 1], 1],
  tQuantile: [tQuantile, 0.9, 3],
  confusionMatrix: [direct.confusionMatrix, [0, 1], [1, 1], 2],
  RegressionBatches: [
    (d, o) => new direct.RegressionBatches(d, o),
    { inputs: [1, 2], targets: [1, 2] },
    { inputSize: 1, outputs: 1, batchSize: 1 },
  ],
  SequenceBatches: [
    (d, o) => new direct.SequenceBatches(d, o),
    { inputs: [[1], [2]], targets: [0, 1] },
    { batchSize: 1 },
  ],
  readLabelledTexts: [readLabelledTexts, 'text,label\na,b', { format: 'csv' }],
  'readLabelledTexts options': [
    (format, text, label, header) => readLabelledTexts('text,label\na,b', { format, text, label, header }),
    ...['csv', 'text', 'label', true],
  ],
  Labels: [(names) => new Labels(names), ['a', 'b']],
  'Labels.of': [(labels) => Labels.of(labels), ['a', 'b']],
  'Labels ids': [(labels) => new Labels(['a', 'b']).encode(labels), ['a']],
  splitLabelledTexts: [splitLabelledTexts, { texts: ['a', 'b'], labels: ['x', 'y'] }, {}],
  'splitLabelledTexts parts': [
    (texts, labels) => splitLabelledTexts({ texts, labels }),
    ...[
      ['a', 'b'],
      ['x', 'y'],
    ],
  ],
  encodeTexts: [encodeTexts, ['a'], new direct.ByteVocabulary(), { contextLength: 3 }, {}],
  'encodeTexts with a vocabulary': [
    (encode) => encodeTexts(['a'], /** @type {any} */ ({ encode, size: 3 }), { contextLength: 3 }),
    () => [1],
  ],
  'encodeTexts with an answer': [
    (ids) => encodeTexts(['a'], /** @type {any} */ ({ encode: () => ids, size: 3 }), { contextLength: 3 }),
    [1],
  ],
  fieldsInUse: [direct.fieldsInUse, [], {}],
};

/**
 * @param {(what: string, call: () => any) => void | Promise<void>} tried
 * @param {Record<string, [call: (...args: any[]) => any, ...args: any[]]>} calls
 */
async function withJunk(calls, tried) {
  for (const [name, [call, ...good]] of Object.entries(calls)) {
    for (let at = 0; at < good.length; at++) {
      for (const junk of JUNK) {
        const args = good.with ? good.with(at, junk) : good.map((arg, i) => (i === at ? junk : arg));
        await tried(`${name}, argument ${at}: ${label(junk)}`, () => call(...args));
      }
    }
  }
}

/** @param {string} what @param {() => any} call that may also be right */
async function tried(what, call) {
  try {
    const result = call();
    if (typeof result?.next === 'function') await result.next();
    else if (typeof result?.then === 'function') await result;
    result?.dispose?.();
  } catch (error) {
    assertOwn(error, what);
  }
}

/**
 * @param {any} model
 * @param {any} classifier
 * @param {any} engine
 * @returns {Record<string, [call: (...args: any[]) => any, ...args: any[]]>}
 */
const methodsOf = (model, classifier, engine) => ({
  evaluate: [(s) => model.evaluate(s), SEGMENT],
  'evaluate parts': [
    (inputs, targets, length, carryMemory) => model.evaluate({ inputs, targets, length, carryMemory }),
    SEGMENT.inputs,
    SEGMENT.targets,
    TINY.contextLength,
    false,
  ],
  gradients: [(s) => model.gradients(s), SEGMENT],
  trainStep: [(s) => model.trainStep(s), { ...SEGMENT, learningRate: 0.01 }],
  'trainStep parts': [(learningRate, clip) => model.trainStep({ ...SEGMENT, learningRate, clip }), 0.01, 1],
  train: [(d, o) => model.train(d, o), TOKENS, { steps: 1 }],
  'train options': [
    (steps, every, signal, schedule, topKSchedule, validation, probe, probeClasses) =>
      model.train(TOKENS, { steps, every, signal, schedule, topKSchedule, validation, probe, probeClasses }),
    ...[1, 1, undefined, 'cosine', () => 1, TOKENS.slice(0, 9), TOKENS.slice(0, 9), TOKENS.slice(0, 9)],
  ],
  'train numbers': [
    (learningRate, warmup, clip, validateEvery, measureEvery) =>
      model.train(TOKENS, {
        ...{ steps: 1, learningRate, warmup, clip, validateEvery, measureEvery },
        ...{ validation: TOKENS.slice(0, 9), probe: TOKENS.slice(0, 9) },
      }),
    ...[0.1, 0, 1, 1, 1],
  ],
  'train from a source': [(step) => model.train({ at: () => step }, { steps: 1 }), SEGMENT],
  'train from an iterator': [
    (items, result) =>
      model.train(
        { [Symbol.asyncIterator]: () => (result === SEGMENT ? items : { next: () => result }) },
        { steps: 1 },
      ),
    ...[later([TOKENS]), SEGMENT],
  ],
  generate: [(p, o) => model.generate(p, o), [1], { maxTokens: 1 }],
  'generate options': [
    (maxTokens, temperature, topP, seed) => model.generate([1], { maxTokens, temperature, topP, seed }),
    1,
    1,
    1,
    1,
  ],
  'more generate options': [
    (topTokens, repetitionPenalty, stop) => model.generate([1], { topTokens, repetitionPenalty, stop }),
    ...[1, 1, [1]],
  ],
  next: [(tokens) => model.next(tokens), [1]],
  measure: [(p, o) => model.measure(p, o), TOKENS, {}],
  'measure classes': [(classes) => model.measure(TOKENS, { classes }), TOKENS],
  saveCheckpoint: [(o) => model.saveCheckpoint(o), {}],
  'saveCheckpoint options': [
    (optimizer, metadata, dtype) => model.saveCheckpoint({ optimizer, metadata, dtype }),
    false,
    {},
    'f32',
  ],
  'saveCheckpoint metadata': [(note) => model.saveCheckpoint({ metadata: { [NASTY]: note } }), 'x'],
  setParameter: [(n, d) => model.setParameter(n, d), 'r_w_bias', new Float32Array(15)],
  restoreMemory: [(m) => model.restoreMemory(m), {}],
  'restoreMemory parts': [
    (length, batch, layers) => model.restoreMemory({ length, batch, layers }),
    0,
    0,
    [new Float32Array(0), new Float32Array(0)],
  ],
  topK: [
    (k) => {
      model.topK = k;
    },
    1,
  ],
  evaluateText: [(m, t, o) => direct.evaluateText(m, t, o), model, TOKENS.slice(0, 20), {}],
  'evaluateText options': [
    (batchSize, length, vocabulary, onProgress, signal) =>
      direct.evaluateText(model, TOKENS.slice(0, 20), { batchSize, length, vocabulary, onProgress, signal }),
    ...[1, 3, undefined, undefined, undefined],
  ],
  predict: [(x) => classifier.predict(x), BATCH.inputs],
  'classifier evaluate': [(b) => classifier.evaluate(b), BATCH],
  'classifier evaluate parts': [
    (inputs, targets) => classifier.evaluate({ inputs, targets }),
    BATCH.inputs,
    BATCH.targets,
  ],
  'classifier train': [(d, o) => classifier.train(d, o), BATCH, { steps: 1 }],
  'classifier train parts': [
    (inputs, targets) => classifier.train({ inputs, targets }, { steps: 1 }),
    BATCH.inputs,
    BATCH.targets,
  ],
  'classifier train seed': [(seed) => classifier.train(BATCH, { steps: 1, seed }), 1],
  'classifier measure': [(p, o) => classifier.measure(p, o), BATCH, {}],
  evaluateVectors: [(m, d, o) => direct.evaluateVectors(m, d, o), classifier, BATCH, {}],
  configFields: [(k) => engine.configFields(k), 'language'],
  createLanguageModel: [(c) => engine.createLanguageModel(c), TINY],
  'language config': [
    (vocabSize, router, gate, dropout, preLayerNorm) =>
      engine.createLanguageModel({ ...TINY, vocabSize, router, gate, dropout, preLayerNorm }),
    9,
    'smoe',
    'sigmoid',
    0,
    true,
  ],
  createClassifier: [(c) => engine.createClassifier(c), TINY_CLASSIFIER],
  'custom router': [
    (name, parameters, generate) =>
      engine.createClassifier({ ...TINY_CLASSIFIER, router: { name, parameters, generate } }),
    'r',
    () => [],
    () => {},
  ],
  'custom router tensors': [
    (tensors) =>
      engine.createClassifier({
        ...TINY_CLASSIFIER,
        router: { name: 'r', parameters: () => tensors, generate() {} },
      }),
    [],
  ],
  loadCheckpoint: [(b, c) => engine.loadCheckpoint(b, c), new Uint8Array(9), {}],
});

describe('messages', () => {
  it('of helpers', () => withJunk(HELPERS, tried));

  it('of models and engines', async () => {
    const engine = await direct.load({ variant: 'simd' });
    const calls = methodsOf(
      engine.createLanguageModel(TINY),
      engine.createClassifier(TINY_CLASSIFIER),
      engine,
    );
    await withJunk(calls, tried);
    engine.dispose();
  });

  it('of load', async () => {
    /** @type {Record<string, [call: (...args: any[]) => any, ...args: any[]]>} */
    const calls = {
      load: [direct.load, {}],
      'load options': [
        (variant, threads, wasm, createThread) => direct.load({ variant, threads, wasm, createThread }),
        'simd',
        1,
        undefined,
        undefined,
      ],
    };
    await withJunk(calls, tried);
  });
});

describe('messages of studies', () => {
  it('are the same kind', async () => {
    const engine = await direct.load({ variant: 'simd' });
    const { vocabSize: _, seed: __, ...model } = TINY;
    const file = {
      name: 'tiny',
      data: 'a.txt',
      model,
      train: { steps: 2 },
      vary: { router: ['smoe', 'cosine'] },
    };
    const bytes = new TextEncoder().encode('a text to learn '.repeat(40));
    const read = studies.readStudy(file, engine);
    const data = studies.readData(read, { 'a.txt': bytes });
    const described = [await studies.describeFile('a.txt', bytes)];
    const [run] = studies.listRuns(read);
    const { result } = await studies.executeRun(engine, read, run, data);
    const results = studies.makeResults(read, described, () => result);
    /** @type {Record<string, [call: (...args: any[]) => any, ...args: any[]]>} */
    const calls = {
      readStudy: [studies.readStudy, file, engine, {}],
      readData: [studies.readData, read, { 'a.txt': bytes }],
      filesOf: [studies.filesOf, read],
      heldOutOf: [studies.heldOutOf, read],
      describeFile: [studies.describeFile, 'a.txt', bytes],
      planRuns: [studies.planRuns, read, () => result, () => true],
      'planRuns results': [(given) => studies.planRuns(read, () => given), result],
      listRuns: [studies.listRuns, read, []],
      'listRuns tuning': [
        (variant, chosen) => studies.listRuns(read, [{ variant, chosen }]),
        ...[run.variant, {}],
      ],
      executeRun: [studies.executeRun, engine, read, run, data, {}],
      makeResults: [studies.makeResults, read, described, () => result],
      'makeResults results': [(given) => studies.makeResults(read, described, () => given), result],
      writeReport: [studies.writeReport, results, { machines: [], runs: [] }],
      formatResults: [studies.formatResults, results],
    };
    for (const key of Object.keys(file))
      calls[`study.${key}`] = [(value) => studies.readStudy({ ...file, [key]: value }, engine), result];
    for (const [key, value] of Object.entries(results))
      calls[`results.${key}`] = [(junk) => studies.writeReport({ ...results, [key]: junk }), value];
    for (const [key, value] of Object.entries(result))
      calls[`result.${key}`] = [
        (junk) => studies.makeResults(read, described, () => ({ ...result, [key]: junk })),
        value,
      ];
    await withJunk(calls, tried);
    engine.dispose();
  });
});

describe('messages of a worker', () => {
  /** @type {twin.Engine} */
  let there;
  before(async () => {
    there = await twin.load({ variant: 'simd' });
  });
  after(() => there.dispose());

  it('are the same kind', async () => {
    const model = await there.createLanguageModel(TINY);
    const classifier = await there.createClassifier(TINY_CLASSIFIER);
    const { 'custom router': _, 'custom router tensors': __, ...calls } = methodsOf(model, classifier, there);
    await withJunk(calls, tried);
  });

  it('of load', async () => {
    for (const worker of JUNK) {
      if (worker === undefined || typeof worker === 'string') continue;
      await tried(`worker ${label(worker)}`, () => twin.load(/** @type {any} */ ({ worker })));
    }
  });
});

it('every id below 0 is none', () => {
  assert.deepEqual([...direct.expertLoad([-2, 0, -1, 1, 1, 1], 2)], [0.25, 0.75]);
});

describe('what is passed in arrays is named', () => {
  const { expertLoad, maxLoad, routingByClass, droppedShare, specialisation } = direct;
  /** @type {[call: (...args: any[]) => unknown, args: unknown[], message: string][]} */
  const cases = [
    [
      expertLoad,
      [[0, Symbol('s')], 2],
      'experts[1] must be an integer of at most 1 (below 0: none), got a symbol',
    ],
    [expertLoad, [[0, 2], 2], 'experts[1] must be an integer of at most 1 (below 0: none), got 2'],
    [expertLoad, [Array(2), 2], 'experts[0] must be an integer of at most 1 (below 0: none), got undefined'],
    [expertLoad, [new BigInt64Array(2), 2], 'experts must be an array of numbers, got a BigInt64Array'],
    [
      specialisation,
      [[0, 2], [0, 1], 2],
      'experts[1] must be an integer of at most 1 (below 0: none), got 2',
    ],
    [routingByClass, [[0, 1], [0, null], 2], 'classes[1] must be an integer (below 0: none), got null'],
    [
      droppedShare,
      [
        [0, 1],
        [0, 1n],
      ],
      'dropped[1] must be a finite number, got 1n',
    ],
    [maxLoad, [[0.5, null]], 'load[1] must be a finite number, got null'],
    [maxLoad, [[Number.NaN]], 'load[0] must be a finite number, got NaN'],
    [direct.loadVariation, [['a']], 'load[0] must be a finite number, got "a"'],
    [direct.expertsPerToken, [[1, {}], 1], 'weights[1] must be a finite number, got an Object'],
    [meanInterval, [[1, Symbol('s')]], 'values[1] must be a finite number, got a symbol'],
    [pairedDifference, [[1, 2], [1]], 'first must have one number for each of the 2 values, got 1'],
    [
      pairedDifference,
      [
        [1, 2],
        [1, null],
      ],
      'first[1] must be a finite number, got null',
    ],
    [direct.constantSchedule({ learningRate: 1 }), [-1], 'step must be an integer of at least 0, got -1'],
    [direct.topKSchedule({ kMax: 1, kind: 'constant' }), ['1'], 'step must be an integer, got "1"'],
  ];
  for (const [call, args, message] of cases) {
    it(message, () => assert.equal(errorOf(() => call(...args)).message, message));
  }

  it('no expert, no load', () => assert.equal(maxLoad([]), 0));
});

describe('what a tokenizer of the caller returns is named', () => {
  const answers = [undefined, null, 3, 'ab', Promise.resolve([1]), ['a'], [-1], [1.5], { length: 1 }];
  for (const answer of answers) {
    it(`encode: ${label(answer)}`, () => {
      const wrong = /** @type {any} */ ({ ...tokenizer, encode: () => answer });
      for (const make of [
        () => new direct.BpeVocabulary(wrong, [97]),
        () => direct.BpeVocabulary.fromText(wrong, 'ab'),
        () => direct.BpeVocabulary.fromJSON({ kind: 'bpe', known: [97] }, wrong),
      ])
        assert.match(errorOf(make).message, /^tokenizer\.encode\(text\)(\[0\])? must be an (array|integer)/);
    });
  }

  for (const answer of [undefined, null, 3, ['a'], Promise.resolve('a')]) {
    it(`decode: ${label(answer)}`, () => {
      const wrong = /** @type {any} */ ({ ...tokenizer, decode: () => answer });
      const vocabulary = new direct.BpeVocabulary(wrong, [97, 98]);
      for (const call of [
        () => vocabulary.decode([0]),
        () => vocabulary.decoder().push(0),
        () => vocabulary.byteLength([0]),
        () => vocabulary.encode('c'),
      ])
        assert.match(errorOf(call).message, /^tokenizer\.decode\(tokens\) must be a string, got /);
    });
  }

  it('a text that is not the one of the tokens', () => {
    const wrong = { ...tokenizer, decode: () => 'else' };
    const error = errorOf(() => new direct.BpeVocabulary(wrong, [97]).decode([0]));
    assert.match(error.message, /^tokenizer\.decode\(tokens\) must end with the text of the last tokens/);
  });

  it('a vocabulary of the caller', async () => {
    const own = /** @type {any} */ ({ size: 3, encode: () => 'a', decode: () => 3, byteLength: () => 'a' });
    assert.match(
      errorOf(() => encodeTexts(['a'], own, { contextLength: 3 })).message,
      /^vocabulary\.encode\(text\) must be an Int32Array or an array of numbers, got "a"/,
    );
    assert.match(
      errorOf(() => direct.characterClasses([1], own)).message,
      /^vocabulary\.decode\(tokens\) must be a string, got 3/,
    );
    const engine = await direct.load({ variant: 'simd' });
    const model = engine.createLanguageModel(TINY);
    await assert.rejects(
      direct.evaluateText(model, TOKENS.slice(0, 9), { vocabulary: own }),
      /^TypeError: vocabulary\.byteLength\(tokens\) must be a finite number, got "a"/,
    );
    engine.dispose();
  });
});

describe('files that are something else', () => {
  /** @type {direct.Engine} */
  let engine;
  before(async () => {
    engine = await direct.load({ variant: 'simd' });
  });
  after(() => engine.dispose());

  const bytes = (/** @type {(number | string)[]} */ ...parts) => {
    const list = parts.flatMap((part) =>
      typeof part === 'number' ? part : [...part].map((c) => c.charCodeAt(0)),
    );
    return Uint8Array.from([...list, ...Array(400).fill(0)]);
  };
  /** @param {string} name of the first entry */
  const zip = (name) => bytes('PK', 3, 4, ...Array(22).fill(0), name.length, 0, 0, 0, name);
  /** @type {Record<string, [Uint8Array, RegExp]>} */
  const files = {
    html: [bytes('<!DOCTYPE html><html><title>Not found</title>'), /an HTML page/],
    'html after a mark': [bytes(0xef, 0xbb, 0xbf, '\n <html lang="en">'), /an HTML page/],
    xml: [bytes('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'), /an XML text/],
    json: [bytes('{"error": "not found", "status": 404}'), /a JSON text/],
    gguf: [bytes('GGUF', 3, 0, 0, 0), /a GGUF file/],
    zip: [zip('mimetype'), /a zip archive/],
    'pytorch zip': [zip('model/data.pkl'), /a PyTorch file \(\.pt, a zip archive\)/],
    npz: [zip('weights.npy'), /a NumPy archive/],
    pickle: [bytes(0x80, 4, 0x95, 20, 0, 0, 0, 0, 0, 0, 0, '}'), /a Python pickle/],
    'old pytorch': [
      bytes(0x80, 2, 0x8a, 10, 'l', 0xfc, 0x9c, 'F', 0xf9, ' j', 0xa8, 'P', 0x19, '.', 0x80, 2),
      /a PyTorch file \(\.pt, a pickle\)/,
    ],
    gzip: [bytes(0x1f, 0x8b, 8, 0), /a gzip archive/],
    hdf5: [bytes(0x89, 'HDF\r\n', 0x1a, '\n'), /an HDF5 file/],
    npy: [bytes(0x93, 'NUMPY', 1, 0), /a NumPy file/],
    tflite: [bytes(0x1c, 0, 0, 0, 'TFL3', 0x14, 0), /a TensorFlow Lite file/],
    wasm: [bytes(0, 'asm', 1, 0, 0, 0), /a WebAssembly module/],
    png: [bytes(0x89, 'PNG\r\n'), /a PNG image/],
    lfs: [bytes('version https://git-lfs.github.com/spec/v1\noid sha256:4d'), /the pointer of Git LFS/],
    text: [bytes('The quick brown fox jumps over the lazy dog.'), /a text/],
  };
  for (const [name, [file, what]] of Object.entries(files)) {
    it(name, async () => {
      const error = errorOf(() => engine.loadCheckpoint(file));
      assert.ok(error instanceof direct.CheckpointError);
      assert.match(error.message, /^the file is not a safetensors file; it is an? |it is the pointer/);
      assert.match(error.message, what);
      assertOwn(error, name);
      if (name === 'wasm') return;
      await assert.rejects(direct.load({ wasm: file }), { name: 'EngineError', message: what });
    });
  }

  it('a long name or shape in a file does not make a long message', () => {
    const fileOf = (/** @type {unknown} */ header) => {
      const json = new TextEncoder().encode(JSON.stringify(header));
      const file = new Uint8Array(8 + json.length + 4);
      new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
      file.set(json, 8);
      return file;
    };
    const tensor = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    for (const header of [
      { [LONG]: tensor },
      { [NASTY]: tensor },
      { a: { ...tensor, shape: Array(1e5).fill(1) } },
      { a: { ...tensor, dtype: LONG } },
      { a: { ...tensor, dtype: NASTY } },
      { __metadata__: { 'hyperrouter.config': LONG } },
      { __metadata__: { 'hyperrouter.config': JSON.stringify({ [NASTY]: 1 }) } },
      { __metadata__: { 'hyperrouter.config': JSON.stringify({ [LONG]: 1 }) } },
      { __metadata__: { 'hyperrouter.config': JSON.stringify({ router: LONG }) } },
      { __metadata__: { 'hyperrouter.config': '{"router":"custom"}', 'hyperrouter.router': NASTY } },
      { __metadata__: { 'hyperrouter.config': '{}', 'hyperrouter.step': LONG } },
    ]) {
      assertOwn(
        errorOf(() => engine.loadCheckpoint(fileOf(header))),
        JSON.stringify(header).slice(0, 60),
      );
      assertOwn(
        errorOf(() => engine.loadCheckpoint(fileOf(header), { vocabSize: 1 })),
        'with a configuration',
      );
    }
  });

  it('numbers that are none are refused in parameters and in every tensor of a file', () => {
    const model = engine.createLanguageModel(TINY);
    model.trainStep({ ...SEGMENT, learningRate: 0.01 });
    const file = model.saveCheckpoint({ optimizer: true });
    const size = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + size)));
    for (const [name, { data_offsets: range }] of Object.entries(header)) {
      if (!range) continue;
      for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
        const broken = file.slice();
        new DataView(broken.buffer).setFloat32(8 + size + range[1] - 4, value, true);
        const error = errorOf(() => engine.loadCheckpoint(broken));
        assert.ok(error instanceof direct.CheckpointError, name);
        assert.match(
          error.message,
          new RegExp(`^tensor "${name}" must have finite numbers.*, got ${value} at index \\d+$`),
        );
      }
    }
    assert.throws(
      () => model.setParameter('r_w_bias', [0, Number.NaN]),
      /data\[1\] must be a finite number .*, got NaN/,
    );
    const saved = model.saveMemory();
    saved.layers[1][3] = Number.NaN;
    assert.throws(
      () => model.restoreMemory(saved),
      /saved\.layers\[1\]\[3\] must be a finite number, got NaN/,
    );
    assert.throws(() => direct.Standardizer.fit([1, Number.NaN], 1), /inputs\[1\] must be a finite number/);
    assert.throws(
      () => direct.Standardizer.fit([[1], [2]], 1).apply(Float32Array.of(Number.POSITIVE_INFINITY)),
      /inputs\[0\] must be a finite number, got Infinity/,
    );
    assert.throws(
      () => new direct.Standardizer({ mean: [0], deviation: [Number.NaN] }),
      /deviation\[0\] must be a finite number of at least 0, got NaN/,
    );
    model.dispose();
  });
});
