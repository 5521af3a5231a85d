import { leastBytes, TextError } from './data.js';

/**
 * From the settings of the page to the configuration of a model, and what makes two of them different.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 * @typedef {import('./data.js').Text} Text
 */

/**
 * @param {State} state
 * @returns {import('./worker/protocol.js').ModelConfig}
 */
export function modelConfig(state) {
  const values = state.values.peek();
  const keys = state.schema.filter(({ engine }) => engine).map(({ key }) => key);
  const config = Object.fromEntries(keys.map((key) => [key, values[key]]));
  // Only one router is trained with it, and the engine takes it for that one alone.
  if (values.router !== 'smoe') config.loadBalanceWeight = 0;
  return { vocabSize: 256, ...config };
}

/**
 * @param {State} state
 * @param {Values} values
 * @returns {Values} those that a model is built with
 */
export function rebuildValues(state, values) {
  const keys = state.schema.filter(({ effect }) => effect === 'rebuild').map(({ key }) => key);
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

/**
 * What makes one run different from another, in words for a legend.
 *
 * @param {State} state
 * @param {Values} of
 * @param {Values} from
 */
export function differenceOf(state, of, from) {
  const keys = Object.keys(of).filter((key) => of[key] !== from[key]);
  const words = keys.map((key) => {
    const { type, label } = state.settingOf(key);
    return type === 'choice' ? String(of[key]) : `${label.toLowerCase()} ${of[key]}`;
  });
  return words.join(', ');
}

/**
 * @param {Text} text
 * @param {{ batchSize: number, contextLength: number }} config
 */
export function requireLength({ name, bytes }, config) {
  const least = leastBytes(config);
  if (bytes.length >= least) return;
  throw new TextError(
    `${name} has ${bytes.length} bytes; with ${config.batchSize} streams of ${config.contextLength} bytes ` +
      `at least ${least} are needed. Fewer streams or a shorter segment need less.`,
  );
}
