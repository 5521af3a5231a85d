/**
 * A thread that executes runs of a study, one after the other. What it is sent are jobs; what it answers are their progress
 * and their results.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { load } from '../../index.js';
import { executeRun, readData, readStudy } from '../../study/index.js';

/**
 * @typedef {object} Job
 * @property {import('../../study/types.js').StudyRun} run
 * @property {boolean} save
 * @property {Uint8Array} [from]  checkpoint to begin with
 */

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const { file, base, files } = workerData;
const engine = await load({ variant: 'simd' });
const study = readStudy(file, engine, { base: base && readStudy(base, engine) });
const data = readData(study, files);

port.on('message', async (/** @type {Job} */ { run, save, from }) => {
  const started = performance.now();
  try {
    const { result, checkpoint } = await executeRun(engine, study, run, data, {
      ...{ from, save },
      onProgress: ({ step, steps }) => port.postMessage({ type: 'progress', step, steps }),
    });
    const seconds = (performance.now() - started) / 1000;
    port.postMessage({ type: 'finished', result, checkpoint, seconds });
  } catch (error) {
    const { name, message } = /** @type {Error} */ (error);
    port.postMessage({ type: 'failed', name, message });
  }
});
