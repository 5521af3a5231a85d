import { computed, signal } from '@preact/signals';
import { engineConfig } from '../config.js';
import { loadOf } from '../measures.js';
import { createRun } from '../run.js';
import { keepText, leastBytes, TextError } from './data.js';
import { frameViews } from './frame.js';
import { createSink } from './written.js';

/**
 * @typedef {import('../state.js').State} State
 * @typedef {import('../worker/protocol.js').TextSummary} TextSummary
 * @typedef {import('./data.js').Text} Text
 * @typedef {import('./frame.js').FrameViews} FrameViews
 * @typedef {import('./frame.js').FrameShape} FrameShape
 *
 * @typedef {object} RoutedText a text with the routing of its tokens
 * @property {Uint8Array} tokens
 * @property {number} from the first token that has routing; those before it are a prompt
 * @property {FrameShape} shape
 * @property {FrameViews} views by token, counted from `from`
 */

/** Milliseconds between two pictures of a text that is being written. */
const showEvery = 60;

/**
 * The run of the text room: a text, its probe, and what the model writes.
 *
 * @param {object} parts
 * @param {import('../run.js').Client} parts.client
 * @param {State} parts.state
 * @param {(id: string) => Promise<Text>} parts.loadText a text that comes with the page
 * @param {() => Text | undefined} parts.keptText
 */
export function createTextRun({ client, state, loadText, keptText }) {
  const textName = signal('');
  const live = signal(/** @type {RoutedText | null} */ (null));
  const writing = signal(false);
  const written = signal(/** @type {RoutedText | null} */ (null));
  /** @type {Map<string, Text>} by choice of the setting */
  const builtIn = new Map();
  /** @type {Text | undefined} */
  let own = keptText();
  /** @type {number | undefined} */
  let writingId;

  const run = createRun({
    client,
    state,
    /** @type {import('../run.js').Task<Text>} */
    task: {
      name: 'text',
      per: 'byte',
      guess: () => Math.log(256),
      config: () => ({ vocabSize: 256, ...engineConfig(state) }),
      check: (text, config) => requireLength(text, /** @type {any} */ (config)),
      body: ({ bytes }) => ({ bytes }),
      async wanted() {
        if (state.peek('text') === 'own') {
          if (own) return own;
          run.notify('note', 'Your own text was not kept over the reload; the page went back to Moby-Dick.');
          state.setAll([['text', 'moby-dick']]);
        }
        const id = String(state.peek('text'));
        const text = builtIn.get(id) ?? (await loadText(id));
        builtIn.set(id, text);
        return text;
      },
      begin(_built, text) {
        textName.value = text.name;
        live.value = null;
        written.value = null;
      },
      show(shape, buffer) {
        const last = live.peek();
        live.value = routed(shape, buffer);
        return last ? /** @type {ArrayBuffer} */ (last.views.next.buffer) : null;
      },
      loads: (shape, buffer) =>
        frameViews(buffer, shape).layers.map(({ experts }) => loadOf(experts, shape.experts)),
    },
  });

  /**
   * @param {FrameShape} shape
   * @param {ArrayBuffer} buffer
   * @returns {RoutedText}
   */
  function routed(shape, buffer) {
    return {
      tokens: data.peek()?.probe ?? new Uint8Array(),
      from: 0,
      shape,
      views: frameViews(buffer, shape),
    };
  }

  const data = computed(() => /** @type {TextSummary | undefined} */ (run.summary.value?.data));

  /** The routing that is shown: of now, or of the moment that the reader has gone back to. */
  const probe = computed(() => {
    const at = run.moment.value;
    const moment = at === null ? undefined : run.moments.value[at];
    return moment ? routed(/** @type {FrameShape} */ (moment.shape), moment.buffer) : live.value;
  });

  /** @param {Text} text */
  function useText(text) {
    try {
      requireLength(text, /** @type {any} */ (engineConfig(state)));
    } catch (error) {
      run.report(error);
      return undefined;
    }
    own = text;
    keepText(text);
    run.notices.value = [];
    state.set('text', 'own');
    return run.build();
  }

  async function generate() {
    const prompt = new TextEncoder().encode(String(state.peek('prompt')));
    if (!prompt.length) {
      run.notify('problem', 'The beginning is empty; the model needs at least one character to go on from.');
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
      run.report(error);
    } finally {
      clearTimeout(timer);
      writing.value = false;
    }
  }

  return {
    ...run,
    data,
    textName,
    probe,
    writing,
    written,
    useText,
    generate,
    stopWriting: () => run.cancel(writingId),
    hasOwnText: () => own !== undefined,
  };
}

/**
 * @param {Text} text
 * @param {{ batchSize: number, contextLength: number }} config
 */
function requireLength({ name, bytes }, config) {
  const least = leastBytes(config);
  if (bytes.length >= least) return;
  throw new TextError(
    `${name} has ${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}; with ${config.batchSize} streams of ${config.contextLength} bytes ` +
      `at least ${least} are needed. Fewer streams or a shorter segment need less.`,
  );
}

/** @typedef {ReturnType<typeof createTextRun>} TextRun */
