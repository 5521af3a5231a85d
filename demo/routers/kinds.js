import { fieldsInUse } from 'hyperrouter-wasm';
import { loadOf } from '../measures.js';
import { capacity } from '../plane/capacity.js';
import { classesOf, dataFor, keyOf } from '../plane/data.js';
import { mapViews } from '../plane/frame.js';
import { isRouted } from '../schema.js';
import { builtInText, leastTokens, TextError } from '../text/data.js';
import { frameViews } from '../text/frame.js';
import { isPlane } from './settings.js';

/**
 * What can be learned in a comparison.
 *
 * @typedef {import('../schema.js').Values} Values
 * @typedef {import('../trainer/trainer-protocol.js').ModelConfig} ModelConfig
 *
 * @typedef {object} Kind
 * @property {import('../trainer/trainer-protocol.js').TaskName} name of the worker's task
 * @property {'byte' | 'point'} per what a loss is the mean over
 * @property {number} guess loss of a model that knows nothing, nats
 * @property {(router: string) => boolean} routes whether it sends tokens to experts, so that k plays a part
 * @property {(router: string, run: number) => ModelConfig} config run: of which seed, counted from 0
 * @property {() => Promise<object>} data what the worker is sent; the same object as long as nothing of it changes
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads [layers, E] of a picture of the worker
 */

/**
 * @param {readonly import('../schema.js').EngineField[]} fields of the engine's configuration
 * @param {Values} values
 * @param {string} router
 * @param {number} run of which seed, counted from 0
 * @returns {ModelConfig} of the settings that are keys of it
 */
export function configFor(fields, values, router, run) {
  const own = { ...values, router };
  const used = fieldsInUse(fields, own);
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
  const routes = (/** @type {string} */ router) => isRouted({ routers }, { router });
  /** @type {Map<string, { bytes: Uint8Array }>} */
  const texts = new Map();

  /** @param {Values} values @returns {Kind} */
  function text(values) {
    const id = String(values.data);
    return {
      name: 'text',
      per: 'byte',
      guess: Math.log(256),
      routes,
      config: (router, run) => ({ vocabSize: 256, ...configFor(fields.language, values, router, run) }),
      async data() {
        const known = texts.get(id);
        const { name, bytes } = known ? { name: 'The text', ...known } : await builtInText(id);
        const data = known ?? { bytes };
        texts.set(id, data);
        const sizes = { batchSize: Number(values.batchSize), contextLength: Number(values.contextLength) };
        const least = leastTokens(sizes);
        if (bytes.length < least) {
          throw new TextError(
            `${name} has ${bytes.length} bytes; ${sizes.batchSize} streams of ${sizes.contextLength} bytes need ${least}.`,
          );
        }
        return data;
      },
      loads: (shape, buffer) =>
        frameViews(buffer, shape).layers.map(({ experts }) => loadOf(experts, shape.experts)),
    };
  }

  /** @type {{ key: string, data: object } | undefined} */
  let points;

  /** @param {Values} values @returns {Kind} */
  function plane(values) {
    // One seed for all that is random; the points stay the same where models have several.
    const wanted = { ...values, classes: 2, dataSeed: values.seed };
    const classes = classesOf(wanted);
    return {
      name: 'plane',
      per: 'point',
      guess: Math.log(classes),
      routes,
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
        mapViews(buffer, shape).layers.map(({ experts }) => loadOf(experts, shape.experts)),
    };
  }

  return (values) => (isPlane(values.data) ? plane(values) : text(values));
}
