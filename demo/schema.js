/**
 * Every setting of the page, once: controls, address, validation and help all come from this list. Limits, defaults
 * and choices of the engine's own keys come from the engine; what stands here only narrows them to what a page can
 * train while somebody watches.
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
 * @property {'text' | 'model' | 'more' | 'training' | 'view' | 'generation'} group where its control is
 * @property {'rebuild' | 'live' | 'view'} effect what a change does: a new model, a change of the running one, or
 *   of the pictures only
 * @property {'range' | 'number' | 'select' | 'segments' | 'check' | 'none'} control
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} [maxKey] the key whose value is a further upper limit
 * @property {number} [step] multiples of it only, counted from min
 * @property {{ value: string, label: string, help?: string }[]} [choices]
 * @property {boolean} [engine] a key of the engine's configuration
 *
 * @typedef {object} EngineField what `engine.configFields('language')` says of a key
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

/** @type {readonly Setting[]} */
const settings = [
  {
    key: 'text',
    type: 'choice',
    default: 'moby-dick',
    control: 'select',
    group: 'text',
    effect: 'rebuild',
    label: 'Text',
    help: 'What the model learns to continue. The last tenth is held out, to test it on.',
    choices: [
      { value: 'moby-dick', label: 'Moby-Dick (Melville, 1851)' },
      { value: 'own', label: 'Your own text' },
    ],
  },
  {
    key: 'router',
    type: 'choice',
    default: 'hyperrouter',
    control: 'select',
    group: 'model',
    effect: 'rebuild',
    engine: true,
    label: 'Router',
    help: 'How it is decided which experts take a character.',
    choices: [],
  },
  {
    key: 'experts',
    type: 'integer',
    default: 8,
    min: 1,
    max: 16,
    control: 'range',
    group: 'model',
    effect: 'rebuild',
    engine: true,
    label: 'Experts',
    help: 'Small networks in each layer.',
  },
  {
    key: 'topK',
    type: 'integer',
    default: 2,
    min: 1,
    max: 16,
    maxKey: 'experts',
    control: 'range',
    group: 'model',
    effect: 'live',
    engine: true,
    label: 'Experts per character (k)',
    help: 'How many experts take each character. May be changed while it trains, and after.',
  },
  {
    key: 'layers',
    type: 'integer',
    default: 2,
    min: 1,
    max: 4,
    control: 'range',
    group: 'model',
    effect: 'rebuild',
    engine: true,
    label: 'Layers',
    help: 'Attention and experts, one after the other.',
  },
  {
    key: 'dModel',
    type: 'integer',
    default: 64,
    min: 16,
    max: 192,
    step: 16,
    control: 'range',
    group: 'model',
    effect: 'rebuild',
    engine: true,
    label: 'Width',
    help: 'Numbers that stand for a character inside the model.',
  },
  {
    key: 'dInner',
    type: 'integer',
    default: 128,
    min: 16,
    max: 512,
    step: 16,
    control: 'range',
    group: 'model',
    effect: 'rebuild',
    engine: true,
    label: 'Width of an expert',
    help: 'Hidden units in each expert.',
  },
  {
    key: 'learningRate',
    type: 'number',
    default: 0.003,
    min: 0.00001,
    max: 1,
    control: 'number',
    group: 'training',
    effect: 'live',
    label: 'Learning rate',
    help: 'How far each step goes. Above 0.03 or so, training tends to break down.',
  },
  {
    key: 'heads',
    type: 'integer',
    default: 4,
    min: 1,
    max: 8,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Attention heads',
    help: 'Ways in which a layer looks back, side by side.',
  },
  {
    key: 'dHead',
    type: 'integer',
    default: 16,
    min: 4,
    max: 64,
    step: 4,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Width of a head',
    help: 'Numbers by which a head compares characters.',
  },
  {
    key: 'contextLength',
    type: 'integer',
    default: 64,
    min: 16,
    max: 128,
    step: 16,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Segment',
    help: 'Bytes of each stream in one step.',
  },
  {
    key: 'memoryLength',
    type: 'integer',
    default: 64,
    min: 0,
    max: 128,
    step: 16,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Memory',
    help: 'Bytes before the segment that attention still sees.',
  },
  {
    key: 'batchSize',
    type: 'integer',
    default: 16,
    min: 1,
    max: 32,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Streams',
    help: 'Places of the text that are read at the same time.',
  },
  {
    key: 'preLayerNorm',
    type: 'boolean',
    default: true,
    control: 'check',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Normalise first',
    help: 'Layers normalise what goes in, not what comes out, as the paper’s do. Learns faster at this size.',
  },
  {
    key: 'dropout',
    type: 'number',
    default: 0,
    min: 0,
    max: 0.5,
    step: 0.05,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Dropout',
    help: 'Share of the numbers set to 0 at random in training, against learning by heart.',
  },
  {
    key: 'loadBalanceWeight',
    type: 'number',
    default: 0,
    min: 0,
    max: 0.1,
    step: 0.005,
    control: 'range',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Load balancing',
    help: 'Weight of the extra loss that spreads the load. Works on the router “smoe” only.',
  },
  {
    key: 'seed',
    type: 'integer',
    default: 1,
    min: 0,
    max: 999999,
    control: 'number',
    group: 'more',
    effect: 'rebuild',
    engine: true,
    label: 'Seed',
    help: 'The same seed and settings give the same run.',
  },
  {
    key: 'layer',
    type: 'integer',
    default: 1,
    min: 1,
    max: 4,
    maxKey: 'layers',
    control: 'segments',
    group: 'view',
    effect: 'view',
    label: 'Layer',
    help: 'Whose routing the colours show.',
  },
  {
    key: 'strength',
    type: 'boolean',
    default: true,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Paler when shared',
    help: 'The colour is paler, the less weight the first expert has.',
  },
  {
    key: 'letters',
    type: 'boolean',
    default: true,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Letters',
    help: 'The letter of the first expert under every character.',
  },
  {
    key: 'logSteps',
    type: 'boolean',
    default: false,
    control: 'check',
    group: 'view',
    effect: 'view',
    label: 'Logarithmic steps',
    help: 'Early steps get more room.',
  },
  {
    key: 'unit',
    type: 'choice',
    default: 'bits',
    control: 'segments',
    group: 'view',
    effect: 'view',
    label: 'Unit',
    help: 'Bits per byte, or nats per byte (1 nat = 1.44 bits).',
    choices: [
      { value: 'bits', label: 'bits' },
      { value: 'nats', label: 'nats' },
    ],
  },
  {
    key: 'prompt',
    type: 'text',
    default: 'The whale ',
    control: 'none',
    max: 200,
    group: 'generation',
    effect: 'view',
    label: 'Beginning',
    help: 'The model goes on from here.',
  },
  {
    key: 'temperature',
    type: 'number',
    default: 0.8,
    min: 0,
    max: 2,
    step: 0.05,
    control: 'range',
    group: 'generation',
    effect: 'view',
    label: 'Temperature',
    help: '0 always takes the likeliest byte; higher is bolder.',
  },
  {
    key: 'topP',
    type: 'number',
    default: 0.95,
    min: 0.05,
    max: 1,
    step: 0.05,
    control: 'range',
    group: 'generation',
    effect: 'view',
    label: 'Top-p',
    help: 'Chooses among the likeliest bytes that have this share together.',
  },
  {
    key: 'length',
    type: 'integer',
    default: 300,
    min: 20,
    max: 1000,
    step: 20,
    control: 'range',
    group: 'generation',
    effect: 'view',
    label: 'Length',
    help: 'Bytes to write.',
  },
];

/** @type {Record<string, string>} in the words of somebody who meets them for the first time */
const routerHelp = {
  hyperrouter:
    'A frozen random network makes the router’s weights out of one small vector, which alone is trained.',
  smoe: 'The router’s weights are trained together with the experts.',
  'smoe-dropout': 'The router’s weights are random and stay as they are.',
  dense: 'No router and no experts: one network as wide as all experts together takes everything.',
};

/**
 * @param {{ fields: readonly EngineField[], routers: readonly Router[] }} engine
 * @returns {Setting[]}
 */
export function createSchema({ fields, routers }) {
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
