import { batch, computed, signal } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { createNotices } from '../notices.js';
import { paceOf } from '../schema.js';
import { createBuiltWith } from '../session/in-room.js';
import { Session } from '../session/session.js';
import { TrainingControl } from '../session/training-control.js';
import { nameOf } from './groups.js';
import { chosenRouters } from './settings.js';

/**
 * @typedef {import('../session/training-control.js').Goal} Goal
 * @typedef {import('../trainer/trainer-client.js').TrainerClient} TrainerClient
 * @typedef {import('./kinds.js').Kind} Kind
 * @typedef {import('../state.js').State} State
 * @typedef {import('../schema.js').Values} Values
 *
 * @typedef {'building' | 'ready' | 'running' | 'failed'} Status
 */

/** Training proceeds in slices: all models finish a slice before the next one starts. Maximum length in steps. */
const maxSlice = 25;
/** Target duration of a slice in milliseconds: the longest that Pause has to wait. */
const targetSlice = 120;

/** @type {Goal} */
const oneMore = (from) => from + 1;

/** A session of a comparison. run: index of the seed, from 0. */
export class Trainee extends Session {
  /**
   * @param {{ router: string, run: number }} which
   * @param {ConstructorParameters<typeof Session>[0]} parts
   */
  constructor({ router, run }, parts) {
    super(parts);
    this.router = router;
    this.run = run;
  }
}

/**
 * Several sessions that train on the same data, in step.
 *
 * @param {object} parts
 * @param {() => Promise<TrainerClient>} parts.openClient
 * @param {State} parts.state
 * @param {(values: Values) => Kind} parts.kindOf
 * @param {() => number} [parts.frameEvery] milliseconds between two pictures
 * @param {() => number} [parts.now] milliseconds
 */
export function createComparison({
  openClient,
  state,
  kindOf,
  frameEvery = () => 170,
  now = () => performance.now(),
}) {
  const trainees = signal(/** @type {readonly Trainee[]} */ ([]));
  const kind = signal(/** @type {Kind | null} */ (null));
  const failed = signal(false);
  /** The step that all models have reached. */
  const step = signal(0);
  const measuring = signal(false);
  const { notices, notify, dismiss, report } = createNotices();
  const builtWith = createBuiltWith(state);

  const control = new TrainingControl({
    train,
    // What is to be measured when training ends is measured also where the end is about to be shown.
    stop: async () => {
      if (scan) await stopMeasuring();
    },
    rest: show,
    afterwards,
  });
  const status = computed(() => {
    if (control.running.value) return 'running';
    if (failed.value) return 'failed';
    return kind.value ? 'ready' : 'building';
  });

  /** A session is reused as long as its router and seed are compared. @type {Map<string, Trainee>} */
  const known = new Map();
  /** Whether to measure every k when training stops. */
  let scanDue = false;
  /** Whether to measure every k after the current slice. */
  let scanAsked = false;
  /** @type {Promise<unknown> | undefined} */
  let scan;

  const active = () => trainees.peek().filter(({ status: its }) => its.peek() === 'ready');

  /** @type {Goal} */
  const toLastStep = () => Number(state.peek('steps'));

  /** @param {string} router @param {number} run */
  function traineeOf(router, run) {
    const key = `${router} ${run}`;
    const old = known.get(key);
    if (old) return old;
    /** @type {Trainee} */
    const trainee = new Trainee(
      { router, run },
      { openClient, onStop: (error) => reportStopped(trainee, error) },
    );
    trainee.setPace(paceOf(state.peek('pace'))).catch(report);
    known.set(key, trainee);
    return trainee;
  }

  /**
   * Reports a session that stopped. The others continue.
   *
   * @param {Trainee} trainee
   * @param {Error} error
   */
  function reportStopped(trainee, error) {
    const name = nameOf(state.settingOf(trainee.router).label, trainee.run, builtWith.values);
    const diverged = error instanceof DivergedError;
    const what = `Training of ${name} ${diverged ? 'diverged' : 'failed'}`;
    notify('problem', `${what}: ${error.message}. The other models continue.`);
  }

  /** Shows the news of all models at once: every view is drawn once, not once per model. */
  async function show() {
    const news = await Promise.all(active().map((trainee) => trainee.nextFrame()));
    batch(() => {
      for (const take of news) take();
    });
  }

  /**
   * Builds new models for the current settings. If that fails, the previous models and their settings stay.
   *
   * @param {{ go?: boolean }} [options] go: start training; by default as before
   */
  function build({ go } = {}) {
    const goal = go ? toLastStep : null;
    return control.build(
      {
        async prepare() {
          const values = state.values.peek();
          const next = kindOf(values);
          return { values, next, data: await next.data() };
        },
        async replace({ values, next, data }) {
          await stopMeasuring();
          await replace(next, data, values);
        },
        fail(error) {
          report(error);
          failed.value = !kind.peek();
          builtWith.goBack();
        },
      },
      go === undefined ? undefined : goal,
    );
  }

  /**
   * @param {Kind} next
   * @param {object} data
   * @param {Values} values
   */
  async function replace(next, data, values) {
    const runs = Array.from({ length: Number(values.seeds) }, (_, run) => run);
    const chosen = chosenRouters(state.schema, values).flatMap((router) =>
      runs.map((run) => traineeOf(router, run)),
    );
    const { name: task, loads } = next;
    const learningRate = Number(values.learningRate);
    const before = notices.peek();
    const results = await Promise.allSettled(
      chosen.map((trainee) => {
        const config = next.config(trainee.router, trainee.run);
        return trainee.load({ task, config, learningRate, data, body: data, loads });
      }),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failures.length === results.length) throw failures[0] ?? new RangeError('no router is chosen');
    for (const [key, trainee] of known) {
      if (chosen.includes(trainee)) continue;
      trainee.dispose();
      known.delete(key);
    }
    batch(() => {
      builtWith.set(values);
      failed.value = false;
      kind.value = next;
      step.value = 0;
      trainees.value = chosen;
      // Problems of the previous models no longer matter.
      notices.value = notices.peek().filter((one) => one.kind === 'note' || !before.includes(one));
      results.forEach((result, i) => {
        if (result.status === 'fulfilled') result.value.show();
        else chosen[i].fail(result.reason);
      });
    });
  }

  /**
   * Trains all models, slice by slice.
   *
   * @param {Goal} goal
   * @param {() => boolean} goesOn
   */
  async function train(goal, goesOn) {
    await stopMeasuring();
    const from = step.peek();
    let slice = 2;
    let drawn = Number.NEGATIVE_INFINITY;
    while (goesOn() && step.peek() < goal(from) && active().length > 0) {
      if (scanAsked) {
        await show();
        await measureEveryK();
        continue;
      }
      const before = now();
      const next = Math.min(goal(from), step.peek() + (pacedSlice() ?? slice));
      await Promise.all(active().map((trainee) => trainee.advance(next)));
      if (active().length) step.value = next;
      const took = now() - before;
      if (took < targetSlice / 2) slice = Math.min(maxSlice, slice * 2);
      else if (took > targetSlice) slice = Math.max(1, slice >> 1);
      // At the end of training, or with new models, `rest` shows the last frame.
      if (!goesOn() || now() - drawn < frameEvery()) continue;
      drawn = now();
      await show();
    }
    scanDue = goal === toLastStep && step.peek() > from;
  }

  /** At a limited speed, a slice is a sixth of a second. */
  function pacedSlice() {
    const pace = paceOf(state.peek('pace'));
    return pace ? Math.max(1, Math.round(pace / 6)) : undefined;
  }

  /** After training towards the number of steps, finished or paused, every k is measured. */
  async function afterwards() {
    if (scanDue || scanAsked) await measureEveryK();
  }

  /** Measures every k; training waits meanwhile. */
  async function measure() {
    if (scan || control.building) return;
    if (control.running.peek()) measuring.value = scanAsked = true;
    else await measureEveryK();
  }

  async function measureEveryK() {
    scanDue = scanAsked = false;
    measuring.value = true;
    scan = Promise.all(active().map(measureOne));
    try {
      await scan;
    } finally {
      scan = undefined;
      measuring.value = false;
    }
  }

  /** @param {Trainee} trainee */
  async function measureOne(trainee) {
    // Without routing, the loss is the same for every k.
    const most = kind.peek()?.routes(trainee.router) ? undefined : 1;
    try {
      await trainee.measure(most);
    } catch (error) {
      // A session that stopped has been reported already.
      if (trainee.status.peek() === 'ready') report(error);
    }
  }

  async function stopMeasuring() {
    measuring.value = scanDue = scanAsked = false;
    if (!scan) return;
    await Promise.all(active().map((trainee) => trainee.stopMeasuring()));
    await scan;
  }

  return {
    status,
    trainees,
    kind,
    /** For `Trained`: what the models were built for. */
    built: kind,
    step,
    measuring,
    notices,
    notify,
    dismiss,
    report,
    build,
    /** Trains up to the number of steps of the setting. */
    start: () => control.start(toLastStep),
    /** Pauses after the current slice, so that all models stop at the same step. */
    pause: () => control.pause(),
    oneStep: () => control.start(oneMore),
    reset: () => build({ go: false }),
    measure,
    stopMeasuring,
    /** @param {number} pace */
    setPace: (pace) => Promise.all([...known.values()].map((trainee) => trainee.setPace(pace))),
    isBuiltWith: builtWith.is,
    /** Ends all workers. */
    dispose: () => {
      for (const trainee of known.values()) trainee.dispose();
    },
  };
}

/** @typedef {ReturnType<typeof createComparison>} Comparison */
