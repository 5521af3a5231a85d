/**
 * @typedef {import('../schema.js').Values} Values
 *
 * @typedef {object} PastModel a model that a change of settings replaced
 * @property {Values} values the settings that it was built with
 * @property {number} step
 * @property {{ past: import('./session.js').Past, record: import('../record.js').PastRecord } | null} kept null: it was
 *   too large to keep
 */

/** Each is kept with its optimizer, that is twelve bytes for each parameter. */
const maxModels = 4;
const maxParameters = 2e6;

/**
 * The models that undo and redo go back to.
 *
 * @param {(one: Values, other: Values) => boolean} isSame whether a model is built the same with both
 */
export function createPastModels(isSame) {
  /** @type {PastModel[]} the latest last */
  let models = [];
  return {
    /** @param {number} parameters of a model */
    hasRoom: (parameters) => parameters <= maxParameters,

    /** @param {PastModel} model */
    keep(model) {
      models = [...models.filter(({ values }) => !isSame(values, model.values)), model].slice(-maxModels);
    },

    /**
     * The last model with these settings, which is no past one any more.
     *
     * @param {Values} values
     */
    take(values) {
      const found = models.find((model) => isSame(model.values, values));
      models = models.filter((model) => model !== found);
      return found;
    },
  };
}
