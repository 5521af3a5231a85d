import { computed, signal } from '@preact/signals';
import { dataFor } from '../../plane/data.js';
import { capacity } from '../../plane/frame.js';
import { planeSettings } from '../../plane/settings.js';
import { createUnison } from '../../session/unison.js';
import { routers } from './settings.js';
import { layer, tokensOf, width } from './tokens.js';

/**
 * @typedef {import('./tokens.js').Tokens} Tokens
 * @typedef {import('../../state.js').State} State
 *
 * @typedef {object} Seen a model, as far as it is shown
 * @property {string} router
 * @property {import('@preact/signals').Signal<Tokens | null>} tokens
 * @property {import('../../session/session.js').Session} session
 */

/** Steps between two pictures: slow enough to follow, and a thousand steps take seconds. */
const stride = 20;

const usual = Object.fromEntries(planeSettings.map(({ key, default: value }) => [key, value]));

/**
 * What a model of this room is built from.
 *
 * @param {import('../../schema.js').Values} values settings
 * @param {string} router
 */
export function planOf(values, router) {
  const data = dataFor({ ...usual, ...values });
  return {
    data,
    learningRate: Number(usual.learningRate),
    config: /** @type {import('../../trainer/trainer-protocol.js').ModelConfig} */ ({
      inputSize: 2,
      classes: data.classes,
      batchSize: capacity,
      router,
      layers: 2,
      dModel: width,
      dInner: 16,
      experts: Number(values.experts),
      topK: 2,
      seed: Number(values.seed),
    }),
  };
}

/**
 * Three models of width 3 that learn the same points step by step together.
 *
 * @param {object} parts
 * @param {() => Promise<import('../../trainer/trainer-client.js').TrainerClient>} parts.openClient
 * @param {State} parts.state
 * @param {() => number} parts.pictureEvery milliseconds between two pictures
 */
export function createCollapse({ openClient, state, pictureEvery }) {
  const shown = routers.map(() => signal(/** @type {Tokens | null} */ (null)));
  const { sessions, ...unison } = createUnison({
    openClient,
    state,
    pictureEvery,
    stride,
    count: routers.length,
    plansOf: (values) =>
      routers.map((router) => {
        const { data, config, learningRate } = planOf(values, router);
        const { classes, train, heldOut, batch, seed } = data;
        const body = { classes, train, heldOut, batch, seed };
        return { task: 'plane', config, learningRate, data: values, body, loads: () => [] };
      }),
    read: async (session, index) => {
      const [{ tensors }, show] = await Promise.all([
        session.request('inspect', { layer }),
        session.nextFrame(),
      ]);
      return () => {
        show();
        const picture = session.picture.peek();
        if (picture) shown[index].value = tokensOf(picture, tensors);
      };
    },
  });
  /** @type {Seen[]} */
  const models = routers.map((router, i) => ({ router, tokens: shown[i], session: sessions[i] }));
  return {
    ...unison,
    models,
    /** The spread of the tokens of standard top-k; undefined: not known yet. */
    spread: computed(() => models[0].tokens.value?.spread),
  };
}

/** @typedef {ReturnType<typeof createCollapse>} Collapse */
