/**
 * hyperrouter-wasm: sparse mixtures of experts that train, run and show their routing in WebAssembly.
 */
export { Classifier } from './classifier.js';
export { Batches, BpeVocabulary, evaluateVectors, Standardizer, splitVectors } from './data.js';
export { Engine } from './engine.js';
export { CheckpointError, DisposedError, DivergedError, EngineError, OutOfMemoryError } from './errors.js';
export { LanguageModel } from './language-model.js';
export { load } from './load.js';
export * from './measures.js';
export * from './schedules.js';
export * from './text.js';
