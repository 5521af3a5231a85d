/// <reference lib="esnext.disposable" preserve="true" />
/**
 * hyperrouter-wasm: trains and runs sparse mixtures of experts in WebAssembly, and shows how they route.
 *
 * @module
 */
export * from './classifier.js';
export * from './engine.js';
export * from './helpers.js';
export * from './language-model.js';
export * from './load.js';
export * from './regressor.js';
export * from './text-classifier.js';
