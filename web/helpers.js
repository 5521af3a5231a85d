/**
 * What the package exports both on this thread and in a worker: data helpers, routing metrics, schedules, errors, and
 * the types of all arguments and results.
 *
 * @module
 */
export * from './bpe.js';
export { fieldsInUse } from './config.js';
export * from './data.js';
export * from './errors.js';
export * from './measures.js';
export * from './option-types.js';
export * from './pieces.js';
export * from './regression.js';
export * from './schedules.js';
export * from './sequences.js';
export * from './text.js';
export { Training } from './training.js';
export * from './types.js';
export * from './vocabulary.js';
