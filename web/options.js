/** The keys of the options of each method, for the methods on this thread and those in a worker. */

/** Of the input of a pass. `epoch` is what a source of data also says of it. */
export const INPUT = {
  language: ['inputs', 'targets', 'length', 'carryMemory', 'epoch'],
  classifier: ['inputs', 'targets', 'epoch'],
};

/** Of a method, besides its input. */
export const OPTIONS = {
  evaluate: [],
  gradients: [],
  trainStep: ['learningRate', 'clip'],
  train: [
    ...['steps', 'every', 'signal', 'resume', 'learningRate', 'schedule', 'warmup', 'floor', 'clip', 'seed'],
    ...['topKSchedule', 'topKMin', 'topKMax', 'validation', 'validateEvery', 'patience'],
    ...['probe', 'probeClasses', 'measureEvery'],
  ],
  measure: ['classes'],
  generate: ['maxTokens', 'temperature', 'topP', 'seed'],
  saveCheckpoint: ['optimizer', 'metadata', 'dtype'],
};

/** Of every call of a worker. */
export const CALL = ['signal', 'transfer'];
