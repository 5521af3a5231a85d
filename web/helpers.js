/**
 * What both faces of the package have, on this thread and in a worker: data, measures, schedules, errors, and the types
 * of all that is handed in and out.
 *
 * @module
 */
export * from './bpe.js';
export { fieldsInUse } from './config.js';
export * from './data.js';
export * from './errors.js';
export * from './measures.js';
export * from './schedules.js';
export * from './text.js';
export * from './types.js';
export * from './vocabulary.js';
