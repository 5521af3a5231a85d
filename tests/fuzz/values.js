/** What the targets make up: configurations, inputs and wrong arguments, from what the package says of itself. */
import fc from 'fast-check';
import { INPUT } from '../../web/options.js';
import { randomFloats, randomIds } from '../node/helpers.js';

/** @import { Engine } from '../../web/index.js' */
/** @import { ConfigField } from '../../web/types.js' */

/** Methods of an engine that create a model, each for one kind. @param {Engine} engine */
export function creators(engine) {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(engine));
  return names.filter((name) => name.startsWith('create'));
}

/**
 * The kinds of model, and how each is created and configured.
 * @param {Engine} engine
 * @returns {{ kind: string, create: string, fields: ConfigField[] }[]}
 */
export function kindsOf(engine) {
  return creators(engine).map((create) => {
    const model = /** @type {any} */ (engine)[create]();
    const { kind } = model;
    model.dispose();
    return { kind, create, fields: engine.configFields(kind) };
  });
}

/** Values that are wrong nearly everywhere; all can be sent to a worker. */
export const junk = fc.constantFrom(
  ...[undefined, null, -1, 0, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53],
  ...['', 'x', 'relu', true, [], {}, [1, 2, 'a'], [[1], [2, 3]], 10n, new Date(0)],
  ...[new Float32Array(3), new Int32Array(3), new Int32Array(0), new Float64Array(2), new ArrayBuffer(8)],
);

/**
 * A field has the limits of its type, which its declaration does not say.
 * @typedef {Omit<ConfigField, 'min' | 'max' | 'choices'> & { min: number, max: number, choices: string[] }} Field
 */

/** @param {Field} field @returns {fc.Arbitrary<unknown>} */
function fieldValue(field) {
  if (field.type === 'choice') return fc.constantFrom(...field.choices);
  if (field.type === 'boolean') return fc.boolean();
  if (field.type === 'integer') {
    const step = field.multipleOf ?? 1;
    const least = Math.ceil(field.min / step);
    // A seed has no size.
    const most = field.max > 2 ** 31 ? field.max : least + (field.name === 'layers' ? 2 : 10);
    return fc.integer({ min: least, max: most }).map((value) => value * step);
  }
  const inside = [Number(field.default), field.min, 1e-3, 0.1, 0.5, 0.999].filter(
    (value) => value >= field.min && value < field.max,
  );
  return fc.constantFrom(...inside);
}

/** Beside a limit, or no number at all. @param {Field} field @returns {fc.Arbitrary<unknown>} */
function wrongValue(field) {
  return field.max !== undefined ? fc.oneof(junk, fc.constantFrom(field.max + 1, field.min - 1)) : junk;
}

/**
 * Small configurations; one in twenty keys is wrong. Keys do not always agree with each other.
 * @param {ConfigField[]} fields
 */
export function configOf(fields) {
  const keys = /** @type {Field[]} */ (fields).map((field) => [
    field.name,
    fc.oneof({ weight: 19, arbitrary: fieldValue(field) }, { weight: 1, arbitrary: wrongValue(field) }),
  ]);
  // Sizes must be given: their defaults make a model that is slow to train here.
  const requiredKeys = fields.filter(({ type, name }) => type === 'integer' && name !== 'seed');
  return fc.record(Object.fromEntries(keys), { requiredKeys: requiredKeys.map(({ name }) => name) });
}

/**
 * An input for a pass of a model of any kind, by the names of its parts.
 * @param {any} model
 * @param {{ kind: string }} kind
 * @param {number} seed
 * @returns {Record<string, any>}
 */
export function inputFor({ config }, { kind }, seed) {
  const { vocabSize, inputSize = 1, classes, outputs, contextLength = 1, batchSize } = config;
  const [batch, length] = [1 + (seed % batchSize), 1 + (seed % contextLength)];
  const names = /** @type {Record<string, string[]>} */ (INPUT)[kind];
  const rows = batch * length;
  const perText = names.includes('lengths');
  const targets = classes ? randomIds(batch, classes, seed) : randomIds(rows, vocabSize ?? 1, seed);
  const parts = {
    inputs: vocabSize ? randomIds(rows, vocabSize, seed + 1) : randomFloats(batch * inputSize, seed + 1),
    targets: outputs ? randomFloats(batch * outputs, seed) : targets,
    length,
    lengths: perText ? randomIds(batch, length, seed).map((value) => value + 1) : undefined,
    carryMemory: seed % 3 > 0,
  };
  return Object.fromEntries(Object.entries(parts).filter(([name]) => names.includes(name)));
}
