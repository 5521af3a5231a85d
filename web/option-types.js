/** Types of the options of functions: a typedef each, so that editors show what an option means. */

/** @import { Signal } from './platform.js' */
/** @import { Ids } from './types.js' */
/** @import { Vocabulary } from './vocabulary.js' */

/**
 * @typedef {object} GenerateOptions
 * Options of `generate`. Tokens are drawn from the softmax of the logits, after the penalty and divided by the
 * temperature, cut first to `topTokens` and of these to `topP`.
 *
 * @property {number | undefined} [maxTokens] most tokens to generate; default 100, 0 or more
 * @property {number | undefined} [temperature] below 1: less random; 0 always takes the most likely token, whatever `topP`,
 *   `topTokens` and `seed` are; default 1, 0 or more
 * @property {number | undefined} [topP] nucleus sampling: sample from the smallest set of most likely tokens whose
 *   probabilities add up to this share; default 1, above 0 to 1
 * @property {number | undefined} [topTokens] top-k sampling: sample from this many most likely tokens; default
 *   `vocabSize` (all), 1 to `vocabSize`. `topK` is the number of experts per token
 * @property {number | undefined} [repetitionPenalty] of tokens that are already in the text, the prompt included: a positive
 *   logit is divided by it, a negative one multiplied (CTRL, Keskar et al. 2019); above 1: fewer repetitions; default
 *   1 (none), 0.001 to 1000
 * @property {Ids | undefined} [stop] a sequence of tokens, or an array of such sequences: the text ends when one of them
 *   has been generated, and ends with it; default: none
 * @property {number | undefined} [seed] the same seed generates the same text; default 0, 0 to 4294967295
 */

/**
 * @typedef {object} MeasureOptions
 * Options of `measure`.
 *
 * @property {Ids | undefined} [classes] [N] the class of each token or vector, for `specialisation`; default: none
 */

/**
 * @typedef {object} SaveOptions
 * Options of `saveCheckpoint`.
 *
 * @property {boolean | undefined} [optimizer] also save Adam's moments, the number of steps, the memory, and the run of
 *   `train` with its best state, so that `train(data, { resume: true })` continues as if it had not been interrupted; default
 *   false
 * @property {Record<string, string> | undefined} [metadata] strings to save; default `model.metadata`
 * @property {'f32' | 'f16' | 'bf16' | undefined} [dtype] numbers in the file; default 'f32'. The others take half the space and
 *   round: for finished models, not together with `optimizer`
 */

/**
 * @typedef {object} SplitTextOptions
 * Options of `splitText`.
 *
 * @property {number | undefined} [validation] share of the tokens to hold out; default 0.1, 0 to below 1
 */

/**
 * @typedef {object} SplitVectorsOptions
 * Options of `splitVectors`.
 *
 * @property {number | undefined} [validation] share of the vectors to hold out; default 0.1, 0 to below 1
 * @property {number | undefined} [seed] seed of the random choice; default 0, 0 to 4294967295
 */

/**
 * @typedef {object} BatchesOptions
 * Options of `Batches`.
 *
 * @property {number} batchSize vectors per batch, 1 or more
 * @property {number | undefined} [seed] seed of the order; default 0, 0 to 4294967295
 */

/**
 * @typedef {object} StreamsOptions
 * Options of `TextStreams`.
 *
 * @property {number} batchSize number of streams, 1 or more
 * @property {number} length tokens per segment, 1 or more
 */

/**
 * @typedef {object} EvaluateTextOptions
 * Options of `evaluateText`.
 *
 * @property {number | undefined} [batchSize] parallel streams; default: the model's batchSize, or fewer if the text is short;
 *   1 to the model's batchSize
 * @property {number | undefined} [length] tokens per segment; default: the model's contextLength; 1 to that
 * @property {Vocabulary | undefined} [vocabulary] of the tokens, for `bitsPerByte`; default: none
 * @property {((progress: { tokens: number, total: number, loss: number }) => void) | undefined} [onProgress] called
 *   after each segment, while `model.routing()` and `model.logits()` are those of the segment; loss: mean so far
 * @property {Signal | undefined} [signal] stops between two segments
 */

/**
 * @typedef {object} EvaluateVectorsOptions
 * Options of `evaluateVectors`.
 *
 * @property {Signal | undefined} [signal] stops between two batches
 */

/**
 * @typedef {object} EncodeOptions
 * Options of `encode` of a vocabulary.
 *
 * @property {string | undefined} [replacement] text of the vocabulary that is used for what the vocabulary does not have;
 *   default: none, such a text is refused
 */

/**
 * @typedef {object} CosineOptions
 * Options of `cosineSchedule`.
 *
 * @property {number} learningRate peak learning rate, above 0
 * @property {number} steps number of steps of the run, 1 or more
 * @property {number | undefined} [warmup] steps of linear warm-up; default 0, 0 to `steps`
 * @property {number | undefined} [floor] final learning rate; default 0, 0 to `learningRate`
 */

/**
 * @typedef {object} ConstantOptions
 * Options of `constantSchedule`.
 *
 * @property {number} learningRate of every step after the warm-up, above 0
 * @property {number | undefined} [warmup] steps of linear warm-up; default 0, 0 or more
 */

/**
 * @typedef {object} TopKScheduleOptions
 * Options of `topKSchedule`.
 *
 * @property {number} kMax final number of experts per token, 1 or more
 * @property {number | undefined} [kMin] initial number of experts per token, of `linear_increase`; default 1, 1 to `kMax`
 * @property {number | undefined} [steps] over which it grows, 1 or more; `linear_increase` needs it, `constant` has no use for
 *   it
 * @property {'constant' | 'linear_increase' | undefined} [kind] `constant`: always `kMax`; default 'linear_increase'
 */

export {};
