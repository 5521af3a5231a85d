import { batch, effect, signal } from '@preact/signals';
import { createNotices } from '../notices.js';
import { Session } from './session.js';

/**
 * Models of a small room that are built from its settings and trained step by step together.
 *
 * @param {object} parts
 * @param {() => Promise<import('../trainer/trainer-client.js').TrainerClient>} parts.openClient
 * @param {import('../state.js').State} parts.state a new value of a setting builds the models anew
 * @param {() => number} parts.pictureEvery milliseconds between two pictures
 * @param {number} parts.stride steps between two pictures
 * @param {number} parts.count of models
 * @param {(values: import('../schema.js').Values) => import('./session.js').Plan[]} parts.plansOf one per model
 * @param {(session: Session, index: number, options: { whole: boolean }) => Promise<() => void>} parts.read asks for
 *   what is shown of a model; the result shows it
 */
export function createUnison({ openClient, state, pictureEvery, stride, count, plansOf, read }) {
  const { notices, notify, dismiss, report } = createNotices();
  const status = signal(/** @type {'building' | 'ready' | 'running' | 'failed'} */ ('building'));
  const step = signal(0);
  const sessions = Array.from({ length: count }, () => new Session({ openClient, onStop: fail }));
  let turn = 0;
  let going = false;
  let begun = false;

  /** @param {unknown} error */
  function fail(error) {
    going = false;
    status.value = 'failed';
    report(error);
  }

  /** Reads all models, and shows them at once. @param {{ whole?: boolean }} [options] whole: of new models */
  async function look({ whole = false } = {}) {
    const shown = await Promise.all(sessions.map((session, index) => read(session, index, { whole })));
    batch(() => {
      for (const show of shown) show();
      step.value = sessions[0].step.peek();
    });
  }

  /** Builds the models for the current settings. */
  async function build() {
    const mine = ++turn;
    going = false;
    status.value = 'building';
    try {
      const plans = plansOf(state.values.peek());
      const loaded = await Promise.all(sessions.map((session, index) => session.load(plans[index])));
      if (mine !== turn) return;
      for (const { show } of loaded) show();
      await look({ whole: true });
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
        await Promise.all(sessions.map((session) => session.advance(next)));
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
    sessions,
    status,
    step,
    notices,
    notify,
    dismiss,
    report,
    start,
    pause,
    reset: build,
    /** Stops the workers of all models. */
    dispose() {
      turn++;
      for (const session of sessions) session.dispose();
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

/** @typedef {ReturnType<typeof createUnison>} Unison */
