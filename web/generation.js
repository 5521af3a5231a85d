/** Options of generation, and where a text ends. */
import {
  checkIds,
  checkInteger,
  checkNumber,
  fail,
  refuse,
  refuseLength,
  rowWidth,
  toIntegers,
} from './check.js';

/** @import { GenerateOptions } from './option-types.js' */

/** As in src/hyperrouter.h. */
const PENALTY = { least: 1e-3, most: 1e3 };

/** Of all stop sequences together; each is compared after every token. */
const MOST_STOP_TOKENS = 65536;

/**
 * @typedef {object} Sampling
 * How a token is drawn.
 *
 * @property {number} temperature
 * @property {number} topP
 * @property {number} topTokens
 * @property {number} repetitionPenalty
 */

/**
 * @param {GenerateOptions} options whose keys are known
 * @param {number} vocabSize
 * @returns {{ maxTokens: number, seed: number, stop: Int32Array[], sampling: Sampling }}
 */
export function checkGenerate(options, vocabSize) {
  const { maxTokens = 100, seed = 0, stop } = options;
  const { temperature = 1, topP = 1, topTokens = vocabSize, repetitionPenalty = 1 } = options;
  checkInteger('maxTokens', maxTokens, 0);
  checkNumber('temperature', temperature, 0);
  checkNumber('topP', topP, 0, 1);
  if (topP === 0) refuse('topP', 'above 0', topP);
  checkInteger('topTokens', topTokens, 1, vocabSize, ' (vocabSize)');
  checkNumber('repetitionPenalty', repetitionPenalty, PENALTY.least, PENALTY.most);
  checkInteger('seed', seed, 0, 4294967295);
  const sampling = { temperature, topP, topTokens, repetitionPenalty };
  return { maxTokens, seed, stop: stop === undefined ? [] : checkStop(stop, vocabSize), sampling };
}

/**
 * The stop sequences, of which a single one may be given as it is.
 * @param {unknown} stop
 * @param {number} vocabSize
 */
function checkStop(stop, vocabSize) {
  const single = !Array.isArray(stop) || (stop.length > 0 && rowWidth(stop) === undefined);
  const given = single ? [stop] : Array.from(stop);
  let tokens = 0;
  return given.map((sequence, i) => {
    const name = single ? 'stop' : `stop[${i}]`;
    // A copy: the caller's array may change while the text is generated.
    const ids = toIntegers(name, sequence).slice();
    if (ids.length === 0) refuseLength(name, '1 token or more', ids);
    tokens += ids.length;
    if (tokens > MOST_STOP_TOKENS) fail(`stop must have at most ${MOST_STOP_TOKENS} tokens`);
    checkIds(name, ids, vocabSize);
    return ids;
  });
}

/**
 * Whether one of the sequences has just been completed.
 * @param {readonly number[]} generated
 * @param {readonly Int32Array[]} stop
 */
export function endsWithAny(generated, stop) {
  return stop.some(
    (sequence) =>
      sequence.length <= generated.length &&
      sequence.every((token, i) => token === generated[generated.length - sequence.length + i]),
  );
}
