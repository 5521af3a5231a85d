import { batch, signal } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { differenceOf, modelConfig, rebuildValues, requireLength } from './config.js';
import { keepText } from './data.js';
import { addLoad, addLosses, createLoadHistory, createLossHistory } from './history.js';
import { loadOf } from './measures.js';
import { createNotices } from './notices.js';
import { frameViews } from './worker/frame.js';
import { createSink } from './written.js';

/**
 * @typedef {import('./worker/client.js').Client} Client
 * @typedef {import('./worker/protocol.js').Summary} Summary
 * @typedef {import('./worker/frame.js').FrameViews} FrameViews
 * @typedef {import('./worker/frame.js').FrameShape} FrameShape
 * @typedef {import('./state.js').State} State
 * @typedef {import('./schema.js').Values} Values
 * @typedef {import('./data.js').Text} Text
 *
 * @typedef {object} RoutedText a text with the routing of its tokens
 * @property {Uint8Array} tokens
 * @property {number} from the first token that has routing; those before it are a prompt
 * @property {FrameShape} shape
 * @property {FrameViews} views by token, counted from `from`
 *
 * @typedef {'building' | 'ready' | 'running' | 'diverged' | 'failed'} Status
 *
 * @typedef {object} EarlierRun
 * @property {string} label what was different from the run that is shown now
 * @property {Values} values that its model was built with
 * @property {number[]} steps
 * @property {number[]} losses smoothed training loss, nats
 */

const forever = Number.MAX_SAFE_INTEGER;
/** Milliseconds between two pictures of a text that is being written. */
const showEvery = 60;
const earlierRuns = 3;
/** A run shorter than this is not worth comparing with. */
const worthKeeping = 30;

/**
 * The run that the page shows: what the worker said of it, as signals, and what may be done with it.
 *
 * @param {{ client: Client, state: State, loadText: () => Promise<Text>, keptText: () => Text | undefined }} parts
 */
export function createRun({ client, state, loadText, keptText }) {
  const status = signal(/** @type {Status} */ ('building'));
  const summary = signal(/** @type {Summary | null} */ (null));
  const textName = signal('');
  const step = signal(0);
  const speed = signal(0);
  const probe = signal(/** @type {RoutedText | null} */ (null));
  const losses = signal(createLossHistory());
  const loads = signal(createLoadHistory());
  const earlier = signal(/** @type {EarlierRun[]} */ ([]));
  const { notices, notify, dismiss, report } = createNotices();
  const writing = signal(false);
  const written = signal(/** @type {RoutedText | null} */ (null));
  const measuring = signal(false);
  const lossByK = signal(
    /** @type {{ step: number, points: { topK: number, loss: number }[] } | null} */ (null),
  );

  /** @type {Text | undefined} */
  let builtIn;
  /** @type {Text | undefined} */
  let own = keptText();
  /** The text that the worker has, and the settings that its model was built with. */
  /** @type {Text | undefined} */
  let sentText;
  /** @type {Values} */
  let builtWith = {};
  let wanted = 0;
  let changing = false;
  let frameAsked = false;
  /** @type {ArrayBuffer | null} */
  let spare = null;
  /** @type {number | undefined} */
  let writingId;
  /** @type {number | undefined} */
  let measuringId;
  /** Work on the model that must not overlap: building, opening, going back. */
  let last = Promise.resolve();

  /** @returns {Promise<Text>} */
  async function wantedText() {
    if (state.peek('text') === 'own') {
      if (own) return own;
      notify('note', 'Your own text was not kept over the reload; the page went back to Moby-Dick.');
      state.set('text', 'moby-dick');
    }
    builtIn ??= await loadText();
    return builtIn;
  }

  /**
   * A new model for the settings as they are now. If that fails, the last one stays, and the settings go back to it.
   *
   * @param {{ go?: boolean }} [options] go: train at once; by default as before
   */
  function build({ go } = {}) {
    const turn = ++wanted;
    last = last.then(async () => {
      // Another change has come meanwhile.
      if (turn !== wanted) return;
      const wasRunning = go ?? status.peek() === 'running';
      try {
        const text = await wantedText();
        // As they are at this moment: they may change again while the model is built.
        const values = state.values.peek();
        const config = modelConfig(state);
        requireLength(text, /** @type {any} */ (config));
        const body = { config, learningRate: Number(values.learningRate), text: bytesToSend(text) };
        const { built, news } = await change('build', body);
        batch(() => {
          begin(built, text, values);
          take(news);
        });
        if (wasRunning) start();
      } catch (error) {
        report(error);
        if (!sentText) status.value = 'failed';
        else state.setAll(Object.entries(builtWith));
      }
    });
    return last;
  }

  /** @param {Text} text */
  const bytesToSend = (text) => (text === sentText ? null : text.bytes);

  /**
   * @param {Summary} built
   * @param {Text} text
   * @param {Values} values
   */
  function begin(built, text, values) {
    batch(() => {
      keepCurve(values);
      sentText = text;
      builtWith = rebuildValues(state, values);
      summary.value = built;
      textName.value = text.name;
      step.value = built.step;
      losses.value = createLossHistory();
      loads.value = createLoadHistory();
      probe.value = null;
      written.value = null;
      lossByK.value = null;
      speed.value = 0;
      status.value = 'ready';
    });
  }

  /** @param {Values} next */
  function keepCurve(next) {
    const { steps, smooth } = losses.peek();
    const runs = [...earlier.peek()];
    if (steps.length >= worthKeeping) runs.push({ label: '', values: builtWith, steps, losses: smooth });
    const now = rebuildValues(state, next);
    earlier.value = runs
      .slice(-earlierRuns)
      .map((run) => ({ ...run, label: differenceOf(state, run.values, now) || 'the same' }));
  }

  /** @param {number} [target] the step to stop at */
  async function start(target = forever) {
    if (status.peek() === 'building' || status.peek() === 'failed') return;
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
    last = last.then(async () => {
      try {
        state.set('learningRate', learningRate);
        const { built, news } = await change('rewind', {});
        batch(() => {
          begin(built, /** @type {Text} */ (sentText), state.values.peek());
          take(news);
          notices.value = [];
          notify('note', `The model is that of step ${built.step} again.`);
        });
        await tune({ topK: Number(state.peek('topK')), learningRate });
      } catch (error) {
        report(error);
      }
    });
    return last;
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
   * @param {import('./worker/protocol.js').Requests[T]} body
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

  /** @param {import('./worker/protocol.js').Frame} news */
  function take(news) {
    batch(() => {
      step.value = news.step;
      speed.value = news.bytesPerSecond;
      const history = losses.peek();
      addLosses(history, news.step, news.losses);
      history.heldOut.push(...news.heldOut);
      losses.value = { ...history };
      const { buffer, shape } = news;
      const tokens = summary.peek()?.probe;
      if (!buffer || !shape || !tokens) return;
      // The page is done with the routing that it showed until now.
      spare = /** @type {ArrayBuffer | undefined} */ (probe.peek()?.views.next.buffer) ?? null;
      const views = frameViews(buffer, shape);
      probe.value = { tokens, from: 0, shape, views };
      const history2 = loads.peek();
      addLoad(history2, {
        step: news.step,
        layers: views.layers.map(({ experts }) => loadOf(experts, shape.experts)),
      });
      loads.value = { ...history2 };
    });
  }

  /** @param {Text} text */
  function useText(text) {
    try {
      requireLength(text, /** @type {any} */ (modelConfig(state)));
    } catch (error) {
      report(error);
      return undefined;
    }
    own = text;
    keepText(text);
    notices.value = [];
    state.set('text', 'own');
    return build();
  }

  /** @param {{ topK?: number, learningRate?: number }} settings that the running model takes */
  async function tune(settings) {
    await client.request('tune', settings);
    await frame(true);
  }

  async function generate() {
    const prompt = new TextEncoder().encode(String(state.peek('prompt')));
    if (!prompt.length) {
      notify('problem', 'The beginning is empty; the model needs at least one character to go on from.');
      return;
    }
    const maxTokens = Number(state.peek('length'));
    const sink = createSink(prompt, maxTokens);
    written.value = null;
    writing.value = true;
    /** @type {RoutedText | null} */
    let latest = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    // Parts come faster than anybody reads, and each would draw the whole text again.
    const show = () => {
      timer = undefined;
      written.value = latest;
    };
    try {
      const temperature = Number(state.peek('temperature'));
      const topP = Number(state.peek('topP'));
      const seed = Math.floor(Math.random() * 2 ** 31);
      const request = client.request(
        'generate',
        { prompt, maxTokens, temperature, topP, seed },
        {
          onPart: (part) => {
            latest = sink(part);
            timer ??= setTimeout(show, showEvery);
          },
        },
      );
      writingId = request.id;
      await request;
      show();
    } catch (error) {
      report(error);
    } finally {
      clearTimeout(timer);
      writing.value = false;
    }
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

  /** @param {Uint8Array} bytes of a checkpoint */
  function open(bytes) {
    last = last.then(async () => {
      try {
        const text = await wantedText();
        const body = { bytes, learningRate: Number(state.peek('learningRate')), text: bytesToSend(text) };
        const { built, news } = await change('restore', body);
        // In one go: the settings must not ask for another model on their way to this one.
        batch(() => {
          const problems = state.setAll(Object.entries({ ...built.config, topK: built.topK }));
          begin(built, text, state.values.peek());
          take(news);
          notices.value = [];
          notify('note', `The model was opened; it had been trained for ${built.step} steps.`);
          for (const problem of problems) notify('note', `${problem}. The model itself stays as it is.`);
        });
      } catch (error) {
        report(error);
      }
    });
    return last;
  }

  return {
    status,
    summary,
    textName,
    step,
    speed,
    probe,
    losses,
    loads,
    earlier,
    notices,
    writing,
    written,
    measuring,
    lossByK,
    notify,
    dismiss,
    report,
    build,
    start,
    pause,
    frame,
    useText,
    generate,
    measure,
    open,
    stopWriting: () => cancel(writingId),
    stopMeasuring: () => cancel(measuringId),
    oneStep: () => start(step.peek() + 1),
    reset: () => build({ go: false }),
    hasOwnText: () => own !== undefined,
    forgetEarlier: () => {
      earlier.value = [];
    },
    tune,
    save: async () => (await client.request('save', { optimizer: true })).bytes,
    /** @param {import('./schema.js').Values} values whether the model was built with the same */
    isBuiltWith: (values) => differenceOf(state, rebuildValues(state, values), builtWith) === '',
  };
}

/** @typedef {ReturnType<typeof createRun>} Run */
