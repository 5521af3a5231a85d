/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Studies: what the command line runs, without files, so that a page can read a study and its results and repeat its runs.
 * Exported as `hyperrouter-wasm/study`.
 *
 * @module
 */
export { activeParameters } from './active.js';
export { describeFile, filesOf, heldOutOf, readData } from './data.js';
export { executeRun } from './execute.js';
export { planRuns } from './plan.js';
export { writeReport } from './report.js';
export { formatResults, makeResults } from './results.js';
export { meanInterval, pairedDifference, tQuantile } from './statistics.js';
export { listRuns, readStudy } from './study.js';
export * from './types.js';
