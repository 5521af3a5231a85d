/** The keys of the options of each method, for the methods on this thread and those in a worker. */

/** Of the input of a pass. `epoch` is what a source of data also says of it. */
export const INPUT = {
  language: ['inputs', 'targets', 'length', 'carryMemory', 'epoch'],
  classifier: ['inputs', 'targets', 'epoch'],
  'text-classifier': ['inputs', 'lengths', 'targets', 'epoch'],
  regressor: ['inputs', 'targets', 'epoch'],
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
  generate: ['maxTokens', 'temperature', 'topP', 'topTokens', 'repetitionPenalty', 'stop', 'seed'],
  saveCheckpoint: ['optimizer', 'metadata', 'dtype'],
};

/** Of every call of a worker. */
export const CALL = ['signal', 'transfer'];

const OF_HEAD = { trainStep: ['headLearningRate'], train: ['headLearningRate'] };
const OF_CLASSES = {
  evaluate: ['classWeights'],
  gradients: ['classWeights'],
  trainStep: ['classWeights', ...OF_HEAD.trainStep],
  train: ['classWeights', ...OF_HEAD.train],
};

/**
 * What some kinds of model have besides.
 * @type {Record<keyof typeof INPUT, Record<string, readonly string[]>>}
 */
const OF_KIND = {
  language: {},
  classifier: OF_CLASSES,
  'text-classifier': OF_CLASSES,
  regressor: OF_HEAD,
};

/**
 * The keys of the options of a method, besides its input.
 * @param {keyof typeof INPUT} kind of model
 * @param {keyof typeof OPTIONS} method
 * @returns {readonly string[]}
 */
export const optionsOf = (kind, method) => [...OPTIONS[method], ...(OF_KIND[kind][method] ?? [])];
