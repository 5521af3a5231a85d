/** How much of a model computes a token. */
import { checkInteger, checkNumber, checkObject } from '../check.js';
import { checkFields, traitsOf } from '../config.js';

/** @import { ConfigField } from '../types.js' */

/**
 * Parameters that compute a token: of the experts, as many as it is routed to; of a hypernetwork, R and b that it generates;
 * of a router's table of tokens, a row.
 *
 * @param {{ readonly config: object, readonly topK: number, readonly parameterCount: number }} model a model, or what is
 *   known of it
 * @param {readonly ConfigField[]} fields as returned by `engine.configFields(kind)`
 * @param {number} [expertsPerToken] as it was measured: it counts where not k but a loss decides how many there are (gate
 *   `relu`)
 * @returns {number}
 * @throws {TypeError | RangeError} naming the argument
 */
export function activeParameters(model, fields, expertsPerToken) {
  const { config, topK, parameterCount } = /** @type {typeof model} */ (checkObject('model', model));
  checkFields(fields);
  checkInteger('model.topK', topK, 1);
  const { layers, dModel, dInner, experts, hyperSize, vocabSize } = /** @type {Record<string, number>} */ (
    checkObject('model.config', config)
  );
  if (expertsPerToken !== undefined) checkNumber('expertsPerToken', expertsPerToken, 0, experts);
  const traits = traitsOf(fields, { ...config });
  const chosen = traits.includes('sparsity') ? Math.min(experts, expertsPerToken ?? topK) : topK;
  const generated = experts * (dModel + 1);
  let idle = 0;
  if (traits.includes('routes')) idle += (experts - chosen) * (2 * dModel * dInner + dInner + dModel);
  if (traits.includes('hypernetwork'))
    idle += dModel + (dModel + 1) * hyperSize + (hyperSize + 1) * generated - generated;
  if (traits.includes('tokens')) idle += (vocabSize - 1) * experts;
  return Math.round(parameterCount - layers * idle);
}
