import { splitVectors } from 'hyperrouter-wasm';
import { curvePoints, drawn, isCurve } from '../curve/data.js';
import { decodePainted } from './painted.js';
import { normal, onCircle, randomFrom } from './random.js';

/**
 * The data: points of the plane, each with a class for a classifier; or points of a curve, all of one class.
 *
 * @typedef {{ inputs: Float32Array, targets: Int32Array }} Vectors [N, 2]; [N] class ids
 *
 * @typedef {object} PlaneData
 * @property {boolean} curve whether they are points of a curve
 * @property {number} classes
 * @property {Vectors} all `train`, then `heldOut`
 * @property {Vectors} train
 * @property {Vectors} heldOut
 * @property {number} batch points per training step
 * @property {number} seed of the order of the training points
 */

/** No coordinate is larger. */
const edge = 5.875;

/** Coordinates are multiples of this, so that they are the same in spite of rounding errors. */
const grain = 1 / 512;

const heldOutShare = 0.25;

/** With fewer, too few could be held out. */
export const minPoints = 8;

/**
 * @typedef {object} DataSet
 * @property {string} label
 * @property {number} [classes] where the number is fixed
 * @property {(random: () => number, of: { id: number, classes: number }) => [number, number]} place a random point of a class
 */

/** @type {Record<string, DataSet>} */
export const dataSets = {
  spirals: { label: 'Spirals', place: onSpiral },
  circles: { label: 'Circles', place: onRing },
  moons: { label: 'Moons', classes: 2, place: onMoon },
  xor: { label: 'XOR', classes: 2, place: (random, { id }) => onSquare(random, id, { squares: 2 }) },
  checkerboard: {
    label: 'Checkers',
    classes: 2,
    place: (random, { id }) => onSquare(random, id, { squares: 4 }),
  },
  clusters: { label: 'Clusters', place: inCluster },
};

/** @type {DataSet['place']} */
function onSpiral(random, { id, classes }) {
  // With more arms each turns less, so that they stay apart.
  const along = Math.sqrt(random());
  const [x, y] = onCircle((3 / classes) * along + id / classes);
  const radius = 0.4 + 4.8 * along;
  return [radius * x, radius * y];
}

/** @type {DataSet['place']} */
function onRing(random, { id, classes }) {
  const width = 5.2 / classes;
  const [inner, outer] = [id ? (id + 0.25) * width : 0, (id + 0.85) * width];
  const radius = Math.sqrt(inner * inner + random() * (outer * outer - inner * inner));
  const [x, y] = onCircle(random());
  return [radius * x, radius * y];
}

/** @type {DataSet['place']} */
function onMoon(random, { id }) {
  const [x, y] = onCircle(random() / 2);
  return id ? [1.6 - 3.2 * x, 0.8 - 3.2 * y] : [3.2 * x - 1.6, 3.2 * y - 0.8];
}

/**
 * A board of alternating squares.
 *
 * @param {() => number} random
 * @param {number} id
 * @param {{ squares: number }} board
 * @returns {[number, number]}
 */
function onSquare(random, id, { squares }) {
  const size = 10.4 / squares;
  const column = Math.floor(random() * squares);
  const row = 2 * Math.floor((random() * squares) / 2) + ((column + id) % 2);
  const within = (/** @type {number} */ place) => (place + 0.06 + 0.88 * random()) * size - 5.2;
  return [within(column), within(row)];
}

/** Two clusters for each class, in a circle around the origin. @type {DataSet['place']} */
function inCluster(random, { id, classes }) {
  const second = random() < 0.5 ? 0 : classes;
  const [x, y] = onCircle((id + second + 0.5) / (2 * classes));
  return [3.9 * x + 0.5 * normal(random), 3.9 * y + 0.5 * normal(random)];
}

/**
 * Reflects a coordinate beyond the edge back inside, and rounds it to a multiple of the grain.
 *
 * @param {number} value
 */
function settled(value) {
  const folded = value > edge ? 2 * edge - value : value < -edge ? -2 * edge - value : value;
  return Math.round(folded / grain) * grain;
}

/**
 * @param {{ data: string, curve?: string, classes: number, count: number, noise: number, seed: number }} options data: a
 *   key of `dataSets`, or a curve; noise: standard deviation, in map units
 * @returns {Vectors} classes in turn
 */
export function createPoints({ data, curve: of = '', classes, count, noise, seed }) {
  if (isCurve({ data })) {
    return vectorsOf(
      curvePoints({ of, count, noise, seed }).map(([x, y]) => ({ x: settled(x), y: settled(y), id: 0 })),
    );
  }
  const random = randomFrom(seed);
  const inputs = new Float32Array(2 * count);
  const targets = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const id = i % classes;
    const [x, y] = dataSets[data].place(random, { id, classes });
    inputs[2 * i] = settled(x + noise * normal(random));
    inputs[2 * i + 1] = settled(y + noise * normal(random));
    targets[i] = id;
  }
  return { inputs, targets };
}

/**
 * The number of classes: fixed for some data sets.
 *
 * @param {import('../schema.js').Values} values
 */
export const classesOf = (values) =>
  isCurve(values) ? 1 : (dataSets[String(values.data)]?.classes ?? Number(values.classes));

/**
 * The setting that has the points, where they were made by hand.
 *
 * @param {import('../schema.js').Values} values
 * @returns {'painted' | 'drawn' | undefined}
 */
export function handmadeIn({ data, curve: of }) {
  if (data === 'painted') return 'painted';
  return isCurve({ data }) && of === drawn ? drawn : undefined;
}

/**
 * Points that were made by hand, and how many were skipped.
 *
 * @param {import('../schema.js').Values} values
 */
export const handmadePoints = (values) =>
  decodePainted(String(values[handmadeIn(values) ?? 'painted']), classesOf(values));

/**
 * The data for the settings, split into training and held-out points.
 *
 * @param {import('../schema.js').Values} values
 * @returns {PlaneData}
 */
export function dataFor(values) {
  const seed = Number(values.dataSeed);
  const { train, heldOut } = handmadeIn(values) ? ofHandmade(values) : ofSet(values, seed);
  const classes = classesOf(values);
  return {
    curve: isCurve(values),
    classes,
    all: joined(train, heldOut),
    train,
    heldOut,
    batch: Number(values.batch),
    seed,
  };
}

/**
 * A key of all that the data depend on.
 *
 * @param {import('../schema.js').Values} values
 */
export function keyOf(values) {
  const { data, curve: of, points, noise, dataSeed, batch } = values;
  const handmade = handmadeIn(values);
  return JSON.stringify([
    data,
    isCurve(values) && of,
    classesOf(values),
    dataSeed,
    batch,
    handmade ? values[handmade] : [points, noise],
  ]);
}

/**
 * Every fourth point that was made by hand is held out, so that another one does not move earlier ones to the other set.
 *
 * @param {import('../schema.js').Values} values
 */
function ofHandmade(values) {
  const { points } = handmadePoints(values);
  const isHeldOut = (/** @type {unknown} */ _, /** @type {number} */ i) => i % 4 === 3;
  return {
    train: vectorsOf(points.filter((point, i) => !isHeldOut(point, i))),
    heldOut: vectorsOf(points.filter(isHeldOut)),
  };
}

/**
 * @param {import('../schema.js').Values} values
 * @param {number} seed
 */
function ofSet(values, seed) {
  const all = createPoints({
    data: String(values.data),
    curve: String(values.curve),
    classes: classesOf(values),
    count: Number(values.points),
    noise: Number(values.noise),
    seed,
  });
  const { train, validation } = splitVectors(all, { validation: heldOutShare, seed });
  return { train, heldOut: validation };
}

/**
 * @param {readonly import('./painted.js').Point[]} points
 * @returns {Vectors}
 */
export function vectorsOf(points) {
  return {
    inputs: Float32Array.from(points.flatMap(({ x, y }) => [x, y])),
    targets: Int32Array.from(points, ({ id }) => id),
  };
}

/**
 * @param {Vectors} one
 * @param {Vectors} other
 * @returns {Vectors}
 */
function joined(one, other) {
  const inputs = new Float32Array(one.inputs.length + other.inputs.length);
  inputs.set(one.inputs);
  inputs.set(other.inputs, one.inputs.length);
  const targets = new Int32Array(one.targets.length + other.targets.length);
  targets.set(one.targets);
  targets.set(other.targets, one.targets.length);
  return { inputs, targets };
}

/**
 * Accuracy on the training and on the held-out points.
 *
 * @param {import('./run.js').PlaneMap | null} map
 * @param {PlaneData} data
 * @returns {{ train: number, heldOut: number } | null} null: not known, or a curve has no classes
 */
export function accuracyOf(map, data) {
  if (!map || map.data !== data || data.curve) return null;
  const { predicted } = map.views;
  const count = data.train.targets.length;
  const accuracy = (/** @type {number} */ from, /** @type {number} */ to) => {
    let hits = 0;
    for (let i = from; i < to; i++) hits += Number(predicted[i] === data.all.targets[i]);
    return to > from ? hits / (to - from) : Number.NaN;
  };
  return { train: accuracy(0, count), heldOut: accuracy(count, data.all.targets.length) };
}
