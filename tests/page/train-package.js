/**
 * Trains a small model of every kind with the package as it is in the repository. Also runs in the page.
 *
 * @param {string} web address of its folder
 * @param {number | 'auto'} threads
 * @param {'/index.js' | '/worker.js'} entry
 */
export async function trainPackage(web, threads, entry) {
  const { load } = await import(web + entry);
  const engine = await load({ variant: 'simd', threads });
  /** @type {Record<string, number[]>} */
  const bits = {};
  const ramp = (/** @type {number} */ count, /** @type {number} */ limit) =>
    Int32Array.from({ length: count }, (_, i) => (i * i + 7 * i) % limit);
  const sizes = { layers: 2, dModel: 32, dInner: 48, experts: 6, topK: 2, dropout: 0.1, seed: 5 };
  const options = { learningRate: 0.01, clip: 0.5 };
  for (const { name: router, traits } of engine.routers) {
    const text = { vocabSize: 40, heads: 2, dHead: 16, contextLength: 16, memoryLength: 16, batchSize: 4 };
    const language = await engine.createLanguageModel({ ...sizes, ...text, router });
    const segment = { inputs: ramp(64, 40), targets: ramp(64, 39), length: 16 };
    // A classifier has no tokens whose ids could be hashed.
    const ofVectors = traits.includes('tokens') ? {} : { router };
    const classifier = await engine.createClassifier({ ...sizes, inputSize: 2, classes: 3, ...ofVectors });
    const batch = { inputs: Float32Array.from(ramp(32, 17), (value) => value / 8 - 1), targets: ramp(16, 3) };
    const losses = [];
    for (let step = 0; step < 6; step++) {
      losses.push((await language.trainStep({ ...segment, ...options })).loss);
      losses.push((await classifier.trainStep({ ...batch, ...options })).loss);
    }
    // A model of another router has other parameters: all that was computed is in their bits.
    for (const model of [language, classifier]) {
      for (const { data } of await model.parameters()) {
        const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
        losses.push(words.reduce((sum, word) => (Math.imul(sum, 31) + word) | 0, 0));
      }
      await model.dispose();
    }
    bits[router] = losses;
  }
  const result = { bits, threads: engine.info.threads };
  await engine.dispose();
  return result;
}
