import { computed } from '@preact/signals';
import { createUnison } from '../session/unison.js';
import { minPoints, pairsOf, pointsOf } from './data.js';
import { capacity, curveViews } from './frame.js';
import { stretchesOf } from './stretches.js';

/** Steps between two pictures: slow enough to follow, and a thousand steps take seconds. */
const stride = 10;

/**
 * What the model of this room is built from.
 *
 * @param {import('../schema.js').Values} values settings
 * @returns {import('../session/session.js').Plan}
 */
export function planOf(values) {
  return {
    task: 'curve',
    learningRate: 0.03,
    config: {
      inputSize: 1,
      outputs: 1,
      batchSize: capacity,
      router: 'smoe',
      // A softmax over one chosen expert is always 1: the router would learn nothing.
      gate: Number(values.topK) === 1 ? 'softmax-topk' : 'topk-softmax',
      loadBalanceWeight: 0.02,
      layers: 1,
      dModel: 16,
      dInner: 16,
      experts: Number(values.experts),
      topK: Number(values.topK),
      seed: Number(values.seed),
    },
    data: values,
    body: pairsOf(pointsOf(values)),
    loads: () => [],
  };
}

/**
 * A regressor that learns a curve, as signals.
 *
 * @param {object} parts
 * @param {() => Promise<import('../trainer/trainer-client.js').TrainerClient>} parts.openClient
 * @param {import('../state.js').State} parts.state
 * @param {() => number} parts.pictureEvery milliseconds between two pictures
 */
export function createCurve({ openClient, state, pictureEvery }) {
  const { sessions, ...unison } = createUnison({
    openClient,
    state,
    pictureEvery,
    stride,
    count: 1,
    plansOf: (values) => [planOf(values)],
  });
  const [{ picture, losses }] = sessions;
  const points = computed(() => pointsOf(state.values.value));
  /** What the model gives along the curve; null: there is no model yet. */
  const seen = computed(() => {
    if (!picture.value) return null;
    const { shape, buffer } = picture.value;
    const views = curveViews(buffer, shape);
    return { ...views, ...shape, stretches: stretchesOf(views.routing.experts, shape.topK) };
  });
  return {
    ...unison,
    points,
    seen,
    /** Whether there are too few points to train on. */
    waits: computed(() => points.value.length < minPoints),
    /** Mean squared error of the last step; undefined: not known yet. */
    loss: computed(() => losses.value.train.at(-1)),
  };
}

/** @typedef {ReturnType<typeof createCurve>} Curve */
