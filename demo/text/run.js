import { computed, signal } from '@preact/signals';
import { engineConfig } from '../config.js';
import { loadOf } from '../measures.js';
import { createRun } from '../run.js';
import { createSchema } from '../schema.js';
import { createVisits } from '../session/in-room.js';
import { createState } from '../state.js';
import { builtInText, charactersIn, keepText, keptText, leastTokens, TextError } from './data.js';
import { frameViews } from './frame.js';
import { createOpening } from './opening.js';
import { textSettings } from './settings.js';
import { describeUnknown, SymbolVocabulary } from './vocabulary.js';
import { createSink } from './written.js';

/**
 * @typedef {import('../state.js').State} State
 * @typedef {import('../trainer/trainer-protocol.js').TextSummary} TextSummary
 * @typedef {import('./data.js').Text} Text
 * @typedef {import('./frame.js').FrameViews} FrameViews
 * @typedef {import('./frame.js').FrameShape} FrameShape
 *
 * @typedef {object} RoutedText a text with the routing of its tokens
 * @property {Int32Array} tokens
 * @property {number} from the first token that has routing; those before it are a prompt
 * @property {FrameShape} shape
 * @property {FrameViews} views by token, counted from `from`
 */

/** Milliseconds between two pictures of a text that is being written. */
const showEvery = 60;

/**
 * The run of the text room, with its settings and what to do when a room that shows it is entered and left.
 *
 * @param {import('../context.js').Context} context
 */
export function openTextRun(context) {
  return context.shared('text', async () => {
    const state = createState(createSchema(textSettings, context.engine.fields.language));
    const run = createTextRun({ openClient: context.openClient, state });
    return { run, state, ...createVisits({ trained: run, state }) };
  });
}

/**
 * A text, its probe, and what the model writes.
 *
 * @param {{ openClient: () => Promise<import('../trainer/trainer-client.js').TrainerClient>, state: State }} parts
 */
function createTextRun({ openClient, state }) {
  const textName = signal('');
  const writing = signal(false);
  const written = signal(/** @type {RoutedText | null} */ (null));
  /** What the model's tokens stand for. */
  const vocabulary = signal(SymbolVocabulary.bytes());
  /** @type {Map<string, Text>} by choice of the setting */
  const builtIn = new Map();
  /** @type {Text | undefined} */
  let own = keptText();
  /** @type {number | undefined} */
  let writingId;
  /** Texts that the model has written. */
  let texts = 0;

  const run = createRun({
    openClient,
    state,
    /** @type {import('../run.js').Task<Text>} */
    task: {
      name: 'text',
      get per() {
        return vocabulary.value.ofBytes ? 'byte' : 'character';
      },
      guess: () => Math.log(vocabulary.value.size),
      config: () => ({ tokens: state.peek('tokens'), ...engineConfig(state) }),
      check: (text, config) => requireLength(text, /** @type {any} */ (config)),
      settingsOf: ({ data }) => {
        const { ofBytes } = SymbolVocabulary.fromJSON(/** @type {TextSummary} */ (data).vocabulary);
        return { tokens: ofBytes ? 'bytes' : 'characters' };
      },
      body: ({ bytes }) => ({ bytes }),
      missing: ({ name }) => (state.peek('text') === 'own' ? `the text “${name}”` : ''),
      async wanted() {
        if (state.peek('text') === 'own') {
          if (own) return own;
          run.notify('note', 'Your own text was not kept over the reload; the page went back to Moby-Dick.');
          state.setAll([['text', 'moby-dick']]);
        }
        const id = String(state.peek('text'));
        const text = builtIn.get(id) ?? (await builtInText(id));
        builtIn.set(id, text);
        return text;
      },
      begin(built, text) {
        textName.value = text.name;
        written.value = null;
        texts = 0;
        const { unknown, vocabulary: json } = /** @type {TextSummary} */ (built.data);
        vocabulary.value = SymbolVocabulary.fromJSON(json);
        if (unknown) run.notify('note', describeUnknown(text.name, unknown));
      },
      loads: (shape, buffer) =>
        frameViews(buffer, shape).layers.map(({ experts }) => loadOf(experts, shape.experts)),
    },
  });

  const data = computed(() => /** @type {TextSummary | undefined} */ (run.summary.value?.data));

  /** The routing that is shown: of now, or of the moment that the reader has gone back to; null: none yet. */
  const probe = computed(
    /** @returns {RoutedText | null} */ () => {
      const at = run.moment.value;
      const picture = (at === null ? undefined : run.moments.value[at]) ?? run.picture.value;
      if (!picture) return null;
      const shape = /** @type {FrameShape} */ (picture.shape);
      const tokens = data.value?.probe ?? new Int32Array();
      return { tokens, from: 0, shape, views: frameViews(picture.buffer, shape) };
    },
  );

  /** @param {Text} text */
  function useText(text) {
    try {
      requireLength(text, /** @type {any} */ ({ tokens: state.peek('tokens'), ...engineConfig(state) }));
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
    const { tokens, unknown } = vocabulary.peek().encode(prompt);
    if (!tokens.length) {
      const reason = prompt.length
        ? 'The model’s vocabulary has no character of this beginning; it'
        : 'The beginning is empty; the model';
      run.notify('problem', `${reason} needs at least one character to go on from.`);
      return;
    }
    if (unknown) run.notify('note', describeUnknown('The beginning', unknown));
    const maxTokens = Number(state.peek('length'));
    const sink = createSink(tokens, maxTokens);
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
      // Another text each time, but the same ones in every run of these settings.
      const seed = (Number(state.peek('seed')) + 7919 * texts++) % 2 ** 31;
      const request = run.session.request(
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
    opening: createOpening(run, state.settingOf('router').choices ?? []),
    data,
    vocabulary,
    textName,
    probe,
    writing,
    written,
    useText,
    generate,
    stopWriting: () => (writingId === undefined ? undefined : run.session.cancel(writingId)),
    hasOwnText: () => own !== undefined,
  };
}

/**
 * @param {Text} text
 * @param {{ batchSize: number, contextLength: number, tokens?: unknown }} config
 */
function requireLength({ name, bytes }, config) {
  const least = leastTokens(config);
  const unit = config.tokens === 'characters' ? 'character' : 'byte';
  const length = unit === 'byte' ? bytes.length : charactersIn(bytes);
  if (length >= least) return;
  throw new TextError(
    `${name} has ${length} ${unit}${length === 1 ? '' : 's'}; with ${config.batchSize} streams of ` +
      `${config.contextLength} ${unit}s at least ${least} are needed. Fewer streams or a shorter segment need less.`,
  );
}

/** @typedef {ReturnType<typeof createTextRun>} TextRun */
