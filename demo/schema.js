/**
 * What a setting is. Each room of the page has a list of them, from which its controls, its address, validation and
 * help all come. Limits and choices of the engine's own keys come from the engine; a list only narrows them to what a
 * page can train while somebody watches.
 */

/**
 * @typedef {string | number | boolean} Value
 * @typedef {Record<string, Value>} Values
 *
 * @typedef {object} Setting
 * @property {string} key
 * @property {'choice' | 'integer' | 'number' | 'boolean' | 'text'} type
 * @property {Value} default
 * @property {string} label
 * @property {string} help
 * @property {string} group where its control is
 * @property {'rebuild' | 'live' | 'view'} effect what a change does: a new model, a change of the running one, or
 *   of the pictures only
 * @property {'range' | 'number' | 'select' | 'segments' | 'check' | 'none'} control
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} [maxKey] the key whose value is a further upper limit
 * @property {number} [step] multiples of it only, counted from min
 * @property {{ value: string, label: string, help?: string }[]} [choices]
 * @property {Record<number, string>} [labels] what some numbers are called
 * @property {boolean} [engine] a key of the engine's configuration
 *
 * @typedef {object} EngineField what `engine.configFields()` says of a key
 * @property {string} name
 * @property {'integer' | 'number' | 'boolean' | 'choice'} type
 * @property {Value} default
 * @property {number} [min]
 * @property {number} [max]
 * @property {readonly string[]} [choices]
 * @property {string} summary
 *
 * @typedef {{ name: string, summary: string, routes: boolean }} Router
 */

/** @type {Record<string, string>} in the words of somebody who meets them for the first time */
const routerHelp = {
  hyperrouter:
    'A frozen random network makes the router’s weights out of one small vector, which alone is trained.',
  smoe: 'The router’s weights are trained together with the experts.',
  'smoe-dropout': 'The router’s weights are random and stay as they are.',
  dense: 'No router and no experts: one network as wide as all experts together takes everything.',
};

/** @param {unknown} value of the setting @returns {number} steps a second; 0: as many as can be */
export const paceOf = (value) => (value === 'full' ? 0 : Number(value));

/**
 * Whether the model has a router: one without sends every token through the same network.
 *
 * @param {{ routers: readonly Router[] }} engine
 * @param {{ router?: unknown }} config
 */
export const isRouted = ({ routers }, { router }) =>
  routers.some(({ name, routes }) => name === router && routes);

/**
 * @param {readonly Setting[]} settings
 * @param {{ fields: readonly EngineField[], routers: readonly Router[] }} engine
 * @returns {Setting[]}
 */
export function createSchema(settings, { fields, routers }) {
  const known = new Map(fields.map((field) => [field.name, field]));
  const here = settings.filter((setting) => !setting.engine || known.has(setting.key));
  return here.map((setting) => {
    const field = setting.engine ? known.get(setting.key) : undefined;
    if (!field) return setting;
    if (setting.key === 'router') {
      const choices = routers.map(({ name, summary }) => ({
        value: name,
        label: name,
        help: routerHelp[name] ?? summary,
      }));
      return { ...setting, choices };
    }
    return {
      ...setting,
      min: Math.max(setting.min ?? -Infinity, field.min ?? -Infinity),
      max: Math.min(setting.max ?? Infinity, field.max ?? Infinity),
    };
  });
}
