import { batch, signal } from '@preact/signals';
import { DivergedError } from 'hyperrouter-wasm';
import { differenceOf, modelConfig, rebuildValues, requireLength } from './config.js';
import { keepText, TextError } from './data.js';
import { addLoad, addLosses, createLoadHistory, createLossHistory } from './history.js';
import { loadOf } from './measures.js';
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
 * @typedef {object} Notice
 * @property {number} id
 * @property {'note' | 'problem'} kind
 * @property {string} text
 * @property {{ label: string, act: () => void }[]} actions
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
  const notices = signal(/** @type {Notice[]} */ ([]));
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
  let lastNotice = 0;
  let frameAsked = false;
  /** @type {ArrayBuffer | null} */
  let spare = null;
  /** @type {number | undefined} */
  let writingId;
  /** @type {number | undefined} */
  let measuringId;
  /** Work on the model that must not overlap: building, opening, going back. */
  let last = Promise.resolve();

  /**
   * @param {Notice['kind']} kind
   * @param {string} text
   * @param {Notice['actions']} [actions]
   */
  function notify(kind, text, actions = []) {
    const rest = notices.value.filter((notice) => notice.text !== text).slice(-2);
    notices.value = [...rest, { id: ++lastNotice, kind, text, actions }];
  }

  /** @param {number} id */
  function dismiss(id) {
    notices.value = notices.value.filter((notice) => notice.id !== id);
  }

  /** @param {unknown} error */
  function report(error) {
    // A message on a text begins with its name, which stays as it is.
    const whole = error instanceof TextError;
    notify(
      'problem',
      whole ? error.message : sentence(error instanceof Error ? error.message : String(error)),
    );
  }

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
        const config = modelConfig(state);
        requireLength(text, /** @type {any} */ (config));
        const body = { config, learningRate: Number(state.peek('learningRate')), text: bytesToSend(text) };
        const built = await client.request('build', body);
        begin(built, text, state.values.peek());
        await frame(true);
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
      const ended = await client.request('runTo', { step: target });
      // Where another model was built meanwhile, its numbers are already shown.
      if (status.peek() === 'running' && asked === summary.peek()) {
        batch(() => {
          status.value = 'ready';
          step.value = ended.step;
        });
      }
      await frame(true);
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
        const back = await client.request('rewind', {});
        await client.request('tune', { topK: Number(state.peek('topK')), learningRate });
        begin(back, /** @type {Text} */ (sentText), state.values.peek());
        notices.value = [];
        notify('note', `The model is that of step ${back.step} again.`);
        await frame(true);
      } catch (error) {
        report(error);
      }
    });
    return last;
  }

  async function pause() {
    await client.request('pause', {});
  }

  /** Asks for what happened since the last time; at most one question is under way. */
  async function frame(whole = false) {
    if (frameAsked && !whole) return;
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
        const opened = await client.request('restore', body);
        const config = { ...opened.config, topK: opened.topK };
        /** @type {string[]} */
        let problems = [];
        // In one go: the settings must not ask for another model on their way to this one.
        batch(() => {
          problems = state.setAll(Object.entries(config));
          begin(opened, text, state.values.peek());
        });
        notices.value = [];
        notify('note', `The model was opened; it had been trained for ${opened.step} steps.`);
        for (const problem of problems)
          notify('note', `${sentence(problem)} The model itself stays as it is.`);
        await frame(true);
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
    /** @param {{ topK?: number, learningRate?: number }} change */
    tune: async (change) => {
      await client.request('tune', change);
      await frame(true);
    },
    save: async () => (await client.request('save', { optimizer: true })).bytes,
    /** @param {import('./schema.js').Values} values whether the model was built with the same */
    isBuiltWith: (values) => differenceOf(state, rebuildValues(state, values), builtWith) === '',
  };
}

/** @typedef {ReturnType<typeof createRun>} Run */

/** @param {string} text */
function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
