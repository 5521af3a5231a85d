import { expertLoad, fieldsInUse } from 'hyperrouter-wasm';
import { classesOf, dataFor, keyOf } from '../plane/data.js';
import { capacity, mapViews } from '../plane/frame.js';
import { isRouted } from '../schema.js';
import { builtInText, requireLength } from '../text/data.js';
import { frameViews } from '../text/frame.js';
import { isPlane } from './settings.js';

/**
 * The tasks of a comparison.
 *
 * @typedef {import('../schema.js').Values} Values
 * @typedef {import('../trainer/trainer-protocol.js').ModelConfig} ModelConfig
 *
 * @typedef {object} Kind
 * @property {import('../trainer/trainer-protocol.js').TaskName} name of the worker's task
 * @property {'byte' | 'point'} per unit of the mean loss
 * @property {number} guess loss of uniform predictions, nats
 * @property {(router: string) => boolean} routes whether it routes tokens to k experts, so that k matters
 * @property {(router: string, run: number) => ModelConfig} config run: index of the seed, from 0
 * @property {() => Promise<object>} data sent to the worker; the same object while it does not change
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads expert load [layers, E] of a picture from the worker
 */

/**
 * @param {readonly import('../schema.js').EngineField[]} fields of the engine's configuration
 * @param {Values} values
 * @param {string} router
 * @param {number} run index of the seed, from 0
 * @returns {ModelConfig} the settings that are keys of the configuration
 */
export function configFor(fields, values, router, run) {
  const own = { ...values, router };
  const applied = new Set(fieldsInUse(fields, own));
  const choices = fields.filter((field) => field.options && !applied.has(field));
  // A choice that does not apply to this router has its default, and what depends on it follows.
  const used = fieldsInUse(fields, {
    ...own,
    ...Object.fromEntries(choices.map(({ name, default: usual }) => [name, usual])),
  }).filter((field) => !choices.includes(field));
  const known = fields
    .filter(({ name }) => name in values)
    .map((field) => [field.name, used.includes(field) || !field.strict ? values[field.name] : field.default]);
  return { ...Object.fromEntries(known), router, seed: Number(values.seed) + run };
}

/**
 * @param {import('../context.js').Context['engine']} engine
 * @returns {(values: Values) => Kind}
 */
export function createKinds({ fields, routers }) {
  /** @param {Values} values @returns {Kind['routes']} */
  const routesWith = (values) => (router) => {
    const { gate } = configFor(fields.language, values, router, 0);
    const gates = fields.language.find(({ name }) => name === 'gate')?.options;
    const steered = gates?.find(({ name }) => name === gate)?.traits.includes('sparsity') ?? false;
    return isRouted({ routers }, { router }) && !steered;
  };
  /** @type {Map<string, { bytes: Uint8Array }>} */
  const texts = new Map();

  /** @param {Values} values @returns {Kind} */
  function text(values) {
    const id = String(values.data);
    return {
      name: 'text',
      per: 'byte',
      guess: Math.log(256),
      routes: routesWith(values),
      config: (router, run) => ({ vocabSize: 256, ...configFor(fields.language, values, router, run) }),
      async data() {
        const known = texts.get(id);
        const { name, bytes } = known ? { name: 'The text', ...known } : await builtInText(id);
        const data = known ?? { bytes };
        texts.set(id, data);
        requireLength(
          { name, bytes },
          { batchSize: Number(values.batchSize), contextLength: Number(values.contextLength) },
        );
        return data;
      },
      loads: (shape, buffer) =>
        frameViews(buffer, shape).layers.map(({ experts }) => [...expertLoad(experts, shape.experts)]),
    };
  }

  /** @type {{ key: string, data: object } | undefined} */
  let points;

  /** @param {Values} values @returns {Kind} */
  function plane(values) {
    // One seed for everything; with several seeds, the points are still the same for all models.
    const wanted = { ...values, classes: 2, dataSeed: values.seed };
    const classes = classesOf(wanted);
    return {
      name: 'plane',
      per: 'point',
      guess: Math.log(classes),
      routes: routesWith(values),
      config: (router, run) => ({
        ...configFor(fields.classifier, values, router, run),
        inputSize: 2,
        classes,
        batchSize: capacity,
      }),
      async data() {
        const key = keyOf(wanted);
        if (points?.key !== key) {
          const { train, heldOut, batch, seed } = dataFor(wanted);
          points = { key, data: { classes, train, heldOut, batch, seed } };
        }
        return points.data;
      },
      loads: (shape, buffer) =>
        mapViews(buffer, shape).layers.map(({ experts }) => [...expertLoad(experts, shape.experts)]),
    };
  }

  return (values) => (isPlane(values.data) ? plane(values) : text(values));
}
