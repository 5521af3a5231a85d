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

/** All models reach the end of a slice before the next one begins; no more steps than this lie between two of them. */
const longestSlice = 25;
/** Milliseconds that a slice should take: it is as long as a press of Pause may have to wait. */
const wantedSlice = 120;

/** @type {Goal} */
const oneMore = (from) => from + 1;

/** One of the sessions that are compared: of which router, and of which seed, counted from 0. */
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
 * Several sessions that learn the same, kept at the same steps.
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

  const control = new TrainingControl({ train, stop: stopMeasuring, rest: show, afterwards });
  const status = computed(() => {
    if (control.running.value) return 'running';
    if (failed.value) return 'failed';
    return kind.value ? 'ready' : 'building';
  });

  /** Sessions are kept as long as their router and seed are compared. @type {Map<string, Trainee>} */
  const known = new Map();
  /** Whether every k is to be tried when training rests. */
  let scanDue = false;
  /** Whether it is to be tried after the slice that is under way. */
  let scanAsked = false;
  /** @type {Promise<unknown> | undefined} */
  let scan;

  const active = () => trainees.peek().filter(({ status: its }) => its.peek() === 'ready');

  /** @type {Goal} */
  const toBudget = () => Number(state.peek('steps'));

  /** @param {string} router @param {number} run */
  function traineeOf(router, run) {
    const key = `${router} ${run}`;
    const old = known.get(key);
    if (old) return old;
    /** @type {Trainee} */
    const trainee = new Trainee(
      { router, run },
      { openClient, onStop: (error) => sayStopped(trainee, error) },
    );
    trainee.setPace(paceOf(state.peek('pace'))).catch(report);
    known.set(key, trainee);
    return trainee;
  }

  /**
   * One that cannot go on; the others do.
   *
   * @param {Trainee} trainee
   * @param {Error} error
   */
  function sayStopped(trainee, error) {
    const name = nameOf(trainee, builtWith.values);
    const diverged = error instanceof DivergedError;
    const what = diverged ? `The training of ${name} broke down` : `The run of ${name} failed`;
    notify('problem', `${what}: ${error.message}. The others go on without it.`);
  }

  /** What happened in all models, at once: every view is drawn once, not once for each model. */
  async function show() {
    const news = await Promise.all(active().map((trainee) => trainee.nextFrame()));
    batch(() => {
      for (const take of news) take();
    });
  }

  /**
   * New models for the settings as they are now. If that fails, the last ones stay, and the settings go back to them.
   *
   * @param {{ go?: boolean }} [options] go: train at once; by default as before
   */
  function build({ go } = {}) {
    const goal = go ? toBudget : null;
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
    const said = notices.peek();
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
      // What went wrong with the last models is of no interest now.
      notices.value = notices.peek().filter((one) => one.kind === 'note' || !said.includes(one));
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
        await tryEveryK();
        continue;
      }
      const before = now();
      const next = Math.min(goal(from), step.peek() + (pacedSlice() ?? slice));
      await Promise.all(active().map((trainee) => trainee.advance(next)));
      if (active().length) step.value = next;
      const took = now() - before;
      if (took < wantedSlice / 2) slice = Math.min(longestSlice, slice * 2);
      else if (took > wantedSlice) slice = Math.max(1, slice >> 1);
      // Where it comes to rest, or other models take over, that is seen to elsewhere.
      if (!goesOn() || now() - drawn < frameEvery()) continue;
      drawn = now();
      await show();
    }
    scanDue = goal === toBudget && step.peek() > from;
  }

  /** A slow run shows every few steps. */
  function pacedSlice() {
    const pace = paceOf(state.peek('pace'));
    return pace ? Math.max(1, Math.round(pace / 6)) : undefined;
  }

  /** Where models have come to the budget, or were paused on their way, every k is tried. */
  async function afterwards() {
    if (scanDue || scanAsked) await tryEveryK();
  }

  /** Tries every k; where training is under way, that waits meanwhile. */
  async function measure() {
    if (scan || control.building) return;
    if (control.running.peek()) measuring.value = scanAsked = true;
    else await tryEveryK();
  }

  async function tryEveryK() {
    scanDue = scanAsked = false;
    measuring.value = true;
    scan = Promise.all(active().map(tryOne));
    try {
      await scan;
    } finally {
      scan = undefined;
      measuring.value = false;
    }
  }

  /** @param {Trainee} trainee */
  async function tryOne(trainee) {
    // Where there is no choice of experts, the loss is the same for every k.
    const most = kind.peek()?.routes(trainee.router) ? undefined : 1;
    try {
      await trainee.measure(most);
    } catch (error) {
      // Of one that has stopped that was said already.
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
    /** The models, as `Trained` has them. */
    built: kind,
    step,
    measuring,
    notices,
    notify,
    dismiss,
    report,
    build,
    /** Trains up to the budget of steps. */
    start: () => control.start(toBudget),
    /** Ends with the slice that is under way, so that all models stand at the same step. */
    pause: () => control.pause(),
    oneStep: () => control.start(oneMore),
    reset: () => build({ go: false }),
    measure,
    stopMeasuring,
    /** Nothing of the models can be changed while they train; the budget is read at every slice. */
    tune: async () => {},
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
