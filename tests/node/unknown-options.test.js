/** A misspelt option is refused by every function that takes options, here and in a worker, and the nearest one is named. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as direct from '../../web/index.js';
import * as twin from '../../web/worker.js';
import {
  errorOf,
  onEveryVariant,
  randomBatch,
  randomIds,
  randomSegment,
  TINY,
  TINY_CLASSIFIER,
} from './helpers.js';

const TOKENS = randomIds(400, TINY.vocabSize, 7);
const BATCH = randomBatch(TINY_CLASSIFIER, 1);
const SEGMENT = randomSegment(TINY, 1);

/**
 * A call with a misspelt option, the name of the argument with the misspelt key, and the nearest key: null if none is near.
 * @typedef {[call: (...args: any[]) => unknown, where: string, nearest: string | null]} Case
 */

/** @type {Case[]} */
const HELPERS = [
  [() => direct.splitText(TOKENS, /** @type {any} */ ({ valid: 0.5 })), 'options.valid', 'validation'],
  [() => direct.splitVectors(BATCH, /** @type {any} */ ({ sed: 1 })), 'options.sed', 'seed'],
  [
    () => new direct.Batches(BATCH, /** @type {any} */ ({ batch_size: 1 })),
    'options.batch_size',
    'batchSize',
  ],
  [
    () => new direct.TextStreams(TOKENS, /** @type {any} */ ({ batchSize: 1, len: 4 })),
    'options.len',
    'length',
  ],
  [
    () => direct.cosineSchedule(/** @type {any} */ ({ learningRate: 1, steps: 9, warmUp: 5 })),
    'options.warmUp',
    'warmup',
  ],
  [() => direct.constantSchedule(/** @type {any} */ ({ lr: 1 })), 'options.lr', 'learningRate'],
  [() => direct.topKSchedule(/** @type {any} */ ({ kmax: 1 })), 'options.kmax', 'kMax'],
  [() => new direct.Standardizer(/** @type {any} */ ({ mean: [0], std: [1] })), 'values.std', null],
  [
    () => new direct.ByteVocabulary().encode('a', /** @type {any} */ ({ replace: 'a' })),
    'options.replace',
    'replacement',
  ],
  [
    () => new direct.CharacterVocabulary('a').encode('a', /** @type {any} */ ({ replace: 'a' })),
    'options.replace',
    'replacement',
  ],
];

/** @type {Record<string, Case[]>} */
const OF_MODEL = {
  language: [
    [(m) => m.evaluate({ ...SEGMENT, carry: true }), 'segment.carry', 'carryMemory'],
    [(m) => m.gradients({ ...SEGMENT, len: 1 }), 'segment.len', 'length'],
    [(m) => m.trainStep({ ...SEGMENT, learningRate: 1, clipNorm: 1 }), 'options.clipNorm', 'clip'],
    [(m) => m.train(TOKENS, { steps: 1, lr: 1 }), 'options.lr', 'learningRate'],
    [(m) => m.generate([1], { max_tokens: 3 }), 'options.max_tokens', 'maxTokens'],
    [(m) => m.measure(TOKENS, { class: TOKENS }), 'options.class', 'classes'],
    [(m) => m.saveCheckpoint({ optimiser: true }), 'options.optimiser', 'optimizer'],
    [
      (m) => direct.evaluateText(m, TOKENS, /** @type {any} */ ({ vocab: null })),
      'options.vocab',
      'vocabulary',
    ],
  ],
  classifier: [
    [(m) => m.evaluate({ ...BATCH, target: 1 }), 'batch.target', 'targets'],
    [(m) => m.trainStep({ ...BATCH, learningRate: 1, clipping: 1 }), 'options.clipping', 'clip'],
    [(m) => m.train(BATCH, { steps: 1, validate: BATCH }), 'options.validate', 'validateEvery'],
    [(m) => m.train({ ...BATCH, weights: [1] }, { steps: 1 }), 'data.weights', null],
    [(m) => m.measure({ inputs: BATCH.inputs, target: BATCH.targets }), 'probe.target', 'targets'],
    [
      (m) => direct.evaluateVectors(m, BATCH, /** @type {any} */ ({ Signal: null })),
      'options.Signal',
      'signal',
    ],
  ],
};

/**
 * @param {unknown} error
 * @param {Case} expected
 */
function assertNamed(error, [, where, nearest]) {
  assert.ok(error instanceof TypeError, String(error));
  assert.ok(error.message.startsWith(`${where} is not a key of `), error.message);
  if (nearest) assert.ok(error.message.endsWith(`; the nearest is ${nearest}`), error.message);
  else assert.doesNotMatch(error.message, /nearest/);
  return true;
}

describe('helpers', () => {
  for (const each of HELPERS) it(each[1], () => void assertNamed(errorOf(each[0]), each));
});

onEveryVariant((bench) => {
  for (const [kind, cases] of Object.entries(OF_MODEL)) {
    for (const each of cases) {
      it(`${kind}: ${each[1]}`, async () => {
        const model = kind === 'language' ? bench.language(TINY) : bench.classifier(TINY_CLASSIFIER);
        await assert.rejects(
          async () => void (await each[0](model)),
          (error) => assertNamed(error, each),
        );
        assert.equal(model.step, 0);
      });
    }
  }

  it('a file that is opened', () => {
    const file = bench.language(TINY).saveCheckpoint();
    const open = () => bench.engine.loadCheckpoint(file, /** @type {any} */ ({ batch: undefined }));
    assertNamed(errorOf(open), [open, 'config.batch', 'batchSize']);
  });

  it('a configuration', () => {
    // Of each a name that is near, or none: "seed" has most letters of dHead.
    const cases = { dModle: 'dModel', hidden: null, dHead: null, x: null, numExperts: 'experts' };
    for (const [key, nearest] of Object.entries(cases)) {
      const create = () => bench.classifier(/** @type {any} */ ({ [key]: 8 }));
      assertNamed(errorOf(create), [create, `config.${key}`, nearest]);
    }
  });
});

describe('in a worker', () => {
  /** @type {twin.Engine} */
  let there;
  before(async () => {
    there = await twin.load({ variant: 'simd' });
  });
  after(() => there.dispose());

  for (const [kind, cases] of Object.entries(OF_MODEL)) {
    for (const each of cases) {
      it(`${kind}: ${each[1]}`, async () => {
        const model =
          kind === 'language'
            ? await there.createLanguageModel(TINY)
            : await there.createClassifier(TINY_CLASSIFIER);
        const call = async () => {
          const result = /** @type {any} */ (each[0](model));
          await (result?.next?.() ?? result);
        };
        await assert.rejects(call, (/** @type {unknown} */ error) => assertNamed(error, each));
        await model.dispose();
      });
    }
  }

  it('options of a call', async () => {
    const model = await there.createClassifier(TINY_CLASSIFIER);
    const wrong = /** @type {any} */ ({ transfr: true });
    const data = new Float32Array(4);
    const calls = [
      () => model.predict(BATCH.inputs, wrong),
      () => model.setParameter('output.bias', data, wrong),
      () => model.measure(BATCH, wrong),
      () => model.evaluate({ ...BATCH, ...wrong }),
      () => there.createClassifier(TINY_CLASSIFIER, wrong),
      () => there.loadCheckpoint(new Uint8Array(9), {}, wrong),
    ];
    for (const call of calls)
      await assert.rejects(async () => call(), /\.transfr is not a key .*; the nearest is transfer$/);
    await assert.rejects(
      twin.load(/** @type {any} */ ({ workers: 1 })),
      /options\.workers .* nearest is worker$/,
    );
    await model.dispose();
  });
});
