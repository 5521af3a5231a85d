import { batch, signal } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { differenceOf, rebuildValues } from './config.js';
import { createKept } from './kept.js';
import { createNotices } from './notices.js';
import { createRecord } from './record.js';
import { paceOf } from './schema.js';

/**
 * @typedef {import('./trainer/trainer-client.js').Client} Client
 * @typedef {import('./trainer/trainer-protocol.js').Frame} Frame
 * @typedef {import('./trainer/trainer-protocol.js').ModelConfig} ModelConfig
 * @typedef {import('./trainer/trainer-protocol.js').Moment} Moment
 * @typedef {import('./trainer/trainer-protocol.js').Summary} Summary
 * @typedef {import('./trainer/trainer-protocol.js').TaskName} TaskName
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 *
 * @typedef {'building' | 'ready' | 'running' | 'diverged' | 'failed'} Status
 *
 * @typedef {object} EarlierRun
 * @property {string} label what was different from the run that is shown now
 * @property {Values} values that its model was built with
 * @property {number[]} steps
 * @property {number[]} losses smoothed training loss, nats
 */

/**
 * What a run needs to know of what is learned.
 *
 * @template D
 * @typedef {object} Task
 * @property {TaskName} name
 * @property {'byte' | 'character' | 'point'} per what a loss is the mean over
 * @property {() => number} guess loss of a model that knows nothing, nats
 * @property {() => ModelConfig} config for the settings as they are now
 * @property {() => Promise<D>} wanted the data for the settings as they are now
 * @property {(data: D, config: ModelConfig) => void} check throws what is wrong with them
 * @property {(data: D) => object} body what the worker is sent of them
 * @property {(built: Summary) => Values} [settingsOf] what a model out of a file sets besides its configuration
 * @property {(data: D) => string} [missing] what of them no address holds, in words; empty: nothing
 * @property {(data: D) => string} [lacks] what is missing before anything can be learned; empty for nothing
 * @property {(built: Summary, data: D) => void} begin another model is there: nothing of the last is shown
 * @property {(shape: any, buffer: ArrayBuffer) => ArrayBuffer | null} show takes a picture; gives back the buffer of
 *   the last one, if nobody shows it any more
 * @property {(shape: any, buffer: ArrayBuffer) => number[][]} loads [layers, E] of a picture
 */

const forever = Number.MAX_SAFE_INTEGER;
const earlierRuns = 3;
/** A run shorter than this is not worth comparing with. */
const worthKeeping = 30;

/**
 * A training run as the page shows it: what the worker said of it, as signals, and what may be done with it.
 *
 * @template D
 * @param {{ client: Client, state: State, task: Task<D> }} parts
 */
export function createRun({ client, state, task }) {
  const status = signal(/** @type {Status} */ ('building'));
  const summary = signal(/** @type {Summary | null} */ (null));
  const step = signal(0);
  const speed = signal(0);
  const kept = createKept();
  const moments = signal(/** @type {readonly Moment[]} */ ([]));
  /** Which moment is shown; null: the present. */
  const moment = signal(/** @type {number | null} */ (null));
  const earlier = signal(/** @type {EarlierRun[]} */ ([]));
  const { notices, notify, dismiss, report } = createNotices();
  const record = createRecord((key) => state.settingOf(key).label);
  const measuring = signal(false);
  const lossByK = signal(
    /** @type {{ step: number, points: { topK: number, loss: number }[] } | null} */ (null),
  );

  /** @type {D | undefined} what the worker has */
  let sentData;
  /** @type {Values} the settings that its model was built with */
  let builtWith = {};
  let wanted = 0;
  let changing = false;
  let frameAsked = false;
  /** @type {ArrayBuffer | null} */
  let spare = null;
  /** @type {number | undefined} */
  let measuringId;
  /** Work on the model that must not overlap: building, opening, going back. The end of all that was asked for. */
  let last = Promise.resolve();
  let pending = 0;

  /** @param {() => Promise<void>} work that reports its errors itself */
  function inTurn(work) {
    pending++;
    last = last.then(work).finally(() => {
      pending--;
    });
    return last;
  }

  /**
   * A new model for the settings as they are now. If that fails, the last one stays, and the settings go back to it.
   *
   * @param {{ go?: boolean }} [options] go: train at once; by default as before
   */
  function build({ go } = {}) {
    const turn = ++wanted;
    return inTurn(async () => {
      // Another change has come meanwhile.
      if (turn !== wanted) return;
      const wasRunning = go ?? status.peek() === 'running';
      try {
        const data = await task.wanted();
        // As they are at this moment: they may change again while the model is built.
        const values = state.values.peek();
        const config = task.config();
        task.check(data, config);
        const learningRate = Number(values.learningRate);
        const body = { task: task.name, config, learningRate, data: bodyToSend(data) };
        const { built, news } = await change('build', body);
        batch(() => {
          begin(built, data, values, 'built');
          take(news);
        });
        if (wasRunning) start();
      } catch (error) {
        report(error);
        if (!sentData) status.value = 'failed';
        else state.setAll(Object.entries(builtWith));
      }
    });
  }

  /** @param {D} data */
  const bodyToSend = (data) => (data === sentData ? null : task.body(data));

  /**
   * @param {Summary} built
   * @param {D} data
   * @param {Values} values
   * @param {import('./record.js').Origin['kind']} kind
   */
  function begin(built, data, values, kind) {
    const { topK, step: from } = built;
    batch(() => {
      keepCurve(values);
      const live = { topK, learningRate: Number(values.learningRate) };
      record.begin({ kind, step: from }, live, task.missing?.(data) ?? '');
      sentData = data;
      builtWith = rebuildValues(state, values);
      summary.value = built;
      step.value = from;
      kept.forget();
      moments.value = [];
      moment.value = null;
      lossByK.value = null;
      speed.value = 0;
      status.value = 'ready';
      task.begin(built, data);
    });
  }

  /** @param {Values} next */
  function keepCurve(next) {
    const { steps, smooth } = kept.signals.losses.peek();
    const runs = [...earlier.peek()];
    if (steps.length >= worthKeeping) runs.push({ label: '', values: builtWith, steps, losses: smooth });
    const now = rebuildValues(state, next);
    earlier.value = runs
      .slice(-earlierRuns)
      .map((run) => ({ ...run, label: differenceOf(state, run.values, now) || 'the same' }));
  }

  /** @param {number} [target] the step to stop at */
  async function start(target = forever) {
    // Whoever starts while another model is on its way means that one.
    if (pending) {
      while (pending) await last;
      if (status.peek() === 'running') return;
    }
    if (status.peek() === 'building' || status.peek() === 'failed') return;
    const lack = sentData && task.lacks?.(sentData);
    if (lack) {
      notify('note', lack);
      return;
    }
    const asked = summary.peek();
    status.value = 'running';
    try {
      await client.request('runTo', { step: target });
      // First the last step's routing: what stands still must belong together.
      await frame(true);
      // Where another model was built meanwhile, its run is not this one.
      if (status.peek() === 'running' && asked === summary.peek()) status.value = 'ready';
    } catch (error) {
      await diverged(error);
    }
  }

  /** @param {unknown} error */
  async function diverged(error) {
    status.value = 'diverged';
    if (!(error instanceof DivergedError)) {
      report(error);
      return;
    }
    const rate = Number(state.peek('learningRate'));
    const text = `Training broke down: ${error.message}. The learning rate is ${rate}.`;
    const calmer = Number((rate / 10).toPrecision(3));
    notify('problem', text, [
      { label: `Go back to the last good model, with ${calmer}`, act: () => rewind(calmer) },
      { label: 'Begin again at step 0', act: () => build({ go: false }) },
    ]);
    await frame(true).catch(report);
  }

  /** @param {number} learningRate */
  function rewind(learningRate) {
    return inTurn(async () => {
      try {
        state.set('learningRate', learningRate);
        const { built, news } = await change('rewind', {});
        batch(() => {
          begin(built, /** @type {D} */ (sentData), state.values.peek(), 'rewound');
          take(news);
          notices.value = [];
          notify('note', `The model is that of step ${built.step} again.`);
        });
        await tune({ topK: Number(state.peek('topK')), learningRate });
      } catch (error) {
        report(error);
      }
    });
  }

  async function pause() {
    await client.request('pause', {});
  }

  /**
   * Asks for another model, and for its first frame, so that both are shown at once. Frames are not asked for
   * meanwhile: they could be of either model.
   *
   * @template {'build' | 'restore' | 'rewind'} T
   * @param {T} type
   * @param {import('./trainer/trainer-protocol.js').Requests[T]} body
   */
  async function change(type, body) {
    changing = true;
    try {
      const built = /** @type {Summary} */ (await client.request(type, body));
      return { built, news: await client.request('frame', { recycle: null, whole: true }) };
    } finally {
      changing = false;
    }
  }

  /** Asks for what happened since the last time; at most one question is under way. */
  async function frame(whole = false) {
    if (changing || (frameAsked && !whole)) return;
    frameAsked = true;
    try {
      const recycle = spare;
      spare = null;
      const asked = summary.peek();
      const news = await client.request('frame', { recycle, whole }, { transfer: recycle ? [recycle] : [] });
      if (asked === summary.peek()) take(news);
    } finally {
      frameAsked = false;
    }
  }

  /** @param {Frame} news */
  function take(news) {
    batch(() => {
      step.value = news.step;
      speed.value = news.perSecond;
      if (news.moments.length) moments.value = [...moments.peek(), ...news.moments];
      const { buffer, shape } = news;
      const shown = buffer && shape;
      kept.take(news, shown ? task.loads(shape, buffer) : null);
      if (shown) spare = task.show(shape, buffer);
    });
  }

  /** @param {{ topK?: number, learningRate?: number, pace?: number }} settings that the running model takes */
  async function tune(settings) {
    const asked = summary.peek();
    const { step: at } = await client.request('tune', settings);
    if (asked === summary.peek()) record.change(at, settings);
    if (settings.topK !== undefined) await frame(true);
  }

  /** @param {number | undefined} id */
  const cancel = (id) => (id === undefined ? undefined : client.request('cancel', { id }));

  async function measure() {
    const points = /** @type {{ topK: number, loss: number }[]} */ ([]);
    measuring.value = true;
    try {
      const at = step.peek();
      const request = client.request(
        'measure',
        {},
        {
          onPart: (point) => {
            points.push(point);
            lossByK.value = { step: at, points: [...points] };
          },
        },
      );
      measuringId = request.id;
      await request;
    } catch (error) {
      report(error);
    } finally {
      measuring.value = false;
    }
  }

  /**
   * @param {Uint8Array} bytes of a checkpoint
   * @param {object} [missing] what it does not hold itself, by task
   */
  function open(bytes, missing) {
    return inTurn(async () => {
      try {
        const data = await task.wanted();
        const learningRate = Number(state.peek('learningRate'));
        const body = { task: task.name, bytes, learningRate, data: bodyToSend(data), missing };
        const { built, news } = await change('restore', body);
        // In one go: the settings must not ask for another model on their way to this one.
        batch(() => {
          const values = { ...built.config, ...task.settingsOf?.(built), topK: built.topK };
          const problems = state.setAll(Object.entries(values));
          notices.value = [];
          begin(built, data, state.values.peek(), 'opened');
          state.forgetChanges();
          take(news);
          notify('note', `The model was opened; it had been trained for ${built.step} steps.`);
          for (const problem of problems) notify('note', `${problem}. The model itself stays as it is.`);
        });
      } catch (error) {
        report(error);
      }
    });
  }

  return {
    task,
    client,
    state,
    status,
    summary,
    step,
    speed,
    ...kept.signals,
    moments,
    moment,
    earlier,
    notices,
    measuring,
    lossByK,
    ...record.signals,
    notify,
    dismiss,
    report,
    build,
    start,
    pause,
    frame,
    measure,
    open,
    cancel,
    stopMeasuring: () => cancel(measuringId),
    oneStep: async () => {
      while (pending) await last;
      await start(step.peek() + 1);
    },
    reset: () => build({ go: false }),
    forgetEarlier: () => {
      earlier.value = [];
    },
    tune,
    /** @param {unknown} pace the setting */
    setPace: (pace) => tune({ pace: paceOf(pace) }),
    save: async () => (await client.request('save', { optimizer: true })).bytes,
    /** The tensors of a layer's router, as they are now. @param {number} layer counted from 0 */
    inspect: (layer) => client.request('inspect', { layer }),
    /** @param {import('./schema.js').Values} values whether the model was built with the same */
    isBuiltWith: (values) => differenceOf(state, rebuildValues(state, values), builtWith) === '',
  };
}

/** @typedef {ReturnType<typeof createRun<any>>} Run */
