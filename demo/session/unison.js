import { batch, computed, signal } from '@preact/signals';
import { createNotices } from '../notices.js';
import { createBuiltWith } from './in-room.js';
import { Session } from './session.js';
import { TrainingControl } from './training-control.js';

/** @type {import('./training-control.js').Goal} */
const forever = () => Number.MAX_SAFE_INTEGER;

/**
 * Models of a small room that are built from its settings and trained step by step together. None is trained without the
 * others: if one fails, all stop until they are built anew.
 *
 * @param {object} parts
 * @param {() => Promise<import('../trainer/trainer-client.js').TrainerClient>} parts.openClient
 * @param {import('../state.js').State} parts.state
 * @param {() => number} parts.pictureEvery milliseconds between two pictures
 * @param {number} parts.stride steps between two pictures
 * @param {number} parts.count of models
 * @param {(values: import('../schema.js').Values) => import('./session.js').Plan[]} parts.plansOf one per model
 * @param {(session: Session, index: number) => Promise<() => void>} parts.read asks for what is shown of a model; the
 *   result shows it
 */
export function createUnison({ openClient, state, pictureEvery, stride, count, plansOf, read }) {
  const { notices, notify, dismiss, report } = createNotices();
  const builtWith = createBuiltWith(state);
  /** A new object each time that the models are built; null: there are none yet. */
  const built = signal(/** @type {object | null} */ (null));
  /** Builds that are under way or wait. */
  const builds = signal(0);
  const failed = signal(false);
  const step = signal(0);
  const sessions = Array.from({ length: count }, () => new Session({ openClient, onStop: fail }));
  // After each stride the models have the same step and are shown: there is nothing to cut short, or to show at the end.
  const control = new TrainingControl({ train, stop: async () => {}, rest: async () => {} });
  const status = computed(() => {
    if (builds.value) return 'building';
    if (failed.value) return 'failed';
    if (control.running.value) return 'running';
    return built.value ? 'ready' : 'building';
  });

  /** @param {unknown} error */
  function fail(error) {
    failed.value = true;
    report(error);
  }

  /** Reads all models, and shows them at once. */
  async function look() {
    try {
      const shown = await Promise.all(sessions.map(read));
      batch(() => {
        for (const show of shown) show();
        step.value = sessions[0].step.peek();
      });
    } catch (error) {
      fail(error);
    }
  }

  /**
   * Builds the models for the current settings; they are not trained. If that fails, the last ones and their settings stay.
   *
   * @param {{ changed?: boolean }} [options] changed: unless the settings are again those of the models by then
   */
  async function build({ changed = false } = {}) {
    builds.value = builds.peek() + 1;
    await control.build(
      {
        prepare: async () => {},
        async replace() {
          const values = state.values.peek();
          if (changed && builtWith.is(values)) return;
          await replace(plansOf(values));
          builtWith.set(values);
          built.value = {};
        },
        fail(error) {
          report(error);
          if (!built.peek()) failed.value = true;
          builtWith.goBack();
        },
      },
      null,
    );
    builds.value = builds.peek() - 1;
  }

  /** @param {import('./session.js').Plan[]} plans */
  async function replace(plans) {
    const results = await Promise.allSettled(sessions.map((session, index) => session.load(plans[index])));
    const loaded = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refused = results.find((result) => result.status === 'rejected');
    if (refused) {
      // Workers that have their next model by now cannot go on with the last one.
      if (loaded.length) for (const session of sessions) session.fail(refused.reason);
      throw refused.reason;
    }
    batch(() => {
      failed.value = false;
      for (const { show } of loaded) show();
    });
    await look();
  }

  /**
   * @param {import('./training-control.js').Goal} _goal
   * @param {() => boolean} goesOn
   */
  async function train(_goal, goesOn) {
    while (goesOn() && !failed.peek()) {
      const began = performance.now();
      const next = step.peek() + stride;
      await Promise.all(sessions.map((session) => session.advance(next)));
      // The others are not shown ahead of a model that failed.
      if (failed.peek()) return;
      await look();
      if (!goesOn()) return;
      const rest = pictureEvery() - (performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest)));
    }
  }

  return {
    sessions,
    status,
    /** For `Trained`: what the models were built for. */
    built,
    step,
    notices,
    notify,
    dismiss,
    report,
    build,
    start: () => control.start(forever),
    /** Pauses when all models have reached the same step. */
    pause: () => control.pause(),
    reset: () => build(),
    isBuiltWith: builtWith.is,
  };
}

/** @typedef {ReturnType<typeof createUnison>} Unison */
