/**
 * Hashes of everything that an engine computes for fixed seeds and data. As a program it prints those of the simd
 * variant: node tests/node/fingerprint.js
 */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { load } from '../../web/index.js';
import { liven, randomBatch, randomSegment, TINY, TINY_CLASSIFIER } from './helpers.js';

/** @import { Engine } from '../../web/index.js' */
/** @import { AnyModel } from './helpers.js' */

const STEPS = 5;

/** The routers of version 0.1, whose fingerprints are kept. */
const VERSION_0_1 = /** @type {const} */ (['hyperrouter', 'smoe', 'smoe-dropout', 'dense']);

/** Sizes that fill whole SIMD vectors and blocks of the kernels, with remainders. */
const LARGER = {
  vocabSize: 67,
  layers: 2,
  heads: 2,
  dModel: 40,
  dHead: 16,
  dInner: 72,
  experts: 6,
  topK: 3,
  hyperSize: 33,
  contextLength: 33,
  memoryLength: 20,
  batchSize: 5,
};

/** @param {(ArrayBufferView | string)[]} parts */
function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) {
    if (typeof part === 'string') sum.update(part);
    else sum.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return sum.digest('hex');
}

/** @param {AnyModel} model */
function hashParameters(model) {
  return hash(
    model.parameters().flatMap(({ name, data, grad }) => (grad ? [name, data, grad] : [name, data])),
  );
}

/** @param {AnyModel} model */
function hashRouting(model) {
  return hash(
    model
      .routing()
      .flatMap(({ experts, weights, logits, entropy }) => [experts, weights, logits, `${entropy}`]),
  );
}

/**
 * @param {Engine} engine
 * @param {Omit<typeof TINY, 'seed'>} sizes
 * @param {typeof VERSION_0_1[number]} router
 * @param {number} seed
 * @param {boolean} preLayerNorm
 */
function languageModel(engine, sizes, router, seed, preLayerNorm) {
  const auxiliary = router === 'smoe' ? { loadBalanceWeight: 0.01, routerZWeight: 0.001 } : {};
  const dropout = { dropout: 0.1, attentionDropout: 0.1 };
  const config = { ...sizes, router, seed, ...dropout, ...auxiliary, preLayerNorm };
  const model = engine.createLanguageModel(config);
  const created = hashParameters(model);
  liven(model);
  const losses = [];
  for (let step = 0; step < STEPS; step++) {
    const segment = randomSegment(model.config, step);
    losses.push(model.trainStep({ ...segment, learningRate: 0.01, clip: 0.5 }));
  }
  const trained = hashParameters(model);
  losses.push(model.evaluate(randomSegment(model.config, 99)));
  const evaluated = [hash([model.logits()]), hashRouting(model), hash(model.saveMemory().layers)];
  const text = [...model.generate([1, 2, 3], { maxTokens: 40, temperature: 0.9, topP: 0.95, seed })];
  const tokens = text.map(({ token }) => token);
  const result = { created, losses, trained, evaluated, tokens, generated: hash([model.logits()]) };
  model.dispose();
  return result;
}

/**
 * The same with every k that the model was not planned for: more experts per token than there is memory for at once.
 *
 * @param {Engine} engine
 * @param {typeof VERSION_0_1[number]} router
 * @param {number} seed
 */
function everyK(engine, router, seed) {
  const model = liven(engine.createLanguageModel({ ...LARGER, topK: 1, router, seed, dropout: 0.1 }));
  const losses = [];
  for (let topK = 1; topK <= LARGER.experts; topK++) {
    model.topK = topK;
    losses.push(model.trainStep({ ...randomSegment(model.config, topK), learningRate: 0.01 }));
  }
  const last = [hash([model.logits()]), hashRouting(model)];
  const result = { losses, trained: hashParameters(model), last };
  model.dispose();
  return result;
}

/**
 * @param {Engine} engine
 * @param {number} seed
 * @param {{ router?: typeof VERSION_0_1[number], preLayerNorm?: boolean }} [choice]
 */
function classifier(engine, seed, choice = {}) {
  const model = liven(engine.createClassifier({ ...TINY_CLASSIFIER, dropout: 0.1, seed, ...choice }));
  const losses = [];
  for (let step = 0; step < STEPS; step++) {
    losses.push(model.trainStep({ ...randomBatch(TINY_CLASSIFIER, step), learningRate: 0.01 }));
  }
  const probabilities = hash([model.predict(randomBatch(TINY_CLASSIFIER, 99).inputs)]);
  const result = { losses, trained: hashParameters(model), probabilities };
  model.dispose();
  return result;
}

/**
 * By name, so that a difference says what differs.
 * @param {Engine} engine
 * @param {number} [seed]
 */
export function fingerprints(engine, seed = 7) {
  /** @type {Record<string, object>} */
  const all = { classifier: classifier(engine, seed) };
  for (const router of VERSION_0_1) {
    for (const preLayerNorm of [false, true]) {
      const norm = preLayerNorm ? 'layer norm before' : 'layer norm after';
      all[`${router}, tiny, ${norm}`] = languageModel(engine, TINY, router, seed, preLayerNorm);
      all[`${router}, larger, ${norm}`] = languageModel(engine, LARGER, router, seed, preLayerNorm);
      all[`${router}, classifier, ${norm}`] = classifier(engine, seed, { router, preLayerNorm });
    }
    all[`${router}, every k`] = everyK(engine, router, seed);
  }
  return all;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify(fingerprints(await load({ variant: 'simd' }))));
}
