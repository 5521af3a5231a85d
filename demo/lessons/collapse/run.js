import { batch, computed, effect, signal } from '@preact/signals';
import { createNotices } from '../../notices.js';
import { dataFor } from '../../plane/data.js';
import { capacity } from '../../plane/frame.js';
import { planeSettings } from '../../plane/settings.js';
import { Session } from '../../session/session.js';
import { routers } from './settings.js';
import { layer, tokensOf, width } from './tokens.js';

/**
 * @typedef {import('./tokens.js').Tokens} Tokens
 * @typedef {import('../../state.js').State} State
 *
 * @typedef {object} Seen a model, as far as it is shown
 * @property {string} router
 * @property {import('@preact/signals').Signal<Tokens | null>} tokens
 * @property {Session} session
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
  const { notices, notify, dismiss, report } = createNotices();
  const status = signal(/** @type {'building' | 'ready' | 'running' | 'failed'} */ ('building'));
  const step = signal(0);
  /** @type {Seen[]} */
  const models = routers.map((router) => ({
    router,
    tokens: signal(/** @type {Tokens | null} */ (null)),
    session: new Session({ openClient, onStop: fail }),
  }));
  let turn = 0;
  let going = false;
  let begun = false;

  /** @param {unknown} error */
  function fail(error) {
    going = false;
    status.value = 'failed';
    report(error);
  }

  /** Reads all models, and shows them at once. @param {{ first?: boolean }} [options] first: of new models */
  async function look({ first = false } = {}) {
    const shown = await Promise.all(
      models.map(async ({ session, tokens }) => {
        const [{ tensors }, show] = await Promise.all([
          session.request('inspect', { layer }),
          session.nextFrame({ whole: first }),
        ]);
        return () => {
          show();
          const picture = session.picture.peek();
          if (picture) tokens.value = tokensOf(picture, tensors);
        };
      }),
    );
    batch(() => {
      for (const show of shown) show();
      step.value = models[0].session.step.peek();
    });
  }

  /** Builds the models for the current settings. */
  async function build() {
    const mine = ++turn;
    going = false;
    status.value = 'building';
    try {
      const values = state.values.peek();
      const loaded = await Promise.all(
        models.map(({ router, session }) => {
          const { data, config, learningRate } = planOf(values, router);
          const { classes, train, heldOut, batch: size, seed } = data;
          return session.load({
            task: 'plane',
            config,
            learningRate,
            data: values,
            body: { classes, train, heldOut, batch: size, seed },
            loads: () => [],
          });
        }),
      );
      if (mine !== turn) return;
      for (const { show } of loaded) show();
      await look({ first: true });
      if (mine === turn) status.value = 'ready';
    } catch (error) {
      if (mine === turn) fail(error);
    }
  }

  async function start() {
    if (status.peek() !== 'ready') return;
    const mine = turn;
    going = true;
    status.value = 'running';
    try {
      while (going && mine === turn) {
        const began = performance.now();
        const next = step.peek() + stride;
        await Promise.all(models.map(({ session }) => session.advance(next)));
        if (mine !== turn) return;
        await look();
        const rest = pictureEvery() - (performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
      }
      if (mine === turn && status.peek() === 'running') status.value = 'ready';
    } catch (error) {
      if (mine === turn) fail(error);
    }
  }

  const pause = () => {
    going = false;
  };

  return {
    models,
    status,
    step,
    notices,
    notify,
    dismiss,
    /** The spread of the tokens of standard top-k; undefined: not known yet. */
    spread: computed(() => models[0].tokens.value?.spread),
    start,
    pause,
    reset: build,
    /** Stops the workers of all models. */
    dispose() {
      turn++;
      for (const { session } of models) session.dispose();
    },
    /** Builds the models once, and again when a setting changes. */
    follow() {
      if (begun) return;
      begun = true;
      effect(() => {
        if (state.values.value) build();
      });
    },
  };
}

/** @typedef {ReturnType<typeof createCollapse>} Collapse */
