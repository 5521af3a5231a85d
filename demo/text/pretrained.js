/**
 * The model with which the room opens: it was trained before, by the study in `demo/studies/pretrained`, so that it writes
 * words at once.
 *
 * What a link opens stays what it was: one with settings but without `start` begins with random weights, as all did before
 * there was such a model. Of addresses without settings, `room=text` is that of the pretrained model.
 */

/** The value of the setting `start`; another model would have another one, since links name it. */
export const pretrained = 'moby-dick';
export const nothing = 'nothing';

/** What its training was: the study says the same, and a core of a server took so long. */
export const training = { steps: 4000, epochs: 10, minutes: 3 };

/** The settings that the file decides: with others there is no such model. */
export const pretrainedValues = {
  tokens: 'pieces',
  router: 'hyperrouter',
  gate: 'topk-softmax',
  experts: 8,
  layers: 2,
  dModel: 80,
  dInner: 96,
  heads: 4,
  dHead: 16,
  preLayerNorm: true,
  routerScale: 4,
  sharedExperts: 0,
};

/** All settings with which it opens. A third of the usual learning rate: more would undo some of what it has learned. */
export const openingValues = {
  start: pretrained,
  text: 'moby-dick',
  ...pretrainedValues,
  topK: 2,
  dropout: 0.05,
  learningRate: 0.001,
  // A piece begins with the space before it.
  prompt: 'Captain Ahab',
  temperature: 0.7,
  length: 120,
};

/** @returns {Promise<Uint8Array>} its file */
export async function pretrainedModel() {
  const url = new URL('../studies/pretrained/model.safetensors', import.meta.url);
  const response = await fetch(url).catch((/** @type {unknown} */ error) => {
    throw new Error(
      `the pretrained model could not be loaded: ${error instanceof Error ? error.message : error}`,
    );
  });
  if (!response.ok)
    throw new Error(`the pretrained model could not be loaded: ${response.status} from the server`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {import('../schema.js').Values} values */
export const isPretrained = ({ start }) => start === pretrained;

/**
 * A change of what the file decides begins a new model.
 *
 * @param {import('../schema.js').Values} values
 * @returns {{ entries: [string, import('../schema.js').Value][], problem: string } | null}
 */
export function settleStart(values) {
  if (!isPretrained(values)) return null;
  const other = Object.entries(pretrainedValues).some(([key, value]) => values[key] !== value);
  return other
    ? {
        entries: [['start', nothing]],
        problem: 'The pretrained model has other settings, so this one starts with random weights',
      }
    : null;
}

/** The opening's settings as an address has them. */
const openingAddress = Object.entries(openingValues).map(([key, value]) => [key, inAddress(value)]);

/** @param {import('../schema.js').Value} value */
function inAddress(value) {
  return typeof value === 'boolean' ? String(Number(value)) : String(value);
}

/** What an address has besides settings. */
const others = ['room', 'hide', 'lesson'];

/**
 * What an address of the room says, as settings.
 *
 * @param {string} address
 */
export function settingsAt(address) {
  const query = new URLSearchParams(address.replace(/^#/, ''));
  const isBare = [...query.keys()].every((key) => others.includes(key));
  if (!isBare && query.get('start') !== pretrained) return address;
  // Of a key that is there twice, the later one counts.
  return new URLSearchParams([...openingAddress, ...query]).toString();
}

/**
 * The address of settings: of those of the pretrained model, only what is changed.
 *
 * @param {string} settings that differ from the defaults
 * @param {import('../state.js').State} state
 */
export function addressOf(settings, state) {
  const query = new URLSearchParams(settings);
  if (query.get('start') !== pretrained) return settings === '' ? `start=${nothing}` : settings;
  const named = new URLSearchParams(`start=${pretrained}`);
  const opening = new Map(/** @type {[string, string][]} */ (openingAddress));
  for (const { key, default: usual } of state.schema) {
    const now = query.get(key) ?? inAddress(usual);
    if (now !== (opening.get(key) ?? inAddress(usual))) named.set(key, now);
  }
  return named.toString();
}
