/**
 * hyperrouter-wasm: sparse mixtures of experts that train, run and show their routing in WebAssembly.
 *
 * @module
 */
export { Classifier } from './classifier.js';
export { Engine } from './engine.js';
export * from './helpers.js';
export { LanguageModel } from './language-model.js';
export { load } from './load.js';
