/**
 * hyperrouter-wasm: sparse mixtures of experts that train, run and show their routing in WebAssembly.
 *
 * @module
 */
export * from './classifier.js';
export * from './engine.js';
export * from './helpers.js';
export * from './language-model.js';
export * from './load.js';
