import { batch, signal } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { differenceOf, rebuildValues } from '../config.js';
import { createNotices } from '../notices.js';
import { paceOf } from '../schema.js';
import { nameOf } from './groups.js';
import { createLane } from './lane.js';
import { chosenRouters } from './settings.js';

/**
 * @typedef {import('./lane.js').Lane} Lane
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

/** @param {{ router: string, run: number }} lane */
const keyOf = ({ router, run }) => `${router} ${run}`;

/** @param {number} from */
const oneMore = (from) => from + 1;

/**
 * Several models that learn the same, kept together step by step.
 *
 * @param {object} parts
 * @param {() => Promise<import('../worker/client.js').Client>} parts.openClient
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
  const status = signal(/** @type {Status} */ ('building'));
  const lanes = signal(/** @type {readonly Lane[]} */ ([]));
  const kind = signal(/** @type {Kind | null} */ (null));
  /** The step that all models have reached. */
  const step = signal(0);
  const measuring = signal(false);
  const { notices, notify, dismiss, report } = createNotices();

  /** Workers are kept as long as their router and seed are compared. @type {Map<string, Lane>} */
  const known = new Map();
  /** @type {Values} */
  let builtWith = {};
  let wanted = 0;
  /** Counts models: what was begun for earlier ones must end. */
  let generation = 0;
  /** Up to which step, from the one where it was begun; asked after every slice. */
  let goal = /** @type {(from: number) => number} */ (toBudget);
  /** Models that are being built or will be. */
  let building = 0;
  /** Whether it is to go on after the slice that is under way. */
  let going = false;
  /** @type {Promise<void> | undefined} */
  let loop;
  /** @type {Promise<void> | undefined} */
  let scan;
  /** Whether every k is to be tried after the slice that is under way. */
  let scanAsked = false;
  /** Builds must not overlap. */
  let last = Promise.resolve();

  const active = () => lanes.peek().filter((lane) => lane.status.peek() === 'ready');

  function toBudget() {
    return Number(state.peek('steps'));
  }

  /** @param {string} router @param {number} run */
  async function laneOf(router, run) {
    const key = keyOf({ router, run });
    const old = known.get(key);
    if (old) return old;
    const client = await openClient();
    await client.request('tune', { pace: paceOf(state.peek('pace')) });
    const lane = createLane({ router, run, client });
    known.set(key, lane);
    return lane;
  }

  /** @param {Lane} lane whose worker ends */
  function close(lane) {
    lane.client.close();
    if (known.get(keyOf(lane)) === lane) known.delete(keyOf(lane));
  }

  /**
   * A run that cannot go on; the others do.
   *
   * @param {Lane} lane
   * @param {unknown} error
   */
  async function drop(lane, error) {
    const message = error instanceof Error ? error.message : String(error);
    const name = nameOf(lane, builtWith);
    if (error instanceof DivergedError) {
      lane.status.value = 'diverged';
      notify('problem', `The training of ${name} broke down: ${message}. The others go on without it.`);
      await lane.frame().then((take) => take(), report);
      return;
    }
    lane.status.value = 'failed';
    // The next model of this router gets another worker.
    close(lane);
    notify('problem', `The run of ${name} failed: ${message}. The others go on without it.`);
  }

  /**
   * Does something with every lane that goes on, at the same time.
   *
   * @param {(lane: Lane) => Promise<unknown>} act
   */
  async function each(act) {
    await Promise.all(active().map((lane) => act(lane).catch((error) => drop(lane, error))));
  }

  /** What happened in all models, at once: every view is drawn once, not once for each model. */
  async function show() {
    /** @type {(() => void)[]} */
    const news = [];
    await each(async (lane) => news.push(await lane.frame()));
    batch(() => {
      for (const take of news) take();
    });
  }

  /** Ends what goes on in the workers, for good. */
  async function halt() {
    generation++;
    await stopMeasuring();
    if (!loop) return;
    await each((lane) => lane.client.request('pause', {}));
    await loop;
  }

  /**
   * New models for the settings as they are now. If that fails, the last ones stay, and the settings go back to them.
   *
   * @param {{ go?: boolean }} [options] go: train at once; by default as before
   */
  function build({ go } = {}) {
    if (go !== undefined) going = go;
    const turn = ++wanted;
    building++;
    last = last.then(async () => {
      building--;
      // Another change has come meanwhile.
      if (turn !== wanted) return;
      building++;
      try {
        await halt();
        await replace();
      } catch (error) {
        report(error);
        if (lanes.peek().length) state.setAll(Object.entries(builtWith));
        status.value = lanes.peek().length ? 'ready' : 'failed';
      }
      building--;
      if (!going || building) return;
      if (goal === toBudget) start();
      else run(goal);
    });
    return last;
  }

  async function replace() {
    const values = state.values.peek();
    const next = kindOf(values);
    const data = await next.data();
    const runs = Array.from({ length: Number(values.seeds) }, (_, run) => run);
    const wantedLanes = chosenRouters(state.schema, values).flatMap((router) =>
      runs.map((run) => laneOf(router, run)),
    );
    const chosen = await Promise.all(wantedLanes);
    const learningRate = Number(values.learningRate);
    const results = await Promise.allSettled(
      chosen.map((lane) => lane.build({ kind: next, data, learningRate })),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failures.length === results.length) throw failures[0] ?? new RangeError('no router is chosen');
    for (const lane of known.values()) if (!chosen.includes(lane)) close(lane);
    batch(() => {
      builtWith = rebuildValues(state, values);
      kind.value = next;
      step.value = 0;
      lanes.value = chosen;
      // What went wrong with the last models is of no interest now.
      notices.value = notices.peek().filter((notice) => notice.kind === 'note');
      results.forEach((result, i) => {
        if (result.status === 'fulfilled') result.value();
        else drop(chosen[i], result.reason);
      });
      status.value = 'ready';
    });
  }

  /** Trains all models up to the goal. */
  async function advance() {
    const mine = generation;
    const from = step.peek();
    let slice = 2;
    let drawn = Number.NEGATIVE_INFINITY;
    const goesOn = () => going && mine === generation && step.peek() < goal(from) && active().length > 0;
    while (goesOn()) {
      if (scanAsked) {
        await show();
        await tryEveryK();
        continue;
      }
      const before = now();
      const next = Math.min(goal(from), step.peek() + (pacedSlice() ?? slice));
      await each((lane) => lane.runTo(next));
      if (mine !== generation) return;
      if (active().length) step.value = next;
      const took = now() - before;
      if (took < wantedSlice / 2) slice = Math.min(longestSlice, slice * 2);
      else if (took > wantedSlice) slice = Math.max(1, slice >> 1);
      if (now() - drawn < frameEvery()) continue;
      drawn = now();
      await show();
    }
    if (mine === generation) await show();
  }

  /** A slow run shows every few steps. */
  function pacedSlice() {
    const pace = paceOf(state.peek('pace'));
    return pace ? Math.max(1, Math.round(pace / 6)) : undefined;
  }

  /** @param {(from: number) => number} target */
  async function run(target) {
    if (status.peek() === 'building' || status.peek() === 'failed') return;
    going = true;
    goal = target;
    // One that is about to pause goes on instead; models that are about to be there begin by themselves.
    if (loop || building) return;
    const mine = generation;
    status.value = 'running';
    await stopMeasuring();
    if (mine !== generation || loop) return;
    loop = advance();
    try {
      await loop;
    } finally {
      loop = undefined;
      // It may have ended before it came to that.
      measuring.value = scanAsked = false;
    }
    // Other models take over.
    if (mine !== generation) return;
    going = false;
    status.value = 'ready';
  }

  /** Trains up to the budget of steps; afterwards, or when it was paused, every k is tried. */
  async function start() {
    const from = step.peek();
    const mine = generation;
    await run(toBudget);
    if (mine === generation && status.peek() === 'ready' && step.peek() > from) await measure();
  }

  /** Tries every k; where training is under way, that waits meanwhile. */
  async function measure() {
    if (scan || building) return;
    if (loop) measuring.value = scanAsked = true;
    else if (status.peek() === 'ready') await tryEveryK();
  }

  async function tryEveryK() {
    scanAsked = false;
    measuring.value = true;
    scan = each((lane) => lane.measure());
    try {
      await scan;
    } finally {
      scan = undefined;
      measuring.value = false;
    }
  }

  async function stopMeasuring() {
    measuring.value = scanAsked = false;
    if (!scan) return;
    await each(async (lane) => lane.stopMeasuring());
    await scan;
  }

  /** @param {unknown} value of the setting */
  async function setPace(value) {
    const pace = paceOf(value);
    await Promise.all([...known.values()].map(({ client }) => client.request('tune', { pace }))).catch(
      report,
    );
  }

  return {
    status,
    lanes,
    kind,
    step,
    measuring,
    notices,
    notify,
    dismiss,
    report,
    build,
    start,
    measure,
    stopMeasuring,
    setPace,
    /** Ends with the slice that is under way, so that all models stand at the same step. */
    async pause() {
      going = false;
      if (loop) await stopMeasuring();
      await loop;
    },
    oneStep: () => run(oneMore),
    reset: () => build({ go: false }),
    /** @param {Values} values whether the models were built with the same */
    isBuiltWith: (values) => differenceOf(state, rebuildValues(state, values), builtWith) === '',
  };
}

/** @typedef {ReturnType<typeof createComparison>} Comparison */
